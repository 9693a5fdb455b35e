//! MegaRouter without a window: the proxy, the web UI and the command line.

use std::process::ExitCode;

use clap::Parser as _;
use megarouter_server::cli::{Cli, run};

#[tokio::main]
async fn main() -> ExitCode {
    run(Cli::parse()).await
}
