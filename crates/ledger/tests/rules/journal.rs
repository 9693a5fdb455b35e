//! What entries say: endings, totals, what a dead run left, and what verification counts and finds.

use std::sync::Arc;
use std::time::Duration;

use megarouter_domain::id::AttemptId;
use megarouter_domain::money::NanoUsd;
use megarouter_domain::price::Cost;
use megarouter_domain::usage::{Usage, UsageSource};
use megarouter_ledger::chain::{self, GENESIS};
use megarouter_ledger::engine::Engine;
use megarouter_ledger::entry::{Adjustment, ChangeNote, Entry, Fact, MOST_TOKENS, PinnedPrice, Resolution};
use megarouter_ledger::state::{Inconsistency, State, Totals};
use megarouter_ledger::verify::{Report, Verifier};

use crate::kit::{self, Call, NOW};
use crate::{call, hold};

/// An engine with everything it wrote.
fn begin() -> (Engine, Vec<Entry>) {
    Engine::start(State::default(), Arc::default(), &[], "test", NOW)
}

fn settled(output: u64, source: UsageSource) -> Resolution {
    Resolution::Settled { usage: kit::tokens(0, output), source, cost: Cost::Unknown, overage: NanoUsd::ZERO }
}

/// A request that set aside what 10 tokens cost, and used 100.
fn serve(engine: &mut Engine, call: Call, source: UsageSource) -> [Entry; 3] {
    let held = hold(engine, call, 10).unwrap();
    let resolved = engine.resolve(call.attempt, settled(100, source), call.started_at).unwrap();
    [held, resolved, engine.finish(kit::record(engine, call), call.started_at)]
}

fn verify(journal: &[Entry]) -> (State, Report) {
    let mut verifier = Verifier::default();
    let mut link = GENESIS;
    for entry in journal {
        let text = chain::encode(entry).unwrap();
        link = chain::hash(&link, text.as_bytes());
        verifier.read(entry.lsn, &text, &link, |_, _| {});
    }
    let state = verifier.state().clone();
    (state, verifier.finish().1)
}

#[test]
fn an_ending_says_what_it_is_and_where_its_tokens_come_from() {
    let price = Some(kit::price());
    let ended = |resolution: Resolution, held| {
        let priced = resolution.priced(price.as_ref(), NanoUsd(held));
        (priced.as_str(), priced.source(), priced.overage())
    };
    let estimated = Some(UsageSource::Estimated);
    assert_eq!(ended(settled(100, UsageSource::Estimated), 1_000), ("settled", estimated, NanoUsd(0)));
    // 100 tokens cost 765 nano-dollars.
    let reported = Some(UsageSource::Reported);
    assert_eq!(ended(settled(100, UsageSource::Reported), 700), ("settled", reported, NanoUsd(65)));
    let uncertain = Resolution::Uncertain { usage: kit::tokens(0, 100), cost: Cost::Unknown };
    assert_eq!(ended(uncertain, 700), ("uncertain", estimated, NanoUsd(0)));
    assert_eq!(ended(Resolution::Voided, 700), ("voided", None, NanoUsd(0)));
}

#[test]
fn figures_that_cannot_be_true_have_no_cost() {
    let price = Some(kit::price());
    let cost = |output| PinnedPrice::cost(price.as_ref(), &kit::tokens(0, output), UsageSource::Reported);
    assert!(matches!(cost(MOST_TOKENS), Cost::Exact(_)));
    assert_eq!(cost(MOST_TOKENS + 1), Cost::Unknown);
}

#[test]
fn the_totals_of_a_request_are_those_of_all_its_attempts() {
    let price = kit::price();
    let priced = |resolution: Resolution| resolution.priced(Some(&price), NanoUsd::ZERO);
    let of = |resolutions: &[Resolution]| Totals::of(resolutions.iter());
    let [one, other] = [settled(100, UsageSource::Reported), settled(50, UsageSource::Estimated)].map(priced);
    let total = of(&[one]);
    assert_eq!((total.source, total.attempts, total.tokens), (UsageSource::Reported, 1, 100));
    let total = of(&[one, Resolution::Voided, other]);
    assert_eq!((total.usage.output, total.tokens, total.attempts), (Some(150), 150, 3));
    assert_eq!(total.amount, one.cost().amount() + other.cost().amount());
    assert_eq!((total.source, total.cost), (UsageSource::Estimated, Cost::Estimated(total.amount)));
    let nothing = of(&[Resolution::Voided]);
    assert_eq!((nothing.source, nothing.usage, nothing.attempts), (UsageSource::Unknown, Usage::UNREPORTED, 1));
}

#[test]
fn a_call_of_a_dead_run_is_charged_by_what_is_known_of_it() {
    let (mut engine, _) = begin();
    let at = |seconds| NOW.plus(Duration::from_secs(seconds));
    let (silent, heard) = (call(1, 0, NOW), call(2, 1, NOW));
    engine.hold(kit::hold_fact(silent, 900, 10, Some(kit::price())), at(1)).unwrap();
    engine.hold(kit::hold_fact(heard, 900, 10, Some(kit::price())), at(1)).unwrap();
    engine.progress(heard.attempt, kit::tokens(800, 7), at(5)).unwrap();
    let (_, entries) = Engine::start(engine.state().clone(), Arc::default(), &[], "test", at(60));
    let records: Vec<_> = entries
        .iter()
        .filter_map(|entry| if let Fact::Finished(record) = &entry.fact { Some(record) } else { None })
        .collect();
    // Of the one that said nothing only the prompt is sure, and that it was sent.
    assert_eq!((records[0].usage.input, records[0].usage.output), (Some(900), None));
    assert_eq!((records[0].total, records[0].attempts[0].duration), (Duration::from_secs(1), Duration::ZERO));
    assert_eq!((records[1].usage.input, records[1].usage.output), (Some(800), Some(7)));
    let attempt = &records[1].attempts[0];
    assert_eq!((attempt.started_after, attempt.duration), (Duration::from_secs(1), Duration::from_secs(4)));
    assert_eq!(records[1].total, Duration::from_secs(5));
}

#[test]
fn progress_and_extensions_are_checked() {
    let (mut engine, mut journal) = begin();
    let open = call(1, 0, NOW);
    journal.push(hold(&mut engine, open, 10).unwrap());
    journal.push(engine.extend(open.attempt, NanoUsd::ZERO, 5, NOW).unwrap());
    journal.push(engine.progress(open.attempt, kit::tokens(0, 3), NOW).unwrap());
    let mut state = State::default();
    for entry in &journal {
        assert_eq!(state.apply(entry), Ok(()), "{entry:?}");
    }
    let (lsn, attempt_id) = (state.last().next(), open.attempt);
    let wrong = Fact::Progress { attempt_id, usage: kit::tokens(0, 4), cost: Cost::Exact(NanoUsd(1)) };
    let wrong = Entry { lsn, fact: wrong, ..journal[3].clone() };
    assert_eq!(state.clone().apply(&wrong), Err(Inconsistency::WrongCost { lsn: lsn.0, attempt_id }));
    let nobody = AttemptId::new(NOW, [99; 10]);
    let of_nobody = Fact::Progress { attempt_id: nobody, usage: Usage::UNREPORTED, cost: Cost::Unknown };
    let of_nobody = Entry { lsn, fact: of_nobody, ..journal[3].clone() };
    assert_eq!(state.apply(&of_nobody), Err(Inconsistency::NoOpenHold { lsn: lsn.0, attempt_id: nobody }));
}

#[test]
fn a_verification_counts_what_it_read() {
    let (mut engine, mut journal) = begin();
    let [first, second, third, open] = [1, 2, 3, 4].map(|number| call(number, 0, NOW));
    let entries = serve(&mut engine, first, UsageSource::Reported);
    let Fact::Hold(fact) = &entries[0].fact else { panic!() };
    let hold_of_first = Arc::clone(fact);
    journal.extend(entries);
    journal.extend(serve(&mut engine, second, UsageSource::Unknown));
    journal.extend(serve(&mut engine, third, UsageSource::Estimated));
    let adjustment = Adjustment {
        hold: hold_of_first,
        amount: NanoUsd(-50),
        tokens: 0,
        usage: None,
        by: "admin".into(),
        reason: "invoice".into(),
    };
    journal.push(engine.adjust(adjustment, NOW).unwrap());
    let change = ChangeNote {
        by: "admin".into(),
        action: "budget.put".into(),
        object: "x".into(),
        summary: "a budget".into(),
        before: None,
        after: None,
    };
    journal.push(engine.note(change, NOW));
    journal.push(hold(&mut engine, open, 1).unwrap());
    let (state, report) = verify(&journal);
    assert_eq!(&state, engine.state());
    let expected = Report {
        entries: 13,
        runs: 1,
        attempts: 4,
        requests: 3,
        adjustments: 1,
        changes: 1,
        open_holds: 1,
        posted: NanoUsd(2 * 765 - 50),
        overage: NanoUsd(2 * (765 - 77)),
        unknown_costs: 1,
        findings: 0,
        unexplained: vec![],
    };
    assert_eq!(report, expected);
}

#[test]
fn a_hold_that_outlives_its_run_is_found() {
    let (mut engine, mut journal) = begin();
    journal.push(hold(&mut engine, call(1, 0, NOW), 1).unwrap());
    assert!(verify(&journal).1.is_sound(), "the run may be under way");
    let (_, ending) = Engine::start(engine.state().clone(), Arc::default(), &[], "test", NOW);
    journal.push(ending[0].clone());
    let report = verify(&journal).1;
    assert_eq!((report.findings, report.runs), (1, 2));
    assert!(report.unexplained[0].contains("still open although run 1 is over"), "{:?}", report.unexplained);
}

#[test]
fn of_many_findings_the_first_hundred_are_told() {
    let mut report = Report::default();
    for number in 0..150 {
        report.add(number.to_string());
    }
    assert_eq!((report.findings, report.unexplained.len()), (150, 100));
    assert_eq!(report.unexplained.last().map(String::as_str), Some("99"));
}
