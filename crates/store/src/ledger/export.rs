//! Everything, for other programs: entries as lines of JSON, requests as CSV. Piece by piece, so that the
//! memory it takes does not depend on how much there is.

use std::borrow::Cow;

use megarouter_domain::price::Cost;
use megarouter_domain::record::UsageRecord;
use megarouter_ledger::entry::Fact;

use crate::error::Error;
use crate::ledger::place::Place;
use crate::ledger::{journal, restore};

/// Entries read at once.
const CHUNK: u32 = 500;

/// The first line of the requests.
const HEAD: &str = "started_at,request_id,key_id,units,operation,model_asked,model,provider,upstream_model,status,\
    outcome,error,input_tokens,output_tokens,cost_state,cost_nano_usd,total_us,session,tags\n";

/// Writes each entry of a node as a line: its number, its hash, and itself as it was hashed.
pub(crate) async fn entries(place: &Place, mut write: impl FnMut(&[u8]) -> std::io::Result<()>) -> Result<u64, Error> {
    walk(place, |raw| {
        let hash: String = raw.hash.iter().map(|byte| format!("{byte:02x}")).collect();
        let lsn = raw.lsn.0;
        let stored = raw.decode()?;
        let line = format!("{{\"lsn\":{lsn},\"hash\":\"{hash}\",\"entry\":{}}}\n", stored.body);
        write(line.as_bytes()).map_err(Error::Write)?;
        Ok(1)
    })
    .await
}

/// Writes each finished request of a node as a line of CSV. No cell can be a formula.
pub(crate) async fn requests(place: &Place, mut write: impl FnMut(&[u8]) -> std::io::Result<()>) -> Result<u64, Error> {
    write(HEAD.as_bytes()).map_err(Error::Write)?;
    walk(place, |raw| {
        let Fact::Finished(record) = raw.decode()?.entry.fact else { return Ok(0) };
        write(line(&record).as_bytes()).map_err(Error::Write)?;
        Ok(1)
    })
    .await
}

/// Shows every entry in order; gives the sum of what `look` says.
async fn walk(place: &Place, mut look: impl FnMut(journal::RawEntry) -> Result<u64, Error>) -> Result<u64, Error> {
    let mut db = place.open_for_reading().await?;
    let mut last = restore::ledger(&mut db, place.node()).await?.archived;
    let mut count = 0;
    loop {
        let chunk = journal::after(&mut db, place.node(), last, CHUNK).await?;
        let Some(newest) = chunk.last() else { break };
        last = newest.lsn;
        for raw in chunk {
            count += look(raw)?;
        }
    }
    db.close().await?;
    Ok(count)
}

fn line(record: &UsageRecord) -> String {
    let text = |text: &Option<std::sync::Arc<str>>| text.as_deref().unwrap_or_default().to_owned();
    let count = |count: Option<u64>| count.map(|count| count.to_string()).unwrap_or_default();
    let units: Vec<String> = record.units.iter().map(ToString::to_string).collect();
    let tags: Vec<String> = record.tags.iter().map(|tag| format!("{}={}", tag.name, tag.value)).collect();
    let cost = match record.cost {
        Cost::Unknown => String::new(),
        cost => cost.amount().0.to_string(),
    };
    let cells = [
        record.started_at.to_rfc3339(),
        record.request_id.to_string(),
        record.key_id.to_string(),
        units.join(" "),
        record.operation.as_str().to_owned(),
        record.model_asked.to_string(),
        text(&record.model),
        text(&record.provider),
        text(&record.upstream_model),
        record.status.to_string(),
        record.outcome.as_str().to_owned(),
        record.error.map(|error| error.as_str().to_owned()).unwrap_or_default(),
        count(record.usage.total_input()),
        count(record.usage.total_output()),
        record.cost.state().to_owned(),
        cost,
        record.total.as_micros().to_string(),
        text(&record.session),
        tags.join("; "),
    ];
    let cells: Vec<String> = cells.iter().map(|cell| quoted(cell)).collect();
    cells.join(",") + "\n"
}

/// A cell of CSV. What a spreadsheet would take for a formula gets an apostrophe before it.
fn quoted(cell: &str) -> String {
    let is_formula = cell.starts_with(['=', '+', '-', '@', '\t', '\r']);
    let safe: Cow<'_, str> = if is_formula { format!("'{cell}").into() } else { cell.into() };
    if safe.contains(['"', ',', '\n', '\r']) { format!("\"{}\"", safe.replace('"', "\"\"")) } else { safe.into_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_cell_is_a_formula() {
        for (cell, expected) in [
            ("plain", "plain"),
            ("a,b", "\"a,b\""),
            ("say \"x\"", "\"say \"\"x\"\"\""),
            ("=1+1", "'=1+1"),
            ("@cmd", "'@cmd"),
            ("-2", "'-2"),
            ("=a,\"b", "\"'=a,\"\"b\""),
            ("\tx", "'\tx"),
        ] {
            assert_eq!(quoted(cell), expected);
        }
    }
}
