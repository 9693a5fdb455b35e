//! Why a hold was not made.

use std::fmt;
use std::ops::Range;

use megarouter_domain::budget::Measure;
use megarouter_domain::clock::Timestamp;
use megarouter_domain::code::Code;
use megarouter_domain::id::BudgetId;
use megarouter_domain::money::NanoUsd;
use megarouter_domain::period::END;
use thiserror::Error;

use crate::account::{AccountKey, Subject};

/// Why a hold was not made. Nothing was charged to any account.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum Refusal {
    /// It would go beyond a limit.
    #[error(transparent)]
    Exceeded(#[from] Box<Exceeded>),
    /// A budget in money applies and the price is not known, so nothing could keep to it.
    #[error("the model has no price, and a budget applies; set its price or remove the budget")]
    PriceUnknown {
        /// The budget.
        budget: BudgetId,
    },
    /// What the hub granted to this node does not cover it. Whoever can ask the hub does, and tries
    /// again.
    #[error("this node's part of a shared budget is used up")]
    LeaseShort(Vec<LeaseNeed>),
    /// A shared budget applies and the hub was not heard for too long.
    #[error("the hub that shares the budget out cannot be reached")]
    Fenced,
    /// The hold that was to be extended is not open.
    #[error("the hold is over")]
    Closed,
}

/// A limit that is in the way.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub struct Exceeded {
    /// The budget.
    pub budget: BudgetId,
    /// Whose part of it.
    pub subject: Option<Subject>,
    /// What it counts.
    pub measure: Measure,
    /// Where it refuses, in the unit of the measure.
    pub limit: u64,
    /// What was used.
    pub used: u64,
    /// What is set aside.
    pub held: u64,
    /// What was asked for.
    pub asked: u64,
    /// The window; empty for requests under way.
    pub window: Range<Timestamp>,
    /// When the same would be possible: the end of the window, or when enough has left a rolling
    /// one. `None` when waiting does not help, or nobody can say.
    pub resets_at: Option<Timestamp>,
}

/// What a node needs from the hub to make a hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeaseNeed {
    /// The account.
    pub key: AccountKey,
    /// What it counts.
    pub measure: Measure,
    /// Where the budget refuses, without what is carried over.
    pub limit: u64,
    /// The account of the window before, when what that one leaves over is added; at most `limit`.
    pub carries_from: Option<AccountKey>,
    /// What this node was granted, in all.
    pub granted: u64,
    /// What the grant must reach: what the node used and set aside, and the hold.
    pub need: u64,
    /// What the hold asks for.
    pub asked: u64,
    /// The window.
    pub window: Range<Timestamp>,
}

impl Refusal {
    /// The stable code for the caller.
    pub fn code(&self) -> Code {
        match self {
            Self::Exceeded(exceeded) if exceeded.measure == Measure::Cost => Code::BudgetExceeded,
            Self::Exceeded(_) => Code::RateLimited,
            Self::PriceUnknown { .. } => Code::BudgetExceeded,
            Self::LeaseShort(_) | Self::Fenced => Code::BudgetUnavailable,
            Self::Closed => Code::BudgetExhausted,
        }
    }

    /// The budget that refuses; `None` when it is not for a budget's sake.
    pub fn budget(&self) -> Option<BudgetId> {
        match self {
            Self::Exceeded(exceeded) => Some(exceeded.budget),
            Self::PriceUnknown { budget } => Some(*budget),
            Self::LeaseShort(needs) => needs.first().map(|need| need.key.budget),
            Self::Fenced | Self::Closed => None,
        }
    }
}

impl LeaseNeed {
    /// What to tell the caller when the hub has only `left` more to give.
    pub fn refused(&self, left: u64) -> Refusal {
        let held = self.need.saturating_sub(self.asked);
        Refusal::from(Box::new(Exceeded {
            budget: self.key.budget,
            subject: self.key.subject.clone(),
            measure: self.measure,
            limit: self.limit,
            used: self.limit.saturating_sub(left).saturating_sub(self.granted.saturating_sub(held)),
            held: 0,
            asked: self.asked,
            window: self.window.clone(),
            resets_at: Some(self.window.end).filter(|end| *end < END),
        }))
    }
}

impl fmt::Display for Exceeded {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let amount = |count| Amount(self.measure, count);
        let (asked, limit) = (amount(self.asked), amount(self.limit));
        let (used, held) = (amount(self.used), amount(self.held));
        write!(formatter, "{asked} more would exceed the limit of {limit}: {used} used and {held} set aside")
    }
}

/// A count in the unit of its measure.
struct Amount(Measure, u64);

impl fmt::Display for Amount {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Measure::Cost => NanoUsd(i64::try_from(self.1).unwrap_or(i64::MAX)).fmt(formatter),
            Measure::Tokens => write!(formatter, "{} tokens", self.1),
            Measure::Requests | Measure::Concurrent => write!(formatter, "{} requests", self.1),
        }
    }
}
