//! `route explain`

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, anyhow};
use clap::Args;
use serde::{Deserialize, Serialize};

use super::door::{Door, parse};
use super::output::{dollars, say, table};

/// Say where a prompt would go and why; nothing is sent.
#[derive(Args)]
pub struct Explain {
    /// The prompt
    prompt: String,
    /// The model or policy that is asked for
    #[arg(long, default_value = "auto")]
    model: String,
    /// A file with a policy's rules to try instead of what is in force, in YAML
    #[arg(short, long, value_name = "FILE")]
    file: Option<PathBuf>,
    /// The name of the key it comes with
    #[arg(long)]
    key: Option<String>,
    /// A tag of the request
    #[arg(long = "tag", value_name = "NAME=VALUE")]
    tags: Vec<String>,
    /// How far the tightest budget is used, in percent
    #[arg(long, value_name = "PERCENT")]
    budget_used: Option<u16>,
    /// Answer in JSON
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Asked<'a> {
    model: &'a str,
    prompt: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    key_id: Option<String>,
    tags: BTreeMap<&'a str, &'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    budget_used_percent: Option<u16>,
}

#[derive(Deserialize)]
struct Key {
    id: String,
    name: String,
}

#[derive(Deserialize)]
struct Explanation {
    decision: Decision,
    rules: Vec<Verdict>,
    refusal: Option<String>,
    notes: Vec<String>,
}

#[derive(Deserialize)]
struct Decision {
    strategy: String,
    task: Option<Task>,
    candidates: Vec<Candidate>,
    took_us: u64,
}

#[derive(Deserialize)]
struct Task {
    family: String,
    difficulty_permille: u16,
    need_permille: u16,
}

#[derive(Deserialize)]
struct Candidate {
    model: String,
    provider: String,
    cost: Option<String>,
    quality_permille: Option<u16>,
    first_output_ms: Option<u32>,
    removed: Option<Removed>,
}

#[derive(Deserialize)]
struct Removed {
    text: String,
}

#[derive(Deserialize)]
struct Verdict {
    rule: u64,
    sentence: String,
    state: String,
    failed: Option<String>,
    seen: Option<String>,
}

impl Explain {
    pub async fn run(self, door: &mut Door) -> anyhow::Result<ExitCode> {
        let asked = self.asked(door).await?;
        let answer = door.post_text("/route/explain", &asked).await?;
        if self.json {
            say(&answer);
            return Ok(ExitCode::SUCCESS);
        }
        parse::<Explanation>(&answer)?.say();
        Ok(ExitCode::SUCCESS)
    }

    async fn asked<'a>(&'a self, door: &mut Door) -> anyhow::Result<Asked<'a>> {
        let read = |path: &PathBuf| fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()));
        let text = self.file.as_ref().map(read).transpose()?;
        let pair = |tag: &'a String| tag.split_once('=').ok_or_else(|| anyhow!("`{tag}` is no tag; write name=value"));
        let tags = self.tags.iter().map(pair).collect::<anyhow::Result<_>>()?;
        let key_id = match &self.key {
            None => None,
            Some(name) => {
                let keys: Vec<Key> = door.get("/keys").await?;
                let key = keys.into_iter().find(|key| key.name == *name);
                Some(key.ok_or_else(|| anyhow!("there is no key `{name}`; see `key list`"))?.id)
            }
        };
        let budget_used_percent = self.budget_used;
        Ok(Asked { model: &self.model, prompt: &self.prompt, text, key_id, tags, budget_used_percent })
    }
}

impl Explanation {
    fn say(&self) {
        for verdict in &self.rules {
            let mark = match verdict.state.as_str() {
                "matched" => "*",
                "failed" => "-",
                _ => " ",
            };
            let why = verdict.failed.as_ref().zip(verdict.seen.as_ref());
            let why = why.map(|(failed, seen)| format!(" (not so: {failed}; seen: {seen})")).unwrap_or_default();
            say(&format!("{mark} rule {}: {}{why}", verdict.rule, verdict.sentence));
        }
        let decision = &self.decision;
        if let Some(task) = &decision.task {
            let (difficulty, need) = (task.difficulty_permille, task.need_permille);
            say(&format!("task: {}, difficulty {difficulty}, need {need} of 1000", task.family));
        }
        say(&format!("strategy: {}, decided in {} us", decision.strategy, decision.took_us));
        let rows: Vec<_> = decision.candidates.iter().map(Candidate::row).collect();
        table(&["MODEL", "PROVIDER", "COST", "QUALITY", "FIRST OUTPUT", "WHY NOT"], &rows);
        self.notes.iter().chain(&self.refusal).for_each(|line| say(line));
    }
}

impl Candidate {
    fn row(&self) -> Vec<String> {
        let cost = self.cost.as_ref().and_then(|cost| cost.parse().ok()).map(dollars);
        vec![
            self.model.clone(),
            self.provider.clone(),
            cost.unwrap_or_else(|| "unknown".to_owned()),
            self.quality_permille.map(|quality| quality.to_string()).unwrap_or_default(),
            self.first_output_ms.map(|time| format!("{time} ms")).unwrap_or_default(),
            self.removed.as_ref().map(|removed| removed.text.clone()).unwrap_or_default(),
        ]
    }
}
