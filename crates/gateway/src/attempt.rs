//! Attempt: set an amount aside, call a deployment, and on to the next one when that fails, of the same
//! model or of another.

use std::sync::{Arc, LazyLock};

use http::{HeaderMap, HeaderValue, Response};
use megarouter_domain::access::{self, AuthorisedModel, Principal};
use megarouter_domain::clock::Clock;
use megarouter_domain::code::Code;
use megarouter_domain::dialect::Dialect;
use megarouter_domain::id::{AttemptId, CredentialId, ModelId, PriceId};
use megarouter_domain::model::Deployment;
use megarouter_domain::money::NanoUsd;
use megarouter_domain::price::{Price, Tariff};
use megarouter_domain::provider::{Credential, Target};
use megarouter_domain::record::{Operation, Outcome, Purpose};
use megarouter_domain::scope::Scope;
use megarouter_domain::snapshot::Snapshot;
use megarouter_ledger::entry::{HoldFact, PinnedPrice};
use megarouter_providers::catalog::{self, Cancel};
use megarouter_providers::client;
use megarouter_routing::plan::{self, Plan, Step};
use megarouter_routing::strategies::Special;
use tokio::time::sleep;
use uuid::Uuid;

use crate::abandoned;
use crate::answer::{self, Tried};
use crate::body::Body;
use crate::books::{Hold, HoldError, WorstCase};
use crate::decode::{Call, Content};
use crate::draft::Draft;
use crate::outbound::{self, Outbound};
use crate::pipeline::{Gateway, Limits};
use crate::refusal::{self, At};
use crate::render::Failure;
use crate::route;
use crate::settle::{Attempt, Callee};
use crate::watch::Watch;

/// How often a provider that may search the web is taken to do so in one answer, for a hold. Hardly any
/// takes a bound on it.
const ASSUMED_SEARCHES: u64 = 10;

/// The header that says how a request was decided.
pub const ROUTE: &str = "x-megarouter-route";

/// A call with the deployments that may serve it, in order.
pub struct Planned {
    /// The call.
    pub call: Arc<Call>,
    /// The client's headers.
    pub headers: HeaderMap,
    /// Whether to refuse when a translation would lose something.
    pub is_strict: bool,
    /// What to try.
    pub plan: Plan,
    /// What it may take.
    pub limits: Limits,
    /// What to do beside serving the client.
    pub special: Special,
    /// What it is for, where that is not to serve the client.
    pub purpose: Option<Purpose>,
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
    while let Step::Try { index, wait, is_repeat, is_last_resort } = planned.plan.next(rand::random()) {
        let deployment = planned.plan.choices()[index].deployment();
        let target = match usable(&planned.snapshot, deployment) {
            Ok(target) => Arc::clone(target),
            Err(failure) => {
                planned.plan.failed(index, plan::Failure::Lasting);
                last = Some(failure);
                continue;
            }
        };
        // Asked before the wait: who may not repeat does not wait for it either.
        if !gateway.may_call(&target, is_repeat) {
            planned.plan.skipped(index);
            continue;
        }
        if !wait.is_zero() {
            sleep(wait).await;
        }
        let tokens = planned.call.worst_case(None).counted_input;
        let Some(watch) = gateway.watch(deployment, &target, tokens, is_last_resort) else {
            planned.plan.skipped(index);
            continue;
        };
        let credential = watch.credential();
        match try_one(gateway, &planned, index, &with_credential(&target, credential), watch, draft).await {
            Tried::Answered(response) => return Ok(response),
            // Also what a budget refused: another deployment is paid from the same purse.
            Tried::Final(draft, failure) => return Err(give_up(draft, dialect, failure)),
            Tried::Failed(returned, failure, kind) => {
                draft = returned;
                let deployment = planned.plan.choices()[index].deployment();
                if gateway.has_other_credential(deployment, &target, credential) {
                    planned.plan.again(index);
                } else {
                    planned.plan.failed(index, kind);
                }
                last = Some(failure);
            }
        }
    }
    let nothing = || Failure::new(Code::ModelUnavailable, "No provider could be tried.");
    Err(give_up(draft, dialect, last.unwrap_or_else(nothing)))
}

/// Ends a request that nobody served.
pub fn give_up(draft: Draft, dialect: Dialect, mut failure: Failure) -> Failure {
    if let Some(decision) = draft.decision() {
        let line = route::line(decision, None, draft.attempts());
        if let Ok(line) = HeaderValue::from_str(&line) {
            failure.headers.get_or_insert_default().insert(ROUTE, line);
        }
    }
    let outcome = if draft.attempts() == 0 { Outcome::Refused } else { Outcome::Failed };
    draft.finish(outcome, failure.status(dialect).as_u16(), Some(failure.code));
    failure
}

/// The provider with the credential that is to be used.
fn with_credential(target: &Arc<Target>, credential: Option<CredentialId>) -> Arc<Target> {
    let pooled = credential.and_then(|id| target.with(id));
    pooled.map_or_else(|| Arc::clone(target), Arc::new)
}

async fn try_one(
    gateway: &Gateway,
    planned: &Planned,
    index: usize,
    target: &Arc<Target>,
    watch: Watch,
    mut draft: Draft,
) -> Tried {
    let choice = &planned.plan.choices()[index];
    let deployment = choice.deployment();
    draft.resolved(&choice.model.name);
    // Whatever decided: nobody gets what they may not use.
    let model = match access::authorise(&planned.principal, &choice.model) {
        Ok(model) => model,
        Err(code) => {
            let failure = route::forbidden(code, &choice.model.name, &planned.principal);
            return Tried::Failed(draft, failure, plan::Failure::Lasting);
        }
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
    let prepare = |bound| outbound::prepare(&planned.call, planned.is_strict, endpoint, deployment, target, bound);
    let mut outbound = match prepare(None) {
        Ok(outbound) => outbound,
        // Another deployment may be of a dialect that takes it.
        Err(failure) => return Tried::Failed(draft, failure, plan::Failure::Lasting),
    };
    draft.translated(&outbound.losses);
    let mut holding = holding(planned, &model, deployment, target, endpoint.dialect());
    if gateway.books.has_limits() && charges_searches(deployment) && planned.call.may_search() {
        holding.worst.other.searches = Some(ASSUMED_SEARCHES);
    }
    let (mut draft, hold) = match gateway.hold(&holding, draft).await {
        Ok(held) => held,
        Err(refused) => return *refused,
    };
    // A budget that was in the way of another one before is not in the way any more.
    draft.refused(None);
    if let Some(bound) = hold.bound() {
        outbound = match prepare(Some(bound)) {
            Ok(outbound) => outbound,
            Err(failure) => return Tried::Failed(draft, failure, plan::Failure::Lasting),
        };
    }
    let charged = Arc::clone(hold.fact());
    let kind = catalog::kind(&target.provider.kind);
    let callee = Callee {
        deployment,
        provider: &target.provider.name,
        dialect: endpoint.dialect(),
        cancel: kind.map_or(Cancel::Unknown, |kind| kind.cancel),
    };
    let mut attempt = Attempt::begin(draft, hold, callee, &gateway.clock);
    attempt.made_for(planned.purpose);
    attempt.watched(watch);
    let tried = call(gateway, planned, index, &outbound, target, callee, attempt).await;
    gateway.with_what_is_left(tried, &charged, &planned.snapshot)
}

/// Calls the provider and reads its answer.
async fn call(
    gateway: &Gateway,
    planned: &Planned,
    index: usize,
    outbound: &Outbound,
    target: &Arc<Target>,
    callee: Callee<'_>,
    attempt: Attempt,
) -> Tried {
    let is_streaming = planned.call.is_streaming();
    let patience = if is_streaming { planned.limits.first_output } else { planned.limits.whole_answer };
    let headers = client_headers(planned, callee.dialect);
    let call = client::Call::post(&outbound.path, outbound.body.clone(), headers, is_streaming, patience);
    let call = client::Call { content_type: outbound.content_type.clone(), ..call.to_endpoint(outbound.endpoint) };
    let is_read_to_the_end = !is_streaming && callee.cancel == Cancel::BillsFull;
    let (attempt, called) = if is_read_to_the_end && let Content::Answer(_) = &planned.call.content {
        abandoned::call(gateway, &planned.limits, target, call, outbound.dialect, attempt).await
    } else {
        (attempt, gateway.client.call(target, call, gateway.clock.now()).await)
    };
    match called {
        Ok(reply) => {
            attempt.limits(reply.limits);
            answer::read(gateway, planned, index, outbound, target, attempt, reply).await
        }
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
    if let Credential::Unavailable(why) = &target.credential
        && target.usable().next().is_none()
    {
        let message = format!("The credential of the provider `{name}` cannot be read: {why}");
        return Err(Failure::new(Code::CredentialUnavailable, message));
    }
    Ok(())
}

fn charges_searches(deployment: &Deployment) -> bool {
    let price = deployment.price.as_ref();
    price.is_some_and(|price| price.tariff.rates.search.is_some_and(|rate| rate.0 > 0))
}

fn holding<'a>(
    planned: &'a Planned,
    model: &'a AuthorisedModel,
    deployment: &'a Deployment,
    target: &'a Target,
    dialect: Option<Dialect>,
) -> Holding<'a> {
    let model = model.model();
    let worst = planned.call.worst_case(deployment.max_output_tokens);
    let is_own = dialect.is_none_or(|dialect| dialect == planned.call.dialect);
    Holding {
        principal: &planned.principal,
        snapshot: &planned.snapshot,
        model: Some((model.id, &model.name)),
        deployment,
        target,
        operation: planned.call.operation,
        // Counting is free wherever it is offered.
        is_free: planned.call.operation == Operation::CountTokens,
        worst: if is_own { worst } else { worst.translated() },
        is_streaming: planned.call.is_streaming(),
    }
}

impl Gateway {
    /// Sets aside what a call may cost.
    ///
    /// # Errors
    /// What the client gets when a budget refuses or the ledger takes no entries. It is no provider's fault,
    /// and final but where the budget is one model's or one provider's own.
    pub(crate) async fn hold(&self, holding: &Holding<'_>, mut draft: Draft) -> Result<(Draft, Hold), Box<Tried>> {
        let fact = holding.fact(&draft, &*self.clock);
        match self.books.hold(fact, &holding.worst).await {
            Ok(hold) => Ok((draft, hold)),
            Err(error) => {
                let (snapshot, now) = (holding.snapshot, self.clock.now());
                if let HoldError::Refused(refusal) = &error {
                    draft.refused(refusal::record(refusal, snapshot, now));
                }
                let at = At { snapshot, link_base: &self.link_base, request_id: draft.request_id(), now };
                let failure = refusal::failure(&error, at);
                let spares_others =
                    matches!(&error, HoldError::Refused(refusal) if refusal::spares_others(refusal, snapshot));
                Err(Box::new(if spares_others {
                    Tried::Failed(draft, failure, plan::Failure::Lasting)
                } else {
                    Tried::Final(draft, failure)
                }))
            }
        }
    }

    /// Tells what is left of the budgets that a call was charged to.
    pub(crate) fn with_what_is_left(&self, mut tried: Tried, charged: &HoldFact, snapshot: &Snapshot) -> Tried {
        let Some(account) = self.books.tightest(&charged.scopes, charged.session.as_deref()) else { return tried };
        let left = refusal::what_is_left(&account, snapshot);
        match &mut tried {
            Tried::Answered(response) => response.headers_mut().extend(left),
            Tried::Failed(_, failure, _) | Tried::Final(_, failure) => failure.headers = Some(Box::new(left)),
        }
        tried
    }
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
    /// Whether it costs nothing whatever the model's price.
    pub is_free: bool,
    /// The most it can consume.
    pub worst: WorstCase,
    /// Whether the client asked for a stream.
    pub is_streaming: bool,
}

impl Holding<'_> {
    /// The hold's entry over every scope that applies, but for the amount: that is for the books to say.
    pub fn fact(&self, draft: &Draft, clock: &dyn Clock) -> HoldFact {
        let deployment = self.deployment;
        let price = deployment.price.as_ref();
        let pinned = |price: &Price| PinnedPrice { id: price.id, tariff: Arc::new(price.tariff.clone()) };
        let mut scopes = vec![
            Scope::Organization(self.snapshot.organization()),
            Scope::Key(self.principal.key.id),
            Scope::Provider(deployment.provider_id),
        ];
        scopes.extend(draft.units().iter().copied().map(Scope::Unit));
        scopes.extend(self.model.map(|(id, _)| Scope::Model(id)));
        scopes.extend(draft.tags().iter().cloned().map(Scope::Tag));
        HoldFact {
            attempt_id: AttemptId::new(clock.now(), rand::random()),
            request_id: draft.request_id(),
            key_id: self.principal.key.id,
            deployment_id: deployment.id,
            provider_id: deployment.provider_id,
            scopes,
            amount: NanoUsd::ZERO,
            tokens: 0,
            session: draft.session(),
            price: if self.is_free { Some(free(price)) } else { price.map(pinned) },
            counted_input: self.worst.counted_input,
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

/// The price of what is not charged.
fn free(price: Option<&Price>) -> PinnedPrice {
    static NOTHING: LazyLock<Arc<Tariff>> = LazyLock::new(Arc::default);
    let id = price.map_or(PriceId::from_uuid(Uuid::nil()), |price| price.id);
    PinnedPrice { id, tariff: Arc::clone(&NOTHING) }
}
