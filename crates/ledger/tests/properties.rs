//! Whatever the interleaving of hold, progress, ending, crash and replay, the sums come out.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use megarouter_domain::clock::Timestamp;
use megarouter_domain::id::{AttemptId, DeploymentId, KeyId, ModelId, PriceId, ProviderId, RequestId};
use megarouter_domain::money::{NanoUsd, NanoUsdPerMillion};
use megarouter_domain::price::{Cost, Rates, Tariff};
use megarouter_domain::record::{Operation, Outcome, UsageRecord};
use megarouter_domain::scope::Scope;
use megarouter_domain::usage::{Usage, UsageSource};
use megarouter_ledger::chain::{self, GENESIS};
use megarouter_ledger::engine::Engine;
use megarouter_ledger::entry::{Entry, Fact, HoldFact, PinnedPrice, Resolution};
use megarouter_ledger::state::State;
use megarouter_ledger::verify::{Report, Verifier};
use proptest::prelude::*;

const NOW: Timestamp = Timestamp::from_micros(1_795_348_800_000_000);
const REQUESTS: u8 = 6;

/// Something that happens. Requests and attempts are named by small numbers so that steps collide.
#[derive(Clone, Debug)]
enum Step {
    Hold {
        request: u8,
        attempt: u8,
        input: u64,
        output: u64,
        is_priced: bool,
    },
    Progress {
        request: u8,
        attempt: u8,
        output: u64,
    },
    Resolve {
        request: u8,
        attempt: u8,
        how: How,
    },
    Finish {
        request: u8,
    },
    /// The program dies; the last entries may not have reached the disk.
    Crash {
        lost: usize,
    },
}

#[derive(Clone, Copy, Debug)]
enum How {
    Settled { input: u64, output: u64, is_reported: bool },
    Unreported,
    Voided,
    Uncertain { output: u64 },
}

/// The plainest thing that could be right: amounts by attempt, kept by hand.
#[derive(Clone, Default)]
struct Model {
    held: HashMap<AttemptId, NanoUsd>,
    posted: NanoUsd,
}

struct World {
    engine: Engine,
    journal: Vec<Entry>,
    /// The model after each entry of the journal.
    models: Vec<Model>,
}

fn entropy(request: u8, attempt: u8) -> [u8; 10] {
    [0, 0, 0, 0, 0, 0, 0, 0, request, attempt]
}

fn attempt_id(request: u8, attempt: u8) -> AttemptId {
    AttemptId::new(NOW, entropy(request, attempt))
}

fn scopes(request: u8) -> Vec<Scope> {
    vec![
        Scope::Key(KeyId::new(NOW, [request % 2; 10])),
        Scope::Provider(ProviderId::new(NOW, [0; 10])),
        Scope::Model(ModelId::new(NOW, [request % 3; 10])),
    ]
}

fn price() -> PinnedPrice {
    let rates = Rates { input: NanoUsdPerMillion(1_234_567), output: NanoUsdPerMillion(7_654_321), ..Rates::default() };
    PinnedPrice { id: PriceId::new(NOW, [1; 10]), tariff: Arc::new(Tariff::of(rates)) }
}

fn hold_fact(request: u8, attempt: u8, input: u64, output: u64, is_priced: bool) -> HoldFact {
    let price = is_priced.then(price);
    HoldFact {
        attempt_id: attempt_id(request, attempt),
        request_id: RequestId::new(NOW, entropy(request, 0)),
        key_id: KeyId::new(NOW, [request % 2; 10]),
        deployment_id: DeploymentId::new(NOW, [0; 10]),
        provider_id: ProviderId::new(NOW, [0; 10]),
        scopes: scopes(request),
        amount: PinnedPrice::worst_case(
            price.as_ref(),
            &Usage { input: Some(input), output: Some(output), ..Usage::UNREPORTED },
        ),
        tokens: 0,
        session: None,
        price,
        counted_input: input,
        started_at: NOW,
        operation: Operation::ChatCompletions,
        model_asked: "m".into(),
        model: "m".into(),
        provider: "p".into(),
        upstream_model: "u".into(),
        is_streaming: true,
    }
}

fn record(engine: &Engine, request: u8) -> Arc<UsageRecord> {
    let request_id = RequestId::new(NOW, entropy(request, 0));
    let totals = engine.totals(request_id);
    Arc::new(UsageRecord {
        request_id,
        started_at: NOW,
        key_id: KeyId::new(NOW, [request % 2; 10]),
        units: [].into(),
        tags: vec![],
        session: None,
        refusal: None,
        operation: Operation::ChatCompletions,
        model_asked: "m".into(),
        model: Some("m".into()),
        provider: None,
        upstream_model: None,
        is_streaming: true,
        status: 200,
        outcome: Outcome::Completed,
        error: None,
        usage: totals.usage,
        usage_source: totals.source,
        cost: totals.cost,
        first_output: None,
        total: Duration::ZERO,
        overhead: None,
        attempts: Vec::new(),
        losses: Vec::new(),
        user_agent: None,
        decision: None,
    })
}

fn resolution(how: How) -> Resolution {
    // Cost and overage are wrong on purpose: the engine must work them out.
    let (cost, overage) = (Cost::Exact(NanoUsd(-1)), NanoUsd(-1));
    let tokens = |input, output| Usage { input: Some(input), output: Some(output), ..Usage::UNREPORTED };
    match how {
        How::Settled { input, output, is_reported } => {
            let source = if is_reported { UsageSource::Reported } else { UsageSource::Estimated };
            Resolution::Settled { usage: tokens(input, output), source, cost, overage }
        }
        How::Unreported => {
            Resolution::Settled { usage: Usage::UNREPORTED, source: UsageSource::Unknown, cost, overage }
        }
        How::Voided => Resolution::Voided,
        How::Uncertain { output } => Resolution::Uncertain { usage: tokens(9, output), cost },
    }
}

/// The same sum as the ledger's, written down a second time: dollars a million, rounded half up.
fn plain_cost(usage: &Usage) -> NanoUsd {
    let input = i128::from(usage.input.unwrap_or(0)) * 1_234_567;
    let output = i128::from(usage.output.unwrap_or(0)) * 7_654_321;
    NanoUsd(i64::try_from((input + output + 500_000) / 1_000_000).expect("test amounts are small"))
}

fn start(state: State) -> (Engine, Vec<Entry>) {
    Engine::start(state, Arc::default(), &[], "test", NOW)
}

impl World {
    fn new() -> Self {
        let mut world = Self { engine: start(State::default()).0, journal: vec![], models: vec![] };
        world.restart(State::default());
        world
    }

    fn restart(&mut self, state: State) {
        let (engine, entries) = start(state);
        self.engine = engine;
        for entry in entries {
            self.note(entry);
        }
    }

    /// Writes an entry down and does to the model what it says.
    fn note(&mut self, entry: Entry) {
        let mut model = self.models.last().cloned().unwrap_or_default();
        match &entry.fact {
            Fact::Hold(hold) => drop(model.held.insert(hold.attempt_id, hold.amount)),
            Fact::Resolve { attempt_id, resolution } => {
                model.held.remove(attempt_id).expect("only open holds are resolved");
                let is_charged = !matches!(resolution.cost(), Cost::Unknown | Cost::NotBillable);
                let charged = if is_charged { plain_cost(&resolution.usage()) } else { NanoUsd::ZERO };
                model.posted += charged;
            }
            _ => {}
        }
        self.journal.push(entry);
        self.models.push(model);
    }

    fn take(&mut self, step: &Step) {
        let entry = match *step {
            Step::Hold { request, attempt, input, output, is_priced } => {
                self.hold(request, attempt, input, output, is_priced)
            }
            Step::Progress { request, attempt, output } => {
                let usage = Usage { input: Some(1), output: Some(output), ..Usage::UNREPORTED };
                self.engine.progress(attempt_id(request, attempt), usage, NOW)
            }
            Step::Resolve { request, attempt, how } => {
                self.engine.resolve(attempt_id(request, attempt), resolution(how), NOW)
            }
            Step::Finish { request } => self.finish(request),
            Step::Crash { lost } => return self.crash(lost),
        };
        if let Some(entry) = entry {
            self.note(entry);
        }
    }

    /// Ids are never used twice, as with the gateway's random ones.
    fn hold(&mut self, request: u8, attempt: u8, input: u64, output: u64, is_priced: bool) -> Option<Entry> {
        let id = attempt_id(request, attempt);
        let is_used = |entry: &Entry| match &entry.fact {
            Fact::Hold(hold) => hold.attempt_id == id,
            Fact::Finished(record) => record.request_id == RequestId::new(NOW, entropy(request, 0)),
            _ => false,
        };
        if self.journal.iter().any(is_used) {
            return None;
        }
        self.engine.hold(hold_fact(request, attempt, input, output, is_priced), NOW).ok()
    }

    /// A request finishes once, after its holds.
    fn finish(&mut self, request: u8) -> Option<Entry> {
        let id = RequestId::new(NOW, entropy(request, 0));
        let is_over = |entry: &Entry| matches!(&entry.fact, Fact::Finished(record) if record.request_id == id);
        let has_open = self.engine.state().attempts_of(id).any(|attempt| attempt.resolution.is_none());
        if has_open || self.journal.iter().any(is_over) {
            return None;
        }
        Some(self.engine.finish(record(&self.engine, request), NOW))
    }

    fn crash(&mut self, lost: usize) {
        // The start of a run is durable before anything else happens.
        let started = self.journal.iter().rposition(|entry| matches!(entry.fact, Fact::Started { .. })).unwrap_or(0);
        let kept = self.journal.len().saturating_sub(lost).max(started + 1);
        self.journal.truncate(kept);
        self.models.truncate(kept);
        self.restart(fold(&self.journal));
    }
}

fn fold(journal: &[Entry]) -> State {
    let mut state = State::default();
    for entry in journal {
        state.apply(entry).expect("an engine's entries follow from each other");
    }
    state
}

fn verify(journal: &[Entry]) -> Report {
    let (mut verifier, mut link) = (Verifier::default(), GENESIS);
    for entry in journal {
        let encoded = chain::encode(entry).expect("an entry is JSON");
        link = chain::hash(&link, encoded.as_bytes());
        verifier.read(entry.lsn, &encoded, &link, |_, read| assert_eq!(read, entry));
    }
    verifier.finish().1
}

fn step() -> impl Strategy<Value = Step> {
    let ids = (0..REQUESTS, 0..3_u8);
    let tokens = 0..2_000_u64;
    let how = prop_oneof![
        4 => (tokens.clone(), tokens.clone(), any::<bool>())
            .prop_map(|(input, output, is_reported)| How::Settled { input, output, is_reported }),
        1 => Just(How::Unreported),
        1 => Just(How::Voided),
        1 => tokens.clone().prop_map(|output| How::Uncertain { output }),
    ];
    prop_oneof![
        6 => (ids.clone(), tokens.clone(), tokens.clone(), prop::bool::weighted(0.8)).prop_map(
            |((request, attempt), input, output, is_priced)| Step::Hold { request, attempt, input, output, is_priced }),
        3 => (ids.clone(), tokens).prop_map(|((request, attempt), output)| Step::Progress { request, attempt, output }),
        6 => (ids, how).prop_map(|((request, attempt), how)| Step::Resolve { request, attempt, how }),
        4 => (0..REQUESTS).prop_map(|request| Step::Finish { request }),
        1 => (0..5_usize).prop_map(|lost| Step::Crash { lost }),
    ]
}

fn run(steps: &[Step]) -> World {
    let mut world = World::new();
    for step in steps {
        world.take(step);
    }
    world
}

proptest! {
    #[test]
    fn a_new_run_ends_everything_and_the_ledger_is_sound(steps in prop::collection::vec(step(), 0..120)) {
        let mut world = run(&steps);
        world.crash(0);
        prop_assert_eq!(world.engine.open_holds(), 0);
        prop_assert_eq!(world.engine.state().attempts().count(), 0, "every request with an attempt has its record");
        let report = verify(&world.journal);
        prop_assert!(report.is_sound(), "{:?}", report.unexplained);
        prop_assert_eq!(report.posted, world.models.last().unwrap().posted);
        prop_assert_eq!(report.open_holds, 0);
    }

    #[test]
    fn folding_the_journal_gives_the_engines_state_and_again_changes_nothing(
        steps in prop::collection::vec(step(), 0..80), cut in any::<prop::sample::Index>(),
    ) {
        let world = run(&steps);
        let folded = fold(&world.journal);
        prop_assert_eq!(&folded, world.engine.state());
        let mut again = folded.clone();
        for entry in &world.journal[..=cut.index(world.journal.len())] {
            prop_assert_eq!(again.apply(entry), Ok(()));
        }
        prop_assert_eq!(&again, &folded);
        let restored = State::restore(
            folded.last(),
            folded.epoch(),
            folded.instant(),
            folded.attempts().cloned(),
        );
        prop_assert_eq!(restored, folded);
    }

    #[test]
    fn an_overage_is_what_the_hold_did_not_cover(steps in prop::collection::vec(step(), 0..80)) {
        let world = run(&steps);
        let holds: HashMap<AttemptId, NanoUsd> = world.journal.iter().filter_map(|entry| match &entry.fact {
            Fact::Hold(hold) => Some((hold.attempt_id, hold.amount)),
            _ => None,
        }).collect();
        for entry in &world.journal {
            if let Fact::Resolve { attempt_id, resolution: Resolution::Settled { cost, overage, .. } } = &entry.fact {
                prop_assert_eq!(*overage, (cost.amount() - holds[attempt_id]).max(NanoUsd::ZERO));
            }
        }
    }

    #[test]
    fn verification_sees_any_change_of_an_entry(
        steps in prop::collection::vec(step(), 1..40), place in any::<prop::sample::Index>(), byte in any::<prop::sample::Index>(),
    ) {
        let world = run(&steps);
        let changed = place.index(world.journal.len());
        let (mut verifier, mut link) = (Verifier::default(), GENESIS);
        for (number, entry) in world.journal.iter().enumerate() {
            let mut encoded = chain::encode(entry).unwrap();
            link = chain::hash(&link, encoded.as_bytes());
            if number == changed {
                let place = byte.index(encoded.len());
                let other = if encoded.as_bytes()[place] == b'7' { "8" } else { "7" };
                encoded.replace_range(place..=place, other);
            }
            verifier.read(entry.lsn, &encoded, &link, |_, _| {});
        }
        let (_, report) = verifier.finish();
        let named = format!("entry {} does not match the hash chain", changed + 1);
        prop_assert!(report.unexplained.iter().any(|line| line.contains(&named)), "{:?}", report.unexplained);
    }
}

#[test]
fn a_second_ending_changes_nothing() {
    let mut engine = start(State::default()).0;
    engine.hold(hold_fact(1, 1, 10, 10, true), NOW).unwrap();
    let how = resolution(How::Settled { input: 10, output: 5, is_reported: true });
    assert!(engine.resolve(attempt_id(1, 1), how, NOW).is_some());
    let state = engine.state().clone();
    assert!(engine.resolve(attempt_id(1, 1), Resolution::Voided, NOW).is_none());
    assert!(engine.progress(attempt_id(1, 1), Usage::UNREPORTED, NOW).is_none());
    assert_eq!(engine.state(), &state);
}

#[test]
fn a_record_that_contradicts_its_attempts_is_written_and_named() {
    let mut engine = start(State::default()).0;
    let mut journal = vec![];
    let (_, started) = start(State::default());
    journal.extend(started);
    journal.push(engine.hold(hold_fact(1, 1, 10, 10, true), NOW).unwrap());
    // While its hold is open; then the hold ends after all.
    journal.push(engine.finish(record(&engine, 1), NOW));
    journal.push(engine.resolve(attempt_id(1, 1), Resolution::Voided, NOW).unwrap());
    let mut wrong = UsageRecord::clone(&record(&engine, 2));
    wrong.cost = Cost::Exact(NanoUsd(1));
    journal.push(engine.finish(Arc::new(wrong), NOW));
    let report = verify(&journal);
    assert_eq!(report.findings, 2, "{:?}", report.unexplained);
    assert!(report.unexplained[0].contains("finishes request"), "{:?}", report.unexplained);
    assert!(report.unexplained[1].contains("sums the attempts"), "{:?}", report.unexplained);
    assert_eq!(engine.state().attempts().count(), 0);
}

#[test]
fn a_request_that_finished_before_its_hold_is_not_finished_again_by_recovery() {
    let mut engine = start(State::default()).0;
    engine.hold(hold_fact(1, 1, 10, 10, true), NOW).unwrap();
    engine.finish(record(&engine, 1), NOW);
    let (engine, entries) = start(engine.state().clone());
    let kinds: Vec<_> = entries.iter().map(|entry| entry.fact.kind()).collect();
    assert_eq!(kinds, ["started", "resolve"]);
    assert_eq!(engine.state().attempts().count(), 0);
}

#[test]
fn figures_that_cannot_be_true_cost_nothing_known() {
    let usage = Usage { input: Some(u64::MAX), output: Some(1), ..Usage::UNREPORTED };
    assert_eq!(PinnedPrice::cost(Some(&price()), &usage, UsageSource::Reported), Cost::Unknown);
}
