//! `eval-router`: how good the router is on benchmarks that it was not trained on.
//!
//! Each benchmark is left out in turn: the router is trained on the others and ranks the prompts of the
//! one left out. With outcomes, four fifths of all benchmarks' rows are learnt from first and the last
//! fifth is ranked, five times. Beside it: random, the prompt's length, a linear model of n-grams, and
//! what always asking the weak or the strong model gives. The figures are those of the data's `score.py`.
#![expect(clippy::cast_precision_loss, reason = "counts of rows")]
#![expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "scores and prices, far from any bound")]

mod metrics;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;
use std::time::Instant;

use anyhow::Result;
use megarouter_domain::money::NanoUsdPerMillion;
use megarouter_routing::features::{Features, Text};
use megarouter_routing::learnt::{Learnt, Outcome};
use megarouter_routing::predictor::{ModelTraits, Predictor, Task};
use serde_json::Value;

use crate::train_router::rows::{self, Row};
use crate::train_router::{folder, target, train, train_ngrams};
use metrics::{Pair, apgr, cost_at_95};

/// How many folds the rows are in.
const FOLDS: usize = 5;
/// A pair that differs by less on the rows at hand has no gap to recover.
const LEAST_GAP: f64 = 0.02;
/// A cost is saved only where the strong model costs at least this many times as much.
const DEARER: f64 = 1.05;
/// The bytes of the prompt that decisions are timed on.
const LONG_BYTES: usize = 8 * 1024;
/// How often a decision is timed.
const TIMES: usize = 2_000;

/// A way to rank the rows of a source for a pair of models.
type Ranking<'a> = dyn Fn(usize, &str, &str) -> f64 + 'a;

/// Prints the figures.
pub fn eval_router(arguments: &[String]) -> Result<()> {
    let folder = folder(arguments)?;
    let (mut all, _) = rows::read(&folder.join("train.jsonl.gz"))?;
    all.extend(rows::read(&folder.join("dev.jsonl.gz"))?.0);
    let rows: Vec<&Row> = all.iter().collect();
    let prices: Value = serde_json::from_str(&std::fs::read_to_string(folder.join("prices.json"))?)?;
    let unseen = Unseen::of(&rows, &folder, &prices)?;
    println!(
        "benchmarks left out of training; mean APGR over pairs (random: 0.500), and the cost at 95 % of the gap\n"
    );
    unseen.table()?;
    decision_time();
    Ok(())
}

/// Rows with what is said of each by a router that has not seen its benchmark.
struct Unseen<'a> {
    rows: &'a [&'a Row],
    prices: &'a Value,
    by_source: BTreeMap<String, Vec<usize>>,
    predictors: BTreeMap<String, Predictor>,
    tasks: Vec<Task>,
    linear: Vec<f64>,
}

impl<'a> Unseen<'a> {
    fn of(rows: &'a [&'a Row], folder: &Path, prices: &'a Value) -> Result<Self> {
        let mut by_source: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        for (index, row) in rows.iter().enumerate() {
            by_source.entry(row.source.clone()).or_default().push(index);
        }
        let mut predictors = BTreeMap::new();
        let mut linear = vec![0.0; rows.len()];
        for (source, indices) in &by_source {
            let others: Vec<&Row> = rows.iter().filter(|row| row.source != *source).copied().collect();
            predictors.insert(source.clone(), Predictor::new(train(&others, folder)?));
            let ngrams = train_ngrams(&others);
            for index in indices {
                linear[*index] = ngrams.predict(rows[*index]);
            }
        }
        let tasks = rows.iter().map(|row| predictors[&row.source].task(&row.features)).collect();
        Ok(Self { rows, prices, by_source, predictors, tasks, linear })
    }

    fn table(&self) -> Result<()> {
        println!(
            "{:34}{}",
            "",
            self.by_source.keys().map(|source| format!("{source:>24}")).collect::<String>() + "    mean"
        );
        self.line("prompt length", &|row, _, _| self.rows[row].prompt.len() as f64)?;
        self.line("linear over n-grams", &|row, _, _| self.linear[row])?;
        self.line("router", &|row, _, _| f64::from(self.tasks[row].need))?;
        let learnt: Vec<Learnt> = (0..FOLDS).map(|fold| self.learn(fold)).collect();
        self.line("router with outcomes, need", &|row, _, _| {
            f64::from(learnt[self.rows[row].fold].need(&self.tasks[row]))
        })?;
        self.line("router with outcomes, qualities", &|row, strong, weak| {
            let quality = |model: &str| {
                self.predictors[&self.rows[row].source].quality(
                    &self.tasks[row],
                    &self.traits(model),
                    &learnt[self.rows[row].fold],
                )
            };
            f64::from(quality(strong).mean) - f64::from(quality(weak).mean)
        })?;
        self.ends()?;
        let mut total = (0.0, 0.0, 0);
        for learnt in &learnt {
            let tally = learnt.report().total();
            total = (total.0 + tally.squared_error, total.1 + tally.prior_squared_error, total.2 + tally.outcomes);
        }
        println!(
            "\nforetelling outcomes before learning from them: mean squared error {:.4}, without learning {:.4}",
            total.0 / total.2 as f64,
            total.1 / total.2 as f64
        );
        Ok(())
    }

    /// One way's figures: the mean over the pairs of each source, by folds, and over all sources.
    fn line(&self, name: &str, ranking: &Ranking<'_>) -> Result<()> {
        let (mut text, mut sum) = (String::new(), 0.0);
        for indices in self.by_source.values() {
            let (area, cost) = self.figures(indices, ranking);
            let figures = format!("{area:.3} ({cost:.2})");
            write!(text, "{figures:>24}")?;
            sum += area;
        }
        println!("{name:34}{text}   {:.3}", sum / self.by_source.len() as f64);
        Ok(())
    }

    fn figures(&self, indices: &[usize], ranking: &Ranking<'_>) -> (f64, f64) {
        let rows: Vec<&Row> = indices.iter().map(|index| self.rows[*index]).collect();
        let (mut area, mut cost) = (Vec::new(), Vec::new());
        for fold in 0..FOLDS {
            for (strong, weak, _) in target::pairs(&rows) {
                let both = |index: &&usize| {
                    self.rows[**index].fold == fold
                        && [&strong, &weak].iter().all(|model| self.rows[**index].models.contains_key(*model))
                };
                let these: Vec<usize> = indices.iter().filter(both).copied().collect();
                let pairs: Vec<Pair> = these.iter().map(|index| pair(self.rows[*index], &strong, &weak)).collect();
                let mean = |of: &dyn Fn(&Pair) -> f64| pairs.iter().map(of).sum::<f64>() / pairs.len().max(1) as f64;
                if mean(&|pair| pair.strong - pair.weak) < LEAST_GAP {
                    continue;
                }
                let scores: Vec<f64> = these.iter().map(|index| ranking(*index, &strong, &weak)).collect();
                area.push(apgr(&scores, &pairs));
                if mean(&|pair| pair.strong_cost) > DEARER * mean(&|pair| pair.weak_cost) {
                    cost.push(cost_at_95(&scores, &pairs));
                }
            }
        }
        let mean = |all: &[f64]| all.iter().sum::<f64>() / all.len().max(1) as f64;
        (mean(&area), mean(&cost))
    }

    /// What always asking the weak or the strong model of the pairs gives.
    fn ends(&self) -> Result<()> {
        let (mut weak, mut strong) = (String::new(), String::new());
        for indices in self.by_source.values() {
            let rows: Vec<&Row> = indices.iter().map(|index| self.rows[*index]).collect();
            let means = rows::means(&rows);
            let pairs = target::pairs(&rows);
            let mean =
                |of: &dyn Fn(&(String, String, f64)) -> f64| pairs.iter().map(of).sum::<f64>() / pairs.len() as f64;
            write!(weak, "{:>24.3}", mean(&|pair| means[&pair.1]))?;
            write!(strong, "{:>24.3}", mean(&|pair| means[&pair.0]))?;
        }
        println!("{:34}{weak}\n{:34}{strong}", "quality, always weak", "quality, always strong");
        Ok(())
    }

    /// Learns from all rows but those of a fold.
    fn learn(&self, fold: usize) -> Learnt {
        let mut learnt = Learnt::default();
        let mut order: Vec<usize> = (0..self.rows.len()).filter(|row| self.rows[*row].fold != fold).collect();
        // Ids are hashes, so their order mixes the sources' rows once the source is cut off.
        order.sort_by_key(|row| self.rows[*row].id.rsplit('-').next());
        for row in order {
            let predictor = &self.predictors[&self.rows[row].source];
            for (model, (score, _)) in &self.rows[row].models {
                let outcome =
                    Outcome { task: &self.tasks[row], model: self.traits(model), score: *score as f32, weight: 1.0 };
                learnt.learn(predictor, &outcome);
            }
        }
        learnt.refresh();
        learnt
    }

    fn traits<'m>(&self, name: &'m str) -> ModelTraits<'m> {
        let price = |side: &str| self.prices[name][side].as_f64().map(|usd| NanoUsdPerMillion((usd * 1e9) as u64));
        ModelTraits {
            name,
            input_price: price("in"),
            output_price: price("out"),
            is_reasoning: name.starts_with("o1"),
            ..ModelTraits::default()
        }
    }
}

fn pair(row: &Row, strong: &str, weak: &str) -> Pair {
    let ((weak, weak_cost), (strong, strong_cost)) = (row.models[weak], row.models[strong]);
    Pair { weak, strong, weak_cost, strong_cost }
}

/// Times decisions on a long prompt.
fn decision_time() {
    let sentence = "If the 3rd tank holds 12.5 litres and drains twice as fast, when (in minutes) is it empty? ";
    let prompt = sentence.repeat(LONG_BYTES / sentence.len() + 1);
    let text = Text { user: &prompt[..LONG_BYTES], ..Text::default() };
    let predictor = Predictor::embedded();
    let mut times: Vec<u128> = (0..TIMES)
        .map(|_| {
            let start = Instant::now();
            std::hint::black_box(predictor.task(&Features::of(&text)));
            start.elapsed().as_nanos()
        })
        .collect();
    times.sort_unstable();
    println!(
        "decision on {LONG_BYTES} bytes: median {:.1} us, p99 {:.1} us",
        times[TIMES / 2] as f64 / 1e3,
        times[TIMES * 99 / 100] as f64 / 1e3
    );
}
