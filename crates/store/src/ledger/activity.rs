//! What providers, keys and units did lately.

use std::collections::HashMap;
use std::time::Duration;

use megarouter_domain::clock::Timestamp;
use megarouter_domain::id::{KeyId, ProviderId, UnitId};
use megarouter_domain::money::NanoUsd;
use megarouter_domain::price::Cost;

use crate::db::Db;
use crate::error::Error;
use crate::ledger::derived::CallSums;
use crate::ledger::sheets::{read_calls, read_time};
use crate::ledger::span::{FAR, LENGTHS, LENGTHS_OF_CALLS, Length, cut};
use crate::ledger::sums::{Sums, sum_columns};
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

/// Requests with one key, or of one unit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct KeyActivity {
    /// When the last request with it arrived, however long ago.
    pub last_used_at: Option<Timestamp>,
    /// The requests since the time asked for.
    pub sums: Sums,
}

/// What was charged to one attribution.
struct Charged {
    key_id: KeyId,
    units: Vec<UnitId>,
    sums: Sums,
}

const CALLS: &str = "SELECT t.provider_id AS provider_id, CAST(sum(c.calls) AS BIGINT) AS calls,
        CAST(sum(c.errors) AS BIGINT) AS errors, CAST(sum(c.resolved) AS BIGINT) AS resolved,
        CAST(sum(c.tokens) AS BIGINT) AS tokens, CAST(sum(c.amount) AS BIGINT) AS amount,
        CAST(sum(c.exact) AS BIGINT) AS exact, CAST(sum(c.estimated) AS BIGINT) AS estimated,
        CAST(sum(c.unknown) AS BIGINT) AS unknown, string_agg(c.durations, '') AS durations
    FROM calls c JOIN routes t ON t.node = c.node AND t.id = c.route
    WHERE c.bucket = $1 AND c.at >= $2 AND c.at < $3 GROUP BY t.provider_id";

const CHARGED: &str = concat!(
    "SELECT a.key_id AS key_id, a.units AS units, ",
    sum_columns!(),
    " FROM rollups r JOIN series s ON s.node = r.node AND s.id = r.series
        JOIN attributions a ON a.node = s.node AND a.id = s.attribution
      WHERE r.slice = 0 AND r.bucket = $1 AND r.at >= $2 AND r.at < $3 GROUP BY a.key_id, a.units"
);

const LAST_USES: &str = "SELECT key_id, max(at) AS at FROM last_uses GROUP BY key_id";

/// Every chain of units that was ever charged, with the last use of its keys.
const LAST_OF_UNITS: &str = "SELECT a.units AS units, max(u.at) AS at
    FROM attributions a JOIN last_uses u ON u.node = a.node AND u.key_id = a.key_id
    WHERE a.units <> '' GROUP BY a.units";

impl CallCosts {
    /// The costs as one.
    pub const fn cost(&self) -> Cost {
        Cost::of_sum(self.amount, self.exact, self.estimated, self.unknown)
    }
}

/// What each provider did.
pub(crate) async fn of_providers(
    db: &mut Db<'_>,
    since: Timestamp,
) -> Result<HashMap<ProviderId, ProviderActivity>, Error> {
    let mut totals = HashMap::<ProviderId, CallSums>::new();
    for (bucket, from, to) in pieces(since, &LENGTHS_OF_CALLS) {
        for row in db.fetch_all(CALLS, values![bucket, from, to]).await? {
            let provider = ProviderId::from_uuid(Reading::new("calls", "calls", &row).uuid("provider_id")?);
            totals.entry(provider).or_default().add(&read_calls(&row)?);
        }
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
pub(crate) async fn of_keys(db: &mut Db<'_>, since: Timestamp) -> Result<HashMap<KeyId, KeyActivity>, Error> {
    let mut activities = HashMap::<KeyId, KeyActivity>::new();
    for row in db.fetch_all(LAST_USES, values![]).await? {
        let reading = Reading::new("last_uses", "at", &row);
        let activity = activities.entry(KeyId::from_uuid(reading.uuid("key_id")?)).or_default();
        activity.last_used_at = Some(read_time(&reading, "at")?);
    }
    for charged in charged(db, since).await? {
        activities.entry(charged.key_id).or_default().sums.add(&charged.sums);
    }
    Ok(activities)
}

/// What each unit did, with everything in it. The last use of a unit is that of the keys that were charged
/// to it.
pub(crate) async fn of_units(db: &mut Db<'_>, since: Timestamp) -> Result<HashMap<UnitId, KeyActivity>, Error> {
    let mut activities = HashMap::<UnitId, KeyActivity>::new();
    for row in db.fetch_all(LAST_OF_UNITS, values![]).await? {
        let reading = Reading::new("attributions", "at", &row);
        let at = read_time(&reading, "at")?;
        for unit in read_units(&reading)? {
            let last = &mut activities.entry(unit).or_default().last_used_at;
            *last = (*last).max(Some(at));
        }
    }
    for charged in charged(db, since).await? {
        for unit in charged.units {
            activities.entry(unit).or_default().sums.add(&charged.sums);
        }
    }
    Ok(activities)
}

async fn charged(db: &mut Db<'_>, since: Timestamp) -> Result<Vec<Charged>, Error> {
    let mut all = Vec::new();
    for (bucket, from, to) in pieces(since, &LENGTHS) {
        let rows = db.fetch_all(CHARGED, values![bucket, from, to]).await?;
        all.extend(rows.iter().map(read_charged).collect::<Result<Vec<_>, _>>()?);
    }
    Ok(all)
}

/// The buckets from a time on, as parameters.
fn pieces(since: Timestamp, lengths: &[Length]) -> impl Iterator<Item = (i64, i64, i64)> {
    let pieces = cut(Length::FiveMinutes.start(since), FAR, lengths);
    pieces.into_iter().filter_map(|piece| Some((piece.bucket?.seconds(), piece.from.as_micros(), piece.to.as_micros())))
}

fn read_charged(row: &Row) -> Result<Charged, Error> {
    let reading = Reading::new("attributions", "requests", row);
    Ok(Charged {
        key_id: KeyId::from_uuid(reading.uuid("key_id")?),
        units: read_units(&reading)?,
        sums: Sums::read(&reading)?,
    })
}

/// The units of an attribution, nearest first.
pub(crate) fn read_units(reading: &Reading<'_>) -> Result<Vec<UnitId>, Error> {
    let units: Result<Vec<UnitId>, _> = reading.get::<&str>("units")?.split_whitespace().map(str::parse).collect();
    units.map_err(|error| reading.wrong("units", &error))
}
