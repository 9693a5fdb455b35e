//! Questions of a person who sets a provider up: does it answer ([`test()`]), what runs on this machine
//! ([`detect_local`]), which credentials lie in the environment ([`environment`]).

mod answer;
mod detection;
mod question;

use std::time::{Duration, Instant};

use bytes::Bytes;
use http::HeaderMap;
use megarouter_domain::clock::Timestamp;
use megarouter_domain::provider::Target;

pub use self::detection::{DetectedServer, EnvironmentCredential, detect_local, environment};
use crate::catalog::{self, DiscoveredModel, Endpoint, Kind, ModelList, Serves};
use crate::client::{Call, Client, UpstreamResponse};
use crate::errors::CallError;

/// The most that is read of a list of models. OpenRouter's is near 1 MiB.
const LIST_LIMIT: usize = 8 << 20;

/// The most that is read of an error.
const ERROR_LIMIT: usize = 64 << 10;

/// How long a provider may take to answer a test.
const TEST_TIMEOUT: Duration = Duration::from_secs(10);

/// How long a model may take for a few words; a local one may have to be loaded first.
const MODEL_TIMEOUT: Duration = Duration::from_secs(60);

/// A name that no model has, to see whether a provider without a list takes the credential.
const NO_MODEL: &str = "megarouter-test";

/// What a test found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnosis {
    /// What is wrong; `None` when nothing is.
    pub problem: Option<Problem>,
    /// What happened, as a sentence.
    pub message: String,
    /// What to do about it, as a sentence.
    pub next_step: Option<String>,
    /// From the call to the answer's head; `None` without an answer.
    pub latency: Option<Duration>,
    /// The HTTP status; `None` without an answer.
    pub status: Option<u16>,
    /// The provider's models, as far as its list tells.
    pub models: Vec<DiscoveredModel>,
}

/// What can be wrong with a provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Problem {
    /// The base URL may not be dialled.
    AddressRefused,
    /// Its host name does not resolve.
    Dns,
    /// Nothing listens there.
    ConnectRefused,
    /// It does not answer.
    ConnectTimeout,
    /// No safe connection.
    Tls,
    /// It refused the credential.
    CredentialRejected,
    /// The credential cannot be read.
    CredentialUnavailable,
    /// Its account is empty, or its rate limit used up.
    QuotaExhausted,
    /// It answers, and has no such model or does not let the credential use it.
    ModelNotFound,
    /// It answers, and has no such API there.
    PathNotFound,
    /// It answers with something else.
    AnswerMalformed,
    /// It answers with an error of its own.
    UpstreamError,
}

impl Problem {
    /// The stable code.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AddressRefused => "address.refused",
            Self::Dns => "dns.failed",
            Self::ConnectRefused => "connect.refused",
            Self::ConnectTimeout => "connect.timeout",
            Self::Tls => "tls.failed",
            Self::CredentialRejected => "credential.rejected",
            Self::CredentialUnavailable => "credential.unavailable",
            Self::QuotaExhausted => "quota.exhausted",
            Self::ModelNotFound => "model.not_found",
            Self::PathNotFound => "path.not_found",
            Self::AnswerMalformed => "answer.malformed",
            Self::UpstreamError => "upstream.error",
        }
    }
}

impl Diagnosis {
    /// True when requests can be sent to the provider.
    pub const fn is_ok(&self) -> bool {
        self.problem.is_none()
    }

    fn fine(message: String, models: Vec<DiscoveredModel>) -> Self {
        Self { problem: None, message, next_step: None, latency: None, status: None, models }
    }

    fn of_problem(problem: Problem, message: String, next_step: &str) -> Self {
        Self {
            problem: Some(problem),
            message,
            next_step: Some(next_step.to_owned()),
            latency: None,
            status: None,
            models: vec![],
        }
    }
}

/// A provider under test.
struct Patient<'a> {
    client: &'a Client,
    target: &'a Target,
    kind: Option<&'static Kind>,
    now: Timestamp,
}

/// Asks a provider for its models, with its credential. Without a model nothing is billed; with one
/// it is asked for a few words too, which costs a fraction of a cent. `now` is the wall clock.
pub async fn test(client: &Client, target: &Target, model: Option<&str>, now: Timestamp) -> Diagnosis {
    let kind = catalog::kind(&target.provider.kind);
    let patient = Patient { client, target, kind, now };
    let listed = match kind.map_or(Some(ModelList::OPENAI), |kind| kind.model_list) {
        Some(list) => patient.list(list).await,
        None => patient.accepts_credential().await,
    };
    // A server without a list may still serve the model that is asked for.
    let is_worth_asking = listed.is_ok() || listed.problem == Some(Problem::PathNotFound);
    match model {
        Some(model) if is_worth_asking => Diagnosis { models: listed.models, ..patient.ask_model(model).await },
        _ => listed,
    }
}

impl Patient<'_> {
    /// Asks for the list, and for what proves the credential where the list does not.
    async fn list(&self, list: ModelList) -> Diagnosis {
        let own = self.list_target(list);
        let target = own.as_ref().unwrap_or(self.target);
        let none = HeaderMap::new();
        let call = Call { at_root: list.at_root, ..Call::get(list.path, &none, TEST_TIMEOUT) };
        let found = self.ask(target, call, async |response| answer::of_list(response, target, list.shape).await).await;
        match self.kind.and_then(|kind| kind.credential_path) {
            Some(path) if found.is_ok() => self.check_credential(path, found).await,
            _ => found,
        }
    }

    /// The same provider where its list is, for the few that keep it at another host.
    fn list_target(&self, list: ModelList) -> Option<Target> {
        let base_url = self.kind?.fill_from(&self.target.provider.base_url, list.base_url?)?;
        let mut target = self.target.clone();
        target.provider.base_url = base_url;
        Some(target)
    }

    /// A public model list says nothing about the credential, so a second path is asked.
    async fn check_credential(&self, path: &str, found: Diagnosis) -> Diagnosis {
        let none = HeaderMap::new();
        let call = Call::get(path, &none, TEST_TIMEOUT);
        let checked = self.ask(self.target, call, async |response| answer::of_check(response, self.target).await).await;
        if checked.is_ok() { found } else { Diagnosis { latency: found.latency, ..checked } }
    }

    /// Sends a conversation that cannot be answered: who refuses it for its model knew the
    /// credential, and nothing is billed.
    async fn accepts_credential(&self) -> Diagnosis {
        let found = self.ask_model(NO_MODEL).await;
        let is_refused_for_the_model = match found.problem {
            Some(Problem::ModelNotFound) => true,
            Some(Problem::UpstreamError) => matches!(found.status, Some(400 | 404 | 422)),
            _ => false,
        };
        if !is_refused_for_the_model {
            return found;
        }
        let message = "The server answered and took the key; it has no list of its models.".to_owned();
        Diagnosis { latency: found.latency, status: found.status, ..Diagnosis::fine(message, vec![]) }
    }

    /// Asks a model for a few words, in the dialect that suits it best.
    async fn ask_model(&self, model: &str) -> Diagnosis {
        let none = HeaderMap::new();
        let endpoint = match self.kind {
            None => Some(&Endpoint::CHAT),
            Some(kind) => {
                kind.dialects(model, &[]).find_map(|dialect| kind.endpoint(Serves::Conversation(dialect), model))
            }
        };
        let Some((endpoint, dialect)) = endpoint.and_then(|endpoint| Some((endpoint, endpoint.dialect()?))) else {
            let message = format!("The provider holds no conversations with `{model}`.");
            return Diagnosis::of_problem(Problem::ModelNotFound, message, "Choose another model.");
        };
        let bound = self.kind.map_or("max_tokens", |kind| kind.output_bound_field);
        let body = question::smallest(dialect, endpoint, model, bound);
        let path = endpoint.path_for(model, false);
        let call = Call::post(&path, Bytes::from(body), &none, false, MODEL_TIMEOUT).to_endpoint(endpoint);
        self.ask(self.target, call, async |response| answer::of_model(response, self.target, model).await).await
    }

    async fn ask(
        &self,
        target: &Target,
        call: Call<'_>,
        read: impl AsyncFnOnce(UpstreamResponse) -> Diagnosis,
    ) -> Diagnosis {
        let started = Instant::now();
        match self.client.call(target, call, self.now).await {
            Ok(response) => {
                let (latency, status) = (started.elapsed(), response.status.as_u16());
                Diagnosis { latency: Some(latency), status: Some(status), ..read(response).await }
            }
            Err(error) => diagnose(&error),
        }
    }
}

fn diagnose(error: &CallError) -> Diagnosis {
    let (problem, next_step) = match error {
        CallError::Address(_) => (Problem::AddressRefused, "Correct the address."),
        CallError::CredentialUnavailable(_) => {
            (Problem::CredentialUnavailable, "Enter the key again, or unlock the store it is kept in.")
        }
        CallError::Dns => (Problem::Dns, "Check the spelling of the host, and that this machine is online."),
        CallError::ConnectRefused => (Problem::ConnectRefused, "Check the port, and that the server has been started."),
        CallError::ConnectTimeout | CallError::FirstByteTimeout => {
            (Problem::ConnectTimeout, "Check the address, and that no firewall is in between.")
        }
        CallError::Tls(_) => {
            (Problem::Tls, "Check this machine's clock and certificates, and whether a proxy opens secure connections.")
        }
        CallError::Broken(_) | CallError::Unacceptable(_) => {
            (Problem::AnswerMalformed, "Check that the address is that of an API.")
        }
    };
    Diagnosis::of_problem(problem, sentence(&error.to_string()), next_step)
}

fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| format!("{}{}.", first.to_uppercase(), letters.as_str())).unwrap_or_default()
}

#[cfg(test)]
mod tests;
