//! Attempt: set an amount aside, call a deployment, and on to the next one when that fails.

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, Response};
use megarouter_domain::access::{AuthorisedModel, Principal};
use megarouter_domain::code::Code;
use megarouter_domain::id::AttemptId;
use megarouter_domain::model::Deployment;
use megarouter_domain::provider::{Credential, Target};
use megarouter_domain::record::Outcome;
use megarouter_domain::scope::Scope;
use megarouter_domain::snapshot::Snapshot;
use megarouter_ledger::entry::{HoldFact, PinnedPrice};
use megarouter_providers::{catalog, client};
use megarouter_routing::plan::{self, Plan, Step};
use tokio::time::sleep;

use crate::answer::{self, Tried};
use crate::body::Body;
use crate::decode::Call;
use crate::draft::Draft;
use crate::pipeline::Gateway;
use crate::render::Failure;
use crate::settle::Attempt;

/// The output assumed for a hold where neither the client nor the model's record names a bound.
const ASSUMED_OUTPUT: u64 = 4_096;

/// A call with the deployments that may serve it, in order.
pub struct Planned {
    /// The call.
    pub call: Call,
    /// The client's headers.
    pub headers: HeaderMap,
    /// The model, with the proof that it may be used.
    pub model: AuthorisedModel,
    /// What to try.
    pub plan: Plan,
    /// Who is calling.
    pub principal: Principal,
    /// The configuration that the request started with.
    pub snapshot: Arc<Snapshot>,
}

/// Tries the planned deployments until one answers or nothing is left worth trying.
///
/// # Errors
/// What the last attempt failed with.
pub async fn attempt(gateway: &Gateway, mut planned: Planned, mut draft: Draft) -> Result<Response<Body>, Failure> {
    let mut last = None;
    while let Step::Try { index, wait } = planned.plan.next(rand::random()) {
        if !wait.is_zero() {
            sleep(wait).await;
        }
        let deployment = planned.plan.deployments()[index].clone();
        match try_one(gateway, &planned, &deployment, draft).await {
            Tried::Answered(response) => return Ok(response),
            Tried::Final(draft, failure) => return Err(give_up(draft, failure)),
            Tried::Failed(returned, failure, kind) => {
                draft = returned;
                planned.plan.failed(index, kind);
                last = Some(failure);
            }
        }
    }
    let nothing = || Failure::new(Code::ModelUnavailable, "No provider could be tried.");
    Err(give_up(draft, last.unwrap_or_else(nothing)))
}

fn give_up(draft: Draft, failure: Failure) -> Failure {
    let outcome = if draft.attempts() == 0 { Outcome::Refused } else { Outcome::Failed };
    draft.finish(outcome, failure.status().as_u16(), Some(failure.code));
    failure
}

async fn try_one(gateway: &Gateway, planned: &Planned, deployment: &Deployment, draft: Draft) -> Tried {
    let target = match usable(&planned.snapshot, deployment) {
        Ok(target) => target,
        Err(failure) => return Tried::Failed(draft, failure, plan::Failure::Lasting),
    };
    let hold = match gateway.books.hold(worst_case(planned, deployment, target, &draft, gateway)) {
        Ok(hold) => hold,
        Err(error) => {
            return Tried::Final(
                draft,
                Failure::new(error.code(), format!("{error}. Nothing was sent to a provider.")),
            );
        }
    };
    let attempt = Attempt::begin(draft, hold, deployment, &target.provider.name, &gateway.clock);
    let is_streaming = planned.call.is_streaming();
    let patience = if is_streaming { gateway.limits.first_output } else { gateway.limits.whole_answer };
    let body = upstream_body(planned, deployment, target);
    let call = client::Call::post(planned.call.path(), body, &planned.headers, is_streaming, patience);
    let called = gateway.client.call(target, call, gateway.clock.now()).await;
    match called {
        Ok(reply) => answer::read(gateway, &planned.call, target, attempt, reply).await,
        Err(error) => answer::unreached(target, attempt, &error),
    }
}

fn usable<'a>(snapshot: &'a Snapshot, deployment: &Deployment) -> Result<&'a Arc<Target>, Failure> {
    let unavailable = |code: Code, message: String| Err(Failure::new(code, message));
    let Some(target) = snapshot.target(deployment.provider_id) else {
        return unavailable(Code::ModelUnavailable, "The provider that serves this model was removed.".to_owned());
    };
    let name = &target.provider.name;
    if !target.provider.is_enabled {
        return unavailable(Code::ModelUnavailable, format!("The provider `{name}` is switched off in MegaRouter."));
    }
    if let Credential::Unavailable(why) = &target.credential {
        let message = format!("The credential of the provider `{name}` cannot be read: {why}");
        return unavailable(Code::CredentialUnavailable, message);
    }
    Ok(target)
}

fn worst_case(
    planned: &Planned,
    deployment: &Deployment,
    target: &Target,
    draft: &Draft,
    gateway: &Gateway,
) -> HoldFact {
    let (input, output) = match &planned.call {
        Call::Chat(request) => {
            let bound = request.output_bound().or(deployment.max_output_tokens).unwrap_or(ASSUMED_OUTPUT);
            (request.counted_input(), bound.saturating_mul(request.choices()))
        }
        Call::Embeddings(request) => (request.counted_input(), 0),
    };
    let price = deployment.price.as_ref().map(|price| PinnedPrice { id: price.id, rates: price.rates });
    let model = planned.model.model();
    HoldFact {
        attempt_id: AttemptId::new(gateway.clock.now(), rand::random()),
        request_id: draft.request_id(),
        key_id: planned.principal.key.id,
        deployment_id: deployment.id,
        provider_id: deployment.provider_id,
        scopes: vec![
            Scope::Organization(planned.snapshot.organization()),
            Scope::Key(planned.principal.key.id),
            Scope::Provider(deployment.provider_id),
            Scope::Model(model.id),
        ],
        amount: PinnedPrice::worst_case(price.as_ref(), input, output),
        price,
        counted_input: input,
        started_at: draft.started_at(),
        operation: planned.call.operation(),
        model_asked: draft.model_asked(),
        model: model.name.as_str().into(),
        provider: target.provider.name.as_str().into(),
        upstream_model: deployment.upstream_model.as_str().into(),
        is_streaming: planned.call.is_streaming(),
    }
}

fn upstream_body(planned: &Planned, deployment: &Deployment, target: &Target) -> Bytes {
    let asks_for_usage = catalog::kind(&target.provider.kind).is_none_or(|kind| kind.supports_stream_usage);
    match &planned.call {
        Call::Chat(request) => request.splice(&deployment.upstream_model, asks_for_usage, None),
        Call::Embeddings(request) => request.splice(&deployment.upstream_model),
    }
}
