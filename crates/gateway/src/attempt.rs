//! Attempt: set an amount aside, call a deployment, and on to the next one when that fails.

use std::sync::{Arc, LazyLock};

use http::{HeaderMap, Response};
use megarouter_domain::access::{AuthorisedModel, Principal};
use megarouter_domain::clock::Clock;
use megarouter_domain::code::Code;
use megarouter_domain::dialect::Dialect;
use megarouter_domain::id::{AttemptId, ModelId};
use megarouter_domain::model::Deployment;
use megarouter_domain::provider::{Credential, Target};
use megarouter_domain::record::{Operation, Outcome};
use megarouter_domain::scope::Scope;
use megarouter_domain::snapshot::Snapshot;
use megarouter_domain::usage::Usage;
use megarouter_ledger::entry::{HoldFact, PinnedPrice};
use megarouter_providers::client;
use megarouter_routing::plan::{self, Plan, Step};
use tokio::time::sleep;

use crate::answer::{self, Tried};
use crate::body::Body;
use crate::decode::{Call, Content};
use crate::draft::Draft;
use crate::outbound;
use crate::pipeline::Gateway;
use crate::render::Failure;
use crate::settle::Attempt;

/// A call with the deployments that may serve it, in order.
pub struct Planned {
    /// The call.
    pub call: Call,
    /// The client's headers.
    pub headers: HeaderMap,
    /// The model, with the proof that it may be used.
    pub model: AuthorisedModel,
    /// Whether to refuse when a translation would lose something.
    pub is_strict: bool,
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
    let dialect = planned.call.dialect;
    let mut last = None;
    while let Step::Try { index, wait } = planned.plan.next(rand::random()) {
        if !wait.is_zero() {
            sleep(wait).await;
        }
        let deployment = planned.plan.deployments()[index].clone();
        match try_one(gateway, &planned, &deployment, draft).await {
            Tried::Answered(response) => return Ok(response),
            Tried::Final(draft, failure) => return Err(give_up(draft, dialect, failure)),
            Tried::Failed(returned, failure, kind) => {
                draft = returned;
                planned.plan.failed(index, kind);
                last = Some(failure);
            }
        }
    }
    let nothing = || Failure::new(Code::ModelUnavailable, "No provider could be tried.");
    Err(give_up(draft, dialect, last.unwrap_or_else(nothing)))
}

/// Ends a request that nobody served.
pub fn give_up(draft: Draft, dialect: Dialect, failure: Failure) -> Failure {
    let outcome = if draft.attempts() == 0 { Outcome::Refused } else { Outcome::Failed };
    draft.finish(outcome, failure.status(dialect).as_u16(), Some(failure.code));
    failure
}

async fn try_one(gateway: &Gateway, planned: &Planned, deployment: &Deployment, mut draft: Draft) -> Tried {
    let target = match usable(&planned.snapshot, deployment) {
        Ok(target) => target,
        Err(failure) => return Tried::Failed(draft, failure, plan::Failure::Lasting),
    };
    let endpoint = match outbound::endpoint(&planned.call, deployment, target) {
        Ok(endpoint) => endpoint,
        Err(failure) => match &planned.call.content {
            Content::Count(request) => return answer::counted_here(draft, planned.call.dialect, &**request),
            Content::Answer(_) | Content::Embeddings(_) | Content::Operation(_) => {
                return Tried::Failed(draft, failure, plan::Failure::Lasting);
            }
        },
    };
    let outbound = match outbound::prepare(&planned.call, planned.is_strict, endpoint, deployment, target) {
        Ok(outbound) => outbound,
        // Another deployment may be of a dialect that takes it.
        Err(failure) => return Tried::Failed(draft, failure, plan::Failure::Lasting),
    };
    draft.translated(&outbound.losses);
    let hold = match gateway.books.hold(worst_case(planned, deployment, target, &draft, gateway)) {
        Ok(hold) => hold,
        Err(error) => {
            let failure = Failure::new(error.code(), format!("{error}. Nothing was sent to a provider."));
            return Tried::Final(draft, failure);
        }
    };
    let dialect = endpoint.dialect();
    let attempt = Attempt::begin(draft, hold, deployment, &target.provider.name, dialect, &gateway.clock);
    let is_streaming = planned.call.is_streaming();
    let patience = if is_streaming { gateway.limits.first_output } else { gateway.limits.whole_answer };
    let headers = client_headers(planned, dialect);
    let call = client::Call::post(&outbound.path, outbound.body.clone(), headers, is_streaming, patience);
    let call = client::Call { content_type: outbound.content_type.clone(), ..call.to_endpoint(endpoint) };
    let called = gateway.client.call(target, call, gateway.clock.now()).await;
    match called {
        Ok(reply) => answer::read(gateway, &planned.call, &outbound, target, attempt, reply).await,
        Err(error) => answer::unreached(target, attempt, &error),
    }
}

/// What a client says in headers is meant for a provider of its own dialect.
fn client_headers(planned: &Planned, dialect: Option<Dialect>) -> &HeaderMap {
    static NONE: LazyLock<HeaderMap> = LazyLock::new(HeaderMap::new);
    let is_own = dialect.is_none_or(|dialect| dialect == planned.call.dialect);
    if is_own { &planned.headers } else { &NONE }
}

fn usable<'a>(snapshot: &'a Snapshot, deployment: &Deployment) -> Result<&'a Arc<Target>, Failure> {
    let Some(target) = snapshot.target(deployment.provider_id) else {
        return Err(Failure::new(Code::ModelUnavailable, "The provider that serves this model was removed."));
    };
    check_usable(target).map(|()| target)
}

/// Whether a provider may be called at all.
///
/// # Errors
/// When it is switched off, or its credential cannot be read.
pub fn check_usable(target: &Target) -> Result<(), Failure> {
    let name = &target.provider.name;
    if !target.provider.is_enabled {
        let message = format!("The provider `{name}` is switched off in MegaRouter.");
        return Err(Failure::new(Code::ModelUnavailable, message));
    }
    if let Credential::Unavailable(why) = &target.credential {
        let message = format!("The credential of the provider `{name}` cannot be read: {why}");
        return Err(Failure::new(Code::CredentialUnavailable, message));
    }
    Ok(())
}

fn worst_case(
    planned: &Planned,
    deployment: &Deployment,
    target: &Target,
    draft: &Draft,
    gateway: &Gateway,
) -> HoldFact {
    let model = planned.model.model();
    let holding = Holding {
        principal: &planned.principal,
        snapshot: &planned.snapshot,
        model: Some((model.id, &model.name)),
        deployment,
        target,
        operation: planned.call.operation,
        most: planned.call.most(deployment.max_output_tokens),
        is_streaming: planned.call.is_streaming(),
    };
    holding.fact(draft, &*gateway.clock)
}

/// What a hold is made from.
pub struct Holding<'a> {
    /// Who is calling.
    pub principal: &'a Principal,
    /// The configuration that the request started with.
    pub snapshot: &'a Snapshot,
    /// The public model, where one is meant.
    pub model: Option<(ModelId, &'a str)>,
    /// The deployment to be called.
    pub deployment: &'a Deployment,
    /// Who serves it.
    pub target: &'a Target,
    /// What for.
    pub operation: Operation,
    /// The most it can consume.
    pub most: Usage,
    /// Whether the client asked for a stream.
    pub is_streaming: bool,
}

impl Holding<'_> {
    /// The hold's entry: the worst case, over every scope that applies.
    pub fn fact(&self, draft: &Draft, clock: &dyn Clock) -> HoldFact {
        let deployment = self.deployment;
        // Counting is free wherever it is offered.
        let price = deployment.price.as_ref().filter(|_| self.operation != Operation::CountTokens);
        let price = price.map(|price| PinnedPrice { id: price.id, tariff: Arc::new(price.tariff.clone()) });
        let mut scopes = vec![
            Scope::Organization(self.snapshot.organization()),
            Scope::Key(self.principal.key.id),
            Scope::Provider(deployment.provider_id),
        ];
        scopes.extend(draft.units().iter().copied().map(Scope::Unit));
        scopes.extend(self.model.map(|(id, _)| Scope::Model(id)));
        scopes.extend(draft.tags().iter().cloned().map(Scope::Tag));
        let tokens = |total: Option<u64>| total.unwrap_or(0);
        HoldFact {
            attempt_id: AttemptId::new(clock.now(), rand::random()),
            request_id: draft.request_id(),
            key_id: self.principal.key.id,
            deployment_id: deployment.id,
            provider_id: deployment.provider_id,
            scopes,
            amount: PinnedPrice::worst_case(price.as_ref(), &self.most),
            tokens: tokens(self.most.total_input()).saturating_add(tokens(self.most.total_output())),
            session: draft.session(),
            price,
            counted_input: self.most.total_input().unwrap_or(0),
            started_at: draft.started_at(),
            operation: self.operation,
            model_asked: draft.model_asked(),
            model: self.model.map_or("", |(_, name)| name).into(),
            provider: self.target.provider.name.as_str().into(),
            upstream_model: deployment.upstream_model.as_str().into(),
            is_streaming: self.is_streaming,
        }
    }
}
