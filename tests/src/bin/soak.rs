//! What takes too long for every change; `cargo xtask soak` builds what it needs and runs it.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use clap::{Parser, Subcommand};
use megarouter_tests::cluster::outage::{Outage, suffer};
use megarouter_tests::cluster::{Cluster, fence, ship, spend};
use megarouter_tests::load::{self, Pace, Plan};
use megarouter_tests::mock_provider::DEFAULT_MODEL;
use megarouter_tests::world::World;
use megarouter_tests::{agents, client, faults, process};

/// Kills under load, cut streams, clusters, coding agents and a long run, each with the same promises
/// as in the short tests. Without a part: all of them.
#[derive(Parser)]
struct Arguments {
    #[command(subcommand)]
    part: Option<Part>,
    /// Where the random moments and points come from.
    #[arg(long, default_value_t = 1, global = true)]
    seed: u64,
}

#[derive(Clone, Copy, Subcommand)]
enum Part {
    /// Kills the program under load and compares its ledger with the provider's count.
    Kills {
        /// How often.
        #[arg(long, default_value_t = 200)]
        count: usize,
    },
    /// Times the start after a kill.
    Recovery {
        /// Entries on the ledger.
        #[arg(long, default_value_t = 100_000)]
        entries: u64,
    },
    /// Cuts streams at random bytes in each dialect.
    Cuts {
        /// How many of each.
        #[arg(long, default_value_t = 1_000)]
        count: usize,
    },
    /// Several nodes on one PostgreSQL: one budget, outages, pauses, kills.
    Cluster {
        /// How many nodes.
        #[arg(long, default_value_t = 8)]
        nodes: usize,
    },
    /// Real coding agents at work; they take 1.5 GB on the disk.
    Agents,
    /// Steady load during which memory must not climb.
    Steady {
        /// For how long.
        #[arg(long, default_value_t = 10)]
        minutes: u64,
    },
}

impl Part {
    const ALL: [Self; 6] = [
        Self::Kills { count: 200 },
        Self::Recovery { entries: 100_000 },
        Self::Cuts { count: 1_000 },
        Self::Cluster { nodes: 8 },
        Self::Agents,
        Self::Steady { minutes: 10 },
    ];

    async fn run(self, seed: u64) -> Result<()> {
        match self {
            Self::Kills { count } => note(&format!("{:?}", faults::kill_under_load(count, seed).await?)),
            Self::Recovery { entries } => note(&format!("{:?}", faults::recover(entries).await?)),
            Self::Cuts { count } => note(&format!("{:?}", faults::cut_streams(count, seed).await?)),
            Self::Cluster { nodes } => cluster(nodes).await?,
            Self::Agents => agents::run().await?.iter().for_each(|line| note(line)),
            Self::Steady { minutes } => steady(minutes).await?,
        }
        Ok(())
    }
}

#[tokio::main]
async fn main() -> Result<()> {
    let Arguments { part, seed } = Arguments::parse();
    let start = Instant::now();
    let parts = part.map_or(Part::ALL.to_vec(), |part| vec![part]);
    for part in parts {
        part.run(seed).await?;
    }
    note(&format!("done in {:.0} s", start.elapsed().as_secs_f64()));
    Ok(())
}

/// Everything that happens to a fleet.
async fn cluster(nodes: usize) -> Result<()> {
    const LONG: Duration = Duration::from_secs(30);
    let mut cluster = Cluster::start(nodes).await?;
    spend_all(&cluster, "all nodes").await?;
    cluster.nodes[nodes - 1].kill()?;
    cluster.restart(nodes - 1)?;
    cluster.until_live(nodes).await?;
    spend_all(&cluster, "after a kill").await?;
    for outage in [Outage::Restart, Outage::Pause(LONG), Outage::ReadOnly(LONG), Outage::TooManyClients(LONG)] {
        note(&format!("{:?}", suffer(&cluster, outage).await?));
    }
    // Leases last a minute.
    note(&format!("{:?}", fence::pause_past_lease(&cluster, 2_000, Duration::from_secs(75)).await?));
    let caught_up = ship::catch_up(&cluster, LONG).await?;
    note(&format!("{caught_up:?}, {:.1} s for 100,000 entries", caught_up.per_100k().as_secs_f64()));
    cluster.verify()
}

async fn spend_all(cluster: &Cluster, what: &str) -> Result<()> {
    let report = spend::spend(cluster, 3_000, 8).await?;
    note(&format!("{what}: {:.2} % used, {report:?}", report.utilisation()));
    ensure!(report.spent <= report.limit, "overspent by {}", report.spent - report.limit);
    ensure!(report.utilisation() >= 90.0, "refused too early");
    ensure!(report.tally.others.is_empty(), "{:?}", report.tally.others);
    Ok(())
}

/// A steady load; memory may settle in the first tenth and must stay there.
async fn steady(minutes: u64) -> Result<()> {
    let world = World::start().await?;
    let process = world.program.process_id();
    let tenth = Duration::from_secs(minutes * 6);
    let mut settled_kib = 0;
    for part in 0..10 {
        let plan = Plan {
            url: world.program.url("/v1/chat/completions").parse()?,
            key: world.key.clone(),
            body: client::stream_body(DEFAULT_MODEL, true).to_string().into(),
            headers: Vec::new(),
            first_mark: "word0 ",
            end_mark: "data: [DONE]",
            pace: Pace::Open { per_second: 200, connections: 64 },
            warm_up: Duration::ZERO,
            duration: tenth,
            watched: Vec::new(),
        };
        let report = load::run(plan).await?;
        ensure!(report.errors.is_empty(), "{:?}", report.errors);
        let rss_kib = process::tree(process).rss_kib;
        note(&format!("part {part}: {} answered, {} MB", report.answered, rss_kib / 1024));
        if part == 0 {
            settled_kib = rss_kib;
        }
        ensure!(rss_kib < settled_kib + 20 * 1024, "memory climbed from {settled_kib} to {rss_kib} KiB");
    }
    Ok(())
}

#[expect(clippy::print_stdout, reason = "the report is what the program is for")]
fn note(text: &str) {
    println!("{text}");
}
