//! `train-router`: the weights of the router, from prompts with many models' outcomes.
//!
//! The data is not part of the repository; what is made of it is, with its provenance. The same data
//! gives the same bytes: sums run in a fixed order, in `f64`, and use nothing that differs between
//! platforms (`+ - * /` and square roots only); there is no randomness.
#![expect(clippy::cast_precision_loss, reason = "counts of rows")]
#![expect(clippy::cast_possible_truncation, reason = "weights are stored as f32")]

mod abilities;
mod fit;
pub mod rows;
pub mod target;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use megarouter_domain::task::Family;
use megarouter_routing::predictor::Weights;
use megarouter_routing::predictor::ability::Trend;
use serde_json::json;
use sha2::{Digest, Sha256};

use crate::place::Place;
use fit::{Design, Fit};
use rows::{Row, hex};

/// Where the licences of the sources are from: the data's own README, read on this day.
const READ_ON: &str = "2026-11-22";
/// Sources that weights may be made of, with origin and licence.
const LICENCES: &[(&str, &str)] = &[
    ("mmlu-pro", "TIGER-AI-Lab/MMLU-Pro eval_results, Apache-2.0; rows from stemez, theoremQA and scibench only"),
    ("zeroeval-math-l5", "WildEval/ZeroEval result_dirs, Apache-2.0; MATH is MIT"),
    ("zeroeval-crux", "WildEval/ZeroEval result_dirs, Apache-2.0; CRUXEval is MIT"),
    ("zeroeval-numersense-v2", "WildEval/ZeroEval result_dirs, Apache-2.0"),
    ("bfcl", "questions: ShishirPatil/gorilla, Apache-2.0; pass or fail as facts from HuanzhiMao/BFCL-Result"),
];
/// Which source stands for which family.
const STANDS_FOR: &[(Family, &str)] = &[
    (Family::Maths, "zeroeval-math-l5"),
    (Family::Code, "zeroeval-crux"),
    (Family::Knowledge, "mmlu-pro"),
    (Family::Tools, "bfcl"),
];
/// How far a family's hardness follows its one source; other benchmarks of it are easier and harder.
const FOLLOWS: f64 = 0.5;

/// The folder that `--data` names.
pub fn folder(arguments: &[String]) -> Result<PathBuf> {
    match arguments {
        [flag, folder] if flag == "--data" => Ok(PathBuf::from(folder)),
        _ => bail!("say where the data is: --data DIR"),
    }
}

/// Trains on `train.jsonl.gz` and writes the weights and their provenance.
pub fn train_router(place: &Place, arguments: &[String]) -> Result<()> {
    let folder = folder(arguments)?;
    let (rows, data_hash) = rows::read(&folder.join("train.jsonl.gz"))?;
    let all: Vec<&Row> = rows.iter().collect();
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for row in &rows {
        *counts.entry(&row.source).or_default() += 1;
    }
    if let Some(source) = counts.keys().find(|source| !LICENCES.iter().any(|(known, _)| known == *source)) {
        bail!("{source} is no source that weights may be made of");
    }
    let bytes = train(&all, &folder)?.to_bytes();
    let licence = |source: &str| LICENCES.iter().find(|(known, _)| *known == source).map(|(_, licence)| *licence);
    let sources =
        counts.iter().map(|(source, count)| json!({"source": source, "rows": count, "origin": licence(source)}));
    let provenance = json!({
        "weights_sha256": hex(&Sha256::digest(&bytes)),
        "weights_bytes": bytes.len(),
        "made_by": "cargo xtask train-router",
        "train_sha256": data_hash,
        "prices_sha256": hex(&Sha256::digest(std::fs::read(folder.join("prices.json"))?)),
        "sources": sources.collect::<Vec<_>>(),
        "licences_read": READ_ON,
        "seed": "none: nothing is drawn at random",
    });
    let to = place.root.join("crates/routing/weights");
    write(&to.join("router.bin"), &bytes)?;
    write(&to.join("router.json"), (serde_json::to_string_pretty(&provenance)? + "\n").as_bytes())?;
    println!("{} rows, {} bytes of weights", rows.len(), bytes.len());
    Ok(())
}

fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    std::fs::write(path, bytes).with_context(|| format!("cannot write {}", path.display()))
}

/// The weights that rows of some sources give.
pub fn train(rows: &[&Row], folder: &Path) -> Result<Weights> {
    let design = Design::new(rows);
    let gains = design.target(target::gains);
    let need = design.fit(&gains);
    let difficulty = design.fit(&design.target(target::difficulties));
    let ngrams = design.fit_ngrams(&gains, &need);
    let most = ngrams.iter().fold(f64::MIN_POSITIVE, |most: f64, weight| most.max(weight.abs()));
    let abilities = abilities::fit(rows, &folder.join("prices.json"))?;
    let mean = abilities.hardness.values().sum::<f64>() / abilities.hardness.len() as f64;
    let hardness = |family: &Family| {
        let source = STANDS_FOR
            .iter()
            .find(|(other, _)| other == family)
            .and_then(|(_, source)| abilities.hardness.get(*source));
        (mean + FOLLOWS * (source.unwrap_or(&mean) - mean)) as f32
    };
    Ok(Weights {
        centre: need.centre.map(|value| value as f32),
        need: need.weights.map(|value| value as f32),
        difficulty: difficulty.weights.map(|value| value as f32),
        ngram_scale: (most / 127.0) as f32,
        ngrams: ngrams.iter().map(|weight| (weight / most * 127.0).round() as i8).collect(),
        hardness: families(hardness),
        family_need: families(|family| believed_need(*family)),
        lines: abilities.lines,
        trend: Trend(abilities.trend),
    })
}

/// A linear model over n-grams alone, to compare with.
pub struct Ngrams(Vec<f64>);

/// Fits a linear model over n-grams alone.
pub fn train_ngrams(rows: &[&Row]) -> Ngrams {
    let design = Design::new(rows);
    Ngrams(design.fit_ngrams(&design.target(target::gains), &Fit::nothing()))
}

impl Ngrams {
    /// What it says of a row.
    pub fn predict(&self, row: &Row) -> f64 {
        row.features.slots.iter().map(|slot| self.0[usize::from(*slot)]).sum::<f64>()
            / (row.features.slots.len().max(1) as f64).sqrt()
    }
}

fn families(of: impl Fn(&Family) -> f32) -> [f32; Family::ALL.len()] {
    let mut all = [0.0; Family::ALL.len()];
    for (place, family) in all.iter_mut().zip(Family::ALL) {
        *place = of(family);
    }
    all
}

/// What is believed beforehand of how much strong models gain in a family; five benchmarks cannot say it.
const fn believed_need(family: Family) -> f32 {
    match family {
        Family::Maths => 0.5,
        Family::Code | Family::Reasoning => 0.3,
        Family::Knowledge | Family::Other => 0.0,
        Family::Extraction | Family::Tools | Family::Writing => -0.2,
        Family::Summary | Family::Translation | Family::Chat => -0.4,
    }
}
