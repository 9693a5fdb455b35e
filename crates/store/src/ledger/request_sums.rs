//! Sums over requests that agree with their rows to the nano, without looking at every row.
//!
//! A range of time is cut into whole days, hours and five minutes, which are added up already, and
//! what sticks out at its ends, which is added up row by row. Conditions that the rollups do not know
//! (session, budget, search) need all rows.

use crate::db::Db;
use crate::error::Error;
use crate::ledger::requests::{self, Filter};
use crate::ledger::selection::{Slice, series_condition};
use crate::ledger::span::{FAR, LENGTHS, LENGTHS_OF_TAGS, Length, Piece, cut};
use crate::ledger::sums::{Sums, outcome_code, sum_columns};
use crate::row::{Reading, values};

const ROLLED_UP: &str = concat!(
    "SELECT ",
    sum_columns!(),
    " FROM rollups
      WHERE slice = $1 AND bucket = $2 AND at >= $3 AND at < $4 AND ($5 IS NULL OR node = $5)
          AND ($6 IS NULL OR outcome = $6)
          AND ($7 = 0 OR (node, series) IN
              (SELECT s.node, s.id FROM series s JOIN attributions a ON a.node = s.node AND a.id = s.attribution
               WHERE ",
    series_condition!("$8", "$9", "$10", "$11"),
    "))"
);

/// The requests of a filter, added up; all of one state of the ledger.
pub(crate) async fn of(db: &mut Db<'_>, filter: &Filter) -> Result<Sums, Error> {
    let mut transaction = db.begin_reading().await?;
    let sums = if filter.needs_rows() {
        requests::sums(&mut transaction, filter).await?
    } else {
        of_range(&mut transaction, filter).await?
    };
    transaction.commit().await?;
    Ok(sums)
}

async fn of_range(db: &mut Db<'_>, filter: &Filter) -> Result<Sums, Error> {
    let (from, to) = (filter.from.unwrap_or_default(), filter.to.unwrap_or(FAR));
    let selection = filter.selection();
    let lengths: &[_] = if selection.tag.is_some() { &LENGTHS_OF_TAGS } else { &LENGTHS };
    let slices = selection.slices(db, false).await?;
    let mut sums = Sums::default();
    for piece in cut(from, to, lengths) {
        if piece.bucket.is_none() {
            let rows = Filter { from: Some(piece.from), to: Some(piece.to), ..filter.clone() };
            sums.add(&requests::sums(db, &rows).await?);
            continue;
        }
        for slice in &slices {
            sums.add(&rolled_up(db, piece, *slice, filter).await?);
        }
        if filter.outcome.is_some() {
            // Rollups know corrections, but not how the corrected requests ended.
            let rows = Filter { from: Some(piece.from), to: Some(piece.to), ..filter.clone() };
            sums.amount += requests::corrections(db, &rows).await?;
        }
    }
    Ok(sums)
}

async fn rolled_up(db: &mut Db<'_>, piece: Piece, slice: Slice, filter: &Filter) -> Result<Sums, Error> {
    let selection = filter.selection();
    let seconds = piece.bucket.map_or(0, Length::seconds);
    let mut values = values![slice.number, seconds, piece.from.as_micros(), piece.to.as_micros(), slice.node];
    values.put(filter.outcome.map(outcome_code)).put(i64::from(selection.is_by_series()));
    selection.put(&mut values);
    let row = db.fetch_one(ROLLED_UP, values).await?;
    Sums::read(&Reading::new("rollups", "requests", &row))
}
