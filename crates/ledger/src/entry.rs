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

use crate::account::AccountKey;
use crate::state::OpenAttempt;

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
    /// More was set aside for a running call, over the scopes of its hold.
    Extend {
        /// The attempt.
        attempt_id: AttemptId,
        /// How much more.
        amount: NanoUsd,
        /// How many more tokens.
        tokens: u64,
    },
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
    /// An admin corrected what an attempt is charged, after its request had finished.
    Adjust(Arc<Adjustment>),
    /// An admin changed the configuration, or is about to: the audit log.
    Changed(Arc<ChangeNote>),
    /// The hub lets this node use so much of a shared account: a lease.
    Granted {
        /// The account.
        account: AccountKey,
        /// How much in all, in the unit of its measure; cumulative within its window.
        granted: u64,
    },
    /// What all entries so far add up to, so that older ones can be deleted.
    Checkpoint(Arc<Checkpoint>),
}

/// A correction of a finished attempt. It is added to what was posted, in the window the attempt
/// belongs to; nothing that was written changes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Adjustment {
    /// The attempt's hold: its scopes and its instant are those of the correction.
    pub hold: Arc<HoldFact>,
    /// What is charged on top; negative when it was too much.
    pub amount: NanoUsd,
    /// Tokens on top; negative when there were fewer.
    pub tokens: i64,
    /// The usage as it is known by this correction; `None` when only the amount is corrected.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub usage: Option<Usage>,
    /// Who corrected it.
    pub by: Arc<str>,
    /// Why, in a few words.
    pub reason: Arc<str>,
}

/// What an admin did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChangeNote {
    /// Who.
    pub by: Arc<str>,
    /// What kind of change, e.g. `budget.put`.
    pub action: Arc<str>,
    /// What was changed: its id, or its name where it has none.
    pub object: Arc<str>,
    /// The change in words, for people.
    pub summary: Arc<str>,
    /// How it was, as JSON; `None` when it is new.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<Arc<str>>,
    /// How it is now, as JSON; `None` when it is gone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<Arc<str>>,
}

/// What the entries before this one add up to. The run is that of the entry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checkpoint {
    /// The latest admission instant.
    pub instant: Timestamp,
    /// The attempts of unfinished requests, in the order of their holds.
    pub attempts: Vec<OpenAttempt>,
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
    /// The worst case; zero when the price is unknown and no budget minds. Of a running call it may
    /// be extended: [`OpenAttempt::held`].
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
            Self::Extend { .. } => "extend",
            Self::Progress { .. } => "progress",
            Self::Resolve { .. } => "resolve",
            Self::Finished(_) => "finished",
            Self::Adjust(_) => "adjust",
            Self::Changed(_) => "changed",
            Self::Granted { .. } => "granted",
            Self::Checkpoint(_) => "checkpoint",
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

    /// The same ending with the cost that the pinned price gives, and what of it is beyond `held`.
    #[must_use]
    pub fn priced(self, price: Option<&PinnedPrice>, held: NanoUsd) -> Self {
        match self {
            Self::Settled { usage, source, .. } => {
                let cost = PinnedPrice::cost(price, &usage, source);
                let overage = (cost.amount() - held).max(NanoUsd::ZERO);
                Self::Settled { usage, source, cost, overage }
            }
            Self::Voided => Self::Voided,
            Self::Uncertain { usage, .. } => {
                let cost = PinnedPrice::cost(price, &usage, UsageSource::Estimated);
                Self::Uncertain { usage, cost }
            }
        }
    }

    /// The tokens that count against limits: all input and output, each at most [`MOST_TOKENS`].
    pub fn tokens(&self) -> u64 {
        let believed = |total: Option<u64>| total.unwrap_or(0).min(MOST_TOKENS);
        let usage = self.usage();
        believed(usage.total_input()) + believed(usage.total_output())
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
