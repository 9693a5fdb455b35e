//! What providers and keys did lately.

use std::time::Duration;

use megarouter_domain::clock::Timestamp;
use megarouter_domain::money::NanoUsd;

use crate::ledger::sums::Sums;

/// Calls to one provider. A call is an attempt: a request that fell back to another provider counts
/// once for each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ProviderActivity {
    /// Calls that ended.
    pub calls: u64,
    /// Those that failed.
    pub errors: u64,
    /// 95 of 100 calls without an error took no longer than this, to about 3 %; `None` without any.
    pub p95: Option<Duration>,
    /// What they cost together.
    pub sums: CallCosts,
}

/// The costs of calls, added up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CallCosts {
    /// All known costs.
    pub amount: NanoUsd,
    /// Calls with an exact cost.
    pub exact: u64,
    /// Calls with an estimated cost.
    pub estimated: u64,
    /// Calls whose cost is not known.
    pub unknown: u64,
}

/// Requests with one key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct KeyActivity {
    /// When the last request with it arrived, however long ago.
    pub last_used_at: Option<Timestamp>,
    /// The requests since the time asked for.
    pub sums: Sums,
}
