//! Durations counted in buckets that grow with them, so that counts of any two sets can be added.
//!
//! Each power of two of microseconds is cut into 16 equal parts: a percentile read from the buckets
//! is at most about 3 % off.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Parts of each power of two, as a power of two.
const PART_BITS: u32 = 4;

/// Counts by bucket. As JSON, an object of counts by the buckets' numbers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Histogram {
    counts: BTreeMap<u16, u64>,
}

/// The bucket a duration falls into.
fn bucket_of(duration: Duration) -> u16 {
    let micros = u64::try_from(duration.as_micros()).unwrap_or(u64::MAX);
    let size = 1 << PART_BITS;
    if micros < size {
        return u16::try_from(micros).unwrap_or(0);
    }
    let shift = micros.ilog2() - PART_BITS;
    let part = (micros >> shift) - size;
    u16::try_from(u64::from(shift + 1) * size + part).unwrap_or(u16::MAX)
}

/// The middle of a bucket.
fn middle_of(bucket: u16) -> Duration {
    let (octave, part) = (u32::from(bucket) >> PART_BITS, u64::from(bucket) & ((1 << PART_BITS) - 1));
    if octave == 0 {
        return Duration::from_micros(part);
    }
    let shift = (octave - 1).min(63 - PART_BITS);
    let micros = (((1 << PART_BITS) + part) << shift) + ((1 << shift) >> 1);
    Duration::from_micros(micros)
}

impl Histogram {
    /// Counts a duration.
    pub fn add(&mut self, duration: Duration) {
        *self.counts.entry(bucket_of(duration)).or_default() += 1;
    }

    /// Adds the counts of another.
    pub fn merge(&mut self, other: &Self) {
        for (bucket, times) in &other.counts {
            *self.counts.entry(*bucket).or_default() += times;
        }
    }

    /// The duration that `percent` of 100 do not exceed; `None` when there are none.
    pub fn percentile(&self, percent: u64) -> Option<Duration> {
        let total: u64 = self.counts.values().sum();
        let rank = (total * percent).div_ceil(100).max(1);
        let mut seen = 0;
        let mut reaches = |(_, count): &(&u16, &u64)| {
            seen += **count;
            seen >= rank
        };
        self.counts.iter().find(|entry| reaches(entry)).map(|(bucket, _)| middle_of(*bucket))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn nothing_has_no_percentile() {
        assert_eq!(Histogram::default().percentile(95), None);
    }

    #[test]
    fn survives_json_and_adds_up() {
        let mut one = Histogram::default();
        for micros in [3, 3, 70_000] {
            one.add(Duration::from_micros(micros));
        }
        let mut both: Histogram = serde_json::from_str(&serde_json::to_string(&one).unwrap()).unwrap();
        assert_eq!(both, one);
        both.merge(&one);
        assert_eq!(both.counts.values().sum::<u64>(), 6);
        assert_eq!(both.percentile(50), Some(Duration::from_micros(3)));
    }

    #[test]
    fn buckets_follow_each_other_without_gaps() {
        let buckets: Vec<u16> = (0..5_000).map(|micros| bucket_of(Duration::from_micros(micros))).collect();
        assert!(buckets.windows(2).all(|pair| pair[1] == pair[0] || pair[1] == pair[0] + 1));
    }

    proptest! {
        #[test]
        fn a_bucket_is_near_what_it_stands_for(micros in 0..u64::MAX / 2) {
            let middle = middle_of(bucket_of(Duration::from_micros(micros)));
            let middle = u64::try_from(middle.as_micros()).unwrap();
            prop_assert!(middle.abs_diff(micros) <= micros / 30);
        }

        #[test]
        fn a_percentile_is_near_the_true_one(mut micros in proptest::collection::vec(1..10_000_000_u64, 1..200)) {
            let mut histogram = Histogram::default();
            for value in &micros {
                histogram.add(Duration::from_micros(*value));
            }
            micros.sort_unstable();
            let exact = micros[(micros.len() * 95).div_ceil(100) - 1];
            let found = u64::try_from(histogram.percentile(95).unwrap().as_micros()).unwrap();
            prop_assert!(found.abs_diff(exact) <= exact / 30 + 1, "{found} for {exact}");
        }
    }
}
