//! The stored durations of the rollups that are being added to.
//!
//! A histogram is one value in SQL, not a sum, so adding to it needs what is stored. The writer is the
//! only one that changes it; it keeps the recent ones here and reads a row only once.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use crate::db::Db;
use crate::error::Error;
use crate::ledger::derived::{CallKey, Derived, RollupKey};
use crate::ledger::histogram::Histogram;
use crate::row::{Reading, Values};

/// With more rows than this, all are forgotten and read again when they are needed.
const MOST_ROWS: usize = 4_096;

const OF_ROLLUP: &str =
    "SELECT durations FROM rollups WHERE bucket = $1 AND at = $2 AND key_id = $3 AND model = $4 AND provider = $5";

const OF_CALLS: &str = "SELECT durations FROM calls WHERE at = $1 AND provider_id = $2";

/// Histograms as stored, with a batch's own added.
#[derive(Debug, Default)]
pub(crate) struct Durations {
    rollups: HashMap<RollupKey, Histogram>,
    calls: HashMap<CallKey, Histogram>,
    none: Histogram,
}

impl Durations {
    /// Adds a batch's durations to those stored.
    pub(crate) async fn add(&mut self, connection: &mut Db<'_>, derived: &Derived) -> Result<(), Error> {
        if self.rollups.len() + self.calls.len() > MOST_ROWS {
            *self = Self::default();
        }
        for (key, rollup) in &derived.rollups {
            let stored = match self.rollups.entry(key.clone()) {
                Entry::Occupied(known) => known.into_mut(),
                Entry::Vacant(place) => place.insert(read_rollup(connection, key).await?),
            };
            stored.merge(&rollup.durations);
        }
        for (key, sums) in &derived.calls {
            let stored = match self.calls.entry(*key) {
                Entry::Occupied(known) => known.into_mut(),
                Entry::Vacant(place) => place.insert(read_calls(connection, key).await?),
            };
            stored.merge(&sums.durations);
        }
        Ok(())
    }

    /// The durations of a rollup that was just added to.
    pub(crate) fn of_rollup(&self, key: &RollupKey) -> &Histogram {
        self.rollups.get(key).unwrap_or(&self.none)
    }

    /// The durations of calls that were just added to.
    pub(crate) fn of_calls(&self, key: &CallKey) -> &Histogram {
        self.calls.get(key).unwrap_or(&self.none)
    }
}

async fn read_rollup(connection: &mut Db<'_>, key: &RollupKey) -> Result<Histogram, Error> {
    let mut values = Values::default();
    values.put(key.bucket.seconds()).put(key.at.as_micros()).uuid(key.key_id.as_uuid());
    values.put(key.model.clone()).put(key.provider.clone());
    let row = connection.fetch_optional(OF_ROLLUP, values).await?;
    row.map_or(Ok(Histogram::default()), |row| Reading::new("rollups", "at", &row).json("durations"))
}

async fn read_calls(connection: &mut Db<'_>, key: &CallKey) -> Result<Histogram, Error> {
    let mut values = Values::default();
    values.put(key.at.as_micros()).uuid(key.provider_id.as_uuid());
    let row = connection.fetch_optional(OF_CALLS, values).await?;
    row.map_or(Ok(Histogram::default()), |row| Reading::new("calls", "at", &row).json("durations"))
}
