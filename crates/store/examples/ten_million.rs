//! Makes a ledger of many requests and times the questions that people ask of it:
//! `cargo run --release -p megarouter-store --example ten_million -- FOLDER [REQUESTS [upkeep]]`.
//!
//! The traffic is made up: 90 days of 40 members and 12 apps in 6 teams and 2 departments, mostly in
//! working hours, 30 models of 5 providers, tags on half of the requests. Everything else is real: the
//! engine decides, and the ledger appends what it says, entries and all. With a folder that has a ledger
//! already, only the questions are asked. With `upkeep`, instead of them, the ledger is verified, repaired
//! and rid of its entries.

use std::error::Error;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use megarouter_domain::clock::Timestamp;
use megarouter_domain::code::Code;
use megarouter_domain::id::{
    AttemptId, DeploymentId, KeyId, ModelId, OrganizationId, PriceId, ProviderId, RequestId, UnitId,
};
use megarouter_domain::money::NanoUsdPerMillion;
use megarouter_domain::period::Zone;
use megarouter_domain::price::{Cost, Rates, Tariff};
use megarouter_domain::record::{AttemptRecord, Operation, Outcome, UsageRecord};
use megarouter_domain::scope::Scope;
use megarouter_domain::tag::Tag;
use megarouter_domain::unit::{Unit, UnitKind, Units};
use megarouter_domain::usage::{Usage, UsageSource};
use megarouter_ledger::engine::Engine;
use megarouter_ledger::entry::{Entry, HoldFact, PinnedPrice, Resolution};
use megarouter_store::ledger::Ledger;
use megarouter_store::ledger::pivot::{Dimension, PivotQuery};
use megarouter_store::ledger::requests::Filter;
use megarouter_store::ledger::selection::Selection;

/// 2026-08-24T00:00:00Z, a Monday; 90 days later is 2026-11-22.
const START: Timestamp = Timestamp::from_micros(1_787_529_600_000_000);
const DAYS: u64 = 90;
const HOUR: u64 = 3_600_000_000;
const OWNERS: u64 = 52;
const MODELS: u64 = 30;
const PROVIDERS: u64 = 5;
const BATCH: u64 = 1_000;
const RUNS: usize = 20;
/// As the server does it.
const RETIRED_AT_ONCE: u32 = 2_000;

type Outcomes<T> = Result<T, Box<dyn Error>>;

#[tokio::main(flavor = "current_thread")]
#[expect(clippy::print_stdout, reason = "the figures are what it is for")]
async fn main() -> Outcomes<()> {
    let mut arguments = std::env::args().skip(1);
    let dir = arguments.next().ok_or("name a folder")?;
    let requests: u64 = arguments.next().map_or(Ok(10_000_000), |count| count.parse())?;
    let dir = Path::new(&dir);
    if !dir.join("ledger.db").exists() {
        generate(dir, requests).await?;
    }
    let begin = Instant::now();
    let ledger = Ledger::open(dir).await?;
    let opened = begin.elapsed();
    let begin = Instant::now();
    ledger.recover("measurement", START.plus(Duration::from_secs(86_400 * DAYS))).await?;
    println!("opened in {opened:.1?}, a run begun in {:.1?}, {} MB", begin.elapsed(), ledger.size() / 1_000_000);
    if arguments.next().is_some() {
        upkeep(&ledger).await?;
    } else {
        ask_pivots(&ledger).await?;
        ask_lists(&ledger).await?;
    }
    ledger.close().await;
    Ok(())
}

/// Numbers that look random and are the same each time.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % sides
    }

    /// Small numbers are likelier.
    fn low(&mut self, sides: u64) -> u64 {
        self.roll(sides).min(self.roll(sides)).min(self.roll(sides))
    }
}

#[expect(clippy::print_stdout, reason = "the figures are what it is for")]
async fn generate(dir: &Path, requests: u64) -> Outcomes<()> {
    let begin = Instant::now();
    let ledger = Ledger::open(dir).await?;
    let mut engine = ledger.recover("generator", START).await?;
    let mut dice = Dice(0x9e37_79b9_7f4a_7c15);
    let arrivals = arrivals(requests);
    let mut made = 0;
    let mut batch: Vec<Entry> = Vec::new();
    for (hour, count) in (0..).zip(arrivals) {
        for place in 0..count {
            let at = START.plus(Duration::from_micros(hour * HOUR + place * HOUR / count));
            request(&mut engine, &mut dice, made, at, &mut batch);
            made += 1;
            if made % BATCH == 0 {
                ledger.append(&batch).await?;
                batch.clear();
            }
            if made % 500_000 == 0 {
                println!("{made} requests after {:.0?}, {} MB", begin.elapsed(), ledger.size() / 1_000_000);
            }
        }
    }
    ledger.append(&batch).await?;
    ledger.close().await;
    let bytes = std::fs::metadata(dir.join("ledger.db"))?.len();
    let each = begin.elapsed() / u32::try_from(made)?;
    println!("{made} requests in {:.0?}, {each:.1?} each, {} bytes each", begin.elapsed(), bytes / made);
    Ok(())
}

/// How many requests arrive in each hour.
fn arrivals(requests: u64) -> Vec<u64> {
    let weight = |hour: u64| match (hour / 24 % 7, hour % 24) {
        (5..=6, _) => 1,
        (_, 7..=17) => 20,
        (_, 18..=22) => 5,
        _ => 1,
    };
    let total: u64 = (0..DAYS * 24).map(weight).sum();
    let share = |hours: u64| requests * (0..hours).map(weight).sum::<u64>() / total;
    (0..DAYS * 24).map(|hour| share(hour + 1) - share(hour)).collect()
}

fn entropy(kind: u8, number: u64) -> [u8; 10] {
    let mut entropy = [kind; 10];
    entropy[2..].copy_from_slice(&number.to_be_bytes());
    entropy
}

fn unit(number: u64) -> UnitId {
    UnitId::new(START, entropy(1, number))
}

/// Departments are 0 and 1, teams 10 to 15, owners from 100 on.
fn units_of(owner: u64) -> Vec<UnitId> {
    let team = owner % 6;
    vec![unit(100 + owner), unit(10 + team), unit(team % 2)]
}

fn tree() -> Outcomes<Units> {
    let of = |number: u64, kind, parent: Option<u64>| Unit {
        id: unit(number),
        kind,
        name: format!("unit {number}"),
        parent: parent.map(unit),
        email: None,
        created_at: START,
        archived_at: None,
    };
    let departments = (0..2).map(|number| of(number, UnitKind::Department, None));
    let teams = (0..6).map(|number| of(10 + number, UnitKind::Team, Some(number % 2)));
    let owners = (0..OWNERS).map(|owner| {
        let kind = if owner < 40 { UnitKind::Member } else { UnitKind::App };
        of(100 + owner, kind, Some(10 + owner % 6))
    });
    Ok(Units::new(departments.chain(teams).chain(owners))?)
}

fn tags(dice: &mut Dice) -> Vec<Tag> {
    let mut tags = Vec::new();
    if dice.roll(2) == 0 {
        let value = ["prod", "test", "dev"][usize::try_from(dice.low(3)).unwrap_or(0)];
        tags.extend(Tag::new("env", value));
    }
    if dice.roll(4) == 0 {
        tags.extend(Tag::new("feature", &format!("feature-{}", dice.low(40))));
    }
    tags
}

/// The entries of one request: one call that is answered, now and then one that is not.
#[expect(clippy::too_many_lines, reason = "the long part is what a hold and a record consist of")]
fn request(engine: &mut Engine, dice: &mut Dice, number: u64, at: Timestamp, entries: &mut Vec<Entry>) {
    let owner = dice.low(OWNERS);
    let model = (owner + dice.low(12)) % MODELS;
    let provider = model % PROVIDERS;
    let (outcome, status) = match dice.roll(100) {
        0..=1 => (Outcome::Failed, 502),
        2 => (Outcome::Refused, 429),
        3 => (Outcome::ClientLeft, 499),
        _ => (Outcome::Completed, 200),
    };
    let (request_id, attempt_id) = (RequestId::new(at, entropy(2, number)), AttemptId::new(at, entropy(3, number)));
    let key_id = KeyId::new(START, entropy(4, owner));
    let units = units_of(owner);
    let tags = tags(dice);
    let session: Option<Arc<str>> = (dice.roll(3) == 0).then(|| format!("session-{}", number / 300).into());
    let name: Arc<str> = format!("model-{model}").into();
    let provider_name: Arc<str> = format!("provider-{provider}").into();
    let upstream: Arc<str> = format!("model-{model}-2026-08-01").into();
    let deployment_id = DeploymentId::new(START, entropy(5, model));
    let provider_id = ProviderId::new(START, entropy(6, provider));
    let total = Duration::from_micros(200_000 + dice.low(20_000_000));
    let first_output = Some(total / 4);
    let is_called = outcome != Outcome::Refused;
    if is_called {
        let mut scopes = vec![
            Scope::Organization(OrganizationId::new(START, [1; 10])),
            Scope::Key(key_id),
            Scope::Provider(provider_id),
        ];
        scopes.push(Scope::Model(ModelId::new(START, entropy(7, model))));
        scopes.extend(units.iter().copied().map(Scope::Unit));
        scopes.extend(tags.iter().cloned().map(Scope::Tag));
        let fact = HoldFact {
            attempt_id,
            request_id,
            key_id,
            deployment_id,
            provider_id,
            scopes,
            amount: megarouter_domain::money::NanoUsd(2_000_000),
            tokens: 5_000,
            session: session.clone(),
            price: Some(price(model)),
            counted_input: 900,
            started_at: at,
            operation: Operation::ChatCompletions,
            model_asked: Arc::clone(&name),
            model: Arc::clone(&name),
            provider: Arc::clone(&provider_name),
            upstream_model: Arc::clone(&upstream),
            is_streaming: true,
        };
        entries.extend(engine.hold(fact, at));
        let usage = Usage {
            input: Some(100 + dice.low(6_000)),
            cached_read: Some(dice.low(4_000)),
            output: Some(20 + dice.low(2_000)),
            reasoning: Some(dice.low(500)),
            ..Usage::UNREPORTED
        };
        let settled = Resolution::Settled {
            usage,
            source: UsageSource::Reported,
            cost: Cost::Unknown,
            overage: megarouter_domain::money::NanoUsd::ZERO,
        };
        entries.extend(engine.resolve(attempt_id, settled, at.plus(total)));
    }
    let totals = engine.totals(request_id);
    let error = match outcome {
        Outcome::Failed => Some(Code::UpstreamError),
        Outcome::Refused => Some(Code::BudgetExceeded),
        Outcome::ClientLeft => Some(Code::ClientLeft),
        _ => None,
    };
    let attempt = AttemptRecord {
        attempt_id,
        deployment_id,
        provider_id,
        provider: Arc::clone(&provider_name),
        upstream_model: Arc::clone(&upstream),
        dialect: None,
        started_after: Duration::from_micros(90),
        first_output,
        duration: total,
        status: Some(200),
        error,
        detail: None,
        upstream_request_id: Some(format!("req_{number:016x}").into()),
        credential_id: None,
        purpose: None,
    };
    let record = UsageRecord {
        request_id,
        started_at: at,
        key_id,
        units: units.into(),
        tags,
        session,
        refusal: None,
        operation: Operation::ChatCompletions,
        model_asked: Arc::clone(&name),
        model: Some(name),
        provider: is_called.then_some(provider_name),
        upstream_model: is_called.then_some(upstream),
        is_streaming: true,
        status,
        outcome,
        error,
        usage: totals.usage,
        usage_source: totals.source,
        cost: totals.cost,
        first_output: first_output.filter(|_| is_called),
        total,
        overhead: Some(Duration::from_micros(90)),
        attempts: if is_called { vec![attempt] } else { vec![] },
        losses: Vec::new(),
        user_agent: Some("OpenAI/Python 2.8.0".into()),
        decision: None,
    };
    entries.push(engine.finish(Arc::new(record), at.plus(total)));
}

fn price(model: u64) -> PinnedPrice {
    let rates = Rates {
        input: NanoUsdPerMillion(100_000_000 * (model + 1)),
        cached_read: Some(NanoUsdPerMillion(10_000_000 * (model + 1))),
        output: NanoUsdPerMillion(500_000_000 * (model + 1)),
        ..Rates::default()
    };
    PinnedPrice { id: PriceId::new(START, entropy(8, model)), tariff: Arc::new(Tariff::of(rates)) }
}

fn days(count: u64) -> (Timestamp, Timestamp) {
    let end = START.plus(Duration::from_secs(86_400 * DAYS));
    (end.minus(Duration::from_secs(86_400 * count)), end)
}

#[expect(clippy::print_stdout, reason = "the figures are what it is for")]
async fn ask_pivots(ledger: &Ledger) -> Outcomes<()> {
    let units = tree()?;
    let zone: Zone = "Europe/Berlin".parse()?;
    let named = [
        ("day", Dimension::Day, None),
        ("team", Dimension::Team, None),
        ("member", Dimension::Member, None),
        ("app", Dimension::App, None),
        ("key", Dimension::Key, None),
        ("model", Dimension::Model, None),
        ("provider", Dimension::Provider, None),
        ("tag env", Dimension::Tag("env".into()), None),
        ("tag feature", Dimension::Tag("feature".into()), None),
        ("status", Dimension::Status, None),
        ("hour x weekday", Dimension::HourOfWeek, None),
        ("team x day", Dimension::Team, Some(Dimension::Day)),
        ("model x team", Dimension::Model, Some(Dimension::Team)),
    ];
    for (name, rows, columns) in named {
        for count in [90, 7] {
            let (from, to) = days(count);
            for selection in [Selection::default(), Selection { unit: Some(unit(11)), ..Selection::default() }] {
                let of = if selection.unit.is_some() { "one team" } else { "all" };
                let (rows, columns) = (rows.clone(), columns.clone());
                let query = PivotQuery { from, to, zone, rows, columns, selection, outcome: None };
                let p95 = timed(async || Ok(ledger.pivot(&query, &units).await?.cells.len())).await;
                let p95 = p95.unwrap_or_else(|error| error.to_string());
                println!("{name:<16} {count:>3} days {of:<9} {p95}");
            }
        }
    }
    Ok(())
}

#[expect(clippy::print_stdout, reason = "the figures are what it is for")]
async fn ask_lists(ledger: &Ledger) -> Outcomes<()> {
    let key = Some(KeyId::new(START, entropy(4, 50)));
    let tag = Tag::new("feature", "feature-39").ok();
    let (from, _) = days(80);
    let filters = [
        ("everything", Filter::default()),
        ("a rare key", Filter { key_id: key, ..Filter::default() }),
        ("a member", Filter { unit: Some(unit(130)), ..Filter::default() }),
        ("a team", Filter { unit: Some(unit(12)), ..Filter::default() }),
        ("a department", Filter { unit: Some(unit(1)), ..Filter::default() }),
        ("a model", Filter { model: Some("model-7".into()), ..Filter::default() }),
        ("a provider", Filter { provider: Some("provider-3".into()), ..Filter::default() }),
        ("a tag", Filter { tag, ..Filter::default() }),
        ("a session", Filter { session: Some("session-77".into()), ..Filter::default() }),
        ("failed", Filter { outcome: Some(Outcome::Failed), ..Filter::default() }),
        ("a rare key, failed", Filter { key_id: key, outcome: Some(Outcome::Failed), ..Filter::default() }),
        ("up to 80 days ago", Filter { to: Some(from), key_id: key, ..Filter::default() }),
        ("search", Filter { search: Some("model-29".into()), ..Filter::default() }),
    ];
    for (name, filter) in filters {
        let page = timed(async || Ok(ledger.requests(&filter, None, 50).await?.rows.len())).await?;
        let sums = timed(async || Ok(usize::try_from(ledger.request_sums(&filter).await?.requests)?)).await;
        println!("list: {name:<20} {page}; sums {}", sums.unwrap_or_else(|error| error.to_string()));
    }
    Ok(())
}

/// Asks many times; tells the slowest but one of twenty, the mean processor time, and the size of the answer.
async fn timed(ask: impl AsyncFn() -> Outcomes<usize>) -> Outcomes<String> {
    let mut times = Vec::with_capacity(RUNS);
    let mut size = 0;
    let before = cpu_time()?;
    for _ in 0..RUNS {
        let begin = Instant::now();
        size = ask().await?;
        times.push(begin.elapsed());
    }
    times.sort_unstable();
    let cpu = cpu_time()?.saturating_sub(before) / u32::try_from(RUNS)?;
    Ok(format!("p95 {:>8.1?}, processor {cpu:>8.1?}, {size} rows", times[RUNS - 2]))
}

/// Times what looks after a ledger, and tells what memory the removal of entries takes.
#[expect(clippy::print_stdout, reason = "the figures are what it is for")]
async fn upkeep(ledger: &Ledger) -> Outcomes<()> {
    let (begin, busy) = (Instant::now(), cpu_time()?);
    let report = ledger.verify().await?;
    let (took, processor) = (begin.elapsed(), cpu_time()?.saturating_sub(busy));
    println!("verified {} entries in {took:.1?}, processor {processor:.1?}", report.entries);
    let (begin, busy) = (Instant::now(), cpu_time()?);
    ledger.repair().await?;
    let (took, processor) = (begin.elapsed(), cpu_time()?.saturating_sub(busy));
    println!("verified and made the tables again in {took:.1?}, processor {processor:.1?}");
    let end = START.plus(Duration::from_secs(86_400 * DAYS));
    let mut engine = ledger.recover("upkeep", end).await?;
    ledger.append(&[engine.checkpoint(end)]).await?;
    let last = ledger.durable().await?;
    let (before, begin) = (memory()?, Instant::now());
    let (mut most, mut longest, mut steps) = (before, Duration::ZERO, 0);
    loop {
        let step = Instant::now();
        if ledger.retire(end.plus(Duration::from_secs(86_400)), last, RETIRED_AT_ONCE).await? == 0 {
            break;
        }
        steps += 1;
        (most, longest) = (most.max(memory()?), longest.max(step.elapsed()));
    }
    println!("removed entries in {:.1?}: {steps} steps, the longest {longest:.1?}", begin.elapsed());
    println!("memory: {before} KB before, at most {most} KB");
    Ok(())
}

/// The memory of this process that is in RAM, in KB.
fn memory() -> Outcomes<u64> {
    let text = std::fs::read_to_string("/proc/self/status")?;
    let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:")).ok_or("no memory")?;
    Ok(line.trim().trim_end_matches(" kB").parse()?)
}

/// User and system time of this process so far: what a question takes where nothing else runs.
fn cpu_time() -> Outcomes<Duration> {
    let text = std::fs::read_to_string("/proc/self/stat")?;
    let fields: Vec<&str> = text.rsplit_once(") ").ok_or("no process name")?.1.split(' ').collect();
    let ticks = fields[11].parse::<u64>()? + fields[12].parse::<u64>()?;
    Ok(Duration::from_millis(ticks * 10))
}
