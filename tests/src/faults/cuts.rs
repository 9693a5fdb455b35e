//! Streams that break off at any byte, in every dialect.

use std::collections::HashMap;

use anyhow::{Context as _, Result, ensure};
use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

use crate::client;
use crate::control::Control;
use crate::evil_upstream::{Act, Dialect, EvilUpstream, Framing, Play};
use crate::program::Program;
use crate::world::request_id;

/// Streams under way at once.
const AT_ONCE: usize = 32;

/// What the cuts came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CutReport {
    /// Streams that were cut.
    pub cuts: usize,
    /// Of them, those of which the client saw some output and then an error.
    pub told_in_stream: usize,
    /// Those that were answered with an error status, since nothing had been delivered.
    pub told_by_status: usize,
}

/// Cuts `count` streams in each dialect at bytes drawn from `seed`, and checks that none of them looks
/// whole to its client or on the ledger.
pub async fn cut_streams(count: usize, seed: u64) -> Result<CutReport> {
    let upstream = EvilUpstream::start().await?;
    let (program, key) = upstream.program(&[])?;
    let cuts = cuts(count, seed);
    for cut in &cuts {
        upstream.stage(&cut.name, cut.play.clone());
    }
    let http = client::new();
    let told: Vec<(String, u16)> = stream::iter(&cuts)
        .map(async |cut| {
            let told = check(&program, &key, &http, cut).await;
            told.with_context(|| format!("{} of seed {seed}: {:?}, {:?}", cut.name, cut.dialect, cut.play))
        })
        .buffer_unordered(AT_ONCE)
        .try_collect()
        .await?;
    check_ledger(&program, &told).await.with_context(|| format!("seed {seed}"))?;
    let told_in_stream = told.iter().filter(|(_, status)| *status == 200).count();
    Ok(CutReport { cuts: told.len(), told_in_stream, told_by_status: told.len() - told_in_stream })
}

struct Cut {
    name: String,
    dialect: Dialect,
    play: Play,
}

fn cuts(count: usize, seed: u64) -> Vec<Cut> {
    let mut random = StdRng::seed_from_u64(seed);
    let mut cuts = Vec::new();
    for dialect in Dialect::ALL {
        let whole = String::from_utf8_lossy(&dialect.stream(&Play::default())).into_owned();
        let last = whole.rfind(dialect.end_mark()).unwrap_or_default();
        for number in 0..count {
            let at = random.random_range(0..=last);
            let framing = if random.random() { Framing::Chunked } else { Framing::Close };
            // A body that ends in due form, only too early, is the hardest to tell from a whole one.
            let end = [None, Some(Act::Fin), Some(Act::Rst), Some(Act::HalfClose)][random.random_range(0..4)].clone();
            let acts = std::iter::once(Act::Answer(Some(at))).chain(end);
            let play = Play { framing, ..Play::of(acts) };
            cuts.push(Cut { name: format!("cut-{dialect:?}-{number}"), dialect, play });
        }
    }
    cuts
}

/// The promise to the client. Returns the request's id and status.
async fn check(program: &Program, key: &str, http: &reqwest::Client, cut: &Cut) -> Result<(String, u16)> {
    let model = cut.dialect.model();
    let request = http.post(program.url(&cut.dialect.path(model, true))).bearer_auth(key);
    let answer = request.json(&cut.dialect.request(model, &cut.name, true)).send().await?;
    let id = request_id(answer.headers()).to_owned();
    let status = answer.status().as_u16();
    let text = client::text_of(answer).await;
    ensure!(!text.contains(cut.dialect.end_mark()), "it looks whole: {text}");
    if status == 200 {
        ensure!(cut.dialect.tells_error(&text), "no error was told: {text}");
    } else {
        ensure!(status == 502, "status {status}: {text}");
    }
    Ok((id, status))
}

/// The promise of the ledger: every stream is one row that says what became of it.
async fn check_ledger(program: &Program, told: &[(String, u16)]) -> Result<()> {
    let rows = Control::of(&program.install().data_folder()).requests_once_there_are(told.len()).await?;
    ensure!(rows.len() == told.len(), "{} rows for {} requests", rows.len(), told.len());
    let booked: HashMap<&str, &serde_json::Value> =
        rows.iter().filter_map(|row| Some((row["id"].as_str()?, row))).collect();
    for (id, status) in told {
        let row = booked.get(id.as_str()).with_context(|| format!("{id} is not on the ledger"))?;
        let expected = if *status == 200 { "truncated" } else { "failed" };
        ensure!(row["outcome"] == expected, "{id} with status {status} is booked as {}", row["outcome"]);
    }
    Ok(())
}
