//! What a request costs in the engine: a hold, its ending and the record, with 0, 3 and 20 budgets.
//!
//! `cargo run -p megarouter-ledger --release --example hold_cost`

#![expect(clippy::print_stdout, reason = "an example that prints its figures")]

#[path = "../tests/kit/mod.rs"]
#[expect(clippy::unwrap_used, reason = "made for tests")]
mod kit;

use std::sync::Arc;
use std::time::Instant;

use kit::{Call, NOW};
use megarouter_domain::budget::{Action, Basis, Budget, Each, Measure, Rung, UnknownPrice};
use megarouter_domain::id::{AttemptId, BudgetId, RequestId};
use megarouter_domain::money::NanoUsd;
use megarouter_domain::period::{Period, Zone};
use megarouter_domain::price::Cost;
use megarouter_domain::scope::Scope;
use megarouter_domain::usage::UsageSource;
use megarouter_ledger::engine::Engine;
use megarouter_ledger::entry::Resolution;
use megarouter_ledger::limits::Limits;
use megarouter_ledger::state::State;

const REQUESTS: u32 = 200_000;

/// Budgets that all apply to the call: in turn by scope, measure and period.
fn budgets(count: u8) -> Vec<Budget> {
    let scopes = [
        kit::organization(),
        Scope::Unit(kit::team(1)),
        Scope::Unit(kit::member(1)),
        Scope::Key(kit::key(1)),
        Scope::Provider(kit::provider(0)),
        Scope::Model(kit::model(0)),
    ];
    let measures = [Measure::Cost, Measure::Tokens, Measure::Requests];
    let periods = [Period::Month { starts_on: 1 }, Period::Day, Period::Rolling { seconds: 60 }, Period::Total];
    let budget = |number: u8| Budget {
        id: BudgetId::new(NOW, [number; 10]),
        name: String::new(),
        scope: scopes[usize::from(number) % scopes.len()].clone(),
        each: (number % 7 == 6).then_some(Each::Key).filter(|_| number % 6 != 3),
        measure: measures[usize::from(number) % measures.len()],
        limit: i64::MAX as u64,
        period: periods[usize::from(number) % periods.len()],
        zone: Zone::UTC,
        carries_over: false,
        is_strict: false,
        ladder: vec![Rung { at_percent: 100, basis: Basis::Actual, action: Action::Stop }],
        raises: vec![],
        created_at: NOW,
        archived_at: None,
    };
    (0..count).map(budget).collect()
}

fn main() {
    for count in [0, 3, 20] {
        let limits = Arc::new(Limits::new(&budgets(count), &kit::units(), UnknownPrice::Deny));
        let mut engine = Engine::start(State::default(), limits, &[], "test", NOW).0;
        let price = kit::price();
        let usage = kit::tokens(1_000, 500);
        let (mut holding, mut all) = (0, 0);
        for number in 0..REQUESTS {
            let mut entropy = [0; 10];
            entropy[..4].copy_from_slice(&number.to_be_bytes());
            let (request, attempt) = (RequestId::new(NOW, entropy), AttemptId::new(NOW, entropy));
            let call = Call { request, attempt, member: 1, provider: 0, model: 0, started_at: NOW };
            let fact = kit::hold_fact(call, 1_000, 1_000, Some(price.clone()));
            let begun = Instant::now();
            let held = engine.hold(fact, NOW);
            holding += begun.elapsed().as_nanos();
            assert!(held.is_ok(), "the budgets have room");
            let (cost, overage) = (Cost::Unknown, NanoUsd::ZERO);
            let how = Resolution::Settled { usage, source: UsageSource::Reported, cost, overage };
            let begun_again = Instant::now();
            engine.resolve(attempt, how, NOW);
            let ended = begun_again.elapsed();
            let record = kit::record(&engine, call);
            let begun_last = Instant::now();
            engine.finish(record, NOW);
            all += (ended + begun_last.elapsed()).as_nanos();
        }
        let requests = u128::from(REQUESTS);
        println!(
            "{count:>2} budgets: {} ns a hold, {} ns with its ending",
            holding / requests,
            (holding + all) / requests
        );
    }
}
