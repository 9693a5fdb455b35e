//! The official SDKs and two frameworks in every client dialect, against every upstream dialect.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
#![expect(clippy::print_stdout, reason = "the table is what a reader looks for")]

use std::fs;
use std::path::Path;

use megarouter_tests::conformance::{self, CLIENTS, Plan, Row, UPSTREAMS};
use megarouter_tests::mock_provider::MockProvider;

/// Runs a plan, keeps its rows as lines of JSON and fails with every failed case.
async fn check(name: &str, plan: Plan) -> Vec<Row> {
    let rows = tokio::task::spawn_blocking(move || conformance::run(&plan)).await.unwrap().unwrap();
    let lines: Vec<String> = rows.iter().map(|row| serde_json::to_string(row).unwrap()).collect();
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("conformance-{name}.jsonl"));
    fs::write(&file, lines.join("\n")).unwrap();
    println!("{}\n{}", conformance::table(&rows), file.display());
    let failures = conformance::failures(&rows);
    assert!(failures.is_empty(), "{} of {} cases failed:\n{}", failures.len(), rows.len(), failures.join("\n"));
    rows
}

/// Every pair has cases that ran, so that nothing passes by not being there.
fn assert_covers(rows: &[Row], client: &str, upstream: &str) {
    let ran = rows.iter().filter(|row| row.client == client && row.upstream == upstream && row.outcome == "passed");
    assert!(ran.count() >= 5, "{client} on {upstream} is hardly tested");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_client_understands_the_mock_in_its_own_dialect() {
    let mock = MockProvider::start().await.unwrap();
    let rows = check("direct", Plan::direct(&mock)).await;
    for (client, own) in CLIENTS {
        assert_covers(&rows, client, own);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_client_reaches_every_upstream() {
    let mock = MockProvider::start().await.unwrap();
    let (program, key) = conformance::start(&mock).unwrap();
    let rows = check("proxy", Plan::through(&program, &key, &mock)).await;
    for (client, _) in CLIENTS {
        for (upstream, _) in UPSTREAMS {
            assert_covers(&rows, client, upstream);
        }
    }
}
