//! MegaRouter without a window: the proxy, the web UI and the command line.

use std::process::ExitCode;

use clap::Parser as _;
use megarouter_server::cli::{Cli, run};
use mimalloc::MiMalloc;

/// A request takes some hundred allocations, and gives many of them back on another thread.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

#[tokio::main]
async fn main() -> ExitCode {
    run(Cli::parse()).await
}
