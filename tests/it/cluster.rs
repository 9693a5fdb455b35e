//! Three real nodes on one real PostgreSQL; `cargo xtask soak cluster` takes eight, and longer.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::time::{Duration, Instant};

use megarouter_tests::budget::Budget;
use megarouter_tests::client;
use megarouter_tests::cluster::outage::{Outage, suffer};
use megarouter_tests::cluster::spend::{script, spend};
use megarouter_tests::cluster::traffic::body;
use megarouter_tests::cluster::{Cluster, until};

/// The promise: settings and revocations reach every node so soon.
const SETTINGS_LIMIT: Duration = Duration::from_secs(5);

/// One fleet for everything: it takes a while to start.
#[tokio::test(flavor = "multi_thread")]
async fn three_nodes_hold_one_budget_and_outlive_their_database() {
    let mut cluster = Cluster::start(3).await.unwrap();
    spend_all(&cluster, 400).await;
    // What a killed node had leased and not used is there again when it is back.
    cluster.nodes[2].kill().unwrap();
    cluster.restart(2).unwrap();
    cluster.until_live(3).await.unwrap();
    spend_all(&cluster, 200).await;
    check_settings(&cluster).await;
    for outage in [
        Outage::Restart,
        Outage::Pause(Duration::from_secs(4)),
        Outage::ReadOnly(Duration::from_secs(2)),
        Outage::TooManyClients(Duration::from_secs(2)),
    ] {
        suffer(&cluster, outage).await.unwrap();
    }
    cluster.verify().unwrap();
}

async fn spend_all(cluster: &Cluster, requests: u64) {
    let report = spend(cluster, requests, 8).await.unwrap();
    assert!(report.spent <= report.limit, "overspent: {report:?}");
    assert!(report.utilisation() >= 90.0, "refused too early: {report:?}");
    assert!(report.tally.others.is_empty(), "{report:?}");
}

/// Settings and revocations reach every node.
async fn check_settings(cluster: &Cluster) {
    script(cluster);
    let (key, id) = cluster.create_key("app").await.unwrap();
    let status_at = async |node: usize| {
        let url = format!("{}/v1/chat/completions", cluster.nodes[node].proxy);
        let answer = client::new().post(url).bearer_auth(&key).json(&body("brief", false)).send().await?;
        anyhow::Ok(answer.status().as_u16())
    };
    for node in 0..3 {
        assert_eq!(status_at(node).await.unwrap(), 200);
    }
    let start = Instant::now();
    Budget::nanos(1).on_key(&id).set(&cluster.nodes[1].control).await.unwrap();
    for node in 0..3 {
        let left = SETTINGS_LIMIT.saturating_sub(start.elapsed());
        until("the budget refuses", left, async || Ok(status_at(node).await? == 429)).await.unwrap();
    }
    let start = Instant::now();
    cluster.nodes[2].install().run(&["key", "revoke", "app"]).unwrap();
    for node in 0..3 {
        let left = SETTINGS_LIMIT.saturating_sub(start.elapsed());
        until("the key is refused", left, async || Ok(status_at(node).await? == 401)).await.unwrap();
    }
}
