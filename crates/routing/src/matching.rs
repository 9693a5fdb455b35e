//! Which of a policy's rules a request takes, and why not the others.

use megarouter_domain::catalog::Member;
use megarouter_domain::permille::Permille;
use megarouter_domain::policy::{Condition, matches};

use crate::predictor::permille;
use crate::question::Look;
use crate::table::Version;

/// How a rule fared with a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Its conditions hold, and no rule before it had that.
    Matched,
    /// A condition does not hold.
    Failed {
        /// Which, counted from 0.
        condition: usize,
        /// What was seen instead, for a person.
        seen: String,
    },
    /// A rule before it was taken.
    NotReached,
}

/// The first rule whose conditions all hold, counted from 0.
pub(crate) fn first(version: &Version, look: &Look<'_>) -> Option<usize> {
    version.rules.iter().position(|rule| rule.when.iter().all(|condition| holds(condition, look)))
}

/// How each rule fared.
pub(crate) fn verdicts(version: &Version, look: &Look<'_>) -> Vec<Verdict> {
    let taken = first(version, look).unwrap_or(version.rules.len());
    let verdict = |(index, rule): (usize, &crate::table::Rule)| match index.cmp(&taken) {
        std::cmp::Ordering::Equal => Verdict::Matched,
        std::cmp::Ordering::Greater => Verdict::NotReached,
        std::cmp::Ordering::Less => {
            let condition = rule.when.iter().position(|condition| !holds(condition, look)).unwrap_or(0);
            let seen = rule.when.get(condition).map(|condition| seen(condition, look)).unwrap_or_default();
            Verdict::Failed { condition, seen }
        }
    };
    version.rules.iter().enumerate().map(verdict).collect()
}

fn holds(condition: &Condition, look: &Look<'_>) -> bool {
    let question = look.question;
    match condition {
        Condition::Who { units, keys } => {
            keys.contains(&question.principal.key.id) || units.iter().any(|unit| question.units.contains(unit))
        }
        Condition::Asked { models } => models.iter().any(|pattern| matches(pattern, question.asked)),
        Condition::Tag { name, values } => tag(name, look).is_some_and(|value| is_one_of(values, value)),
        Condition::Header { name, values } => {
            let is_one_of = |value: &str| values.is_empty() || values.iter().any(|pattern| matches(pattern, value));
            (question.headers)(&name.to_ascii_lowercase()).is_some_and(|value| is_one_of(&value))
        }
        Condition::Family { any_of } => any_of.contains(&look.task().family),
        Condition::Difficulty { at_least, at_most } => is_within(difficulty(look), *at_least, *at_most),
        Condition::Size { at_least, at_most } => is_within(question.input_tokens, *at_least, *at_most),
        Condition::Needs { any_of } => any_of.iter().any(|need| question.needs.contains(need)),
        Condition::Time { days, from, until, zone } => {
            let (day, minute) = zone.on_the_wall(question.at);
            is_in_span(days, *from, *until, day, minute)
        }
        Condition::BudgetUsed { at_least } => question.budget.used_percent.is_some_and(|used| used >= *at_least),
    }
}

/// What a condition looked at, for a person.
fn seen(condition: &Condition, look: &Look<'_>) -> String {
    let question = look.question;
    let nothing = || "none".to_owned();
    match condition {
        Condition::Who { .. } => format!("the key {}", question.principal.key.name),
        Condition::Asked { .. } => question.asked.to_owned(),
        Condition::Tag { name, .. } => tag(name, look).map_or_else(nothing, str::to_owned),
        Condition::Header { name, .. } => {
            (question.headers)(&name.to_ascii_lowercase()).map_or_else(nothing, |value| shortened(&value))
        }
        Condition::Family { .. } => look.task().family.as_str().to_owned(),
        Condition::Difficulty { .. } => difficulty(look).get().to_string(),
        Condition::Size { .. } => format!("{} tokens", question.input_tokens),
        Condition::Needs { .. } => {
            let needs: Vec<_> = question.needs.iter().map(Member::as_str).collect();
            if needs.is_empty() { nothing() } else { needs.join(", ") }
        }
        Condition::Time { zone, .. } => {
            let (day, minute) = zone.on_the_wall(question.at);
            format!("day {day}, {:02}:{:02}", minute / 60, minute % 60)
        }
        Condition::BudgetUsed { .. } => {
            question.budget.used_percent.map_or_else(|| "no limit applies".to_owned(), |used| format!("{used} %"))
        }
    }
}

fn difficulty(look: &Look<'_>) -> Permille {
    permille(look.task().difficulty)
}

fn tag<'a>(name: &str, look: &Look<'a>) -> Option<&'a str> {
    look.question.tags.iter().find(|tag| *tag.name == *name).map(|tag| &*tag.value)
}

fn is_one_of(values: &[String], value: &str) -> bool {
    values.is_empty() || values.iter().any(|wanted| wanted == value)
}

fn is_within<T: PartialOrd + Copy>(value: T, at_least: Option<T>, at_most: Option<T>) -> bool {
    at_least.is_none_or(|least| value >= least) && at_most.is_none_or(|most| value <= most)
}

/// A span over midnight belongs to the day it begins on.
fn is_in_span(days: &[u8], from: u16, until: u16, day: u8, minute: u16) -> bool {
    let is_day = |day: u8| days.is_empty() || days.contains(&day);
    if from <= until {
        return is_day(day) && (from..until).contains(&minute);
    }
    let before = if day == 1 { 7 } else { day - 1 };
    (is_day(day) && minute >= from) || (is_day(before) && minute < until)
}

/// A header's value may be long, and is shown in a line.
fn shortened(value: &str) -> String {
    let end = value.floor_char_boundary(80.min(value.len()));
    if end < value.len() { format!("{}…", &value[..end]) } else { value.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_over_midnight_belongs_to_the_day_it_begins_on() {
        let night = |day, minute| is_in_span(&[5], 22 * 60, 6 * 60, day, minute);
        assert!(night(5, 23 * 60) && night(6, 5 * 60));
        assert!(!night(5, 5 * 60) && !night(6, 23 * 60) && !night(6, 6 * 60));
        assert!(is_in_span(&[7], 22 * 60, 60, 1, 0), "Sunday's night reaches into Monday");
        assert!(is_in_span(&[], 0, 1440, 3, 1439));
    }

    #[test]
    fn bounds_are_included() {
        assert!(is_within(5, Some(5), Some(5)) && !is_within(4, Some(5), None) && !is_within(6, None, Some(5)));
    }
}
