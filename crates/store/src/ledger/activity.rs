//! What providers and keys did lately.

use std::collections::HashMap;
use std::time::Duration;

use megarouter_domain::clock::Timestamp;
use megarouter_domain::id::{KeyId, ProviderId};
use megarouter_domain::money::NanoUsd;
use megarouter_domain::price::Cost;
use sqlx::sqlite::{SqliteConnection, SqliteRow};

use crate::error::Error;
use crate::ledger::histogram::Histogram;
use crate::ledger::overview::{Bucket, read_sums};
use crate::ledger::sums::{Sums, cost_of};
use crate::row::Reading;

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

const CALLS: &str = "SELECT provider_id, sum(calls) AS calls, sum(errors) AS errors, sum(amount) AS amount,
        sum(exact) AS exact, sum(estimated) AS estimated, sum(unknown) AS unknown
    FROM calls WHERE at >= ? GROUP BY provider_id";

const CALL_LATENCIES: &str = "SELECT provider_id, duration, sum(times) AS times
    FROM call_latencies WHERE at >= ? GROUP BY provider_id, duration";

const KEYS: &str = "SELECT key_id, sum(requests) AS requests, sum(errors) AS errors,
        sum(input_tokens) AS input_tokens, sum(output_tokens) AS output_tokens, sum(amount) AS amount,
        sum(exact) AS exact, sum(estimated) AS estimated, sum(unknown) AS unknown
    FROM rollups WHERE bucket = ? AND at >= ? GROUP BY key_id";

impl CallCosts {
    /// The known costs as one cost; unknown only when nothing is known.
    pub const fn cost(&self) -> Cost {
        cost_of(self.amount, self.exact, self.estimated, self.unknown)
    }
}

/// What each provider did.
pub(crate) async fn of_providers(
    connection: &mut SqliteConnection,
    since: Timestamp,
) -> Result<HashMap<ProviderId, ProviderActivity>, Error> {
    let start = Bucket::FiveMinutes.start(since).as_micros();
    let calls = sqlx::query(CALLS).bind(start).fetch_all(&mut *connection).await?;
    let latencies = sqlx::query(CALL_LATENCIES).bind(start).fetch_all(connection).await?;
    let mut activities = calls.iter().map(read_calls).collect::<Result<HashMap<_, _>, _>>()?;
    let mut durations = HashMap::<ProviderId, Histogram>::new();
    for row in &latencies {
        let reading = Reading::new("call_latencies", "provider_id", row);
        let provider = ProviderId::from_uuid(reading.uuid("provider_id")?);
        durations.entry(provider).or_default().add(reading.count("duration")?, reading.count("times")?);
    }
    for (provider, durations) in durations {
        activities.entry(provider).or_default().p95 = durations.percentile(95);
    }
    Ok(activities)
}

/// What each key did.
pub(crate) async fn of_keys(
    connection: &mut SqliteConnection,
    since: Timestamp,
) -> Result<HashMap<KeyId, KeyActivity>, Error> {
    let start = Bucket::FiveMinutes.start(since).as_micros();
    let uses = sqlx::query("SELECT key_id, at FROM last_uses").fetch_all(&mut *connection).await?;
    let sums = sqlx::query(KEYS).bind(Bucket::FiveMinutes.seconds()).bind(start).fetch_all(connection).await?;
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

fn read_calls(row: &SqliteRow) -> Result<(ProviderId, ProviderActivity), Error> {
    let reading = Reading::new("calls", "provider_id", row);
    let activity = ProviderActivity {
        calls: reading.count("calls")?,
        errors: reading.count("errors")?,
        p95: None,
        costs: read_costs(&reading)?,
    };
    Ok((ProviderId::from_uuid(reading.uuid("provider_id")?), activity))
}

/// The costs of a row that has them as columns.
pub(crate) fn read_costs(reading: &Reading<'_>) -> Result<CallCosts, Error> {
    Ok(CallCosts {
        amount: NanoUsd(reading.get("amount")?),
        exact: reading.count("exact")?,
        estimated: reading.count("estimated")?,
        unknown: reading.count("unknown")?,
    })
}
