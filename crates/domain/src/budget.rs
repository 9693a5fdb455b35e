//! Budgets: limits on what a scope may use within a window of time.
//!
//! A budget says how much (`measure`, `limit`), of what (`scope`, `each`), in which time (`period`,
//! `zone`), and what happens on the way there (`ladder`). A step that stops makes it a hard budget:
//! the engine refuses what would go beyond. Without one it is soft, and only tells people.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::clock::Timestamp;
use crate::id::{BudgetId, RaiseId};
use crate::period::{Period, PeriodError, Zone};
use crate::scope::Scope;

/// The highest step of a ladder, in percent.
const MOST_PERCENT: u16 = 1_000;
/// The longest name, in characters.
const LONGEST_NAME: usize = 200;

/// A limit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Budget {
    /// Its id.
    pub id: BudgetId,
    /// What people call it; empty to go by its scope.
    pub name: String,
    /// Whose use counts.
    pub scope: Scope,
    /// Whether each part of the scope has the limit for itself; `None` when they share it.
    pub each: Option<Each>,
    /// What is counted.
    pub measure: Measure,
    /// How much, in the unit of the measure: nano-dollars, tokens, requests.
    pub limit: u64,
    /// In which time.
    pub period: Period,
    /// Where days begin.
    pub zone: Zone,
    /// Whether what one window leaves over is added to the next one's limit; at most one limit.
    pub carries_over: bool,
    /// Whether holds count every byte of input as a token, so that nothing can exceed them.
    pub is_strict: bool,
    /// What happens at which part of the limit; in rising order.
    pub ladder: Vec<Rung>,
    /// Temporary increases, past ones too.
    pub raises: Vec<Raise>,
    /// When it was made.
    pub created_at: Timestamp,
    /// Since when it does not apply. Its history stays.
    pub archived_at: Option<Timestamp>,
}

/// What has an account of its own under a budget.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Each {
    /// Every team below the scope.
    Team,
    /// Every member below the scope.
    Member,
    /// Every app below the scope.
    App,
    /// Every key of the scope.
    Key,
    /// Every session, as the client names it: a brake for agents that run away. Requests that name
    /// none are not limited by it.
    Session,
}

/// What a budget counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Measure {
    /// Money, in nano-dollars.
    Cost,
    /// Tokens of all input and output classes.
    Tokens,
    /// Requests that reached a provider.
    Requests,
    /// Requests under way at the same time; has no window.
    Concurrent,
}

/// A step of what happens as a budget is used up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rung {
    /// At this part of the limit, in percent; 1 to 1000.
    pub at_percent: u16,
    /// Of what was used, or of what the window is going to use at this rate.
    #[serde(default)]
    pub basis: Basis,
    /// What happens.
    pub action: Action,
}

/// What a rung looks at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Basis {
    /// What was used.
    #[default]
    Actual,
    /// What the window is going to use.
    Forecast,
}

/// What happens at a rung. To ask for a reason, to downgrade and to require an approval have their
/// place here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// People are told.
    Notify,
    /// New requests are refused; those under way finish. Only on what was used.
    Stop,
}

/// A temporary increase of a limit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Raise {
    /// Its id.
    pub id: RaiseId,
    /// How much more, in the unit of the measure.
    pub amount: u64,
    /// From when on.
    pub from: Timestamp,
    /// Until when.
    pub until: Timestamp,
    /// Why, in a few words.
    pub reason: String,
}

/// What to do with a request whose price is not known, where a hard budget in money applies.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UnknownPrice {
    /// Refuse it.
    #[default]
    Deny,
    /// Set this much aside, in nano-dollars, and charge nothing.
    HoldFixed(i64),
    /// Let it pass.
    Free,
}

/// Why a budget cannot be kept. Each is also refused when it is saved.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum BudgetError {
    /// Too long a name.
    #[error("a budget's name has at most {LONGEST_NAME} characters")]
    Name,
    /// A limit of nothing.
    #[error("a budget's limit must be more than zero; revoke the key or archive the unit to allow nothing at all")]
    NoLimit,
    /// A limit that no sum reaches.
    #[error("the limit is larger than can be counted")]
    LargeLimit,
    /// The period makes no sense.
    #[error(transparent)]
    Period(#[from] PeriodError),
    /// Requests under way have no window.
    #[error("a limit on requests under way has no window: its period is `total`, and nothing carries over")]
    ConcurrentWindow,
    /// There is no next window.
    #[error("only a budget with an hour, a day, a week, a month, a quarter or a year can carry over what is left")]
    NothingToCarry,
    /// A key has no parts.
    #[error("a key is not made of parts; leave out `each`, or take sessions")]
    KeyParts,
    /// A step beyond what makes sense.
    #[error("a step is at 1 to {MOST_PERCENT} percent of the limit")]
    Percent,
    /// Steps out of order.
    #[error("the steps of a budget must rise")]
    Order,
    /// More than one stop.
    #[error("a budget stops once; remove the other step that stops")]
    SecondStop,
    /// A stop on a forecast.
    #[error("a budget can stop only on what was used, not on a forecast")]
    StopOnForecast,
    /// Nothing can be foretold.
    #[error("only a budget with a window that ends can look at a forecast")]
    NoForecast,
    /// A raise of nothing.
    #[error("a raise must be more than zero")]
    EmptyRaise,
    /// A raise that ends before it begins.
    #[error("a raise must end after it begins")]
    RaiseEnds,
}

impl Budget {
    /// Checks that the parts make sense together. Whether what it names exists is for the caller.
    ///
    /// # Errors
    /// The first thing that does not.
    pub fn check(&self) -> Result<(), BudgetError> {
        let is_calendar = !matches!(self.period, Period::Total | Period::Rolling { .. });
        if self.name.chars().count() > LONGEST_NAME {
            return Err(BudgetError::Name);
        }
        if self.limit == 0 {
            return Err(BudgetError::NoLimit);
        }
        if i64::try_from(self.limit).is_err() {
            return Err(BudgetError::LargeLimit);
        }
        self.period.check()?;
        if self.measure == Measure::Concurrent && (self.period != Period::Total || self.carries_over) {
            return Err(BudgetError::ConcurrentWindow);
        }
        if self.carries_over && !is_calendar {
            return Err(BudgetError::NothingToCarry);
        }
        if matches!(self.scope, Scope::Key(_)) && self.each.is_some_and(|each| each != Each::Session) {
            return Err(BudgetError::KeyParts);
        }
        self.check_ladder(is_calendar)?;
        self.raises.iter().try_for_each(Raise::check)
    }

    fn check_ladder(&self, can_forecast: bool) -> Result<(), BudgetError> {
        for rung in &self.ladder {
            if !(1..=MOST_PERCENT).contains(&rung.at_percent) {
                return Err(BudgetError::Percent);
            }
            if rung.basis == Basis::Forecast && rung.action == Action::Stop {
                return Err(BudgetError::StopOnForecast);
            }
            if rung.basis == Basis::Forecast && !can_forecast {
                return Err(BudgetError::NoForecast);
            }
        }
        // The same percentage may come twice: of what was used and of the forecast, or to tell and to stop.
        let rises = |pair: &[Rung]| pair[0].at_percent <= pair[1].at_percent && pair[0] != pair[1];
        if !self.ladder.windows(2).all(rises) {
            return Err(BudgetError::Order);
        }
        let stops = self.ladder.iter().filter(|rung| rung.action == Action::Stop).count();
        if stops > 1 { Err(BudgetError::SecondStop) } else { Ok(()) }
    }

    /// True when it applies.
    pub const fn is_active(&self) -> bool {
        self.archived_at.is_none()
    }

    /// At which part of the limit requests are refused, in percent; `None` for a soft budget.
    pub fn stops_at(&self) -> Option<u16> {
        self.ladder.iter().find(|rung| rung.action == Action::Stop).map(|rung| rung.at_percent)
    }

    /// The limit with the raises in force at a time, without what was carried over.
    pub fn limit_at(&self, now: Timestamp) -> u64 {
        let in_force = self.raises.iter().filter(|raise| raise.from <= now && now < raise.until);
        in_force.fold(self.limit, |limit, raise| limit.saturating_add(raise.amount))
    }
}

impl Raise {
    fn check(&self) -> Result<(), BudgetError> {
        if self.amount == 0 {
            return Err(BudgetError::EmptyRaise);
        }
        if self.from >= self.until { Err(BudgetError::RaiseEnds) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::{KeyId, OrganizationId};

    const NOW: Timestamp = Timestamp::from_micros(1_000_000);

    fn budget() -> Budget {
        Budget {
            id: BudgetId::new(NOW, [0; 10]),
            name: String::new(),
            scope: Scope::Organization(OrganizationId::new(NOW, [0; 10])),
            each: None,
            measure: Measure::Cost,
            limit: 1,
            period: Period::Month { starts_on: 1 },
            zone: Zone::UTC,
            carries_over: false,
            is_strict: false,
            ladder: vec![],
            raises: vec![],
            created_at: NOW,
            archived_at: None,
        }
    }

    fn rung(at_percent: u16, basis: Basis, action: Action) -> Rung {
        Rung { at_percent, basis, action }
    }

    #[track_caller]
    fn expect(outcome: Result<(), BudgetError>, change: impl FnOnce(&mut Budget)) {
        let mut budget = budget();
        change(&mut budget);
        assert_eq!(budget.check(), outcome);
    }

    #[test]
    fn a_limit_must_be_one() {
        expect(Ok(()), |_| {});
        expect(Err(BudgetError::NoLimit), |budget| budget.limit = 0);
        expect(Ok(()), |budget| budget.limit = i64::MAX as u64);
        expect(Err(BudgetError::LargeLimit), |budget| budget.limit = i64::MAX as u64 + 1);
        expect(Ok(()), |budget| budget.name = "é".repeat(200));
        expect(Err(BudgetError::Name), |budget| budget.name = "é".repeat(201));
        expect(Err(BudgetError::Period(PeriodError::WeekDay)), |budget| budget.period = Period::Week { starts_on: 0 });
    }

    #[test]
    fn only_windows_that_end_carry_over() {
        let rolling = Period::Rolling { seconds: 60 };
        expect(Ok(()), |budget| budget.carries_over = true);
        for period in [Period::Total, rolling] {
            expect(Ok(()), |budget| budget.period = period);
            expect(Err(BudgetError::NothingToCarry), |budget| (budget.period, budget.carries_over) = (period, true));
        }
        expect(Err(BudgetError::ConcurrentWindow), |budget| budget.measure = Measure::Concurrent);
        let concurrent = |budget: &mut Budget| (budget.measure, budget.period) = (Measure::Concurrent, Period::Total);
        expect(Ok(()), concurrent);
        expect(Err(BudgetError::ConcurrentWindow), |budget| {
            concurrent(budget);
            budget.carries_over = true;
        });
    }

    #[test]
    fn a_key_has_no_parts_but_sessions() {
        let of_key = |budget: &mut Budget, each| {
            budget.scope = Scope::Key(KeyId::new(NOW, [0; 10]));
            budget.each = each;
        };
        expect(Ok(()), |budget| of_key(budget, Some(Each::Session)));
        expect(Ok(()), |budget| of_key(budget, None));
        expect(Err(BudgetError::KeyParts), |budget| of_key(budget, Some(Each::Key)));
        expect(Ok(()), |budget| budget.each = Some(Each::Key));
    }

    #[test]
    fn a_ladder_rises_and_stops_once() {
        use {Action::*, Basis::*};
        let ladder = |outcome, ladder: &[Rung]| expect(outcome, |budget| budget.ladder = ladder.to_vec());
        let (notify, stop) = (|at| rung(at, Actual, Notify), |at| rung(at, Actual, Stop));
        ladder(Ok(()), &[notify(50), rung(100, Forecast, Notify), notify(100), stop(100), notify(1_000)]);
        ladder(Err(BudgetError::Order), &[notify(80), notify(50)]);
        ladder(Err(BudgetError::Order), &[notify(80), notify(80)]);
        ladder(Err(BudgetError::Percent), &[notify(0)]);
        ladder(Err(BudgetError::Percent), &[notify(1_001)]);
        ladder(Err(BudgetError::SecondStop), &[stop(80), stop(100)]);
        ladder(Err(BudgetError::StopOnForecast), &[rung(100, Forecast, Stop)]);
        expect(Err(BudgetError::NoForecast), |budget| {
            (budget.period, budget.ladder) = (Period::Total, vec![rung(100, Forecast, Notify)]);
        });
    }

    #[test]
    fn a_raise_has_an_amount_and_a_time() {
        let raise = |amount, from, until| Raise {
            id: RaiseId::new(NOW, [0; 10]),
            amount,
            from: Timestamp::from_micros(from),
            until: Timestamp::from_micros(until),
            reason: String::new(),
        };
        expect(Ok(()), |budget| budget.raises = vec![raise(1, 1, 2)]);
        expect(Err(BudgetError::EmptyRaise), |budget| budget.raises = vec![raise(0, 1, 2)]);
        expect(Err(BudgetError::RaiseEnds), |budget| budget.raises = vec![raise(1, 2, 2)]);
        let mut raised = budget();
        raised.raises = vec![raise(5, 10, 20), raise(7, 15, 20)];
        let limits = [9, 10, 15, 19, 20].map(|at| raised.limit_at(Timestamp::from_micros(at)));
        assert_eq!(limits, [1, 6, 13, 13, 1]);
    }
}
