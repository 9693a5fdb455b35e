//! Ordered fallback over a model's deployments, until the first useful byte.

use std::time::{Duration, Instant};

use megarouter_tests::mock_provider::{CutBy, MockProvider, Script};
use megarouter_tests::setup::Setup;
use megarouter_tests::sse::Stream;
use megarouter_tests::world::World;
use serde_json::{Value, json};

const MODEL: &str = "shared";

/// A world in which one model is served by two providers: the world's own mock, then the other.
async fn two_providers(first: Script, second: Script) -> (World, MockProvider) {
    let (mock, other) = (MockProvider::start().await.unwrap(), MockProvider::start().await.unwrap());
    mock.script(MODEL, first);
    other.script(MODEL, second);
    let setup = Setup::new().provider("first", &mock.base_url()).provider("second", &other.base_url()).model(
        MODEL,
        &["first", "second"],
        "1",
        "2",
    );
    (World::of(mock, &setup, &[]).unwrap(), other)
}

fn providers_of(record: &Value) -> Vec<&str> {
    record["attempt_list"].as_array().unwrap().iter().map(|attempt| attempt["provider"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn the_next_provider_answers_when_the_first_fails() {
    for failing in
        [Script::error(500), Script::error(503), Script::error(401), Script::error(404), Script::cut(0, CutBy::Rst)]
    {
        for is_streaming in [false, true] {
            // Of its own: what refuses its credential once is not asked first again.
            let (world, other) = two_providers(failing.clone(), Script::default()).await;
            let answer =
                if is_streaming { world.stream(MODEL, true).await.unwrap() } else { world.chat(MODEL).await.unwrap() };
            assert_eq!(answer.status(), 200, "{failing:?}");
            let record = world.record_of(answer.headers()).await.unwrap();
            let providers = providers_of(&record);
            assert_eq!((providers[0], *providers.last().unwrap()), ("first", "second"), "{failing:?}");
            assert_eq!(record["provider"], "second");
            assert_eq!(record["outcome"], "completed");
            assert_eq!(other.calls().len(), 1, "{failing:?}");
        }
    }
}

#[tokio::test]
async fn every_attempt_is_on_the_record_and_only_the_answer_is_paid() {
    let (world, other) = two_providers(Script::error(503), Script::default()).await;
    let answer = world.chat(MODEL).await.unwrap();
    let record = world.record_of(answer.headers()).await.unwrap();
    let attempts = record["attempt_list"].as_array().unwrap();
    assert_eq!(attempts.len(), world.mock.calls().len() + other.calls().len());
    assert_eq!(record["attempts"], attempts.len());
    let (last, failed) = attempts.split_last().unwrap();
    for attempt in failed {
        assert_eq!((&attempt["resolution"], &attempt["status"]), (&json!("voided"), &json!(503)), "{attempt:#}");
        assert_eq!(attempt["cost"]["amount"], "0");
    }
    assert_eq!(last["resolution"], "settled");
    assert_eq!(last["cost"], record["cost"]);
}

#[tokio::test]
async fn a_stream_that_breaks_before_any_output_falls_back_and_one_that_breaks_after_does_not() {
    let (world, other) = two_providers(Script::cut(20, CutBy::Fin), Script::default()).await;
    let stream = Stream::read(world.stream(MODEL, true).await.unwrap()).await;
    assert!(stream.is_done && stream.error().is_none());
    assert_eq!(other.calls().len(), 1);

    let (world, other) = two_providers(Script::cut(900, CutBy::Fin), Script::default()).await;
    let stream = Stream::read(world.stream(MODEL, true).await.unwrap()).await;
    assert!(!stream.is_done && stream.error().is_some());
    assert!(other.calls().is_empty(), "a second provider was asked after output was sent");
}

#[tokio::test]
async fn a_refusal_of_the_request_itself_does_not_walk_the_chain() {
    for status in [400, 413, 422] {
        let (world, other) = two_providers(Script::error(status), Script::default()).await;
        assert_eq!(world.chat(MODEL).await.unwrap().status().as_u16(), status);
        assert_eq!((world.mock.calls().len(), other.calls().len()), (1, 0), "{status}");
    }
}

#[tokio::test]
async fn a_provider_over_its_rate_is_left_for_the_next_without_waiting() {
    let limited = Script::error(429).header("retry-after", "30");
    let (world, other) = two_providers(limited, Script::default()).await;
    let start = Instant::now();
    assert_eq!(world.chat(MODEL).await.unwrap().status(), 200);
    assert!(start.elapsed() < Duration::from_secs(5));
    assert_eq!(other.calls().len(), 1);
}

#[tokio::test]
async fn the_only_provider_is_asked_again_when_its_retry_after_is_over() {
    let world = World::with([(MODEL, Script::default())]).await.unwrap();
    world.mock.script_in_turn(MODEL, [Script::error(429).header("retry-after", "1"), Script::default()]);
    let start = Instant::now();
    let answer = world.chat(MODEL).await.unwrap();
    assert_eq!(answer.status(), 200);
    assert!(start.elapsed() >= Duration::from_secs(1), "the provider's wish was not respected");
    assert_eq!(world.mock.calls().len(), 2);
}

#[tokio::test]
async fn a_rate_limit_that_cannot_be_waited_out_is_passed_on() {
    for wait in ["86400", "Wed, 21 Oct 2065 07:28:00 GMT"] {
        let limited = Script::error(429).header("retry-after", wait);
        let world = World::with([(MODEL, limited)]).await.unwrap();
        let start = Instant::now();
        let answer = world.chat(MODEL).await.unwrap();
        assert_eq!(answer.status(), 429, "{wait}");
        assert!(start.elapsed() < Duration::from_secs(5), "waited for {wait}");
        assert!(answer.headers().contains_key("retry-after"), "{wait}");
        assert_eq!(answer.json::<Value>().await.unwrap()["error"]["type"], "rate_limit_error");
    }
}

#[tokio::test]
async fn nonsense_in_retry_after_does_no_harm() {
    for wait in ["0", "-5", "soon", "1e9", "99999999999999999999"] {
        let limited = Script::error(429).header("retry-after", wait);
        let (world, other) = two_providers(limited, Script::default()).await;
        assert_eq!(world.chat(MODEL).await.unwrap().status(), 200, "{wait}");
        assert_eq!(other.calls().len(), 1, "{wait}");
        assert!(world.mock.calls().len() <= 5, "{wait}: {} calls", world.mock.calls().len());
    }
}
