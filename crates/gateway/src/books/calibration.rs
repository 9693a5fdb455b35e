//! What providers make of our counts: how many input tokens they report for one that was counted here.
//!
//! A count goes by the bytes of the text, and what a token is differs between models and languages. The
//! ratio of a deployment starts at the plain count and follows what is reported: up at once, down slowly,
//! since a hold that is too small costs more than one that is too large. It is forgotten with the process.

use std::collections::HashMap;

use megarouter_domain::id::DeploymentId;

/// Ratios are parts of this.
const ONE: u64 = 1_024;
/// A hold is a tenth above the estimate; a count has that tenth in it already.
const START: u64 = ONE * 10 / 11;
/// How far a ratio may go either way: what lies beyond says more about the figures than about the model.
const LEAST: u64 = ONE / 8;
const MOST: u64 = ONE * 8;
/// Shorter inputs say little: what the provider adds outweighs them.
const SHORTEST: u64 = 64;
/// How many deployments are learnt; others stay at the start.
const MOST_DEPLOYMENTS: usize = 1_024;

/// The ratios.
#[derive(Debug, Default)]
pub struct Calibration {
    ratios: HashMap<DeploymentId, u64>,
}

impl Calibration {
    /// The input tokens to set aside for a count: the estimate and a tenth more.
    pub fn hold(&self, deployment: DeploymentId, counted: u64) -> u64 {
        let Some(ratio) = self.ratios.get(&deployment) else { return counted };
        let tokens = u128::from(counted) * u128::from(*ratio) * 11 / u128::from(ONE * 10) + 1;
        u64::try_from(tokens).unwrap_or(u64::MAX)
    }

    /// Learns from what was reported for a count.
    pub fn learn(&mut self, deployment: DeploymentId, counted: u64, reported: u64) {
        if counted < SHORTEST || (self.ratios.len() >= MOST_DEPLOYMENTS && !self.ratios.contains_key(&deployment)) {
            return;
        }
        let seen = reported.saturating_mul(ONE).checked_div(counted).unwrap_or(START).clamp(LEAST, MOST);
        let ratio = self.ratios.entry(deployment).or_insert(START);
        *ratio = if seen > *ratio { *ratio + (seen - *ratio).div_ceil(2) } else { *ratio - (*ratio - seen) / 32 };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use megarouter_domain::clock::Timestamp;

    fn id(seed: u8) -> DeploymentId {
        DeploymentId::new(Timestamp::from_micros(0), [seed; 10])
    }

    #[test]
    fn it_starts_at_the_count() {
        let mut calibration = Calibration::default();
        assert_eq!(calibration.hold(id(1), 1_000), 1_000);
        calibration.learn(id(1), 10, 1_000_000);
        assert_eq!(calibration.hold(id(1), 1_000), 1_000, "short inputs teach nothing");
    }

    #[test]
    fn it_rises_at_once_and_falls_slowly_to_what_is_reported() {
        let mut calibration = Calibration::default();
        for _ in 0..12 {
            calibration.learn(id(1), 1_000, 2_000);
        }
        let high = calibration.hold(id(1), 1_000);
        assert!((2_190..=2_201).contains(&high), "{high}");
        calibration.learn(id(1), 1_000, 500);
        assert!(calibration.hold(id(1), 1_000) > 2_000);
        for _ in 0..400 {
            calibration.learn(id(1), 1_000, 500);
        }
        let low = calibration.hold(id(1), 1_000);
        assert!((550..=600).contains(&low), "{low}");
        assert_eq!(calibration.hold(id(2), 1_000), 1_000, "each deployment for itself");
    }

    #[test]
    fn it_is_bounded() {
        let mut calibration = Calibration::default();
        for _ in 0..100 {
            calibration.learn(id(1), 100, u64::MAX);
        }
        assert!(calibration.hold(id(1), 1_000) <= 8_801);
        assert_eq!(calibration.hold(id(1), u64::MAX), u64::MAX);
    }
}
