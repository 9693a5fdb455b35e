//! `ledger verify`

use std::process::ExitCode;

use clap::Subcommand;

use super::door::{Door, parse};
use super::output::say;
use crate::control::{VERIFY_PATH, Verified};

/// Check the ledger.
#[derive(Subcommand)]
pub enum Ledger {
    /// Recompute everything from the entries and say what does not add up
    Verify {
        /// Answer in JSON
        #[arg(long)]
        json: bool,
    },
}

impl Ledger {
    pub async fn run(self, door: &mut Door) -> anyhow::Result<ExitCode> {
        let Self::Verify { json } = self;
        let answer = door.post_owner_text(VERIFY_PATH, &()).await?;
        let verified: Verified = parse(&answer)?;
        if json {
            say(&answer);
        } else {
            say(&format!(
                "{} entries, {} requests, {} attempts, {} open holds, {} nano-USD posted",
                verified.entries, verified.requests, verified.attempts, verified.open_holds, verified.posted
            ));
            verified.unexplained.iter().for_each(|finding| say(finding));
            say(&format!("{} unexplained", verified.findings));
        }
        Ok(if verified.findings == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}
