//! MegaRouter with everything on: an organisation of thirty units, twenty budgets of all kinds on it,
//! requests with tags and a session, and the budget's headers on every answer.

use std::time::Duration;

use anyhow::{Context as _, Result};
use serde_json::{Value, json};

use super::contenders::{MockProcess, OurProgram};
use super::scenarios::{self, Scenario};
use crate::budget::Budget;
use crate::control::Control;
use crate::load::Plan;

/// The loads that it goes through, of those that every contender does.
pub const SCENARIOS: [&str; 2] = ["64 connections", "burst stream"];
/// More than any run spends.
const AMPLE: u64 = 1_000_000_000_000_000;
/// What the app says of its requests.
const HEADERS: [(&str, &str); 2] =
    [("x-megarouter-tags", "env=prod, feature=search"), ("x-megarouter-session", "session-4711")];

/// A unit of the organisation, by what the budgets are set on.
struct Organization {
    department: String,
    team: String,
    project: String,
    member: String,
    key: String,
    provider: String,
    model: String,
}

/// Starts the program before the mock, makes the organisation and its budgets, and a key of a member.
pub async fn start(mock: &MockProcess) -> Result<OurProgram> {
    let mut ours = OurProgram::start(mock)?;
    let control = Control::of(&ours.program.install().data_folder());
    let organization = Organization::make(&control, &mut ours.key).await?;
    for budget in organization.budgets() {
        budget.set(&control).await?;
    }
    Ok(ours)
}

/// The plan of a load with what the app says of its requests.
pub fn plan(scenario: &Scenario, ours: &OurProgram, duration: Duration) -> Result<Plan> {
    let url = ours.program.url("/v1/chat/completions").parse()?;
    let plan = scenario.plan(url, &ours.key, duration, ours.program.process_id());
    Ok(Plan { headers: HEADERS.to_vec(), ..plan })
}

/// The loads by their names.
pub fn scenarios() -> impl Iterator<Item = Scenario> {
    scenarios::ALL.into_iter().filter(|scenario| SCENARIOS.contains(&scenario.name))
}

impl Organization {
    /// Thirty units: departments within each other, teams, projects, members and apps.
    async fn make(control: &Control, key: &mut String) -> Result<Self> {
        let unit = async |kind: &str, name: String, parent: Option<&str>| {
            id(&control.post("/units", &json!({"kind": kind, "name": name, "parent": parent})).await?)
        };
        let company = unit("department", "Company".to_owned(), None).await?;
        let department = unit("department", "Research".to_owned(), Some(&company)).await?;
        let mut team = String::new();
        for number in 0..6 {
            team = unit("team", format!("Team {number}"), Some(&department)).await?;
        }
        let mut project = String::new();
        for number in 0..3 {
            project = unit("project", format!("Project {number}"), None).await?;
        }
        let mut member = String::new();
        for number in 0..16 {
            member = unit("member", format!("Member {number}"), Some(&team)).await?;
        }
        for number in 0..3 {
            unit("app", format!("App {number}"), Some(&team)).await?;
        }
        let made = json!({"name": "governed", "owner": member, "project": project});
        let made = control.post("/keys", &made).await?;
        made["secret"].as_str().context("a new key has a text")?.clone_into(key);
        let first = async |path: &str| {
            let list = control.get(path).await?;
            let rows = list.as_array().or_else(|| list["rows"].as_array()).context("no list")?;
            id(rows.first().context("an empty list")?)
        };
        let (provider, model) = (first("/providers").await?, first("/models").await?);
        Ok(Self { department, team, project, member, key: id(&made["key"])?, provider, model })
    }

    /// Twenty budgets, one of each kind at least, of which most apply to every request.
    fn budgets(&self) -> Vec<Budget> {
        let ladder = json!([
            {"at_percent": 50, "action": "notify"}, {"at_percent": 80, "action": "notify"},
            {"at_percent": 100, "action": "stop"},
        ]);
        let on = |scope: Value, measure: &str, period: Value| {
            let budget = Budget::nanos(AMPLE).with("scope", scope).with("measure", json!(measure));
            budget.with("period", period).with("ladder", ladder.clone())
        };
        let whole = || json!({"kind": "organization"});
        let unit = |id: &str| json!({"kind": "unit", "id": id});
        let key = || json!({"kind": "key", "id": self.key});
        let period = |kind: &str| json!({"kind": kind});
        let rolling = |seconds: u32| json!({"kind": "rolling", "seconds": seconds});
        vec![
            on(whole(), "cost", period("month")).with("zone", json!("Europe/Berlin")),
            on(whole(), "tokens", period("day")),
            on(whole(), "requests", period("hour")),
            on(whole(), "cost", period("year")).with("carries_over", json!(true)),
            on(whole(), "cost", period("day")).each("member"),
            on(whole(), "cost", period("day")).each("team"),
            on(whole(), "requests", rolling(60)).each("key"),
            on(whole(), "cost", period("total")).each("session"),
            on(whole(), "cost", rolling(300)).each("session"),
            on(whole(), "tokens", period("week")).each("app"),
            on(unit(&self.department), "cost", period("month")).strict(),
            on(unit(&self.team), "cost", period("week")).with("carries_over", json!(true)),
            on(unit(&self.project), "cost", period("quarter")),
            on(unit(&self.member), "cost", rolling(3_600)),
            on(key(), "tokens", rolling(60)),
            on(key(), "requests", rolling(60)),
            on(key(), "concurrent", period("total")),
            on(json!({"kind": "provider", "id": self.provider}), "cost", period("month")),
            on(json!({"kind": "model", "id": self.model}), "cost", period("month")),
            on(json!({"kind": "tag", "name": "feature", "value": "search"}), "cost", period("month")),
        ]
    }
}

fn id(made: &Value) -> Result<String> {
    made["id"].as_str().map(str::to_owned).with_context(|| format!("no id in {made}"))
}
