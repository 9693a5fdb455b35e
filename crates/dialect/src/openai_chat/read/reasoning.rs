//! How much to think: OpenAI's field and those of providers that speak its dialect.

use serde_json::Value;

use super::{Members, invalid};
use crate::canonical::{Effort, ReasoningRequest};
use crate::fields::RequestError;

/// Reads whichever of the fields are there.
///
/// `reasoning_effort` is OpenAI's; `reasoning` OpenRouter's (openrouter.ai/docs/use-cases/reasoning-tokens);
/// `thinking` that of DeepSeek, Z.ai, Moonshot and Volcengine (`{"type":"enabled"}`, with a budget in
/// Anthropic's form); `enable_thinking` and `thinking_budget` Alibaba's. All read 2026-11-22.
pub fn read(members: &mut Members) -> Result<Option<ReasoningRequest>, RequestError> {
    let mut found = ReasoningRequest::default();
    let fields = ["reasoning_effort", "reasoning", "thinking", "enable_thinking", "thinking_budget"];
    let [effort, reasoning, thinking, is_enabled, budget] = fields.map(|field| members.take(field));
    if let Some(effort) = effort {
        found.effort = Some(word(&effort).ok_or(invalid("reasoning_effort", "must be a known effort, e.g. `medium`"))?);
    }
    if let Some(asked) = reasoning {
        found.effort = found.effort.or_else(|| word(&asked["effort"]));
        found.budget_tokens = asked["max_tokens"].as_u64();
        if asked["enabled"] == Value::Bool(false) {
            found.effort = Some(Effort::None);
        }
    }
    if let Some(asked) = thinking {
        found.budget_tokens = found.budget_tokens.or_else(|| asked["budget_tokens"].as_u64());
        match asked["type"].as_str() {
            Some("disabled") => found.budget_tokens = Some(0),
            Some("adaptive" | "auto") => found.is_adaptive = true,
            // To think without a measure is what the model decides.
            Some(_) if found.budget_tokens.is_none() && found.effort.is_none() => found.is_adaptive = true,
            Some(_) | None => {}
        }
    }
    if let Some(is_enabled) = is_enabled.as_ref().and_then(Value::as_bool) {
        found.budget_tokens = budget.as_ref().and_then(Value::as_u64);
        if is_enabled {
            found.is_adaptive = found.budget_tokens.is_none();
        } else {
            found.budget_tokens = Some(0);
        }
    }
    Ok((found != ReasoningRequest::default()).then_some(found))
}

/// Reads an effort; `xhigh` and `max` are the most that some models have.
fn word(effort: &Value) -> Option<Effort> {
    match effort.as_str()? {
        "none" | "off" => Some(Effort::None),
        "minimal" => Some(Effort::Minimal),
        "low" => Some(Effort::Low),
        "medium" | "default" => Some(Effort::Medium),
        "high" => Some(Effort::High),
        "xhigh" | "max" => Some(Effort::Max),
        _ => None,
    }
}
