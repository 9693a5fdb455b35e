//! Budgets: limits on what a scope may use within a window of time.
//!
//! A budget says how much (`measure`, `limit`), of what (`scope`, `each`), in which time (`period`,
//! `zone`), and what happens on the way there (`ladder`). A step that stops makes it a hard budget:
//! the engine refuses what would go beyond. Without one it is soft, and only tells people.

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::id::{BudgetId, RaiseId};
use crate::period::{Period, Zone};
use crate::scope::Scope;

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

impl Budget {
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
