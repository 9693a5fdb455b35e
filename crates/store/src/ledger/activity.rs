//! What providers and keys did lately.

use std::collections::HashMap;
use std::time::Duration;

use futures_util::TryStreamExt as _;
use megarouter_domain::clock::Timestamp;
use megarouter_domain::id::{KeyId, ProviderId};
use megarouter_domain::money::NanoUsd;
use megarouter_domain::price::Cost;

use crate::db::Db;
use crate::error::Error;
use crate::ledger::derived::{CallKey, CallSums};
use crate::ledger::overview::{Bucket, read_sums};
use crate::ledger::sums::Sums;
use crate::row::{Reading, Row, values};

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
    pub costs: CallCosts,
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

const CALLS: &str = "SELECT * FROM calls WHERE at >= $1";

const KEYS: &str = "SELECT key_id, sum(requests) AS requests, sum(errors) AS errors,
        sum(input_tokens) AS input_tokens, sum(output_tokens) AS output_tokens, sum(amount) AS amount,
        sum(exact) AS exact, sum(estimated) AS estimated, sum(unknown) AS unknown
    FROM rollups WHERE bucket = $1 AND at >= $2 GROUP BY key_id";

impl CallCosts {
    /// The costs as one.
    pub const fn cost(&self) -> Cost {
        Cost::of_sum(self.amount, self.exact, self.estimated, self.unknown)
    }
}

/// What each provider did.
pub(crate) async fn of_providers(
    connection: &mut Db<'_>,
    since: Timestamp,
) -> Result<HashMap<ProviderId, ProviderActivity>, Error> {
    let start = Bucket::FiveMinutes.start(since).as_micros();
    let mut rows = connection.fetch(CALLS, values![start]);
    let mut totals = HashMap::<ProviderId, CallSums>::new();
    while let Some(row) = rows.try_next().await? {
        let (key, sums) = read_calls(&row)?;
        totals.entry(key.provider_id).or_default().add(&sums);
    }
    let activity = |sums: CallSums| ProviderActivity {
        calls: sums.calls,
        errors: sums.errors,
        p95: sums.durations.percentile(95),
        costs: sums.costs,
    };
    Ok(totals.into_iter().map(|(provider, sums)| (provider, activity(sums))).collect())
}

/// What each key did.
pub(crate) async fn of_keys(connection: &mut Db<'_>, since: Timestamp) -> Result<HashMap<KeyId, KeyActivity>, Error> {
    let start = Bucket::FiveMinutes.start(since).as_micros();
    let uses = connection.fetch_all("SELECT key_id, at FROM last_uses", values![]).await?;
    let sums = connection.fetch_all(KEYS, values![Bucket::FiveMinutes.seconds(), start]).await?;
    let mut activities = HashMap::<KeyId, KeyActivity>::new();
    for row in &uses {
        let reading = Reading::new("last_uses", "key_id", row);
        let activity = activities.entry(KeyId::from_uuid(reading.uuid("key_id")?)).or_default();
        activity.last_used_at = Some(Timestamp::from_micros(reading.get("at")?));
    }
    for row in &sums {
        let reading = Reading::new("rollups", "key_id", row);
        activities.entry(KeyId::from_uuid(reading.uuid("key_id")?)).or_default().sums = read_sums(&reading)?;
    }
    Ok(activities)
}

/// A row of `calls`.
pub(crate) fn read_calls(row: &Row) -> Result<(CallKey, CallSums), Error> {
    let reading = Reading::new("calls", "at", row);
    let at = Timestamp::from_micros(reading.get("at")?);
    let key = CallKey { at, provider_id: ProviderId::from_uuid(reading.uuid("provider_id")?) };
    let sums = CallSums {
        calls: reading.count("calls")?,
        errors: reading.count("errors")?,
        costs: CallCosts {
            amount: NanoUsd(reading.get("amount")?),
            exact: reading.count("exact")?,
            estimated: reading.count("estimated")?,
            unknown: reading.count("unknown")?,
        },
        durations: reading.json("durations")?,
    };
    Ok((key, sums))
}

impl CallSums {
    fn add(&mut self, other: &Self) {
        self.calls += other.calls;
        self.errors += other.errors;
        self.costs.amount += other.costs.amount;
        self.costs.exact += other.costs.exact;
        self.costs.estimated += other.costs.estimated;
        self.costs.unknown += other.costs.unknown;
        self.durations.merge(&other.durations);
    }
}
