//! How a model is told to think, judged by its name: the names of OpenAI and Anthropic say it, at every
//! provider that serves their models.
//!
//! Anthropic: Opus and Sonnet from 4.6 and every model from 5 on think adaptively, and refuse a budget
//! from Opus 4.7 on; 3.7 to 4.5 know only a budget; older ones do not think
//! (docs.aws.amazon.com/bedrock/latest/userguide/claude-messages-adaptive-thinking.html, read
//! 2026-11-22). OpenAI: the o series, gpt-5 and gpt-oss think and refuse nothing but a budget, the
//! others refuse `reasoning_effort` (developers.openai.com/api/docs/guides/reasoning, read 2026-11-22).

use megarouter_dialect::request::Thinking;

/// How a model is told to think; `Unknown` when its name does not say.
pub fn thinking_of(upstream_model: &str) -> Thinking {
    let name = upstream_model.to_ascii_lowercase();
    // `anthropic/claude-...`, `us.anthropic.claude-...-v1:0`, `openai/gpt-5`.
    if let Some(at) = name.find("claude-") {
        return of_claude(&name[at + "claude-".len()..]);
    }
    let name = name.rsplit('/').next().unwrap_or_default();
    match name.split(['-', '.', ':']).next().unwrap_or_default() {
        "o1" | "o3" | "o4" => Thinking::Effort,
        "chatgpt" => Thinking::None,
        "gpt" => of_gpt(&name["gpt-".len().min(name.len())..]),
        _ => Thinking::Unknown,
    }
}

fn of_gpt(rest: &str) -> Thinking {
    match rest {
        _ if rest.contains("chat") => Thinking::None,
        _ if rest.starts_with('5') || rest.starts_with("oss") => Thinking::Effort,
        _ if rest.starts_with('3') || rest.starts_with('4') => Thinking::None,
        _ => Thinking::Unknown,
    }
}

/// The version is one or two short numbers after the family (`opus-4-7`) or before it (`3-7-sonnet`); a
/// long one is a date.
fn of_claude(rest: &str) -> Thinking {
    let words = rest.split(['-', '.', '@', ':']).skip_while(|word| word.parse::<u32>().is_err());
    let mut numbers = words.map_while(|word| word.parse::<u32>().ok()).filter(|number| *number < 100);
    let Some(major) = numbers.next() else { return Thinking::Unknown };
    let minor = numbers.next().unwrap_or(0);
    let is_haiku = rest.contains("haiku");
    match (major, minor) {
        (5.., _) => Thinking::Adaptive,
        (4, 6..) if !is_haiku => Thinking::Adaptive,
        (4, _) | (3, 7) => Thinking::Budget,
        _ => Thinking::None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_say_how_a_model_thinks() {
        let cases = [
            ("claude-opus-4-7", Thinking::Adaptive),
            ("claude-sonnet-4-6-20260217", Thinking::Adaptive),
            ("us.anthropic.claude-opus-5-v1:0", Thinking::Adaptive),
            ("anthropic/claude-sonnet-5", Thinking::Adaptive),
            ("anthropic/claude-opus-4.7", Thinking::Adaptive),
            ("claude-fable-5-1", Thinking::Adaptive),
            ("claude-haiku-4-5-20251001", Thinking::Budget),
            ("claude-sonnet-4-20250514", Thinking::Budget),
            ("claude-opus-4-5@20251101", Thinking::Budget),
            ("claude-3-7-sonnet-20250219", Thinking::Budget),
            ("claude-3-5-haiku-latest", Thinking::None),
            ("claude-3-opus-20240229", Thinking::None),
            ("claude-next", Thinking::Unknown),
            ("gpt-5.1-2025-11-13", Thinking::Effort),
            ("openai/gpt-oss-120b", Thinking::Effort),
            ("o4-mini", Thinking::Effort),
            ("gpt-5-chat-latest", Thinking::None),
            ("gpt-4o-mini", Thinking::None),
            ("gpt-4.1", Thinking::None),
            ("gpt", Thinking::Unknown),
            ("gemma3:4b", Thinking::Unknown),
            ("", Thinking::Unknown),
        ];
        for (name, expected) in cases {
            assert_eq!(thinking_of(name), expected, "{name}");
        }
    }
}
