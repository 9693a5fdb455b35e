//! The benchmark as a program; `cargo xtask bench` builds what it needs and runs it.

use std::time::Duration;

use anyhow::{Result, ensure};
use clap::Parser;
use megarouter_tests::bench::{hub, rounds, table};

/// Compares MegaRouter, nginx and no proxy at all, and checks the ledger against the provider's count.
#[derive(Parser)]
struct Arguments {
    /// Rounds; each starts everything afresh.
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// Counted seconds of each load.
    #[arg(long, default_value_t = 4)]
    seconds: u64,
    /// Measures a node on a PostgreSQL instead, and what that sees of it.
    #[arg(long)]
    hub: bool,
}

#[tokio::main]
async fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let seconds = Duration::from_secs(arguments.seconds);
    if arguments.hub {
        note(&hub::run(seconds).await?);
        return Ok(());
    }
    let mut done = Vec::new();
    for number in 1..=arguments.rounds {
        note(&format!("round {number} of {}", arguments.rounds));
        done.push(rounds::run(seconds).await?);
    }
    note(&table::render(&done));
    ensure!(done.iter().all(|round| round.ledger.booked == round.ledger.counted), "the ledger differs from the count");
    Ok(())
}

#[expect(clippy::print_stdout, reason = "the report is what the program is for")]
fn note(text: &str) {
    println!("{text}");
}
