//! The drive: one provider is slow, one dies on the way, one is dear. Whoever picks one of them for good pays for
//! it in money, in time or in failures; `auto` has to do better than each.

use std::time::{Duration, Instant};

use futures_util::StreamExt as _;
use megarouter_tests::mock_provider::{MockProvider, Script};
use megarouter_tests::setup::Setup;
use megarouter_tests::world::World;
use serde_json::{Value, json};

/// Requests of one drive.
const REQUESTS: usize = 120;
/// How many of them are under way at a time.
const AT_ONCE: usize = 3;
/// After so many calls, the dying provider answers none any more.
const DIES_AFTER: usize = 70;
/// How long the slow provider takes to its first byte: far longer than anything else here, on any machine.
const SLOW_MS: u64 = 1_000;
/// Input and output of every answer, in tokens.
const TOKENS: (u64, u64) = (1_000, 100);

/// How a drive went.
struct Drive {
    served: usize,
    /// In nano-dollars, over all requests.
    cost: i64,
    /// The time that 95 of 100 requests took at most.
    p95: Duration,
    /// The models that served, in the order of the answers.
    models: Vec<String>,
    world: World,
    _others: [MockProvider; 2],
}

async fn drive(model: &str) -> Drive {
    let [slow, dying, dear] = [MockProvider::start(), MockProvider::start(), MockProvider::start()];
    let (slow, dying, dear) = (slow.await.unwrap(), dying.await.unwrap(), dear.await.unwrap());
    let answer = Script { prompt_tokens: Some(TOKENS.0), completion_tokens: Some(TOKENS.1), ..Script::default() };
    slow.script("slow", Script { first_byte_ms: SLOW_MS, ..answer.clone() });
    let life = std::iter::repeat_n(answer.clone(), DIES_AFTER).chain([Script::error(503)]);
    dying.script_in_turn("dying", life);
    dear.script("dear", answer);
    let setup = Setup::new()
        .provider("slow", &slow.base_url())
        .provider("dying", &dying.base_url())
        .provider("dear", &dear.base_url())
        .model("slow", &["slow"], "9", "18")
        .model("dying", &["dying"], "1", "2")
        .model("dear", &["dear"], "10", "20");
    let world = World::of(slow, &setup, &[]).unwrap();

    let one = async |number: usize| {
        let question = format!("What is {number} and {number}? Answer with the number.");
        let body = json!({"model": model, "messages": [{"role": "user", "content": question}]});
        let start = Instant::now();
        let answer = world.post("/v1/chat/completions", &body).await.unwrap();
        let (is_served, head) = (answer.status() == 200, answer.headers().clone());
        answer.bytes().await.unwrap();
        (start.elapsed(), is_served, head)
    };
    let answers: Vec<_> = futures_util::stream::iter(0..REQUESTS).map(one).buffered(AT_ONCE).collect().await;

    let mut times: Vec<_> = answers.iter().map(|(time, ..)| *time).collect();
    times.sort_unstable();
    let mut drive =
        Drive { served: 0, cost: 0, p95: times[REQUESTS * 95 / 100], models: vec![], world, _others: [dying, dear] };
    for (_, is_served, head) in answers {
        let record = drive.world.record_of(&head).await.unwrap();
        drive.served += usize::from(is_served);
        drive.cost += record["cost"]["amount"].as_str().unwrap().parse::<i64>().unwrap();
        drive.models.push(record["model"].as_str().unwrap_or_default().to_owned());
    }
    drive
}

#[tokio::test]
async fn auto_serves_everything_for_less_and_sooner_than_each_fixed_choice() {
    let auto = drive("auto").await;
    assert_eq!(auto.served, REQUESTS, "{:?}", auto.models);
    assert!(auto.models.contains(&"dying".to_owned()) && auto.models.last().unwrap() == "dear", "{:?}", auto.models);

    let dying = drive("dying").await;
    assert!(dying.served < REQUESTS, "it was to die on the way");
    for fixed in [drive("slow").await, drive("dear").await] {
        assert_eq!(fixed.served, REQUESTS);
        assert!(auto.cost < fixed.cost, "{} is not less than {}", auto.cost, fixed.cost);
        // The dear one answers at once: nobody can be much sooner than that, so only the slow one is compared by time.
        assert!(fixed.models[0] == "dear" || auto.p95 < fixed.p95, "{:?} is not sooner than {:?}", auto.p95, fixed.p95);
    }
}

#[tokio::test]
async fn every_choice_is_explained_on_its_record() {
    let auto = drive("auto").await;
    let requests = auto.world.control.requests().await.unwrap();
    let failed_over = requests.iter().find(|request| request["attempts"].as_u64() > Some(1)).unwrap();
    let record: Value = auto.world.control.request(failed_over["id"].as_str().unwrap()).await.unwrap();
    let decision = &record["decision"];
    assert_eq!((&decision["rule"]["policy"], &decision["strategy"]), (&json!("auto"), &json!("learned_utility")));
    let candidates = decision["candidates"].as_array().unwrap();
    assert_eq!(candidates.len(), 3, "{decision:#}");
    for candidate in candidates {
        assert!(candidate["cost"].is_string() && candidate["quality_permille"].is_u64(), "{candidate:#}");
    }
    assert!(decision["task"]["family"].is_string());
    let attempts = record["attempt_list"].as_array().unwrap();
    assert_eq!((&attempts[0]["provider"], &attempts[0]["status"]), (&json!("dying"), &json!(503)));
    assert_eq!(attempts.last().unwrap()["provider"], record["provider"]);
}
