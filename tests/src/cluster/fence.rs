//! A node that stands still for longer than its leases last, and then goes on (24).

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};

use super::{Cluster, spend};
use crate::budget::{self, Budget};
use crate::world::NANOS_PER_TOKEN;

/// How long nothing must be spent for a budget to count as used up.
const QUIET: Duration = Duration::from_secs(4);

/// What became of a budget of which a paused node held a part.
#[derive(Clone, Debug)]
pub struct FenceReport {
    /// Nano-dollars that the budget allowed.
    pub limit: u64,
    /// Spent while the node stood still, until nothing more could be had.
    pub spent_without_it: u64,
    /// Spent in the end, with the node back.
    pub spent: u64,
    /// How long it stood still.
    pub paused: Duration,
}

/// Spends a strict budget on all nodes, pauses the first of them for `pause` in the middle of it, lets
/// it go on and checks that the budget was never exceeded, and used up in the end.
pub async fn pause_past_lease(cluster: &Cluster, requests: u64, pause: Duration) -> Result<FenceReport> {
    spend::script(cluster);
    let (key, id) = cluster.create_key(&format!("fence-{}", cluster.mock.totals().calls)).await?;
    let limit = requests * 60 * NANOS_PER_TOKEN.1;
    let budget = Budget::nanos(limit).strict().on_key(&id).set(&cluster.nodes[0].control).await?;
    spend::until_every_node_has(cluster, &budget).await?;
    let before = spend::spent(cluster);
    let traffic = spend::spenders(cluster, &key, 2);
    super::until("a fifth is spent", Duration::from_secs(60), async || {
        Ok((spend::spent(cluster) - before) * 5 >= limit)
    })
    .await?;
    let start = Instant::now();
    cluster.nodes[0].pause()?;
    until_quiet(cluster).await?;
    let spent_without_it = spend::spent(cluster) - before;
    tokio::time::sleep(pause.saturating_sub(start.elapsed())).await;
    let paused = start.elapsed();
    cluster.nodes[0].resume()?;
    cluster.until_live(cluster.nodes.len()).await?;
    until_quiet(cluster).await?;
    traffic.end().await?;
    let spent = spend::spent(cluster) - before;
    let report = FenceReport { limit, spent_without_it, spent, paused };
    ensure!(spent <= limit, "a paused node spent what others had: {report:?}");
    ensure!(spent * 10 >= limit * 9, "what the paused node held is lost: {report:?}");
    cluster.until_shipped(Duration::from_secs(30)).await?;
    let state = budget::settled_state(&cluster.nodes[0].control, &budget).await?;
    ensure!(state.used == spent, "the budget shows {} of {spent}", state.used);
    Ok(report)
}

async fn until_quiet(cluster: &Cluster) -> Result<()> {
    let mut last = (spend::spent(cluster), Instant::now());
    while last.1.elapsed() < QUIET {
        tokio::time::sleep(Duration::from_millis(50)).await;
        let now = spend::spent(cluster);
        if now != last.0 {
            last = (now, Instant::now());
        }
    }
    Ok(())
}
