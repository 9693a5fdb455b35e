//! Route: which deployments serve a call, in which order.
//!
//! A name is a policy's, or taken over by one, or a model's. A model with one deployment is not decided
//! about: nothing of the request is looked at for it. Everything else is decided by `routing`, which sees
//! the request as far as it has to, and what is left of the budgets. Who may not use a model never gets it,
//! whatever a policy says.

use std::sync::Arc;
use std::time::Duration;

use http::HeaderMap;
use megarouter_dialect::glance::Glance;
use megarouter_domain::access::{self, Principal};
use megarouter_domain::code::Code;
use megarouter_domain::decision::Decision;
use megarouter_domain::facts::Need;
use megarouter_domain::id::{ProviderId, RequestId};
use megarouter_domain::policy::Patience;
use megarouter_domain::snapshot::Resolved;
use megarouter_routing::candidate::Choice;
use megarouter_routing::decide::{Decided, NoCandidate, decide};
use megarouter_routing::features::Text;
use megarouter_routing::mix;
use megarouter_routing::plan::Plan;
use megarouter_routing::question::Question;
use megarouter_routing::strategies::Special;

use crate::attempt::Planned;
use crate::decode::{Call, Content, Decoded};
use crate::draft::{Draft, Routed};
use crate::no_candidate;
use crate::pipeline::{Gateway, Limits};
use crate::render::Failure;

/// The number of a request that lots are drawn from.
pub fn seed_of(request_id: RequestId) -> u64 {
    let (high, low) = request_id.as_uuid().as_u64_pair();
    mix::mix(high, low)
}

/// Finds what may serve a call.
///
/// # Errors
/// When there is nothing of the name, the key may not use what there is, or nothing is left to try.
pub(crate) fn route(gateway: &Gateway, decoded: Decoded, draft: &mut Draft) -> Result<Planned, Failure> {
    let asked = decoded.call.model();
    if decoded.in_force.table.policy_for(asked).is_some() {
        return by_decision(gateway, decoded, draft);
    }
    let resolved = decoded.in_force.snapshot.resolve(asked).ok_or_else(|| unknown(asked))?;
    draft.resolved(&resolved.model.name);
    let model = access::authorise(&decoded.principal, &resolved.model)
        .map_err(|code| forbidden(code, asked, &decoded.principal))?;
    let mut places = places(&resolved);
    let (first, second) = (places.next(), places.next());
    drop(places);
    match (first, second) {
        (None, _) => Err(unserved(&resolved.model.name)),
        (Some(place), None) => {
            let choice = Choice { model: Arc::clone(model.model()), index: place, is_last_resort: false };
            Ok(planned(gateway, decoded, vec![choice], Patience::default(), Special::None))
        }
        (Some(_), Some(_)) => by_decision(gateway, decoded, draft),
    }
}

/// Where in the model's list the deployments are that a name may mean.
fn places(resolved: &Resolved) -> impl Iterator<Item = usize> + '_ {
    let is_meant = |provider: ProviderId| resolved.pinned.is_none_or(|pinned| pinned == provider);
    let all = resolved.model.deployments.iter().enumerate();
    all.filter(move |(_, deployment)| is_meant(deployment.provider_id)).map(|(place, _)| place)
}

fn by_decision(gateway: &Gateway, decoded: Decoded, draft: &mut Draft) -> Result<Planned, Failure> {
    let is_policys = decoded.in_force.table.policy_for(decoded.call.model()).is_some();
    let began = gateway.clock.monotonic();
    let glance = if is_policys { decoded.call.glance() } else { Glance::default() };
    let (decided, session) = ask(gateway, &decoded, draft, &glance);
    let took = gateway.clock.monotonic().saturating_sub(began);
    let asked = decoded.call.model();
    match decided {
        Ok(mut decided) => {
            decided.decision.took_micros = micros(took);
            let words = session.as_deref().and_then(|session| words(session, &decoded.principal, &glance));
            if let Some(words) = words {
                gateway.world.opinions.asked(words, draft.started_at(), began);
            }
            let Decided { choices, decision, patience, special, tier, sketch } = decided;
            let owner = decoded.principal.key.owner;
            draft.decided(Routed { world: Arc::clone(&gateway.world), decision, tier, session, words, sketch, owner });
            Ok(planned(gateway, decoded, choices, patience, special))
        }
        Err(NoCandidate::Unknown) => Err(unknown(asked)),
        Err(NoCandidate::Removed(mut decision)) => {
            decision.took_micros = micros(took);
            let failure = no_candidate::failure(asked, &decision, &decoded.principal);
            draft.undecided(decision);
            Err(failure)
        }
    }
}

/// Asks `routing`; gives the session that the decision belongs to as well.
fn ask(
    gateway: &Gateway,
    decoded: &Decoded,
    draft: &Draft,
    glance: &Glance,
) -> (Result<Decided, NoCandidate>, Option<Arc<str>>) {
    let Decoded { call, headers, principal, in_force } = decoded;
    let session = draft.session().or_else(|| glance.cache_key.as_deref().map(Arc::from));
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let worst = call.worst_case(None);
    let question = Question {
        asked: call.model(),
        principal,
        units: draft.units(),
        tags: draft.tags(),
        headers: &header,
        session: session.as_deref(),
        operation: call.operation,
        needs: glance.needs,
        input_tokens: worst.counted_input,
        output_bound: call.output_bound(),
        text: Text {
            user: &glance.text,
            context_bytes: call.body.len().saturating_sub(glance.text.len()),
            tool_count: glance.tools,
            has_schema: glance.needs.contains(Need::Schema),
            earlier_turns: glance.turns.saturating_sub(1),
        },
        task: None,
        at: draft.started_at(),
        budget: gateway.budget_view(principal, draft.units(), draft.tags(), session.as_deref()),
    };
    let seed = seed_of(draft.request_id());
    let now = gateway.clock.monotonic();
    let decided = gateway.world.look(now, |around| decide(&in_force.table, &question, around, seed));
    (decided, session)
}

/// The same for the same words at the same place of the same session; `None` without words.
fn words(session: &str, principal: &Principal, glance: &Glance) -> Option<u64> {
    let (_, key) = principal.key.id.as_uuid().as_u64_pair();
    (glance.fingerprint != 0).then(|| mix::mix(glance.fingerprint ^ mix::of_text(session), key))
}

fn planned(gateway: &Gateway, decoded: Decoded, choices: Vec<Choice>, patience: Patience, special: Special) -> Planned {
    let Decoded { call, headers, principal, in_force } = decoded;
    let limits = gateway.limits.with(patience);
    let plan = Plan::new(choices, limits.plan);
    let is_strict = principal.key.is_strict || asks_to_be_strict(&headers);
    let (call, snapshot) = (Arc::new(call), Arc::clone(&in_force.snapshot));
    Planned { call, headers, is_strict, plan, limits, special, purpose: None, principal, snapshot }
}

impl Limits {
    /// The same, but for what a route has of its own.
    #[must_use]
    pub fn with(mut self, patience: Patience) -> Self {
        let millis = |millis: u32| Duration::from_millis(millis.into());
        if let Some(first) = patience.first_output_ms.map(millis) {
            self.first_output = first;
        }
        if let Some(idle) = patience.idle_ms.map(millis) {
            self.stream_idle = idle;
        }
        if let Some(total) = patience.total_ms.map(millis) {
            (self.whole_answer, self.stream_total) = (total, total);
            self.first_output = self.first_output.min(total);
        }
        if let Some(attempts) = patience.attempts {
            self.plan.max_attempts = attempts.max(1).into();
        }
        self
    }
}

impl Call {
    /// What routing looks at; nothing where the call is no conversation.
    pub fn glance(&self) -> Glance {
        match &self.content {
            Content::Answer(asking) => asking.request.glance(),
            Content::Count(_) | Content::Embeddings(_) | Content::Operation(_) => Glance::default(),
        }
    }

    /// The most output that the client wants, where it set a bound.
    fn output_bound(&self) -> Option<u64> {
        match &self.content {
            Content::Answer(asking) => asking.request.facts().output_bound,
            Content::Count(_) | Content::Embeddings(_) | Content::Operation(_) => None,
        }
    }
}

fn asks_to_be_strict(headers: &HeaderMap) -> bool {
    headers.get("x-megarouter-strict").is_some_and(|value| matches!(value.as_bytes(), b"true" | b"1"))
}

fn micros(took: Duration) -> u32 {
    u32::try_from(took.as_micros()).unwrap_or(u32::MAX)
}

/// What an answer says of how it was decided: `x-megarouter-route`.
pub(crate) fn line(decision: &Decision, served: Option<(&str, &str)>, attempts: usize) -> String {
    let mut parts = Vec::with_capacity(6);
    if let Some(rule) = &decision.rule {
        parts.push(format!("policy={}@{}", rule.policy, rule.version));
        parts.push(format!("rule={}", rule.index));
    }
    parts.push(format!("strategy={}", decision.strategy));
    if let Some((model, provider)) = served {
        parts.push(format!("model={model}"));
        parts.push(format!("provider={provider}"));
    }
    parts.push(format!("attempts={attempts}"));
    parts.join("; ")
}

/// Says that there is no model of a name.
pub fn unknown(asked: &str) -> Failure {
    let message = format!("There is no model `{asked}` here. GET /v1/models lists the ones this key may use.");
    Failure { param: Some("model".to_owned()), ..Failure::new(Code::ModelNotFound, message) }
}

fn unserved(model: &str) -> Failure {
    let message = format!("The model `{model}` has no provider to serve it. Add one to the model.");
    Failure::new(Code::ModelUnavailable, message)
}

/// Says that a key may not use a model.
pub(crate) fn forbidden(code: Code, asked: &str, principal: &Principal) -> Failure {
    let message = format!(
        "The key `{}` may not use the model `{asked}`. Ask the owner of this MegaRouter to allow it for the key.",
        principal.key.name
    );
    Failure { param: Some("model".to_owned()), ..Failure::new(code, message) }
}
