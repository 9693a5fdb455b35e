//! Windows follow each other without a gap in every zone, and begin where people say they do.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::time::Duration;

use chrono::{Datelike as _, NaiveDateTime, TimeZone as _, Timelike as _, Utc};
use megarouter_domain::clock::Timestamp;
use megarouter_domain::period::{END, Period, PeriodError, Zone};
use proptest::prelude::*;

const ZONES: &[&str] = &[
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    // Half an hour of summer time.
    "Australia/Lord_Howe",
    // Left out 30 December 2011.
    "Pacific/Apia",
    // Clocks change at midnight.
    "Africa/Cairo",
    "America/Sao_Paulo",
    "Asia/Beirut",
    // Changed at a minute past midnight until 2011, so that one midnight came twice.
    "America/St_Johns",
    "Asia/Kathmandu",
];

fn zone(name: &str) -> Zone {
    name.parse().unwrap()
}

fn at(text: &str) -> Timestamp {
    Timestamp::parse_rfc3339(text).unwrap()
}

/// What a clock in the zone shows.
fn shown(zone: Zone, at: Timestamp) -> NaiveDateTime {
    Utc.timestamp_micros(at.as_micros()).unwrap().with_timezone(&zone.rules()).naive_local()
}

fn period() -> impl Strategy<Value = Period> {
    prop_oneof![
        Just(Period::Hour),
        Just(Period::Day),
        (1..=7_u8).prop_map(|starts_on| Period::Week { starts_on }),
        (1..=31_u8).prop_map(|starts_on| Period::Month { starts_on }),
        Just(Period::Quarter),
        Just(Period::Year),
        Just(Period::Total),
    ]
}

/// Minutes of 1996 to 2037, every third near a change of some clock.
fn instant() -> impl Strategy<Value = Timestamp> {
    let any = (820_454_400_i64..2_145_916_800).boxed();
    let changes = [
        "2026-03-29T01:00:00Z", // Berlin, summer
        "2026-10-25T01:00:00Z", // Berlin, winter
        "2011-12-30T10:00:00Z", // Apia leaps over a day
        "2018-11-04T03:00:00Z", // Sao Paulo: midnight does not exist
        "2019-02-17T02:00:00Z", // Sao Paulo: 23 o'clock comes twice
        "2023-04-27T22:00:00Z", // Cairo: midnight does not exist
        "2023-10-26T21:00:00Z", // Cairo: 23 o'clock comes twice
        "2026-10-03T15:30:00Z", // Lord Howe, half an hour forward
        "2026-04-04T15:00:00Z", // Lord Howe, half an hour back
        "2010-11-07T02:31:00Z", // St John's: one midnight twice
        "2024-02-29T12:00:00Z",
        "2027-01-01T00:00:00Z",
    ];
    let near = prop::sample::select(changes.to_vec())
        .prop_flat_map(|change| (-2_880..2_880_i64).prop_map(move |minutes| at(change).as_seconds() + minutes * 60));
    prop_oneof![2 => any, 1 => near.boxed()].prop_map(|seconds| Timestamp::from_micros(seconds * 1_000_000))
}

/// Whether a new window begins when a clock shows this, without looking at any other time.
fn is_mark(period: Period, local: NaiveDateTime) -> bool {
    let month = |starts_on: u8| local.day() == u32::from(starts_on).min(local.date().num_days_in_month().into());
    let is_midnight = local.hour() == 0 && local.minute() == 0;
    match period {
        Period::Hour => local.minute() == 0,
        Period::Day => is_midnight,
        Period::Week { starts_on } => is_midnight && local.weekday().number_from_monday() == u32::from(starts_on),
        Period::Month { starts_on } => is_midnight && month(starts_on),
        Period::Quarter => is_midnight && local.day() == 1 && local.month0().is_multiple_of(3),
        Period::Year => is_midnight && local.day() == 1 && local.month() == 1,
        Period::Total | Period::Rolling { .. } => false,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn windows_tile_time(period in period(), zone in prop::sample::select(ZONES), at in instant()) {
        let zone: Zone = zone.parse().unwrap();
        let window = period.window(zone, at);
        prop_assert!(window.contains(&at));
        let last = window.end.minus(Duration::from_micros(1));
        prop_assert_eq!(period.window(zone, window.start), window.clone());
        prop_assert_eq!(period.window(zone, last), window.clone());
        if period == Period::Total {
            prop_assert_eq!(period.before(zone, &window), None);
            return Ok(());
        }
        prop_assert_eq!(period.window(zone, window.end).start, window.end);
        let before = period.before(zone, &window).unwrap();
        prop_assert_eq!(before.end, window.start);
        prop_assert!(before.start < before.end);
    }

    #[test]
    fn a_window_begins_when_the_clock_first_reaches_its_mark(
        period in period(), zone in prop::sample::select(ZONES), at in instant(),
    ) {
        prop_assume!(period != Period::Total);
        let zone: Zone = zone.parse().unwrap();
        let window = period.window(zone, at);
        let minute = Duration::from_secs(60);
        // What the clock passes at the beginning, a leap included, holds a mark; before it was less.
        let (before, after) = (shown(zone, window.start.minus(minute)), shown(zone, window.start));
        let mut passed = before + minute;
        let mut has_mark = false;
        while passed <= after {
            has_mark |= is_mark(period, passed);
            passed += minute;
        }
        prop_assert!(has_mark, "no mark between {before} and {after}");
        // Within the window the clock reaches no mark that it did not reach before.
        let most = after.max(before);
        let length = window.end.since(window.start).as_secs() / 60;
        let mut highest = most;
        for number in (1..length).take(3 * 1_440) {
            let now = shown(zone, window.start.plus(minute * u32::try_from(number).unwrap()));
            let mut passed = highest + minute;
            while passed <= now {
                prop_assert!(!is_mark(period, passed), "{passed} is within the window {window:?}");
                passed += minute;
            }
            highest = highest.max(now);
        }
    }

    #[test]
    fn a_rolling_window_has_the_whole_time_before_and_little_more(
        seconds in prop_oneof![1..=60_u32, (1..60_u32).prop_map(|minutes| minutes * 60),
            (12..105_408_u32).prop_map(|slots| slots * 300)],
        at in instant(), micros in 0..60_000_000_i64,
    ) {
        let period = Period::Rolling { seconds };
        prop_assert_eq!(period.check(), Ok(()));
        let at = Timestamp::from_micros(at.as_micros() + micros);
        let (window, slot) = (period.window(Zone::UTC, at), period.slot().unwrap());
        let length = Duration::from_secs(seconds.into());
        prop_assert!(window.contains(&at) && window.contains(&at.minus(length)));
        prop_assert!(window.end.since(window.start) <= length + slot * 2);
        prop_assert_eq!(window.start.as_micros() % i64::try_from(slot.as_micros()).unwrap(), 0);
        prop_assert_eq!(seconds % u32::try_from(slot.as_secs()).unwrap(), 0);
        prop_assert!(seconds < 3_600 || slot.as_secs().is_multiple_of(300));
        prop_assert!(length.as_secs() / slot.as_secs() <= 300 || slot == length);
        prop_assert_eq!(period.before(Zone::UTC, &window), None);
    }
}

#[track_caller]
fn expect(period: Period, name: &str, instant: &str, start: &str, end: &str) {
    let window = period.window(zone(name), at(instant));
    assert_eq!((window.start.to_rfc3339(), window.end.to_rfc3339()), (at(start).to_rfc3339(), at(end).to_rfc3339()));
}

#[test]
fn days_have_the_length_that_clocks_give_them() {
    let day = |name, instant, start, end| expect(Period::Day, name, instant, start, end);
    // 23 and 25 hours.
    day("Europe/Berlin", "2026-03-29T12:00:00Z", "2026-03-28T23:00:00Z", "2026-03-29T22:00:00Z");
    day("Europe/Berlin", "2026-10-25T12:00:00Z", "2026-10-24T22:00:00Z", "2026-10-25T23:00:00Z");
    // Midnight does not exist: the day begins at one o'clock.
    day("America/Sao_Paulo", "2018-11-04T12:00:00Z", "2018-11-04T03:00:00Z", "2018-11-05T02:00:00Z");
    // 30 December does not exist.
    day("Pacific/Apia", "2011-12-30T09:59:59Z", "2011-12-29T10:00:00Z", "2011-12-30T10:00:00Z");
    day("Pacific/Apia", "2011-12-30T10:00:00Z", "2011-12-30T10:00:00Z", "2011-12-31T10:00:00Z");
    // Midnight comes twice, at 02:30 and 03:30: the day begins with the first.
    day("America/St_Johns", "2010-11-07T02:45:00Z", "2010-11-07T02:30:00Z", "2010-11-08T03:30:00Z");
    day("Asia/Kathmandu", "2026-11-22T18:14:00Z", "2026-11-21T18:15:00Z", "2026-11-22T18:15:00Z");
}

#[test]
fn months_begin_on_their_day_or_the_last_there_is() {
    let month = |starts_on, instant, start, end| expect(Period::Month { starts_on }, "UTC", instant, start, end);
    month(1, "2026-02-28T23:59:59Z", "2026-02-01T00:00:00Z", "2026-03-01T00:00:00Z");
    month(31, "2026-02-28T00:00:00Z", "2026-02-28T00:00:00Z", "2026-03-31T00:00:00Z");
    month(31, "2028-02-28T12:00:00Z", "2028-01-31T00:00:00Z", "2028-02-29T00:00:00Z");
    month(30, "2026-01-05T00:00:00Z", "2025-12-30T00:00:00Z", "2026-01-30T00:00:00Z");
    expect(Period::Quarter, "UTC", "2026-11-22T00:00:00Z", "2026-10-01T00:00:00Z", "2027-01-01T00:00:00Z");
    expect(Period::Year, "Asia/Kathmandu", "2026-12-31T18:15:00Z", "2026-12-31T18:15:00Z", "2027-12-31T18:15:00Z");
    let week = |starts_on, start, end| {
        expect(Period::Week { starts_on }, "UTC", "2026-11-22T20:00:00Z", start, end);
    };
    week(1, "2026-11-16T00:00:00Z", "2026-11-23T00:00:00Z");
    week(7, "2026-11-22T00:00:00Z", "2026-11-29T00:00:00Z");
}

#[test]
fn an_hour_that_comes_twice_is_one_long_window() {
    let hour = |instant, start, end| expect(Period::Hour, "Europe/Berlin", instant, start, end);
    hour("2026-10-25T00:30:00Z", "2026-10-25T00:00:00Z", "2026-10-25T02:00:00Z");
    hour("2026-10-25T01:30:00Z", "2026-10-25T00:00:00Z", "2026-10-25T02:00:00Z");
    // Half an hour is left out, half an hour comes twice.
    let hour = |instant, start, end| expect(Period::Hour, "Australia/Lord_Howe", instant, start, end);
    hour("2026-10-03T15:45:00Z", "2026-10-03T15:30:00Z", "2026-10-03T16:00:00Z");
    hour("2026-04-04T15:15:00Z", "2026-04-04T14:00:00Z", "2026-04-04T15:30:00Z");
}

#[test]
fn for_ever_is_one_window() {
    let window = Period::Total.window(Zone::UTC, at("2026-11-22T00:00:00Z"));
    assert_eq!(window, Timestamp::default()..END);
    assert_eq!(END.to_rfc3339(), "9999-12-31T23:59:59.999999Z");
}

#[test]
fn periods_that_cannot_be_counted_are_refused() {
    assert_eq!(Period::Week { starts_on: 0 }.check(), Err(PeriodError::WeekDay));
    assert_eq!(Period::Week { starts_on: 8 }.check(), Err(PeriodError::WeekDay));
    assert_eq!(Period::Month { starts_on: 0 }.check(), Err(PeriodError::MonthDay));
    assert_eq!(Period::Month { starts_on: 32 }.check(), Err(PeriodError::MonthDay));
    for seconds in [0, 61, 3_601, 3_660, 366 * 86_400 + 300] {
        assert_eq!(Period::Rolling { seconds }.check(), Err(PeriodError::Rolling), "{seconds}");
    }
    for seconds in [1, 60, 120, 3_540, 3_600, 3_900, 86_400, 366 * 86_400] {
        assert_eq!(Period::Rolling { seconds }.check(), Ok(()), "{seconds}");
    }
    let slot = |seconds| Period::Rolling { seconds }.slot().unwrap().as_secs();
    assert_eq!([slot(60), slot(300), slot(3_600), slot(86_400), slot(7 * 86_400)], [1, 5, 300, 300, 2_100]);
}
