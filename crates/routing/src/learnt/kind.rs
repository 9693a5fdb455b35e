//! What is learnt of one kind of requests.
//!
//! Four parts: each model's mean, and three that are linear over the condensed request: what all models
//! share (harder or easier than thought), what strong models gain over weak ones, and what is a model's
//! own. Every outcome is foretold by each part before it is learnt from, and a part is used with the
//! factor that would have foretold past outcomes best, less its standard error, never more than 1: a part
//! that only fits noise gets the factor 0. What the parts say together of strong models against weak ones
//! is judged in the same way.

use std::collections::BTreeMap;

use super::OVERALL_OUTCOMES;
use super::solve::solve;
use crate::predictor::sketch::Point;
pub(super) use crate::predictor::sketch::SIZE;

/// Numbers of a symmetric matrix over them.
pub(super) const SQUARE: usize = SIZE * (SIZE + 1) / 2;

/// How strongly the linear parts are held to 0, in outcomes.
const PULL: f32 = 8.0;
/// A fit is made anew when the outcomes have grown by this factor, and by [`FEWEST`].
const GROWTH: f32 = 1.2;
const FEWEST: f32 = 16.0;
/// How much of the evidence for a part is kept at a new fit, which foretells better than the last.
const KEPT: f32 = 0.8;
/// Standard errors that are taken off before a part is trusted.
const CAUTION: f32 = 1.0;
/// Sums that [`dot`] makes at a time.
const LANES: usize = 8;

/// Sums over the outcomes of one kind, and what was fitted to them.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Kind {
    pub(super) weight: f32,
    pub(super) sum: Vec<f32>,
    pub(super) square: Vec<f32>,
    pub(super) models: BTreeMap<String, OfModel>,
    pub(super) trust: [Trust; PARTS],
    pub(super) fitted_at: f32,
    pub(super) shared: Vec<f32>,
    pub(super) contrast: Vec<f32>,
    /// How well what strong models gain was foretold.
    pub(super) gain: Trust,
}

/// The parts: mean, shared, contrast, own.
pub(super) const PARTS: usize = 4;

/// Sums over the outcomes of one model, and what was fitted to them.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct OfModel {
    pub(super) weight: f32,
    pub(super) residual: f32,
    pub(super) expected: f32,
    pub(super) cross: Vec<f32>,
    pub(super) strength: f32,
    pub(super) own: Vec<f32>,
    pub(super) used: Vec<f32>,
}

/// One outcome as a kind is told it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Seen {
    /// How far it was from what the wider kinds say.
    pub(super) residual: f32,
    /// How far the model is from its prior by what the wider kinds leave to this one.
    pub(super) fallback: f32,
    /// How much a model's mean moves it on such a request.
    pub(super) tilt: f32,
    /// What was expected of the model on such requests.
    pub(super) expected: f32,
    /// How much it counts.
    pub(super) weight: f32,
}

/// How well a part has foretold outcomes.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Trust {
    pub(super) product: f32,
    pub(super) product_square: f32,
    pub(super) square: f32,
}

impl Default for Kind {
    fn default() -> Self {
        Self {
            weight: 0.0,
            sum: vec![0.0; SIZE],
            square: vec![0.0; SQUARE],
            models: BTreeMap::new(),
            trust: [Trust::default(); PARTS],
            fitted_at: 0.0,
            shared: vec![0.0; SIZE],
            contrast: vec![0.0; SIZE],
            gain: Trust::default(),
        }
    }
}

impl Default for OfModel {
    fn default() -> Self {
        let zeros = || vec![0.0; SIZE];
        Self { weight: 0.0, residual: 0.0, expected: 0.0, cross: zeros(), strength: 0.0, own: zeros(), used: zeros() }
    }
}

impl Kind {
    /// Foretells an outcome by each part, and notes how well that went.
    pub(super) fn judge(&mut self, point: &Point, model: &str, seen: Seen) {
        let Some(of_model) = self.models.get(model) else { return };
        let centred = self.centred(point);
        let parts = [
            (of_model.mean(seen.fallback) - seen.fallback) * seen.tilt,
            dot(&self.shared, &centred),
            of_model.strength * dot(&self.contrast, &centred),
            dot(&of_model.own, &centred),
        ];
        let mut left = seen.residual - seen.fallback * seen.tilt;
        for (trust, part) in self.trust.iter_mut().zip(parts) {
            trust.note(left, part, seen.weight);
            left -= trust.factor() * part;
        }
    }

    /// Notes how well it was foretold what strong models gain.
    pub(super) fn judge_gain(&mut self, residual: f32, foretold: f32, weight: f32) {
        self.gain.note(residual, foretold, weight);
    }

    /// How far what strong models gain is trusted, 0 to 1.
    pub(super) fn gain_factor(&self) -> f32 {
        self.gain.factor()
    }

    /// Adds an outcome to the sums.
    pub(super) fn add(&mut self, point: &Point, model: &str, seen: Seen) {
        let Seen { residual, expected, weight, .. } = seen;
        self.weight += weight;
        add_to(&mut self.sum, point, weight);
        let mut squares = self.square.iter_mut();
        for (index, left) in point.iter().enumerate() {
            for (right, square) in point[index..].iter().zip(&mut squares) {
                *square += weight * left * right;
            }
        }
        let of_model = self.models.entry(model.to_owned()).or_default();
        of_model.weight += weight;
        of_model.residual += weight * residual;
        of_model.expected += weight * expected;
        add_to(&mut of_model.cross, point, weight * residual);
    }

    /// Whether enough was added since the last fit.
    pub(super) fn is_due(&self) -> bool {
        self.weight >= self.fitted_at * GROWTH + FEWEST
    }

    /// Fits the three parts anew; `overall` says how far a model is from its prior over all kinds.
    pub(super) fn refit(&mut self, overall: impl Fn(&str) -> f32) {
        if self.weight < FEWEST {
            return;
        }
        let mean: Vec<f32> = self.sum.iter().map(|sum| sum / self.weight).collect();
        let covariance = self.covariance(&mean);
        let count = count(self.models.len());
        self.rank(&overall);
        // What is left to fit of each model, beside its own mean.
        let left: Vec<Vec<f32>> = self.models.values().map(|model| model.centred_cross(&mean)).collect();
        let mut aim = vec![0.0; SIZE];
        for cross in &left {
            add_to(&mut aim, cross, 1.0);
        }
        self.shared = solve(&covariance, self.weight, PULL * count, &aim);
        self.fit_contrast(&covariance, &left);
        self.fit_own(&covariance, &left);
        self.trust.iter_mut().chain([&mut self.gain]).for_each(Trust::fade);
        self.fitted_at = self.weight;
        self.combine();
    }

    /// Finds out which models are strong on this kind, and how far apart they are.
    fn rank(&mut self, overall: &impl Fn(&str) -> f32) {
        let (mut sum, mut weight) = (0.0, 0.0);
        for (name, model) in &mut self.models {
            model.strength = model.expected / model.weight + model.mean(overall(name));
            sum += model.weight * model.strength;
            weight += model.weight;
        }
        let mean = sum / weight;
        for model in self.models.values_mut() {
            model.strength -= mean;
        }
    }

    fn fit_contrast(&mut self, covariance: &[f32], left: &[Vec<f32>]) {
        let mut aim = vec![0.0; SIZE];
        let (mut seen, mut spread) = (0.0, 0.0);
        for (model, cross) in self.models.values().zip(left) {
            let expected = times(covariance, &self.shared, model.weight);
            for ((aim, cross), expected) in aim.iter_mut().zip(cross).zip(expected) {
                *aim += model.strength * (cross - expected);
            }
            seen += model.strength * model.strength * model.weight;
            spread += model.strength * model.strength;
        }
        self.contrast = solve(covariance, seen, PULL * spread.max(1e-4), &aim);
    }

    fn fit_own(&mut self, covariance: &[f32], left: &[Vec<f32>]) {
        for (model, cross) in self.models.values_mut().zip(left) {
            let others: Vec<f32> = self
                .shared
                .iter()
                .zip(&self.contrast)
                .map(|(shared, contrast)| shared + model.strength * contrast)
                .collect();
            let expected = times(covariance, &others, model.weight);
            let aim: Vec<f32> = cross.iter().zip(expected).map(|(cross, expected)| cross - expected).collect();
            model.own = solve(covariance, model.weight, PULL, &aim);
        }
    }

    /// Puts the parts together as far as each is trusted.
    fn combine(&mut self) {
        let [_, shared, contrast, own] = self.trust.map(Trust::factor);
        for model in self.models.values_mut() {
            for index in 0..SIZE {
                model.used[index] = shared * self.shared[index]
                    + contrast * model.strength * self.contrast[index]
                    + own * model.own[index];
            }
        }
    }

    /// How far a model is from what the wider kinds say: its mean, and what the linear parts add.
    pub(super) fn moved(&self, point: &Point, model: &str, fallback: f32) -> (f32, f32) {
        let Some(model) = self.models.get(model) else { return (fallback, 0.0) };
        let offset = fallback + self.trust[0].factor() * (model.mean(fallback) - fallback);
        let fitted = if self.fitted_at > 0.0 { self.centred_dot(&model.used, point) } else { 0.0 };
        (offset, fitted)
    }

    /// How much a model's outcomes count.
    pub(super) fn weight_of(&self, model: &str) -> f32 {
        self.models.get(model).map_or(0.0, |model| model.weight)
    }

    /// Each model's weight and sum of residuals.
    pub(super) fn residuals(&self) -> impl Iterator<Item = (&str, f32, f32)> {
        self.models.iter().map(|(name, model)| (name.as_str(), model.weight, model.residual))
    }

    fn centred(&self, point: &Point) -> Point {
        let mut centred = *point;
        if self.weight > 0.0 {
            centred.iter_mut().zip(&self.sum).for_each(|(value, sum)| *value -= sum / self.weight);
        }
        centred
    }

    /// A vector times the centred point; without a division for each number.
    fn centred_dot(&self, vector: &[f32], point: &Point) -> f32 {
        dot(vector, point) - dot(vector, &self.sum) / self.weight
    }

    /// The covariance per outcome, as a triangle.
    fn covariance(&self, mean: &[f32]) -> Vec<f32> {
        let mut squares = self.square.iter();
        let mut covariance = Vec::with_capacity(SQUARE);
        for (index, left) in mean.iter().enumerate() {
            covariance.extend(
                mean[index..].iter().zip(&mut squares).map(|(right, square)| square / self.weight - left * right),
            );
        }
        covariance
    }
}

impl OfModel {
    /// The mean of its residuals, held to what is said of it elsewhere.
    fn mean(&self, fallback: f32) -> f32 {
        (self.residual + OVERALL_OUTCOMES * fallback) / (self.weight + OVERALL_OUTCOMES)
    }

    fn centred_cross(&self, mean: &[f32]) -> Vec<f32> {
        self.cross.iter().zip(mean).map(|(cross, mean)| cross - self.residual * mean).collect()
    }
}

impl Trust {
    /// Notes what a part foretold of a residual.
    fn note(&mut self, residual: f32, foretold: f32, weight: f32) {
        let product = residual * foretold;
        self.product += weight * product;
        self.product_square += weight * product * product;
        self.square += weight * foretold * foretold;
    }

    /// With which factor the part is used.
    fn factor(self) -> f32 {
        if self.square <= 0.0 {
            return 0.0;
        }
        ((self.product - CAUTION * self.product_square.sqrt()) / self.square).clamp(0.0, 1.0)
    }

    fn fade(&mut self) {
        self.product *= KEPT;
        self.product_square *= KEPT;
        self.square *= KEPT;
    }
}

#[expect(clippy::cast_precision_loss, reason = "models are few")]
fn count(models: usize) -> f32 {
    models as f32
}

fn add_to(sum: &mut [f32], values: &[f32], factor: f32) {
    sum.iter_mut().zip(values).for_each(|(sum, value)| *sum += factor * value);
}

/// Summed in lanes, so that it can be done several at a time; in the same order everywhere.
fn dot(left: &[f32], right: &[f32]) -> f32 {
    let ((left, left_rest), (right, right_rest)) = (left.as_chunks::<LANES>(), right.as_chunks::<LANES>());
    let mut lanes = [0.0; LANES];
    for (left, right) in left.iter().zip(right) {
        for ((lane, left), right) in lanes.iter_mut().zip(left).zip(right) {
            *lane += left * right;
        }
    }
    let rest: f32 = left_rest.iter().zip(right_rest).map(|(left, right)| left * right).sum();
    lanes.iter().sum::<f32>() + rest
}

/// A symmetric matrix, kept as a triangle, times a vector times a factor.
fn times(triangle: &[f32], vector: &[f32], factor: f32) -> Vec<f32> {
    let mut product = vec![0.0; vector.len()];
    let mut entries = triangle.iter();
    for row in 0..vector.len() {
        for (column, entry) in (row..vector.len()).zip(&mut entries) {
            product[row] += factor * entry * vector[column];
            if column != row {
                product[column] += factor * entry * vector[row];
            }
        }
    }
    product
}
