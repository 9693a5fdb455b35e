//! How the model is told to think, within what the API allows.
//!
//! Thinking excludes a forced tool choice: the tool wins, because the client's program waits for
//! the call. A budget has to leave room below the output bound, and needs the model's own thought
//! before the calls whose results are sent; older clients do not have it.

use serde::Serialize;

use super::super::effort;
use crate::canonical::{Conversation, Effort, ReasoningRequest, ToolChoice};
use crate::losses::Losses;
use crate::request::{Target, Thinking};

/// What is decided.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// The `thinking` field.
    pub thinking: Option<OutputThinking>,
    /// The effort in `output_config`.
    pub effort: Option<&'static str>,
    /// Whether the model is told to think.
    pub is_thinking: bool,
}

/// The `thinking` field.
#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum OutputThinking {
    /// Within a budget of tokens.
    Enabled {
        /// At least 1,024 and below the output bound.
        budget_tokens: u64,
    },
    /// As the model thinks fit.
    Adaptive {
        /// Models that think by themselves show nothing unless asked to.
        #[serde(skip_serializing_if = "Option::is_none")]
        display: Option<&'static str>,
    },
    /// Not at all.
    Disabled,
}

/// Decides.
pub fn plan(
    conversation: &Conversation,
    target: &Target<'_>,
    max_tokens: u64,
    lacks_thought: bool,
    losses: &mut Losses,
) -> Plan {
    let Some(asked) = &conversation.reasoning else { return Plan::default() };
    let is_off = asked.effort == Some(Effort::None) || asked.budget_tokens == Some(0);
    if target.thinking == Thinking::None {
        if !is_off {
            losses.unsupported(name(asked));
        }
        return Plan::default();
    }
    if is_off {
        return Plan { thinking: Some(OutputThinking::Disabled), ..Plan::default() };
    }
    let is_forced = is_tool_forced(conversation);
    let has_budget = match target.thinking {
        Thinking::Budget => true,
        // Nothing is known of the model: the client's own form is the best guess.
        Thinking::Unknown => asked.budget_tokens.is_some(),
        Thinking::None | Thinking::Effort | Thinking::Adaptive => false,
    };
    if has_budget {
        return with_budget(asked, max_tokens, is_forced || lacks_thought, losses);
    }
    let effort = word(asked, losses);
    if asked.summary.as_deref().is_some_and(|summary| summary != "auto") {
        losses.approximated("reasoning.summary");
    }
    if target.thinking == Thinking::Effort {
        if effort.is_none() {
            losses.approximated(name(asked));
        }
        if asked.summary.as_deref() == Some("auto") {
            losses.unsupported("reasoning.summary");
        }
        return Plan { effort, ..Plan::default() };
    }
    if is_forced {
        losses.approximated(name(asked));
        return Plan { thinking: Some(OutputThinking::Disabled), effort, is_thinking: false };
    }
    let display = asked.summary.as_ref().map(|_| "summarized");
    Plan { thinking: Some(OutputThinking::Adaptive { display }), effort, is_thinking: true }
}

/// The field of the client's that asked for thinking, for the report of losses.
fn name(asked: &ReasoningRequest) -> &'static str {
    match (asked.effort, asked.budget_tokens) {
        (Some(_), _) => "reasoning_effort",
        (None, Some(_)) => "thinking.budget_tokens",
        (None, None) => "thinking",
    }
}

fn is_tool_forced(conversation: &Conversation) -> bool {
    match &conversation.tool_choice {
        Some(ToolChoice::Required | ToolChoice::Named(_)) => true,
        Some(ToolChoice::Allowed { is_required, .. }) => *is_required,
        Some(ToolChoice::Auto | ToolChoice::None) | None => false,
    }
}

fn with_budget(asked: &ReasoningRequest, max_tokens: u64, is_refused: bool, losses: &mut Losses) -> Plan {
    let wanted = asked.budget_tokens.unwrap_or_else(|| effort::budget(asked.effort.unwrap_or(Effort::Medium)));
    // No thinking where the API refuses it, or where it cannot have its least budget.
    if is_refused || max_tokens <= effort::LEAST_BUDGET {
        losses.approximated(name(asked));
        return Plan::default();
    }
    // What is lowered leaves a quarter of the bound for the answer itself.
    let fitting = if wanted < max_tokens { wanted } else { max_tokens - max_tokens / 4 };
    let budget_tokens = fitting.clamp(effort::LEAST_BUDGET, max_tokens - 1);
    if asked.budget_tokens != Some(budget_tokens) {
        losses.approximated(name(asked));
    }
    if asked.summary.as_deref().is_some_and(|summary| summary != "auto") {
        losses.approximated("reasoning.summary");
    }
    Plan { thinking: Some(OutputThinking::Enabled { budget_tokens }), effort: None, is_thinking: true }
}

/// The effort in Anthropic's word, where one or a budget was asked for.
fn word(asked: &ReasoningRequest, losses: &mut Losses) -> Option<&'static str> {
    let effort = asked.effort.or_else(|| asked.budget_tokens.map(effort::of_budget))?;
    let (word, is_same) = effort::word(effort)?;
    if !is_same || asked.effort.is_none() {
        losses.approximated(name(asked));
    }
    Some(word)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(effort: Option<Effort>, budget_tokens: Option<u64>) -> Conversation {
        let reasoning = Some(ReasoningRequest { effort, budget_tokens, ..ReasoningRequest::default() });
        Conversation { reasoning, ..Conversation::default() }
    }

    fn planned(conversation: &Conversation, thinking: Thinking, max_tokens: u64) -> (Plan, String) {
        let mut losses = Losses::default();
        let target = Target { thinking, ..Target::of("m") };
        let plan = plan(conversation, &target, max_tokens, false, &mut losses);
        (plan, losses.to_string())
    }

    fn enabled(budget_tokens: u64) -> Plan {
        Plan { thinking: Some(OutputThinking::Enabled { budget_tokens }), effort: None, is_thinking: true }
    }

    #[test]
    fn each_kind_of_model_is_told_in_its_own_form() {
        let high = asked(Some(Effort::High), None);
        assert_eq!(
            planned(&high, Thinking::Budget, 64_000),
            (enabled(16_384), "reasoning_effort=approximated".to_owned())
        );
        let (adaptive, losses) = planned(&high, Thinking::Adaptive, 64_000);
        assert_eq!(adaptive.thinking, Some(OutputThinking::Adaptive { display: None }));
        assert_eq!((adaptive.effort, adaptive.is_thinking, losses.as_str()), (Some("high"), true, ""));
        assert_eq!(planned(&high, Thinking::Effort, 64_000).0, Plan { effort: Some("high"), ..Plan::default() });
        assert_eq!(
            planned(&high, Thinking::None, 64_000),
            (Plan::default(), "reasoning_effort=unsupported".to_owned())
        );
        let budget = asked(None, Some(5_000));
        assert_eq!(planned(&budget, Thinking::Unknown, 64_000), (enabled(5_000), String::new()));
        let (effort, losses) = planned(&budget, Thinking::Adaptive, 64_000);
        assert_eq!((effort.effort, losses.as_str()), (Some("low"), "thinking.budget_tokens=approximated"));
    }

    #[test]
    fn a_budget_leaves_room_for_the_answer_and_a_lowered_one_is_told() {
        let told = "thinking.budget_tokens=approximated".to_owned();
        let budget = asked(None, Some(10_000));
        assert_eq!(planned(&budget, Thinking::Budget, 10_001), (enabled(10_000), String::new()));
        assert_eq!(planned(&budget, Thinking::Budget, 10_000), (enabled(7_500), told.clone()));
        assert_eq!(planned(&budget, Thinking::Budget, 1_025), (enabled(1_024), told.clone()));
        assert_eq!(planned(&budget, Thinking::Budget, 1), (Plan::default(), told.clone()));
        assert_eq!(planned(&asked(None, Some(100)), Thinking::Budget, 4_096), (enabled(1_024), told));
    }

    #[test]
    fn a_forced_tool_wins_over_thinking_and_that_is_told() {
        let mut forced = asked(Some(Effort::Low), None);
        forced.tool_choice = Some(ToolChoice::Required);
        let told = "reasoning_effort=approximated";
        let (plan, losses) = planned(&forced, Thinking::Budget, 64_000);
        assert_eq!((plan, losses.as_str()), (Plan::default(), told));
        let (plan, losses) = planned(&forced, Thinking::Adaptive, 64_000);
        assert_eq!((plan.thinking, losses.as_str()), (Some(OutputThinking::Disabled), told));
    }

    #[test]
    fn thinking_that_is_off_is_said_to_be_off() {
        for off in [asked(Some(Effort::None), None), asked(None, Some(0))] {
            let (plan, losses) = planned(&off, Thinking::Budget, 64_000);
            assert_eq!((plan.thinking, losses.as_str()), (Some(OutputThinking::Disabled), ""));
            assert_eq!(planned(&off, Thinking::None, 64_000), (Plan::default(), String::new()));
        }
        assert_eq!(planned(&Conversation::default(), Thinking::Adaptive, 10).0, Plan::default());
    }
}
