//! The verbs of `ledger` through the running instance.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use http_body_util::BodyExt as _;
use serde::Deserialize;

use super::super::door::{Door, parse};
use super::super::output::{say, table};
use super::{Export, Output};
use crate::control::{EXPORT_PATH, VERIFY_PATH, Verified};
use crate::control_socket::Client;

/// The running instance.
pub struct Running(Door);

#[derive(Deserialize)]
struct Status {
    id: String,
    entries: u64,
    size_bytes: u64,
    open_holds: u64,
    stuck_holds: u64,
    last_backup: Option<Copy>,
    backup_failure: Option<String>,
}

#[derive(Deserialize)]
struct Copy {
    at: String,
    path: String,
    size_bytes: u64,
    is_encrypted: bool,
}

#[derive(Deserialize)]
struct Fleet {
    is_cluster: bool,
    this: Option<This>,
    nodes: Vec<Node>,
}

#[derive(Deserialize)]
struct This {
    name: String,
    lag: u64,
    is_fenced: bool,
    failure: Option<String>,
}

#[derive(Deserialize)]
struct Node {
    id: u64,
    name: String,
    version: String,
    state: String,
    seen_at: String,
    grants: u64,
}

impl Running {
    /// Over a connection that is open.
    pub fn new(client: Client, data_dir: PathBuf) -> Self {
        Self(Door::of_running(client, data_dir))
    }

    pub async fn verify(&mut self) -> anyhow::Result<Verified> {
        parse(&self.0.post_owner_text(VERIFY_PATH, &()).await?)
    }

    pub async fn export(&mut self, export: Export) -> anyhow::Result<ExitCode> {
        let mut output = Output::open(export.output)?;
        let mut body = self.0.post_owner(EXPORT_PATH, &export.kind.of_server()).await?.into_body();
        while let Some(frame) = body.frame().await {
            let frame = frame.context("the export was cut short")?;
            if let Some(bytes) = frame.data_ref() {
                output.write(bytes).context("the export cannot be written")?;
            }
        }
        output.finish()
    }

    pub async fn back_up(&mut self) -> anyhow::Result<ExitCode> {
        let done: Copy = parse(&self.0.post_text("/ledger/backup", &()).await?)?;
        say(&format!("copied to {} ({} bytes), and read back", done.path, done.size_bytes));
        Ok(ExitCode::SUCCESS)
    }

    pub async fn status(&mut self, json: bool) -> anyhow::Result<ExitCode> {
        let text = self.0.get_text("/ledger").await?;
        if json {
            say(&text);
            return Ok(ExitCode::SUCCESS);
        }
        let status: Status = parse(&text)?;
        let fleet: Fleet = self.0.get("/nodes").await?;
        say(&format!("ledger:   {}, {} entries, {} bytes", status.id, status.entries, status.size_bytes));
        say(&format!("holds:    {} open, {} stuck", status.open_holds, status.stuck_holds));
        say(&match &status.last_backup {
            Some(Copy { at, path, is_encrypted, .. }) => {
                format!("backup:   {at}, {path}{}", if *is_encrypted { ", encrypted" } else { "" })
            }
            None => "backup:   none yet".to_owned(),
        });
        if let Some(failure) = &status.backup_failure {
            say(&format!("          the latest try failed: {failure}"));
        }
        tell_of(&fleet);
        Ok(if status.stuck_holds == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }

    pub async fn release(&mut self, node: &str) -> anyhow::Result<ExitCode> {
        let fleet: Fleet = self.0.get("/nodes").await?;
        if !fleet.is_cluster {
            bail!("this MegaRouter runs alone; there are no nodes to release");
        }
        let named: Vec<_> =
            fleet.nodes.iter().filter(|known| known.name == node || known.id.to_string() == node).collect();
        let found = match named.as_slice() {
            [found] => found,
            [] => bail!("there is no node `{node}`; see `megarouter-server ledger status`"),
            _ => bail!("several nodes are called `{node}`; give the number, see `megarouter-server ledger status`"),
        };
        self.0.post_text(&format!("/nodes/{}/release", found.id), &()).await?;
        say(&format!("{} was released: what it had of budgets and did not use is the others' again", found.name));
        Ok(ExitCode::SUCCESS)
    }
}

fn tell_of(fleet: &Fleet) {
    let Some(this) = &fleet.this else { return };
    let failure = this.failure.as_ref().map(|failure| format!(", the hub is silent: {failure}")).unwrap_or_default();
    let fence = if this.is_fenced { ", shared budgets are refused" } else { "" };
    say(&format!("node:     {}, {} entries not at the hub{fence}{failure}", this.name, this.lag));
    let rows: Vec<_> = fleet.nodes.iter().map(Node::row).collect();
    table(&["NUMBER", "NAME", "STATE", "SEEN", "VERSION", "BUDGETS"], &rows);
}

impl Node {
    fn row(&self) -> Vec<String> {
        vec![
            self.id.to_string(),
            self.name.clone(),
            self.state.clone(),
            self.seen_at.clone(),
            self.version.clone(),
            self.grants.to_string(),
        ]
    }
}
