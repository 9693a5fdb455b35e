//! What a restart or a change of limits gives the engine is what an engine has that saw everything.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use megarouter_domain::budget::{Action, Basis, Budget, Each, Measure, Rung, UnknownPrice};
use megarouter_domain::clock::Timestamp;
use megarouter_domain::id::BudgetId;
use megarouter_domain::money::NanoUsd;
use megarouter_domain::period::{Period, Zone};
use megarouter_domain::scope::Scope;
use megarouter_domain::tag::Tag;
use megarouter_domain::unit::{Unit, UnitKind, Units};
use megarouter_ledger::account::{Account, AccountKey};
use megarouter_ledger::engine::Engine;
use megarouter_ledger::entry::{Adjustment, Entry, Fact};
use megarouter_ledger::limits::Limits;
use proptest::prelude::*;

use crate::both::Both;
use crate::traffic::{Call, NOON, key, model, organization, provider, unit};

/// A department, two teams in it, members, an app.
pub fn tree() -> Units {
    let of = |seed: u8, kind, parent: Option<u8>| Unit {
        id: unit(seed),
        kind,
        name: format!("unit {seed}"),
        parent: parent.map(unit),
        email: None,
        created_at: NOON,
        archived_at: None,
    };
    let units = [
        of(1, UnitKind::Department, None),
        of(2, UnitKind::Team, Some(1)),
        of(3, UnitKind::Team, Some(1)),
        of(4, UnitKind::Member, Some(2)),
        of(5, UnitKind::Member, Some(2)),
        of(6, UnitKind::Member, Some(3)),
        of(7, UnitKind::App, Some(3)),
        of(8, UnitKind::Project, None),
    ];
    Units::new(units).expect("it is a tree")
}

/// Chains as keys of that tree are charged.
pub const CHAINS: [&[u8]; 5] = [&[4, 2, 1], &[5, 2, 1, 8], &[6, 3, 1], &[7, 3, 1, 8], &[]];

pub fn tags(seed: u8) -> Vec<Tag> {
    let tag = |name: &str, value: &str| Tag::new(name, value).expect("it is one");
    match seed % 4 {
        0 => vec![],
        1 => vec![tag("env", "prod")],
        2 => vec![tag("env", "test"), tag("ticket", "A-1")],
        _ => vec![tag("env", "prod"), tag("ticket", "A-2")],
    }
}

/// Any call within four days before noon.
pub fn call() -> impl Strategy<Value = Call> {
    let when = prop_oneof![3 => 0..345_600_u32, 2 => 0..4_000_u32, 1 => 0..60_u32];
    (when, 0..5_u8, any::<u8>(), 1..4_u8, 0..3_u8, any::<bool>()).prop_map(
        |(before, owner, tag, provider, name, is_priced)| Call {
            key: owner,
            provider,
            model: ["gpt-5", "small", "other-model"][usize::from(name)],
            is_priced,
            units: CHAINS[usize::from(owner)].to_vec(),
            tags: tags(tag),
            session: [None, Some("one"), Some("two")][usize::from(tag % 3)],
            ..Call::new(0, NOON.minus(Duration::from_secs(before.into())))
        },
    )
}

fn scope() -> impl Strategy<Value = Scope> {
    prop_oneof![
        Just(organization()),
        (1..9_u8).prop_map(|seed| Scope::Unit(unit(seed))),
        (0..5_u8).prop_map(|seed| Scope::Key(key(seed))),
        (1..4_u8).prop_map(|seed| Scope::Provider(provider(seed))),
        Just(Scope::Model(model("gpt-5"))),
        (1..4_u8).prop_map(|seed| Scope::Tag(tags(seed).remove(0))),
    ]
}

fn period() -> impl Strategy<Value = Period> {
    prop_oneof![
        Just(Period::Hour),
        Just(Period::Day),
        Just(Period::Week { starts_on: 3 }),
        Just(Period::Month { starts_on: 20 }),
        Just(Period::Total),
        prop::sample::select(vec![60, 600, 3_600, 90_000]).prop_map(|seconds| Period::Rolling { seconds }),
    ]
}

fn budget() -> impl Strategy<Value = Budget> {
    let each =
        prop::option::of(prop::sample::select(vec![Each::Team, Each::Member, Each::App, Each::Key, Each::Session]));
    let measure = prop::sample::select(vec![Measure::Cost, Measure::Tokens, Measure::Requests]);
    let zone = prop::sample::select(vec!["UTC", "Europe/Berlin", "Asia/Kolkata"]);
    (scope(), each, measure, period(), zone).prop_map(|(scope, each, measure, period, zone)| Budget {
        id: BudgetId::new(NOON, [0; 10]),
        name: String::new(),
        scope,
        each,
        measure,
        limit: 1_000_000_000_000,
        period,
        zone: zone.parse::<Zone>().expect("it is one"),
        carries_over: false,
        is_strict: false,
        // Nothing stops: what was used is what is compared.
        ladder: vec![Rung { at_percent: 80, basis: Basis::Actual, action: Action::Notify }],
        raises: vec![],
        created_at: NOON,
        archived_at: None,
    })
}

fn numbered(mut budgets: Vec<Budget>) -> Vec<Budget> {
    for (number, budget) in (1..).zip(&mut budgets) {
        budget.id = BudgetId::new(NOON, [number; 10]);
    }
    budgets
}

/// What was used of each account that has use.
fn used(engine: &Engine, now: Timestamp) -> BTreeMap<AccountKey, u64> {
    let accounts = engine.accounts(now).into_iter().filter(|account| account.posted > 0);
    accounts.map(|account: Account| (account.key, account.posted)).collect()
}

/// An admin's correction of a call.
fn correction(engine: &mut Engine, hold: &Entry, amount: i64) -> Entry {
    let Fact::Hold(hold) = &hold.fact else { panic!("the first entry of a call is its hold") };
    let adjustment = Adjustment {
        hold: Arc::clone(hold),
        amount: NanoUsd(amount),
        tokens: 7,
        usage: None,
        by: "an admin".into(),
        reason: "the bill said so".into(),
    };
    engine.adjust(adjustment, NOON).expect("the request has finished")
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    #[test]
    fn balances_are_those_of_an_engine_that_saw_everything(
        calls in prop::collection::vec(call(), 1..40),
        budgets in prop::collection::vec(budget(), 1..12),
        corrections in prop::collection::vec((0..40_usize, -2_000_000..2_000_000_i64), 0..4),
        before in 0..40_usize,
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let budgets = numbered(budgets);
            let limits = Arc::new(Limits::new(&budgets, &tree(), UnknownPrice::Free));
            let mut calls = calls;
            calls.sort_by_key(|call| call.at);
            let both = Both::new().await;
            // This one has the limits from the first call on; another gets them in the middle.
            let first = calls[0].at;
            let (mut all, entries) = Engine::start(both.file.state().await.unwrap(), Arc::clone(&limits), &[], "x", first);
            both.append(&entries).await;
            let mut holds = Vec::new();
            for (number, call) in calls.iter_mut().enumerate() {
                call.number = u16::try_from(number).unwrap();
                let entries = call.run(&mut all);
                holds.push(entries[0].clone());
                both.append(&entries).await;
                if number == before {
                    let mut late = engine_at(&both, call.at).await;
                    let (as_of, openings) = both.openings(&limits.openings(late.oldest(call.at), call.at)).await.unwrap();
                    late.set_limits(Arc::clone(&limits), &openings, as_of).unwrap();
                    assert_eq!(used(&late, call.at), used(&all, call.at));
                }
            }
            for (place, amount) in corrections {
                let entry = correction(&mut all, &holds[place % holds.len()], amount);
                both.append(&[entry]).await;
            }
            both.assert_sound().await;
            let restarted = both.file.recover_with(Arc::clone(&limits), "x", NOON).await.unwrap();
            assert_eq!(used(&restarted, NOON), used(&all, NOON));
        });
    }
}

/// An engine without limits on what is stored.
async fn engine_at(both: &Both, now: Timestamp) -> Engine {
    Engine::start(both.file.state().await.unwrap(), Arc::default(), &[], "x", now).0
}
