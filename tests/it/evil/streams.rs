//! Streams that break off or fall silent, and bodies that are no answers (faults 5, 6 and 8).

use futures_util::future::join_all;
use megarouter_tests::evil_upstream::{Act, Dialect, Framing, Play};
use megarouter_tests::faults;
use serde_json::{Value, json};

use crate::{Stagehand, Told};

/// Random points in each dialect; the soak run takes more.
const CUTS: usize = 250;

#[tokio::test]
async fn a_stream_cut_at_any_byte_never_looks_whole_in_any_dialect() {
    let report = faults::cut_streams(CUTS, 1).await.unwrap();
    assert_eq!(report.cuts, CUTS * 4);
    assert!(report.told_in_stream > CUTS && report.told_by_status > 0, "{report:?}");
}

#[tokio::test]
async fn what_is_no_answer_is_never_a_success_in_any_dialect() {
    let stage = Stagehand::start(&[]).await;
    let html = "<!doctype html><title>Sign in</title>";
    let nonsense = [("html", html), ("empty", ""), ("broken", r#"{"id":"x","choices":[{"#), ("other", r#"{"a":1}"#)];
    for (name, body) in nonsense {
        let content_type = (name == "html").then(|| "text/html".to_owned());
        stage.upstream.stage(name, Play { body: Some(body.to_owned()), content_type, ..Play::default() });
    }
    // All at once: each is tried again after a pause, as other calls may fare better.
    let calls = Dialect::ALL.into_iter().flat_map(|dialect| nonsense.map(|(name, _)| (dialect, name)));
    let calls = calls.flat_map(|(dialect, name)| [false, true].map(|is_streaming| (dialect, name, is_streaming)));
    let calls = calls.map(async |(dialect, name, is_streaming)| {
        let told = stage.read(stage.call_staged(dialect, name, is_streaming).await.unwrap()).await;
        assert_eq!(told.status, 502, "{dialect:?}, {name}, streaming: {is_streaming}: {}", told.text);
        let error: Value = serde_json::from_str(&told.text).unwrap();
        assert!(error["error"]["message"].is_string(), "{dialect:?}: {error}");
        assert_eq!(told.record["outcome"], "failed", "{dialect:?}, {name}");
    });
    join_all(calls).await;
    stage.verify();
}

#[tokio::test]
async fn a_length_that_is_wrong_is_never_a_success() {
    let stage = Stagehand::start(&[]).await;
    let lengths = [("too-short", -20), ("too-long", 1_000)];
    for (name, wrong_by) in lengths {
        stage
            .upstream
            .stage(name, Play { framing: Framing::Length(wrong_by), ..Play::of([Act::Answer(None), Act::Fin]) });
    }
    let calls = Dialect::ALL.into_iter().flat_map(|dialect| lengths.map(|(name, _)| (dialect, name)));
    join_all(calls.map(async |(dialect, name)| {
        let answer = stage.call_staged(dialect, name, false).await.unwrap();
        assert_eq!(answer.status(), 502, "{dialect:?}, {name}");
    }))
    .await;
}

#[tokio::test]
async fn a_stream_that_drips_byte_by_byte_comes_through_whole() {
    let stage = Stagehand::start(&[]).await;
    for dialect in Dialect::ALL {
        let drip = Play { words: 2, ..Play::of([Act::Drip { bytes: 1, every_ms: 0, to: None }]) };
        let answer = stage.call(dialect, "drip", drip, true).await;
        let Told { text, record, .. } = stage.read(answer).await;
        assert!(text.contains(dialect.end_mark()) && text.contains("word1 "), "{dialect:?}: {text}");
        assert_eq!((&record["outcome"], &record["usage_source"]), (&json!("completed"), &json!("reported")));
    }
}

#[tokio::test]
async fn silence_and_a_half_closed_connection_are_given_up_and_closed() {
    let stage = Stagehand::start(&["--stream-idle-seconds", "1"]).await;
    for dialect in Dialect::ALL {
        let half = dialect.before_word(4);
        for (name, end) in [("silence", Act::Silence), ("half-close", Act::HalfClose)] {
            let name = format!("{name}-{dialect:?}");
            let answer = stage.call(dialect, &name, Play::of([Act::Answer(Some(half)), end]), true).await;
            let Told { text, record, .. } = stage.read(answer).await;
            assert!(dialect.tells_error(&text) && !text.contains(dialect.end_mark()), "{name}: {text}");
            stage.upstream.wait_for(&name, "the close", |calls| calls[0].closed_at().is_some()).await;
            assert_eq!(
                (&record["outcome"], &record["usage_source"]),
                (&json!("truncated"), &json!("estimated")),
                "{name}"
            );
        }
    }
}
