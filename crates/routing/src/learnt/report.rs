//! How good expectations were, each judged before its outcome was learnt from.

use megarouter_domain::task::Family;

/// How many steps expected qualities are sorted into.
pub const STEPS: usize = 10;
/// How many families there are.
pub const FAMILIES: usize = Family::ALL.len();

/// Sums over expectations and their outcomes.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Tally {
    /// Outcomes.
    pub outcomes: u64,
    /// The sum of the expected qualities.
    pub expected: f64,
    /// The sum of the scores.
    pub observed: f64,
    /// The sum of the distances between the two.
    pub error: f64,
    /// The sum of the distances between the scores and what was expected without anything learnt.
    pub prior_error: f64,
    /// The sum of the squared distances between expectations and scores.
    pub squared_error: f64,
    /// The same without anything learnt.
    pub prior_squared_error: f64,
}

/// Tallies by family and by expected quality.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Report {
    /// By place in [`Family::ALL`].
    pub families: [Tally; FAMILIES],
    /// By expected quality, from the lowest tenth.
    pub calibration: [Tally; STEPS],
}

impl Report {
    pub(super) fn note(&mut self, family: usize, prior: f32, expected: f32, score: f32) {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 9")]
        let step = ((expected.clamp(0.0, 0.999)) * 10.0) as usize;
        for tally in [&mut self.families[family], &mut self.calibration[step]] {
            tally.note(f64::from(prior), f64::from(expected), f64::from(score));
        }
    }

    /// Over all families.
    pub fn total(&self) -> Tally {
        let mut total = Tally::default();
        for tally in &self.families {
            total.outcomes += tally.outcomes;
            total.expected += tally.expected;
            total.observed += tally.observed;
            total.error += tally.error;
            total.prior_error += tally.prior_error;
            total.squared_error += tally.squared_error;
            total.prior_squared_error += tally.prior_squared_error;
        }
        total
    }
}

impl Tally {
    fn note(&mut self, prior: f64, expected: f64, score: f64) {
        self.outcomes += 1;
        self.expected += expected;
        self.observed += score;
        self.error += (expected - score).abs();
        self.prior_error += (prior - score).abs();
        self.squared_error += (expected - score) * (expected - score);
        self.prior_squared_error += (prior - score) * (prior - score);
    }
}
