//! Where the journal stands: its last entry, the latest instant, and the unfinished requests.
//!
//! Takes the same time however long the journal is. The chain of the last entries is checked, because
//! that is where an unclean stop would have left damage; `verify` checks all of it.

use megarouter_domain::clock::Timestamp;
use megarouter_domain::money::NanoUsd;
use megarouter_ledger::chain::{self, GENESIS, Link};
use megarouter_ledger::entry::{Entry, Epoch, Lsn};
use megarouter_ledger::state::{OpenAttempt, State};

use crate::db::Db;
use crate::error::Error;
use crate::row::{Reading, Row, values};

/// How many of the last entries are checked.
const TAIL: i64 = 1_000;

/// Reads the state after the last entry, and its link.
pub(crate) async fn read(connection: &mut Db<'_>) -> Result<(State, Link), Error> {
    let Some((last, link)) = check_tail(connection).await? else { return Ok((State::default(), GENESIS)) };
    let instant = connection.fetch_value("SELECT coalesce(max(started_at), 0) FROM requests", values![]).await?;
    let open = connection.fetch_all("SELECT * FROM open_attempts", values![]).await?;
    let open = open.iter().map(read_open_attempt).collect::<Result<Vec<_>, _>>()?;
    Ok((State::restore(last.lsn, last.epoch, Timestamp::from_micros(instant.unwrap_or(0)), open), link))
}

/// Checks the links of the last entries; gives the last one.
async fn check_tail(connection: &mut Db<'_>) -> Result<Option<(Entry, Link)>, Error> {
    let newest = "SELECT lsn, body, hash FROM entries ORDER BY lsn DESC LIMIT $1";
    let mut rows = connection.fetch_all(newest, values![TAIL]).await?;
    rows.reverse();
    let mut previous = None;
    for row in &rows {
        let reading = Reading::new("entries", "lsn", row);
        let link = read_link(&reading)?;
        let body: &str = reading.get("body")?;
        if previous.is_some_and(|previous| chain::hash(&previous, body.as_bytes()) != link) {
            return Err(reading.wrong("hash", &"the entry was changed, or its predecessor was"));
        }
        previous = Some(link);
    }
    let Some((row, link)) = rows.last().zip(previous) else { return Ok(None) };
    let reading = Reading::new("entries", "lsn", row);
    let entry = chain::decode(reading.get("body")?).map_err(|error| reading.wrong("body", &error))?;
    Ok(Some((entry, link)))
}

/// The link of a row of `entries`.
pub(crate) fn read_link(reading: &Reading<'_>) -> Result<Link, Error> {
    let bytes: &[u8] = reading.get("hash")?;
    bytes.try_into().map_err(|error| reading.wrong("hash", &error))
}

/// A row of `open_attempts`.
pub(crate) fn read_open_attempt(row: &Row) -> Result<OpenAttempt, Error> {
    let reading = Reading::new("open_attempts", "attempt_id", row);
    let progress_at = reading.get::<Option<i64>>("progress_at")?.map(Timestamp::from_micros);
    Ok(OpenAttempt {
        lsn: Lsn(reading.count("lsn")?),
        epoch: Epoch(reading.count("epoch")?),
        at: Timestamp::from_micros(reading.get("at")?),
        hold: reading.json("hold")?,
        extended: NanoUsd::ZERO,
        extended_tokens: 0,
        progress: progress_at.zip(reading.json_option("progress")?),
        resolution: reading.json_option("resolution")?,
        is_left_behind: reading.get("is_left_behind")?,
    })
}
