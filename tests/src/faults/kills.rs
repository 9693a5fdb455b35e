//! Kills under load.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use futures_util::StreamExt as _;
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use serde_json::Value;
use tokio::sync::Mutex;

use crate::client;
use crate::control::Control;
use crate::mock_provider::{DEFAULT_MODEL, MockProvider, Script};
use crate::program::{Install, Program};
use crate::setup::Setup;
use crate::world::{PRICE, PROVIDER, request_id};

/// Apps that call at once while the program is killed.
const APPS: usize = 8;

/// What some rounds of kills came to.
#[derive(Debug, Default)]
pub struct KillReport {
    /// Times the program was killed.
    pub kills: usize,
    /// Requests of which a client saw at least one byte of output.
    pub delivered: usize,
    /// Requests on the ledger in the end.
    pub booked: usize,
}

/// Kills the program `count` times under load, at moments drawn from `seed`, and checks after each
/// restart that nothing delivered is missing, nothing is there twice and everything is explained.
pub async fn kill_under_load(count: usize, seed: u64) -> Result<KillReport> {
    let mut random = StdRng::seed_from_u64(seed);
    let mock = MockProvider::start().await?;
    mock.script(DEFAULT_MODEL, Script { gap_ms: 2, chunks: 10, ..Script::default() });
    let install = Install::new()?;
    install.apply(&Setup::new().provider(PROVIDER, &mock.base_url()).model(
        DEFAULT_MODEL,
        &[PROVIDER],
        PRICE.0,
        PRICE.1,
    ))?;
    let key = install.create_key("kills")?;
    let mut delivered = HashSet::new();
    for kill in 0..count {
        let program = install.start()?;
        check_delivered(&install, &delivered).await.with_context(|| format!("after kill {kill} of seed {seed}"))?;
        let load = Apps::start(&program, &key);
        tokio::time::sleep(Duration::from_millis(random.random_range(30..400))).await;
        program.kill()?;
        delivered.extend(load.end().await?);
    }
    let program = install.start()?;
    let rows = check_delivered(&install, &delivered).await.with_context(|| format!("in the end of seed {seed}"))?;
    check_attempts(&install, &rows, mock.calls().len()).await?;
    program.stop()?;
    let verdict = install.run(&["ledger", "verify"])?;
    ensure!(verdict.contains("0 unexplained"), "{verdict}");
    Ok(KillReport { kills: count, delivered: delivered.len(), booked: rows.len() })
}

async fn check_delivered(install: &Install, delivered: &HashSet<String>) -> Result<Vec<Value>> {
    let verdict = install.run(&["ledger", "verify"])?;
    ensure!(verdict.contains("0 unexplained"), "{verdict}");
    let rows = Control::of(&install.data_folder()).requests().await?;
    let mut booked = HashSet::new();
    for row in &rows {
        let id = row["id"].as_str().context("a row without an id")?;
        ensure!(booked.insert(id), "the request {id} is booked twice");
    }
    let missing: Vec<&String> = delivered.iter().filter(|id| !booked.contains(id.as_str())).collect();
    ensure!(missing.is_empty(), "delivered and not booked: {missing:?}");
    Ok(rows)
}

/// No provider's answer may be charged twice, and none that was not given.
async fn check_attempts(install: &Install, rows: &[Value], calls: usize) -> Result<()> {
    let control = Control::of(&install.data_folder());
    let mut charged = HashSet::new();
    for row in rows {
        let id = row["id"].as_str().context("a row without an id")?;
        let detail = control.request(id).await?;
        for attempt in detail["attempt_list"].as_array().context("no attempts")? {
            ensure!(attempt["resolution"] != "open", "an open hold is left: {attempt}");
            if let Some(id) = attempt["upstream_request_id"].as_str() {
                ensure!(charged.insert(id.to_owned()), "{id} is charged twice");
            }
        }
    }
    ensure!(charged.len() <= calls, "{} attempts for {calls} calls", charged.len());
    Ok(())
}

/// Apps that call until they are told to end, and note what they got.
struct Apps {
    delivered: Arc<Mutex<HashSet<String>>>,
    is_ending: Arc<AtomicBool>,
    tasks: Vec<tokio::task::JoinHandle<()>>,
}

impl Apps {
    fn start(program: &Program, key: &str) -> Self {
        let delivered = Arc::new(Mutex::new(HashSet::new()));
        let is_ending = Arc::new(AtomicBool::new(false));
        let url = program.url("/v1/chat/completions");
        let tasks = (0..APPS)
            .map(|number| {
                let app = App {
                    request: client::new().post(&url).bearer_auth(key),
                    is_streaming: number % 2 == 0,
                    delivered: Arc::clone(&delivered),
                };
                let is_ending = Arc::clone(&is_ending);
                tokio::spawn(async move {
                    while !is_ending.load(Ordering::Relaxed) {
                        // A killed program refuses connections; that is the end of this app's round.
                        if app.call().await.is_none() {
                            return;
                        }
                    }
                })
            })
            .collect();
        Self { delivered, is_ending, tasks }
    }

    async fn end(self) -> Result<HashSet<String>> {
        self.is_ending.store(true, Ordering::Relaxed);
        for task in self.tasks {
            task.await?;
        }
        Ok(std::mem::take(&mut *self.delivered.lock().await))
    }
}

struct App {
    request: reqwest::RequestBuilder,
    is_streaming: bool,
    delivered: Arc<Mutex<HashSet<String>>>,
}

impl App {
    /// One call; `None` when the program is gone.
    async fn call(&self) -> Option<()> {
        let body =
            if self.is_streaming { client::stream_body(DEFAULT_MODEL, true) } else { client::chat_body(DEFAULT_MODEL) };
        let answer = self.request.try_clone()?.json(&body).send().await.ok()?;
        let id = request_id(answer.headers()).to_owned();
        let is_good = answer.status() == 200;
        let mut body = answer.bytes_stream();
        let mut has_output = false;
        while let Some(piece) = body.next().await {
            let piece = piece.ok()?;
            if is_good && !has_output && !piece.is_empty() {
                has_output = true;
                self.delivered.lock().await.insert(id.clone());
            }
        }
        Some(())
    }
}
