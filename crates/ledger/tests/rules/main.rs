//! Rules of the engine that a person would ask about, one by one.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod accounts;
mod journal;
#[path = "../kit/mod.rs"]
mod kit;

use std::sync::Arc;
use std::time::Duration;

use kit::{Call, NOW};
use megarouter_domain::budget::{Action, Basis, Budget, Each, Measure, Raise, Rung, UnknownPrice};
use megarouter_domain::clock::Timestamp;
use megarouter_domain::code::Code;
use megarouter_domain::id::{AttemptId, BudgetId, RaiseId, RequestId};
use megarouter_domain::money::NanoUsd;
use megarouter_domain::period::{END, Period, Zone};
use megarouter_domain::price::Cost;
use megarouter_domain::scope::Scope;
use megarouter_domain::usage::UsageSource;
use megarouter_ledger::account::{AccountKey, Sharing, Subject};
use megarouter_ledger::chain::{self, GENESIS};
use megarouter_ledger::engine::{AdjustError, Engine, Stale};
use megarouter_ledger::entry::{Adjustment, ChangeNote, Entry, Fact, Lsn, Resolution};
use megarouter_ledger::limits::{Limits, Opening};
use megarouter_ledger::refusal::{Exceeded, Refusal};
use megarouter_ledger::state::{Inconsistency, State};
use megarouter_ledger::verify::Verifier;

const HOUR: Duration = Duration::from_secs(3_600);

/// A hard budget of the organisation.
fn budget(number: u8, measure: Measure, limit: u64, period: Period) -> Budget {
    Budget {
        id: BudgetId::new(NOW, [number; 10]),
        name: String::new(),
        scope: kit::organization(),
        each: None,
        measure,
        limit,
        period,
        zone: Zone::UTC,
        carries_over: false,
        is_strict: false,
        ladder: vec![rung(100, Basis::Actual, Action::Stop)],
        raises: vec![],
        created_at: Timestamp::default(),
        archived_at: None,
    }
}

fn rung(at_percent: u16, basis: Basis, action: Action) -> Rung {
    Rung { at_percent, basis, action }
}

fn limits(budgets: &[Budget]) -> Arc<Limits> {
    Arc::new(Limits::new(budgets, &kit::units(), UnknownPrice::Deny))
}

fn engine(budgets: &[Budget]) -> Engine {
    Engine::start(State::default(), limits(budgets), &[], "test", NOW).0
}

fn call(number: u8, member: u8, started_at: Timestamp) -> Call {
    let (request, attempt) = (RequestId::new(NOW, [number; 10]), AttemptId::new(NOW, [number; 10]));
    Call { request, attempt, member, provider: 0, model: 0, started_at }
}

/// Holds for so many output tokens, which cost 7.654321 nano-dollars each.
fn hold(engine: &mut Engine, call: Call, output: u64) -> Result<Entry, Refusal> {
    engine.hold(kit::hold_fact(call, 0, output, Some(kit::price())), call.started_at)
}

fn settle(engine: &mut Engine, call: Call, output: u64) {
    let (cost, overage) = (Cost::Unknown, NanoUsd::ZERO);
    let usage = kit::tokens(0, output);
    let how = Resolution::Settled { usage, source: UsageSource::Reported, cost, overage };
    engine.resolve(call.attempt, how, call.started_at).unwrap();
}

/// A request from beginning to end.
fn serve(engine: &mut Engine, number: u8, member: u8, at: Timestamp, output: u64) -> Result<(), Refusal> {
    let call = call(number, member, at);
    hold(engine, call, output)?;
    settle(engine, call, output);
    engine.finish(kit::record(engine, call), at);
    Ok(())
}

fn exceeded(refusal: Result<(), Refusal>) -> Exceeded {
    let Err(Refusal::Exceeded(exceeded)) = refusal else { panic!("{refusal:?}") };
    *exceeded
}

#[test]
fn refuses_when_a_hard_budget_is_spent_and_says_when_to_come_back() {
    let mut engine = engine(&[budget(1, Measure::Tokens, 1_000, Period::Day)]);
    serve(&mut engine, 1, 0, NOW, 600).unwrap();
    let refusal = exceeded(serve(&mut engine, 2, 0, NOW, 401));
    assert_eq!((refusal.limit, refusal.used, refusal.held, refusal.asked), (1_000, 600, 0, 401));
    let midnight = Timestamp::parse_rfc3339("2026-11-23T00:00:00Z").unwrap();
    assert_eq!(refusal.resets_at, Some(midnight));
    assert_eq!(
        refusal.to_string(),
        "401 tokens more would exceed the limit of 1000 tokens: 600 tokens used and 0 tokens set aside"
    );
    assert_eq!(Refusal::from(Box::new(refusal)).code(), Code::RateLimited);
    assert_eq!(serve(&mut engine, 2, 0, NOW, 400), Ok(()));
    assert_eq!(serve(&mut engine, 3, 0, midnight, 1_000), Ok(()));
}

#[test]
fn a_budget_for_ever_never_comes_back_and_one_in_money_says_dollars() {
    let mut engine = engine(&[budget(1, Measure::Cost, 5_000, Period::Total)]);
    let refusal = exceeded(serve(&mut engine, 1, 0, NOW, 1_000));
    assert_eq!(refusal.resets_at, None);
    assert_eq!(refusal.window, Timestamp::default()..END);
    assert_eq!(refusal.to_string(), "$0.000007655 more would exceed the limit of $0.000005: $0 used and $0 set aside");
    let refusal = Refusal::from(Box::new(refusal));
    assert_eq!((refusal.code(), refusal.budget()), (Code::BudgetExceeded, Some(BudgetId::new(NOW, [1; 10]))));
}

#[test]
fn a_rolling_window_says_when_enough_has_aged_out() {
    let mut engine = engine(&[budget(1, Measure::Requests, 3, Period::Rolling { seconds: 60 })]);
    let at = |seconds| NOW.plus(Duration::from_secs(seconds));
    for (number, seconds) in [(1, 0), (2, 10), (3, 20)] {
        serve(&mut engine, number, 0, at(seconds), 1).unwrap();
    }
    let refusal = exceeded(serve(&mut engine, 4, 0, at(30), 1));
    assert_eq!(refusal.resets_at, Some(at(61)));
    let before = at(61).minus(Duration::from_micros(1));
    assert!(serve(&mut engine, 4, 0, before, 1).is_err());
    assert_eq!(serve(&mut engine, 4, 0, at(61), 1), Ok(()));
}

#[test]
fn requests_under_way_count_until_they_finish() {
    let mut engine = engine(&[budget(1, Measure::Concurrent, 2, Period::Total)]);
    let calls = [1, 2, 3].map(|number| call(number, 0, NOW));
    hold(&mut engine, calls[0], 1).unwrap();
    hold(&mut engine, calls[1], 1).unwrap();
    let refusal = exceeded(hold(&mut engine, calls[2], 1).map(|_| ()));
    assert_eq!((refusal.used, refusal.held, refusal.resets_at), (0, 2, None));
    assert_eq!(
        refusal.to_string(),
        "1 requests more would exceed the limit of 2 requests: 0 requests used and 2 requests set aside"
    );
    settle(&mut engine, calls[0], 1);
    assert!(hold(&mut engine, calls[2], 1).is_err(), "its record is still to come");
    engine.finish(kit::record(&engine, calls[0]), NOW);
    assert!(hold(&mut engine, calls[2], 1).is_ok());
}

#[test]
fn a_session_that_rests_for_a_day_begins_anew() {
    let mut sessions = budget(1, Measure::Tokens, 1_000, Period::Total);
    sessions.each = Some(Each::Session);
    let mut engine = engine(&[sessions]);
    serve(&mut engine, 1, 0, NOW, 900).unwrap();
    // Another session, and a request without one.
    assert_eq!(serve(&mut engine, 2, 2, NOW, 900), Ok(()));
    assert_eq!(serve(&mut engine, 3, 1, NOW, 5_000), Ok(()));
    assert!(serve(&mut engine, 4, 0, NOW.plus(HOUR * 24), 900).is_err());
    assert_eq!(serve(&mut engine, 4, 0, NOW.plus(HOUR * 24 + Duration::from_micros(1)), 900), Ok(()));
    assert!(serve(&mut engine, 5, 0, NOW.plus(HOUR * 25), 900).is_err());
}

#[test]
fn a_session_under_way_does_not_end() {
    let mut sessions = budget(1, Measure::Tokens, 1_000, Period::Total);
    sessions.each = Some(Each::Session);
    let mut engine = engine(&[sessions]);
    hold(&mut engine, call(1, 0, NOW), 900).unwrap();
    assert!(serve(&mut engine, 2, 0, NOW.plus(HOUR * 30), 900).is_err());
}

#[test]
fn who_has_a_budget_of_its_own_is_exempt_from_that_of_each() {
    let mut each = budget(1, Measure::Tokens, 100, Period::Day);
    each.each = Some(Each::Member);
    let mut own = budget(2, Measure::Tokens, 1_000, Period::Day);
    own.scope = Scope::Unit(kit::member(1));
    let mut engine = engine(&[each.clone(), own.clone()]);
    assert!(serve(&mut engine, 1, 0, NOW, 500).is_err());
    assert_eq!(serve(&mut engine, 1, 1, NOW, 500), Ok(()));
    // One of another kind is no exemption.
    own.period = Period::Hour;
    engine.set_limits(limits(&[each, own]), &[], engine.last()).unwrap();
    assert!(serve(&mut engine, 2, 1, NOW, 500).is_err());
}

#[test]
fn raises_and_the_step_that_stops_move_the_limit() {
    let mut soft = budget(1, Measure::Tokens, 1_000, Period::Day);
    soft.ladder = vec![rung(50, Basis::Actual, Action::Stop)];
    soft.raises = vec![Raise {
        id: RaiseId::new(NOW, [1; 10]),
        amount: 1_000,
        from: NOW.plus(HOUR),
        until: NOW.plus(HOUR * 2),
        reason: String::new(),
    }];
    let mut engine = engine(&[soft]);
    assert!(serve(&mut engine, 1, 0, NOW, 501).is_err());
    assert_eq!(serve(&mut engine, 1, 0, NOW, 500), Ok(()));
    assert_eq!(serve(&mut engine, 2, 0, NOW.plus(HOUR), 500), Ok(()));
    let account = &engine.accounts(NOW.plus(HOUR))[0];
    assert_eq!((account.limit, account.stop, account.posted, account.left()), (2_000, Some(1_000), 1_000, 0));
    assert!(serve(&mut engine, 3, 0, NOW.plus(HOUR * 2), 1).is_err());
}

#[test]
fn a_soft_budget_counts_and_lets_everything_pass() {
    let mut soft = budget(1, Measure::Tokens, 100, Period::Day);
    soft.ladder = vec![rung(80, Basis::Actual, Action::Notify)];
    let mut engine = engine(&[soft]);
    assert_eq!(engine.terms(&[kit::organization()], None, NOW), None);
    assert_eq!(serve(&mut engine, 1, 0, NOW, 5_000), Ok(()));
    let account = &engine.accounts(NOW)[0];
    assert_eq!((account.posted, account.stop, account.left()), (5_000, None, 0));
    let crossed = engine.thresholds(NOW);
    assert_eq!(crossed.len(), 1);
    assert_eq!((crossed[0].at_percent, crossed[0].action, crossed[0].used), (80, Action::Notify, 5_000));
    assert_eq!(engine.thresholds(NOW), [], "a step is told once");
    // In the next window again.
    serve(&mut engine, 2, 0, NOW.plus(HOUR * 24), 80).unwrap();
    assert_eq!(engine.thresholds(NOW.plus(HOUR * 24)).len(), 1);
}

#[test]
fn a_step_is_reached_at_its_percentage_and_by_forecast_once_there_is_something_to_go_by() {
    let day = Timestamp::parse_rfc3339("2026-11-23T00:00:00Z").unwrap();
    let mut daily = budget(1, Measure::Tokens, 1_000, Period::Day);
    daily.ladder = vec![rung(80, Basis::Actual, Action::Notify), rung(100, Basis::Forecast, Action::Notify)];
    let mut engine = engine(&[daily]);
    serve(&mut engine, 1, 0, day, 50).unwrap();
    assert_eq!(engine.thresholds(day.plus(HOUR)), [], "an hour is less than a twentieth of a day");
    let told = engine.thresholds(day.plus(Duration::from_secs(72 * 60)));
    assert_eq!((told.len(), told[0].basis, told[0].forecast, told[0].used), (1, Basis::Forecast, 1_000, 50));
    serve(&mut engine, 2, 0, day.plus(HOUR * 2), 749).unwrap();
    assert_eq!(engine.thresholds(day.plus(HOUR * 2)), []);
    serve(&mut engine, 3, 0, day.plus(HOUR * 2), 1).unwrap();
    let told = engine.thresholds(day.plus(HOUR * 2));
    assert_eq!((told.len(), told[0].basis, told[0].at_percent), (1, Basis::Actual, 80));
}

#[test]
fn steps_that_were_reached_before_a_start_are_no_news() {
    let daily = budget(1, Measure::Tokens, 1_000, Period::Day);
    let opening = |amount| Opening { budget: daily.id, subject: None, at: NOW, amount };
    let limits = limits(std::slice::from_ref(&daily));
    let mut engine = Engine::start(State::default(), Arc::clone(&limits), &[opening(1_000)], "test", NOW).0;
    assert_eq!(engine.thresholds(NOW), []);
    assert!(serve(&mut engine, 1, 0, NOW, 1).is_err());
}

#[test]
fn without_a_price_a_hard_budget_in_money_decides() {
    let budgets = [budget(1, Measure::Cost, 10_000, Period::Day)];
    let unpriced = |number| kit::hold_fact(call(number, 0, NOW), 10, 10, None);
    let with = |unknown_price| {
        let limits = Arc::new(Limits::new(&budgets, &kit::units(), unknown_price));
        Engine::start(State::default(), limits, &[], "test", NOW).0
    };
    let denied = with(UnknownPrice::Deny).hold(unpriced(1), NOW).unwrap_err();
    assert_eq!(denied, Refusal::PriceUnknown { budget: budgets[0].id });
    assert_eq!((denied.code(), denied.budget()), (Code::BudgetExceeded, Some(budgets[0].id)));
    let mut fixed = with(UnknownPrice::HoldFixed(6_000));
    let entry = fixed.hold(unpriced(1), NOW).unwrap();
    assert!(matches!(&entry.fact, Fact::Hold(hold) if hold.amount == NanoUsd(6_000)));
    assert!(matches!(fixed.hold(unpriced(2), NOW), Err(Refusal::Exceeded(_))));
    let mut free = with(UnknownPrice::Free);
    assert!((1..20).all(|number| free.hold(unpriced(number), NOW).is_ok()));
    // No budget in money, no question.
    let mut tokens = engine(&[budget(1, Measure::Tokens, 100, Period::Day)]);
    assert!(tokens.hold(unpriced(1), NOW).is_ok());
}

#[test]
fn terms_are_the_tightest_of_all_that_apply() {
    let mut strict = budget(1, Measure::Tokens, 700, Period::Day);
    strict.is_strict = true;
    strict.scope = Scope::Unit(kit::team(1));
    let budgets =
        [strict, budget(2, Measure::Cost, 90_000, Period::Day), budget(3, Measure::Cost, 80_000, Period::Total)];
    let mut engine = engine(&budgets);
    serve(&mut engine, 1, 0, NOW, 1_000).unwrap();
    let scopes = call(2, 0, NOW).scopes();
    let terms = engine.terms(&scopes, None, NOW).unwrap();
    assert_eq!((terms.left, terms.tokens_left, terms.is_strict), (NanoUsd(80_000 - 7_654), u64::MAX, false));
    assert_eq!(engine.available(&scopes, None, NOW), Some(NanoUsd(80_000 - 7_654)));
    assert_eq!(engine.tightest(&scopes, None, NOW).unwrap().key.budget, budgets[2].id);
    let scopes = call(2, 1, NOW).scopes();
    let terms = engine.terms(&scopes, None, NOW).unwrap();
    assert_eq!((terms.tokens_left, terms.is_strict), (700, true));
    serve(&mut engine, 2, 1, NOW, 650).unwrap();
    let tightest = engine.tightest(&scopes, None, NOW).unwrap();
    assert_eq!((tightest.key.budget, tightest.left()), (budgets[0].id, 50));
    assert_eq!(engine.tightest(&[], None, NOW), None);
    assert_eq!(engine.available(&[Scope::Unit(kit::team(1))], None, NOW), None);
}

#[test]
fn what_is_left_is_carried_over_once() {
    let mut daily = budget(1, Measure::Tokens, 1_000, Period::Day);
    daily.carries_over = true;
    let mut engine = engine(std::slice::from_ref(&daily));
    serve(&mut engine, 1, 0, NOW, 300).unwrap();
    let tomorrow = NOW.plus(HOUR * 24);
    assert_eq!(engine.accounts(tomorrow)[0].limit, 1_700);
    assert_eq!(serve(&mut engine, 2, 0, tomorrow, 1_700), Ok(()));
    // Nothing is left of the second day, so the third has its own limit.
    assert_eq!(engine.accounts(tomorrow.plus(HOUR * 24))[0].limit, 1_000);
    // After a day without use, twice the limit and no more.
    assert_eq!(engine.accounts(tomorrow.plus(HOUR * 72))[0].limit, 2_000);
    daily.created_at = tomorrow;
    engine.set_limits(limits(&[daily]), &[], engine.last()).unwrap();
    assert_eq!(engine.accounts(NOW)[0].limit, 1_000, "a new budget has nothing to carry");
}

#[test]
fn shared_budgets_are_spent_within_grants() {
    let shared = budget(1, Measure::Tokens, 1_000, Period::Day);
    let mut rolling = budget(2, Measure::Tokens, 900, Period::Rolling { seconds: 60 });
    rolling.scope = Scope::Unit(kit::team(0));
    let mut engine = engine(&[shared.clone(), rolling]);
    engine.share(Sharing::Leased { live_nodes: 4 });
    // Each node has its part of what is not granted: 225 of 900.
    assert_eq!(exceeded(serve(&mut engine, 1, 0, NOW, 226)).limit, 225);
    let Err(Refusal::LeaseShort(needs)) = serve(&mut engine, 1, 0, NOW, 225) else { panic!() };
    let need = &needs[0];
    assert_eq!((needs.len(), need.limit, need.granted, need.need, need.asked), (1, 1_000, 0, 225, 225));
    let midnight = |text| Timestamp::parse_rfc3339(text).unwrap();
    assert_eq!(need.window, midnight("2026-11-22T00:00:00Z")..midnight("2026-11-23T00:00:00Z"));
    let key = need.key.clone();
    let entry = engine.set_grant(key.clone(), 400, 300, NOW);
    assert_eq!(entry.fact, Fact::Granted { account: key.clone(), granted: 400 });
    serve(&mut engine, 1, 0, NOW, 225).unwrap();
    let again = engine.renewed(need);
    assert_eq!((again.granted, again.need), (400, 450));
    let account = engine.accounts(NOW).into_iter().find(|account| account.key == key).unwrap();
    assert_eq!((account.granted, account.reachable, account.left()), (Some(400), Some(700), 475));
    let grants = engine.grants();
    assert_eq!((grants.len(), grants[0].granted, grants[0].used, grants[0].limit), (1, 400, 225, 1_000));
    // More than the whole limit is refused without asking.
    assert_eq!(exceeded(serve(&mut engine, 2, 1, NOW, 776)).limit, 1_000);
    assert!(matches!(serve(&mut engine, 2, 1, NOW, 176), Err(Refusal::LeaseShort(_))));
    assert_eq!(serve(&mut engine, 2, 1, NOW, 175), Ok(()));
    // The hub has too little left.
    let Refusal::Exceeded(refusal) = again.refused(30) else { panic!() };
    assert_eq!((refusal.limit, refusal.used, refusal.asked), (1_000, 795, 225));
    assert_eq!(refusal.resets_at, Some(need.window.end));
    // Grants outlive a change of limits, not one of windows.
    engine.set_limits(limits(std::slice::from_ref(&shared)), &[], engine.last()).unwrap();
    assert_eq!(engine.grants()[0].granted, 400);
    let monthly = Budget { period: Period::Month { starts_on: 1 }, ..shared };
    engine.set_limits(limits(&[monthly]), &[], engine.last()).unwrap();
    assert!(engine.grants().iter().all(|grant| grant.granted == 0));
    engine.share(Sharing::Alone);
    assert_eq!(engine.accounts(NOW)[0].granted, None);
}

#[test]
fn a_part_of_a_limit_is_at_least_one() {
    let mut engine = engine(&[budget(1, Measure::Concurrent, 3, Period::Total)]);
    engine.share(Sharing::Leased { live_nodes: 8 });
    assert_eq!(engine.accounts(NOW)[0].stop, Some(1));
    assert!(hold(&mut engine, call(1, 0, NOW), 1).is_ok());
    assert!(hold(&mut engine, call(2, 0, NOW), 1).is_err());
}

#[test]
fn a_fence_stops_what_is_shared_and_nothing_else() {
    let mut of_team = budget(1, Measure::Tokens, 1_000, Period::Day);
    of_team.scope = Scope::Unit(kit::team(0));
    let mut engine = engine(&[of_team]);
    engine.fence(true);
    assert_eq!(serve(&mut engine, 1, 0, NOW, 1), Ok(()), "nothing is shared");
    engine.share(Sharing::Leased { live_nodes: 1 });
    assert_eq!(serve(&mut engine, 2, 0, NOW, 1), Err(Refusal::Fenced));
    assert_eq!(Refusal::Fenced.code(), Code::BudgetUnavailable);
    assert_eq!(serve(&mut engine, 2, 1, NOW, 1), Ok(()), "no budget applies");
    engine.fence(false);
    assert!(matches!(serve(&mut engine, 3, 0, NOW, 1), Err(Refusal::LeaseShort(_))));
}

#[test]
fn corrections_belong_to_the_window_of_their_attempt() {
    let mut engine = engine(&[budget(1, Measure::Tokens, 1_000, Period::Day)]);
    let first = call(1, 0, NOW);
    let Fact::Hold(held) = hold(&mut engine, first, 500).unwrap().fact else { panic!() };
    let adjustment = |amount, tokens| Adjustment {
        hold: Arc::clone(&held),
        amount: NanoUsd(amount),
        tokens,
        usage: None,
        by: "admin".into(),
        reason: "invoice".into(),
    };
    assert_eq!(engine.adjust(adjustment(0, -200), NOW), Err(AdjustError::UnderWay));
    settle(&mut engine, first, 500);
    engine.finish(kit::record(&engine, first), NOW);
    assert_eq!(engine.adjust(adjustment(0, 0), NOW), Err(AdjustError::Nothing));
    let tomorrow = NOW.plus(HOUR * 24);
    engine.instant(tomorrow);
    engine.adjust(adjustment(0, -200), tomorrow).unwrap();
    assert_eq!(engine.accounts(tomorrow)[0].posted, 0);
    // Openings as of before the correction are brought up to date.
    let limits = limits(&[budget(1, Measure::Tokens, 1_000, Period::Month { starts_on: 1 })]);
    let opening = Opening { budget: BudgetId::new(NOW, [1; 10]), subject: None, at: NOW, amount: 500 };
    engine.set_limits(limits, &[opening], Lsn(engine.last().0 - 1)).unwrap();
    assert_eq!(engine.accounts(tomorrow)[0].posted, 300);
}

#[test]
fn sums_that_are_too_old_are_not_used() {
    let limits = limits(&[budget(1, Measure::Tokens, 1_000, Period::Day)]);
    let mut engine = engine(&[]);
    let begun = engine.last();
    assert_eq!(engine.set_limits(Arc::clone(&limits), &[], begun.next()), Err(Stale), "the future is not known");
    serve(&mut engine, 1, 0, NOW, 10).unwrap();
    assert_eq!(engine.set_limits(Arc::clone(&limits), &[], begun), Ok(()));
    assert_eq!(engine.accounts(NOW)[0].posted, 10);
    // Ten minutes later the first request is forgotten.
    serve(&mut engine, 2, 0, NOW.plus(Duration::from_secs(600)), 10).unwrap();
    assert_eq!(engine.set_limits(Arc::clone(&limits), &[], begun), Ok(()));
    serve(&mut engine, 3, 0, NOW.plus(Duration::from_secs(601)), 10).unwrap();
    assert_eq!(engine.set_limits(limits, &[], begun), Err(Stale));
}

#[test]
fn an_extension_is_checked_and_counts() {
    let mut engine = engine(&[budget(1, Measure::Tokens, 1_000, Period::Day)]);
    let first = call(1, 0, NOW);
    hold(&mut engine, first, 600).unwrap();
    assert!(matches!(engine.extend(first.attempt, NanoUsd(1), 401, NOW), Err(Refusal::Exceeded(_))));
    engine.extend(first.attempt, NanoUsd(1_000), 400, NOW).unwrap();
    assert_eq!(engine.accounts(NOW)[0].held, 1_000);
    // What it costs is compared with all that was set aside.
    settle(&mut engine, first, 700);
    let attempt = engine.state().attempt(first.attempt).unwrap();
    assert_eq!((attempt.held_tokens(), attempt.held()), (1_000, NanoUsd(4_593 + 1_000)));
    assert_eq!(attempt.resolution.unwrap().overage(), NanoUsd(5_358 - 5_593).max(NanoUsd::ZERO));
    assert_eq!((engine.accounts(NOW)[0].held, engine.accounts(NOW)[0].posted), (0, 700));
    assert_eq!(engine.extend(first.attempt, NanoUsd(1), 1, NOW), Err(Refusal::Closed));
    assert_eq!((Refusal::Closed.code(), Refusal::Closed.budget()), (Code::BudgetExhausted, None));
}

#[test]
fn a_checkpoint_is_enough_to_go_on_from() {
    let mut engine = engine(&[]);
    let mut journal = Engine::start(State::default(), Arc::default(), &[], "test", NOW).1;
    let first = call(1, 1, NOW.plus(HOUR));
    journal.push(hold(&mut engine, first, 10).unwrap());
    journal.push(engine.extend(first.attempt, NanoUsd(5), 6, NOW).unwrap());
    journal.push(engine.checkpoint(NOW));
    let change = ChangeNote {
        by: "admin".into(),
        action: "budget.put".into(),
        object: "x".into(),
        summary: "a budget".into(),
        before: None,
        after: Some("{}".into()),
    };
    journal.push(engine.note(change, NOW));
    settle(&mut engine, first, 10);
    let mut state = State::default();
    for entry in &journal[3..] {
        assert_eq!(state.apply(entry), Ok(()));
    }
    let mut whole = State::default();
    for entry in &journal {
        assert_eq!(whole.apply(entry), Ok(()));
    }
    assert_eq!(state, whole);
    assert_eq!((state.instant(), state.open_holds()), (NOW.plus(HOUR), 1));
    // The chain goes on from the link of what was deleted.
    let encoded: Vec<String> = journal.iter().map(|entry| chain::encode(entry).unwrap()).collect();
    let mut links = vec![GENESIS];
    links.extend(encoded.iter().scan(GENESIS, |link, text| {
        *link = chain::hash(link, text.as_bytes());
        Some(*link)
    }));
    let verify = |from: usize| {
        let mut verifier = if from == 0 { Verifier::default() } else { Verifier::after(links[from]) };
        for (place, entry) in journal.iter().enumerate().skip(from) {
            verifier.read(entry.lsn, &encoded[place], &links[place + 1], |_, _| {});
        }
        verifier.finish().1
    };
    let (all, rest) = (verify(0), verify(3));
    assert!(all.is_sound() && rest.is_sound(), "{all:?} {rest:?}");
    assert_eq!((rest.open_holds, rest.changes, rest.entries), (1, 1, 2));
    assert!(!verify(4).is_sound(), "without a checkpoint something is missing");
    // A checkpoint that says something else is found.
    let mut wrong = State::default();
    wrong.apply(&journal[0]).unwrap();
    let lie = Entry { lsn: Lsn(2), ..journal[3].clone() };
    assert_eq!(wrong.apply(&lie), Err(Inconsistency::WrongCheckpoint { lsn: 2 }));
}

#[test]
fn a_request_of_a_dead_run_keeps_whose_it_was() {
    let mut engine = engine(&[]);
    hold(&mut engine, call(1, 3, NOW), 10).unwrap();
    hold(&mut engine, call(2, 2, NOW), 10).unwrap();
    let (_, entries) = Engine::start(engine.state().clone(), Arc::default(), &[], "test", NOW);
    let records: Vec<_> = entries
        .iter()
        .filter_map(|entry| match &entry.fact {
            Fact::Finished(record) => Some(record),
            _ => None,
        })
        .collect();
    assert_eq!(records[0].units[..], [kit::member(3), kit::team(1), kit::project()]);
    assert_eq!((&records[0].tags[..], &records[0].session), (&[kit::tag(1)][..], &None));
    assert_eq!((records[1].units.len(), records[1].session.as_deref()), (2, Some("session 2")));
}

#[test]
fn old_windows_are_swept_and_what_is_under_way_is_not() {
    let mut hourly = budget(1, Measure::Tokens, 1_000, Period::Hour);
    hourly.carries_over = true;
    let mut each = budget(2, Measure::Tokens, 1_000, Period::Rolling { seconds: 3_600 });
    each.each = Some(Each::Key);
    let mut engine = engine(&[hourly, each]);
    engine.share(Sharing::Leased { live_nodes: 1 });
    let open = call(1, 1, NOW);
    let grant = |engine: &mut Engine, at: Timestamp| {
        let window = Period::Hour.window(Zone::UTC, at).start;
        let key = AccountKey { budget: BudgetId::new(NOW, [1; 10]), subject: None, window };
        engine.set_grant(key, 1_000, 0, at);
    };
    grant(&mut engine, NOW);
    hold(&mut engine, open, 100).unwrap();
    for hour in 1..10_u8 {
        let at = NOW.plus(HOUR * hour.into());
        grant(&mut engine, at);
        serve(&mut engine, hour + 1, 0, at, 10).unwrap();
    }
    assert_eq!(engine.grants().len(), 10, "the first window has a request under way");
    settle(&mut engine, open, 100);
    engine.finish(kit::record(&engine, open), NOW);
    for hour in 10..14_u8 {
        let at = NOW.plus(HOUR * hour.into() + Duration::from_secs(1));
        grant(&mut engine, at);
        serve(&mut engine, hour + 1, 0, at, 10).unwrap();
    }
    assert!(engine.grants().len() <= 5, "{:?}", engine.grants());
    let keys = engine.accounts(NOW.plus(HOUR * 13)).into_iter().filter_map(|account| account.key.subject);
    assert_eq!(keys.collect::<Vec<_>>(), [Subject::Key(kit::key(0))], "the other key was not used for long");
}

#[test]
fn a_scope_that_is_named_twice_is_charged_once() {
    let mut engine = engine(&[budget(1, Measure::Tokens, 1_000, Period::Day)]);
    let mut fact = kit::hold_fact(call(1, 0, NOW), 0, 600, Some(kit::price()));
    fact.scopes.push(kit::organization());
    engine.hold(fact, NOW).unwrap();
    assert_eq!(engine.accounts(NOW)[0].held, 600);
}

#[test]
fn a_hold_of_less_than_nothing_is_found() {
    let mut engine = engine(&[]);
    let mut fact = kit::hold_fact(call(1, 0, NOW), 0, 10, None);
    fact.amount = NanoUsd(-1);
    let wrong = engine.hold(fact, NOW).unwrap();
    let mut state = State::default();
    state.apply(&Engine::start(State::default(), Arc::default(), &[], "test", NOW).1[0]).unwrap();
    let attempt_id = AttemptId::new(NOW, [1; 10]);
    assert_eq!(state.apply(&wrong), Err(Inconsistency::Negative { lsn: 2, attempt_id }));
    let fact = Fact::Extend { attempt_id, amount: NanoUsd(-1), tokens: 0 };
    let extension = Entry { lsn: Lsn(3), fact, ..wrong };
    assert_eq!(state.apply(&extension), Err(Inconsistency::Negative { lsn: 3, attempt_id }));
}

#[test]
fn an_engine_says_what_it_has() {
    let mut engine = engine(&[]);
    assert!(!engine.has_limits());
    let limits = limits(&[budget(1, Measure::Tokens, 1_000, Period::Day)]);
    engine.set_limits(Arc::clone(&limits), &[], engine.last()).unwrap();
    assert!(engine.has_limits());
    assert!(Arc::ptr_eq(engine.limits(), &limits));
    let first = engine.epoch();
    let again = Engine::start(engine.state().clone(), limits, &[], "test", NOW).0;
    assert_eq!(again.epoch().0, first.0 + 1);
    assert_eq!(engine.oldest(NOW), NOW.minus(HOUR));
    hold(&mut engine, call(1, 0, NOW.minus(HOUR * 3)), 1).unwrap();
    assert_eq!(engine.oldest(NOW), NOW.minus(HOUR * 3));
}

#[test]
fn a_session_keeps_its_account_as_long_as_the_budget_counts_the_same() {
    let mut sessions = budget(1, Measure::Tokens, 1_000, Period::Total);
    sessions.each = Some(Each::Session);
    let mut engine = engine(std::slice::from_ref(&sessions));
    serve(&mut engine, 1, 0, NOW, 900).unwrap();
    // The store's answer lacks what is older than a day: here, everything.
    let later = NOW.plus(Duration::from_secs(1_000));
    serve(&mut engine, 2, 1, later, 1).unwrap();
    sessions.limit = 1_100;
    engine.set_limits(limits(std::slice::from_ref(&sessions)), &[], engine.last()).unwrap();
    assert!(serve(&mut engine, 3, 0, later, 201).is_err());
    assert_eq!(serve(&mut engine, 3, 0, later, 200), Ok(()));
    sessions.measure = Measure::Cost;
    sessions.limit = 10_000;
    engine.set_limits(limits(&[sessions]), &[], engine.last()).unwrap();
    assert_eq!(engine.accounts(later), []);
}

#[test]
fn refusals_name_their_budget_and_code() {
    let mut engine = engine(&[budget(1, Measure::Cost, 1_000_000, Period::Day)]);
    engine.share(Sharing::Leased { live_nodes: 1 });
    let refusal = serve(&mut engine, 1, 0, NOW, 1).unwrap_err();
    assert_eq!((refusal.code(), refusal.budget()), (Code::BudgetUnavailable, Some(BudgetId::new(NOW, [1; 10]))));
    assert_eq!(Refusal::Fenced.budget(), None);
}

#[test]
fn a_month_and_the_one_before_are_asked_for_where_something_is_carried() {
    let mut monthly = budget(1, Measure::Cost, 1, Period::Month { starts_on: 1 });
    monthly.carries_over = true;
    let rolling = budget(2, Measure::Tokens, 1, Period::Rolling { seconds: 7_200 });
    let concurrent = budget(3, Measure::Concurrent, 1, Period::Total);
    let limits = limits(&[monthly, rolling, concurrent]);
    let at = |text| Timestamp::parse_rfc3339(text).unwrap();
    let asked = |since, now| {
        let queries = limits.openings(since, now);
        queries.into_iter().map(|query| (query.from, query.to, query.slot)).collect::<Vec<_>>()
    };
    let (october, november) = (at("2026-10-01T00:00:00Z"), at("2026-11-01T00:00:00Z"));
    let december = at("2026-12-01T00:00:00Z");
    let slot = Some(Duration::from_secs(300));
    let hours = (at("2026-11-22T18:00:00Z"), at("2026-11-22T21:05:00Z"), slot);
    let now = at("2026-11-22T21:00:00Z");
    assert_eq!(asked(now.minus(HOUR), now), [(october, november, None), (november, december, None), hours]);
    // A request of October is under way.
    let found = asked(at("2026-10-31T23:00:00Z"), now);
    assert_eq!(found[0], (at("2026-09-01T00:00:00Z"), october, None));
    assert_eq!(found.len(), 4);
}
