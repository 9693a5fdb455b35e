//! Measures what the journal costs: `cargo run --release -p megarouter-store --example append_cost`.
//!
//! Prints, for batches of several sizes, the processor time of this process for each request (three
//! entries with everything derived from them) and the time of a commit.

use std::sync::Arc;
use std::time::{Duration, Instant};

use megarouter_domain::clock::Timestamp;
use megarouter_domain::id::{AttemptId, DeploymentId, KeyId, OrganizationId, PriceId, ProviderId, RequestId};
use megarouter_domain::money::{NanoUsd, NanoUsdPerMillion};
use megarouter_domain::price::{Cost, Rates, Tariff};
use megarouter_domain::record::{AttemptRecord, Operation, Outcome, UsageRecord};
use megarouter_domain::scope::Scope;
use megarouter_domain::usage::{Usage, UsageSource};
use megarouter_ledger::engine::Engine;
use megarouter_ledger::entry::{Entry, HoldFact, PinnedPrice, Resolution};
use megarouter_store::ledger::Ledger;

const START: Timestamp = Timestamp::from_micros(1_795_348_800_000_000);
const REQUESTS: u64 = 20_000;

#[tokio::main(flavor = "current_thread")]
#[expect(clippy::print_stdout, reason = "the figures are what it is for")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!(
        "{:>8} {:>14} {:>14} {:>16} {:>16}",
        "requests", "CPU/request", "decide/request", "commit", "wall/request"
    );
    for batch in [1, 8, 64, 256] {
        measure(batch).await?;
    }
    Ok(())
}

#[expect(clippy::print_stdout, reason = "the figures are what it is for")]
async fn measure(batch: u64) -> Result<(), Box<dyn std::error::Error>> {
    let dir = tempfile::tempdir()?;
    let ledger = Ledger::open(dir.path()).await?;
    let mut engine = ledger.recover("measurement", START).await?;
    let commits = (REQUESTS / batch).min(2_000);
    let (mut deciding, mut committing) = (Duration::ZERO, Duration::ZERO);
    let before = cpu_time()?;
    for commit in 0..commits {
        let begin = Instant::now();
        let entries: Vec<Entry> =
            (0..batch).flat_map(|request| account(&mut engine, commit * batch + request)).collect();
        deciding += begin.elapsed();
        let begin = Instant::now();
        ledger.append(&entries).await?;
        committing += begin.elapsed();
    }
    let (requests, commits) = (u32::try_from(commits * batch)?, u32::try_from(commits)?);
    let cpu = cpu_time()?.saturating_sub(before) / requests;
    let (decide, commit, wall) = (deciding / requests, committing / commits, committing / requests);
    println!("{batch:>8} {cpu:>14.1?} {decide:>14.1?} {commit:>16.1?} {wall:>16.1?}");
    ledger.close().await;
    Ok(())
}

/// User and system time of this process so far.
fn cpu_time() -> Result<Duration, Box<dyn std::error::Error>> {
    let text = std::fs::read_to_string("/proc/self/stat")?;
    let fields: Vec<&str> = text.rsplit_once(") ").ok_or("no process name")?.1.split(' ').collect();
    let ticks = fields[11].parse::<u64>()? + fields[12].parse::<u64>()?;
    // The kernel's tick has been a hundredth of a second on every Linux we run on.
    Ok(Duration::from_millis(ticks * 10))
}

/// The three entries of a request, as the gateway would make them.
fn account(engine: &mut Engine, number: u64) -> [Entry; 3] {
    let now = START.plus(Duration::from_millis(number));
    let mut entropy = [0; 10];
    entropy[2..].copy_from_slice(&number.to_be_bytes());
    let (request_id, attempt_id) = (RequestId::new(now, entropy), AttemptId::new(now, entropy));
    let hold = engine.hold(hold_fact(request_id, attempt_id, number, now), now).unwrap_or_else(|_| unreachable!());
    let usage = Usage { input: Some(1_000), output: Some(200), ..Usage::UNREPORTED };
    let (cost, overage) = (Cost::Unknown, NanoUsd::ZERO);
    let settled = Resolution::Settled { usage, source: UsageSource::Reported, cost, overage };
    let settled = engine.resolve(attempt_id, settled, now).unwrap_or_else(|| unreachable!());
    let record = record(engine, request_id, attempt_id, number, now);
    [hold, settled, engine.finish(Arc::new(record), now)]
}

fn key_id(number: u64) -> KeyId {
    KeyId::new(START, [u8::try_from(number % 4).unwrap_or(0); 10])
}

fn hold_fact(request_id: RequestId, attempt_id: AttemptId, number: u64, now: Timestamp) -> HoldFact {
    let rates =
        Rates { input: NanoUsdPerMillion(150_000_000), output: NanoUsdPerMillion(600_000_000), ..Rates::default() };
    let price = Some(PinnedPrice { id: PriceId::new(START, [3; 10]), tariff: Arc::new(Tariff::of(rates)) });
    let provider_id = ProviderId::new(START, [2; 10]);
    HoldFact {
        attempt_id,
        request_id,
        key_id: key_id(number),
        deployment_id: DeploymentId::new(START, [4; 10]),
        provider_id,
        scopes: vec![
            Scope::Organization(OrganizationId::new(START, [1; 10])),
            Scope::Key(key_id(number)),
            Scope::Provider(provider_id),
        ],
        amount: PinnedPrice::worst_case(
            price.as_ref(),
            &Usage { input: Some(1_200), output: Some(4_096), ..Usage::UNREPORTED },
        ),
        tokens: 0,
        session: None,
        price,
        counted_input: 1_000,
        started_at: now,
        operation: Operation::ChatCompletions,
        model_asked: "gpt-5-mini".into(),
        model: "gpt-5-mini".into(),
        provider: "openai".into(),
        upstream_model: "gpt-5-mini-2026-08-01".into(),
        is_streaming: true,
    }
}

fn record(engine: &Engine, request_id: RequestId, attempt_id: AttemptId, number: u64, now: Timestamp) -> UsageRecord {
    let totals = engine.totals(request_id);
    let total = Duration::from_micros(400_000 + number * 7_919 % 900_000);
    let attempt = AttemptRecord {
        attempt_id,
        deployment_id: DeploymentId::new(START, [4; 10]),
        provider_id: ProviderId::new(START, [2; 10]),
        provider: "openai".into(),
        upstream_model: "gpt-5-mini-2026-08-01".into(),
        dialect: None,
        started_after: Duration::from_micros(90),
        first_output: Some(Duration::from_millis(250)),
        duration: total,
        status: Some(200),
        error: None,
        detail: None,
        upstream_request_id: Some("req_0123456789abcdef".into()),
        credential_id: None,
        purpose: None,
    };
    UsageRecord {
        request_id,
        started_at: now,
        key_id: key_id(number),
        units: [].into(),
        tags: vec![],
        session: None,
        refusal: None,
        operation: Operation::ChatCompletions,
        model_asked: "gpt-5-mini".into(),
        model: Some("gpt-5-mini".into()),
        provider: Some("openai".into()),
        upstream_model: Some("gpt-5-mini-2026-08-01".into()),
        is_streaming: true,
        status: 200,
        outcome: Outcome::Completed,
        error: None,
        usage: totals.usage,
        usage_source: totals.source,
        cost: totals.cost,
        first_output: Some(Duration::from_millis(250)),
        total,
        overhead: Some(Duration::from_micros(90)),
        attempts: vec![attempt],
        losses: Vec::new(),
        user_agent: Some("OpenAI/Python 2.8.0".into()),
        decision: None,
    }
}
