//! `POST /route/explain`

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use megarouter_domain::access::Principal;
use megarouter_domain::id::{KeyId, PolicyId, RequestId, UnitId};
use megarouter_domain::key::VirtualKey;
use megarouter_domain::policy::{Policy, Version};
use megarouter_domain::record::Operation;
use megarouter_domain::snapshot::Snapshot;
use megarouter_domain::tag::Tag;
use megarouter_gateway::route::seed_of;
use megarouter_routing::decide::{Decided, Explained, NoCandidate, explain};
use megarouter_routing::matching::Verdict;
use megarouter_routing::question::BudgetView;
use megarouter_routing::strategies::Special;
use megarouter_store::settings::{Everything, Noun};

use super::thought::{Thought, principal, tokens};
use super::{ConsideredModel, Decision, ExplainMessage, ExplainRoute, Explanation, RuleState, RuleVerdict};
use crate::context::Context;
use crate::error::ApiError;
use crate::extract::Body;
use crate::policies::check::{self, Said};
use crate::policies::names::Names;
use crate::policies::words;
use crate::shape::micros;

/// The name of a draft that has none.
const NAMELESS: &str = "draft";

/// Says where a request would go and why: the gateway's own decision. Nothing is sent and nothing changes.
#[utoipa::path(post, path = "/route/explain", operation_id = "explain_route", tag = "policies",
    request_body = ExplainRoute, responses((status = 200, description = "Where, and why", body = Explanation)))]
pub async fn explain_route(
    State(context): State<Arc<Context>>,
    Body(mut request): Body<ExplainRoute>,
) -> Result<Json<Explanation>, ApiError> {
    let began = context.clock.monotonic();
    let everything = context.everything().await?;
    let (body, text) = (request.body.take(), request.text.take());
    let said = check::said(&everything, body, text, None)?;
    let policy = policy(&context, &everything, &request, said)?;
    let thought = thought(&context, &everything, &request, policy.as_ref()).await?;
    let seed = request.request_id.map_or(0, seed_of);
    let decided_at = context.clock.monotonic();
    let explained = context.gateway.look_around(|table, around| {
        let compiled = policy.as_ref().map(|policy| table.compile(policy));
        thought.ask(|question| explain(table, compiled.as_ref(), question, around, seed))
    });
    let took = context.clock.monotonic().saturating_sub(decided_at);
    let snapshot = context.gateway.snapshot();
    let version = policy.as_ref().or_else(|| snapshot.policy_for(&thought.asked).map(AsRef::as_ref));
    let rules = verdicts(&explained, version, check::names(&everything));
    let mut explanation = told(thought.asked, explained.outcome, rules, took)?;
    explanation.took_us = micros(context.clock.monotonic().saturating_sub(began));
    Ok(Json(explanation))
}

/// The policy to decide by: a draft, or the one that is named.
fn policy(
    context: &Context,
    everything: &Everything,
    request: &ExplainRoute,
    said: Option<Said>,
) -> Result<Option<Policy>, ApiError> {
    let find = |id: PolicyId| {
        let found = everything.policies.iter().find(|policy| policy.id == id);
        found.ok_or_else(|| ApiError::not_found(Noun::Policy, id).about("policy_id"))
    };
    let stored = request.policy_id.map(find).transpose()?;
    let Some(said) = said else { return Ok(stored.cloned()) };
    let name = stored.map(|policy| policy.name.clone()).or_else(|| request.model.clone());
    let mut policy = Policy {
        id: stored.map_or_else(|| PolicyId::new(context.now(), [0; 10]), |policy| policy.id),
        name: name.unwrap_or_else(|| NAMELESS.to_owned()),
        description: String::new(),
        live: Version { number: 0, body: said.body, text: said.text, note: String::new(), made_at: context.now() },
        trial: None,
        created_at: context.now(),
        archived_at: None,
    };
    if policy.check().is_err() && request.model.as_deref() == Some(&policy.name) {
        NAMELESS.clone_into(&mut policy.name);
    }
    check::policy(context, everything, &policy)?;
    Ok(Some(policy))
}

async fn thought(
    context: &Context,
    everything: &Everything,
    request: &ExplainRoute,
    policy: Option<&Policy>,
) -> Result<Thought, ApiError> {
    let snapshot = context.gateway.snapshot();
    let mut thought = match request.request_id {
        Some(id) if request.prompt.is_none() && request.messages.is_none() => recorded(context, id, &snapshot).await?,
        Some(_) => return Err(unclear()),
        None => spoken(everything, request, &snapshot)?,
    };
    if let Some((principal, units)) = caller(everything, request, &snapshot)? {
        (thought.principal, thought.units) = (principal, units);
    }
    if let Some(asked) = request.model.clone().or_else(|| policy.map(|policy| policy.name.clone())) {
        thought.asked = asked;
    } else if thought.asked.is_empty() {
        let message = "It is not said what is asked for. Nothing was decided. Send `model`, or a policy.";
        return Err(ApiError::invalid("request.invalid", message).about("model"));
    }
    thought.tags.extend(tags(&request.tags)?);
    thought.headers = request.headers.iter().map(|(name, value)| (name.to_lowercase(), value.clone())).collect();
    thought.session.clone_from(&request.session);
    thought.needs = thought.needs.iter().chain(request.needs.iter().map(|need| (*need).into())).collect();
    thought.input_tokens = request.input_tokens.unwrap_or(thought.input_tokens);
    thought.output_bound = request.max_output_tokens.or(thought.output_bound);
    thought.at = request.at.map_or_else(|| context.now(), |time| time.0);
    let session = thought.session.as_deref();
    let budget = context.gateway.budget_view(&thought.principal, &thought.units, &thought.tags, session);
    thought.budget = BudgetView { used_percent: request.budget_used_percent.or(budget.used_percent), ..budget };
    Ok(thought)
}

async fn recorded(context: &Context, id: RequestId, snapshot: &Snapshot) -> Result<Thought, ApiError> {
    let detail = context.questions().request(id).await?;
    let thought = detail.and_then(|detail| Thought::of_record(&detail.record, snapshot));
    thought.ok_or_else(|| {
        let message = format!(
            "There is no finished request {id} with a key that still exists. Nothing was decided. Choose another one."
        );
        ApiError::new(StatusCode::NOT_FOUND, "request.not_found", message).about("request_id")
    })
}

/// What the call itself says.
fn spoken(everything: &Everything, request: &ExplainRoute, snapshot: &Snapshot) -> Result<Thought, ApiError> {
    let messages = match (&request.prompt, &request.messages) {
        (Some(_), Some(_)) => return Err(unclear()),
        (Some(prompt), None) => vec![ExplainMessage { role: "user".to_owned(), content: prompt.clone() }],
        (None, messages) => messages.clone().unwrap_or_default(),
    };
    let last = messages.iter().rposition(|message| message.role == "user");
    let user = last.and_then(|at| messages.get(at)).map(|message| message.content.clone()).unwrap_or_default();
    let bytes: usize = messages.iter().map(|message| message.content.len()).sum();
    Ok(Thought {
        asked: String::new(),
        principal: principal(everything.playground_key, snapshot).ok_or_else(|| no_key(everything.playground_key))?,
        units: Arc::new([]),
        tags: vec![],
        headers: BTreeMap::new(),
        session: None,
        operation: Operation::ChatCompletions,
        needs: std::iter::empty().collect(),
        input_tokens: tokens(bytes as u64),
        output_bound: None,
        context_bytes: bytes - user.len(),
        user,
        earlier_turns: messages.len().saturating_sub(1),
        task: None,
        at: megarouter_domain::clock::Timestamp::from_micros(0),
        budget: BudgetView::default(),
    })
}

/// Whose request it is, and whom it is charged to.
type Asker = (Principal, Arc<[UnitId]>);

/// Whose request it is; `None` when nobody is named.
fn caller(everything: &Everything, request: &ExplainRoute, snapshot: &Snapshot) -> Result<Option<Asker>, ApiError> {
    match (request.key_id, request.unit_id) {
        (None, None) => Ok(None),
        (Some(id), None) => {
            let principal = principal(id, snapshot).ok_or_else(|| no_key(id))?;
            Ok(Some((principal, snapshot.units_of(id))))
        }
        (None, Some(id)) => {
            if snapshot.units().get(id).is_none() {
                return Err(ApiError::not_found(Noun::Unit, id).about("unit_id"));
            }
            let playground = everything.playground_key;
            let builtin = principal(playground, snapshot).ok_or_else(|| no_key(playground))?;
            // As a key would be that somebody makes for it: it may use everything.
            let key = VirtualKey { owner: Some(id), ..builtin.key.as_ref().clone() };
            let units = snapshot.units().chain(id).map(|unit| unit.id).collect();
            Ok(Some((Principal { key: Arc::new(key) }, units)))
        }
        (Some(_), Some(_)) => {
            let message = "A key belongs to its unit already. Nothing was decided. Send `key_id` or `unit_id`.";
            Err(ApiError::invalid("request.invalid", message).about("unit_id"))
        }
    }
}

fn tags(tags: &BTreeMap<String, String>) -> Result<Vec<Tag>, ApiError> {
    let tag = |(name, value): (&String, &String)| {
        Tag::new(name, value).map_err(|error| {
            let message = format!("The tag {name} is not valid: {error}. Nothing was decided. Correct it.");
            ApiError::invalid("request.invalid", message).about("tags")
        })
    };
    tags.iter().map(tag).collect()
}

fn verdicts(explained: &Explained, policy: Option<&Policy>, names: Names<'_>) -> Vec<RuleVerdict> {
    let Some(policy) = policy else { return vec![] };
    // Where a version on trial decides, its rules are those that were asked.
    let number = match &explained.outcome {
        Ok(decided) => decided.decision.rule.as_ref().map(|rule| rule.version),
        Err(_) => None,
    };
    let trial = policy.trial.as_ref().map(|trial| &trial.version).filter(|it| Some(it.number) == number);
    let rules = &trial.unwrap_or(&policy.live).body.rules;
    let verdict = |(index, (rule, verdict)): (usize, (&_, &Verdict))| {
        let rule: &megarouter_domain::policy::Rule = rule;
        let (state, failed) = match verdict {
            Verdict::Matched => (RuleState::Matched, None),
            Verdict::NotReached => (RuleState::NotReached, None),
            Verdict::Failed { condition, seen } => (RuleState::Failed, Some((*condition, seen.clone()))),
        };
        let condition = failed.as_ref().and_then(|(at, _)| rule.when.get(*at));
        RuleVerdict {
            rule: index as u64 + 1,
            name: rule.name.clone(),
            sentence: words::sentence(rule, names),
            state,
            failed_condition: failed.as_ref().map(|(at, _)| *at as u64 + 1),
            failed: condition.map(|condition| words::condition(condition, names)),
            seen: failed.map(|(_, seen)| seen),
        }
    };
    rules.iter().zip(&explained.rules).enumerate().map(verdict).collect()
}

fn told(
    model_asked: String,
    outcome: Result<Decided, NoCandidate>,
    rules: Vec<RuleVerdict>,
    took: Duration,
) -> Result<Explanation, ApiError> {
    let (mut decision, notes, refusal) = match outcome {
        Ok(decided) => (Decision::from(&decided.decision), notes(&decided), None),
        Err(NoCandidate::Removed(decision)) => {
            let refusal = "No model may serve this request: each was ruled out, as the candidates tell. It would be \
                           refused. Widen the rule's bounds or add candidates."
                .to_owned();
            (Decision::from(decision.as_ref()), vec![], Some(refusal))
        }
        Err(NoCandidate::Unknown) => {
            let message = format!(
                "There is no model and no policy `{model_asked}`. A request for it would be refused. Choose another name."
            );
            return Err(ApiError::new(StatusCode::NOT_FOUND, "model.not_found", message).about("model"));
        }
    };
    decision.took_us = micros(took);
    let chosen: Option<ConsideredModel> = decision.candidates.first().filter(|it| it.removed.is_none()).cloned();
    Ok(Explanation { model_asked, decision, rules, chosen, refusal, notes, took_us: 0 })
}

/// What is done beside trying the candidates in their order.
fn notes(decided: &Decided) -> Vec<String> {
    match &decided.special {
        Special::None => vec![],
        Special::Cascade(cascade) => vec![format!(
            "The answers of the first {} models are checked; one that fails is thrown away, and the next model is asked.",
            cascade.steps - 1
        )],
        Special::Shadow(shadow) => {
            let (model, limit) = (&shadow.choice.model.name, words::dollars(shadow.daily_cost));
            vec![format!(
                "{model} gets a copy once this is served, and its answer is thrown away; at most {limit} a day."
            )]
        }
    }
}

fn unclear() -> ApiError {
    let message = "Send one of `prompt`, `messages` and `request_id`. Nothing was decided. Leave the others out.";
    ApiError::invalid("request.invalid", message).about("prompt")
}

fn no_key(id: KeyId) -> ApiError {
    ApiError::not_found(Noun::Key, id).about("key_id")
}
