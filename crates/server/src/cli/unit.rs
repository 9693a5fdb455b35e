//! `unit list`, `unit add`, `unit move`, `unit rename`, `unit archive`, `unit restore`, `unit import`

use std::collections::HashMap;
use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use clap::{Args, Subcommand};
use http::Method;
use serde::{Deserialize, Serialize};

use super::budget::{Brief, in_words};
use super::door::{Door, parse};
use super::output::{Cost, say, table};

/// Look at and change the organisation: departments, teams, projects, members and apps.
///
/// A unit is named by its name, by `KIND:NAME` where several have it, or by its id.
#[derive(Subcommand)]
pub enum Unit {
    /// Show the organisation as a tree, with what each part used this month
    List(List),
    /// Make a unit
    Add(Add),
    /// Move a unit into another one
    Move(Move),
    /// Give a unit another name
    Rename(Rename),
    /// Take a unit out of use; its history stays
    Archive(Archive),
    /// Take a unit back into use
    Restore(Restore),
    /// Read in a list of people from a CSV file with the columns name, email, team, department
    Import(Import),
}

/// Show the organisation.
#[derive(Args)]
pub struct List {
    /// Show archived units too
    #[arg(long)]
    archived: bool,
    /// Answer in JSON
    #[arg(long)]
    json: bool,
}

/// Make a unit.
#[derive(Args)]
pub struct Add {
    /// What it is
    #[arg(value_parser = ["department", "team", "project", "member", "app"])]
    kind: String,
    /// Its name
    name: String,
    /// What it is in; left out, directly in the organisation
    #[arg(long = "in", value_name = "UNIT")]
    parent: Option<String>,
    /// A member's address
    #[arg(long)]
    email: Option<String>,
    /// Answer in JSON
    #[arg(long)]
    json: bool,
}

/// Move a unit.
#[derive(Args)]
pub struct Move {
    /// Which
    unit: String,
    /// What it is to be in; left out, directly in the organisation
    #[arg(long = "to", value_name = "UNIT")]
    parent: Option<String>,
    /// Answer in JSON
    #[arg(long)]
    json: bool,
}

/// Rename a unit.
#[derive(Args)]
pub struct Rename {
    /// Which
    unit: String,
    /// Its new name
    name: String,
    /// Answer in JSON
    #[arg(long)]
    json: bool,
}

/// Archive a unit.
#[derive(Args)]
pub struct Archive {
    /// Which
    unit: String,
    /// Archive everything in it too, and revoke its keys
    #[arg(long)]
    with_content: bool,
    /// Answer in JSON
    #[arg(long)]
    json: bool,
}

/// Restore a unit.
#[derive(Args)]
pub struct Restore {
    /// Which
    unit: String,
    /// Answer in JSON
    #[arg(long)]
    json: bool,
}

/// Read in a list of people.
#[derive(Args)]
pub struct Import {
    /// The file
    file: PathBuf,
    /// Only say what would happen
    #[arg(long)]
    dry_run: bool,
    /// Answer in JSON
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct NewUnit {
    kind: String,
    name: String,
    parent: Option<String>,
    email: Option<String>,
}

/// What is left out stays as it is.
#[expect(clippy::option_option, reason = "left out, `null` and a value are three things")]
#[derive(Default, Serialize)]
struct UnitChange {
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    parent: Option<Option<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    archived: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    with_content: Option<bool>,
}

#[derive(Serialize)]
struct UnitImport {
    csv: String,
    is_preview: bool,
}

#[derive(Deserialize)]
struct Tree {
    organization: Organization,
    units: Vec<Listed>,
}

#[derive(Deserialize)]
struct Organization {
    name: String,
    keys: u64,
    requests: u64,
    cost: Cost,
    budget: Option<Brief>,
}

#[derive(Deserialize)]
struct Listed {
    id: String,
    kind: String,
    name: String,
    parent: Option<String>,
    email: Option<String>,
    archived_at: Option<String>,
    keys: u64,
    requests: u64,
    cost: Cost,
    budget: Option<Brief>,
}

#[derive(Deserialize)]
struct Imported {
    is_applied: bool,
    errors: u64,
    members: u64,
    teams: u64,
    departments: u64,
    rows: Vec<ImportedRow>,
}

#[derive(Deserialize)]
struct ImportedRow {
    line: u64,
    name: String,
    action: String,
    detail: Option<String>,
}

impl Unit {
    pub async fn run(self, door: &mut Door) -> anyhow::Result<ExitCode> {
        match self {
            Self::List(verb) => verb.run(door).await,
            Self::Add(verb) => verb.run(door).await,
            Self::Move(verb) => {
                let parent = match &verb.parent {
                    Some(parent) => Some(find(door, parent).await?.id),
                    None => None,
                };
                let change = UnitChange { parent: Some(parent), ..UnitChange::default() };
                change_unit(door, &verb.unit, change, verb.json, "is moved").await
            }
            Self::Rename(verb) => {
                let change = UnitChange { name: Some(verb.name), ..UnitChange::default() };
                change_unit(door, &verb.unit, change, verb.json, "is renamed").await
            }
            Self::Archive(verb) => {
                let with_content = Some(verb.with_content);
                let change = UnitChange { archived: Some(true), with_content, ..UnitChange::default() };
                change_unit(door, &verb.unit, change, verb.json, "is archived").await
            }
            Self::Restore(verb) => {
                let change = UnitChange { archived: Some(false), ..UnitChange::default() };
                change_unit(door, &verb.unit, change, verb.json, "is in use again").await
            }
            Self::Import(verb) => verb.run(door).await,
        }
    }
}

impl List {
    async fn run(self, door: &mut Door) -> anyhow::Result<ExitCode> {
        let answer = door.get_text("/units").await?;
        if self.json {
            say(&answer);
            return Ok(ExitCode::SUCCESS);
        }
        let Tree { organization, mut units } = parse(&answer)?;
        units.retain(|unit| self.archived || unit.archived_at.is_none());
        units.sort_by(|one, other| (&one.kind, &one.name).cmp(&(&other.kind, &other.name)));
        let mut rows = vec![vec![
            organization.name,
            "organization".to_owned(),
            String::new(),
            organization.keys.to_string(),
            organization.requests.to_string(),
            organization.cost.in_words(),
            in_words(organization.budget.as_ref()),
            String::new(),
        ]];
        let mut below: HashMap<Option<&str>, Vec<&Listed>> = HashMap::new();
        for unit in &units {
            below.entry(unit.parent.as_deref()).or_default().push(unit);
        }
        grow(&mut rows, &below, None, 1);
        table(&["NAME", "KIND", "EMAIL", "KEYS", "REQUESTS", "COST", "BUDGET", "ID"], &rows);
        Ok(ExitCode::SUCCESS)
    }
}

/// Adds the rows of everything below a unit, each a little further to the right.
fn grow(rows: &mut Vec<Vec<String>>, below: &HashMap<Option<&str>, Vec<&Listed>>, parent: Option<&str>, depth: usize) {
    for unit in below.get(&parent).into_iter().flatten() {
        let archived = if unit.archived_at.is_some() { " (archived)" } else { "" };
        rows.push(vec![
            format!("{}{}{archived}", "  ".repeat(depth), unit.name),
            unit.kind.clone(),
            unit.email.clone().unwrap_or_default(),
            unit.keys.to_string(),
            unit.requests.to_string(),
            unit.cost.in_words(),
            in_words(unit.budget.as_ref()),
            unit.id.clone(),
        ]);
        grow(rows, below, Some(&unit.id), depth + 1);
    }
}

impl Add {
    async fn run(self, door: &mut Door) -> anyhow::Result<ExitCode> {
        let parent = match &self.parent {
            Some(parent) => Some(find(door, parent).await?.id),
            None => None,
        };
        let unit = NewUnit { kind: self.kind, name: self.name, parent, email: self.email };
        let answer = door.post_text("/units", &unit).await.context("the unit was not made")?;
        if self.json {
            say(&answer);
        } else {
            let made: Listed = parse(&answer)?;
            say(&format!("{} {} is made: {}", made.kind, made.name, made.id));
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl Import {
    async fn run(self, door: &mut Door) -> anyhow::Result<ExitCode> {
        let csv = fs::read_to_string(&self.file).with_context(|| format!("cannot read {}", self.file.display()))?;
        let answer = door.post_text("/units/import", &UnitImport { csv, is_preview: self.dry_run }).await?;
        let imported: Imported = parse(&answer)?;
        let code = if imported.errors == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE };
        if self.json {
            say(&answer);
            return Ok(code);
        }
        for row in imported.rows.iter().filter(|row| row.action == "error" || row.detail.is_some()) {
            say(&format!("line {}: {}: {}", row.line, row.name, row.detail.as_deref().unwrap_or_default()));
        }
        let Imported { members, teams, departments, .. } = imported;
        let verb = match (imported.is_applied, imported.errors) {
            (true, _) => "made",
            (false, 0) => "nothing was changed (dry run); it would make",
            (false, _) => "nothing was changed; without the wrong lines it would make",
        };
        say(&format!("{verb} {members} members, {teams} teams and {departments} departments"));
        Ok(code)
    }
}

async fn change_unit(
    door: &mut Door,
    unit: &str,
    change: UnitChange,
    json: bool,
    done: &str,
) -> anyhow::Result<ExitCode> {
    let unit = find(door, unit).await?;
    let answer = door.send_text(Method::PATCH, &format!("/units/{}", unit.id), &change).await?;
    if json {
        say(&answer);
    } else {
        let changed: Listed = parse(&answer)?;
        say(&format!("{} {} {done}", changed.kind, changed.name));
    }
    Ok(ExitCode::SUCCESS)
}

/// The unit that a person means. One in use wins over archived ones of the same name.
async fn find(door: &mut Door, meant: &str) -> anyhow::Result<Listed> {
    let Tree { mut units, .. } = door.get("/units").await?;
    let is_meant = |unit: &Listed| {
        let kind_and_name = meant.split_once(':');
        unit.id == meant || unit.name == meant || kind_and_name == Some((unit.kind.as_str(), unit.name.as_str()))
    };
    units.retain(is_meant);
    if units.iter().any(|unit| unit.archived_at.is_none()) {
        units.retain(|unit| unit.archived_at.is_none());
    }
    match <[Listed; 1]>::try_from(units) {
        Ok([unit]) => Ok(unit),
        Err(units) if units.is_empty() => bail!("there is no unit `{meant}`; see `unit list`"),
        Err(units) => {
            let all: Vec<_> = units.iter().map(|unit| format!("{}:{}", unit.kind, unit.name)).collect();
            bail!("`{meant}` can be several units: {}; write one of these, or its id", all.join(", "))
        }
    }
}
