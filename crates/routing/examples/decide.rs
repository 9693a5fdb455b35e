//! What a decision costs: time and allocations, for a prompt of 8 KB and 50 candidates.
//!
//! `cargo run -p megarouter-routing --release --example decide`

#![expect(clippy::print_stdout, clippy::unwrap_used, reason = "an example that prints its figures")]
#![expect(unsafe_code, reason = "an allocator that counts is one by its trait")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use megarouter_domain::access::Principal;
use megarouter_domain::catalog::Set;
use megarouter_domain::clock::Timestamp;
use megarouter_domain::id::{DeploymentId, KeyId, ModelId, OrganizationId, PolicyId, PriceId, ProviderId};
use megarouter_domain::key::{ModelAccess, VirtualKey};
use megarouter_domain::model::{Deployment, Model};
use megarouter_domain::money::NanoUsdPerMillion;
use megarouter_domain::policy::{Body, Policy, Route, Rule, Version};
use megarouter_domain::price::{Price, Rates, Tariff};
use megarouter_domain::provider::{Credential, CredentialSource, Provider, Target};
use megarouter_domain::record::Operation;
use megarouter_domain::snapshot::{Parts, Snapshot};
use megarouter_routing::features::{Features, Text};
use megarouter_routing::health::{Callee, Ended};
use megarouter_routing::learnt::{Learnt, Outcome};
use megarouter_routing::predictor::Predictor;
use megarouter_routing::question::BudgetView;
use megarouter_routing::{Affinity, Health, Question, Surroundings, Table, decide};

struct Counting;

static ALLOCATIONS: AtomicU64 = AtomicU64::new(0);

// SAFETY: everything is passed on to the system's allocator as it came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        // SAFETY: as above.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: as above.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

const NOW: Timestamp = Timestamp::from_micros(1_795_608_000_000_000);
const CANDIDATES: u8 = 50;
const DECISIONS: usize = 20_000;

const NAMES: [&str; 10] = [
    "gpt-4o",
    "gpt-4o-mini",
    "claude-3-5-sonnet",
    "claude-3-haiku",
    "gemini-1.5-pro",
    "llama-3.1-70b",
    "mistral-large",
    "qwen2.5-72b",
    "unheard-of-model",
    "deepseek-v2.5",
];

fn snapshot(strategy: &str) -> Snapshot {
    let model = |seed: u8| {
        let nano = |dollars: u64| NanoUsdPerMillion(dollars * 100_000_000);
        let rates =
            Rates { input: nano(u64::from(seed) + 1), output: nano(u64::from(seed) * 4 + 4), ..Rates::default() };
        let deployment = Deployment {
            id: DeploymentId::new(NOW, [seed; 10]),
            provider_id: ProviderId::new(NOW, [seed % 10; 10]),
            upstream_model: "up".to_owned(),
            price: Some(Price {
                id: PriceId::new(NOW, [seed; 10]),
                valid_from: NOW,
                tariff: Tariff::of(rates),
                source: "bench".to_owned(),
            }),
            max_output_tokens: None,
            can_reason: None,
        };
        Model {
            id: ModelId::new(NOW, [seed; 10]),
            name: format!("{}-{}", NAMES[usize::from(seed % 10)], seed / 10),
            aliases: vec![],
            deployments: vec![deployment],
            created_at: NOW,
        }
    };
    let target = |seed: u8| Target {
        provider: Provider {
            id: ProviderId::new(NOW, [seed; 10]),
            name: format!("p{seed}"),
            kind: "openai".to_owned(),
            base_url: "http://127.0.0.1:1/v1".to_owned(),
            credential: CredentialSource::None,
            dialects: vec![],
            is_enabled: true,
            region: None,
            keeps_prompts: None,
            pool: vec![],
        },
        credential: Credential::None,
        pool: vec![],
    };
    let rule =
        Rule { name: String::new(), when: vec![], route: Route { strategy: strategy.to_owned(), ..Route::default() } };
    let live = Version {
        number: 1,
        body: Body { takes_over: vec![], rules: vec![rule] },
        text: None,
        note: String::new(),
        made_at: NOW,
    };
    let policy = Policy {
        id: PolicyId::new(NOW, [1; 10]),
        name: "auto".to_owned(),
        description: String::new(),
        live,
        trial: None,
        created_at: NOW,
        archived_at: None,
    };
    Snapshot::new(Parts {
        organization: OrganizationId::new(NOW, [0; 10]),
        organization_name: "Acme".into(),
        units: vec![],
        budgets: vec![],
        keys: vec![],
        targets: (0..10).map(target).collect(),
        models: (0..CANDIDATES).map(model).collect(),
        facts: HashMap::new(),
        policies: vec![policy],
    })
    .unwrap()
}

/// Calls that went well, so that every deployment has measurements.
fn health(table: &Table) -> Health {
    let mut health = Health::default();
    for (served, millis) in table.served().iter().zip(100..) {
        let callee = Callee { deployment: served.deployment_id(), provider: served.provider_id(), credential: None };
        let first_output = Duration::from_millis(millis);
        let total = first_output * 4;
        health.begin(callee, false, Duration::ZERO);
        health.end(
            callee,
            Ended::Served { first_output: Some(first_output), total, output_tokens: Some(200) },
            Duration::ZERO,
        );
    }
    health
}

/// 8 KB of what people write to models.
fn prompts() -> Vec<String> {
    let parts = [
        "Please refactor this function so that it streams its input instead of reading it whole:\n```rust\nfn sum(path: \
         &Path) -> u64 { fs::read_to_string(path).unwrap().lines().map(|l| l.parse::<u64>().unwrap()).sum() }\n```\n",
        "Prove that the sum of the first n odd numbers is $n^2$, then derive a closed form for \\sum k^3. ",
        "Summarise the following minutes of a meeting for somebody who was not there, in five bullet points. ",
        "Which of these is true? (A) the mitochondria store genes (B) the liver makes bile (C) neither (D) both. ",
    ];
    let prompt = |first: usize| parts.iter().cycle().skip(first).take(100).copied().collect::<String>();
    (0..parts.len()).map(|first| prompt(first)[..8_192].to_owned()).collect()
}

fn main() {
    let prompts = prompts();
    for strategy in ["learned_utility", "lowest_cost", "complexity", "cascade", "lowest_latency", "fixed_order"] {
        measure(strategy, 0, &prompts);
    }
    measure("learned_utility", 2_000, &prompts);
}

/// Outcomes of all the models.
fn learnt(table: &Table, prompts: &[String], count: usize) -> Learnt {
    let (predictor, mut learnt) = (Predictor::embedded(), Learnt::default());
    for (number, served) in table.served().iter().cycle().take(count).enumerate() {
        let text = Text { user: &prompts[number % prompts.len()], ..Text::default() };
        let task = predictor.task(&Features::of(&text));
        let score = f32::from(u8::from(number % 3 == 0));
        learnt.learn(predictor, &Outcome { task: &task, model: served.traits(), score, weight: 1.0 });
    }
    learnt.refresh();
    learnt
}

fn measure(strategy: &str, outcomes: usize, prompts: &[String]) {
    let table = Table::new(&snapshot(strategy));
    let (health, affinity, learnt) = (health(&table), Affinity::default(), learnt(&table, prompts, outcomes));
    let principal = Principal { key: Arc::new(key()) };
    let header = |_: &str| None;
    let around = Surroundings {
        predictor: Predictor::embedded(),
        learnt: &learnt,
        health: &health,
        affinity: &affinity,
        now: Duration::from_secs(1),
    };
    let mut times = Vec::with_capacity(DECISIONS);
    let mut allocations = 0;
    for number in 0..DECISIONS + DECISIONS / 10 {
        let question = Question {
            asked: "auto",
            principal: &principal,
            units: &[],
            tags: &[],
            headers: &header,
            session: None,
            operation: Operation::ChatCompletions,
            needs: Set::EMPTY,
            input_tokens: 2_000,
            output_bound: None,
            text: Text { user: &prompts[number % prompts.len()], ..Text::default() },
            task: None,
            at: NOW,
            budget: BudgetView::default(),
        };
        let (before, start) = (ALLOCATIONS.load(Ordering::Relaxed), Instant::now());
        let decided = decide(&table, &question, &around, number as u64).unwrap();
        let took = start.elapsed();
        assert_eq!(decided.choices.len(), usize::from(CANDIDATES));
        // The first ones fill the caches.
        if number >= DECISIONS / 10 {
            times.push(took);
            allocations += ALLOCATIONS.load(Ordering::Relaxed) - before;
        }
    }
    times.sort_unstable();
    let at = |percent: usize| times[times.len() * percent / 100 - 1].as_nanos();
    let [median, p99] = [at(50), at(99)].map(|nanos| format!("{}.{} µs", nanos / 1_000, nanos / 100 % 10));
    println!(
        "{strategy:16} {outcomes:5} outcomes: median {median:>10}  p99 {p99:>10}  {} allocations",
        allocations / DECISIONS as u64
    );
}

fn key() -> VirtualKey {
    VirtualKey {
        id: KeyId::new(NOW, [1; 10]),
        name: "bench".to_owned(),
        owner: None,
        project: None,
        hint: String::new(),
        hash: None,
        models: ModelAccess::All,
        is_strict: false,
        created_at: NOW,
        expires_at: None,
        revoked_at: None,
    }
}
