use std::collections::HashMap;

use megarouter_domain::policy::{Route, Setting};

use super::Special;
use crate::kit::{Ask, World, names, policy, route, settings, spec};

fn number(number: i64) -> Setting {
    Setting::Number(number)
}

fn text(text: &str) -> Setting {
    Setting::Text(text.to_owned())
}

/// Three models: a cheap, a middling and a dear one.
fn world(route: Route) -> World {
    world_of(&["small", "medium", "large"], route)
}

fn world_of(models: &[&str], route: Route) -> World {
    let specs: Vec<_> =
        models.iter().zip(1..).map(|(model, at)| spec(model, at, u64::from(at), u64::from(at) * 4)).collect();
    World::new(&specs, vec![policy("auto", route)])
}

fn first_of(world: &World, ask: &Ask) -> String {
    world.order(ask).remove(0)
}

fn seeded(seed: u64) -> Ask {
    Ask { seed, ..Ask::of("auto") }
}

/// How often each model comes first, over many requests.
fn counts(world: &World, asks: impl Iterator<Item = Ask>) -> HashMap<String, u32> {
    let mut counts = HashMap::new();
    for ask in asks {
        *counts.entry(first_of(world, &ask)).or_default() += 1;
    }
    counts
}

#[test]
fn fixed_order_keeps_the_list_and_tries_fallbacks_after_it() {
    let route = Route { fallbacks: vec!["small".to_owned()], ..route("fixed_order", &["large", "medium"]) };
    assert_eq!(world(route).order(&Ask::of("auto")), ["large", "medium", "small"]);
}

#[test]
fn lowest_cost_counts_what_the_prompt_cache_saves() {
    let mut world = world(route("lowest_cost", &["large", "medium", "small"]));
    let ask = Ask { session: Some("s".to_owned()), input_tokens: 100_000, ..Ask::of("auto") };
    assert_eq!(world.order(&ask), ["small", "medium", "large"]);
    let decided = world.decide(&ask).unwrap();
    let pin = crate::affinity::Pin { deployment: decided.choices[1].deployment().id, tokens: 100_000 };
    world.affinity.keep("s", decided.tier, pin, world.now);
    assert_eq!(first_of(&world, &ask), "medium", "its cache makes it cheaper than a cold small one");
}

#[test]
fn weights_divide_sessions_or_requests() {
    let mut by_request = route("weighted", &["small", "large"]);
    by_request.candidates[0].weight = 3;
    by_request.settings = settings([("by", text("request"))]);
    let by_session = Route { settings: settings([("by", text("session"))]), ..by_request.clone() };
    let shares = counts(&world(by_request), (0..4_000).map(seeded));
    assert!((2_850..3_150).contains(&shares["small"]), "{shares:?}");
    let of_session = |session: u64| move |seed| Ask { session: Some(session.to_string()), ..seeded(seed) };
    let world = world(by_session);
    assert_eq!(counts(&world, (0..50).map(of_session(1))).len(), 1);
    let shares = counts(&world, (0..4_000).map(|session| of_session(session)(1)));
    assert!((2_850..3_150).contains(&shares["small"]), "{shares:?}");
}

#[test]
fn a_weight_of_nothing_is_a_fallback_and_deployments_share_their_models_weight() {
    let mut weighted = route("weighted", &["a", "b", "c"]);
    weighted.candidates[2].weight = 0;
    weighted.settings = settings([("by", text("request"))]);
    let specs = [spec("a", 1, 1, 1), spec("a", 2, 1, 1), spec("a", 3, 1, 1), spec("b", 1, 1, 1), spec("c", 1, 1, 1)];
    let world = World::new(&specs, vec![policy("auto", weighted)]);
    let shares = counts(&world, (0..2_000).map(seeded));
    assert!(!shares.contains_key("c") && (900..1_100).contains(&shares["b"]), "{shares:?}");
    assert_eq!(world.order(&seeded(1)).last().unwrap(), "c");
}

#[test]
fn round_robin_takes_the_one_whose_turn_is_longest_ago() {
    let mut world = world(route("round_robin", &["small", "medium", "large"]));
    let mut turns = Vec::new();
    for seed in 0..6 {
        let first = first_of(&world, &seeded(seed));
        let place = ["small", "medium", "large"].iter().position(|model| *model == first).unwrap();
        world.serves(place, 10);
        turns.push(place);
    }
    assert_eq!(turns, [0, 1, 2, 0, 1, 2]);
}

#[test]
fn least_busy_goes_where_fewest_calls_are() {
    let mut world = world(route("least_busy", &["small", "medium", "large"]));
    for busy in [0, 0, 1] {
        world.health.begin(world.callee(busy), false, world.now);
    }
    assert_eq!(world.order(&Ask::of("auto")), ["large", "medium", "small"]);
}

#[test]
fn lowest_latency_prefers_the_quick_without_sending_it_everything() {
    let mut world = world(route("lowest_latency", &["small", "medium", "large"]));
    for (place, millis) in [(0, 2_000), (1, 100), (2, 900)] {
        world.serves(place, millis);
    }
    let shares = counts(&world, (0..3_000).map(seeded));
    assert!(!shares.contains_key("small"), "the slowest of three always loses: {shares:?}");
    assert!((1_850..2_150).contains(&shares["medium"]), "{shares:?}");
    for _ in 0..20 {
        world.health.begin(world.callee(1), false, world.now);
    }
    assert!(!counts(&world, (0..300).map(seeded)).contains_key("medium"), "it is busy");
}

#[test]
fn complexity_sends_hard_requests_to_strong_models() {
    let lines = |easy, hard| settings([("easy_up_to", number(easy)), ("hard_from", number(hard))]);
    let everything_is_hard = Route { settings: lines(0, 0), ..route("complexity", &["small", "medium", "large"]) };
    assert_eq!(world(everything_is_hard).order(&Ask::of("auto")), ["large", "medium", "small"]);
    let nothing_is = Route { settings: lines(1_000, 1_000), ..route("complexity", &["large", "medium", "small"]) };
    let by_price =
        Route { settings: settings([("easy_up_to", number(1_000)), ("rank", text("price"))]), ..nothing_is.clone() };
    assert_eq!(world(nothing_is).order(&Ask::of("auto")), ["large", "medium", "small"]);
    assert_eq!(world(by_price).order(&Ask::of("auto")), ["small", "medium", "large"]);
}

#[test]
fn a_cascade_is_a_ladder_of_better_and_dearer_models() {
    let cascade = Route { settings: settings([("steps", number(2))]), ..route("cascade", &[]) };
    let world = world_of(&["gpt-4o-mini", "llama-3-8b", "gpt-4o"], cascade);
    let decided = world.decide(&Ask::of("auto")).unwrap();
    let Special::Cascade(cascade) = decided.special else { panic!("it has a ladder") };
    assert_eq!((cascade.steps, cascade.checks.empty, cascade.checks.refusal), (2, true, false));
    let quality = |place: usize| decided.decision.candidates[place].quality;
    let cost = |place: usize| decided.decision.candidates[place].cost;
    assert!(quality(1) > quality(0) && cost(1) > cost(0) && cost(2) > cost(0));
    let alone = World::new(&[spec("gpt-4o", 1, 1, 1)], vec![policy("auto", route("cascade", &[]))]);
    assert!(matches!(alone.decide(&Ask::of("auto")).unwrap().special, Special::None));
}

#[test]
fn a_canary_gets_its_share_of_the_sessions_and_falls_back_to_the_list() {
    let canary = Route {
        settings: settings([("candidate", text("large")), ("percent", number(20))]),
        ..route("canary", &["small", "medium"])
    };
    let world = world(canary);
    let asks = (0..2_000_u64).map(|session| Ask { session: Some(session.to_string()), ..Ask::of("auto") });
    let orders: Vec<_> = asks.map(|ask| world.order(&ask)).collect();
    let tried = orders.iter().filter(|order| order[0] == "large").count();
    assert!((340..460).contains(&tried), "{tried}");
    assert!(orders.iter().all(|order| order[..] == ["large", "small", "medium"] || order[..] == ["small", "medium"]));
}

#[test]
fn a_shadow_never_serves() {
    let shadow = Route {
        settings: settings([("candidate", text("large")), ("percent", number(50)), ("daily_cost", number(25))]),
        ..route("shadow", &["small", "medium", "large"])
    };
    let world = world(shadow);
    let copied = (0..1_000).map(seeded).filter(|ask| {
        let decided = world.decide(ask).unwrap();
        assert_eq!(names(&decided), ["small", "medium"]);
        let Special::Shadow(shadow) = decided.special else { return false };
        assert_eq!((shadow.choice.model.name.as_str(), shadow.daily_cost.0), ("large", 250_000_000));
        true
    });
    let copied = copied.count();
    assert!((430..570).contains(&copied), "{copied}");
}

#[test]
fn goals_of_learned_utility_weigh_quality_cost_and_time() {
    let with_goal = |goal: &str| {
        let route = Route { settings: settings([("goal", text(goal))]), ..route("learned_utility", &[]) };
        let specs = [spec("llama-3-8b", 1, 1, 1), spec("gpt-4o-mini", 2, 2, 4), spec("gpt-4o", 3, 100, 400)];
        let mut world = World::new(&specs, vec![policy("auto", route)]);
        for (place, millis) in [(0, 400), (1, 3_000), (2, 4_000)] {
            world.serves(place, millis);
        }
        world
    };
    let hard = Ask { text: HARD.to_owned(), ..Ask::of("auto") };
    assert_eq!(first_of(&with_goal("best_quality"), &hard), "gpt-4o");
    let quality = |decided: &crate::Decided, place: usize| decided.decision.candidates[place].quality.unwrap().get();
    let frugal = with_goal("cheapest_good_enough").decide(&hard).unwrap();
    let best = (0..3).map(|place| quality(&frugal, place)).max().unwrap();
    assert!(quality(&frugal, 0) + 80 >= best, "the first is good enough");
    let local = with_goal("local_only").decide(&hard);
    assert!(matches!(local, Err(crate::NoCandidate::Removed(_))), "nothing is local");
}

#[test]
fn money_moves_learned_utility_only_while_quality_is_close() {
    let same_quality = |dear: u64| {
        let specs = [spec("m", 1, dear, dear), spec("m", 2, 1, 1)];
        World::new(&specs, vec![policy("auto", route("learned_utility", &[]))])
    };
    let provider = |world: &World| world.decide(&Ask::of("auto")).unwrap().decision.candidates[0].provider.to_string();
    assert_eq!(provider(&same_quality(5)), "p2");
    assert_eq!(provider(&same_quality(1)), "p1", "equals keep the order of the list");
}

#[test]
fn an_absurdly_dear_model_changes_nothing_between_the_others() {
    let order = |with_dear: bool| {
        let mut specs = vec![spec("gpt-4o", 1, 10, 40), spec("gpt-4o-mini", 2, 1, 4)];
        specs.extend(with_dear.then(|| spec("gpt-4o-2024-08-06", 3, 1_000, 4_000)));
        let world = World::new(&specs, vec![policy("auto", route("learned_utility", &[]))]);
        let order = world.order(&Ask::of("auto"));
        let scores = world.decide(&Ask::of("auto")).unwrap().decision.candidates;
        let gap = scores[0].score.unwrap() - scores[1].score.unwrap();
        (order[..2].to_vec(), gap)
    };
    assert_eq!(order(true), order(false));
}

#[test]
fn who_wants_the_fastest_gets_it() {
    let route = Route {
        settings: settings([("goal", text("fastest")), ("slack", number(1_000))]),
        ..route("learned_utility", &[])
    };
    let mut world = world_of(&["small", "medium", "large"], route);
    for (place, millis) in [(0, 9_000), (1, 300), (2, 2_500)] {
        world.serves(place, millis);
    }
    assert_eq!(world.order(&Ask::of("auto")), ["medium", "large", "small"]);
}

const HARD: &str = "Prove that for every prime p > 3 the number p^2 - 1 is divisible by 24, then generalise the argument \
                    to Gaussian primes and derive the exact exponent of 2 in p^4 - 1, step by step.";
