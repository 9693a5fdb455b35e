//! Runs the rounds and compares our ledger with the mock's count.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

use super::contenders::{MockProcess, Nginx, OurProgram};
use super::governed;
use super::scenarios::{self, Scenario};
use super::translations::{self, Translation};
use crate::control::Control;
use crate::load;
use crate::mock_provider::Totals;
use crate::process;
use crate::world::NANOS_PER_TOKEN;

const BOOKING_LIMIT: Duration = Duration::from_secs(10);

/// What one contender did in one scenario.
#[derive(Clone, Copy, Debug)]
pub struct Measured {
    /// Processor milliseconds per request; not a number for the mock alone.
    pub cpu_ms: f64,
    /// Requests answered in a second.
    pub per_second: f64,
    /// Latency, 50th percentile, in milliseconds.
    pub p50_ms: f64,
    /// Latency, 99th percentile, in milliseconds.
    pub p99_ms: f64,
    /// Time to the first output, 50th percentile, in milliseconds.
    pub first_p50_ms: f64,
    /// Requests that did not get a whole, right answer.
    pub errors: u64,
}

/// One scenario in one round.
#[derive(Clone, Debug)]
pub struct Comparison {
    /// Which.
    pub scenario: Scenario,
    /// The mock without a proxy.
    pub direct: Measured,
    /// nginx.
    pub nginx: Measured,
    /// MegaRouter.
    pub ours: Measured,
}

/// One round.
#[derive(Clone, Debug)]
pub struct Round {
    /// All scenarios.
    pub comparisons: Vec<Comparison>,
    /// Some of the scenarios with everything on, beside what nginx did in this round.
    pub governed: Vec<Comparison>,
    /// All pairs of dialects.
    pub translations: Vec<Translation>,
    /// From the start of our process to its first connection.
    pub cold_start: Duration,
    /// Resident memory of our process before any load, in KiB.
    pub idle_rss_kib: u64,
    /// The same after all load.
    pub loaded_rss_kib: u64,
    /// Our ledger against the mock's count.
    pub ledger: LedgerCheck,
}

/// What the mock told us, and what is on our ledger.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LedgerCheck {
    /// By the mock's count.
    pub counted: Sums,
    /// By our ledger.
    pub booked: Sums,
}

/// Sums over requests.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sums {
    /// Requests.
    pub requests: u64,
    /// Input tokens.
    pub input: u64,
    /// Output tokens.
    pub output: u64,
    /// Nano-dollars.
    pub nanos: u64,
}

/// Runs one round: every contender started afresh, every scenario on each of them in turn.
pub async fn run(duration: Duration) -> Result<Round> {
    let mock = MockProcess::start()?;
    let nginx = Nginx::start(mock.address()?)?;
    let ours = OurProgram::start(&mock)?;
    let process_id = ours.program.process_id();
    let idle_rss_kib = process::tree(process_id).rss_kib;
    let mut comparisons = Vec::new();
    let mut counted = Sums::default();
    for scenario in scenarios::ALL {
        let measure = async |address, key: &str, watched| {
            let url = format!("http://{address}/v1/chat/completions").parse()?;
            measured(&load::run(scenario.plan(url, key, duration, watched)).await?, duration)
        };
        // The mock's own process is watched in the row without a proxy only to have one to watch.
        let direct = measure(mock.address()?, "none", std::process::id()).await?;
        let through_nginx = measure(nginx.address(), "none", nginx.process_id()).await?;
        let before = mock.totals().await?;
        let through_us = measure(ours.program.proxy(), &ours.key, process_id).await?;
        counted.add(before, mock.totals().await?);
        let direct = Measured { cpu_ms: f64::NAN, ..direct };
        comparisons.push(Comparison { scenario, direct, nginx: through_nginx, ours: through_us });
    }
    let governed = governed(&mock, &comparisons, duration).await?;
    let mut translations = Vec::new();
    for pair in translations::ALL {
        let url = ours.program.url(pair.path).parse()?;
        let before = mock.totals().await?;
        let report = load::run(pair.plan(url, &ours.key, duration, process_id)).await?;
        counted.add(before, mock.totals().await?);
        translations.push(Translation { pair, ours: measured(&report, duration)? });
    }
    let loaded_rss_kib = process::tree(process_id).rss_kib;
    let booked = booked(&ours, counted).await?;
    let verified = ours.program.install().run(&["ledger", "verify"])?;
    ensure!(verified.contains("0 unexplained"), "ledger verify says: {verified}");
    let ledger = LedgerCheck { counted, booked };
    Ok(Round { comparisons, governed, translations, cold_start: ours.cold_start, idle_rss_kib, loaded_rss_kib, ledger })
}

/// The same loads on a program with an organisation and budgets, and its own ledger against the count.
async fn governed(mock: &MockProcess, plain: &[Comparison], duration: Duration) -> Result<Vec<Comparison>> {
    let ours = governed::start(mock).await?;
    let mut counted = Sums::default();
    let mut governed = Vec::new();
    for scenario in governed::scenarios() {
        let before = mock.totals().await?;
        let report = load::run(governed::plan(&scenario, &ours, duration)?).await?;
        counted.add(before, mock.totals().await?);
        let plain = plain.iter().find(|it| it.scenario.name == scenario.name).context("no such scenario")?;
        governed.push(Comparison { ours: measured(&report, duration)?, ..plain.clone() });
    }
    let booked = booked(&ours, counted).await?;
    ensure!(booked == counted, "with everything on, {booked:?} are booked of {counted:?}");
    Ok(governed)
}

fn measured(report: &load::Report, duration: Duration) -> Result<Measured> {
    let errors: u64 = report.errors.values().sum();
    ensure!(report.answered > 0, "nothing was answered: {:?}", report.errors);
    #[expect(clippy::cast_precision_loss, reason = "a rate for people")]
    let per_second = report.answered as f64 / duration.as_secs_f64();
    Ok(Measured {
        cpu_ms: report.cpu_ms_per_request(0),
        per_second,
        p50_ms: report.latency.percentile_ms(0.5),
        p99_ms: report.latency.percentile_ms(0.99),
        first_p50_ms: report.first_output.percentile_ms(0.5),
        errors,
    })
}

impl Sums {
    fn add(&mut self, before: Totals, after: Totals) {
        let input = after.tokens.prompt - before.tokens.prompt;
        let output = after.tokens.completion - before.tokens.completion;
        self.requests += after.reported_calls - before.reported_calls;
        self.input += input;
        self.output += output;
        self.nanos += input * NANOS_PER_TOKEN.0 + output * NANOS_PER_TOKEN.1;
    }
}

/// What our program's overview of the last day shows, once it shows as many requests as were counted.
async fn booked(ours: &OurProgram, counted: Sums) -> Result<Sums> {
    let control = Control::of(&ours.program.install().data_folder());
    let start = Instant::now();
    loop {
        let overview = control.get("/overview").await?;
        let sums = sums_of(&overview["current"]).context("the overview has no figures")?;
        if sums.requests >= counted.requests || start.elapsed() > BOOKING_LIMIT {
            return Ok(sums);
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

fn sums_of(figures: &Value) -> Option<Sums> {
    Some(Sums {
        requests: figures["requests"].as_u64()?,
        input: figures["input_tokens"].as_u64()?,
        output: figures["output_tokens"].as_u64()?,
        nanos: figures["cost"]["amount"].as_str()?.parse().ok()?,
    })
}
