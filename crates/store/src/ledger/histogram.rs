//! Durations counted in buckets that grow with them, so that counts of any two sets can be added.
//!
//! Each power of two of microseconds is cut into 16 equal parts: a percentile read from the buckets
//! is at most about 3 % off.
//!
//! As text, a bucket is two letters and how often it was met, where that is not once. Texts need
//! nothing between them: one after the other they are the sum, so that SQL can add them up.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

/// Parts of each power of two, as a power of two.
const PART_BITS: u32 = 4;

/// How many buckets there are: the longest duration falls into the last.
const BUCKETS: usize = 976;

const LETTERS: &[u8; 52] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// Counts by bucket.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
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

    /// Takes the counts of another away, as far as there are any.
    pub(crate) fn remove(&mut self, other: &Self) {
        for (bucket, times) in &other.counts {
            if let Some(count) = self.counts.get_mut(bucket) {
                *count = count.saturating_sub(*times);
            }
        }
        self.counts.retain(|_, count| *count > 0);
    }

    /// How many were counted.
    pub fn count(&self) -> u64 {
        self.counts.values().sum()
    }

    /// The duration that `percent` of 100 do not exceed; `None` when there are none.
    pub fn percentile(&self, percent: u64) -> Option<Duration> {
        let rank = (self.count() * percent).div_ceil(100).max(1);
        let mut seen = 0;
        let mut reaches = |(_, count): &(&u16, &u64)| {
            seen += **count;
            seen >= rank
        };
        self.counts.iter().find(|entry| reaches(entry)).map(|(bucket, _)| middle_of(*bucket))
    }

    /// As text; the same counts have the same text.
    pub(crate) fn to_text(&self) -> String {
        let mut text = String::with_capacity(self.counts.len() * 3);
        for (bucket, times) in &self.counts {
            let size = LETTERS.len();
            let number = usize::from(*bucket);
            text.push(char::from(LETTERS[number / size % size]));
            text.push(char::from(LETTERS[number % size]));
            if *times != 1 {
                let _ = write!(text, "{times}");
            }
        }
        text
    }

    /// Adds what texts say, one after the other. What is no text of a histogram is passed over and
    /// told by `false`.
    pub(crate) fn add_text(&mut self, text: &str) -> bool {
        // Texts of many rows name a bucket thousands of times, so they are counted before they are added.
        let mut counted = [0_u64; BUCKETS];
        let is_text = count_text(text.as_bytes(), &mut counted);
        for (bucket, times) in (0..).zip(counted).filter(|(_, times)| *times > 0) {
            *self.counts.entry(bucket).or_default() += times;
        }
        is_text
    }
}

/// Counts what texts say; false at the first thing that is no text of a histogram.
fn count_text(bytes: &[u8], counted: &mut [u64; BUCKETS]) -> bool {
    let mut place = 0;
    while place < bytes.len() {
        let Some((high, low)) = letter(bytes.get(place)).zip(letter(bytes.get(place + 1))) else { return false };
        place += 2;
        let mut times = 0_u64;
        let begin = place;
        while let Some(digit) = bytes.get(place).filter(|byte| byte.is_ascii_digit()) {
            times = times.saturating_mul(10).saturating_add(u64::from(digit - b'0'));
            place += 1;
        }
        let Some(count) = counted.get_mut(high * LETTERS.len() + low) else { return false };
        *count = count.saturating_add(if place == begin { 1 } else { times });
    }
    true
}

fn letter(byte: Option<&u8>) -> Option<usize> {
    match byte? {
        byte @ b'A'..=b'Z' => Some(usize::from(byte - b'A')),
        byte @ b'a'..=b'z' => Some(usize::from(byte - b'a') + 26),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn of(micros: &[u64]) -> Histogram {
        let mut histogram = Histogram::default();
        for micros in micros {
            histogram.add(Duration::from_micros(*micros));
        }
        histogram
    }

    #[test]
    fn nothing_has_no_percentile() {
        assert_eq!(Histogram::default().percentile(95), None);
    }

    #[test]
    fn the_longest_duration_has_the_last_bucket() {
        assert_eq!(usize::from(bucket_of(Duration::MAX)), BUCKETS - 1);
        let longest = of(&[u64::MAX]);
        let mut read = Histogram::default();
        assert!(read.add_text(&longest.to_text()) && read == longest);
    }

    #[test]
    fn what_is_no_text_of_one_is_told() {
        for text in ["A", "1", "AB1C", "Ä", "AA-1", "zz"] {
            assert!(!Histogram::default().add_text(text), "{text}");
        }
    }

    #[test]
    fn buckets_follow_each_other_without_gaps() {
        let buckets: Vec<u16> = (0..5_000).map(|micros| bucket_of(Duration::from_micros(micros))).collect();
        assert!(buckets.windows(2).all(|pair| pair[1] == pair[0] || pair[1] == pair[0] + 1));
    }

    proptest! {
        #[test]
        fn texts_one_after_the_other_are_the_sum(
            one in proptest::collection::vec(any::<u64>(), 0..50),
            other in proptest::collection::vec(0..100_u64, 0..50),
        ) {
            let (one, other) = (of(&one), of(&other));
            let mut read = Histogram::default();
            prop_assert!(read.add_text(&(one.to_text() + &other.to_text())));
            let mut both = one.clone();
            both.merge(&other);
            prop_assert_eq!(&read, &both);
            both.remove(&other);
            prop_assert_eq!(both, one);
        }

        #[test]
        fn a_bucket_is_near_what_it_stands_for(micros in 0..u64::MAX / 2) {
            let middle = middle_of(bucket_of(Duration::from_micros(micros)));
            let middle = u64::try_from(middle.as_micros()).unwrap();
            prop_assert!(middle.abs_diff(micros) <= micros / 30);
        }

        #[test]
        fn a_percentile_is_near_the_true_one(mut micros in proptest::collection::vec(1..10_000_000_u64, 1..200)) {
            let histogram = of(&micros);
            micros.sort_unstable();
            let exact = micros[(micros.len() * 95).div_ceil(100) - 1];
            let found = u64::try_from(histogram.percentile(95).unwrap().as_micros()).unwrap();
            prop_assert!(found.abs_diff(exact) <= exact / 30 + 1, "{found} for {exact}");
        }
    }
}
