//! Sums over requests that agree with their rows to the nano, without looking at every row.
//!
//! A range of time is cut into whole days, hours and five minutes, which are added up already, and
//! what sticks out at its ends, which is added up row by row. Conditions that the rollups do not know
//! (outcome, search) need all rows.

use megarouter_domain::clock::Timestamp;
use megarouter_domain::id::KeyId;

use crate::db::Db;
use crate::error::Error;
use crate::ledger::overview::{Bucket, read_sums};
use crate::ledger::requests::{self, Filter};
use crate::ledger::sums::Sums;
use crate::row::{Reading, Values};

/// Longest first, as the range is cut.
const LENGTHS: [Bucket; 3] = [Bucket::Day, Bucket::Hour, Bucket::FiveMinutes];

/// The year 9999: the end of a range without one.
const FAR: Timestamp = Timestamp::from_micros(253_370_764_800_000_000);

const ROLLED_UP: &str = "SELECT coalesce(sum(requests), 0) AS requests, coalesce(sum(errors), 0) AS errors,
        coalesce(sum(input_tokens), 0) AS input_tokens, coalesce(sum(output_tokens), 0) AS output_tokens,
        coalesce(sum(amount), 0) AS amount, coalesce(sum(exact), 0) AS exact,
        coalesce(sum(estimated), 0) AS estimated, coalesce(sum(unknown), 0) AS unknown
    FROM rollups
    WHERE bucket = $1 AND at >= $2 AND at < $3
        AND ($4 IS NULL OR key_id = $4) AND ($5 IS NULL OR model = $5) AND ($6 IS NULL OR provider = $6)";

/// A part of a range of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Piece {
    from: Timestamp,
    to: Timestamp,
    /// The buckets it consists of; `None` for single rows.
    bucket: Option<Bucket>,
}

/// The requests of a filter, added up; all of one state of the ledger.
pub(crate) async fn of(connection: &mut Db<'_>, filter: &Filter) -> Result<Sums, Error> {
    let has_search = filter.search.as_deref().is_some_and(|text| !text.trim().is_empty());
    if has_search || filter.outcome.is_some() {
        return requests::sums(connection, filter).await;
    }
    let (from, to) = (filter.from.unwrap_or_default(), filter.to.unwrap_or(FAR));
    let mut pieces = Vec::new();
    cut(from, to, &LENGTHS, &mut pieces);
    let mut sums = Sums::default();
    let mut transaction = connection.begin_reading().await?;
    for piece in pieces {
        let part = if let Some(bucket) = piece.bucket {
            rolled_up(&mut transaction, bucket, piece, filter).await?
        } else {
            let rows = Filter { from: Some(piece.from), to: Some(piece.to), ..filter.clone() };
            requests::sums(&mut transaction, &rows).await?
        };
        sums.add(&part);
    }
    transaction.commit().await?;
    Ok(sums)
}

/// Cuts a range into whole buckets of the lengths given, and what is left at its ends.
fn cut(from: Timestamp, to: Timestamp, lengths: &[Bucket], pieces: &mut Vec<Piece>) {
    if from >= to {
        return;
    }
    let Some((bucket, shorter)) = lengths.split_first() else {
        return pieces.push(Piece { from, to, bucket: None });
    };
    let (first, last) = (bucket.start_from(from), bucket.start(to));
    if first >= last {
        return cut(from, to, shorter, pieces);
    }
    cut(from, first, shorter, pieces);
    pieces.push(Piece { from: first, to: last, bucket: Some(*bucket) });
    cut(last, to, shorter, pieces);
}

async fn rolled_up(connection: &mut Db<'_>, bucket: Bucket, piece: Piece, filter: &Filter) -> Result<Sums, Error> {
    let mut values = Values::default();
    values.put(bucket.seconds()).put(piece.from.as_micros()).put(piece.to.as_micros());
    values.uuid_option(filter.key_id.map(KeyId::as_uuid));
    values.put(filter.model.clone()).put(filter.provider.clone());
    let row = connection.fetch_one(ROLLED_UP, values).await?;
    read_sums(&Reading::new("rollups", "requests", &row))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const DAY: i64 = 86_400_000_000;

    proptest! {
        #[test]
        fn the_pieces_are_the_range(from in 0..400 * DAY, length in 0..400 * DAY) {
            let (from, to) = (Timestamp::from_micros(from), Timestamp::from_micros(from + length));
            let mut pieces = Vec::new();
            cut(from, to, &LENGTHS, &mut pieces);
            prop_assert!(pieces.len() <= 7);
            let mut reached = from;
            for piece in &pieces {
                prop_assert_eq!(piece.from, reached);
                prop_assert!(piece.to > piece.from);
                if let Some(bucket) = piece.bucket {
                    prop_assert_eq!((bucket.start(piece.from), bucket.start(piece.to)), (piece.from, piece.to));
                } else {
                    prop_assert!(piece.to.since(piece.from).as_secs() < 600);
                }
                reached = piece.to;
            }
            prop_assert_eq!(reached, to);
        }
    }
}
