//! What a budget's entry means: checked once and turned into the domain's budget.

use megarouter_domain::budget::{Action, Basis, Budget, Measure, Raise, Rung};
use megarouter_domain::clock::Timestamp;
use megarouter_domain::id::{BudgetId, OrganizationId, RaiseId};
use megarouter_domain::key::VirtualKey;
use megarouter_domain::model::Model;
use megarouter_domain::money::NanoUsdPerMillion;
use megarouter_domain::period::{Period, Zone};
use megarouter_domain::provider::Provider;
use megarouter_domain::scope::Scope;
use megarouter_domain::tag::Tag;
use megarouter_domain::unit::{Unit, UnitKind};

use super::organization::{BudgetEntry, RaiseEntry};
use super::plan::Origin;

/// The longest reason of a raise, in characters.
const LONGEST_REASON: usize = 200;

/// What names in a setup can mean: what is stored, with what the setup makes of it.
#[derive(Debug)]
pub struct World {
    /// The organisation.
    pub organization: OrganizationId,
    /// Providers.
    pub providers: Vec<Provider>,
    /// Models.
    pub models: Vec<Model>,
    /// Units in use.
    pub units: Vec<Unit>,
    /// Keys that are not revoked.
    pub keys: Vec<VirtualKey>,
}

impl World {
    /// The unit in use of this kind and name.
    ///
    /// # Errors
    /// Says that there is none.
    pub fn unit(&self, kind: UnitKind, name: &str) -> Result<&Unit, String> {
        let found = self.units.iter().find(|unit| unit.kind == kind && unit.name == name);
        found.ok_or_else(|| format!("there is no {} `{name}`", kind.as_str()))
    }
}

/// The budget that an entry asks for; the one found keeps its id, its age and its raises.
pub fn budget(
    entry: &BudgetEntry,
    found: Option<&Budget>,
    world: &World,
    origin: &mut Origin<'_>,
) -> Result<Budget, String> {
    let (measure, limit) = amount(&entry.amount)?;
    let raises = raises(entry, measure, found.map_or(&[], |found| &found.raises), origin)?;
    let budget = Budget {
        id: found.map_or_else(|| BudgetId::new(origin.now, (origin.entropy)()), |found| found.id),
        name: entry.name.clone(),
        scope: scope(entry, world)?,
        each: entry.each,
        measure,
        limit,
        period: if measure == Measure::Concurrent { Period::Total } else { period(&entry.period, entry.starts_on)? },
        zone: entry.zone.as_deref().map_or(Ok(Zone::UTC), str::parse).map_err(|error| format!("zone: {error}"))?,
        carries_over: entry.carry_over,
        is_strict: entry.strict,
        ladder: ladder(entry),
        raises,
        created_at: found.map_or(origin.now, |found| found.created_at),
        archived_at: None,
    };
    budget.check().map_err(|error| error.to_string())?;
    Ok(budget)
}

fn scope(entry: &BudgetEntry, world: &World) -> Result<Scope, String> {
    let units = [
        (UnitKind::Department, &entry.department),
        (UnitKind::Team, &entry.team),
        (UnitKind::Project, &entry.project),
        (UnitKind::Member, &entry.member),
        (UnitKind::App, &entry.app),
    ];
    let mut scopes = Vec::new();
    for (kind, name) in units {
        if let Some(name) = name {
            scopes.push(Scope::Unit(world.unit(kind, name)?.id));
        }
    }
    if let Some(name) = &entry.key {
        let key = world.keys.iter().find(|key| key.name == *name);
        scopes.push(Scope::Key(key.ok_or_else(|| format!("there is no key `{name}`"))?.id));
    }
    if let Some(name) = &entry.provider {
        let provider = world.providers.iter().find(|provider| provider.name == *name);
        scopes.push(Scope::Provider(provider.ok_or_else(|| format!("there is no provider `{name}`"))?.id));
    }
    if let Some(name) = &entry.model {
        let model = world.models.iter().find(|model| model.name == *name);
        scopes.push(Scope::Model(model.ok_or_else(|| format!("there is no model `{name}`"))?.id));
    }
    if let Some(tag) = &entry.tag {
        let (name, value) = tag.split_once('=').ok_or("tag: a tag is written name=value")?;
        scopes.push(Scope::Tag(Tag::new(name, value).map_err(|error| format!("tag: {error}"))?));
    }
    match <[Scope; 1]>::try_from(scopes) {
        Ok([scope]) => Ok(scope),
        Err(scopes) if scopes.is_empty() => Ok(Scope::Organization(world.organization)),
        Err(_) => Err("a budget is set on one thing; write another budget for the other".to_owned()),
    }
}

/// How much of what a text says.
fn amount(text: &str) -> Result<(Measure, u64), String> {
    let wrong = || format!("amount: `{text}` is none; write 14000 USD, 2000000 tokens, 60 requests or 4 concurrent");
    let (number, unit) = text.trim().split_once(' ').ok_or_else(wrong)?;
    let measure = match unit.trim() {
        "USD" => Measure::Cost,
        "token" | "tokens" => Measure::Tokens,
        "request" | "requests" => Measure::Requests,
        "concurrent" => Measure::Concurrent,
        _ => return Err(wrong()),
    };
    Ok((measure, number_of(number, measure).ok_or_else(wrong)?))
}

/// A number in the unit of a measure; money is written in dollars.
fn number_of(text: &str, measure: Measure) -> Option<u64> {
    match measure {
        // A price per million has the billionths of a dollar that an amount has.
        Measure::Cost => NanoUsdPerMillion::parse_usd(text).ok().map(|amount| amount.0),
        Measure::Tokens | Measure::Requests | Measure::Concurrent => text.parse().ok(),
    }
}

fn period(text: &str, starts_on: Option<u8>) -> Result<Period, String> {
    let start = starts_on.unwrap_or(1);
    let period = match text.trim() {
        "hour" => Period::Hour,
        "day" => Period::Day,
        "week" => Period::Week { starts_on: start },
        "month" => Period::Month { starts_on: start },
        "quarter" => Period::Quarter,
        "year" => Period::Year,
        "total" => Period::Total,
        other => Period::Rolling { seconds: rolling(other).ok_or_else(|| unknown_period(other))? },
    };
    match (starts_on, period) {
        (None, _) | (_, Period::Week { .. } | Period::Month { .. }) => Ok(period),
        (Some(_), _) => Err("starts_on: only a week or a month starts on a day".to_owned()),
    }
}

/// The seconds of `rolling 30s`, `rolling 5m`, `rolling 24h` or `rolling 30d`.
fn rolling(text: &str) -> Option<u32> {
    let length = text.strip_prefix("rolling ")?.trim();
    let unit = match length.chars().last()? {
        's' => 1,
        'm' => 60,
        'h' => 60 * 60,
        'd' => 24 * 60 * 60,
        _ => return None,
    };
    length[..length.len() - 1].parse::<u32>().ok()?.checked_mul(unit)
}

fn unknown_period(text: &str) -> String {
    format!("period: `{text}` is none; write hour, day, week, month, quarter, year, total or rolling 5m")
}

/// The steps in rising order; of several at one percentage, people are told before requests are refused.
fn ladder(entry: &BudgetEntry) -> Vec<Rung> {
    let tell = |at_percent: &u16| Rung { at_percent: *at_percent, basis: Basis::Actual, action: Action::Notify };
    let foretell = |at_percent: &u16| Rung { basis: Basis::Forecast, ..tell(at_percent) };
    let stop = entry.stop_at.map(|at_percent| Rung { at_percent, basis: Basis::Actual, action: Action::Stop });
    let tells = entry.notify_at.iter().map(tell).chain(entry.notify_forecast_at.iter().map(foretell));
    let mut ladder: Vec<Rung> = tells.chain(stop).collect();
    ladder.sort_by_key(|rung| rung.at_percent);
    ladder
}

/// The raises that are known, and those of the entry that are not among them.
fn raises(
    entry: &BudgetEntry,
    measure: Measure,
    known: &[Raise],
    origin: &mut Origin<'_>,
) -> Result<Vec<Raise>, String> {
    let mut raises = known.to_vec();
    for written in &entry.raises {
        let raise = raise(written, measure, origin).map_err(|reason| format!("raises: {reason}"))?;
        let is_known = |known: &Raise| {
            known.amount == raise.amount
                && known.until == raise.until
                && known.reason == raise.reason
                && (written.from.is_none() || known.from == raise.from)
        };
        if !raises.iter().any(is_known) {
            raises.push(raise);
        }
    }
    Ok(raises)
}

fn raise(entry: &RaiseEntry, measure: Measure, origin: &mut Origin<'_>) -> Result<Raise, String> {
    let time = |text: &str| {
        Timestamp::parse_rfc3339(text).map_err(|_| format!("`{text}` is no time such as 2027-01-01T00:00:00Z"))
    };
    let reason = entry.reason.trim();
    if reason.is_empty() || reason.chars().count() > LONGEST_REASON {
        return Err(format!("a raise has a reason of 1 to {LONGEST_REASON} characters"));
    }
    let amount = number_of(&entry.amount.0, measure).ok_or_else(|| format!("`{}` is no amount", entry.amount.0))?;
    let from = entry.from.as_deref().map_or(Ok(origin.now), time)?;
    let id = RaiseId::new(origin.now, (origin.entropy)());
    Ok(Raise { id, amount, from, until: time(&entry.until)?, reason: reason.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_say_what_they_count() {
        assert_eq!(amount("14000 USD"), Ok((Measure::Cost, 14_000_000_000_000)));
        assert_eq!(amount("0.000000001 USD"), Ok((Measure::Cost, 1)));
        assert_eq!(amount("2000000 tokens"), Ok((Measure::Tokens, 2_000_000)));
        assert_eq!(amount("4 concurrent"), Ok((Measure::Concurrent, 4)));
        for wrong in ["14000", "14000 EUR", "-1 USD", "1.5 tokens", "x USD", ""] {
            assert!(amount(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn periods_are_words() {
        assert_eq!(period("week", Some(7)), Ok(Period::Week { starts_on: 7 }));
        assert_eq!(period("month", None), Ok(Period::Month { starts_on: 1 }));
        assert_eq!(period("rolling 5m", None), Ok(Period::Rolling { seconds: 300 }));
        assert_eq!(period("rolling 30d", None), Ok(Period::Rolling { seconds: 2_592_000 }));
        for wrong in ["fortnight", "rolling", "rolling 5", "rolling x m", "rolling 99999d"] {
            assert!(period(wrong, None).is_err(), "{wrong}");
        }
        assert!(period("day", Some(2)).is_err());
    }
}
