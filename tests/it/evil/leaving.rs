//! Clients that leave (faults 12 and 13).

use std::collections::HashSet;
use std::time::{Duration, Instant};

use futures_util::StreamExt as _;
use futures_util::stream;
use megarouter_tests::evil_upstream::{Act, Dialect, Play};
use megarouter_tests::world::request_id;

use crate::Stagehand;

/// Clients that leave, in each dialect.
const LEAVING: usize = 60;
/// The promise: 99 of 100 upstream connections are closed so soon after their client left.
const CLOSE_LIMIT: Duration = Duration::from_millis(250);
/// And all of them so soon.
const LAST_CLOSE_LIMIT: Duration = Duration::from_secs(1);

#[tokio::test]
async fn the_provider_is_closed_soon_after_its_client_left_and_the_ledger_says_how_it_counted() {
    let stage = Stagehand::start(&[]).await;
    let play = Play { words: 2_000, ..Play::of([Act::Drip { bytes: 300, every_ms: 5, to: None }]) };
    let clients = (0..LEAVING).flat_map(|number| Dialect::ALL.map(|dialect| (number, dialect)));
    let mut times: Vec<Duration> = stream::iter(clients)
        .map(async |(number, dialect)| {
            let name = format!("leave-{dialect:?}-{number}");
            let answer = stage.call(dialect, &name, play.clone(), true).await;
            let id = request_id(answer.headers()).to_owned();
            let mut body = answer.bytes_stream();
            for _ in 0..number % 7 {
                body.next().await.unwrap().unwrap();
            }
            drop(body);
            let left = Instant::now();
            let calls =
                stage.upstream.wait_for(&name, "the close", |calls| calls.iter().all(|it| it.end.is_some())).await;
            let closed = calls[0].closed_at().expect("the stream was read to its end");
            check_row(&stage, &id).await;
            closed.saturating_duration_since(left)
        })
        .buffer_unordered(8)
        .collect()
        .await;
    times.sort_unstable();
    let p99 = times[times.len() * 99 / 100];
    assert!(p99 <= CLOSE_LIMIT, "p99 {p99:?}");
    assert!(times.last().is_some_and(|last| *last <= LAST_CLOSE_LIMIT), "{times:?}");
    let rows = stage.control.requests_once_there_are(times.len()).await.unwrap();
    let ids: HashSet<&str> = rows.iter().map(|row| row["id"].as_str().unwrap()).collect();
    assert_eq!((rows.len(), ids.len()), (times.len(), times.len()), "one row for each request");
    stage.verify();
}

async fn check_row(stage: &Stagehand, id: &str) {
    let record = stage.control.request(id).await.unwrap();
    assert_eq!(record["outcome"], "client_left", "{record:#}");
    let source = record["usage_source"].as_str().unwrap();
    assert!(["reported", "estimated"].contains(&source), "{record:#}");
    let attempts = record["attempt_list"].as_array().unwrap();
    assert_eq!(attempts.len(), 1);
    assert_ne!(attempts[0]["resolution"], "open", "{record:#}");
}

#[tokio::test]
async fn a_call_that_is_not_streamed_is_closed_too_when_its_client_leaves() {
    let stage = Stagehand::start(&[]).await;
    for dialect in Dialect::ALL {
        let name = format!("slow-{dialect:?}");
        stage.upstream.stage(&name, Play::of([Act::Pause(60_000), Act::Answer(None)]));
        tokio::select! {
            answer = stage.call_staged(dialect, &name, false) => panic!("answered: {answer:?}"),
            _ = stage.upstream.wait_for(&name, "the call", |calls| !calls.is_empty()) => {}
        }
        let left = Instant::now();
        let calls = stage.upstream.wait_for(&name, "the close", |calls| calls[0].end.is_some()).await;
        let late = calls[0].closed_at().unwrap().saturating_duration_since(left);
        assert!(late <= CLOSE_LIMIT, "{dialect:?}: closed {late:?} late");
    }
    let rows = stage.control.requests_once_there_are(4).await.unwrap();
    assert!(rows.iter().all(|row| row["outcome"] == "client_left"), "{rows:#?}");
}
