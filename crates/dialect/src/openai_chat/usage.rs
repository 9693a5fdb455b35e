//! The one place where OpenAI's overlapping token figures become disjoint classes.
//!
//! `prompt_tokens` includes what was read from or written to a cache and audio; `completion_tokens`
//! includes reasoning and audio (OpenAI API reference, "Chat completion object", read 2026-11-22).
//! Providers that speak the dialect differ in names and in one sum; each quirk is noted where it is
//! handled.

use megarouter_domain::usage::Usage;
use serde_json::Value;

/// Disjoint classes from a `usage` object; `None` when it reports no figure at all.
///
/// Figures that contradict each other never add up to more than the reported total: details are cut
/// to what the total leaves.
pub fn from_wire(usage: &Value) -> Option<Usage> {
    let input = input_classes(usage);
    let output = output_classes(usage);
    let found =
        Usage { output: output.output, reasoning: output.reasoning, audio_output: output.audio_output, ..input };
    (!found.is_unreported()).then_some(found)
}

fn input_classes(usage: &Value) -> Usage {
    let details = &usage["prompt_tokens_details"];
    // DeepSeek reports hits of its cache beside the total, not in the details
    // (api-docs.deepseek.com, "Context caching", read 2026-11-22).
    let read = tokens(&details["cached_tokens"]).or_else(|| tokens(&usage["prompt_cache_hit_tokens"]));
    // OpenRouter's name for tokens written to a cache (openrouter.ai/docs/use-cases/usage-accounting, read
    // 2026-11-22).
    let write = tokens(&details["cache_write_tokens"]);
    let audio = tokens(&details["audio_tokens"]);
    let [input, cached_read, cache_write, audio_input] = split(tokens(&usage["prompt_tokens"]), [read, write, audio]);
    Usage { input, cached_read, cache_write, audio_input, ..Usage::UNREPORTED }
}

fn output_classes(usage: &Value) -> Usage {
    let details = &usage["completion_tokens_details"];
    let reasoning = tokens(&details["reasoning_tokens"]);
    let audio = tokens(&details["audio_tokens"]);
    let total = tokens(&usage["completion_tokens"]).map(|total| {
        if is_reasoning_apart(usage, total, reasoning) { total.saturating_add(reasoning.unwrap_or(0)) } else { total }
    });
    let [output, reasoning, audio_output, _] = split(total, [reasoning, audio, None]);
    Usage { output, reasoning, audio_output, ..Usage::UNREPORTED }
}

/// True when the sum shows that `completion_tokens` leaves reasoning out, as xAI counts
/// (docs.x.ai/docs/key-information/consumption-and-rate-limits, read 2026-11-22).
fn is_reasoning_apart(usage: &Value, completion: u64, reasoning: Option<u64>) -> bool {
    let (Some(reasoning), Some(prompt)) = (reasoning, tokens(&usage["prompt_tokens"])) else { return false };
    let Some(total) = tokens(&usage["total_tokens"]) else { return false };
    reasoning > 0 && prompt.saturating_add(completion).saturating_add(reasoning) == total
}

/// The remainder and the parts of a total. Without a total the parts stand alone.
fn split(total: Option<u64>, parts: [Option<u64>; 3]) -> [Option<u64>; 4] {
    let Some(mut left) = total else { return [None, parts[0], parts[1], parts[2]] };
    let [first, second, third] = parts.map(|part| {
        let taken = part?.min(left);
        left -= taken;
        Some(taken)
    });
    [Some(left), first, second, third]
}

/// A count, or nothing where there is none or none that makes sense.
fn tokens(figure: &Value) -> Option<u64> {
    figure.as_u64()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    #[test]
    fn details_are_taken_out_of_their_totals() {
        let usage = json!({
            "prompt_tokens": 100, "completion_tokens": 50, "total_tokens": 150,
            "prompt_tokens_details": {"cached_tokens": 60, "audio_tokens": 10},
            "completion_tokens_details": {"reasoning_tokens": 20, "audio_tokens": 5, "accepted_prediction_tokens": 3},
        });
        let expected = Usage {
            input: Some(30),
            cached_read: Some(60),
            audio_input: Some(10),
            output: Some(25),
            reasoning: Some(20),
            audio_output: Some(5),
            cache_write: None,
            ..Usage::UNREPORTED
        };
        assert_eq!(from_wire(&usage), Some(expected));
    }

    #[test]
    fn none_is_not_zero() {
        assert_eq!(from_wire(&json!(null)), None);
        assert_eq!(from_wire(&json!({})), None);
        assert_eq!(from_wire(&json!({"prompt_tokens": null, "completion_tokens": "7"})), None);
        let zero = from_wire(&json!({"prompt_tokens": 0, "completion_tokens": 0})).unwrap();
        assert_eq!((zero.input, zero.output, zero.cached_read), (Some(0), Some(0), None));
    }

    #[test]
    fn deepseek_hits_are_cached_reads() {
        let usage = json!({"prompt_tokens": 10, "prompt_cache_hit_tokens": 8, "prompt_cache_miss_tokens": 2, "completion_tokens": 1});
        let usage = from_wire(&usage).unwrap();
        assert_eq!((usage.input, usage.cached_read), (Some(2), Some(8)));
    }

    #[test]
    fn reasoning_beside_the_completion_is_not_taken_out_of_it() {
        let usage = json!({
            "prompt_tokens": 32, "completion_tokens": 9, "total_tokens": 135,
            "completion_tokens_details": {"reasoning_tokens": 94},
        });
        let usage = from_wire(&usage).unwrap();
        assert_eq!((usage.output, usage.reasoning, usage.total_output()), (Some(9), Some(94), Some(103)));
    }

    proptest! {
        #[test]
        fn classes_sum_to_the_reported_totals(
            prompt in 0_u64..1000, completion in 0_u64..1000,
            details in proptest::array::uniform5(proptest::option::of(0_u64..2000)),
        ) {
            let [cached, written, heard, reasoned, spoken] = details;
            let usage = from_wire(&json!({
                "prompt_tokens": prompt, "completion_tokens": completion,
                "prompt_tokens_details": {"cached_tokens": cached, "cache_write_tokens": written, "audio_tokens": heard},
                "completion_tokens_details": {"reasoning_tokens": reasoned, "audio_tokens": spoken},
            })).unwrap();
            prop_assert_eq!(usage.total_input(), Some(prompt));
            prop_assert_eq!(usage.total_output(), Some(completion));
            prop_assert_eq!(usage.cached_read.is_some(), cached.is_some());
        }
    }
}
