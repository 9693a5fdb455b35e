//! Where a window is going, from how its use went lately.
//!
//! Use comes in slots of equal length (5 minutes, hours, days). What is to come is taken to go as it
//! went at the same place of the cycle (the hour of the day, the day of the week), and to vary from
//! slot to slot as it did. Floating point is at home here: nothing of this is ever stored or charged.

use std::ops::RangeInclusive;

use megarouter_domain::clock::Timestamp;

/// Fewer slots than this tell nothing.
const LEAST_SLOTS: usize = 3;
/// Half of a normal distribution is within this many standard deviations.
const HALF: f64 = 0.674_49;
/// Nine tenths of a normal distribution are within this many standard deviations.
const NINE_TENTHS: f64 = 1.644_85;
/// A cycle is looked at when this many of it were seen.
const LEAST_CYCLES: usize = 2;

/// How use went lately.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct History {
    /// When the last slot ended.
    end: Timestamp,
    /// The length of a slot, in microseconds.
    slot: i64,
    /// The mean use of a slot at each place of the cycle; the first is that of the slot that begins at `end`.
    means: Vec<f64>,
    /// How much slots differ from their mean: the variance.
    variance: f64,
    /// How many slots were seen.
    seen: f64,
}

/// What will have been used at an instant, on top of what was.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Outlook {
    /// As likely more as less.
    pub median: f64,
    /// How far off it may be: the standard deviation.
    pub deviation: f64,
}

impl History {
    /// Looks at use by slot, oldest first, the last one ending at `end`; slots before the first use are passed over.
    /// `cycle` is the number of slots after which use repeats itself. `None` when there is too little to tell by.
    pub fn new(slots: &[u64], end: Timestamp, slot: i64, cycle: usize) -> Option<Self> {
        let first = slots.iter().position(|used| *used > 0)?;
        let slots: Vec<f64> = slots[first..].iter().copied().map(number).collect();
        if slots.len() < LEAST_SLOTS {
            return None;
        }
        let cycle = if slots.len() >= cycle * LEAST_CYCLES { cycle.max(1) } else { 1 };
        let place = |index: usize| (index + cycle - slots.len() % cycle) % cycle;
        let mut sums = vec![(0.0, 0.0); cycle];
        for (index, used) in slots.iter().enumerate() {
            let (sum, count) = &mut sums[place(index)];
            *sum += used;
            *count += 1.0;
        }
        let means: Vec<f64> = sums.into_iter().map(|(sum, count)| sum / f64::max(count, 1.0)).collect();
        let squares = slots.iter().enumerate().map(|(index, used)| (used - means[place(index)]).powi(2));
        let freedom = number((slots.len() - cycle).max(1) as u64);
        Some(Self { end, slot, variance: squares.sum::<f64>() / freedom, seen: number(slots.len() as u64), means })
    }

    /// What is used between two instants, the first of which is the present.
    pub fn outlook(&self, now: Timestamp, at: Timestamp) -> Outlook {
        let ahead = number_of(at.as_micros().saturating_sub(now.as_micros())) / number_of(self.slot);
        if ahead <= 0.0 {
            return Outlook::default();
        }
        let median = self.mean_until(at) - self.mean_until(now);
        // Slots vary one by one, and the mean itself is only as well known as slots were seen.
        let variance = self.variance * (ahead + ahead * ahead / self.seen);
        Outlook { median, deviation: variance.sqrt() }
    }

    /// When use from now on most likely reaches an amount, within a span of time.
    pub fn reaches(&self, amount: u64, within: RangeInclusive<Timestamp>) -> Option<Timestamp> {
        let (now, last) = (*within.start(), *within.end());
        let is_reached = |at: i64| self.outlook(now, Timestamp::from_micros(at)).median >= number(amount);
        let (mut low, mut high) = (now.as_micros(), last.as_micros());
        if high < low || !is_reached(high) {
            return None;
        }
        while high - low > 1_000_000 {
            let middle = low + (high - low) / 2;
            if is_reached(middle) { high = middle } else { low = middle }
        }
        Some(Timestamp::from_micros(high))
    }

    /// The mean use from the end of the slots that were seen to an instant.
    fn mean_until(&self, at: Timestamp) -> f64 {
        let slots = number_of(at.as_micros().saturating_sub(self.end.as_micros())) / number_of(self.slot);
        let cycle = number(self.means.len() as u64);
        let cycles = (slots / cycle).floor();
        let mut rest = slots - cycles * cycle;
        let mut sum = cycles * self.means.iter().sum::<f64>();
        for mean in &self.means {
            let part = rest.clamp(0.0, 1.0);
            sum += mean * part;
            rest -= part;
        }
        sum
    }
}

impl Outlook {
    /// The band that holds the use half of the time, on top of what was used.
    pub fn half(self, used: u64) -> (u64, u64) {
        self.band(used, HALF)
    }

    /// The band that holds it nine times of ten.
    pub fn nine_tenths(self, used: u64) -> (u64, u64) {
        self.band(used, NINE_TENTHS)
    }

    /// The most likely use, with what was used.
    pub fn total(self, used: u64) -> u64 {
        used.saturating_add(count(self.median))
    }

    /// Nothing that was used is ever given back, so a band never begins below it.
    fn band(self, used: u64, deviations: f64) -> (u64, u64) {
        let width = self.deviation * deviations;
        (used.saturating_add(count(self.median - width)), used.saturating_add(count(self.median + width)))
    }
}

#[expect(clippy::cast_precision_loss, reason = "a forecast is not that exact")]
fn number(count: u64) -> f64 {
    count as f64
}

#[expect(clippy::cast_precision_loss, reason = "a forecast is not that exact")]
fn number_of(micros: i64) -> f64 {
    micros as f64
}

/// The nearest whole number; zero for less than that, the largest for more.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "such a cast keeps to the bounds")]
fn count(number: f64) -> u64 {
    number.max(0.0).round() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: i64 = 86_400_000_000;

    fn day(number: i64) -> Timestamp {
        Timestamp::from_micros(number * DAY)
    }

    #[test]
    fn even_use_goes_on_and_is_sure() {
        let history = History::new(&[100; 10], day(10), DAY, 7).unwrap();
        let outlook = history.outlook(day(10), day(15));
        assert_eq!(
            (outlook.total(1_000), outlook.half(1_000), outlook.nine_tenths(1_000)),
            (1_500, (1_500, 1_500), (1_500, 1_500))
        );
        let noon = Timestamp::from_micros(10 * DAY + DAY / 2);
        assert_eq!(history.outlook(noon, day(11)).total(0), 50);
        assert_eq!(history.reaches(250, day(10)..=day(20)).unwrap().as_micros().div_euclid(DAY / 2), 25);
        assert_eq!(history.reaches(5_000, day(10)..=day(20)), None);
    }

    #[test]
    fn a_weekend_is_expected_where_weekends_were() {
        // Fourteen days: five of work, two of rest, twice; the next day is the first of a week.
        let week = [70, 70, 70, 70, 70, 0, 0];
        let slots = [week, week].concat();
        let history = History::new(&slots, day(14), DAY, 7).unwrap();
        assert_eq!(history.outlook(day(14), day(19)).total(0), 350);
        assert_eq!(history.outlook(day(14), day(21)).total(0), 350, "nothing on Saturday and Sunday");
        assert_eq!(history.outlook(day(19), day(22)).total(0), 70, "from Saturday to the end of Monday");
        // One week tells nothing of weeks: all days are the same.
        let history = History::new(&week, day(7), DAY, 7).unwrap();
        assert_eq!(history.outlook(day(7), day(9)).total(0), 100);
    }

    #[test]
    fn bands_widen_with_variation_and_time_and_never_give_back() {
        let history = History::new(&[0, 200, 0, 200, 40, 160, 0, 200], day(8), DAY, 7).unwrap();
        let (near, far) = (history.outlook(day(8), day(9)), history.outlook(day(8), day(18)));
        assert!(near.deviation < far.deviation);
        let ((low_50, high_50), (low_90, high_90)) = (far.half(500), far.nine_tenths(500));
        assert!(
            500 <= low_90
                && low_90 < low_50
                && low_50 < far.total(500)
                && far.total(500) < high_50
                && high_50 < high_90
        );
        assert_eq!(near.nine_tenths(500).0, 500);
    }

    #[test]
    fn too_little_tells_nothing() {
        assert_eq!(History::new(&[], day(1), DAY, 7), None);
        assert_eq!(History::new(&[0, 0, 0, 0], day(4), DAY, 7), None);
        assert_eq!(History::new(&[0, 0, 5, 5], day(4), DAY, 7), None, "use began two days ago");
        assert!(History::new(&[5, 0, 0], day(3), DAY, 7).is_some());
    }
}
