//! How a model on Bedrock is told to think.
//!
//! `outputConfig.effort` has the words low, medium, high, xhigh and max. Claude moreover takes
//! Anthropic's own `thinking` among the additional fields: `{"type":"enabled","budget_tokens":...}`,
//! at least 1,024 and below the output bound, or `{"type":"adaptive"}`.

use serde_json::{Value, json};

use super::family::Family;
use super::messages::is_own_thought;
use crate::canonical::{Conversation, Effort, Part, ReasoningRequest, Role, Turn};
use crate::losses::Losses;
use crate::request::{Target, Thinking};

/// The least budget that Claude takes, in tokens.
const LEAST_BUDGET: u64 = 1_024;

/// What is written.
#[derive(Default)]
pub struct Plan {
    /// Claude's `thinking`.
    pub thinking: Option<Value>,
    /// The word.
    pub effort: Option<&'static str>,
    /// The budget within `thinking`.
    pub budget: Option<u64>,
}

/// Decides how to tell the model what was asked for.
pub fn plan(
    asked: &ReasoningRequest,
    conversation: &Conversation,
    is_forced: bool,
    family: Family,
    target: &Target<'_>,
    losses: &mut Losses,
) -> Plan {
    let is_off = asked.effort == Some(Effort::None) || asked.budget_tokens == Some(0);
    if is_off {
        // Claude does not think unless told to; others cannot be told not to.
        if family != Family::Claude && target.thinking != Thinking::None {
            losses.unsupported("reasoning_effort.none");
        }
        return Plan::default();
    }
    if asked.summary.is_some() {
        losses.unsupported("reasoning.summary");
    }
    match (target.thinking, family) {
        (Thinking::None, _) => {
            losses.unsupported("reasoning_effort");
            Plan::default()
        }
        (Thinking::Unknown | Thinking::Budget | Thinking::Adaptive, Family::Claude)
            if is_forced || lacks_its_thoughts(&conversation.turns) =>
        {
            // Claude refuses to think where it must call a tool, and in the middle of a turn whose
            // thoughts it is not shown.
            losses.unsupported("reasoning_effort");
            Plan::default()
        }
        (Thinking::Unknown | Thinking::Budget, Family::Claude) => budgeted(asked, conversation, target, losses),
        (Thinking::Adaptive, Family::Claude) => {
            Plan { thinking: Some(json!({"type": "adaptive"})), effort: effort(asked, true, losses), budget: None }
        }
        (Thinking::Unknown | Thinking::Budget | Thinking::Effort | Thinking::Adaptive, _) => {
            Plan { effort: effort(asked, false, losses), ..Plan::default() }
        }
    }
}

fn budgeted(asked: &ReasoningRequest, conversation: &Conversation, target: &Target<'_>, losses: &mut Losses) -> Plan {
    let wanted = asked.budget_tokens.unwrap_or_else(|| {
        losses.approximated("reasoning_effort");
        budget_of_word(asked.effort.unwrap_or(Effort::Medium))
    });
    let bound = conversation.max_output_tokens.or(target.max_output_tokens);
    let most = bound.map_or(u64::MAX, |bound| bound.min(target.max_output_tokens.unwrap_or(bound)).saturating_sub(1));
    if most < LEAST_BUDGET {
        losses.unsupported("reasoning_effort");
        return Plan::default();
    }
    let budget = wanted.clamp(LEAST_BUDGET, most);
    if budget != wanted {
        losses.approximated("reasoning.budget_tokens");
    }
    let thinking = json!({"type": "enabled", "budget_tokens": budget});
    Plan { thinking: Some(thinking), effort: None, budget: Some(budget) }
}

/// The table that Google equates words and budgets by (1,024 low, 8,192 medium, 24,576 high;
/// ai.google.dev/gemini-api/docs/openai, read 2026-11-22), with one more step.
const fn budget_of_word(effort: Effort) -> u64 {
    match effort {
        Effort::None => 0,
        Effort::Minimal | Effort::Low => 1_024,
        Effort::Medium => 8_192,
        Effort::High => 24_576,
        Effort::Max => 32_768,
    }
}

/// The word; none where the model decides, which `decides` says is a form of its own.
fn effort(asked: &ReasoningRequest, decides: bool, losses: &mut Losses) -> Option<&'static str> {
    let effort = asked.effort.or_else(|| {
        let budget = asked.budget_tokens?;
        losses.approximated("reasoning.budget_tokens");
        Some(word_of_budget(budget))
    });
    let Some(effort) = effort else {
        if !decides {
            losses.approximated("thinking");
        }
        return None;
    };
    if effort == Effort::Minimal {
        losses.approximated("reasoning_effort");
    }
    match effort {
        Effort::None => None,
        Effort::Minimal | Effort::Low => Some("low"),
        Effort::Medium => Some("medium"),
        Effort::High => Some("high"),
        Effort::Max => Some("max"),
    }
}

/// The nearest step of the same table.
const fn word_of_budget(budget: u64) -> Effort {
    match budget {
        0..4_608 => Effort::Low,
        4_608..16_384 => Effort::Medium,
        _ => Effort::High,
    }
}

/// True when the model waits for results of calls before which it thought, and the thought is not
/// one that it knows.
fn lacks_its_thoughts(turns: &[Turn]) -> bool {
    let waits = |turn: &Turn| turn.parts.iter().any(|part| matches!(part, Part::ToolResult(_)));
    if !turns.last().is_some_and(waits) {
        return false;
    }
    let last = turns.iter().rfind(|turn| turn.role == Role::Assistant);
    !last.is_some_and(|turn| turn.parts.iter().any(is_own_thought))
}
