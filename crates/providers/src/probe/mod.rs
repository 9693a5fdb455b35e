//! Questions of a person who sets a provider up: does it answer ([`test()`]), what runs on this machine
//! ([`detect_local`]), which credentials lie in the environment ([`environment`]).

mod detection;

use std::time::{Duration, Instant};

use http::HeaderMap;
use megarouter_dialect::openai_chat::error as error_body;
use megarouter_domain::clock::Timestamp;
use megarouter_domain::provider::Target;
use serde::Deserialize;

pub use self::detection::{DetectedServer, EnvironmentCredential, detect_local, environment};
use crate::catalog;
use crate::client::{Call, Client, UpstreamResponse};
use crate::errors::{self, CallError};

/// The most that is read of a list of models. OpenRouter's is near 1 MiB.
const LIST_LIMIT: usize = 8 << 20;

/// The most that is read of an error.
const ERROR_LIMIT: usize = 64 << 10;

/// How long a provider may take to answer a test.
const TEST_TIMEOUT: Duration = Duration::from_secs(10);

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
    /// The provider's own ids of its models.
    pub models: Vec<String>,
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
            Self::PathNotFound => "path.not_found",
            Self::AnswerMalformed => "answer.malformed",
            Self::UpstreamError => "upstream.error",
        }
    }
}

#[derive(Deserialize)]
struct ModelList {
    data: Option<Vec<ListedModel>>,
}

#[derive(Deserialize)]
struct ListedModel {
    id: String,
}

impl Diagnosis {
    /// True when requests can be sent to the provider.
    pub const fn is_ok(&self) -> bool {
        self.problem.is_none()
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

/// Asks a provider for its models, with its credential; sends nothing that is billed.
pub async fn test(client: &Client, target: &Target) -> Diagnosis {
    let kind = catalog::kind(&target.provider.kind);
    let path = kind.map_or("/models", |kind| kind.models_path);
    let started = Instant::now();
    let found = match ask(client, target, path).await {
        Ok(response) => {
            let (latency, status) = (started.elapsed(), response.status.as_u16());
            let found = read_answer(response, target).await;
            Diagnosis { latency: Some(latency), status: Some(status), ..found }
        }
        Err(error) => diagnose(&error),
    };
    match kind.and_then(|kind| kind.credential_path) {
        Some(path) if found.is_ok() => check_credential(client, target, path, found).await,
        _ => found,
    }
}

async fn ask(client: &Client, target: &Target, path: &str) -> Result<UpstreamResponse, CallError> {
    let none = HeaderMap::new();
    client.call(target, Call::get(path, &none, TEST_TIMEOUT), Timestamp::from_micros(0)).await
}

/// A public model list says nothing about the credential, so a second path is asked.
async fn check_credential(client: &Client, target: &Target, path: &str, found: Diagnosis) -> Diagnosis {
    match ask(client, target, path).await {
        Ok(response) if response.status.is_success() => found,
        Ok(response) => {
            let status = response.status.as_u16();
            Diagnosis { latency: found.latency, status: Some(status), ..read_error(response, target).await }
        }
        Err(error) => diagnose(&error),
    }
}

async fn read_answer(response: UpstreamResponse, target: &Target) -> Diagnosis {
    if !response.status.is_success() {
        return read_error(response, target).await;
    }
    let malformed = |message: &str| {
        let next_step = "Check that the address ends with the version, such as /v1.";
        Diagnosis::of_problem(Problem::AnswerMalformed, message.to_owned(), next_step)
    };
    let Ok(body) = response.body.read_all(LIST_LIMIT).await else {
        return malformed("The server began to list its models and did not finish.");
    };
    let Some(models) = listed(&body) else {
        return malformed("The server answered, but not with a list of models.");
    };
    let message = match models.len() {
        0 => "The server answered; it offers no models yet.".to_owned(),
        1 => "The server answered; it offers 1 model.".to_owned(),
        count => format!("The server answered; it offers {count} models."),
    };
    Diagnosis { problem: None, message, next_step: None, latency: None, status: None, models }
}

/// The ids of a model list; some providers send the bare array.
fn listed(body: &[u8]) -> Option<Vec<String>> {
    let models = serde_json::from_slice::<ModelList>(body)
        .ok()
        .and_then(|list| list.data)
        .or_else(|| serde_json::from_slice::<Vec<ListedModel>>(body).ok())?;
    Some(models.into_iter().map(|model| model.id).collect())
}

async fn read_error(response: UpstreamResponse, target: &Target) -> Diagnosis {
    let status = response.status.as_u16();
    let body = response.body.read_all(ERROR_LIMIT).await.unwrap_or_default();
    let said = error_body::parse(&errors::scrub(&body, target));
    let is_quota = status == 402 || status == 429;
    let (problem, what, next_step) = match status {
        401 | 403 => (
            Problem::CredentialRejected,
            "The provider refused the key",
            "Check that the key was copied whole, is still valid, and belongs to this provider.",
        ),
        _ if is_quota => (
            Problem::QuotaExhausted,
            "The provider knows the key, but its limit or balance is used up",
            "Check the balance and limits in the provider's console.",
        ),
        404 | 405 => (
            Problem::PathNotFound,
            "The server answered, but has no such API at this address",
            "Check that the address ends with the version, such as /v1.",
        ),
        300..=399 => (
            Problem::PathNotFound,
            "The server sent us to another address, which is not followed",
            "Enter the address that the provider's documentation names.",
        ),
        _ => (
            Problem::UpstreamError,
            "The provider answered with an error",
            "Try again later; if it stays, look at the provider's status page.",
        ),
    };
    let quote = said.map(|said| format!(": {}", cut(&said.message))).unwrap_or_default();
    Diagnosis::of_problem(problem, format!("{what} (status {status}){quote}"), next_step)
}

/// At most 300 characters on one line.
fn cut(text: &str) -> String {
    text.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).take(300).collect()
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
mod tests {
    use super::*;
    use crate::client::ClientOptions;
    use crate::scripted::{Act, LIST, Scripted, json, target};

    fn client() -> Client {
        Client::new(&ClientOptions::default()).unwrap()
    }

    async fn found(status: &str, body: &str) -> Diagnosis {
        let server = Scripted::start(vec![Act::Answer(json(status, body))]).await;
        test(&client(), &server.target()).await
    }

    #[tokio::test]
    async fn a_list_of_models_is_a_good_provider() {
        let mut server = Scripted::start(vec![Act::Answer(json("200 OK", LIST))]).await;
        let diagnosis = test(&client(), &server.target()).await;
        assert!(diagnosis.is_ok() && diagnosis.latency.is_some());
        assert_eq!((diagnosis.status, diagnosis.models), (Some(200), vec!["a".to_owned(), "b".to_owned()]));
        assert!(server.next_request().await.starts_with("GET /v1/models "));
        assert!(found("200 OK", r#"[{"id":"a"}]"#).await.is_ok());
        assert!(found("200 OK", r#"{"data":[]}"#).await.is_ok());
    }

    #[tokio::test]
    async fn every_fault_has_a_code_and_a_next_step() {
        let wrong_key = r#"{"error":{"message":"bad key sk-canary"}}"#;
        for (status, body, problem) in [
            ("401 Unauthorized", wrong_key, Problem::CredentialRejected),
            ("403 Forbidden", "", Problem::CredentialRejected),
            ("402 Payment Required", "", Problem::QuotaExhausted),
            ("429 Too Many Requests", "", Problem::QuotaExhausted),
            ("404 Not Found", "<html>", Problem::PathNotFound),
            ("301 Moved Permanently", "", Problem::PathNotFound),
            ("500 Internal Server Error", "", Problem::UpstreamError),
            ("200 OK", "<html>", Problem::AnswerMalformed),
            ("200 OK", "{}", Problem::AnswerMalformed),
        ] {
            let diagnosis = found(status, body).await;
            assert_eq!(diagnosis.problem, Some(problem), "{status}");
            assert!(diagnosis.next_step.is_some() && diagnosis.status.is_some(), "{status}");
            assert!(!diagnosis.message.contains("canary"), "{}", diagnosis.message);
        }
    }

    #[tokio::test]
    async fn faults_without_an_answer_are_told_apart() {
        let at = |base_url: &str| {
            let target = target(base_url);
            async move { test(&client(), &target).await }
        };
        let refused = at("http://127.0.0.1:1/v1").await;
        assert_eq!((refused.problem, refused.status), (Some(Problem::ConnectRefused), None));
        assert_eq!(refused.message, "The provider's host refused the connection.");
        assert_eq!(at("http://example.com/v1").await.problem, Some(Problem::AddressRefused));
    }

    #[tokio::test]
    async fn a_public_list_does_not_prove_a_credential() {
        let refused = json("401 Unauthorized", r#"{"error":{"message":"No auth credentials found"}}"#);
        let mut server = Scripted::start(vec![Act::Answer(json("200 OK", LIST)), Act::Answer(refused)]).await;
        let mut target = server.target();
        target.provider.kind = "openrouter".to_owned();
        assert_eq!(test(&client(), &target).await.problem, Some(Problem::CredentialRejected));
        assert!(server.next_request().await.starts_with("GET /v1/models "));
        assert!(server.next_request().await.starts_with("GET /v1/key "));
    }
}
