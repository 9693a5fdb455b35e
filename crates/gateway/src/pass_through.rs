//! Pass-through: what only one provider does, sent to it as it came and metered where its answer says how.
//!
//! Nothing is understood but the method, the path below the provider's base URL, and the `model` of a
//! JSON body. Where the organisation has a price for that model it is charged; the cost of any other
//! `POST` is unknown, which is a visible state. Only keys that may use every model may come this way,
//! since the path could reach any of them.

use std::sync::Arc;

use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, Method, Response};
use megarouter_dialect::operations::pass_through::{self, PassedRequest, Watch};
use megarouter_domain::access::Principal;
use megarouter_domain::code::Code;
use megarouter_domain::id::DeploymentId;
use megarouter_domain::key::ModelAccess;
use megarouter_domain::model::{Deployment, Model};
use megarouter_domain::provider::Target;
use megarouter_domain::record::{Operation, Outcome};
use megarouter_domain::snapshot::Snapshot;
use megarouter_domain::usage::{Usage, UsageSource};
use megarouter_providers::catalog::{self, Cancel};
use megarouter_providers::client::{self, UpstreamResponse};
use megarouter_providers::errors;
use tokio::time::timeout;
use uuid::Uuid;

use crate::accept::Arrival;
use crate::answer::{self, Tried};
use crate::attempt::{self, Holding};
use crate::attribution;
use crate::body::Body;
use crate::books::{Output, WorstCase};
use crate::decode;
use crate::draft::Draft;
use crate::idempotency::Repeatable;
use crate::pipeline::Gateway;
use crate::relay::{self, Relay};
use crate::render::Failure;
use crate::settle::{Attempt, Callee, Consumption};

/// A call for one provider.
pub struct Through {
    /// Who is calling.
    pub principal: Principal,
    /// The configuration that the request started with.
    pub snapshot: Arc<Snapshot>,
    /// The provider's name.
    pub provider: String,
    /// The path below its base URL.
    pub path: String,
    /// The method.
    pub method: Method,
    /// The query, without the question mark.
    pub query: String,
    /// The client's headers.
    pub headers: HeaderMap,
}

/// What is sent, and what it may cost.
struct Passing<'a> {
    target: &'a Arc<Target>,
    body: Bytes,
    said: PassedRequest,
    /// The public model that is meant, where the body names one that the organisation knows.
    model: Option<&'a Arc<Model>>,
    deployment: Deployment,
}

impl Gateway {
    /// Sends a call to one provider as it came.
    pub(crate) async fn pass_through<B>(
        &self,
        arrival: &Arrival,
        through: Through,
        body: B,
    ) -> Result<Response<Body>, Failure>
    where
        B: http_body::Body<Data = Bytes>,
        B::Error: std::fmt::Display,
    {
        let key = through.principal.key.id;
        let mut draft = Draft::begin(
            &self.books,
            &self.clock,
            arrival,
            key,
            through.snapshot.units_of(key),
            Operation::PassThrough,
        );
        let passing = match self.read_passing(&through, body, &mut draft).await {
            Ok(passing) => passing,
            Err(failure) => {
                draft.finish(Outcome::Refused, failure.status(arrival.dialect).as_u16(), Some(failure.code));
                return Err(failure);
            }
        };
        draft.asked(passing.said.model.as_deref().unwrap_or_default(), passing.said.is_streaming);
        if let Some(model) = passing.model {
            draft.resolved(&model.name);
        }
        match self.send_passing(&through, &passing, draft).await {
            Tried::Answered(response) => Ok(response),
            Tried::Failed(draft, failure, _) | Tried::Final(draft, failure) => {
                Err(attempt::give_up(draft, arrival.dialect, failure))
            }
        }
    }

    async fn read_passing<'a, B>(
        &self,
        through: &'a Through,
        body: B,
        draft: &mut Draft,
    ) -> Result<Passing<'a>, Failure>
    where
        B: http_body::Body<Data = Bytes>,
        B::Error: std::fmt::Display,
    {
        draft.attributed(attribution::read(&through.headers)?);
        if through.principal.key.models != ModelAccess::All {
            let message = "This key may use some models only, and a call that is passed on could use any. Use a key for all \
                           models.";
            return Err(Failure::new(Code::ModelForbidden, message));
        }
        self.refuse_while_paused()?;
        let Some(target) = through.snapshot.target_named(&through.provider) else {
            let message = format!("There is no provider `{}` here. Its name is under Providers.", through.provider);
            return Err(Failure::new(Code::PathNotFound, message));
        };
        attempt::check_usable(target)?;
        let body = decode::read(body, &self.limits).await?;
        let repeatable = Repeatable::read(&through.headers, through.principal.key.id, None, &body)?;
        let said = if body.is_empty() || !is_json(&through.headers) {
            PassedRequest { counted_input: body.len() as u64 / 4, ..PassedRequest::default() }
        } else {
            pass_through::read(&body).map_err(|error| decode::invalid(&error))?
        };
        let known = said.model.as_deref().and_then(|name| find(&through.snapshot, target, name));
        let (model, deployment) = match known {
            Some((model, deployment)) => (Some(model), deployment.clone()),
            None => (None, unknown(target, said.model.clone().unwrap_or_default())),
        };
        if let Some(repeatable) = repeatable.filter(|_| through.method == Method::POST) {
            draft.claim(&self.names, repeatable)?;
        }
        Ok(Passing { target, body, said, model, deployment })
    }

    async fn send_passing(&self, through: &Through, passing: &Passing<'_>, draft: Draft) -> Tried {
        let target = passing.target;
        let counted = Usage { input: Some(passing.said.counted_input), ..Usage::UNREPORTED };
        let worst = WorstCase::of(counted, passing.body.len() as u64);
        // What only reads or deletes is not charged.
        let is_free = through.method != Method::POST;
        let holding = Holding {
            principal: &through.principal,
            snapshot: &through.snapshot,
            model: passing.model.map(|model| (model.id, model.name.as_str())),
            deployment: &passing.deployment,
            target,
            operation: Operation::PassThrough,
            is_free,
            worst: if is_free { worst } else { WorstCase { output: Output::Unbounded, ..worst } },
            is_streaming: passing.said.is_streaming,
        };
        let (draft, hold) = match self.hold(&holding, draft).await {
            Ok(held) => held,
            Err(refused) => return *refused,
        };
        let charged = Arc::clone(hold.fact());
        let kind = catalog::kind(&target.provider.kind);
        let callee = Callee {
            deployment: &passing.deployment,
            provider: &target.provider.name,
            dialect: None,
            cancel: kind.map_or(Cancel::Unknown, |kind| kind.cancel),
        };
        let attempt = Attempt::begin(draft, hold, callee, &self.clock);
        let query = without_key(&through.query);
        let content_type = through.headers.get(CONTENT_TYPE).cloned();
        let call = client::Call {
            method: through.method.clone(),
            query: Some(&query).filter(|query| !query.is_empty()).map(String::as_str),
            content_type: content_type.unwrap_or(HeaderValue::from_static("application/octet-stream")),
            ..client::Call::post(
                &through.path,
                passing.body.clone(),
                &through.headers,
                passing.said.is_streaming,
                self.limits.whole_answer,
            )
        };
        let tried = match self.client.call(target, call, self.clock.now()).await {
            Ok(reply) => self.read_passed(target, through, attempt, reply).await,
            Err(error) => answer::unreached(target, attempt, &error),
        };
        self.with_what_is_left(tried, &charged, &through.snapshot)
    }

    async fn read_passed(
        &self,
        target: &Arc<Target>,
        through: &Through,
        mut attempt: Attempt,
        reply: UpstreamResponse,
    ) -> Tried {
        let status = reply.status;
        attempt.answered(status.as_u16(), reply.request_id.as_deref());
        if status.is_success() && reply.is_event_stream() {
            return self.relay_passed(target, through, attempt, reply).await;
        }
        let UpstreamResponse { headers, body, .. } = reply;
        let body = match timeout(self.limits.whole_answer, body.read_all(self.limits.max_answer_bytes)).await {
            Ok(Ok(body)) => errors::scrub(&body, target),
            Ok(Err(error)) => return answer::broke(attempt, &target.provider.name, &error),
            Err(_) => return answer::timed_out(attempt, &target.provider.name, self.limits.whole_answer),
        };
        attempt.first_output();
        // What only reads or deletes is not charged, and neither is what was refused.
        let is_charged = status.is_success() && through.method == Method::POST;
        let consumption = match pass_through::usage(&body) {
            Some(usage) if is_charged => Consumption::Metered(usage, UsageSource::Reported),
            None if is_charged => Consumption::Uncertain,
            _ => Consumption::Nothing,
        };
        if let Err(error) = attempt.until_durable().await {
            let failure = Failure::new(error.code(), error.to_string());
            return Tried::Final(attempt.fail(error.code(), &error.to_string(), consumption), failure);
        }
        attempt.output_begins(status.as_u16());
        let outcome = if status.is_success() { Outcome::Completed } else { Outcome::Failed };
        let error = (!status.is_success()).then_some(Code::UpstreamError);
        attempt.finish(consumption, outcome, status.as_u16(), error);
        let mut response = Response::new(Body::full(body));
        *response.status_mut() = status;
        *response.headers_mut() = headers;
        Tried::Answered(response)
    }

    async fn relay_passed(
        &self,
        target: &Arc<Target>,
        through: &Through,
        mut attempt: Attempt,
        reply: UpstreamResponse,
    ) -> Tried {
        let status = reply.status;
        if let Err(error) = attempt.until_durable().await {
            let failure = Failure::new(error.code(), error.to_string());
            return Tried::Final(attempt.fail(error.code(), &error.to_string(), Consumption::Uncertain), failure);
        }
        attempt.first_output();
        attempt.output_begins(status.as_u16());
        let UpstreamResponse { headers, body, .. } = reply;
        let guard = self.guard(&attempt, &through.snapshot);
        let way = relay::Way { target: Arc::clone(target), dialect: None, scanner: Box::new(Watch::default()), guard };
        let relay = Relay::new(way, attempt, Bytes::new(), body, &self.clock, &self.limits);
        let mut response = Response::new(Body::relay(relay));
        *response.status_mut() = status;
        *response.headers_mut() = headers;
        response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
        Tried::Answered(response)
    }
}

fn is_json(headers: &HeaderMap) -> bool {
    let kind = headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    kind.trim_start().to_ascii_lowercase().starts_with("application/json")
}

/// The deployment that a body's `model` means at this provider.
fn find<'a>(snapshot: &'a Snapshot, target: &Target, name: &str) -> Option<(&'a Arc<Model>, &'a Deployment)> {
    let is_meant =
        |deployment: &&Deployment| deployment.provider_id == target.provider.id && deployment.upstream_model == name;
    snapshot.models().iter().find_map(|model| Some((model, model.deployments.iter().find(is_meant)?)))
}

/// What stands in the ledger where no deployment is meant.
fn unknown(target: &Target, upstream_model: String) -> Deployment {
    Deployment {
        id: DeploymentId::from_uuid(Uuid::nil()),
        provider_id: target.provider.id,
        upstream_model,
        price: None,
        max_output_tokens: None,
        can_reason: None,
    }
}

/// The query without the virtual key that some clients put there.
fn without_key(query: &str) -> String {
    let is_key = |pair: &&str| pair.split('=').next() == Some("key");
    query.split('&').filter(|pair| !pair.is_empty() && !is_key(pair)).collect::<Vec<_>>().join("&")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_virtual_key_stays_here() {
        assert_eq!(without_key("a=1&key=mr-secret&b=2"), "a=1&b=2");
        assert_eq!(without_key("key=mr-secret"), "");
        assert_eq!(without_key(""), "");
    }
}
