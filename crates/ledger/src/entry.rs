//! Entries: the immutable facts that every balance is derived from.

use std::sync::Arc;

use megarouter_domain::clock::Timestamp;
use megarouter_domain::id::{AttemptId, DeploymentId, KeyId, PriceId, ProviderId, RequestId};
use megarouter_domain::money::NanoUsd;
use megarouter_domain::price::{Cost, Tariff};
use megarouter_domain::record::{Operation, UsageRecord};
use megarouter_domain::scope::Scope;
use megarouter_domain::usage::{Usage, UsageSource};
use serde::{Deserialize, Serialize};

/// The most tokens of one call, on either side, that are believed. A provider that reports more is
/// broken or hostile, and its figures must not flood the sums of honest ones.
pub const MOST_TOKENS: u64 = 1_000_000_000;

/// A log sequence number: 1 for the first entry of a ledger, then without gaps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Lsn(pub u64);

/// One run of the program over a ledger: 1 for the first. Holds belong to the epoch that made them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Epoch(pub u64);

/// One entry of the journal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Its place in the journal.
    pub lsn: Lsn,
    /// The run that wrote it.
    pub epoch: Epoch,
    /// When it was made.
    pub at: Timestamp,
    /// What happened.
    pub fact: Fact,
}

/// What an entry says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Fact {
    /// A run began.
    Started {
        /// The program's version.
        version: Arc<str>,
    },
    /// An amount was set aside; the call may be under way.
    Hold(Arc<HoldFact>),
    /// A long stream has used this much so far; cumulative.
    Progress {
        /// The attempt.
        attempt_id: AttemptId,
        /// Tokens so far.
        usage: Usage,
        /// What they cost.
        cost: Cost,
    },
    /// A hold ended; exactly one for each hold.
    Resolve {
        /// The attempt.
        attempt_id: AttemptId,
        /// How.
        resolution: Resolution,
    },
    /// A request ended. Comes after the resolutions of all its attempts.
    Finished(Arc<UsageRecord>),
}

/// An amount set aside over every scope that applies.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HoldFact {
    /// The attempt it is for.
    pub attempt_id: AttemptId,
    /// The request it belongs to.
    pub request_id: RequestId,
    /// Whose key.
    pub key_id: KeyId,
    /// The deployment to be called.
    pub deployment_id: DeploymentId,
    /// Who serves it.
    pub provider_id: ProviderId,
    /// What is charged, all or none.
    pub scopes: Vec<Scope>,
    /// The worst case; zero when the price is unknown and no budget minds.
    pub amount: NanoUsd,
    /// The worst case in tokens of all classes.
    #[serde(default)]
    pub tokens: u64,
    /// The session it belongs to, as the client named it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<Arc<str>>,
    /// The price that applies to the attempt, whatever is edited later; `None` when unknown.
    pub price: Option<PinnedPrice>,
    /// Input tokens counted here before the call; used when the provider reports nothing.
    pub counted_input: u64,
    /// When the request arrived. This and what follows make a usage record possible even when the
    /// program stops before the request ends.
    pub started_at: Timestamp,
    /// What was asked for.
    pub operation: Operation,
    /// The model name as the client wrote it.
    pub model_asked: Arc<str>,
    /// The public model it was resolved to.
    pub model: Arc<str>,
    /// The provider's name at the time.
    pub provider: Arc<str>,
    /// The provider's own name of the model.
    pub upstream_model: Arc<str>,
    /// Whether the client asked for a stream.
    pub is_streaming: bool,
}

/// A price version with its tariff, so that the ledger explains itself without another store.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PinnedPrice {
    /// The version.
    pub id: PriceId,
    /// What it charges.
    pub tariff: Arc<Tariff>,
}

impl Lsn {
    /// The number after this one.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

impl Fact {
    /// The stable name of the kind, as stored.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Started { .. } => "started",
            Self::Hold(_) => "hold",
            Self::Progress { .. } => "progress",
            Self::Resolve { .. } => "resolve",
            Self::Finished(_) => "finished",
        }
    }
}

/// How a hold ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "how", rename_all = "snake_case")]
pub enum Resolution {
    /// The actual usage is known or was counted.
    Settled {
        /// Tokens by class.
        usage: Usage,
        /// Where they come from.
        source: UsageSource,
        /// What they cost at the pinned price.
        cost: Cost,
        /// The part of the cost above the hold.
        overage: NanoUsd,
    },
    /// Nothing was generated; the whole amount goes back.
    Voided,
    /// Generation may have run and the usage is unknown: charged at the counted input and output.
    Uncertain {
        /// The best count there is.
        usage: Usage,
        /// What it costs at the pinned price.
        cost: Cost,
    },
}

impl Resolution {
    /// The tokens it charges for; nothing when the hold was voided.
    pub const fn usage(&self) -> Usage {
        match self {
            Self::Settled { usage, .. } | Self::Uncertain { usage, .. } => *usage,
            Self::Voided => Usage::UNREPORTED,
        }
    }

    /// Where the tokens come from; `None` when the hold was voided.
    pub const fn source(&self) -> Option<UsageSource> {
        match self {
            Self::Settled { source, .. } => Some(*source),
            Self::Uncertain { .. } => Some(UsageSource::Estimated),
            Self::Voided => None,
        }
    }

    /// The part of the cost above the hold.
    pub const fn overage(&self) -> NanoUsd {
        match self {
            Self::Settled { overage, .. } => *overage,
            Self::Voided | Self::Uncertain { .. } => NanoUsd::ZERO,
        }
    }

    /// The same ending with the cost and the overage that the pinned price gives.
    #[must_use]
    pub fn priced(self, hold: &HoldFact) -> Self {
        match self {
            Self::Settled { usage, source, .. } => {
                let cost = PinnedPrice::cost(hold.price.as_ref(), &usage, source);
                let overage = (cost.amount() - hold.amount).max(NanoUsd::ZERO);
                Self::Settled { usage, source, cost, overage }
            }
            Self::Voided => Self::Voided,
            Self::Uncertain { usage, .. } => {
                let cost = PinnedPrice::cost(hold.price.as_ref(), &usage, UsageSource::Estimated);
                Self::Uncertain { usage, cost }
            }
        }
    }

    /// The stable name, as stored and as sent.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Settled { .. } => "settled",
            Self::Voided => "voided",
            Self::Uncertain { .. } => "uncertain",
        }
    }

    /// What the hold is replaced by.
    pub const fn cost(&self) -> Cost {
        match self {
            Self::Settled { cost, .. } | Self::Uncertain { cost, .. } => *cost,
            Self::Voided => Cost::NotBillable,
        }
    }
}

impl PinnedPrice {
    /// The most that a call can cost: what its hold sets aside. Zero when the price is unknown.
    pub fn worst_case(price: Option<&Self>, most: &Usage) -> NanoUsd {
        price.map_or(NanoUsd::ZERO, |price| price.tariff.upper_bound(most))
    }

    /// What `usage` costs at an optional price. Unknown without one, and for figures that cannot be
    /// true ([`MOST_TOKENS`]).
    pub fn cost(price: Option<&Self>, usage: &Usage, source: UsageSource) -> Cost {
        let Some(price) = price else { return Cost::Unknown };
        if price.tariff.is_free() {
            return Cost::NotBillable;
        }
        if usage.total_input().max(usage.total_output()) > Some(MOST_TOKENS) {
            return Cost::Unknown;
        }
        match (price.tariff.cost(usage), source) {
            (None, _) | (_, UsageSource::Unknown) => Cost::Unknown,
            (Some(amount), UsageSource::Reported) => Cost::Exact(amount),
            (Some(amount), UsageSource::Estimated) => Cost::Estimated(amount),
        }
    }
}
