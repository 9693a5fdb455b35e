//! The ledger: equal to the provider's count, whole after a kill.

use futures_util::StreamExt as _;
use futures_util::stream;
use megarouter_tests::control::Control;
use megarouter_tests::faults;
use megarouter_tests::mock_provider::{Script, UsagePlacement};
use megarouter_tests::sse::Stream;
use megarouter_tests::world::{NANOS_PER_TOKEN, World};
use serde_json::json;

#[tokio::test]
async fn a_busy_mix_is_booked_equal_to_the_providers_count() {
    const REQUESTS: usize = 300;
    let odd = Script { prompt_tokens: Some(7), completion_tokens: Some(13), ..Script::default() };
    let cached = Script { prompt_tokens: Some(9_001), cached_tokens: 8_000, reasoning_tokens: 3, ..Script::default() };
    let everywhere = Script { usage: UsagePlacement::EveryChunk, chunks: 40, ..Script::default() };
    let world = World::with([("odd", odd), ("cached", cached), ("everywhere", everywhere)]).await.unwrap();
    let models = ["odd", "cached", "everywhere"];
    stream::iter(0..REQUESTS)
        .for_each_concurrent(16, async |number| {
            let model = models[number % models.len()];
            let answer = match number % 5 {
                0 => world.post("/v1/embeddings", &json!({"model": model, "input": "cat"})).await,
                1 | 2 => world.stream(model, number % 2 == 0).await,
                _ => world.chat(model).await,
            };
            let answer = answer.unwrap();
            assert_eq!(answer.status(), 200);
            answer.bytes().await.unwrap();
        })
        .await;
    let rows = world.control.requests_once_there_are(REQUESTS).await.unwrap();
    let counted = world.mock.totals();
    assert_eq!((rows.len(), counted.reported_calls), (REQUESTS, u64::try_from(REQUESTS).unwrap()));
    let sum = |class: &str| rows.iter().map(|row| row["usage"][class].as_u64().unwrap_or(0)).sum::<u64>();
    assert_eq!(sum("total_input"), counted.tokens.prompt);
    assert_eq!(sum("total_output"), counted.tokens.completion);
    assert_eq!(sum("cached_read"), counted.tokens.cached);
    assert_eq!(sum("reasoning"), counted.tokens.reasoning);
    let nanos = counted.tokens.prompt * NANOS_PER_TOKEN.0 + counted.tokens.completion * NANOS_PER_TOKEN.1;
    let booked: u64 = rows.iter().map(|row| row["cost"]["amount"].as_str().unwrap().parse::<u64>().unwrap()).sum();
    assert_eq!(booked, nanos);
    let page = world.control.get("/requests?limit=1").await.unwrap();
    assert_eq!(page["total"], json!({"requests": REQUESTS, "cost": {"state": "exact", "amount": nanos.to_string()}}));
    let status = world.control.get("/status").await.unwrap();
    assert_eq!(status["today"]["cost"]["amount"], nanos.to_string());
    let verdict = world.program.install().run(&["ledger", "verify"]).unwrap();
    assert!(verdict.contains("0 unexplained"), "{verdict}");
}

#[tokio::test]
async fn nothing_delivered_is_lost_when_the_program_is_killed() {
    let report = faults::kill_under_load(12, 1).await.unwrap();
    assert!(report.delivered > 0, "the load delivered nothing, so the kills proved nothing: {report:?}");
}

#[tokio::test]
async fn a_stop_lets_open_streams_end_and_leaves_no_hold_open() {
    let script = Script { chunks: 50, gap_ms: 20, ..Script::default() };
    let world = World::with([("slow", script)]).await.unwrap();
    let answer = world.stream("slow", true).await.unwrap();
    let mut body = answer.bytes_stream();
    let mut bytes = body.next().await.unwrap().unwrap().to_vec();
    let World { program, .. } = world;
    let stopped = tokio::task::spawn_blocking(move || program.stop());
    while let Some(piece) = body.next().await {
        bytes.extend_from_slice(&piece.unwrap());
    }
    let install = stopped.await.unwrap().unwrap();
    assert!(Stream::parse(bytes).is_done, "an open stream was cut by a stop within its time of grace");
    let verdict = install.run(&["ledger", "verify"]).unwrap();
    assert!(verdict.contains("0 unexplained"), "{verdict}");
    let program = install.start().unwrap();
    let rows = Control::of(&install.data_folder()).requests().await.unwrap();
    assert_eq!(rows.len(), 1);
    assert_eq!((&rows[0]["outcome"], &rows[0]["usage_source"]), (&json!("completed"), &json!("reported")));
    program.stop().unwrap();
}
