//! `ledger verify | repair | export | backup | restore | status | release-node`
//!
//! Each works on the running instance where that can be, and else on the files themselves, with the
//! data folder locked. What puts files in the place of others needs the instance stopped.

mod files;
mod running;

use std::fs::File;
use std::io::{self, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use clap::{Args, Subcommand, ValueEnum};

use super::output::{pour, say};
use crate::config::Config;
use crate::control::{Exported, Verified};
use crate::control_socket::{Client, ConnectError};
use files::Files;
use running::Running;

/// Check, copy and mend the ledger.
#[derive(Subcommand)]
pub enum Ledger {
    /// Recompute everything from the entries and say what does not add up
    Verify {
        /// Answer in JSON
        #[arg(long)]
        json: bool,
    },
    /// Rebuild what is derived from the entries; of a damaged file, save what can be read
    Repair,
    /// Write all entries or all requests to standard output, or to a file
    Export(Export),
    /// Copy the ledger to the folder for backups, and read the copy back
    Backup,
    /// Put a copy in the place of the ledger, which is kept beside it
    Restore {
        /// The copy
        file: PathBuf,
    },
    /// Say how large the ledger is, when it was last copied, and how far the hub has it
    Status {
        /// Answer in JSON
        #[arg(long)]
        json: bool,
    },
    /// Give the budgets that a lost node of the hub holds back to the others
    ReleaseNode {
        /// Its name or number, as `ledger status` shows it
        node: String,
    },
}

/// Write all entries or all requests.
#[derive(Args)]
pub struct Export {
    /// What to write: entries as lines of JSON, requests as CSV
    #[arg(value_enum, default_value_t = Kind::Requests)]
    kind: Kind,
    /// The file to write; a new one
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

/// What is exported.
#[derive(Clone, Copy, ValueEnum)]
pub enum Kind {
    /// Every entry, as a line of JSON
    Entries,
    /// Every request, as a line of CSV
    Requests,
}

impl Ledger {
    pub async fn run(self, config: Config) -> anyhow::Result<ExitCode> {
        match Client::connect(&config.data_dir).await {
            Ok(client) => self.ask(Running::new(client, config.data_dir)).await,
            Err(ConnectError::NotRunning) => self.open(config).await,
            Err(error) => Err(error.into()),
        }
    }

    async fn ask(self, mut running: Running) -> anyhow::Result<ExitCode> {
        match self {
            Self::Verify { json } => Ok(tell(&running.verify().await?, json)),
            Self::Export(export) => running.export(export).await,
            Self::Backup => running.back_up().await,
            Self::Status { json } => running.status(json).await,
            Self::ReleaseNode { node } => running.release(&node).await,
            Self::Repair | Self::Restore { .. } => {
                bail!("MegaRouter is running over this data folder; stop it first, then repeat this command")
            }
        }
    }

    async fn open(self, config: Config) -> anyhow::Result<ExitCode> {
        let files = Files::lock(config)?;
        match self {
            Self::Verify { json } => Ok(tell(&files.verify().await?, json)),
            Self::Repair => files.repair().await,
            Self::Export(export) => files.export(export).await,
            Self::Backup => files.back_up().await,
            Self::Restore { file } => files.restore(&file).await,
            Self::Status { json } => files.status(json).await,
            Self::ReleaseNode { .. } => {
                bail!("no node of the hub runs over this data folder; ask one that does")
            }
        }
    }
}

impl Kind {
    const fn of_server(self) -> Exported {
        match self {
            Self::Entries => Exported::Entries,
            Self::Requests => Exported::Requests,
        }
    }
}

/// Where an export goes.
struct Output {
    file: Option<File>,
}

impl Output {
    /// A new file, or standard output. A file that is there is left alone.
    fn open(path: Option<PathBuf>) -> anyhow::Result<Self> {
        let make = |path: PathBuf| {
            let made = File::create_new(&path);
            made.with_context(|| format!("cannot make {}; name a file that is not there yet", path.display()))
        };
        Ok(Self { file: path.map(make).transpose()? })
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        match &mut self.file {
            Some(file) => file.write_all(bytes),
            None => pour(bytes),
        }
    }

    fn finish(self) -> anyhow::Result<ExitCode> {
        if let Some(file) = self.file {
            file.sync_all().context("the file cannot be written")?;
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn tell(verified: &Verified, json: bool) -> ExitCode {
    if json {
        say(&serde_json::to_string(verified).unwrap_or_default());
    } else {
        say(&format!(
            "{} entries, {} requests, {} attempts, {} open holds, {} nano-USD posted",
            verified.entries, verified.requests, verified.attempts, verified.open_holds, verified.posted
        ));
        verified.unexplained.iter().for_each(|finding| say(finding));
        say(&format!("{} unexplained", verified.findings));
    }
    if verified.findings == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
