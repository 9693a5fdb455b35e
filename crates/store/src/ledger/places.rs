//! Finds what an entry is counted by.

use std::collections::HashMap;

use megarouter_domain::record::{Outcome, UsageRecord};
use megarouter_ledger::entry::{Adjustment, Entry, Fact, HoldFact};
use megarouter_ledger::state::State;

use crate::db::Db;
use crate::error::Error;
use crate::ledger::derived::{Counted, Derived, RequestPlace};
use crate::ledger::names::Names;
use crate::ledger::sums::outcome_of;
use crate::row::{Reading, values};

const OF_REQUEST: &str = "SELECT series, outcome, status, tags FROM requests WHERE node = $1 AND request_id = $2";

/// The place of an entry, given the state before it and the changes that are not saved yet.
pub(crate) async fn find(
    db: &mut Db<'_>,
    node: i64,
    names: &mut Names,
    before: &State,
    unsaved: &Derived,
    entry: &Entry,
) -> Result<Counted, Error> {
    match &entry.fact {
        Fact::Resolve { attempt_id, .. } => match before.attempt(*attempt_id) {
            Some(attempt) => Ok(Counted::Route(names.route(db, &attempt.hold).await?)),
            None => Ok(Counted::None),
        },
        Fact::Finished(record) => of_request(db, names, before, record).await,
        Fact::Adjust(adjustment) => of_correction(db, node, names, unsaved, adjustment).await,
        Fact::Started { .. }
        | Fact::Hold(_)
        | Fact::Extend { .. }
        | Fact::Progress { .. }
        | Fact::Changed(_)
        | Fact::Granted { .. }
        | Fact::Checkpoint(_) => Ok(Counted::None),
    }
}

async fn of_request(
    db: &mut Db<'_>,
    names: &mut Names,
    before: &State,
    record: &UsageRecord,
) -> Result<Counted, Error> {
    let (mut routes, mut last) = (HashMap::new(), None);
    for attempt in before.attempts_of(record.request_id) {
        let route = names.route(db, &attempt.hold).await?;
        routes.insert(attempt.hold.attempt_id, route);
        last = Some(route);
    }
    let mut tags = Vec::with_capacity(record.tags.len());
    for tag in &record.tags {
        tags.push(names.tag(db, tag).await?);
    }
    let series = names.series(db, record).await?;
    let request = RequestPlace { series, tags, outcome: record.outcome, status: record.status };
    Ok(Counted::Request { routes, last, request })
}

async fn of_correction(
    db: &mut Db<'_>,
    node: i64,
    names: &mut Names,
    unsaved: &Derived,
    adjustment: &Adjustment,
) -> Result<Counted, Error> {
    let hold = &adjustment.hold;
    let route = names.route(db, hold).await?;
    let unsaved = unsaved.requests.iter().find(|row| row.record.request_id == hold.request_id);
    if let Some(row) = unsaved {
        return Ok(Counted::Correction { route, request: row.place.clone() });
    }
    let row = db.fetch_optional(OF_REQUEST, values![node, hold.request_id.as_uuid()]).await?;
    let request = match row {
        Some(row) => read_place(&Reading::new("requests", "series", &row))?,
        None => of_removed(db, names, hold).await?,
    };
    Ok(Counted::Correction { route, request })
}

/// The row was removed with its entries; its sums are kept, and only how it ended is forgotten.
async fn of_removed(db: &mut Db<'_>, names: &mut Names, hold: &HoldFact) -> Result<RequestPlace, Error> {
    let series = names.series_of_hold(db, hold).await?;
    Ok(RequestPlace { series, tags: Vec::new(), outcome: Outcome::Completed, status: 200 })
}

fn read_place(reading: &Reading<'_>) -> Result<RequestPlace, Error> {
    let code: i64 = reading.get("outcome")?;
    let tags = reading.get::<Option<&str>>("tags")?.unwrap_or_default();
    let tags: Result<Vec<i64>, _> = tags.split_whitespace().map(str::parse).collect();
    Ok(RequestPlace {
        series: reading.get("series")?,
        tags: tags.map_err(|error| reading.wrong("tags", &error))?,
        outcome: outcome_of(code).ok_or_else(|| reading.wrong("outcome", &format_args!("{code} is none")))?,
        status: reading.count("status")?,
    })
}
