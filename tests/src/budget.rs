//! Budgets as the tests set them, and what became of them.

use std::sync::atomic::{AtomicU32, Ordering};

use anyhow::{Context as _, Result};
use serde_json::{Value, json};

use crate::control::Control;

/// A hard budget in the making: it stops at its limit.
#[derive(Clone, Debug)]
pub struct Budget(Value);

/// What a budget shows of its window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct State {
    /// What may be used.
    pub limit: u64,
    /// What was.
    pub used: u64,
    /// What is set aside for requests under way.
    pub held: u64,
}

impl Budget {
    /// Limits the whole organisation to so many nano-dollars for ever.
    pub fn nanos(limit: u64) -> Self {
        static MADE: AtomicU32 = AtomicU32::new(0);
        let name = format!("tests {}", MADE.fetch_add(1, Ordering::Relaxed));
        Self(json!({
            "name": name, "scope": {"kind": "organization"}, "measure": "cost", "limit": limit.to_string(),
            "period": {"kind": "total"}, "ladder": [{"at_percent": 100, "action": "stop"}],
        }))
    }

    /// Limits the requests of the whole organisation in a period, e.g. `{"kind": "hour"}`.
    pub fn requests(limit: u64, period: &Value) -> Self {
        Self::nanos(limit).with("measure", json!("requests")).with("period", period.clone())
    }

    /// With another value of a field.
    #[must_use]
    pub fn with(mut self, field: &str, value: Value) -> Self {
        self.0[field] = value;
        self
    }

    /// Counts so strictly that nothing can exceed it.
    #[must_use]
    pub fn strict(self) -> Self {
        self.with("is_strict", json!(true))
    }

    /// Only for this key.
    #[must_use]
    pub fn on_key(self, id: &str) -> Self {
        self.with("scope", json!({"kind": "key", "id": id}))
    }

    /// With an account for each part of the scope.
    #[must_use]
    pub fn each(self, part: &str) -> Self {
        self.with("each", json!(part))
    }

    /// Sets it; returns its id.
    pub async fn set(&self, control: &Control) -> Result<String> {
        let made = control.post("/budgets", &self.0).await?;
        made["id"].as_str().map(str::to_owned).with_context(|| format!("no id in {made}"))
    }
}

/// What a budget shows of its window.
pub async fn state(control: &Control, id: &str) -> Result<State> {
    let budget = control.get(&format!("/budgets/{id}")).await?;
    let figure = |name: &str| {
        let text = budget["state"][name].as_str().with_context(|| format!("no {name} in {budget}"))?;
        text.parse::<u64>().with_context(|| format!("{name} is {text}"))
    };
    Ok(State { limit: figure("limit")?, used: figure("used")?, held: figure("held")? })
}

/// The same, as soon as nothing is held any more.
pub async fn settled_state(control: &Control, id: &str) -> Result<State> {
    let start = std::time::Instant::now();
    loop {
        let state = state(control, id).await?;
        if state.held == 0 {
            return Ok(state);
        }
        anyhow::ensure!(start.elapsed().as_secs() < 5, "a hold leaks: {state:?}");
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
}
