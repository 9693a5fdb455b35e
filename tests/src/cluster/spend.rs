//! One budget that all nodes spend at once.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};

use super::Cluster;
use super::traffic::{Tally, Traffic};
use crate::budget::{self, Budget};
use crate::mock_provider::Script;
use crate::world::NANOS_PER_TOKEN;

/// What the models say of the hundred tokens that clients allow.
const OUTPUTS: [(&str, u64); 3] = [("brief", 20), ("medium", 60), ("long", 100)];
const SPENDERS: &[&str] = &["brief", "medium", "long"];
const INPUT: u64 = 5;

/// What became of a budget.
#[derive(Clone, Debug, Default)]
pub struct SpendReport {
    /// Nano-dollars that it allowed.
    pub limit: u64,
    /// Nano-dollars that the provider was asked for.
    pub spent: u64,
    /// Of them, before the first request was refused for good.
    pub spent_at_first_refusal: u64,
    /// How long it took.
    pub took: Duration,
    /// What the clients saw.
    pub tally: Tally,
}

impl SpendReport {
    /// The used part of the limit, in percent.
    #[expect(clippy::cast_precision_loss, reason = "a share for people")]
    pub fn utilisation(&self) -> f64 {
        100.0 * self.spent as f64 / self.limit as f64
    }
}

/// Lets the models say what the spenders ask for.
pub fn script(cluster: &Cluster) {
    for (model, output) in OUTPUTS {
        let (prompt_tokens, completion_tokens) = (Some(INPUT), Some(output));
        let script = Script { prompt_tokens, completion_tokens, first_byte_ms: 5, ..Script::default() };
        cluster.mock.script(model, script);
    }
}

/// What the provider was asked for so far.
pub fn spent(cluster: &Cluster) -> u64 {
    let tokens = cluster.mock.totals().tokens;
    tokens.prompt * NANOS_PER_TOKEN.0 + tokens.completion * NANOS_PER_TOKEN.1
}

/// Starts clients on every node.
pub fn spenders(cluster: &Cluster, key: &str, clients: usize) -> Traffic {
    Traffic::start(cluster, key, SPENDERS, clients)
}

/// Spends a strict budget for about `requests` requests on one key from all nodes, `clients` on each,
/// until nothing of it can be had any more.
pub async fn spend(cluster: &Cluster, requests: u64, clients: usize) -> Result<SpendReport> {
    script(cluster);
    let (key, id) = cluster.create_key(&format!("spend-{}", cluster.mock.totals().calls)).await?;
    let limit = requests * 60 * NANOS_PER_TOKEN.1;
    let budget = Budget::nanos(limit).strict().on_key(&id).set(&cluster.nodes[0].control).await?;
    until_every_node_has(cluster, &budget).await?;
    let before = spent(cluster);
    let start = Instant::now();
    let traffic = spenders(cluster, &key, clients);
    let mut spent_at_first_refusal = None;
    let mut last = (spent(cluster), Instant::now());
    // Over when no request was answered for a while, in which a node had time to ask for more.
    while last.1.elapsed() < Duration::from_secs(3) {
        tokio::time::sleep(Duration::from_millis(20)).await;
        let now = spent(cluster);
        if now != last.0 {
            last = (now, Instant::now());
        }
        if traffic.tally().exceeded > 0 {
            spent_at_first_refusal.get_or_insert(now - before);
        }
        ensure!(start.elapsed() < Duration::from_secs(300), "the budget is not used up: {:?}", traffic.tally());
    }
    let tally = traffic.end().await?;
    let took = last.1 - start;
    cluster.until_shipped(Duration::from_secs(30)).await?;
    let spent = spent(cluster) - before;
    let state = budget::settled_state(&cluster.nodes[0].control, &budget).await?;
    ensure!(state.used == spent, "the budget shows {} of {spent}", state.used);
    Ok(SpendReport { limit, spent, spent_at_first_refusal: spent_at_first_refusal.unwrap_or(spent), took, tally })
}

/// Waits until every node knows a budget; the promise is five seconds.
pub async fn until_every_node_has(cluster: &Cluster, budget: &str) -> Result<()> {
    for node in &cluster.nodes {
        super::until("a node knows the new budget", Duration::from_secs(5), async || {
            Ok(node.control.get(&format!("/budgets/{budget}")).await.is_ok())
        })
        .await?;
    }
    // Known to a node's settings is a moment before known to its engine.
    tokio::time::sleep(Duration::from_millis(500)).await;
    Ok(())
}
