//! How able the models of the data are, on one scale over all benchmarks, and the trend behind that.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result};
use megarouter_routing::predictor::ability::{LINES, Trend, find};
use serde_json::Value;

use super::rows::{Row, means, sources};

const SWEEPS: usize = 200;
/// How strongly an ability is held to the mean, in benchmarks.
const PULL: f64 = 0.5;
/// How strongly the trend's terms are held to 0.
const TREND_PULL: f64 = 1.0;

/// What the data says of models and benchmarks.
#[derive(Clone, Debug)]
pub struct Abilities {
    /// The ability of each of [`LINES`].
    pub lines: Vec<f32>,
    /// What price, age and thinking say of any other.
    pub trend: [f32; 4],
    /// How hard each source is.
    pub hardness: BTreeMap<String, f64>,
}

/// Fits ability minus hardness to the mean scores of models on sources.
pub fn fit(rows: &[&Row], prices: &Path) -> Result<Abilities> {
    let mut cells = Vec::new();
    for source in sources(rows) {
        let of_source: Vec<&Row> = rows.iter().filter(|row| row.source == source).copied().collect();
        for (model, mean) in means(&of_source) {
            cells.push((model, source.clone(), unsquash(mean)));
        }
    }
    let (models, hardness) = alternate(&cells);
    let prices: Value = serde_json::from_str(&std::fs::read_to_string(prices).context("cannot read the prices")?)?;
    let lines = lines(&models);
    let trend = trend(&models, &prices, &lines);
    let line = |index: usize| lines[index].unwrap_or_else(|| predict(&trend, &terms_of_line(index))) as f32;
    Ok(Abilities { lines: (0..LINES.len()).map(line).collect(), trend: trend.map(|term| term as f32), hardness })
}

/// Abilities of models and hardnesses of sources, in turn; abilities are pulled to their mean, which is 0.
fn alternate(cells: &[(String, String, f64)]) -> (BTreeMap<String, f64>, BTreeMap<String, f64>) {
    let mut models: BTreeMap<String, f64> = cells.iter().map(|(model, _, _)| (model.clone(), 0.0)).collect();
    let mut hardness: BTreeMap<String, f64> = cells.iter().map(|(_, source, _)| (source.clone(), 0.0)).collect();
    for _ in 0..SWEEPS {
        for (source, hard) in &mut hardness {
            let gaps: Vec<f64> =
                cells.iter().filter(|cell| cell.1 == *source).map(|cell| models[&cell.0] - cell.2).collect();
            *hard = gaps.iter().sum::<f64>() / gaps.len() as f64;
        }
        for (model, able) in &mut models {
            let sums: Vec<f64> =
                cells.iter().filter(|cell| cell.0 == *model).map(|cell| cell.2 + hardness[&cell.1]).collect();
            *able = sums.iter().sum::<f64>() / (sums.len() as f64 + PULL);
        }
        let mean = models.values().sum::<f64>() / models.len() as f64;
        for able in models.values_mut() {
            *able -= mean;
        }
    }
    (models, hardness)
}

/// The mean ability of the models of each line; `None` for one without any.
fn lines(models: &BTreeMap<String, f64>) -> Vec<Option<f64>> {
    let mut sums = vec![(0.0, 0.0); LINES.len()];
    for (model, able) in models {
        if let Some(index) = find(model) {
            sums[index] = (sums[index].0 + able, sums[index].1 + 1.0);
        }
    }
    sums.into_iter().map(|(sum, count)| (count > 0.0).then_some(sum / count)).collect()
}

fn terms_of_line(index: usize) -> [f64; 4] {
    Trend::terms(None, Some(f32::from(LINES[index].month)), LINES[index].name.starts_with("o1")).map(f64::from)
}

/// The least-squares trend over the measured lines, by coordinate descent.
fn trend(models: &BTreeMap<String, f64>, prices: &Value, lines: &[Option<f64>]) -> [f64; 4] {
    let known: Vec<([f64; 4], f64)> = models
        .keys()
        .filter_map(|model| {
            let index = find(model)?;
            let price = prices[model]["out"].as_f64()? as f32;
            let terms =
                Trend::terms(Some(price), Some(f32::from(LINES[index].month)), LINES[index].name.starts_with("o1"));
            Some((terms.map(f64::from), lines[index]?))
        })
        .collect();
    let mut weights = [0.0; 4];
    for _ in 0..SWEEPS * 10 {
        for place in 0..4 {
            let pull = if place == 0 { 0.0 } else { TREND_PULL };
            let (mut aim, mut square) = (0.0, pull);
            for (terms, able) in &known {
                let others = predict(&weights, terms) - weights[place] * terms[place];
                aim += terms[place] * (able - others);
                square += terms[place] * terms[place];
            }
            weights[place] = aim / square;
        }
    }
    weights
}

fn predict(weights: &[f64; 4], terms: &[f64; 4]) -> f64 {
    weights.iter().zip(terms).map(|(weight, term)| weight * term).sum()
}

/// What the predictor's `squash` makes this mean of.
fn unsquash(mean: f64) -> f64 {
    let share = (mean.clamp(0.02, 0.98) - 0.5) * 2.0;
    share / (1.0 - share.abs())
}
