use std::collections::HashSet;
use std::time::Duration;

use megarouter_domain::catalog::{Feature, Mode};
use megarouter_domain::decision::Removal;
use megarouter_domain::facts::{Facts, Need};
use megarouter_domain::key::ModelAccess;
use megarouter_domain::money::{NanoUsd, NanoUsdPerMillion};
use megarouter_domain::permille::Permille;
use megarouter_domain::policy::{Bounds, Condition, Policy, Rule, Setting, Trial};
use megarouter_domain::price::Tariff;
use megarouter_domain::record::Operation;
use megarouter_domain::tag::Tag;
use proptest::prelude::*;

use super::*;
use crate::affinity::LASTS;
use crate::kit::{self, Ask, NOW, Spec, World, names, policy, route, settings, snapshot, spec, version, with_trial};
use crate::question::BudgetView;
use crate::strategies;

fn world_with(facts: [Facts; 2], change: impl Fn(&mut megarouter_domain::policy::Route)) -> World {
    let [first, second] = facts;
    let specs = [Spec { facts: first, ..spec("a", 1, 1, 4) }, Spec { facts: second, ..spec("b", 2, 2, 8) }];
    let mut route = route("fixed_order", &[]);
    change(&mut route);
    World::new(&specs, vec![policy("auto", route)])
}

fn plain_world(change: impl Fn(&mut megarouter_domain::policy::Route)) -> World {
    world_with([Facts::default(), Facts::default()], change)
}

fn removed(decided: Result<Decided, NoCandidate>) -> Vec<(String, Removal)> {
    let decision = match decided {
        Ok(decided) => decided.decision,
        Err(NoCandidate::Removed(decision)) => *decision,
        Err(NoCandidate::Unknown) => panic!("the policy is known"),
    };
    let removed =
        |considered: megarouter_domain::decision::Considered| Some((considered.model.to_string(), considered.removed?));
    decision.candidates.into_iter().filter_map(removed).collect()
}

fn bound(name: &str) -> Removal {
    Removal::Bound { name: name.into() }
}

#[test]
fn what_rules_a_candidate_out_is_named() {
    let toolless = Facts { features: [Feature::StructuredOutput].into_iter().collect(), ..Facts::default() };
    let small = Facts { context_tokens: Some(1_100), ..Facts::default() };
    let gone = Facts { shuts_down: "2026-01-01".parse().ok(), ..Facts::default() };
    let embedding = Facts { mode: Some(Mode::Embedding), ..Facts::default() };
    let ask = Ask { needs: [Need::Tools].into_iter().collect(), output_bound: Some(200), ..Ask::of("auto") };
    for (facts, why) in [
        (toolless, Removal::Lacks { need: Need::Tools }),
        (small, Removal::Context { tokens: 1_200 }),
        (gone, Removal::Retired),
        (embedding, Removal::Purpose),
    ] {
        let decided = world_with([facts, Facts::default()], |_| {}).decide(&ask);
        assert_eq!(names(decided.as_ref().unwrap()), ["b"]);
        assert_eq!(removed(decided), [("a".to_owned(), why)]);
    }
}

#[test]
fn a_key_is_served_by_its_own_models_only() {
    let mut world = plain_world(|_| {});
    world.principal = kit::principal(ModelAccess::Only(vec!["b".to_owned()]));
    assert_eq!(world.order(&Ask::of("auto")), ["b"]);
    assert_eq!(removed(world.decide(&Ask::of("auto"))), [("a".to_owned(), Removal::Access)]);
    assert!(matches!(world.decide(&Ask::of("a")), Err(NoCandidate::Removed(_))));
    world.principal = kit::principal(ModelAccess::Only(vec![]));
    assert_eq!(removed(world.decide(&Ask::of("auto"))).len(), 2);
}

#[test]
fn every_bound_holds() {
    let of = |bounds: Bounds| {
        let world = plain_world(|route| route.bounds = bounds.clone());
        removed(world.decide(&Ask::of("auto")))
    };
    let only_b = |name: &str| vec![("b".to_owned(), bound(name))];
    let price = |dollars: u64| Some(NanoUsdPerMillion(dollars * 1_000_000_000));
    assert_eq!(of(Bounds { input_price: price(1), ..Bounds::default() }), only_b("input_price"));
    assert_eq!(of(Bounds { output_price: price(4), ..Bounds::default() }), only_b("output_price"));
    assert_eq!(of(Bounds { cost: Some(NanoUsd(2_600_000)), ..Bounds::default() }), only_b("cost"));
    assert_eq!(of(Bounds { providers: vec!["p1".to_owned()], ..Bounds::default() }), only_b("providers"));
    assert_eq!(of(Bounds { never_providers: vec!["p2".to_owned()], ..Bounds::default() }), only_b("never_providers"));
    let both = |name: &str| vec![("a".to_owned(), bound(name)), ("b".to_owned(), bound(name))];
    assert_eq!(
        of(Bounds { regions: vec!["eu".to_owned()], ..Bounds::default() }),
        both("regions"),
        "not known is beyond"
    );
    assert_eq!(of(Bounds { no_retention: true, ..Bounds::default() }), both("no_retention"));
    assert_eq!(of(Bounds { local_only: true, ..Bounds::default() }), both("local_only"));
    let all = predictor::permille(1.0);
    assert_eq!(of(Bounds { quality: Some(all), ..Bounds::default() }), both("quality"));
    assert_eq!(
        of(Bounds { first_output_ms: Some(1), total_ms: Some(1), ..Bounds::default() }),
        [],
        "nothing is measured"
    );
}

#[test]
fn what_providers_say_of_themselves_is_believed() {
    let specs = [spec("a", 1, 1, 4), spec("a", 2, 1, 4)];
    let bounds = Bounds { regions: vec!["eu".to_owned()], no_retention: true, ..Bounds::default() };
    let policies = vec![policy("auto", megarouter_domain::policy::Route { bounds, ..route("fixed_order", &["a"]) })];
    let snapshot = snapshot(&specs, policies, |target| {
        target.provider.region = Some(if target.provider.name == "p2" { "eu" } else { "us" }.to_owned());
        target.provider.keeps_prompts = Some(false);
    });
    let world = World { table: Table::new(&snapshot), ..World::new(&specs, vec![]) };
    let decided = world.decide(&Ask::of("auto")).unwrap();
    assert_eq!((decided.choices.len(), &*decided.decision.candidates[0].provider), (1, "p2"));
}

#[test]
fn measured_slowness_is_beyond_a_bound() {
    let mut world = plain_world(|route| route.bounds.first_output_ms = Some(500));
    world.serves(0, 900);
    assert_eq!(removed(world.decide(&Ask::of("auto"))), [("a".to_owned(), bound("first_output_ms"))]);
}

#[test]
fn never_dearer_compares_with_what_was_asked_for() {
    let mut auto = policy("auto", route("fixed_order", &["b", "a"]));
    auto.live.body.takes_over = vec!["a".to_owned()];
    auto.live.body.rules[0].route.bounds.never_dearer = true;
    let world = World::new(&[spec("a", 1, 1, 4), spec("b", 2, 2, 8)], vec![auto]);
    assert_eq!(world.order(&Ask::of("a")), ["a"]);
    assert_eq!(world.order(&Ask::of("auto")), ["b", "a"], "there is nothing to compare with");
}

#[test]
fn what_the_budgets_cannot_pay_is_left_out() {
    let world = plain_world(|_| {});
    let available = world.decide(&Ask::of("auto")).unwrap().decision.candidates[0].cost;
    let budget = BudgetView { used_percent: Some(99), available };
    let ask = Ask { budget, ..Ask::of("auto") };
    assert_eq!(removed(world.decide(&ask)), [("b".to_owned(), Removal::Budget)]);
}

#[test]
fn resting_ones_are_left_out_until_nothing_else_is_left() {
    let mut world = plain_world(|_| {});
    world.breaks(0);
    assert_eq!(world.order(&Ask::of("auto")), ["b"]);
    assert_eq!(removed(world.decide(&Ask::of("auto"))), [("a".to_owned(), Removal::Resting { for_ms: 5_000 })]);
    world.now += Duration::from_secs(2);
    world.breaks(1);
    let decided = world.decide(&Ask::of("auto")).unwrap();
    assert_eq!(names(&decided), ["a", "b"], "the first to recover first");
    assert!(decided.choices.iter().all(|choice| choice.is_last_resort));
    world.now += Duration::from_secs(3);
    assert_eq!(world.order(&Ask::of("auto")), ["a"], "it is on probation");
}

#[test]
fn a_fallback_steps_in_when_no_candidate_is_left() {
    let mut world = plain_world(|route| {
        *route = megarouter_domain::policy::Route {
            fallbacks: vec!["b".to_owned()],
            ..kit::route("learned_utility", &["a"])
        };
    });
    assert_eq!(world.order(&Ask::of("auto")), ["a", "b"]);
    world.breaks(0);
    assert_eq!(world.order(&Ask::of("auto")), ["b"]);
}

#[test]
fn a_model_by_name_has_its_own_deployments_and_those_that_rest_come_last() {
    let specs = [spec("a", 1, 1, 4), spec("a", 2, 1, 4), spec("b", 1, 1, 4)];
    let mut world = World::new(&specs, vec![]);
    let providers = |world: &World, asked: &str| -> Vec<String> {
        let decided = world.decide(&Ask::of(asked)).unwrap();
        decided.decision.candidates.iter().map(|candidate| candidate.provider.to_string()).collect()
    };
    assert_eq!(providers(&world, "a"), ["p1", "p2"]);
    world.breaks(0);
    assert_eq!(providers(&world, "a"), ["p2", "p1"]);
    assert_eq!(providers(&world, "p1/a"), ["p1"]);
    assert!(world.decide(&Ask::of("p1/a")).unwrap().choices[0].is_last_resort);
    assert!(matches!(world.decide(&Ask::of("c")), Err(NoCandidate::Unknown)));
    assert!(world.decide(&Ask::of("a")).unwrap().decision.task.is_none(), "nobody looked at the text");
}

#[test]
fn a_session_stays_where_it_is_within_its_tier() {
    let rules = vec![
        Rule {
            name: "background".to_owned(),
            when: vec![Condition::Tag { name: "kind".to_owned(), values: vec!["background".to_owned()] }],
            route: route("fixed_order", &["a", "b"]),
        },
        Rule { name: String::new(), when: vec![], route: route("fixed_order", &["a", "b"]) },
    ];
    let mut world = World::new(&[spec("a", 1, 1, 4), spec("b", 2, 2, 8)], vec![kit::of_rules("auto", rules)]);
    let ask = Ask { session: Some("s".to_owned()), ..Ask::of("auto") };
    let decided = world.decide(&ask).unwrap();
    assert_eq!(decided.decision.kept, None);
    let pin = Pin { deployment: decided.choices[1].deployment().id, tokens: 900 };
    world.affinity.keep("s", decided.tier, pin, world.now);
    let stayed = world.decide(&ask).unwrap();
    assert_eq!((names(&stayed), stayed.decision.kept), (vec!["b".to_owned(), "a".to_owned()], Some(Kept::Session)));
    assert!(stayed.decision.candidates[0].cost < decided.decision.candidates[1].cost, "its prompt cache is warm");
    let background = Ask { tags: vec![Tag::new("kind", "background").unwrap()], ..ask.clone() };
    assert_eq!(world.order(&background), ["a", "b"], "another tier has pins of its own");
    world.breaks(1);
    let moved = world.decide(&ask).unwrap();
    assert_eq!((names(&moved), moved.decision.kept), (vec!["a".to_owned()], Some(Kept::MovedOn)));
    world.now += LASTS;
    assert_eq!(world.decide(&ask).unwrap().decision.kept, None);
}

#[test]
fn learned_utility_leaves_a_session_only_for_something_clearly_better() {
    let specs = [spec("m", 1, 2, 8), spec("m", 2, 1, 4)];
    let mut world = World::new(&specs, vec![policy("auto", route("learned_utility", &[]))]);
    let first = |world: &World, ask: &Ask| world.decide(ask).unwrap().decision.candidates[0].provider.to_string();
    let ask = Ask { session: Some("s".to_owned()), input_tokens: 50_000, ..Ask::of("auto") };
    let decided = world.decide(&ask).unwrap();
    assert_eq!(first(&world, &ask), "p2");
    let pin = Pin { deployment: world.table.served()[0].deployment_id(), tokens: 50_000 };
    world.affinity.keep("s", decided.tier, pin, world.now);
    assert_eq!(first(&world, &ask), "p1", "its cache makes up for the price");
    let nothing_cached = Pin { tokens: 0, ..pin };
    world.affinity.keep("s", decided.tier, nothing_cached, world.now);
    assert_eq!(first(&world, &ask), "p2", "half the price is clearly better");
}

#[test]
fn rules_are_read_from_the_top_and_say_why_they_were_not_taken() {
    let when = |condition| Rule { name: String::new(), when: vec![condition], route: route("fixed_order", &["b"]) };
    let rules = vec![
        when(Condition::Header { name: "X-Kind".to_owned(), values: vec!["batch*".to_owned()] }),
        when(Condition::Size { at_least: Some(5_000), at_most: None }),
        when(Condition::BudgetUsed { at_least: 80 }),
        Rule { name: "rest".to_owned(), when: vec![], route: route("fixed_order", &["a"]) },
    ];
    let world = World::new(&[spec("a", 1, 1, 4), spec("b", 2, 2, 8)], vec![kit::of_rules("auto", rules)]);
    let failed = |seen: &str| Verdict::Failed { condition: 0, seen: seen.to_owned() };
    let explained = world.explain(&Ask::of("auto"));
    let expected = [failed("none"), failed("1000 tokens"), failed("no limit applies"), Verdict::Matched];
    assert_eq!(explained.rules, expected);
    let decided = explained.outcome.unwrap();
    let rule = decided.decision.rule.as_ref().unwrap();
    assert_eq!((rule.index, &*rule.name, rule.version), (4, "rest", 1));
    assert!(decided.decision.task.is_some(), "an explanation says what a request is about");
    let mut batch = Ask::of("auto");
    batch.headers.insert("x-kind".to_owned(), "batch-7".to_owned());
    let explained = world.explain(&batch);
    assert_eq!(explained.rules[..2], [Verdict::Matched, Verdict::NotReached]);
    let large = Ask { input_tokens: 5_000, ..Ask::of("auto") };
    assert_eq!(world.explain(&large).rules[..2], [failed("none"), Verdict::Matched]);
    let spent = Ask { budget: BudgetView { used_percent: Some(80), available: None }, ..Ask::of("auto") };
    assert_eq!(world.explain(&spent).rules[2], Verdict::Matched);
}

fn on_trial(mode: TrialMode) -> World {
    let trial = version(2, vec![Rule { name: String::new(), when: vec![], route: route("fixed_order", &["b"]) }]);
    let auto = with_trial(policy("auto", route("fixed_order", &["a"])), Trial { version: trial, mode, since: NOW });
    World::new(&[spec("a", 1, 1, 4), spec("b", 2, 2, 8)], vec![auto])
}

#[test]
fn a_version_in_the_shadow_is_noted_and_changes_nothing() {
    let decided = on_trial(TrialMode::Shadow).decide(&Ask::of("auto")).unwrap();
    assert_eq!(names(&decided), ["a"]);
    let trial = decided.decision.trial.unwrap();
    assert_eq!((trial.version, trial.has_decided, trial.model.as_deref()), (2, false, Some("b")));
    assert!(trial.cost.is_some());
}

#[test]
fn a_canary_version_decides_for_its_share_of_the_sessions() {
    let world = on_trial(TrialMode::Canary { percent: 30 });
    let of_session =
        |session: u64| world.decide(&Ask { session: Some(session.to_string()), ..Ask::of("auto") }).unwrap();
    let decided: Vec<_> = (0..1_000).map(of_session).collect();
    let tried = decided.iter().filter(|decided| decided.decision.trial.is_some()).count();
    assert!((240..360).contains(&tried), "{tried}");
    for decided in decided {
        let has_decided = decided.decision.trial.as_ref().is_some_and(|trial| trial.has_decided);
        assert_eq!(names(&decided), [if has_decided { "b" } else { "a" }]);
        assert_eq!(decided.decision.rule.unwrap().version, if has_decided { 2 } else { 1 });
    }
}

#[test]
fn a_decision_keeps_the_best_and_counts_the_others() {
    let specs: Vec<_> = (0..20).map(|place| spec(&format!("m{place}"), place, 1, 1)).collect();
    let world = World::new(&specs, vec![policy("auto", route("fixed_order", &[]))]);
    let decided = world.decide(&Ask::of("auto")).unwrap();
    assert_eq!((decided.choices.len(), decided.decision.candidates.len(), decided.decision.more), (20, 12, 8));
}

#[test]
fn embeddings_go_to_models_made_for_them() {
    let made_for = |mode| Facts { mode: Some(mode), ..Facts::default() };
    let world = world_with([made_for(Mode::Chat), made_for(Mode::Embedding)], |_| {});
    let ask = Ask { operation: Operation::Embeddings, ..Ask::of("auto") };
    assert_eq!((world.order(&ask), world.order(&Ask::of("auto"))), (vec!["b".to_owned()], vec!["a".to_owned()]));
}

/// A world made at random: models, their health, a policy, a key, a question.
#[derive(Clone, Debug)]
struct Drawn {
    specs: Vec<Spec>,
    policy: Policy,
    allowed: Vec<bool>,
    broken: Vec<bool>,
    millis: Vec<u64>,
    ask: Ask,
}

fn drawn() -> impl Strategy<Value = Drawn> {
    let model = (
        0..6_u8,
        0..4_u8,
        proptest::option::of((0..20_u64, 0..40_u64)),
        any::<bool>(),
        proptest::option::of(500..3_000_u64),
    );
    let model = model.prop_map(|(name, provider, price, is_local, context_tokens)| Spec {
        model: format!("gpt-4o-{name}"),
        provider,
        price,
        facts: Facts { is_local, context_tokens, ..Facts::default() },
    });
    let bounds = (
        proptest::option::of(0..20_u64),
        any::<bool>(),
        any::<bool>(),
        proptest::option::of(0..1_000_i64),
        any::<bool>(),
    );
    let bounds = bounds.prop_map(|(price, never_dearer, local, quality, never)| Bounds {
        output_price: price.map(|dollars| NanoUsdPerMillion(dollars * 1_000_000_000)),
        never_dearer,
        local_only: local,
        quality: quality.map(Permille::clamped),
        never_providers: if never { vec!["p1".to_owned()] } else { vec![] },
        ..Bounds::default()
    });
    let specs = proptest::collection::vec(model, 1..12);
    let flags = || proptest::collection::vec(any::<bool>(), 12);
    let ask = (
        any::<u64>(),
        proptest::option::of(0..3_u8),
        0..3_000_u64,
        proptest::option::of(0..20_000_000_i64),
        any::<bool>(),
    );
    let all =
        (specs, 0..strategies::ALL.len(), bounds, flags(), flags(), proptest::collection::vec(0..4_000_u64, 12), ask);
    all.prop_map(
        |(specs, strategy, bounds, allowed, broken, millis, (seed, session, tokens, available, takes_over))| {
            let record = &strategies::ALL[strategy];
            let first = specs[0].model.clone();
            let models = record.settings.iter().filter(|setting| matches!(setting.kind, strategies::Kind::Model));
            let settings = models.map(|setting| (setting.name.to_owned(), Setting::Text(first.clone()))).collect();
            let fallbacks = specs.last().map(|spec| spec.model.clone()).into_iter().collect();
            let route = megarouter_domain::policy::Route { bounds, settings, fallbacks, ..route(record.id, &[]) };
            let mut policy = policy("auto", route);
            policy.live.body.takes_over = if takes_over { vec![first.clone()] } else { vec![] };
            let ask = Ask {
                seed,
                session: session.map(|session| session.to_string()),
                input_tokens: tokens,
                budget: BudgetView { used_percent: None, available: available.map(NanoUsd) },
                ..Ask::of(if takes_over { &first } else { "auto" })
            };
            Drawn { specs, policy, allowed, broken, millis, ask }
        },
    )
}

impl Drawn {
    fn world(&self, allowed: bool) -> World {
        let mut world = World::new(&self.specs, vec![self.policy.clone()]);
        let names = self.specs.iter().zip(&self.allowed).filter(|(_, may)| **may).map(|(spec, _)| spec.model.clone());
        if allowed {
            world.principal = kit::principal(ModelAccess::Only(names.collect()));
        }
        for place in 0..self.specs.len() {
            if self.broken[place] { world.breaks(place) } else { world.serves(place, self.millis[place]) }
        }
        world
    }
}

fn same(one: &Result<Decided, NoCandidate>, other: &Result<Decided, NoCandidate>) -> bool {
    match (one, other) {
        (Ok(one), Ok(other)) => names(one) == names(other) && one.decision == other.decision,
        (Err(NoCandidate::Removed(one)), Err(NoCandidate::Removed(other))) => one == other,
        _ => false,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn whatever_is_chosen_may_be_used(drawn in drawn()) {
        let world = drawn.world(true);
        let decided = world.decide(&drawn.ask);
        prop_assert!(same(&decided, &world.decide(&drawn.ask)), "a decision depends on its input alone");
        let Ok(decided) = decided else { return Ok(()) };
        let bounds = &drawn.policy.live.body.rules[0].route.bounds;
        prop_assert!(!decided.choices.is_empty());
        let ids: HashSet<_> = decided.choices.iter().map(|choice| choice.deployment().id).collect();
        prop_assert_eq!(ids.len(), decided.choices.len(), "each once");
        let named = decided.choices.len().min(decided.decision.candidates.len());
        for (choice, seen) in decided.choices.iter().zip(&decided.decision.candidates[..named]) {
            prop_assert_eq!(choice.deployment().id, seen.deployment_id);
            prop_assert_eq!(&seen.removed, &None);
            prop_assert!(megarouter_domain::access::may_use(&world.principal, &choice.model));
            prop_assert!(!bounds.never_providers.iter().any(|never| **never == *seen.provider));
            let price = choice.deployment().price.as_ref().map(|price| &price.tariff);
            if let Some(most) = bounds.output_price {
                prop_assert!(price.is_some_and(|price| price.rates.output <= most));
            }
            let served = world.table.served().iter().find(|served| served.deployment_id() == seen.deployment_id).unwrap();
            prop_assert!(!bounds.local_only || served.facts.is_local);
            prop_assert!(served.facts.context_tokens.is_none_or(|context| drawn.ask.input_tokens < context));
            prop_assert!(bounds.quality.is_none_or(|least| seen.quality >= Some(least)));
            prop_assert!(drawn.ask.budget.available.is_none_or(|left| seen.cost.is_none_or(|cost| cost <= left)));
            if bounds.never_dearer && drawn.ask.asked != "auto" {
                let asked = world.table.of_model(world.table.snapshot().resolve(&drawn.ask.asked).unwrap().model.id);
                let asked = asked.iter().find_map(Served::tariff).unwrap();
                prop_assert!(is_no_dearer(price.unwrap(), asked, drawn.ask.input_tokens));
            }
        }
        for removed in decided.decision.candidates.iter().skip(decided.choices.len()) {
            prop_assert!(removed.removed.is_some());
            prop_assert!(!ids.contains(&removed.deployment_id), "what was removed is not chosen");
        }
    }

    #[test]
    fn health_alone_never_leaves_a_request_without_a_choice(drawn in drawn()) {
        let mut sick = drawn.world(false);
        let healthy = World { health: crate::health::Health::default(), ..drawn.world(false) };
        for place in 0..drawn.specs.len() {
            sick.breaks(place);
        }
        // Slowness is health too, but no bound on it is drawn.
        prop_assert_eq!(healthy.decide(&drawn.ask).is_ok(), sick.decide(&drawn.ask).is_ok());
    }
}

fn is_no_dearer(own: &Tariff, asked: &Tariff, input: u64) -> bool {
    [0, 1, 100, 5_000, 100_000].into_iter().all(|output| {
        let usage = crate::candidate::consumed(input, 0, output);
        own.cost(&usage) <= asked.cost(&usage)
    })
}

#[test]
fn a_draft_decides_without_being_saved() {
    let world = plain_world(|_| {});
    let draft = world.table.compile(&policy("draft", route("fixed_order", &["b"])));
    let ask = Ask::of("auto");
    let decided = world.look(&ask, |question, around| decide_by(&world.table, &draft, question, around, 1)).unwrap();
    assert_eq!((names(&decided), &*decided.decision.rule.unwrap().policy), (vec!["b".to_owned()], "draft"));
}

#[test]
fn settings_that_do_not_fit_have_their_defaults() {
    let mut odd = route("weighted", &["a", "gone"]);
    odd.settings = settings([("by", Setting::Number(3)), ("no_such", Setting::Flag(true))]);
    let mut unknown = route("strategy_of_tomorrow", &["b"]);
    unknown.fallbacks = vec!["gone".to_owned(), "a".to_owned()];
    for (route, expected) in [(odd, vec!["a"]), (unknown, vec!["b", "a"])] {
        let world = World::new(&[spec("a", 1, 1, 4), spec("b", 2, 2, 8)], vec![policy("auto", route)]);
        assert_eq!(world.order(&Ask::of("auto")), expected);
    }
}
