//! What entries change in the derived tables. Pure.
//!
//! The writer saves the changes of one batch; verification adds up those of all entries and compares.
//! Both therefore agree on what each table means, and it is said only here.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use megarouter_domain::clock::Timestamp;
use megarouter_domain::code::Code;
use megarouter_domain::id::{AttemptId, KeyId, ProviderId, RequestId};
use megarouter_domain::money::NanoUsd;
use megarouter_domain::price::Cost;
use megarouter_domain::record::{AttemptRecord, Outcome, UsageRecord};
use megarouter_ledger::entry::{Entry, Fact, Lsn, MOST_TOKENS, PinnedPrice, Resolution};
use megarouter_ledger::state::{OpenAttempt, State};

use crate::ledger::activity::CallCosts;
use crate::ledger::histogram::Histogram;
use crate::ledger::overview::Bucket;
use crate::ledger::sums::Sums;

/// A row of `attempts`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ResolvedAttempt {
    pub lsn: Lsn,
    pub attempt_id: AttemptId,
    pub request_id: RequestId,
    pub hold_lsn: Lsn,
    pub held_at: Timestamp,
    pub amount: NanoUsd,
    pub price: Option<PinnedPrice>,
    pub resolution: Resolution,
}

/// The key of `rollups`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct RollupKey {
    pub bucket: Bucket,
    pub at: Timestamp,
    pub key_id: KeyId,
    /// Empty for none, as in the table: nothing equals nothing in SQL.
    pub model: Arc<str>,
    pub provider: Arc<str>,
}

/// The key of `calls`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct CallKey {
    pub at: Timestamp,
    pub provider_id: ProviderId,
}

/// The sums of `rollups`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Rollup {
    pub sums: Sums,
    /// Of completed requests.
    pub durations: Histogram,
}

/// The sums of `calls`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct CallSums {
    pub calls: u64,
    pub errors: u64,
    pub costs: CallCosts,
    /// Of calls without an error.
    pub durations: Histogram,
}

/// Changes of the derived tables.
#[derive(Debug, Default)]
pub(crate) struct Derived {
    pub attempts: Vec<ResolvedAttempt>,
    pub requests: Vec<(Lsn, Arc<UsageRecord>)>,
    pub rollups: HashMap<RollupKey, Rollup>,
    pub calls: HashMap<CallKey, CallSums>,
    pub last_uses: HashMap<KeyId, Timestamp>,
    /// Attempts whose row in `open_attempts` changed, and whether they had one.
    pub touched: HashMap<AttemptId, bool>,
}

impl Derived {
    /// Adds what `entry` changes, given the state before it.
    pub(crate) fn add(&mut self, before: &State, entry: &Entry) {
        match &entry.fact {
            Fact::Started { .. } | Fact::Adjust(_) | Fact::Changed(_) | Fact::Granted { .. } | Fact::Checkpoint(_) => {}
            Fact::Hold(hold) => {
                self.touch(before, hold.attempt_id);
            }
            Fact::Extend { attempt_id, .. } | Fact::Progress { attempt_id, .. } => self.touch(before, *attempt_id),
            Fact::Resolve { attempt_id, resolution } => {
                if let Some(attempt) = before.attempt(*attempt_id) {
                    self.add_resolution(entry.lsn, attempt, resolution);
                    self.touch(before, *attempt_id);
                }
            }
            Fact::Finished(record) => {
                for attempt in before.attempts_of(record.request_id) {
                    self.touch(before, attempt.hold.attempt_id);
                }
                self.add_record(entry.lsn, record);
            }
        }
    }

    /// Notes that an attempt changed. The first note of a batch knows whether it was stored before.
    fn touch(&mut self, before: &State, id: AttemptId) {
        self.touched.entry(id).or_insert_with(|| before.attempt(id).is_some());
    }

    fn add_resolution(&mut self, lsn: Lsn, attempt: &OpenAttempt, resolution: &Resolution) {
        let hold = &attempt.hold;
        let key = CallKey { at: Bucket::FiveMinutes.start(attempt.at), provider_id: hold.provider_id };
        self.calls.entry(key).or_default().costs.add(resolution.cost());
        self.attempts.push(ResolvedAttempt {
            lsn,
            attempt_id: hold.attempt_id,
            request_id: hold.request_id,
            hold_lsn: attempt.lsn,
            held_at: attempt.at,
            amount: hold.amount,
            price: hold.price.clone(),
            resolution: *resolution,
        });
    }

    fn add_record(&mut self, lsn: Lsn, record: &Arc<UsageRecord>) {
        let sums = Sums::of(record);
        for bucket in Bucket::ALL {
            let rollup = self.rollups.entry(rollup_key(*bucket, record)).or_default();
            rollup.sums.add(&sums);
            if record.outcome == Outcome::Completed {
                rollup.durations.add(record.total);
            }
        }
        for attempt in &record.attempts {
            self.add_call(record.started_at, attempt);
        }
        let last = self.last_uses.entry(record.key_id).or_insert(record.started_at);
        *last = record.started_at.max(*last);
        self.requests.push((lsn, Arc::clone(record)));
    }

    fn add_call(&mut self, started_at: Timestamp, attempt: &AttemptRecord) {
        let at = Bucket::FiveMinutes.start(started_at.plus(attempt.started_after));
        let key = CallKey { at, provider_id: attempt.provider_id };
        let sums = self.calls.entry(key).or_default();
        sums.calls += 1;
        match attempt.error {
            None => sums.durations.add(attempt.duration),
            // Not the provider's fault, and no measure of its speed.
            Some(Code::ClientLeft) => {}
            Some(_) => sums.errors += 1,
        }
    }
}

impl Sums {
    /// One request.
    pub(crate) fn of(record: &UsageRecord) -> Self {
        let tokens = |total: Option<u64>| total.unwrap_or(0).min(MOST_TOKENS);
        let is_error = !matches!(record.outcome, Outcome::Completed | Outcome::ClientLeft);
        Self {
            requests: 1,
            errors: u64::from(is_error),
            input_tokens: tokens(record.usage.total_input()),
            output_tokens: tokens(record.usage.total_output()),
            amount: record.cost.amount(),
            exact: u64::from(matches!(record.cost, Cost::Exact(_))),
            estimated: u64::from(matches!(record.cost, Cost::Estimated(_))),
            unknown: u64::from(record.cost == Cost::Unknown),
        }
    }
}

impl CallCosts {
    /// Adds one call.
    pub(crate) fn add(&mut self, cost: Cost) {
        self.amount += cost.amount();
        match cost {
            Cost::Exact(_) => self.exact += 1,
            Cost::Estimated(_) => self.estimated += 1,
            Cost::Unknown => self.unknown += 1,
            Cost::NotBillable => {}
        }
    }
}

/// A duration in whole microseconds, as the tables have it.
pub(crate) fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

fn rollup_key(bucket: Bucket, record: &UsageRecord) -> RollupKey {
    let name = |name: &Option<Arc<str>>| name.clone().unwrap_or_default();
    let at = bucket.start(record.started_at);
    RollupKey { bucket, at, key_id: record.key_id, model: name(&record.model), provider: name(&record.provider) }
}
