//! How a program ends: killed before a stream was settled, stopped while streams are open (15, 17).

use std::time::Duration;

use futures_util::StreamExt as _;
use megarouter_tests::client;
use megarouter_tests::control::Control;
use megarouter_tests::faults::{verify, verify_settled};
use megarouter_tests::mock_provider::{DEFAULT_MODEL, Script};
use megarouter_tests::sse::Stream;
use megarouter_tests::world::{World, request_id};

/// Words of a stream that takes two seconds.
const WORDS: u32 = 40;

fn slow() -> Script {
    Script { chunks: WORDS, gap_ms: 50, ..Script::default() }
}

#[tokio::test]
async fn a_kill_between_the_last_byte_and_its_entry_leaves_what_the_last_mark_told() {
    let mut world = World::with([(DEFAULT_MODEL, slow())]).await.unwrap();
    let mut ids = Vec::new();
    for _ in 0..3 {
        let answer = world.stream(DEFAULT_MODEL, true).await.unwrap();
        ids.push(request_id(answer.headers()).to_owned());
        assert!(Stream::read(answer).await.is_done);
        let install = world.program.kill().unwrap();
        world.program = install.start().unwrap();
    }
    let control = Control::of(&world.program.install().data_folder());
    for id in ids {
        let record = control.request(&id).await.unwrap();
        let attempt = &record["attempt_list"][0];
        assert!(["settled", "uncertain"].contains(&attempt["resolution"].as_str().unwrap()), "{record:#}");
        assert!(["reported", "estimated"].contains(&record["usage_source"].as_str().unwrap_or_default()), "{record:#}");
        // Marks are written each second, in which the provider says twenty words.
        let output = record["usage"]["total_output"].as_u64().unwrap_or(0);
        assert!(output >= u64::from(WORDS) - 25, "{output} tokens of {WORDS} words: {record:#}");
        assert!(record["cost"]["amount"].as_str().is_some_and(|amount| amount != "0"), "{record:#}");
    }
    verify(world.program.install()).unwrap();
}

#[tokio::test]
async fn a_stop_ends_streams_that_outlast_its_grace_with_an_error_and_leaves_no_hold() {
    let script = Script { chunks: 1_000, gap_ms: 50, ..Script::default() };
    let arguments = ["--shutdown-grace-seconds", "1"];
    let world = World::with_arguments([(DEFAULT_MODEL, script)], &arguments).await.unwrap();
    let answer = world.stream(DEFAULT_MODEL, true).await.unwrap();
    let id = request_id(answer.headers()).to_owned();
    let mut body = answer.bytes_stream();
    let mut bytes = body.next().await.unwrap().unwrap().to_vec();
    let World { program, mock, .. } = world;
    let stopped = tokio::task::spawn_blocking(move || program.stop());
    let left = tokio::time::timeout(Duration::from_secs(10), async {
        while let Some(piece) = body.next().await {
            bytes.extend_from_slice(&piece.unwrap_or_default());
        }
    });
    left.await.expect("the stream ends soon after the grace");
    let stream = Stream::parse(bytes);
    assert!(stream.error().is_some() && !stream.is_done, "{}", String::from_utf8_lossy(&stream.bytes));
    let install = stopped.await.unwrap().unwrap();
    mock.wait_for("the close", |calls| calls[0].closed_at().is_some()).await;
    let program = install.start().unwrap();
    let record = Control::of(&install.data_folder()).request(&id).await.unwrap();
    assert_ne!(record["attempt_list"][0]["resolution"], "open");
    assert!(record["usage"]["total_output"].as_u64().unwrap() > 0, "{record:#}");
    verify_settled(&install).await.unwrap();
    program.stop().unwrap();
}

#[tokio::test]
async fn a_stopping_program_takes_no_new_requests() {
    let world = World::with([(DEFAULT_MODEL, slow())]).await.unwrap();
    let answer = world.stream(DEFAULT_MODEL, true).await.unwrap();
    let url = world.program.url("/v1/chat/completions");
    let World { program, key, http, mock, .. } = world;
    let stopped = tokio::task::spawn_blocking(move || program.stop());
    let mut refused = false;
    let mut reading = std::pin::pin!(Stream::read(answer));
    let stream = loop {
        tokio::select! {
            stream = &mut reading => break stream,
            other = http.post(&url).bearer_auth(&key).json(&client::chat_body(DEFAULT_MODEL)).send() => {
                refused |= other.map_or(true, |answer| answer.status() == 503);
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
    };
    assert!(stream.is_done, "an open stream was cut within the time of grace");
    assert!(refused, "a stopping program went on taking requests; calls: {}", mock.calls().len());
    stopped.await.unwrap().unwrap();
}
