//! `policy list`, `policy show`, `policy set`, `policy archive`

use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use clap::{Args, Subcommand};
use http::Method;
use serde::{Deserialize, Serialize};

use super::door::{Door, parse};
use super::output::{say, table};

/// Look at and change policies.
#[derive(Subcommand)]
pub enum Policy {
    /// List policies
    List(List),
    /// Print a policy as YAML
    Show(Show),
    /// Make a policy, or make the one of this name what a file says
    Set(Set),
    /// Take a policy out of use
    Archive(Archive),
}

/// List policies.
#[derive(Args)]
pub struct List {
    /// Show archived policies too
    #[arg(long)]
    archived: bool,
    /// Answer in JSON
    #[arg(long)]
    json: bool,
}

/// Print a policy as YAML.
#[derive(Args)]
pub struct Show {
    /// Its name or id
    policy: String,
    /// Answer in JSON
    #[arg(long)]
    json: bool,
}

/// Make or replace a policy.
#[derive(Args)]
pub struct Set {
    /// The model name that apps ask for
    name: String,
    /// The file with its rules, in YAML
    #[arg(short, long, value_name = "FILE")]
    file: PathBuf,
    /// What it is for, in a sentence
    #[arg(long)]
    description: Option<String>,
    /// Why it is changed, in a few words
    #[arg(long)]
    note: Option<String>,
    /// Only say what the file says, and what is wrong with it
    #[arg(long)]
    dry_run: bool,
    /// Answer in JSON
    #[arg(long)]
    json: bool,
}

/// Take a policy out of use.
#[derive(Args)]
pub struct Archive {
    /// Its name or id
    policy: String,
    /// Answer in JSON
    #[arg(long)]
    json: bool,
}

#[derive(Deserialize)]
struct Listed {
    id: String,
    name: String,
    description: String,
    live: Version,
    trial: Option<Trial>,
    archived_at: Option<String>,
}

#[derive(Deserialize)]
struct Version {
    number: u32,
    text: String,
    sentences: Vec<String>,
}

#[derive(Deserialize)]
struct Trial {
    version: Version,
    mode: String,
    percent: Option<u8>,
}

#[derive(Serialize)]
struct Draft<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'a str>,
    text: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<&'a str>,
}

#[derive(Serialize)]
struct Text<'a> {
    text: &'a str,
}

#[derive(Deserialize)]
struct Reading {
    sentences: Vec<String>,
    problems: Vec<Problem>,
}

#[derive(Deserialize)]
struct Problem {
    line: Option<u64>,
    message: String,
    is_error: bool,
}

impl Policy {
    pub async fn run(self, door: &mut Door) -> anyhow::Result<ExitCode> {
        match self {
            Self::List(verb) => verb.run(door).await,
            Self::Show(verb) => verb.run(door).await,
            Self::Set(verb) => verb.run(door).await,
            Self::Archive(verb) => verb.run(door).await,
        }
    }
}

impl List {
    async fn run(self, door: &mut Door) -> anyhow::Result<ExitCode> {
        let answer = door.get_text("/policies").await?;
        if self.json {
            say(&answer);
            return Ok(ExitCode::SUCCESS);
        }
        let mut policies: Vec<Listed> = parse(&answer)?;
        policies.retain(|policy| self.archived || policy.archived_at.is_none());
        let rows: Vec<_> = policies.iter().map(Listed::row).collect();
        table(&["NAME", "VERSION", "RULES", "TRIAL", "DESCRIPTION", "ID"], &rows);
        Ok(ExitCode::SUCCESS)
    }
}

impl Listed {
    fn row(&self) -> Vec<String> {
        let trial = self.trial.as_ref().map(|trial| {
            let share = trial.percent.map(|percent| format!(" {percent}%")).unwrap_or_default();
            format!("{} of {}{share}", trial.mode, trial.version.number)
        });
        vec![
            self.name.clone(),
            self.live.number.to_string(),
            self.live.sentences.len().to_string(),
            trial.unwrap_or_default(),
            self.description.clone(),
            self.id.clone(),
        ]
    }
}

impl Show {
    async fn run(self, door: &mut Door) -> anyhow::Result<ExitCode> {
        let policy = find(door, &self.policy).await?;
        if self.json {
            say(&door.get_text(&format!("/policies/{}", policy.id)).await?);
        } else {
            say(policy.live.text.trim_end());
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl Set {
    async fn run(self, door: &mut Door) -> anyhow::Result<ExitCode> {
        let name = self.file.display();
        let text = fs::read_to_string(&self.file).with_context(|| format!("cannot read {name}"))?;
        if self.dry_run {
            return dry_run(door, &text, self.json).await;
        }
        let (description, note) = (self.description.as_deref(), self.note.as_deref());
        let draft = Draft { name: &self.name, description, text: &text, note };
        let policies: Vec<Listed> = door.get("/policies").await?;
        let found = policies.iter().find(|policy| policy.name == self.name && policy.archived_at.is_none());
        let answer = match found {
            Some(policy) => door.send_text(Method::PUT, &format!("/policies/{}", policy.id), &draft).await,
            None => door.post_text("/policies", &draft).await,
        };
        let answer = answer.with_context(|| format!("{name} was not put in force"))?;
        if self.json {
            say(&answer);
            return Ok(ExitCode::SUCCESS);
        }
        let policy: Listed = parse(&answer)?;
        say(&format!("version {} of policy {} is in force", policy.live.number, policy.name));
        policy.live.sentences.iter().for_each(|sentence| say(sentence));
        Ok(ExitCode::SUCCESS)
    }
}

/// Says what a text says and what is wrong with it; a failure when it could not be put in force.
async fn dry_run(door: &mut Door, text: &str, json: bool) -> anyhow::Result<ExitCode> {
    let answer = door.post_text("/policies/read", &Text { text }).await?;
    let reading: Reading = parse(&answer)?;
    let code = if reading.problems.iter().any(|it| it.is_error) { ExitCode::FAILURE } else { ExitCode::SUCCESS };
    if json {
        say(&answer);
        return Ok(code);
    }
    reading.sentences.iter().for_each(|sentence| say(sentence));
    for problem in &reading.problems {
        let line = problem.line.map(|line| format!("line {line}: ")).unwrap_or_default();
        let kind = if problem.is_error { "error" } else { "warning" };
        say(&format!("{kind}: {line}{}", problem.message));
    }
    say("nothing was changed (dry run)");
    Ok(code)
}

impl Archive {
    async fn run(self, door: &mut Door) -> anyhow::Result<ExitCode> {
        let policy = find(door, &self.policy).await?;
        let answer = door.send_text(Method::DELETE, &format!("/policies/{}", policy.id), &()).await?;
        say(&if self.json { answer } else { format!("policy {} is archived", policy.name) });
        Ok(ExitCode::SUCCESS)
    }
}

async fn find(door: &mut Door, meant: &str) -> anyhow::Result<Listed> {
    let policies: Vec<Listed> = door.get("/policies").await?;
    let is_it = |policy: &Listed| policy.id == meant || (policy.name == meant && policy.archived_at.is_none());
    match policies.into_iter().find(is_it) {
        Some(policy) => Ok(policy),
        None => bail!("there is no policy `{meant}`; see `policy list`"),
    }
}
