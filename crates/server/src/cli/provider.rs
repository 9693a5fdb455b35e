//! `provider list`, `provider test`, `provider detect`

use std::process::ExitCode;

use anyhow::bail;
use clap::{Args, Subcommand};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;

use super::door::{Door, parse};
use super::output::{Cost, say, table};

/// List, test and find providers.
#[derive(Subcommand)]
pub enum Provider {
    /// List configured providers
    List(List),
    /// Call a provider and say what is wrong, if anything is
    Test(Test),
    /// Look for model servers and credentials on this machine
    Detect(List),
}

/// List things.
#[derive(Args)]
pub struct List {
    /// Answer in JSON
    #[arg(long)]
    json: bool,
}

/// Test a provider.
#[derive(Args)]
pub struct Test {
    /// Its name or id
    provider: String,
    /// Ask this model for a few words too, by the provider's own name for it; that is billed
    #[arg(long)]
    model: Option<String>,
    /// Answer in JSON
    #[arg(long)]
    json: bool,
}

#[derive(Deserialize)]
struct Listed {
    id: String,
    name: String,
    kind: String,
    base_url: String,
    credential: Credential,
    is_enabled: bool,
    models: u64,
    last_24h: Activity,
}

#[derive(Deserialize)]
struct Credential {
    state: String,
}

#[derive(Deserialize)]
struct Activity {
    requests: u64,
    errors: u64,
    cost: Cost,
}

#[derive(Deserialize)]
struct Diagnosis {
    is_ok: bool,
    message: String,
    next_step: Option<String>,
    models: Vec<String>,
}

#[derive(Deserialize)]
struct Detected {
    local_servers: Vec<LocalServer>,
    environment: Vec<Variable>,
}

#[derive(Deserialize)]
struct LocalServer {
    name: String,
    base_url: String,
    models: Vec<String>,
}

#[derive(Deserialize)]
struct Variable {
    name: String,
    variable: String,
}

impl Provider {
    pub async fn run(self, door: &mut Door) -> anyhow::Result<ExitCode> {
        match self {
            Self::List(verb) => verb.list(door).await,
            Self::Test(verb) => verb.run(door).await,
            Self::Detect(verb) => verb.detect(door).await,
        }
    }
}

impl List {
    async fn list(self, door: &mut Door) -> anyhow::Result<ExitCode> {
        let answer = door.get_text("/providers").await?;
        if self.json {
            say(&answer);
            return Ok(ExitCode::SUCCESS);
        }
        let row = |provider: Listed| {
            let state = if provider.is_enabled { "enabled" } else { "disabled" };
            let Activity { requests, errors, cost } = provider.last_24h;
            let counts = [provider.models.to_string(), requests.to_string(), errors.to_string(), cost.in_words()];
            let words = [provider.name, provider.kind, state.to_owned(), provider.credential.state, provider.base_url];
            words.into_iter().chain(counts).collect()
        };
        let rows: Vec<Vec<String>> = parse::<Vec<Listed>>(&answer)?.into_iter().map(row).collect();
        let headings =
            ["NAME", "KIND", "STATE", "CREDENTIAL", "ADDRESS", "MODELS", "REQUESTS 24H", "ERRORS 24H", "COST 24H"];
        table(&headings, &rows);
        Ok(ExitCode::SUCCESS)
    }

    async fn detect(self, door: &mut Door) -> anyhow::Result<ExitCode> {
        let answer = door.get_text("/providers/detected").await?;
        if self.json {
            say(&answer);
            return Ok(ExitCode::SUCCESS);
        }
        let detected: Detected = parse(&answer)?;
        for server in &detected.local_servers {
            say(&format!("{} at {} with {}", server.name, server.base_url, server.models.join(", ")));
        }
        for found in &detected.environment {
            say(&format!("{} can be used: {} is set", found.name, found.variable));
        }
        if detected.local_servers.is_empty() && detected.environment.is_empty() {
            say("no model server and no credential was found on this machine");
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl Test {
    async fn run(self, door: &mut Door) -> anyhow::Result<ExitCode> {
        let providers: Vec<Listed> = door.get("/providers").await?;
        let is_meant = |provider: &&Listed| provider.id == self.provider || provider.name == self.provider;
        let Some(provider) = providers.iter().find(is_meant) else {
            bail!("there is no provider `{}`; see `provider list`", self.provider);
        };
        let model =
            self.model.as_deref().map(|model| format!("?model={}", utf8_percent_encode(model, NON_ALPHANUMERIC)));
        let path = format!("/providers/{}/test{}", provider.id, model.unwrap_or_default());
        let answer = door.post_text(&path, &()).await?;
        let diagnosis: Diagnosis = parse(&answer)?;
        if self.json {
            say(&answer);
        } else {
            say(&diagnosis.message);
            diagnosis.next_step.iter().for_each(|step| say(step));
            if !diagnosis.models.is_empty() {
                say(&format!("models: {}", diagnosis.models.join(", ")));
            }
        }
        Ok(if diagnosis.is_ok { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}
