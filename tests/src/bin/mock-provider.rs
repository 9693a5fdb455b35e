//! The mock provider as a program of its own, for load and for trying things by hand.
//!
//! `GET /mock/totals` answers with what it counted; with `--keep-calls`, `GET /mock/calls/TEXT` with
//! every call whose body holds TEXT.

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::{Context as _, Result};
use clap::Parser;
use megarouter_tests::mock_provider::{MockProvider, Script};

/// Serves the APIs of OpenAI, Anthropic and Google, answering as scripted, on loopback.
#[derive(Parser)]
struct Arguments {
    /// The port; 0 takes a free one.
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// The bearer credential to insist on.
    #[arg(long)]
    credential: Option<String>,
    /// Keeps every call, for `/mock/calls/TEXT`.
    #[arg(long)]
    keep_calls: bool,
    /// A JSON file with a script for each model name.
    #[arg(long)]
    scripts: Option<PathBuf>,
}

#[tokio::main]
async fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let mock = MockProvider::listen(arguments.port, arguments.keep_calls).await?;
    if let Some(credential) = arguments.credential {
        mock.require_credential(&credential);
    }
    if let Some(file) = arguments.scripts {
        let text = std::fs::read(&file).with_context(|| format!("cannot read {}", file.display()))?;
        let scripts: BTreeMap<String, Script> = serde_json::from_slice(&text)?;
        for (model, script) in scripts {
            mock.script(&model, script);
        }
    }
    #[expect(clippy::print_stdout, reason = "whoever started the program waits for this line")]
    {
        println!(r#"{{"ready":true,"base_url":"{}"}}"#, mock.base_url());
    }
    std::future::pending().await
}
