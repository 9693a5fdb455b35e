//! `signin-link`

use std::process::ExitCode;

use anyhow::bail;
use clap::Args;

use super::door::{Door, parse};
use super::output::say;
use crate::control::{SIGNIN_PATH, SigninLink as Link};

/// Print a one-time link to the web UI.
#[derive(Args)]
pub struct SigninLink {
    /// Answer in JSON
    #[arg(long)]
    json: bool,
}

impl SigninLink {
    pub async fn run(self, door: &mut Door) -> anyhow::Result<ExitCode> {
        if !door.is_running() {
            bail!(
                "no MegaRouter is running over {}; start one with `megarouter-server serve`",
                door.data_dir().display()
            );
        }
        let answer = door.post_owner_text(SIGNIN_PATH, &()).await?;
        if self.json {
            say(&answer);
        } else {
            say(&parse::<Link>(&answer)?.url);
        }
        Ok(ExitCode::SUCCESS)
    }
}
