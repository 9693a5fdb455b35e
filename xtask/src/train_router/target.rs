//! What is learnt of each prompt: how much strong models gain over weak ones, and how hard it is.

use std::collections::BTreeMap;

use super::rows::{Row, means};

/// A model counts as strong from this mean on, and as weak only above [`WEAK`].
///
/// Pairs of which both fail mostly say where a benchmark is too hard for them, not what is worth
/// paying for: nobody routes to a model that gets a third right.
const STRONG: f64 = 0.5;
const WEAK: f64 = 0.35;
/// Below this difference a pair has nothing to gain.
const LEAST_GAP: f64 = 0.05;

/// The pairs of a source: strong, weak, and how far they are apart.
pub fn pairs(rows: &[&Row]) -> Vec<(String, String, f64)> {
    let means = means(rows);
    let mut pairs = Vec::new();
    for (strong, high) in &means {
        for (weak, low) in &means {
            if high - low > LEAST_GAP && *high > STRONG && *low > WEAK {
                pairs.push((strong.clone(), weak.clone(), high - low));
            }
        }
    }
    pairs
}

/// The gain of strong over weak models on each row of one source, as a multiple of the mean gain.
pub fn gains(rows: &[&Row]) -> Vec<f64> {
    let pairs = pairs(rows);
    let gain = |row: &&Row| {
        let gains = pairs
            .iter()
            .filter_map(|(strong, weak, gap)| Some((row.models.get(strong)?.0 - row.models.get(weak)?.0) / gap));
        gains.sum::<f64>() / pairs.len().max(1) as f64
    };
    rows.iter().map(gain).collect()
}

/// How far each row of one source is below what its models reach on average.
pub fn difficulties(rows: &[&Row]) -> Vec<f64> {
    let means: BTreeMap<String, f64> = means(rows);
    let missed = |row: &&Row| {
        let missed: f64 = row.models.iter().map(|(model, (score, _))| means[model] - score).sum();
        missed / row.models.len().max(1) as f64
    };
    rows.iter().map(missed).collect()
}

/// Makes the mean of each group 0 and the deviation over all 1, so that neither which benchmark a row
/// is from nor how many points it spreads over is learnt.
pub fn standardise(values: &mut [f64], groups: &[usize]) {
    centre(values, groups);
    let deviation = (values.iter().map(|value| value * value).sum::<f64>() / values.len().max(1) as f64).sqrt();
    if deviation > 0.0 {
        for value in values {
            *value /= deviation;
        }
    }
}

/// Makes the mean of each group 0.
pub fn centre(values: &mut [f64], groups: &[usize]) {
    let mut sums: BTreeMap<usize, (f64, f64)> = BTreeMap::new();
    for (value, group) in values.iter().zip(groups) {
        let sum = sums.entry(*group).or_default();
        *sum = (sum.0 + value, sum.1 + 1.0);
    }
    for (value, group) in values.iter_mut().zip(groups) {
        let (sum, count) = sums[group];
        *value -= sum / count;
    }
}

/// The group of each row: its source, and of subjects with questions of one form the subject too.
pub fn groups(rows: &[&Row]) -> Vec<usize> {
    let name = |row: &&Row| if row.family.starts_with("stem_mcq/") { row.family.clone() } else { row.source.clone() };
    let mut places = BTreeMap::new();
    let names: Vec<String> = rows.iter().map(name).collect();
    for name in &names {
        let next = places.len();
        places.entry(name.clone()).or_insert(next);
    }
    names.iter().map(|name| places[name]).collect()
}
