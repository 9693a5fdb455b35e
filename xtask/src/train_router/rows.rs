//! The prompts with many models' outcomes that the router is trained and judged on.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

use anyhow::{Context, Result};
use flate2::read::GzDecoder;
use megarouter_routing::features::{Features, Text};
use serde_json::Value;
use sha2::{Digest, Sha256};

/// One prompt with the scores of the models that answered it.
#[derive(Clone, Debug)]
pub struct Row {
    /// Its id.
    pub id: String,
    /// The benchmark it is from.
    pub source: String,
    /// The part of the benchmark.
    pub family: String,
    /// The text.
    pub prompt: String,
    /// What the router sees of it.
    pub features: Features,
    /// Score and cost in USD by model.
    pub models: BTreeMap<String, (f64, f64)>,
    /// 0 to 4.
    pub fold: usize,
}

/// Reads a gzip file of rows; also the SHA-256 of the file, in hexadecimal.
pub fn read(path: &Path) -> Result<(Vec<Row>, String)> {
    let mut bytes = Vec::new();
    File::open(path)
        .and_then(|mut file| file.read_to_end(&mut bytes))
        .with_context(|| format!("cannot read {}", path.display()))?;
    let lines = BufReader::new(GzDecoder::new(bytes.as_slice())).lines();
    let rows = lines
        .enumerate()
        .map(|(index, line)| row(&line?).with_context(|| format!("line {} of {}", index + 1, path.display())));
    Ok((rows.collect::<Result<_>>()?, hex(&Sha256::digest(&bytes))))
}

/// A hash in hexadecimal.
pub fn hex(hash: &[u8]) -> String {
    hash.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn row(line: &str) -> Result<Row> {
    let value: Value = serde_json::from_str(line)?;
    let text = |name: &str| value[name].as_str().map(str::to_owned).with_context(|| format!("no {name}"));
    let models = value["models"].as_object().context("no models")?;
    let models = models.iter().map(|(name, outcome)| {
        let score = outcome["score"].as_f64().context("no score")?;
        Ok((name.clone(), (score, outcome["usd"].as_f64().unwrap_or(0.0))))
    });
    let prompt = text("prompt")?;
    Ok(Row {
        id: text("id")?,
        source: text("source")?,
        family: text("family")?,
        features: Features::of(&Text { user: &prompt, ..Text::default() }),
        prompt,
        models: models.collect::<Result<_>>()?,
        fold: usize::try_from(value["fold"].as_u64().context("no fold")?)?,
    })
}

/// The sources of rows, in order.
pub fn sources(rows: &[&Row]) -> Vec<String> {
    rows.iter().map(|row| row.source.clone()).collect::<BTreeSet<_>>().into_iter().collect()
}

/// The mean score of each model over rows.
pub fn means(rows: &[&Row]) -> BTreeMap<String, f64> {
    let mut sums: BTreeMap<&str, (f64, f64)> = BTreeMap::new();
    for row in rows {
        for (model, (score, _)) in &row.models {
            let sum = sums.entry(model).or_default();
            *sum = (sum.0 + score, sum.1 + 1.0);
        }
    }
    sums.into_iter().map(|(model, (sum, count))| (model.to_owned(), sum / count)).collect()
}
