//! How fast the hub catches up with what its nodes wrote while it was away.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};

use super::{Cluster, Node, signal_tree, spend};

/// What catching up took.
#[derive(Clone, Copy, Debug)]
pub struct CatchUp {
    /// Entries that the hub did not have.
    pub entries: u64,
    /// How long it took until it had them.
    pub took: Duration,
}

impl CatchUp {
    /// The same for a hundred thousand entries.
    pub fn per_100k(self) -> Duration {
        self.took.mul_f64(100_000.0 / f64::from(u32::try_from(self.entries.max(1)).unwrap_or(u32::MAX)))
    }
}

/// Lets the nodes work for `away` while the database stands still, then times the catching up.
pub async fn catch_up(cluster: &Cluster, away: Duration) -> Result<CatchUp> {
    spend::script(cluster);
    let (key, _) = cluster.create_key(&format!("ship-{}", cluster.mock.totals().calls)).await?;
    cluster.until_shipped(Duration::from_secs(30)).await?;
    let before = written(cluster)?;
    let server = cluster.postgres.process_id();
    signal_tree("STOP", server)?;
    let traffic = spend::spenders(cluster, &key, 4);
    tokio::time::sleep(away).await;
    traffic.end().await?;
    let entries = written(cluster)? - before;
    let start = Instant::now();
    signal_tree("CONT", server)?;
    cluster.until_shipped(Duration::from_secs(300)).await?;
    Ok(CatchUp { entries, took: start.elapsed() })
}

/// Entries on the nodes' own disks.
fn written(cluster: &Cluster) -> Result<u64> {
    let entries = |node: &Node| crate::faults::verify(node.install())?["entries"].as_u64().context("no figure");
    cluster.nodes.iter().map(entries).sum()
}
