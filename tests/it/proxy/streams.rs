//! Streams: what comes through, who is charged when they break off, and who closes what when.

use std::time::{Duration, Instant};

use futures_util::StreamExt as _;
use megarouter_tests::client;
use megarouter_tests::mock_provider::{DEFAULT_MODEL, End, Script, UsagePlacement};
use megarouter_tests::sse::Stream;
use megarouter_tests::world::{NANOS_PER_TOKEN, World, request_id};
use serde_json::json;

/// The promise: an upstream connection is closed so soon after its client left.
const CLOSE_LIMIT: Duration = Duration::from_millis(250);

#[tokio::test]
async fn with_usage_asked_for_a_stream_comes_through_byte_for_byte() {
    let world = World::start().await.unwrap();
    let answer = world.stream(DEFAULT_MODEL, true).await.unwrap();
    assert!(answer.headers()["content-type"].to_str().unwrap().starts_with("text/event-stream"));
    let stream = Stream::read(answer).await;
    let call = world.mock.calls().pop().unwrap();
    assert_eq!(String::from_utf8_lossy(&stream.bytes), String::from_utf8_lossy(&call.answer));
    assert_eq!(call.json(), client::stream_body(DEFAULT_MODEL, true));
    assert!(stream.is_done);
}

#[tokio::test]
async fn usage_is_always_asked_for_and_told_only_to_those_who_asked() {
    let world = World::start().await.unwrap();
    let answer = world.stream(DEFAULT_MODEL, false).await.unwrap();
    let head = answer.headers().clone();
    let stream = Stream::read(answer).await;
    let call = world.mock.calls().pop().unwrap();
    assert_eq!(call.json(), client::stream_body(DEFAULT_MODEL, true), "usage was not asked for");
    assert!(stream.usages().is_empty(), "a usage that nobody asked for");
    assert!(stream.events.iter().all(|event| event["choices"].as_array().is_some_and(|choices| !choices.is_empty())));
    assert!(stream.is_done);
    assert_eq!(stream.text(), (0..8).map(|index| format!("word{index} ")).collect::<String>());
    let tokens = call.reported.unwrap();
    let record = world.record_of(&head).await.unwrap();
    assert_eq!(record["usage_source"], "reported");
    let nanos = tokens.prompt * NANOS_PER_TOKEN.0 + tokens.completion * NANOS_PER_TOKEN.1;
    assert_eq!(record["cost"], json!({"state": "exact", "amount": nanos.to_string()}));
}

#[tokio::test]
async fn an_explicit_no_to_usage_is_turned_upstream_only() {
    let world = World::start().await.unwrap();
    let mut body = client::stream_body(DEFAULT_MODEL, false);
    body["stream_options"] = json!({"include_usage": false, "include_obfuscation": false});
    let stream = Stream::read(world.post("/v1/chat/completions", &body).await.unwrap()).await;
    assert!(stream.usages().is_empty() && stream.is_done);
    let options = &world.mock.calls().pop().unwrap().json()["stream_options"];
    assert_eq!(options, &json!({"include_usage": true, "include_obfuscation": false}));
}

#[tokio::test]
async fn usage_is_booked_once_wherever_the_provider_puts_it() {
    let placements = [
        UsagePlacement::Always,
        UsagePlacement::OnStop,
        UsagePlacement::EveryChunk,
        UsagePlacement::Twice,
        UsagePlacement::WithChoice,
    ];
    let world = World::start().await.unwrap();
    for placement in placements {
        for has_usage in [false, true] {
            let tokens = (Some(100), Some(10));
            world.mock.script(
                DEFAULT_MODEL,
                Script { usage: placement, prompt_tokens: tokens.0, completion_tokens: tokens.1, ..Script::default() },
            );
            let answer = world.stream(DEFAULT_MODEL, has_usage).await.unwrap();
            let head = answer.headers().clone();
            let stream = Stream::read(answer).await;
            assert!(stream.is_done, "{placement:?}");
            assert_eq!(stream.text().split_whitespace().count(), 8, "{placement:?}");
            if !has_usage {
                let has_choices =
                    |event: &serde_json::Value| event["choices"].as_array().is_some_and(|it| !it.is_empty());
                assert!(stream.events.iter().all(has_choices), "{placement:?}: a chunk without choices");
            }
            let record = world.record_of(&head).await.unwrap();
            let usage = &record["usage"];
            assert_eq!((&usage["total_input"], &usage["total_output"]), (&json!(100), &json!(10)), "{placement:?}");
            assert_eq!(record["usage_source"], "reported", "{placement:?}");
        }
    }
}

#[tokio::test]
async fn a_stream_without_usage_is_estimated_from_what_was_delivered() {
    let script = Script { usage: UsagePlacement::Never, chunks: 20, ..Script::default() };
    let world = World::with([(DEFAULT_MODEL, script)]).await.unwrap();
    let answer = world.stream(DEFAULT_MODEL, true).await.unwrap();
    let head = answer.headers().clone();
    assert!(Stream::read(answer).await.is_done);
    let record = world.record_of(&head).await.unwrap();
    assert_eq!(record["usage_source"], "estimated");
    assert!(record["usage"]["total_output"].as_u64().unwrap() >= 20, "{record:#}");
}

#[tokio::test]
async fn a_stream_without_its_end_mark_does_not_get_one_from_us() {
    let script = Script { has_done: false, ..Script::default() };
    let world = World::with([(DEFAULT_MODEL, script)]).await.unwrap();
    let stream = Stream::read(world.stream(DEFAULT_MODEL, false).await.unwrap()).await;
    assert!(!stream.is_done);
    assert!(stream.error().is_some());
}

#[tokio::test]
async fn a_silent_provider_is_given_up_and_its_connection_closed() {
    let script = Script { silent_after: Some(3), ..Script::default() };
    let world = World::with_arguments([(DEFAULT_MODEL, script)], &["--stream-idle-seconds", "1"]).await.unwrap();
    let answer = world.stream(DEFAULT_MODEL, false).await.unwrap();
    let head = answer.headers().clone();
    let stream = Stream::read(answer).await;
    assert!(!stream.is_done && stream.error().is_some());
    assert_eq!(stream.text(), "word0 word1 word2 ");
    world.mock.wait_for("the silent connection's close", |calls| calls[0].closed_at().is_some()).await;
    let record = world.record_of(&head).await.unwrap();
    assert_eq!((&record["outcome"], &record["usage_source"]), (&json!("truncated"), &json!("estimated")));
}

#[tokio::test]
async fn a_client_that_leaves_mid_stream_closes_the_provider_and_pays_for_what_it_got() {
    let script = Script { chunks: 1_000, gap_ms: 20, ..Script::default() };
    let world = World::with([(DEFAULT_MODEL, script)]).await.unwrap();
    for has_usage in [false, true] {
        let answer = world.stream(DEFAULT_MODEL, has_usage).await.unwrap();
        let id = request_id(answer.headers()).to_owned();
        let mut body = answer.bytes_stream();
        for _ in 0..5 {
            body.next().await.unwrap().unwrap();
        }
        let number = world.mock.calls().len() - 1;
        let left = Instant::now();
        drop(body);
        let calls = world.mock.wait_for("the provider's connection closed", |calls| calls[number].end.is_some()).await;
        let closed = calls[number].closed_at().expect("the stream was read to its end");
        assert!(closed - left <= CLOSE_LIMIT, "closed {:?} after the client left", closed - left);
        let record = world.control.request(&id).await.unwrap();
        assert_eq!(record["outcome"], "client_left");
        assert_eq!(record["usage_source"], "estimated");
        let output = record["usage"]["total_output"].as_u64().unwrap();
        assert!((1..100).contains(&output), "{output} tokens for about five words");
        assert_eq!(record["attempt_list"].as_array().unwrap().len(), 1);
        assert_eq!(record["attempt_list"][0]["resolution"], "settled");
    }
    assert_eq!(world.control.requests().await.unwrap().len(), 2);
}

#[tokio::test]
async fn a_client_that_leaves_before_the_first_byte_closes_the_provider_and_leaves_one_row() {
    let script = Script { first_byte_ms: 60_000, ..Script::default() };
    let world = World::with([(DEFAULT_MODEL, script)]).await.unwrap();
    for (number, body) in
        [client::chat_body(DEFAULT_MODEL), client::stream_body(DEFAULT_MODEL, true)].into_iter().enumerate()
    {
        let world = &world;
        let request = async { world.post("/v1/chat/completions", &body).await };
        tokio::select! {
            answer = request => panic!("answered: {answer:?}"),
            _ = world.mock.wait_for("the call", |calls| calls.len() > number) => {}
        }
        let left = Instant::now();
        let calls = world.mock.wait_for("the close", |calls| calls[number].end.is_some()).await;
        let closed = calls[number].closed_at().unwrap();
        assert!(closed.saturating_duration_since(left) <= CLOSE_LIMIT, "closed {:?} late", closed - left);
        let rows = world.control.requests_once_there_are(number + 1).await.unwrap();
        assert_eq!(rows.len(), number + 1);
        assert_eq!((&rows[0]["outcome"], &rows[0]["status"]), (&json!("client_left"), &json!(499)));
    }
}

#[tokio::test]
async fn a_client_that_leaves_after_the_last_token_is_charged_in_full() {
    let script = Script { chunks: 4, ..Script::default() };
    let world = World::with([(DEFAULT_MODEL, script)]).await.unwrap();
    let answer = world.stream(DEFAULT_MODEL, true).await.unwrap();
    let id = request_id(answer.headers()).to_owned();
    world.mock.wait_for("the whole answer", |calls| calls[0].end == Some(End::Answered)).await;
    drop(answer);
    let record = world.control.request(&id).await.unwrap();
    assert!(record["usage"]["total_output"].as_u64().unwrap() >= 4, "{record:#}");
}
