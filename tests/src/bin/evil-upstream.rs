//! The evil upstream as a program of its own, for trying faults by hand.
//!
//! `POST /evil/plays` stages plays by name, `GET /evil/calls` tells what became of the calls.

use std::collections::HashMap;
use std::path::PathBuf;

use anyhow::{Context as _, Result};
use clap::Parser;
use megarouter_tests::evil_upstream::{EvilUpstream, Play};

/// Serves four dialects as its plays say, on loopback. A prompt that holds `[play NAME]` chooses a play.
#[derive(Parser)]
struct Arguments {
    /// The port; 0 takes a free one.
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// A JSON file with plays by name; the empty name is for calls that name none.
    #[arg(long)]
    plays: Option<PathBuf>,
}

#[tokio::main]
async fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let upstream = EvilUpstream::listen(arguments.port).await?;
    if let Some(file) = arguments.plays {
        let text = std::fs::read(&file).with_context(|| format!("cannot read {}", file.display()))?;
        for (name, play) in serde_json::from_slice::<HashMap<String, Play>>(&text)? {
            upstream.stage(&name, play);
        }
    }
    #[expect(clippy::print_stdout, reason = "whoever started the program waits for this line")]
    {
        println!(r#"{{"ready":true,"root_url":"{}"}}"#, upstream.root_url());
    }
    std::future::pending().await
}
