//! A statement on an answer, with what is known of the request it is about.

use megarouter_api::context::Context;
use megarouter_domain::access::Principal;
use megarouter_domain::decision::Decision;
use megarouter_domain::id::{DeploymentId, KeyId, PolicyId, RequestId};
use megarouter_domain::permille::Permille;
use megarouter_domain::record::UsageRecord;
use megarouter_gateway::feedback::{Answered, Signalled};
use megarouter_routing::table::Served;
use megarouter_store::settings::outcomes::Outcome;

use super::fold::Traits;

/// The outcome of a statement; `None` when there is no such request, or not of whoever says so. Tells them.
pub(super) async fn of(context: &Context, signalled: Signalled) -> Option<Outcome> {
    let Signalled { feedback, answered, by, is_known } = signalled;
    let record = record(context, feedback.request_id).await;
    let is_theirs = match (&answered, &record, &by) {
        (None, Some(record), Some(by)) => is_of(context, by, record.key_id),
        (None, None, _) => false,
        // The gateway has looked already, or the owner says so.
        (Some(_), ..) | (None, Some(_), None) => true,
    };
    if let Some(is_known) = is_known {
        // Whoever asked may have gone.
        let _ = is_known.send(is_theirs);
    }
    if !is_theirs {
        return None;
    }
    let bare = Outcome {
        number: 0,
        feedback,
        key_id: None,
        policy_id: None,
        model: None,
        deployment_id: None,
        expected: None,
        task: None,
        sketch: None,
        traits: "{}".to_owned(),
    };
    let known = match &record {
        Some(record) => by_record(bare, record),
        None => bare,
    };
    let known = match &answered {
        Some(answered) => by_memory(known, answered),
        None => known,
    };
    let expected = known.expected.or_else(|| expected(record.as_ref(), known.deployment_id));
    Some(Outcome { expected, traits: traits(context, &known), ..known })
}

/// The record of a request: of this node, or else of another one.
async fn record(context: &Context, id: RequestId) -> Option<UsageRecord> {
    let found = match context.ledger.request(id).await {
        Ok(None) if context.fleet_ledger.get().is_some() => context.questions().request(id).await,
        found => found,
    };
    found.ok().flatten().map(|detail| detail.record)
}

/// Whether a request's key is the caller's own, or of the same owner.
fn is_of(context: &Context, by: &Principal, key: KeyId) -> bool {
    let owner_of = |id| context.gateway.snapshot().key(id).and_then(|key| key.owner);
    by.key.id == key || (by.key.owner.is_some() && by.key.owner == owner_of(key))
}

fn by_record(outcome: Outcome, record: &UsageRecord) -> Outcome {
    let decision = record.decision.as_deref();
    Outcome {
        key_id: Some(record.key_id),
        policy_id: decision.and_then(policy_of),
        model: record.model.as_deref().filter(|_| record.provider.is_some()).map(str::to_owned),
        deployment_id: record.attempts.last().map(|attempt| attempt.deployment_id),
        task: decision.and_then(|decision| decision.task.clone()),
        ..outcome
    }
}

/// What the gateway remembers is what the statement is about: not always what served the client.
fn by_memory(outcome: Outcome, answered: &Answered) -> Outcome {
    Outcome {
        key_id: Some(answered.key_id),
        policy_id: answered.policy_id.or(outcome.policy_id),
        expected: answered.expected,
        model: Some(answered.model.as_ref().to_owned()),
        deployment_id: Some(answered.deployment_id),
        task: answered.task.clone().or(outcome.task),
        sketch: answered.sketch.as_ref().map(|sketch| sketch.to_bytes().to_vec()),
        ..outcome
    }
}

fn policy_of(decision: &Decision) -> Option<PolicyId> {
    decision.rule.as_ref().map(|rule| rule.policy_id)
}

/// The quality that was expected of a deployment when the request was decided.
fn expected(record: Option<&UsageRecord>, deployment: Option<DeploymentId>) -> Option<Permille> {
    let candidates = &record?.decision.as_deref()?.candidates;
    candidates.iter().find(|candidate| Some(candidate.deployment_id) == deployment)?.quality
}

/// What is known of the outcome's model at present.
fn traits(context: &Context, outcome: &Outcome) -> String {
    let traits = context.gateway.look_around(|table, _| {
        let is_its = |served: &&Served| {
            Some(served.deployment_id()) == outcome.deployment_id
                || Some(served.traits().name) == outcome.model.as_deref()
        };
        table.served().iter().find(is_its).map(|served| Traits::from(&served.traits()))
    });
    serde_json::to_string(&traits.unwrap_or_default()).unwrap_or_else(|_| "{}".to_owned())
}
