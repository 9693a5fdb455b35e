//! Usage that is not true: it is booked as told when it can be, and never breaks the books.

use megarouter_tests::evil_upstream::{Dialect, Figures, Play};
use megarouter_tests::world::NANOS_PER_TOKEN;
use serde_json::{Value, json};

use crate::{Stagehand, Told};

/// Figures that no answer of eight words can have, or that are no figures.
fn nonsense() -> Vec<(&'static str, Figures)> {
    let odd = |value: Value| Figures { input: value.clone(), output: value };
    vec![
        ("negative", Figures::of(-5, -100)),
        ("huge", Figures::of(i64::MAX, i64::MAX)),
        ("beyond", odd(json!(1e300))),
        ("fraction", odd(json!(12.5))),
        ("text", odd(json!("12"))),
        ("nothing", odd(Value::Null)),
        ("list", odd(json!([12]))),
    ]
}

#[tokio::test]
async fn an_exaggerated_usage_is_booked_as_told() {
    let stage = Stagehand::start(&[]).await;
    for dialect in Dialect::ALL {
        for is_streaming in [false, true] {
            // Half as much again as there are words.
            let answer = stage.call(dialect, "exaggerated", Play::claiming([Figures::of(18, 12)]), is_streaming).await;
            let record = stage.read(answer).await.record;
            let nanos = 18 * NANOS_PER_TOKEN.0 + 12 * NANOS_PER_TOKEN.1;
            assert_eq!(record["cost"], json!({"state": "exact", "amount": nanos.to_string()}), "{dialect:?}");
            assert_eq!(record["usage_source"], "reported");
        }
    }
}

#[tokio::test]
async fn a_missing_usage_is_estimated_and_says_so() {
    let stage = Stagehand::start(&[]).await;
    for dialect in Dialect::ALL {
        for is_streaming in [false, true] {
            let answer = stage.call(dialect, "missing", Play::claiming([]), is_streaming).await;
            let record = stage.read(answer).await.record;
            assert_eq!(
                (&record["usage_source"], &record["cost"]["state"]),
                (&json!("estimated"), &json!("estimated")),
                "{dialect:?} {record:#}"
            );
        }
    }
}

#[tokio::test]
async fn of_cumulative_figures_the_last_one_counts_whatever_came_before() {
    let stage = Stagehand::start(&[]).await;
    for dialect in [Dialect::Chat, Dialect::Messages, Dialect::Gemini] {
        let figures = [9_000, 3, 50, 0, 12].map(|output| Figures::of(10, output));
        let answer = stage.call(dialect, "cumulative", Play::claiming(figures), true).await;
        let record = stage.read(answer).await.record;
        assert_eq!(record["usage"]["total_output"], 12, "{dialect:?}: {record:#}");
    }
}

#[tokio::test]
async fn nonsense_in_the_usage_breaks_neither_the_answer_nor_the_books() {
    let stage = Stagehand::start(&[]).await;
    for dialect in Dialect::ALL {
        for (name, figures) in nonsense() {
            for is_streaming in [false, true] {
                let answer = stage.call(dialect, name, Play::claiming([figures.clone()]), is_streaming).await;
                let Told { status, record, .. } = stage.read(answer).await;
                assert!([200, 502].contains(&status), "{dialect:?}, {name}: {status}");
                let amount = record["cost"]["amount"].as_str().map(|amount| amount.parse::<i64>().unwrap());
                assert!(amount.is_none_or(|amount| amount >= 0), "{dialect:?}, {name}: {record:#}");
            }
        }
    }
    stage.verify();
    // The books are still open for honest calls.
    let answer = stage.call(Dialect::Chat, "honest", Play::default(), false).await;
    assert_eq!(answer.status(), 200);
}
