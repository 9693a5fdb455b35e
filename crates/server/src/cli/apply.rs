//! `apply`

use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, anyhow};
use clap::Args;

use super::door::{Door, parse};
use super::output::say;
use crate::control::APPLY_PATH;
use crate::setup::file::Setup;
use crate::setup::places;
use crate::setup::{Applied, Apply as Request};

/// Make the configuration what a file says.
#[derive(Args)]
pub struct Apply {
    /// The file, in YAML: the organisation, providers, models with prices and aliases, keys, budgets
    #[arg(short, long, value_name = "FILE")]
    file: PathBuf,
    /// Only say what would change
    #[arg(long)]
    dry_run: bool,
    /// Remove what the file does not name
    #[arg(long)]
    prune: bool,
    /// Answer in JSON
    #[arg(long)]
    json: bool,
}

impl Apply {
    pub async fn run(self, door: &mut Door) -> anyhow::Result<ExitCode> {
        let name = self.file.display();
        let text = fs::read_to_string(&self.file).with_context(|| format!("cannot read {name}"))?;
        let mut setup = Setup::parse(&text).map_err(|reason| anyhow!("{name}: {reason}"))?;
        let missing = |variable| anyhow!("{name}: the environment variable {variable} is not set or empty");
        setup.fill_in(|variable| std::env::var(variable).ok()).map_err(missing)?;
        let request = Request { setup, is_dry_run: self.dry_run, prune: self.prune, lines: places::lines(&text) };
        send(door, &request, self.json).await
    }
}

/// Has a setup applied and says what changed.
pub(super) async fn send(door: &mut Door, request: &Request, json: bool) -> anyhow::Result<ExitCode> {
    let answer = door.post_owner_text(APPLY_PATH, request).await?;
    if json {
        say(&answer);
        return Ok(ExitCode::SUCCESS);
    }
    let applied: Applied = parse(&answer)?;
    for change in &applied.changes {
        say(change);
    }
    say(match (applied.changes.is_empty(), applied.is_applied) {
        (true, _) => "nothing to change",
        (false, true) => "done",
        (false, false) => "nothing was changed (dry run)",
    });
    Ok(ExitCode::SUCCESS)
}
