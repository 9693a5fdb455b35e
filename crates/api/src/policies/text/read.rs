//! A policy's text as the domain's policy.

use std::fmt;

use megarouter_domain::id::{KeyId, UnitId};
use megarouter_domain::money::{NanoUsd, NanoUsdPerMillion};
use megarouter_domain::period::Zone;
use megarouter_domain::permille::Permille;
use megarouter_domain::policy::{Body, Bounds, Candidate, Condition, Patience, Route, Rule};
use megarouter_domain::unit::UnitKind;

use super::entry::{
    BodyEntry, BoundsEntry, CandidateEntry, ConditionEntry, DayEntry, Decimal, PatienceEntry, RuleEntry, TimeEntry,
    WhoEntry,
};
use crate::policies::names::Names;

/// What is wrong with a policy's text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EntryError {
    /// The rule, from 0.
    pub rule: Option<usize>,
    /// The condition, from 0.
    pub condition: Option<usize>,
    /// What is wrong and what to do.
    pub reason: String,
}

impl fmt::Display for EntryError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.rule {
            Some(rule) => write!(formatter, "Rule {}: {}", rule + 1, self.reason),
            None => formatter.write_str(&self.reason),
        }
    }
}

/// What an entry says.
///
/// # Errors
/// When a name is nobody's, or a value cannot be.
pub fn read(entry: &BodyEntry, names: Names<'_>) -> Result<Body, EntryError> {
    let rules = entry.rules.iter().enumerate().map(|(index, rule)| read_rule(rule, index, names));
    Ok(Body { takes_over: entry.takes_over.clone(), rules: rules.collect::<Result<_, _>>()? })
}

fn read_rule(entry: &RuleEntry, rule: usize, names: Names<'_>) -> Result<Rule, EntryError> {
    let when = entry.when.iter().enumerate().map(|(index, condition)| {
        let wrong = |reason| EntryError { rule: Some(rule), condition: Some(index), reason };
        read_condition(condition, names).map_err(wrong)
    });
    let when = when.collect::<Result<_, _>>()?;
    let wrong = |reason| EntryError { rule: Some(rule), condition: None, reason };
    let route = Route {
        strategy: entry.strategy.clone(),
        settings: entry.settings.iter().map(|(name, value)| (name.clone(), value.clone().into())).collect(),
        candidates: entry.candidates.iter().map(candidate).collect(),
        fallbacks: entry.fallbacks.clone(),
        bounds: bounds(&entry.bounds).map_err(wrong)?,
        patience: patience(entry.patience),
    };
    Ok(Rule { name: entry.name.clone(), when, route })
}

fn read_condition(entry: &ConditionEntry, names: Names<'_>) -> Result<Condition, String> {
    Ok(match entry {
        ConditionEntry::Who(who) => read_who(who, names)?,
        ConditionEntry::Asked(models) => Condition::Asked { models: models.clone() },
        ConditionEntry::Tag(tag) => Condition::Tag { name: tag.name.clone(), values: tag.values.clone() },
        ConditionEntry::Header(header) => {
            Condition::Header { name: header.name.clone(), values: header.values.clone() }
        }
        ConditionEntry::Family(families) => {
            Condition::Family { any_of: families.iter().map(|family| (*family).into()).collect() }
        }
        ConditionEntry::Difficulty(range) => {
            Condition::Difficulty { at_least: share(range.at_least)?, at_most: share(range.at_most)? }
        }
        ConditionEntry::Size(range) => Condition::Size { at_least: range.at_least, at_most: range.at_most },
        ConditionEntry::Needs(needs) => {
            Condition::Needs { any_of: needs.iter().map(|need| megarouter_domain::facts::Need::from(*need)).collect() }
        }
        ConditionEntry::Time(time) => read_time(time)?,
        ConditionEntry::BudgetUsed(at_least) => Condition::BudgetUsed { at_least: *at_least },
    })
}

fn read_who(entry: &WhoEntry, names: Names<'_>) -> Result<Condition, String> {
    let lists = [
        (UnitKind::Department, &entry.departments),
        (UnitKind::Team, &entry.teams),
        (UnitKind::Project, &entry.projects),
        (UnitKind::Member, &entry.members),
        (UnitKind::App, &entry.apps),
    ];
    let (mut units, mut keys) = (Vec::new(), Vec::new());
    for (kind, listed) in lists {
        for name in listed {
            let nobody = || format!("There is no {} `{name}`. Correct the name, or add it first.", kind.as_str());
            units.push(names.unit(kind, name).ok_or_else(nobody)?);
        }
    }
    for name in &entry.keys {
        let nobody = || format!("There is no key `{name}`. Correct the name, or make it first.");
        keys.push(names.key(name).ok_or_else(nobody)?);
    }
    for id in &entry.ids {
        let (unit, key) = (id.parse::<UnitId>().ok(), id.parse::<KeyId>().ok());
        match (unit.filter(|id| names.unit_with(*id).is_some()), key.filter(|id| names.key_with(*id).is_some())) {
            (Some(unit), _) => units.push(unit),
            (None, Some(key)) => keys.push(key),
            (None, None) => return Err(format!("There is no unit and no key with the id `{id}`. Remove it.")),
        }
    }
    Ok(Condition::Who { units, keys })
}

fn read_time(entry: &TimeEntry) -> Result<Condition, String> {
    let zone = entry.zone.as_deref().map_or(Ok(Zone::UTC), str::parse).map_err(|error| format!("{error}."))?;
    let days = entry.days.iter().map(|day| number(*day)).collect();
    Ok(Condition::Time { days, from: minute(&entry.from)?, until: minute(&entry.until)?, zone })
}

/// A day's number: 1 is Monday.
const fn number(day: DayEntry) -> u8 {
    match day {
        DayEntry::Mon => 1,
        DayEntry::Tue => 2,
        DayEntry::Wed => 3,
        DayEntry::Thu => 4,
        DayEntry::Fri => 5,
        DayEntry::Sat => 6,
        DayEntry::Sun => 7,
    }
}

/// The minute of the day of `08:30`.
fn minute(text: &str) -> Result<u16, String> {
    let read = || {
        let (hours, minutes) = text.split_once(':')?;
        let (hours, minutes): (u16, u16) = (hours.parse().ok()?, minutes.parse().ok()?);
        let total = hours.checked_mul(60)?.checked_add(minutes)?;
        (minutes < 60 && total <= 1_440).then_some(total)
    };
    read().ok_or_else(|| format!("`{text}` is no time of day. Write it as 08:30, up to 24:00."))
}

fn candidate(entry: &CandidateEntry) -> Candidate {
    match entry {
        CandidateEntry::Name(model) => Candidate { model: model.clone(), weight: 1 },
        CandidateEntry::Weighed(weighed) => Candidate { model: weighed.model.clone(), weight: weighed.weight },
    }
}

fn bounds(entry: &BoundsEntry) -> Result<Bounds, String> {
    let price = |amount: &Option<Decimal>| amount.as_ref().map(rate).transpose();
    let cost = entry.cost.as_ref().map(|amount| {
        // A price per million has the billionths of a dollar that an amount has.
        let nanos = i64::try_from(rate(amount)?.0).map_err(|_| format!("`{}` is too much.", amount.0))?;
        Ok::<_, String>(NanoUsd(nanos))
    });
    Ok(Bounds {
        input_price: price(&entry.input_price)?,
        output_price: price(&entry.output_price)?,
        cost: cost.transpose()?,
        first_output_ms: entry.first_output_ms,
        total_ms: entry.total_ms,
        quality: share(entry.quality_permille.map(u64::from))?,
        never_dearer: entry.never_dearer,
        local_only: entry.local_only,
        no_retention: entry.no_retention,
        regions: entry.regions.clone(),
        providers: entry.providers.clone(),
        never_providers: entry.never_providers.clone(),
    })
}

fn rate(amount: &Decimal) -> Result<NanoUsdPerMillion, String> {
    let wrong = |_| format!("`{}` is no amount. Write US dollars such as 0.15.", amount.0);
    NanoUsdPerMillion::parse_usd(&amount.0).map_err(wrong)
}

const fn patience(entry: PatienceEntry) -> Patience {
    let PatienceEntry { first_output_ms, idle_ms, total_ms, attempts } = entry;
    Patience { first_output_ms, idle_ms, total_ms, attempts }
}

fn share(thousandths: Option<u64>) -> Result<Option<Permille>, String> {
    let Some(thousandths) = thousandths else { return Ok(None) };
    let share = u16::try_from(thousandths).ok().and_then(Permille::new);
    share.map(Some).ok_or_else(|| format!("{thousandths} is no share: it has at most 1,000 thousandths."))
}
