//! Budgets in words: whose they are, how much, in which time, until when.

use std::borrow::Cow;

use megarouter_domain::budget::{Budget, Each, Measure};
use megarouter_domain::clock::Timestamp;
use megarouter_domain::period::{Period, Zone};
use megarouter_domain::scope::Scope;
use megarouter_domain::snapshot::Snapshot;
use megarouter_domain::unit::UnitKind;
use megarouter_ledger::account::Subject;

/// From here on an amount is told to the cent.
const DOLLAR: u64 = 1_000_000_000;

/// A budget as a sentence names it, e.g. `the budget of the team Payments`.
pub fn budget(snapshot: &Snapshot, budget: &Budget, subject: Option<&Subject>) -> String {
    let scope = scope(snapshot, &budget.scope);
    let whose = match (budget.each, subject) {
        (Some(each), Some(subject)) => format!("{} of {scope}, here {}", each_of(each), part(snapshot, subject)),
        (Some(each), None) => format!("{} of {scope}", each_of(each)),
        (None, _) => scope,
    };
    let name = budget.name.trim();
    if name.is_empty() { format!("the budget of {whose}") } else { format!("the budget \"{name}\" of {whose}") }
}

/// A budget's own name, or whose it is.
pub fn short_name(snapshot: &Snapshot, budget: &Budget) -> String {
    let name = budget.name.trim();
    if name.is_empty() { scope(snapshot, &budget.scope).replacen("the ", "", 1) } else { name.to_owned() }
}

/// A limit with its time, e.g. `$14,000 a month`.
pub fn limit(measure: Measure, period: Period, limit: u64) -> String {
    let amount = amount(measure, limit);
    match measure {
        Measure::Concurrent => format!("{amount} at the same time"),
        Measure::Cost | Measure::Tokens | Measure::Requests => format!("{amount} {}", each_window(period)),
    }
}

/// An amount in the unit of its measure, e.g. `$13,998.20` or `1,000 tokens`.
pub fn amount(measure: Measure, count: u64) -> String {
    let (one, many) = match measure {
        Measure::Cost => return money(count),
        Measure::Tokens => ("token", "tokens"),
        Measure::Requests | Measure::Concurrent => ("request", "requests"),
    };
    format!("{} {}", grouped(count), if count == 1 { one } else { many })
}

/// A time in a zone, e.g. `1 December 2026 at 00:00 (Europe/Berlin)`.
pub fn local_time(at: Timestamp, zone: Zone) -> String {
    let local = at.to_utc().unwrap_or_default().with_timezone(&zone.rules());
    format!("{} ({zone})", local.format("%-d %B %Y at %H:%M"))
}

fn scope(snapshot: &Snapshot, scope: &Scope) -> String {
    match scope {
        Scope::Organization(_) => format!("the organisation {}", snapshot.organization_name()),
        Scope::Unit(id) => snapshot.units().get(*id).map_or_else(
            || "a part of the organisation that is gone".to_owned(),
            |unit| format!("the {} {}", kind(unit.kind), unit.name),
        ),
        Scope::Key(id) => format!("the key {}", snapshot.key(*id).map_or("that is gone", |key| key.name.as_str())),
        Scope::Provider(id) => {
            format!(
                "the provider {}",
                snapshot.target(*id).map_or("that is gone", |target| target.provider.name.as_str())
            )
        }
        Scope::Model(id) => {
            let model = snapshot.models().iter().find(|model| model.id == *id);
            format!("the model {}", model.map_or("that is gone", |model| model.name.as_str()))
        }
        Scope::Tag(tag) => format!("the tag {}={}", tag.name, tag.value),
    }
}

fn part(snapshot: &Snapshot, subject: &Subject) -> Cow<'static, str> {
    match subject {
        Subject::Unit(id) => scope(snapshot, &Scope::Unit(*id)).into(),
        Subject::Key(id) => scope(snapshot, &Scope::Key(*id)).into(),
        // Its name is the client's text.
        Subject::Session(_) => "this session".into(),
    }
}

const fn each_of(each: Each) -> &'static str {
    match each {
        Each::Team => "each team",
        Each::Member => "each member",
        Each::App => "each app",
        Each::Key => "each key",
        Each::Session => "each session",
    }
}

const fn kind(kind: UnitKind) -> &'static str {
    match kind {
        UnitKind::Department => "department",
        UnitKind::Team => "team",
        UnitKind::Project => "project",
        UnitKind::Member => "member",
        UnitKind::App => "app",
    }
}

fn each_window(period: Period) -> Cow<'static, str> {
    match period {
        Period::Hour => "an hour".into(),
        Period::Day => "a day".into(),
        Period::Week { .. } => "a week".into(),
        Period::Month { .. } => "a month".into(),
        Period::Quarter => "a quarter".into(),
        Period::Year => "a year".into(),
        Period::Total => "in all".into(),
        Period::Rolling { seconds } => match (seconds / 3_600, seconds / 60, seconds) {
            (hours, _, all) if hours > 0 && all % 3_600 == 0 => within(hours, "hour", "hours").into(),
            (_, minutes, all) if minutes > 0 && all % 60 == 0 => within(minutes, "minute", "minutes").into(),
            (_, _, all) => within(all, "second", "seconds").into(),
        },
    }
}

fn within(count: u32, one: &str, many: &str) -> String {
    if count == 1 { format!("within any {one}") } else { format!("within any {count} {many}") }
}

fn money(nanos: u64) -> String {
    if nanos >= DOLLAR {
        let cents = nanos.saturating_add(5_000_000) / 10_000_000;
        let (dollars, cents) = (grouped(cents / 100), cents % 100);
        return if cents == 0 { format!("${dollars}") } else { format!("${dollars}.{cents:02}") };
    }
    if nanos == 0 {
        return "$0".to_owned();
    }
    let millionths = nanos.div_ceil(1_000).min(999_999);
    let digits = format!("{millionths:06}");
    format!("$0.{:0<2}", digits.trim_end_matches('0'))
}

/// A number with a comma after each thousand.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn money_is_plain() {
        for (nanos, text) in [
            (14_000 * DOLLAR, "$14,000"),
            (13_998_203_948_123, "$13,998.20"),
            (1_234_567 * DOLLAR, "$1,234,567"),
            (DOLLAR - 1, "$0.999999"),
            (420_000_000, "$0.42"),
            (400_000_000, "$0.40"),
            (31_000, "$0.000031"),
            (1, "$0.000001"),
            (0, "$0"),
        ] {
            assert_eq!(money(nanos), text);
        }
    }

    #[test]
    fn limits_say_in_which_time() {
        let text = |measure, period, count| limit(measure, period, count);
        assert_eq!(text(Measure::Cost, Period::Month { starts_on: 1 }, 14_000 * DOLLAR), "$14,000 a month");
        assert_eq!(text(Measure::Requests, Period::Rolling { seconds: 60 }, 1), "1 request within any minute");
        assert_eq!(text(Measure::Tokens, Period::Rolling { seconds: 90 }, 1_000), "1,000 tokens within any 90 seconds");
        assert_eq!(text(Measure::Concurrent, Period::Total, 4), "4 requests at the same time");
    }

    #[test]
    fn times_are_told_where_the_budget_is() {
        let at = Timestamp::parse_rfc3339("2026-11-30T23:00:00Z").unwrap();
        assert_eq!(local_time(at, "Europe/Berlin".parse().unwrap()), "1 December 2026 at 00:00 (Europe/Berlin)");
    }
}
