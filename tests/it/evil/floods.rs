//! More than anybody can hold (faults 10 and 11).

use std::time::Duration;

use futures_util::StreamExt as _;
use megarouter_tests::evil_upstream::{Act, Dialect, Play};
use megarouter_tests::world::request_id;
use megarouter_tests::{client, process};
use serde_json::json;

use crate::Stagehand;

/// What one stream may add to the memory in use, in KiB: an event may have 16 MiB (an image is one
/// event), and is there twice while its buffer grows.
const MOST_PER_STREAM: u64 = 40 * 1024;
const STREAMS: usize = 4;

#[tokio::test]
async fn a_line_of_64_mib_is_an_error_and_takes_no_memory() {
    let stage = Stagehand::start(&[]).await;
    let warm = stage.call(Dialect::Chat, "warm", Play::default(), true).await;
    warm.text().await.unwrap();
    let before = process::tree(stage.program.process_id()).rss_kib;
    for dialect in Dialect::ALL {
        let line = Play::of([Act::Answer(Some(0)), Act::Line(64 * 1024 * 1024)]);
        stage.upstream.stage("line", line);
        let calls = (0..STREAMS).map(|_| async {
            let answer = stage.call_staged(dialect, "line", true).await.unwrap();
            (answer.status().as_u16(), client::text_of(answer).await)
        });
        for (status, text) in futures_util::future::join_all(calls).await {
            assert!(status == 502 || (status == 200 && dialect.tells_error(&text)), "{dialect:?}: {status} {text}");
        }
    }
    let grown = process::tree(stage.program.process_id()).rss_kib.saturating_sub(before);
    let most = MOST_PER_STREAM * u64::try_from(STREAMS).unwrap();
    assert!(grown <= most, "{grown} KiB for {STREAMS} streams at once");
}

#[tokio::test]
async fn a_hundred_thousand_events_and_as_many_comments_come_through() {
    let stage = Stagehand::start(&[]).await;
    for dialect in Dialect::ALL {
        let play = Play::of([Act::Answer(Some(dialect.before_word(2))), Act::Comments(100_000), Act::Answer(None)]);
        let answer = stage.call(dialect, "comments", play, true).await;
        assert!(client::text_of(answer).await.contains(dialect.end_mark()), "{dialect:?}");
    }
    let play = Play::of([Act::Answer(Some(Dialect::Chat.before_word(2))), Act::Events(100_000), Act::Answer(None)]);
    let answer = stage.call(Dialect::Chat, "events", play, true).await;
    let text = client::text_of(answer).await;
    assert_eq!(text.matches("again ").count(), 100_000);
    assert!(text.contains("data: [DONE]"));
}

#[tokio::test]
async fn a_stream_without_an_end_is_closed_when_its_client_leaves() {
    let stage = Stagehand::start(&[]).await;
    for dialect in Dialect::ALL {
        let name = format!("forever-{dialect:?}");
        let answer = stage
            .call(dialect, &name, Play::of([Act::Answer(Some(dialect.before_word(1))), Act::Forever(0)]), true)
            .await;
        let id = request_id(answer.headers()).to_owned();
        let mut body = answer.bytes_stream();
        let mut bytes = 0;
        while bytes < 1_000_000 {
            bytes += body.next().await.unwrap().unwrap().len();
        }
        drop(body);
        let left = std::time::Instant::now();
        let calls = stage.upstream.wait_for(&name, "the close", |calls| calls[0].end.is_some()).await;
        let late = calls[0].closed_at().unwrap().saturating_duration_since(left);
        assert!(late <= Duration::from_millis(250), "{dialect:?}: closed {late:?} late");
        let record = stage.control.request(&id).await.unwrap();
        assert_eq!(
            (&record["outcome"], &record["usage_source"]),
            (&json!("client_left"), &json!("estimated")),
            "{dialect:?}"
        );
        assert!(record["usage"]["total_output"].as_u64().unwrap() > 1_000, "{record:#}");
    }
    stage.verify();
}
