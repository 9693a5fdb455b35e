//! What a run that died left open, and how it is ended.
//!
//! A hold is settled from its last progress and flagged as estimated; without progress generation
//! may have run all the same, so it is uncertain at the input counted before the call. Then the
//! request gets its usage record, so that nothing that cost money is missing from the list.

use std::sync::Arc;
use std::time::Duration;

use megarouter_domain::code::Code;
use megarouter_domain::id::{RequestId, UnitId};
use megarouter_domain::money::NanoUsd;
use megarouter_domain::price::Cost;
use megarouter_domain::record::{AttemptRecord, Outcome, UsageRecord};
use megarouter_domain::scope::Scope;
use megarouter_domain::tag::Tag;
use megarouter_domain::usage::{Usage, UsageSource};

use crate::entry::{Fact, Resolution};
use crate::state::{OpenAttempt, State, Totals};

/// The facts that end everything open in `state`, oldest first.
pub(crate) fn endings(state: &State) -> Vec<Fact> {
    let mut attempts: Vec<OpenAttempt> = state.attempts().cloned().collect();
    attempts.sort_by_key(|attempt| attempt.lsn);
    let mut facts = Vec::new();
    for attempt in attempts.iter_mut().filter(|attempt| attempt.resolution.is_none()) {
        let resolution = attempt.priced(ending(attempt));
        attempt.resolution = Some(resolution);
        facts.push(Fact::Resolve { attempt_id: attempt.hold.attempt_id, resolution });
    }
    attempts.retain(|attempt| !attempt.is_left_behind);
    facts.extend(by_request(attempts).iter().map(|attempts| Fact::Finished(Arc::new(record(attempts)))));
    facts
}

fn ending(attempt: &OpenAttempt) -> Resolution {
    let (cost, overage) = (Cost::Unknown, NanoUsd::ZERO);
    if let Some((_, usage)) = attempt.progress {
        return Resolution::Settled { usage, source: UsageSource::Estimated, cost, overage };
    }
    let usage = Usage { input: Some(attempt.hold.counted_input), ..Usage::UNREPORTED };
    Resolution::Uncertain { usage, cost }
}

/// Groups attempts by request; requests in the order of their first holds.
fn by_request(attempts: Vec<OpenAttempt>) -> Vec<Vec<OpenAttempt>> {
    let mut order: Vec<(RequestId, Vec<OpenAttempt>)> = Vec::new();
    let mut places = std::collections::HashMap::new();
    for attempt in attempts {
        let request = attempt.hold.request_id;
        let place = *places.entry(request).or_insert(order.len());
        if place == order.len() {
            order.push((request, Vec::new()));
        }
        order[place].1.push(attempt);
    }
    order.into_iter().map(|(_, attempts)| attempts).collect()
}

fn record(attempts: &[OpenAttempt]) -> UsageRecord {
    let last = attempts.last().expect("a group has at least the attempt it was made for");
    let hold = &last.hold;
    let totals = Totals::of(attempts.iter().filter_map(|attempt| attempt.resolution.as_ref()));
    UsageRecord {
        request_id: hold.request_id,
        started_at: hold.started_at,
        key_id: hold.key_id,
        units: hold.scopes.iter().filter_map(unit).collect(),
        tags: hold.scopes.iter().filter_map(tag).collect(),
        session: hold.session.clone(),
        refusal: None,
        operation: hold.operation,
        model_asked: Arc::clone(&hold.model_asked),
        model: Some(Arc::clone(&hold.model)),
        provider: Some(Arc::clone(&hold.provider)),
        upstream_model: Some(Arc::clone(&hold.upstream_model)),
        is_streaming: hold.is_streaming,
        status: 500,
        outcome: Outcome::Failed,
        error: Some(Code::Internal),
        usage: totals.usage,
        usage_source: totals.source,
        cost: totals.cost,
        first_output: None,
        total: last.at.since(hold.started_at) + running_time(last),
        overhead: attempts.first().map(|first| first.at.since(hold.started_at)),
        attempts: attempts.iter().map(attempt_record).collect(),
        losses: Vec::new(),
        user_agent: None,
        decision: None,
    }
}

/// A hold names the units and the tags of its request in the order of its record.
fn unit(scope: &Scope) -> Option<UnitId> {
    if let Scope::Unit(id) = scope { Some(*id) } else { None }
}

fn tag(scope: &Scope) -> Option<Tag> {
    if let Scope::Tag(tag) = scope { Some(tag.clone()) } else { None }
}

fn attempt_record(attempt: &OpenAttempt) -> AttemptRecord {
    let hold = &attempt.hold;
    AttemptRecord {
        attempt_id: hold.attempt_id,
        deployment_id: hold.deployment_id,
        provider_id: hold.provider_id,
        provider: Arc::clone(&hold.provider),
        upstream_model: Arc::clone(&hold.upstream_model),
        dialect: None,
        started_after: attempt.at.since(hold.started_at),
        first_output: None,
        duration: running_time(attempt),
        status: None,
        error: Some(Code::Internal),
        detail: Some("MegaRouter stopped before the call ended".into()),
        upstream_request_id: None,
        credential_id: None,
        purpose: None,
    }
}

/// How long the call is known to have run: until its last progress.
fn running_time(attempt: &OpenAttempt) -> Duration {
    attempt.progress.map_or(Duration::ZERO, |(at, _)| at.since(attempt.at))
}
