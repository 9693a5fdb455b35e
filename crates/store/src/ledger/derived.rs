//! What entries change in the derived tables. Pure.
//!
//! The writer saves the changes of one batch; a rebuild saves those of all entries. What each table means
//! is said only here. Rows are counted by the numbers of [`crate::ledger::names`], which come with the
//! entry as its [`Counted`].

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use megarouter_domain::clock::Timestamp;
use megarouter_domain::code::Code;
use megarouter_domain::id::{AttemptId, KeyId, RequestId};
use megarouter_domain::money::NanoUsd;
use megarouter_domain::price::Cost;
use megarouter_domain::record::{Outcome, UsageRecord};
use megarouter_ledger::entry::{Adjustment, Entry, Fact, Lsn, MOST_TOKENS, Resolution};
use megarouter_ledger::state::{OpenAttempt, State, Totals};

use crate::ledger::activity::CallCosts;
use crate::ledger::histogram::Histogram;
use crate::ledger::selection::{BY_SERIES, EVERYTHING, all_series};
use crate::ledger::span::{LENGTHS, LENGTHS_OF_CALLS, LENGTHS_OF_TAGS, Length};
use crate::ledger::sums::{Sums, outcome_code};

/// Where an entry is counted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum Counted {
    /// Nowhere.
    #[default]
    None,
    /// The route of a call.
    Route(i64),
    /// Those of a request's calls, and its own.
    Request {
        routes: HashMap<AttemptId, i64>,
        /// That of the last call.
        last: Option<i64>,
        request: RequestPlace,
    },
    /// Those of a call and of its request, which had finished.
    Correction { route: i64, request: RequestPlace },
}

/// What a finished request is counted by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RequestPlace {
    pub series: i64,
    pub tags: Vec<i64>,
    pub ending: Ending,
}

/// How a request ended, as rollups tell them apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Ending {
    /// [`outcome_code`], or that of a correction.
    pub outcome: i64,
    pub status: u16,
}

/// A row of `requests`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RequestRow {
    pub lsn: Lsn,
    pub record: Arc<UsageRecord>,
    pub place: RequestPlace,
    /// The route of the last call.
    pub route: Option<i64>,
    pub totals: Totals,
}

/// A row of `attempts`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct AttemptRow {
    pub lsn: Lsn,
    pub hold_lsn: Lsn,
    pub attempt_id: AttemptId,
    pub request_id: RequestId,
    pub route: i64,
    pub started_at: Timestamp,
    pub amount: NanoUsd,
    pub tokens: u64,
}

/// The key of `rollups`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct RollupKey {
    pub slice: i64,
    pub bucket: Length,
    pub at: Timestamp,
    pub series: i64,
    pub ending: Ending,
}

/// The key of `calls`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct CallKey {
    pub bucket: Length,
    pub at: Timestamp,
    pub route: i64,
}

/// The sums of `rollups`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Rollup {
    pub sums: Sums,
    /// Tokens that count against limits.
    pub tokens: i64,
    /// Of completed requests.
    pub durations: Histogram,
    /// Of completed requests.
    pub first_outputs: Histogram,
}

/// The sums of `calls`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct CallSums {
    pub calls: u64,
    pub errors: u64,
    pub resolved: u64,
    pub tokens: i64,
    pub costs: CallCosts,
    /// Of calls without an error.
    pub durations: Histogram,
}

/// What was added to an attempt after its request had finished.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Correction {
    pub amount: NanoUsd,
    pub tokens: i64,
}

/// A row of `notes`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Note {
    pub lsn: Lsn,
    pub kind: i64,
    pub at: Timestamp,
}

impl Note {
    pub(crate) const CHANGED: i64 = 0;
    pub(crate) const CHECKPOINT: i64 = 1;
}

/// Changes of the derived tables.
#[derive(Debug, Default)]
pub(crate) struct Derived {
    pub requests: Vec<RequestRow>,
    pub attempts: Vec<AttemptRow>,
    pub corrections: HashMap<(RequestId, AttemptId), Correction>,
    pub rollups: HashMap<RollupKey, Rollup>,
    pub calls: HashMap<CallKey, CallSums>,
    pub last_uses: HashMap<KeyId, Timestamp>,
    /// Entries that are looked for by what they are.
    pub notes: Vec<Note>,
}

impl Derived {
    /// Adds what `entry` changes, given the state before it and where it is counted.
    pub(crate) fn add(&mut self, before: &State, entry: &Entry, place: &Counted) {
        match (&entry.fact, place) {
            (Fact::Resolve { attempt_id, resolution }, Counted::Route(route)) => {
                if let Some(attempt) = before.attempt(*attempt_id) {
                    self.add_resolution(entry.lsn, attempt, resolution, *route);
                }
            }
            (Fact::Finished(record), Counted::Request { routes, last, request }) => {
                self.add_calls(record, routes);
                let totals = before.totals(record.request_id);
                let (record, place) = (Arc::clone(record), request.clone());
                let row = RequestRow { lsn: entry.lsn, record, place, route: *last, totals };
                self.add_request(row);
            }
            (Fact::Adjust(adjustment), Counted::Correction { route, request }) => {
                self.add_correction(adjustment, *route, request);
            }
            (Fact::Changed(_), _) => self.notes.push(Note { lsn: entry.lsn, kind: Note::CHANGED, at: entry.at }),
            (Fact::Checkpoint(_), _) => {
                self.notes.push(Note { lsn: entry.lsn, kind: Note::CHECKPOINT, at: entry.at });
            }
            (
                Fact::Started { .. }
                | Fact::Hold(_)
                | Fact::Extend { .. }
                | Fact::Progress { .. }
                | Fact::Granted { .. }
                | Fact::Resolve { .. }
                | Fact::Finished(_)
                | Fact::Adjust(_),
                _,
            ) => {}
        }
    }

    fn add_resolution(&mut self, lsn: Lsn, attempt: &OpenAttempt, resolution: &Resolution, route: i64) {
        let hold = &attempt.hold;
        let tokens = resolution.tokens();
        self.change_calls(hold.started_at, route, |sums| {
            sums.resolved += 1;
            sums.tokens = sums.tokens.saturating_add(signed(tokens));
            sums.costs.add(resolution.cost());
        });
        self.attempts.push(AttemptRow {
            lsn,
            hold_lsn: attempt.lsn,
            attempt_id: hold.attempt_id,
            request_id: hold.request_id,
            route,
            started_at: hold.started_at,
            amount: resolution.cost().amount(),
            tokens,
        });
    }

    fn add_calls(&mut self, record: &UsageRecord, routes: &HashMap<AttemptId, i64>) {
        for attempt in &record.attempts {
            let Some(route) = routes.get(&attempt.attempt_id) else { continue };
            self.change_calls(record.started_at, *route, |sums| {
                sums.calls += 1;
                match attempt.error {
                    None => sums.durations.add(attempt.duration),
                    // Not the provider's fault, and no measure of its speed.
                    Some(Code::ClientLeft) => {}
                    Some(_) => sums.errors += 1,
                }
            });
        }
    }

    fn add_request(&mut self, row: RequestRow) {
        let record = &row.record;
        let sums = Sums::of(record, &row.totals);
        self.change_rollups(record.started_at, &row.place, |rollup| {
            rollup.sums.add(&sums);
            rollup.tokens = rollup.tokens.saturating_add(signed(row.totals.tokens));
            if record.outcome == Outcome::Completed {
                rollup.durations.add(record.total);
                if let Some(first_output) = record.first_output {
                    rollup.first_outputs.add(first_output);
                }
            }
        });
        let last = self.last_uses.entry(record.key_id).or_insert(record.started_at);
        *last = record.started_at.max(*last);
        self.requests.push(row);
    }

    /// A correction changes sums of money and tokens, and no count.
    fn add_correction(&mut self, adjustment: &Adjustment, route: i64, request: &RequestPlace) {
        let hold = &adjustment.hold;
        self.change_calls(hold.started_at, route, |sums| {
            sums.tokens = sums.tokens.saturating_add(adjustment.tokens);
            sums.costs.amount += adjustment.amount;
        });
        self.change_rollups(hold.started_at, request, |rollup| {
            rollup.tokens = rollup.tokens.saturating_add(adjustment.tokens);
            rollup.sums.amount += adjustment.amount;
        });
        let correction = self.corrections.entry((hold.request_id, hold.attempt_id)).or_default();
        correction.amount += adjustment.amount;
        correction.tokens = correction.tokens.saturating_add(adjustment.tokens);
    }

    fn change_calls(&mut self, started_at: Timestamp, route: i64, change: impl Fn(&mut CallSums)) {
        for bucket in LENGTHS_OF_CALLS {
            let key = CallKey { bucket, at: bucket.start(started_at), route };
            change(self.calls.entry(key).or_default());
        }
    }

    fn change_rollups(&mut self, started_at: Timestamp, place: &RequestPlace, change: impl Fn(&mut Rollup)) {
        let mut change_row = |slice, bucket: Length, series| {
            let key = RollupKey { slice, bucket, at: bucket.start(started_at), series, ending: place.ending };
            change(self.rollups.entry(key).or_default());
        };
        for bucket in LENGTHS {
            change_row(EVERYTHING, bucket, 0);
            change_row(BY_SERIES, bucket, place.series);
        }
        for bucket in LENGTHS_OF_TAGS {
            for tag in &place.tags {
                change_row(*tag, bucket, place.series);
                change_row(all_series(*tag), bucket, 0);
            }
        }
    }
}

impl Sums {
    /// One request, with what its attempts came to.
    pub(crate) fn of(record: &UsageRecord, totals: &Totals) -> Self {
        let believed = |total: Option<u64>| total.unwrap_or(0).min(MOST_TOKENS);
        let usage = &record.usage;
        let writes = usage.cache_write.unwrap_or(0).saturating_add(usage.cache_write_1h.unwrap_or(0));
        let is_error = !matches!(record.outcome, Outcome::Completed | Outcome::ClientLeft);
        Self {
            requests: 1,
            admitted: u64::from(totals.attempts > 0),
            errors: u64::from(is_error),
            refused: u64::from(record.outcome == Outcome::Refused),
            input_tokens: believed(usage.total_input()),
            cached_tokens: believed(usage.cached_read),
            cache_write_tokens: believed(Some(writes)),
            output_tokens: believed(usage.total_output()),
            reasoning_tokens: believed(usage.reasoning),
            amount: totals.amount,
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

impl Ending {
    /// What admins added after requests had ended. A row of its own, with no requests.
    pub(crate) const CORRECTION: Self = Self { outcome: 9, status: 0 };

    pub(crate) fn of(record: &UsageRecord) -> Self {
        Self { outcome: outcome_code(record.outcome), status: record.status }
    }
}

/// A duration in whole microseconds, as the tables have it.
pub(crate) fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

/// A count as a sum that corrections can make smaller.
pub(crate) fn signed(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
