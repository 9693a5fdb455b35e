//! The two fits: few weights of known sign, and many small ones for n-grams. Plain sums in a fixed order.

use super::rows::{Row, sources};
use super::target;
use megarouter_routing::features::SLOTS;
use megarouter_routing::features::dense::Name;
use megarouter_routing::predictor::weights::SIGNS;

/// How many weights have a sign.
pub const COUNT: usize = SIGNS.len();
/// What every weight of known sign is believed to be beforehand, in standard deviations per standard deviation.
const BELIEVED: f64 = 0.05;
/// The same for the length of the question: it is known to carry over to most benchmarks.
const BELIEVED_OF_LENGTH: f64 = 0.15;
/// How strongly that is believed: as by so many benchmarks.
const BELIEF: f64 = 6.0;
/// How strongly n-gram weights are held to 0.
const RIDGE: f64 = 60.0;
const SWEEPS: usize = 400;
const STEPS: usize = 40;
/// Deviations below this are of values that do not occur.
const LEAST_DEVIATION: f64 = 1e-6;

/// What a fit gives.
#[derive(Clone, Debug)]
pub struct Fit {
    /// The mean of each value, every source counting the same.
    pub centre: [f64; COUNT],
    /// The weight of each value, with its sign.
    pub weights: [f64; COUNT],
}

/// Rows of several sources, made ready.
pub struct Design<'a> {
    rows: &'a [&'a Row],
    by_source: Vec<Vec<usize>>,
    groups: Vec<usize>,
    scale: [f64; COUNT],
    centre: [f64; COUNT],
}

impl<'a> Design<'a> {
    /// Looks at the rows.
    pub fn new(rows: &'a [&'a Row]) -> Self {
        let names = sources(rows);
        let of = |name: &String| (0..rows.len()).filter(|index| rows[*index].source == *name).collect();
        let by_source: Vec<Vec<usize>> = names.iter().map(of).collect();
        let (mut scale, mut centre) = ([0.0; COUNT], [0.0; COUNT]);
        for (place, (name, _)) in SIGNS.iter().enumerate() {
            for source in &by_source {
                let values: Vec<f64> =
                    source.iter().map(|index| f64::from(rows[*index].features.dense.get(*name))).collect();
                let mean = values.iter().sum::<f64>() / values.len() as f64;
                let variance =
                    values.iter().map(|value| (value - mean) * (value - mean)).sum::<f64>() / values.len() as f64;
                scale[place] += variance.sqrt() / by_source.len() as f64;
                centre[place] += mean / by_source.len() as f64;
            }
            scale[place] += LEAST_DEVIATION;
        }
        Self { rows, groups: target::groups(rows), by_source, scale, centre }
    }

    /// A target of each row: worked out for each source by itself, then without its groups' means.
    pub fn target(&self, of: impl Fn(&[&Row]) -> Vec<f64>) -> Vec<f64> {
        let mut all = vec![0.0; self.rows.len()];
        for source in &self.by_source {
            let rows: Vec<&Row> = source.iter().map(|index| self.rows[*index]).collect();
            let groups: Vec<usize> = source.iter().map(|index| self.groups[*index]).collect();
            let mut values = of(&rows);
            target::standardise(&mut values, &groups);
            for (index, value) in source.iter().zip(values) {
                all[*index] = value;
            }
        }
        all
    }

    /// The value of each row by its place in [`SIGNS`], signed, scaled, and without its group's mean.
    fn columns(&self) -> Vec<Vec<f64>> {
        let column = |(place, (name, sign)): (usize, &(_, f32))| {
            let value = |row: &&Row| f64::from(row.features.dense.get(*name)) * f64::from(*sign) / self.scale[place];
            let mut values: Vec<f64> = self.rows.iter().map(value).collect();
            target::centre(&mut values, &self.groups);
            values
        };
        SIGNS.iter().enumerate().map(column).collect()
    }

    /// How much each row counts: every source the same.
    fn shares(&self) -> Vec<f64> {
        let mut shares = vec![0.0; self.rows.len()];
        for source in &self.by_source {
            for index in source {
                shares[*index] = 1.0 / source.len() as f64;
            }
        }
        shares
    }

    /// Fits weights that are of the known sign or 0, pulled to what is believed beforehand.
    pub fn fit(&self, target: &[f64]) -> Fit {
        let (columns, shares) = (self.columns(), self.shares());
        let dot = |left: &[f64], right: &[f64]| -> f64 {
            left.iter().zip(right).zip(&shares).map(|((left, right), share)| left * right * share).sum()
        };
        let gram: Vec<Vec<f64>> =
            columns.iter().map(|left| columns.iter().map(|right| dot(left, right)).collect()).collect();
        let aims: Vec<f64> = columns.iter().map(|column| dot(column, target)).collect();
        let mut weights = believed();
        let believed = weights;
        for _ in 0..SWEEPS {
            for place in 0..COUNT {
                let others: f64 =
                    (0..COUNT).filter(|other| *other != place).map(|other| gram[place][other] * weights[other]).sum();
                weights[place] =
                    ((aims[place] - others + BELIEF * believed[place]) / (gram[place][place] + BELIEF)).max(0.0);
            }
        }
        for (place, (_, sign)) in SIGNS.iter().enumerate() {
            weights[place] *= f64::from(*sign) / self.scale[place];
        }
        Fit { centre: self.centre, weights }
    }

    /// Fits n-gram weights to what the other weights leave, by conjugate gradients.
    pub fn fit_ngrams(&self, target: &[f64], fit: &Fit) -> Vec<f64> {
        let mut left: Vec<f64> = self.rows.iter().zip(target).map(|(row, target)| target - fit.predict(row)).collect();
        target::centre(&mut left, &self.groups);
        let mut weights = vec![0.0; SLOTS];
        let mut residual = self.transposed(&left);
        let mut direction = residual.clone();
        let mut length: f64 = residual.iter().map(|value| value * value).sum();
        for _ in 0..STEPS {
            if length == 0.0 {
                break;
            }
            let mut image = self.transposed(&self.applied(&direction));
            for (image, direction) in image.iter_mut().zip(&direction) {
                *image += RIDGE * direction;
            }
            let step = length / direction.iter().zip(&image).map(|(left, right)| left * right).sum::<f64>();
            for place in 0..SLOTS {
                weights[place] += step * direction[place];
                residual[place] -= step * image[place];
            }
            let next: f64 = residual.iter().map(|value| value * value).sum();
            for place in 0..SLOTS {
                direction[place] = residual[place] + next / length * direction[place];
            }
            length = next;
        }
        weights
    }

    fn applied(&self, weights: &[f64]) -> Vec<f64> {
        self.rows
            .iter()
            .map(|row| row.features.slots.iter().map(|slot| weights[usize::from(*slot)]).sum::<f64>() / root(row))
            .collect()
    }

    fn transposed(&self, values: &[f64]) -> Vec<f64> {
        let mut sums = vec![0.0; SLOTS];
        for (row, value) in self.rows.iter().zip(values) {
            for slot in &row.features.slots {
                sums[usize::from(*slot)] += value / root(row);
            }
        }
        sums
    }
}

fn believed() -> [f64; COUNT] {
    let mut all = [BELIEVED; COUNT];
    for (place, (name, _)) in all.iter_mut().zip(SIGNS) {
        if *name == Name::AskLength {
            *place = BELIEVED_OF_LENGTH;
        }
    }
    all
}

fn root(row: &Row) -> f64 {
    (row.features.slots.len().max(1) as f64).sqrt()
}

impl Fit {
    /// A fit that says the same of all.
    pub fn nothing() -> Self {
        Self { centre: [0.0; COUNT], weights: [0.0; COUNT] }
    }

    /// What the weights say of a row.
    pub fn predict(&self, row: &Row) -> f64 {
        let terms = SIGNS.iter().zip(self.centre).zip(self.weights);
        terms.map(|(((name, _), centre), weight)| (f64::from(row.features.dense.get(*name)) - centre) * weight).sum()
    }
}
