//! `budget list`, `budget set`, `budget archive`

use std::process::ExitCode;

use anyhow::bail;
use clap::{Args, Subcommand, ValueEnum};
use http::Method;
use megarouter_domain::budget::Each;
use serde::Deserialize;

use super::apply::send;
use super::door::{Door, parse};
use super::output::{dollars, say, table};
use crate::setup::Apply;
use crate::setup::file::Setup;
use crate::setup::organization::BudgetEntry;
use crate::setup::places::Lines;

/// Look at and change budgets.
#[derive(Subcommand)]
pub enum Budget {
    /// List budgets, what is used up soonest first
    List(List),
    /// Make a budget, or make the one of this name what is said here
    Set(Box<Set>),
    /// End a budget; its history stays
    Archive(Archive),
}

/// List budgets.
#[derive(Args)]
pub struct List {
    /// Show archived budgets too
    #[arg(long)]
    archived: bool,
    /// Answer in JSON
    #[arg(long)]
    json: bool,
}

/// Make or replace a budget.
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of the command line")]
#[derive(Args)]
pub struct Set {
    /// Its name
    name: String,
    /// How much of what: "14000 USD", "2000000 tokens", "60 requests", "4 concurrent"
    #[arg(long)]
    amount: String,
    #[command(flatten)]
    scope: ScopeArgs,
    /// What has the limit for itself; left out, all share it
    #[arg(long, value_enum)]
    each: Option<EachArg>,
    /// In which time: hour, day, week, month, quarter, year, total, or "rolling 5m"
    #[arg(long, default_value = "month")]
    period: String,
    /// The first day of a week, from 1 for Monday, or of a month
    #[arg(long)]
    starts_on: Option<u8>,
    /// The time zone in which days begin, such as Europe/Berlin; left out, UTC
    #[arg(long)]
    zone: Option<String>,
    /// Tell people at these parts of the limit, in percent
    #[arg(long, value_delimiter = ',', value_name = "PERCENT")]
    notify_at: Vec<u16>,
    /// Tell people when the window is going to reach these parts of the limit, in percent
    #[arg(long, value_delimiter = ',', value_name = "PERCENT")]
    notify_forecast_at: Vec<u16>,
    /// Refuse requests at this part of the limit, in percent; left out, never
    #[arg(long, value_name = "PERCENT")]
    stop_at: Option<u16>,
    /// Add what one window leaves over to the next one's limit
    #[arg(long)]
    carry_over: bool,
    /// Set aside a token for every byte of input, so that nothing can exceed the limit
    #[arg(long)]
    strict: bool,
    /// Only say what would change
    #[arg(long)]
    dry_run: bool,
    /// Answer in JSON
    #[arg(long)]
    json: bool,
}

/// What a budget is set on; nothing means the organisation.
#[derive(Args)]
#[group(multiple = false)]
struct ScopeArgs {
    /// Set it on a department
    #[arg(long)]
    department: Option<String>,
    /// Set it on a team
    #[arg(long)]
    team: Option<String>,
    /// Set it on a project
    #[arg(long)]
    project: Option<String>,
    /// Set it on a member
    #[arg(long)]
    member: Option<String>,
    /// Set it on an app
    #[arg(long)]
    app: Option<String>,
    /// Set it on a key
    #[arg(long)]
    key: Option<String>,
    /// Set it on a provider
    #[arg(long)]
    provider: Option<String>,
    /// Set it on a model
    #[arg(long)]
    model: Option<String>,
    /// Set it on requests with a tag
    #[arg(long, value_name = "NAME=VALUE")]
    tag: Option<String>,
}

#[derive(Clone, Copy, ValueEnum)]
enum EachArg {
    Team,
    Member,
    App,
    Key,
    Session,
}

/// End a budget.
#[derive(Args)]
pub struct Archive {
    /// Its name or id
    budget: String,
    /// Answer in JSON
    #[arg(long)]
    json: bool,
}

/// A budget as a row of something else shows it.
#[derive(Deserialize)]
pub struct Brief {
    measure: String,
    is_hard: bool,
    state: State,
}

#[derive(Deserialize)]
struct Listed {
    id: String,
    name: String,
    scope: Scope,
    each: Option<String>,
    measure: String,
    is_hard: bool,
    period: Period,
    archived_at: Option<String>,
    state: Option<State>,
}

#[derive(Deserialize)]
struct Scope {
    kind: String,
    name: String,
    value: Option<String>,
    unit_kind: Option<String>,
}

#[derive(Deserialize)]
struct Period {
    kind: String,
    seconds: Option<u32>,
}

#[derive(Deserialize)]
struct State {
    limit: String,
    used: String,
    percent: u64,
    level: String,
    forecast: Option<Forecast>,
    refused: u64,
}

#[derive(Deserialize)]
struct Forecast {
    exhausts_at: Option<String>,
}

impl Budget {
    pub async fn run(self, door: &mut Door) -> anyhow::Result<ExitCode> {
        match self {
            Self::List(verb) => verb.run(door).await,
            Self::Set(verb) => verb.run(door).await,
            Self::Archive(verb) => verb.run(door).await,
        }
    }
}

impl List {
    async fn run(self, door: &mut Door) -> anyhow::Result<ExitCode> {
        let answer = door.get_text("/budgets").await?;
        if self.json {
            say(&answer);
            return Ok(ExitCode::SUCCESS);
        }
        let mut budgets: Vec<Listed> = parse(&answer)?;
        budgets.retain(|budget| self.archived || budget.archived_at.is_none());
        let rows: Vec<_> = budgets.iter().map(Listed::row).collect();
        let headings = ["NAME", "ON", "PERIOD", "KIND", "USED", "LIMIT", "%", "STATE", "USED UP", "REFUSED", "ID"];
        table(&headings, &rows);
        Ok(ExitCode::SUCCESS)
    }
}

impl Listed {
    fn row(&self) -> Vec<String> {
        let kind = if self.is_hard { "hard" } else { "soft" };
        let head = [self.name.clone(), self.scope(), self.period.in_words(), kind.to_owned()];
        let state = self.state.as_ref().map(|state| {
            let exhausts_at = state.forecast.as_ref().and_then(|forecast| forecast.exhausts_at.clone());
            [
                amount(&self.measure, &state.used),
                amount(&self.measure, &state.limit),
                state.percent.to_string(),
                state.level.replace('_', " "),
                exhausts_at.unwrap_or_default(),
                state.refused.to_string(),
            ]
        });
        let archived = || ["", "", "", "archived", "", ""].map(str::to_owned);
        head.into_iter().chain(state.unwrap_or_else(archived)).chain([self.id.clone()]).collect()
    }

    fn scope(&self) -> String {
        let Scope { kind, name, value, unit_kind } = &self.scope;
        let what = match value {
            Some(value) => format!("{kind} {name}={value}"),
            None => format!("{} {name}", unit_kind.as_deref().unwrap_or(kind)),
        };
        match &self.each {
            Some(each) => format!("each {each} of {what}"),
            None => what,
        }
    }
}

impl Period {
    fn in_words(&self) -> String {
        match self.seconds {
            Some(seconds) => format!("{} {seconds}s", self.kind),
            None => self.kind.clone(),
        }
    }
}

impl Set {
    async fn run(self, door: &mut Door) -> anyhow::Result<ExitCode> {
        let ScopeArgs { department, team, project, member, app, key, provider, model, tag } = self.scope;
        let budget = BudgetEntry {
            name: self.name,
            department,
            team,
            project,
            member,
            app,
            key,
            provider,
            model,
            tag,
            each: self.each.map(Each::from),
            amount: self.amount,
            period: self.period,
            starts_on: self.starts_on,
            zone: self.zone,
            notify_at: self.notify_at,
            notify_forecast_at: self.notify_forecast_at,
            stop_at: self.stop_at,
            carry_over: self.carry_over,
            strict: self.strict,
            raises: vec![],
        };
        // A file with nothing but this budget: one meaning of the words, and nothing else changes.
        let setup = Setup { budgets: vec![budget], ..Setup::default() };
        let request = Apply { setup, is_dry_run: self.dry_run, prune: false, lines: Lines::new() };
        send(door, &request, self.json).await
    }
}

impl Archive {
    async fn run(self, door: &mut Door) -> anyhow::Result<ExitCode> {
        let budgets: Vec<Listed> = door.get("/budgets").await?;
        let is_meant =
            |budget: &&Listed| budget.id == self.budget || (budget.name == self.budget && budget.archived_at.is_none());
        let Some(budget) = budgets.iter().find(is_meant) else {
            bail!("there is no budget `{}`; see `budget list`", self.budget);
        };
        let answer = door.send_text(Method::DELETE, &format!("/budgets/{}", budget.id), &()).await?;
        if self.json {
            say(&answer);
        } else {
            say(&format!("budget {} is archived", if budget.name.is_empty() { &budget.id } else { &budget.name }));
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// Where a budget stands, for a cell of a table; nothing where there is none.
pub fn in_words(budget: Option<&Brief>) -> String {
    let Some(Brief { measure, is_hard, state }) = budget else { return String::new() };
    let soft = if *is_hard { "" } else { " (soft)" };
    format!("{}% of {}{soft}", state.percent, amount(measure, &state.limit))
}

fn amount(measure: &str, number: &str) -> String {
    match measure {
        "cost" => dollars(number.parse().unwrap_or(0)),
        "concurrent" => format!("{number} at once"),
        measure => format!("{number} {measure}"),
    }
}

impl From<EachArg> for Each {
    fn from(each: EachArg) -> Self {
        match each {
            EachArg::Team => Self::Team,
            EachArg::Member => Self::Member,
            EachArg::App => Self::App,
            EachArg::Key => Self::Key,
            EachArg::Session => Self::Session,
        }
    }
}
