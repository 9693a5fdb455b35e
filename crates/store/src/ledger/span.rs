//! Spans of time by which sums are kept, and a range of time cut into the longest of them.

use megarouter_domain::clock::Timestamp;

/// The length of such a span. They begin at whole multiples since the epoch, so days are UTC days, and
/// weeks begin on Thursdays: people are never shown one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Length {
    FiveMinutes,
    Hour,
    Day,
    Week,
}

/// Lengths for all requests, longest first.
pub(crate) const LENGTHS: [Length; 4] = [Length::Week, Length::Day, Length::Hour, Length::FiveMinutes];

/// Lengths for requests with a tag.
pub(crate) const LENGTHS_OF_TAGS: [Length; 3] = [Length::Week, Length::Day, Length::Hour];

/// Lengths for calls.
pub(crate) const LENGTHS_OF_CALLS: [Length; 3] = [Length::Day, Length::Hour, Length::FiveMinutes];

/// The year 9999: the end of a range without one.
pub(crate) const FAR: Timestamp = Timestamp::from_micros(253_370_764_800_000_000);

/// A part of a range of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Piece {
    pub from: Timestamp,
    pub to: Timestamp,
    /// The buckets it consists of; `None` for single rows.
    pub bucket: Option<Length>,
}

impl Length {
    /// In seconds, as tables have it.
    pub(crate) const fn seconds(self) -> i64 {
        match self {
            Self::FiveMinutes => 300,
            Self::Hour => 3_600,
            Self::Day => 86_400,
            Self::Week => 604_800,
        }
    }

    pub(crate) const fn micros(self) -> i64 {
        self.seconds() * 1_000_000
    }

    /// Where the span that holds `time` begins.
    pub(crate) const fn start(self, time: Timestamp) -> Timestamp {
        Timestamp::from_micros(time.as_micros().div_euclid(self.micros()) * self.micros())
    }

    /// Where the first span that begins at `time` or later begins.
    pub(crate) const fn start_from(self, time: Timestamp) -> Timestamp {
        self.start(Timestamp::from_micros(time.as_micros().saturating_add(self.micros() - 1)))
    }
}

/// Cuts a range into whole buckets of the lengths given, and what is left at its ends.
pub(crate) fn cut(from: Timestamp, to: Timestamp, lengths: &[Length]) -> Vec<Piece> {
    let mut pieces = Vec::new();
    cut_into(from, to, lengths, &mut pieces);
    pieces
}

fn cut_into(from: Timestamp, to: Timestamp, lengths: &[Length], pieces: &mut Vec<Piece>) {
    if from >= to {
        return;
    }
    let Some((bucket, shorter)) = lengths.split_first() else {
        return pieces.push(Piece { from, to, bucket: None });
    };
    let (first, last) = (bucket.start_from(from), bucket.start(to));
    if first >= last {
        return cut_into(from, to, shorter, pieces);
    }
    cut_into(from, first, shorter, pieces);
    pieces.push(Piece { from: first, to: last, bucket: Some(*bucket) });
    cut_into(last, to, shorter, pieces);
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
            let pieces = cut(from, to, &LENGTHS);
            prop_assert!(pieces.len() <= 9);
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
