//! `key create`, `key list`, `key revoke`

use std::process::ExitCode;

use anyhow::{Context as _, bail};
use clap::{Args, Subcommand};
use serde::{Deserialize, Serialize};

use super::door::{Door, parse};
use super::output::{Cost, note, say, table};

/// Make, list and revoke the keys that apps present.
#[derive(Subcommand)]
pub enum Key {
    /// Make a key; its text goes to standard output, this once
    Create(Create),
    /// List keys
    List(List),
    /// Refuse a key from now on
    Revoke(Revoke),
}

/// Make a key.
#[derive(Args)]
pub struct Create {
    /// A name to recognise it by
    name: String,
    /// A model it may use; several times for several. Left out: all
    #[arg(long = "model", value_name = "MODEL")]
    models: Vec<String>,
    /// From when on it is refused, such as 2027-01-01T00:00:00Z
    #[arg(long, value_name = "TIME")]
    expires_at: Option<String>,
    /// Answer in JSON
    #[arg(long)]
    json: bool,
}

/// List keys.
#[derive(Args)]
pub struct List {
    /// Answer in JSON
    #[arg(long)]
    json: bool,
}

/// Refuse a key.
#[derive(Args)]
pub struct Revoke {
    /// Its name or id
    key: String,
    /// Answer in JSON
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct NewKey {
    name: String,
    models: Option<Vec<String>>,
    expires_at: Option<String>,
}

#[derive(Deserialize)]
struct Created {
    secret: String,
}

#[derive(Deserialize)]
struct Listed {
    id: String,
    name: String,
    hint: String,
    models: Option<Vec<String>>,
    state: String,
    last_used_at: Option<String>,
    last_24h: Activity,
}

#[derive(Deserialize)]
struct Activity {
    requests: u64,
    cost: Cost,
}

impl Key {
    pub async fn run(self, door: &mut Door) -> anyhow::Result<ExitCode> {
        match self {
            Self::Create(verb) => verb.run(door).await,
            Self::List(verb) => verb.run(door).await,
            Self::Revoke(verb) => verb.run(door).await,
        }
    }
}

impl Create {
    async fn run(self, door: &mut Door) -> anyhow::Result<ExitCode> {
        let models = (!self.models.is_empty()).then_some(self.models);
        let answer = door.post_text("/keys", &NewKey { name: self.name, models, expires_at: self.expires_at }).await?;
        if self.json {
            say(&answer);
        } else {
            note("This is the key. It is shown only this once:");
            say(&parse::<Created>(&answer)?.secret);
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl List {
    async fn run(self, door: &mut Door) -> anyhow::Result<ExitCode> {
        let answer = door.get_text("/keys").await?;
        if self.json {
            say(&answer);
            return Ok(ExitCode::SUCCESS);
        }
        let row = |key: Listed| {
            let models = key.models.map_or_else(|| "all".to_owned(), |models| models.join(","));
            let last_used = key.last_used_at.unwrap_or_else(|| "never".to_owned());
            let Activity { requests, cost } = key.last_24h;
            vec![key.name, key.hint, key.state, models, last_used, requests.to_string(), cost.in_words(), key.id]
        };
        let rows: Vec<_> = parse::<Vec<Listed>>(&answer)?.into_iter().map(row).collect();
        table(&["NAME", "KEY", "STATE", "MODELS", "LAST USED", "REQUESTS 24H", "COST 24H", "ID"], &rows);
        Ok(ExitCode::SUCCESS)
    }
}

impl Revoke {
    async fn run(self, door: &mut Door) -> anyhow::Result<ExitCode> {
        let keys: Vec<Listed> = door.get("/keys").await?;
        let is_meant = |key: &&Listed| key.id == self.key || (key.name == self.key && key.state != "revoked");
        let Some(key) = keys.iter().find(is_meant) else {
            bail!("there is no key `{}` that could be revoked; see `key list`", self.key);
        };
        let answer =
            door.post_text(&format!("/keys/{}/revoke", key.id), &()).await.context("the key was not revoked")?;
        if self.json {
            say(&answer);
        } else {
            say(&format!("{} ({}) is revoked", key.name, key.hint));
        }
        Ok(ExitCode::SUCCESS)
    }
}
