//! The time machine: recorded traffic against a budget that was not there.
//!
//! The engine that decides on real requests decides here too, with just the one budget in force, and
//! with what each request really used in place of a worst case.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use megarouter_domain::budget::{Budget, Measure, UnknownPrice};
use megarouter_domain::clock::Timestamp;
use megarouter_domain::id::{AttemptId, DeploymentId, KeyId, PriceId, ProviderId, RequestId, UnitId};
use megarouter_domain::money::{NanoUsd, NanoUsdPerMillion};
use megarouter_domain::period::{Period, Zone};
use megarouter_domain::price::{Cost, Rates, Tariff};
use megarouter_domain::record::{Operation, Outcome, UsageRecord};
use megarouter_domain::scope::Scope;
use megarouter_domain::unit::Units;
use megarouter_domain::usage::{Usage, UsageSource};
use megarouter_ledger::account::Subject;
use megarouter_ledger::engine::Engine;
use megarouter_ledger::entry::{HoldFact, PinnedPrice, Resolution};
use megarouter_ledger::limits::Limits;
use megarouter_ledger::state::State;

/// How many refused requests are named.
const MOST_SAMPLES: usize = 20;

/// A request of the past.
#[derive(Clone, Debug)]
pub(super) struct Past {
    /// When it arrived.
    pub at: Timestamp,
    /// How long it took.
    pub duration: Duration,
    /// Its id.
    pub request: RequestId,
    /// Whose key it came with.
    pub key: KeyId,
    /// Whom it was charged to, nearest first.
    pub units: Arc<[UnitId]>,
    /// Everything it was charged to.
    pub scopes: Vec<Scope>,
    /// The session it belongs to.
    pub session: Option<Arc<str>>,
    /// What it cost, as far as that is known.
    pub amount: NanoUsd,
    /// Its tokens of all classes.
    pub tokens: u64,
}

/// What the budget would have done.
#[derive(Debug, Default)]
pub(super) struct Findings {
    /// Requests that it applies to.
    pub all: Tally,
    /// When the last of them arrived.
    pub last_at: Option<Timestamp>,
    /// The windows, in order, each with its limit.
    pub windows: Vec<(Range<Timestamp>, u64, Tally)>,
    /// The days of the budget's zone, in order.
    pub days: Vec<(Range<Timestamp>, Tally)>,
    /// Who was refused: the nearest unit, or the key where there is none.
    pub subjects: HashMap<Subject, Tally>,
    /// Some of the requests that were refused.
    pub samples: Vec<RequestId>,
}

/// Requests, added up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Tally {
    /// How many there are.
    pub requests: u64,
    /// What they cost.
    pub cost: NanoUsd,
    /// How many were refused.
    pub refused: u64,
    /// What those cost.
    pub refused_cost: NanoUsd,
    /// When the first was refused.
    pub first_refused_at: Option<Timestamp>,
    /// What the others used, in the unit of the budget's measure.
    pub used: u64,
}

/// Recorded traffic going past a budget.
pub(super) struct TimeMachine {
    budget: Budget,
    engine: Engine,
    price: PinnedPrice,
    /// Requests under way, by their end; only looked at where those are limited.
    under_way: BinaryHeap<Reverse<(Timestamp, AttemptId, RequestId)>>,
    findings: Findings,
}

impl TimeMachine {
    /// Begins with a budget at an instant, as if nothing had been used before.
    pub fn new(budget: Budget, units: &Units, from: Timestamp) -> Self {
        let limits = Arc::new(Limits::new(std::slice::from_ref(&budget), units, UnknownPrice::Free));
        let (engine, _) = Engine::start(State::default(), limits, &[], "", from);
        Self { engine, price: price(from), budget, under_way: BinaryHeap::new(), findings: Findings::default() }
    }

    /// Lets the next request pass, in the order of their arrival.
    pub fn pass(&mut self, past: &Past) {
        if !past.scopes.contains(&self.budget.scope) {
            return;
        }
        self.end_until(past.at);
        let hold = self.hold(past);
        let attempt = hold.attempt_id;
        let is_refused = self.engine.hold(hold, past.at).is_err();
        if !is_refused && self.budget.measure == Measure::Concurrent {
            self.under_way.push(Reverse((past.at.plus(past.duration), attempt, past.request)));
        } else if !is_refused {
            let usage = usage(past.amount, past.tokens);
            self.end(attempt, past.request, usage, past.at);
        }
        self.note(past, is_refused);
    }

    /// What the budget would have done to everything that passed.
    pub fn findings(self) -> Findings {
        self.findings
    }

    fn end_until(&mut self, now: Timestamp) {
        while self.under_way.peek().is_some_and(|Reverse((end, ..))| *end <= now) {
            if let Some(Reverse((end, attempt, request))) = self.under_way.pop() {
                self.end(attempt, request, Usage::UNREPORTED, end);
            }
        }
    }

    fn end(&mut self, attempt: AttemptId, request: RequestId, usage: Usage, at: Timestamp) {
        let (source, cost) = (UsageSource::Reported, Cost::Unknown);
        let resolution = Resolution::Settled { usage, source, cost, overage: NanoUsd::ZERO };
        self.engine.resolve(attempt, resolution, at);
        self.engine.finish(Arc::new(record(request, at)), at);
    }

    fn hold(&self, past: &Past) -> HoldFact {
        let nothing: Arc<str> = Arc::from("");
        HoldFact {
            attempt_id: AttemptId::from_uuid(past.request.as_uuid()),
            request_id: past.request,
            key_id: past.key,
            deployment_id: DeploymentId::from_uuid(past.request.as_uuid()),
            provider_id: ProviderId::from_uuid(past.request.as_uuid()),
            scopes: past.scopes.clone(),
            amount: past.amount,
            tokens: past.tokens,
            session: past.session.clone(),
            price: Some(self.price.clone()),
            counted_input: 0,
            started_at: past.at,
            operation: Operation::ChatCompletions,
            model_asked: Arc::clone(&nothing),
            model: Arc::clone(&nothing),
            provider: Arc::clone(&nothing),
            upstream_model: nothing,
            is_streaming: false,
        }
    }

    fn note(&mut self, past: &Past, is_refused: bool) {
        let measured = match self.budget.measure {
            Measure::Cost => u64::try_from(past.amount.0).unwrap_or(0),
            Measure::Tokens => past.tokens,
            Measure::Requests | Measure::Concurrent => 1,
        };
        let (period, zone) = (self.budget.period, self.budget.zone);
        let findings = &mut self.findings;
        if !findings.windows.last().is_some_and(|(window, ..)| window.contains(&past.at)) {
            let account = self.engine.tightest(&past.scopes, past.session.as_deref(), past.at);
            let limit = account.map_or_else(|| self.budget.limit_at(past.at), |account| account.limit);
            findings.windows.push((told_window(period, zone, past.at), limit, Tally::default()));
        }
        if !findings.days.last().is_some_and(|(day, _)| day.contains(&past.at)) {
            findings.days.push((Period::Day.window(zone, past.at), Tally::default()));
        }
        let nearest = past.units.first().map_or(Subject::Key(past.key), |unit| Subject::Unit(*unit));
        let tallies = [
            Some(&mut findings.all),
            findings.windows.last_mut().map(|(_, _, tally)| tally),
            findings.days.last_mut().map(|(_, tally)| tally),
            Some(findings.subjects.entry(nearest).or_default()),
        ];
        for tally in tallies.into_iter().flatten() {
            tally.add(past, measured, is_refused);
        }
        findings.last_at = Some(past.at);
        if is_refused && findings.samples.len() < MOST_SAMPLES {
            findings.samples.push(past.request);
        }
    }
}

impl Tally {
    fn add(&mut self, past: &Past, measured: u64, is_refused: bool) {
        self.requests += 1;
        self.cost += past.amount;
        if is_refused {
            self.refused += 1;
            self.refused_cost += past.amount;
            self.first_refused_at.get_or_insert(past.at);
        } else {
            self.used = self.used.saturating_add(measured);
        }
    }
}

/// The window that a request is told in; what moves with every request is told by the day.
fn told_window(period: Period, zone: Zone, at: Timestamp) -> Range<Timestamp> {
    match period {
        Period::Rolling { .. } => Period::Day.window(zone, at),
        period => period.window(zone, at),
    }
}

/// A price by which a number of searches costs as many nano-dollars, so that what was paid is paid again.
fn price(now: Timestamp) -> PinnedPrice {
    let one_each = NanoUsdPerMillion(1_000_000);
    let rates = Rates { search: Some(one_each), ..Rates::default() };
    PinnedPrice { id: PriceId::new(now, [0; 10]), tariff: Arc::new(Tariff::of(rates)) }
}

fn usage(amount: NanoUsd, tokens: u64) -> Usage {
    Usage { input: Some(tokens), searches: u64::try_from(amount.0).ok(), ..Usage::UNREPORTED }
}

/// The least that ends a request.
fn record(request: RequestId, at: Timestamp) -> UsageRecord {
    UsageRecord {
        request_id: request,
        started_at: at,
        key_id: KeyId::from_uuid(request.as_uuid()),
        units: Arc::from([]),
        tags: vec![],
        session: None,
        refusal: None,
        operation: Operation::ChatCompletions,
        model_asked: "".into(),
        model: None,
        provider: None,
        upstream_model: None,
        is_streaming: false,
        status: 200,
        outcome: Outcome::Completed,
        error: None,
        usage: Usage::UNREPORTED,
        usage_source: UsageSource::Unknown,
        cost: Cost::Unknown,
        first_output: None,
        total: Duration::ZERO,
        overhead: None,
        attempts: vec![],
        losses: vec![],
        user_agent: None,
        decision: None,
    }
}

#[cfg(test)]
mod tests {
    use megarouter_domain::budget::{Action, Basis, Each, Rung};
    use megarouter_domain::id::{BudgetId, OrganizationId};

    use super::*;

    const DAY: i64 = 86_400_000_000;
    const START: i64 = 20_000 * DAY;

    fn organization() -> Scope {
        Scope::Organization(OrganizationId::new(Timestamp::from_micros(START), [9; 10]))
    }

    fn budget(measure: Measure, limit: u64, period: Period) -> Budget {
        let now = Timestamp::from_micros(START);
        Budget {
            id: BudgetId::new(now, [1; 10]),
            name: String::new(),
            scope: organization(),
            each: None,
            measure,
            limit,
            period,
            zone: Zone::UTC,
            carries_over: false,
            is_strict: false,
            ladder: vec![Rung { at_percent: 100, basis: Basis::Actual, action: Action::Stop }],
            raises: vec![],
            created_at: now,
            archived_at: None,
        }
    }

    /// A request `micros` after the start, with 100 nano-dollars, 10 tokens and a minute.
    fn past(micros: i64, key: u8) -> Past {
        let at = Timestamp::from_micros(START + micros);
        let mut entropy = [key; 10];
        entropy[2..].copy_from_slice(&micros.to_be_bytes());
        let key = KeyId::new(Timestamp::from_micros(START), [key; 10]);
        Past {
            at,
            duration: Duration::from_secs(60),
            request: RequestId::new(at, entropy),
            key,
            units: Arc::from([]),
            scopes: vec![organization(), Scope::Key(key)],
            session: None,
            amount: NanoUsd(100),
            tokens: 10,
        }
    }

    fn replayed(budget: Budget, traffic: impl IntoIterator<Item = Past>) -> Findings {
        let mut machine = TimeMachine::new(budget, &Units::default(), Timestamp::from_micros(START));
        traffic.into_iter().for_each(|past| machine.pass(&past));
        machine.findings()
    }

    #[test]
    fn each_window_begins_anew() {
        let hourly = (0..48).map(|hour| past(hour * DAY / 24, 0));
        let findings = replayed(budget(Measure::Cost, 1_050, Period::Day), hourly);
        assert_eq!((findings.all.requests, findings.all.refused, findings.all.used), (48, 28, 2_000));
        let windows: Vec<_> =
            findings.windows.iter().map(|(_, limit, tally)| (*limit, tally.used, tally.refused)).collect();
        assert_eq!(windows, [(1_050, 1_000, 14), (1_050, 1_000, 14)]);
        assert_eq!(findings.all.first_refused_at, Some(past(10 * DAY / 24, 0).at));
        assert_eq!(findings.samples.len(), MOST_SAMPLES);
    }

    #[test]
    fn what_a_window_leaves_over_is_added_to_the_next() {
        let mut budget = budget(Measure::Tokens, 100, Period::Day);
        budget.carries_over = true;
        let first = (0..4).map(|minute| past(minute, 0));
        let second = (0..20).map(|minute| past(DAY + minute, 0));
        let findings = replayed(budget, first.chain(second));
        assert_eq!(findings.all.refused, 4, "100 tokens and the 60 that were left");
    }

    #[test]
    fn each_key_has_its_own_and_others_go_past() {
        let mut budget = budget(Measure::Requests, 2, Period::Rolling { seconds: 60 });
        budget.each = Some(Each::Key);
        let traffic = (0..6_u8).map(|count| past(i64::from(count) * 1_000_000, count % 2));
        let mut traffic: Vec<_> = traffic.collect();
        traffic.push(past(120_000_000, 0));
        traffic.push(Past { scopes: vec![], ..past(121_000_000, 1) });
        let findings = replayed(budget, traffic);
        assert_eq!((findings.all.requests, findings.all.refused), (7, 2));
        assert!(findings.subjects.values().all(|tally| tally.refused == 1));
    }

    #[test]
    fn requests_under_way_are_counted_until_their_end() {
        let traffic = [past(0, 0), past(1, 0), past(2, 0), past(60_000_001, 0), past(60_000_002, 0)];
        let findings = replayed(budget(Measure::Concurrent, 2, Period::Total), traffic);
        assert_eq!((findings.all.refused, findings.samples.len()), (1, 1));
    }

    #[test]
    fn a_soft_budget_refuses_nobody() {
        let mut budget = budget(Measure::Cost, 100, Period::Total);
        budget.ladder[0].action = Action::Notify;
        let findings = replayed(budget, (0..10).map(|count| past(count, 0)));
        assert_eq!((findings.all.refused, findings.all.used), (0, 1_000));
    }

    #[test]
    fn a_month_of_traffic_takes_moments() {
        let traffic = (0..100_000).map(|count| past(count * 26_000_000, u8::try_from(count % 200).unwrap()));
        let began = std::time::Instant::now();
        let mut budget = budget(Measure::Cost, 2_000, Period::Day);
        budget.each = Some(Each::Key);
        let findings = replayed(budget, traffic);
        assert_eq!(findings.all.requests, 100_000);
        // A tenth of this with optimisation, and a tenth of the rest for slow machines.
        assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
    }
}
