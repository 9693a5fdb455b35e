//! What a person writes about a budget, checked once and turned into the domain's.

use megarouter_domain::budget::{Basis, Budget, BudgetError, Raise, Rung};
use megarouter_domain::clock::Timestamp;
use megarouter_domain::id::{BudgetId, RaiseId};
use megarouter_domain::period::{Period, PeriodError, UnknownZone, Zone};
use megarouter_domain::scope::Scope;
use megarouter_domain::tag::Tag;
use megarouter_store::settings::{Everything, Noun};

use super::{BudgetDraft, NewRaise, PeriodKind, ScopeChoice, ScopeKind};
use crate::error::ApiError;

/// The longest reason for a raise, in characters.
const LONGEST_REASON: usize = 200;
/// The most steps of a ladder.
const MOST_RUNGS: usize = 20;
/// The most raises of a budget, past ones too.
const MOST_RAISES: usize = 500;

/// What a budget keeps when the rest of it is replaced.
#[derive(Clone, Debug)]
pub(super) struct Kept {
    /// Its id.
    pub id: BudgetId,
    /// Its raises.
    pub raises: Vec<Raise>,
    /// Its age.
    pub created_at: Timestamp,
}

/// The budget that a draft describes.
pub(super) fn checked(everything: &Everything, draft: BudgetDraft, kept: Kept) -> Result<Budget, ApiError> {
    if draft.ladder.len() > MOST_RUNGS {
        let message = format!("A budget has at most {MOST_RUNGS} steps. Nothing was changed. Remove some.");
        return Err(ApiError::invalid("budget.ladder_invalid", message).about("ladder"));
    }
    let budget = Budget {
        id: kept.id,
        name: name(draft.name.as_deref().unwrap_or_default())?,
        scope: scope(everything, draft.scope)?,
        each: draft.each.map(Into::into),
        measure: draft.measure.into(),
        limit: draft.limit.0,
        period: period(draft.period)?,
        zone: draft.zone.as_deref().map_or(Ok(Zone::UTC), str::parse)?,
        carries_over: draft.carries_over.unwrap_or(false),
        is_strict: draft.is_strict.unwrap_or(false),
        ladder: draft.ladder.into_iter().map(Rung::from).collect(),
        raises: kept.raises,
        created_at: kept.created_at,
        archived_at: None,
    };
    budget.check()?;
    Ok(budget)
}

/// The budget with one raise more.
pub(super) fn raised(mut budget: Budget, raise: &NewRaise, id: RaiseId, now: Timestamp) -> Result<Budget, ApiError> {
    let reason = raise.reason.trim();
    let is_said = !reason.is_empty() && reason.chars().count() <= LONGEST_REASON;
    if !is_said || reason.chars().any(char::is_control) {
        let message = format!(
            "A raise needs a reason of 1 to {LONGEST_REASON} characters. Nothing was changed. Say what it is for."
        );
        return Err(ApiError::invalid("raise.reason_invalid", message).about("reason"));
    }
    if budget.raises.len() >= MOST_RAISES {
        let message = format!("A budget has at most {MOST_RAISES} raises. Nothing was changed. Change its limit.");
        return Err(ApiError::invalid("raise.too_many", message));
    }
    if raise.until.0 <= now {
        let message = "The raise ends in the past and would do nothing. Nothing was changed. Choose a later time.";
        return Err(ApiError::invalid("raise.until_past", message).about("until"));
    }
    let from = raise.from.map_or(now, |from| from.0);
    let (amount, until, reason) = (raise.amount.0, raise.until.0, reason.to_owned());
    budget.raises.push(Raise { id, amount, from, until, reason });
    budget.check()?;
    Ok(budget)
}

/// The period that a request or an answer of this API writes.
pub(super) fn period(written: super::Period) -> Result<Period, ApiError> {
    let starts_on = written.starts_on.unwrap_or(1);
    let takes_day = matches!(written.kind, PeriodKind::Week | PeriodKind::Month);
    if written.starts_on.is_some() && !takes_day {
        return Err(superfluous("starts_on", "a week or a month"));
    }
    let seconds = match (written.kind, written.seconds) {
        (PeriodKind::Rolling, None) => {
            let message = "A rolling period needs its length in seconds. Nothing was changed. Add it.";
            return Err(ApiError::invalid("budget.period_invalid", message).about("period.seconds"));
        }
        (PeriodKind::Rolling, Some(seconds)) => seconds,
        (_, Some(_)) => return Err(superfluous("seconds", "a rolling period")),
        (_, None) => 0,
    };
    Ok(match written.kind {
        PeriodKind::Hour => Period::Hour,
        PeriodKind::Day => Period::Day,
        PeriodKind::Week => Period::Week { starts_on },
        PeriodKind::Month => Period::Month { starts_on },
        PeriodKind::Quarter => Period::Quarter,
        PeriodKind::Year => Period::Year,
        PeriodKind::Total => Period::Total,
        PeriodKind::Rolling => Period::Rolling { seconds },
    })
}

fn superfluous(field: &str, of: &str) -> ApiError {
    let message = format!("Only {of} has `{field}`. Nothing was changed. Leave it out.");
    ApiError::invalid("budget.period_invalid", message).about(format!("period.{field}"))
}

fn name(text: &str) -> Result<String, ApiError> {
    let name = text.trim();
    if !name.chars().any(char::is_control) {
        return Ok(name.to_owned());
    }
    let message = "A name is one line of text. Nothing was changed. Remove what cannot be seen.";
    Err(ApiError::invalid("budget.name_invalid", message).about("name"))
}

fn scope(everything: &Everything, choice: ScopeChoice) -> Result<Scope, ApiError> {
    let ScopeChoice { kind, id, name, value } = choice;
    if kind == ScopeKind::Tag {
        if id.is_some() {
            return Err(wrong_scope("scope.id", "a tag has no id, it has a name and a value"));
        }
        let tag = Tag::new(name.as_deref().unwrap_or_default(), value.as_deref().unwrap_or_default());
        return tag.map(Scope::Tag).map_err(|error| wrong_scope("scope.name", &error.to_string()));
    }
    if name.is_some() || value.is_some() {
        return Err(wrong_scope("scope.name", "only a tag is named; everything else goes by its id"));
    }
    let organization = everything.organization.id;
    match (kind, id) {
        (ScopeKind::Organization, None) => Ok(Scope::Organization(organization)),
        (ScopeKind::Organization, Some(id)) if id == organization.to_string() => Ok(Scope::Organization(organization)),
        (kind, id) => known(everything, kind, id.as_deref().unwrap_or_default()),
    }
}

/// What has an id and can be used up: something archived or revoked cannot.
fn known(everything: &Everything, kind: ScopeKind, id: &str) -> Result<Scope, ApiError> {
    let missing = |noun| ApiError::not_found(noun, id).about("scope.id");
    match kind {
        ScopeKind::Organization | ScopeKind::Tag => Err(wrong_scope("scope.id", "it is not this organisation's id")),
        ScopeKind::Unit => {
            let unit = everything.units.iter().find(|unit| unit.id.to_string() == id && unit.archived_at.is_none());
            unit.map(|unit| Scope::Unit(unit.id)).ok_or_else(|| missing(Noun::Unit))
        }
        ScopeKind::Key => {
            let key = everything.keys.iter().find(|key| key.id.to_string() == id && key.revoked_at.is_none());
            key.map(|key| Scope::Key(key.id)).ok_or_else(|| missing(Noun::Key))
        }
        ScopeKind::Provider => {
            let provider = everything.providers.iter().find(|provider| provider.id.to_string() == id);
            provider.map(|provider| Scope::Provider(provider.id)).ok_or_else(|| missing(Noun::Provider))
        }
        ScopeKind::Model => {
            let model = everything.models.iter().find(|model| model.id.to_string() == id);
            model.map(|model| Scope::Model(model.id)).ok_or_else(|| missing(Noun::Model))
        }
    }
}

fn wrong_scope(field: &str, reason: &str) -> ApiError {
    let message = format!("The budget's scope is not valid: {reason}. Nothing was changed. Correct it.");
    ApiError::invalid("budget.scope_invalid", message).about(field)
}

impl From<super::Rung> for Rung {
    fn from(rung: super::Rung) -> Self {
        let basis = rung.basis.map_or(Basis::Actual, Into::into);
        Self { at_percent: rung.at_percent, basis, action: rung.action.into() }
    }
}

impl From<BudgetError> for ApiError {
    fn from(error: BudgetError) -> Self {
        let field = match error {
            BudgetError::Name => "name",
            BudgetError::NoLimit | BudgetError::LargeLimit => "limit",
            BudgetError::Period(PeriodError::WeekDay | PeriodError::MonthDay) => "period.starts_on",
            BudgetError::Period(PeriodError::Rolling) => "period.seconds",
            BudgetError::ConcurrentWindow => "period",
            BudgetError::NothingToCarry => "carries_over",
            BudgetError::KeyParts => "each",
            BudgetError::Percent
            | BudgetError::Order
            | BudgetError::SecondStop
            | BudgetError::StopOnForecast
            | BudgetError::NoForecast => "ladder",
            BudgetError::EmptyRaise => "amount",
            BudgetError::RaiseEnds => "until",
        };
        let message = format!("The budget is not valid: {error}. Nothing was changed. Correct it and send it again.");
        Self::invalid("budget.invalid", message).about(field)
    }
}

impl From<UnknownZone> for ApiError {
    fn from(error: UnknownZone) -> Self {
        Self::invalid("zone.unknown", format!("{error}. Nothing was done.")).about("zone")
    }
}
