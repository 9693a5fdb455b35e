//! Finds what an entry is counted by.

use std::collections::HashMap;

use megarouter_domain::record::UsageRecord;
use megarouter_domain::scope::Scope;
use megarouter_ledger::entry::{Entry, Fact, HoldFact};
use megarouter_ledger::state::State;

use crate::db::Db;
use crate::error::Error;
use crate::ledger::derived::{Counted, Ending, RequestPlace};
use crate::ledger::names::Names;

/// Where an entry is counted, given the state before it.
pub(crate) async fn find(db: &mut Db<'_>, names: &mut Names, before: &State, entry: &Entry) -> Result<Counted, Error> {
    match &entry.fact {
        Fact::Resolve { attempt_id, .. } => match before.attempt(*attempt_id) {
            Some(attempt) => Ok(Counted::Route(names.route(db, &attempt.hold).await?)),
            None => Ok(Counted::None),
        },
        Fact::Finished(record) => of_request(db, names, before, record).await,
        Fact::Adjust(adjustment) => of_correction(db, names, &adjustment.hold).await,
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
    let request = RequestPlace { series, tags, ending: Ending::of(record) };
    Ok(Counted::Request { routes, last, request })
}

/// A correction is counted by what its hold charged; how the request ended is not known there, so it has a
/// row of its own.
async fn of_correction(db: &mut Db<'_>, names: &mut Names, hold: &HoldFact) -> Result<Counted, Error> {
    let mut tags = Vec::new();
    for scope in &hold.scopes {
        if let Scope::Tag(tag) = scope {
            tags.push(names.tag(db, tag).await?);
        }
    }
    let series = names.series_of_hold(db, hold).await?;
    let request = RequestPlace { series, tags, ending: Ending::CORRECTION };
    Ok(Counted::Correction { route: names.route(db, hold).await?, request })
}
