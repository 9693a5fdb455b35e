//! Kills under load.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

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

/// How long an entry that nobody waits for may take to be written.
const SETTLE_LIMIT: Duration = Duration::from_secs(5);
/// Restarts between two that recompute the whole ledger.
const VERIFIED_EVERY: usize = 20;

/// What some rounds of kills came to.
#[derive(Debug, Default)]
pub struct KillReport {
    /// Times the program was killed.
    pub kills: usize,
    /// Requests of which a client saw at least one byte of output.
    pub delivered: usize,
    /// Requests on the ledger in the end.
    pub booked: usize,
    /// Calls that the provider saw.
    pub calls: usize,
    /// Attempts on the ledger.
    pub attempts: usize,
    /// The longest start after a kill, until the first answer.
    pub slowest_start: Duration,
    /// Entries on the ledger in the end.
    pub entries: usize,
}

/// Kills the program `count` times under load, at moments drawn from `seed`, and checks after each
/// restart that nothing delivered is missing, nothing is there twice, the provider's calls are the
/// ledger's attempts but for those in flight, and no hold is open.
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
    let mut report = KillReport::default();
    let mut books = Books::default();
    for kill in 0..=count {
        let start = Instant::now();
        let program = install.start()?;
        report.slowest_start = report.slowest_start.max(start.elapsed());
        let is_last = kill == count;
        let calls = mock.calls().len();
        let is_verified = is_last || kill % VERIFIED_EVERY == 0;
        books.check(&install, calls, is_verified).await.with_context(|| format!("after kill {kill} of seed {seed}"))?;
        if is_last {
            let verified = verify(&install)?;
            report.entries = figure(&verified, "entries")?;
            program.stop()?;
            break;
        }
        let load = Apps::start(&program, &key);
        tokio::time::sleep(Duration::from_millis(random.random_range(30..400))).await;
        program.kill()?;
        books.delivered.extend(load.end().await?);
    }
    Ok(KillReport {
        kills: count,
        delivered: books.delivered.len(),
        booked: books.booked.len(),
        calls: mock.calls().len(),
        attempts: books.attempts,
        ..report
    })
}

/// What was delivered, and what is known to be on the ledger.
#[derive(Default)]
struct Books {
    delivered: HashSet<String>,
    booked: HashSet<String>,
    /// Ids that the provider gave to calls that were charged.
    charged: HashSet<String>,
    attempts: usize,
    calls: usize,
}

impl Books {
    /// Takes over what came onto the ledger since the last time and checks all promises.
    async fn check(&mut self, install: &Install, calls: usize, is_verified: bool) -> Result<()> {
        let control = Control::of(&install.data_folder());
        let before = self.attempts;
        for row in control.requests_not_in(&self.booked).await? {
            let id = row["id"].as_str().context("a row without an id")?;
            ensure!(self.booked.insert(id.to_owned()), "the request {id} is booked twice");
            self.check_attempts(&control.request(id).await?)?;
        }
        let missing: Vec<&String> = self.delivered.difference(&self.booked).collect();
        ensure!(missing.is_empty(), "delivered and not booked: {missing:?}");
        // A call may be under way whose hold is not yet written, or a hold be written whose call is not.
        let (called, attempted) = (calls - self.calls, self.attempts - before);
        ensure!(called.abs_diff(attempted) <= APPS, "{called} calls and {attempted} attempts since the last kill");
        self.calls = calls;
        if is_verified {
            let verified = verify(install)?;
            ensure!(figure(&verified, "open_holds")? == 0, "holds of a dead epoch are open: {verified}");
            ensure!(figure(&verified, "attempts")? == self.attempts, "{} attempts in rows: {verified}", self.attempts);
        }
        Ok(())
    }

    /// No provider's answer may be charged twice, and none that was not given.
    fn check_attempts(&mut self, detail: &Value) -> Result<()> {
        for attempt in detail["attempt_list"].as_array().context("no attempts")? {
            self.attempts += 1;
            ensure!(attempt["resolution"] != "open", "an open hold is left: {attempt}");
            if let Some(id) = attempt["upstream_request_id"].as_str() {
                ensure!(self.charged.insert(id.to_owned()), "{id} is charged twice");
            }
        }
        Ok(())
    }
}

/// What `ledger verify` says, when everything is explained.
pub fn verify(install: &Install) -> Result<Value> {
    let verified: Value = serde_json::from_str(&install.run(&["ledger", "verify", "--json"])?)?;
    ensure!(figure(&verified, "findings")? == 0, "{verified}");
    Ok(verified)
}

/// The same, as soon as no hold is open: the last entries of an answer may linger.
pub async fn verify_settled(install: &Install) -> Result<Value> {
    let start = Instant::now();
    loop {
        let verified = verify(install)?;
        if figure(&verified, "open_holds")? == 0 {
            return Ok(verified);
        }
        ensure!(start.elapsed() < SETTLE_LIMIT, "holds stay open: {verified}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

fn figure(verified: &Value, name: &str) -> Result<usize> {
    let figure = verified[name].as_u64().with_context(|| format!("no {name} in {verified}"))?;
    Ok(usize::try_from(figure)?)
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
