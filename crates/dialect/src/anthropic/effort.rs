//! Effort in words and thinking budgets in tokens.
//!
//! Anthropic's older models take a budget, its newer ones an effort; clients ask in either. The
//! least budget is Anthropic's, the other steps are ours: nobody documents what a word costs.

use crate::canonical::Effort;

/// The least budget that Anthropic takes, in tokens.
pub const LEAST_BUDGET: u64 = 1_024;

/// Efforts with their budgets in tokens, from little to much.
const STEPS: [(Effort, u64); 5] = [
    (Effort::Minimal, LEAST_BUDGET),
    (Effort::Low, 2_048),
    (Effort::Medium, 8_192),
    (Effort::High, 16_384),
    (Effort::Max, 32_768),
];

/// The budget that goes with an effort, in tokens; 0 for none.
pub fn budget(effort: Effort) -> u64 {
    STEPS.iter().find(|(step, _)| *step == effort).map_or(0, |(_, tokens)| *tokens)
}

/// The effort that goes with a budget in tokens: the highest step that the budget pays for.
pub fn of_budget(tokens: u64) -> Effort {
    let paid = STEPS.iter().rev().find(|(_, step)| *step <= tokens).map(|(effort, _)| *effort);
    match paid {
        Some(Effort::Minimal) | None if tokens > 0 => Effort::Low,
        Some(effort) => effort,
        None => Effort::None,
    }
}

/// Anthropic's word for an effort, and whether it means the same; `None` for no thinking.
pub const fn word(effort: Effort) -> Option<(&'static str, bool)> {
    match effort {
        Effort::None => None,
        Effort::Minimal => Some(("low", false)),
        Effort::Low => Some(("low", true)),
        Effort::Medium => Some(("medium", true)),
        Effort::High => Some(("high", true)),
        Effort::Max => Some(("max", true)),
    }
}

/// Reads Anthropic's word; `None` for one that is not known.
pub fn from_word(word: &str) -> Option<Effort> {
    match word {
        "low" => Some(Effort::Low),
        "medium" => Some(Effort::Medium),
        "high" => Some(Effort::High),
        "xhigh" | "max" => Some(Effort::Max),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_effort_comes_back_from_its_budget() {
        for effort in [Effort::None, Effort::Low, Effort::Medium, Effort::High, Effort::Max] {
            assert_eq!(of_budget(budget(effort)), effort);
        }
        assert_eq!((of_budget(1), of_budget(5_000), of_budget(u64::MAX)), (Effort::Low, Effort::Low, Effort::Max));
    }
}
