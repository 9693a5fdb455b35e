//! A strict budget under 64 clients at once: never a nano-dollar over, and used up before it refuses.

use std::sync::atomic::{AtomicU64, Ordering};

use futures_util::future::join_all;
use megarouter_tests::budget::{self, Budget};
use megarouter_tests::mock_provider::Script;
use megarouter_tests::world::{NANOS_PER_TOKEN, World};
use serde_json::{Value, json};

const CLIENTS: usize = 64;
/// Models that say so many tokens of the hundred that a client allows.
const MODELS: [(&str, u64); 3] = [("brief", 20), ("medium", 60), ("long", 100)];
const INPUT: u64 = 5;
/// Enough for about two hundred requests.
const LIMIT: u64 = 200 * 60 * NANOS_PER_TOKEN.1;

#[tokio::test]
async fn sixty_four_clients_never_overspend_a_strict_budget_and_use_it_up() {
    let scripts = MODELS.map(|(model, output)| {
        let (prompt_tokens, completion_tokens) = (Some(INPUT), Some(output));
        (model, Script { prompt_tokens, completion_tokens, first_byte_ms: 5, ..Script::default() })
    });
    let world = World::with(scripts).await.unwrap();
    let budget = Budget::nanos(LIMIT).strict().set(&world.control).await.unwrap();
    let refused = AtomicU64::new(0);
    join_all((0..CLIENTS).map(|client| spend_all(&world, client, &refused))).await;

    let state = budget::settled_state(&world.control, &budget).await.unwrap();
    let spent: u64 = world
        .mock
        .calls()
        .iter()
        .filter_map(|call| call.reported)
        .map(|tokens| tokens.prompt * NANOS_PER_TOKEN.0 + tokens.completion * NANOS_PER_TOKEN.1)
        .sum();
    assert!(spent <= LIMIT, "{} nano-dollars over", spent - LIMIT);
    assert_eq!(state.used, spent, "the budget and the provider differ");
    assert!(spent * 10 >= LIMIT * 9, "refused at {spent} of {LIMIT}");
    assert!(refused.load(Ordering::Relaxed) >= u64::try_from(CLIENTS).unwrap());
    let rows = world.control.requests().await.unwrap();
    let booked: u64 =
        rows.iter().filter_map(|row| row["cost"]["amount"].as_str()).map(|it| it.parse::<u64>().unwrap()).sum();
    assert_eq!(booked, spent, "the rows and the provider differ");
    let verdict = world.program.install().run(&["ledger", "verify"]).unwrap();
    assert!(verdict.contains("0 unexplained"), "{verdict}");
}

/// Asks until nothing is left for it; a refusal while others hold what is left is only for now.
async fn spend_all(world: &World, client: usize, refused: &AtomicU64) {
    let mut refused_in_a_row = 0;
    for number in client.. {
        let (model, _) = MODELS[number % MODELS.len()];
        let body = json!({
            "model": model, "max_tokens": 100, "messages": [{"role": "user", "content": "Hi"}], "stream": number % 2 == 0,
        });
        let answer = world.post("/v1/chat/completions", &body).await.unwrap();
        match answer.status().as_u16() {
            200 => {
                answer.bytes().await.unwrap();
                refused_in_a_row = 0;
            }
            429 => {
                let error: Value = answer.json().await.unwrap();
                assert_eq!(error["error"]["code"], "budget.exceeded", "{error}");
                refused.fetch_add(1, Ordering::Relaxed);
                refused_in_a_row += 1;
                if refused_in_a_row == 5 {
                    return;
                }
                tokio::time::sleep(std::time::Duration::from_millis(20)).await;
            }
            other => panic!("status {other}: {}", answer.text().await.unwrap()),
        }
    }
}

/// A key under its limit by more than the request's hold is never refused: one client, so that nothing
/// else is held.
#[tokio::test]
async fn a_request_that_fits_is_never_refused_and_one_that_does_not_is() {
    let script = Script { prompt_tokens: Some(INPUT), completion_tokens: Some(100), ..Script::default() };
    let world = World::with([("long", script)]).await.unwrap();
    let cost = INPUT * NANOS_PER_TOKEN.0 + 100 * NANOS_PER_TOKEN.1;
    let limit = 10 * cost;
    let budget = Budget::nanos(limit).set(&world.control).await.unwrap();
    let body = json!({"model": "long", "max_tokens": 100, "messages": [{"role": "user", "content": "Hi"}]});
    for used in (0..10).map(|done| done * cost) {
        // Text of two bytes and what surrounds it are a few tokens.
        let hold = 40 * NANOS_PER_TOKEN.0 + 100 * NANOS_PER_TOKEN.1;
        let answer = world.post("/v1/chat/completions", &body).await.unwrap();
        let is_answered = answer.status() == 200;
        assert!(is_answered || used + hold > limit, "refused at {used} of {limit}: {}", answer.text().await.unwrap());
    }
    let answer = world.post("/v1/chat/completions", &body).await.unwrap();
    assert_eq!(answer.status(), 429);
    let state = budget::settled_state(&world.control, &budget).await.unwrap();
    assert!(state.used <= limit && state.used >= 9 * cost, "{state:?}");
}

/// Costs more than was set aside must not be lost: they are posted, and the next request is refused.
#[tokio::test]
async fn a_refusal_by_a_budget_trips_no_breaker_and_leaves_other_keys_alone() {
    let world = World::start().await.unwrap();
    let key_id = world.key_id().await.unwrap();
    let other = world.program.install().create_key("other").unwrap();
    Budget::nanos(1).on_key(&key_id).set(&world.control).await.unwrap();
    for _ in 0..20 {
        assert_eq!(world.chat(megarouter_tests::mock_provider::DEFAULT_MODEL).await.unwrap().status(), 429);
    }
    let body = megarouter_tests::client::chat_body(megarouter_tests::mock_provider::DEFAULT_MODEL);
    let url = world.program.url("/v1/chat/completions");
    let answer = world.http.post(url).bearer_auth(&other).json(&body).send().await.unwrap();
    assert_eq!(answer.status(), 200, "refusals by a budget were counted against the provider");
    assert_eq!(world.mock.calls().len(), 1, "a refused request reached the provider");
}
