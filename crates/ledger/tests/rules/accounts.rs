//! Windows, sessions, grants and steps at their edges.

use std::time::Duration;

use megarouter_domain::budget::{Action, Basis, Each, Measure};
use megarouter_domain::clock::Timestamp;
use megarouter_domain::id::BudgetId;
use megarouter_domain::period::{Period, Zone};
use megarouter_ledger::account::{AccountKey, Sharing};
use megarouter_ledger::engine::{Engine, Stale};
use megarouter_ledger::entry::Lsn;
use megarouter_ledger::refusal::{LeaseNeed, Refusal};

use crate::kit::{self, NOW};
use crate::{HOUR, budget, call, engine, exceeded, hold, limits, rung, serve, settle};

const MINUTE: Duration = Duration::from_secs(60);

fn key(number: u8, window: Timestamp) -> AccountKey {
    AccountKey { budget: BudgetId::new(NOW, [number; 10]), subject: None, window }
}

fn short(refusal: Result<(), Refusal>) -> LeaseNeed {
    let Err(Refusal::LeaseShort(mut needs)) = refusal else { panic!("{refusal:?}") };
    needs.remove(0)
}

#[test]
fn a_need_names_the_window_before_where_something_is_carried() {
    let day = Period::Day.window(Zone::UTC, NOW);
    let carries_from = |carries_over, created_at| {
        let mut daily = budget(1, Measure::Tokens, 1_000, Period::Day);
        (daily.carries_over, daily.created_at) = (carries_over, created_at);
        let mut engine = engine(&[daily]);
        engine.share(Sharing::Leased { live_nodes: 2 });
        short(serve(&mut engine, 1, 0, NOW, 10)).carries_from
    };
    let before = day.start.minus(Duration::from_micros(1));
    assert_eq!(carries_from(true, before), Some(key(1, day.start.minus(HOUR * 24))));
    assert_eq!(carries_from(true, day.start), None, "it did not exist the day before");
    assert_eq!(carries_from(true, NOW), None);
    assert_eq!(carries_from(false, before), None);
}

#[test]
fn a_shared_budget_for_ever_never_comes_back() {
    let mut engine = engine(&[budget(1, Measure::Tokens, 1_000, Period::Total)]);
    engine.share(Sharing::Leased { live_nodes: 2 });
    let Refusal::Exceeded(refusal) = short(serve(&mut engine, 1, 0, NOW, 10)).refused(0) else { panic!() };
    assert_eq!(refusal.resets_at, None);
}

#[test]
fn a_grant_of_a_window_that_does_not_exist_is_not_used() {
    let mut engine = engine(&[budget(1, Measure::Tokens, 1_000, Period::Hour)]);
    engine.share(Sharing::Leased { live_nodes: 2 });
    engine.set_grant(key(1, NOW.plus(MINUTE)), 500, 0, NOW);
    assert_eq!(engine.grants(), []);
    engine.set_grant(key(1, NOW), 500, 0, NOW);
    assert_eq!(serve(&mut engine, 1, 0, NOW, 500), Ok(()));
}

#[test]
fn windows_are_kept_in_the_order_of_time_and_until_they_are_over() {
    let mut engine = engine(&[budget(1, Measure::Tokens, 1_000, Period::Hour)]);
    engine.share(Sharing::Leased { live_nodes: 2 });
    for start in [NOW, NOW.minus(HOUR * 2), NOW.minus(HOUR)] {
        engine.set_grant(key(1, start), 100, 0, NOW);
    }
    let windows = |engine: &Engine| engine.grants().iter().map(|grant| grant.window.start).collect::<Vec<_>>();
    assert_eq!(windows(&engine), [NOW.minus(HOUR * 2), NOW.minus(HOUR), NOW]);
    // A request may arrive an hour before its hold. At two hours from now none is left for these windows.
    let later = NOW.plus(HOUR * 2);
    engine.set_grant(key(1, later), 100, 0, later);
    serve(&mut engine, 1, 0, later, 1).unwrap();
    assert_eq!(windows(&engine), [later]);
}

#[test]
fn what_was_used_without_a_grant_is_told() {
    let mut engine = engine(&[budget(1, Measure::Tokens, 1_000, Period::Day)]);
    serve(&mut engine, 1, 0, NOW, 225).unwrap();
    engine.share(Sharing::Leased { live_nodes: 2 });
    let grants = engine.grants();
    assert_eq!((grants.len(), grants[0].granted, grants[0].used), (1, 0, 225));
}

#[test]
fn a_new_session_counts_from_nothing() {
    let mut sessions = budget(1, Measure::Tokens, 1_000, Period::Total);
    sessions.each = Some(Each::Session);
    let mut engine = engine(&[sessions]);
    serve(&mut engine, 1, 0, NOW, 900).unwrap();
    let next_day = NOW.plus(HOUR * 25);
    serve(&mut engine, 2, 0, next_day, 500).unwrap();
    assert_eq!(exceeded(serve(&mut engine, 3, 0, next_day, 501)).used, 500);
    assert_eq!(serve(&mut engine, 3, 0, next_day, 500), Ok(()));
}

#[test]
fn sweeping_forgets_nothing_that_counts() {
    let rolling = Period::Rolling { seconds: 6 * 3_600 };
    let of_all = budget(1, Measure::Tokens, 1_000, rolling);
    let mut of_each = budget(2, Measure::Tokens, 900, rolling);
    of_each.each = Some(Each::Key);
    let mut for_ever = budget(3, Measure::Tokens, 950, Period::Total);
    for_ever.each = Some(Each::Key);
    // Each of them alone, an hour or two after something was used, when a sweep has come between.
    for (budget, hours) in [(of_all, 2), (of_each, 2), (for_ever, 30)] {
        let limit = budget.limit;
        let mut engine = engine(&[budget]);
        serve(&mut engine, 1, 0, NOW, 600).unwrap();
        let later = NOW.plus(HOUR * hours);
        serve(&mut engine, 2, 1, later, 1).unwrap();
        let refusal = exceeded(serve(&mut engine, 3, 0, later.plus(MINUTE), limit - 599));
        assert!(refusal.used >= 600, "{refusal:?}");
    }
}

#[test]
fn a_rolling_window_says_when_there_is_room_for_what_was_asked() {
    let at = |seconds| NOW.plus(Duration::from_secs(seconds));
    let resets_at = |asked| {
        let mut engine = engine(&[budget(1, Measure::Tokens, 100, Period::Rolling { seconds: 60 })]);
        serve(&mut engine, 1, 0, at(0), 50).unwrap();
        serve(&mut engine, 2, 0, at(10), 50).unwrap();
        exceeded(serve(&mut engine, 3, 0, at(20), asked)).resets_at
    };
    assert_eq!(resets_at(40), Some(at(61)));
    assert_eq!(resets_at(60), Some(at(71)));
}

#[test]
fn the_tightest_account_is_that_with_the_smallest_part_left() {
    let large = budget(1, Measure::Tokens, 1_000, Period::Day);
    let mut small = budget(2, Measure::Tokens, 100, Period::Day);
    small.scope = megarouter_domain::scope::Scope::Unit(kit::team(0));
    let mut engine = engine(&[large.clone(), small]);
    serve(&mut engine, 1, 1, NOW, 850).unwrap();
    serve(&mut engine, 2, 0, NOW, 50).unwrap();
    let tightest = engine.tightest(&call(3, 0, NOW).scopes(), None, NOW).unwrap();
    assert_eq!((tightest.key.budget, tightest.left()), (large.id, 100), "a tenth is less than a half");
}

#[test]
fn a_window_that_rolls_has_no_forecast() {
    let mut rolling = budget(1, Measure::Tokens, 1_000, Period::Rolling { seconds: 3_600 });
    rolling.ladder = vec![rung(50, Basis::Forecast, Action::Notify), rung(50, Basis::Actual, Action::Notify)];
    let mut engine = engine(&[rolling]);
    serve(&mut engine, 1, 0, NOW, 900).unwrap();
    let told = engine.thresholds(NOW);
    assert_eq!((told.len(), told[0].basis, told[0].forecast), (1, Basis::Actual, 900));
}

#[test]
fn requests_under_way_have_steps_too() {
    let mut concurrent = budget(1, Measure::Concurrent, 2, Period::Day);
    concurrent.ladder = vec![rung(50, Basis::Actual, Action::Notify), rung(50, Basis::Forecast, Action::Notify)];
    let mut engine = engine(&[concurrent]);
    hold(&mut engine, call(1, 0, NOW), 1).unwrap();
    let told = engine.thresholds(NOW);
    assert_eq!((told.len(), told[0].basis, told[0].used), (1, Basis::Actual, 1));
}

#[test]
fn a_request_under_way_counts_under_new_limits() {
    let mut engine = engine(&[]);
    let first = call(1, 0, NOW);
    hold(&mut engine, first, 1).unwrap();
    settle(&mut engine, first, 1);
    engine.set_limits(limits(&[budget(1, Measure::Concurrent, 1, Period::Total)]), &[], engine.last()).unwrap();
    assert_eq!(exceeded(hold(&mut engine, call(2, 0, NOW), 1).map(|_| ())).held, 1);
    engine.finish(kit::record(&engine, first), NOW);
    assert!(hold(&mut engine, call(2, 0, NOW), 1).is_ok());
}

#[test]
fn a_run_does_not_take_sums_from_before_its_start() {
    let mut first = engine(&[]);
    serve(&mut first, 1, 0, NOW, 10).unwrap();
    let limits = limits(&[budget(1, Measure::Tokens, 1_000, Period::Day)]);
    let mut second = Engine::start(first.state().clone(), std::sync::Arc::default(), &[], "test", NOW).0;
    let begun = Lsn(second.last().0 - 1);
    assert_eq!(second.set_limits(limits.clone(), &[], Lsn(begun.0 - 1)), Err(Stale), "what came then is not known");
    assert_eq!(second.set_limits(limits, &[], begun), Ok(()));
}

#[test]
fn a_window_that_begins_when_the_oldest_request_arrived_is_enough() {
    let limits = limits(&[budget(1, Measure::Tokens, 1_000, Period::Day)]);
    let day = Period::Day.window(Zone::UTC, NOW);
    let asked = |since| limits.openings(since, NOW).into_iter().map(|query| (query.from, query.to)).collect::<Vec<_>>();
    assert_eq!(asked(day.start), [(day.start, day.end)]);
    assert_eq!(asked(day.start.minus(MINUTE)).len(), 2);
}
