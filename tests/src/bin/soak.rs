//! What takes too long for every change; `cargo xtask soak` builds what it needs and runs it.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use clap::Parser;
use megarouter_tests::load::{self, Pace, Plan};
use megarouter_tests::mock_provider::DEFAULT_MODEL;
use megarouter_tests::world::World;
use megarouter_tests::{agents, client, faults, process};

/// Kills under load, cut streams, coding agents and a long run, each with the same promises as in the
/// short tests.
#[derive(Parser)]
struct Arguments {
    /// Kills under load.
    #[arg(long, default_value_t = 200)]
    kills: usize,
    /// Streams of each dialect cut at random points.
    #[arg(long, default_value_t = 1_000)]
    cuts: usize,
    /// Minutes of steady load during which memory must not climb; 0 leaves it out.
    #[arg(long, default_value_t = 10)]
    minutes: u64,
    /// Leaves the coding agents out; they take 1.5 GB on the disk.
    #[arg(long)]
    no_agents: bool,
    /// Where the random moments and points come from.
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

#[tokio::main]
async fn main() -> Result<()> {
    let Arguments { kills, cuts, minutes, no_agents, seed } = Arguments::parse();
    let start = Instant::now();
    note(&format!("{:?}", faults::kill_under_load(kills, seed).await?));
    note(&format!("{:?}", faults::cut_streams(cuts, seed).await?));
    if !no_agents {
        agents::run().await?.iter().for_each(|line| note(line));
    }
    if minutes > 0 {
        steady(minutes).await?;
    }
    note(&format!("done in {:.0} s", start.elapsed().as_secs_f64()));
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
