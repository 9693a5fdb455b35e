//! The one place where OpenAI's overlapping token figures become disjoint classes.
//!
//! `prompt_tokens` includes what was read from or written to a cache and audio; `completion_tokens`
//! includes reasoning and audio (OpenAI API reference, "Chat completion object", read 2026-11-22).
//! Providers that speak the dialect differ in names and in one sum; each quirk is noted where it is
//! handled.

use megarouter_domain::usage::{ServiceTier, Usage};
use serde_json::{Map, Value};

/// Disjoint classes from a `usage` object; `None` when it reports no figure at all.
///
/// Figures that contradict each other never add up to more than the reported total: details are cut
/// to what the total leaves.
pub fn from_wire(usage: &Value) -> Option<Usage> {
    let input = input_classes(usage);
    let output = output_classes(usage);
    let found = Usage {
        output: output.output,
        reasoning: output.reasoning,
        audio_output: output.audio_output,
        image_output: output.image_output,
        searches: searches(usage),
        ..input
    };
    (!found.is_unreported()).then_some(found)
}

/// The figures with the class of service that the answer names beside them (`service_tier`).
pub fn with_tier(usage: Option<Usage>, tier: Option<&str>) -> Option<Usage> {
    usage.map(|usage| Usage { service_tier: tier.and_then(ServiceTier::from_wire), ..usage })
}

/// The figures as OpenAI writes them: totals that include the classes of their details. Classes that
/// were not reported are left out, and without any figure of a kind its total is 0.
///
/// `cache_write_tokens` is OpenRouter's name, `image_tokens` that of OpenAI's images and OpenRouter.
pub fn to_wire(usage: &Usage) -> Value {
    let input = usage.total_input().unwrap_or_default();
    let output = usage.total_output().unwrap_or_default();
    let written = [usage.cache_write, usage.cache_write_1h].into_iter().flatten().reduce(u64::saturating_add);
    let mut figures = Map::new();
    figures.insert("prompt_tokens".to_owned(), input.into());
    figures.insert("completion_tokens".to_owned(), output.into());
    figures.insert("total_tokens".to_owned(), input.saturating_add(output).into());
    let read = [
        ("cached_tokens", usage.cached_read),
        ("cache_write_tokens", written),
        ("audio_tokens", usage.audio_input),
        ("image_tokens", usage.image_input),
    ];
    insert_details(&mut figures, "prompt_tokens_details", &read);
    let spoken = [
        ("reasoning_tokens", usage.reasoning),
        ("audio_tokens", usage.audio_output),
        ("image_tokens", usage.image_output),
    ];
    insert_details(&mut figures, "completion_tokens_details", &spoken);
    insert_details(&mut figures, "server_tool_use", &[("web_search_requests", usage.searches)]);
    figures.into()
}

fn insert_details(figures: &mut Map<String, Value>, name: &str, classes: &[(&str, Option<u64>)]) {
    let reported = classes.iter().filter_map(|(class, tokens)| Some(((*class).to_owned(), Value::from((*tokens)?))));
    let details: Map<String, Value> = reported.collect();
    if !details.is_empty() {
        figures.insert(name.to_owned(), details.into());
    }
}

/// Searches of the web: OpenRouter's count and Perplexity's (openrouter.ai/docs/features/web-search,
/// docs.perplexity.ai/guides/pricing, read 2026-11-22).
fn searches(usage: &Value) -> Option<u64> {
    tokens(&usage["server_tool_use"]["web_search_requests"]).or_else(|| tokens(&usage["num_search_queries"]))
}

fn input_classes(usage: &Value) -> Usage {
    let details = &usage["prompt_tokens_details"];
    // DeepSeek reports hits of its cache beside the total, not in the details
    // (api-docs.deepseek.com, "Context caching", read 2026-11-22).
    // Moonshot puts them beside the total under OpenAI's name (platform.moonshot.ai/docs, read 2026-11-22).
    let beside = ["prompt_cache_hit_tokens", "cached_tokens"];
    let read = tokens(&details["cached_tokens"]).or_else(|| beside.iter().find_map(|name| tokens(&usage[name])));
    // OpenRouter's name for tokens written to a cache (openrouter.ai/docs/use-cases/usage-accounting, read
    // 2026-11-22).
    let write = tokens(&details["cache_write_tokens"]);
    let audio = tokens(&details["audio_tokens"]);
    let image = tokens(&details["image_tokens"]);
    let (input, [cached_read, cache_write, audio_input, image_input]) =
        split(tokens(&usage["prompt_tokens"]), [read, write, audio, image]);
    Usage { input, cached_read, cache_write, audio_input, image_input, ..Usage::UNREPORTED }
}

fn output_classes(usage: &Value) -> Usage {
    let details = &usage["completion_tokens_details"];
    let reasoning = tokens(&details["reasoning_tokens"]);
    let audio = tokens(&details["audio_tokens"]);
    let total = tokens(&usage["completion_tokens"]).map(|total| {
        if is_reasoning_apart(usage, total, reasoning) { total.saturating_add(reasoning.unwrap_or(0)) } else { total }
    });
    let image = tokens(&details["image_tokens"]);
    let (output, [reasoning, audio_output, image_output]) = split(total, [reasoning, audio, image]);
    Usage { output, reasoning, audio_output, image_output, ..Usage::UNREPORTED }
}

/// True when the sum shows that `completion_tokens` leaves reasoning out, as xAI counts
/// (docs.x.ai/docs/key-information/consumption-and-rate-limits, read 2026-11-22).
fn is_reasoning_apart(usage: &Value, completion: u64, reasoning: Option<u64>) -> bool {
    let (Some(reasoning), Some(prompt)) = (reasoning, tokens(&usage["prompt_tokens"])) else { return false };
    let Some(total) = tokens(&usage["total_tokens"]) else { return false };
    reasoning > 0 && prompt.saturating_add(completion).saturating_add(reasoning) == total
}

/// The remainder and the parts of a total. Without a total the parts stand alone.
fn split<const N: usize>(total: Option<u64>, parts: [Option<u64>; N]) -> (Option<u64>, [Option<u64>; N]) {
    let Some(mut left) = total else { return (None, parts) };
    let parts = parts.map(|part| {
        let taken = part?.min(left);
        left -= taken;
        Some(taken)
    });
    (Some(left), parts)
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

    #[test]
    fn searches_and_pictures_count_too() {
        let usage = json!({
            "prompt_tokens": 10, "completion_tokens": 1300, "completion_tokens_details": {"image_tokens": 1290},
            "server_tool_use": {"web_search_requests": 2},
        });
        let usage = from_wire(&usage).unwrap();
        assert_eq!((usage.output, usage.image_output, usage.searches), (Some(10), Some(1290), Some(2)));
        assert_eq!(from_wire(&json!({"prompt_tokens": 1, "num_search_queries": 3})).unwrap().searches, Some(3));
    }

    #[test]
    fn the_tier_is_that_of_the_answer() {
        let usage = Some(Usage { input: Some(1), ..Usage::UNREPORTED });
        assert_eq!(with_tier(usage, Some("flex")).unwrap().service_tier, Some(ServiceTier::Flex));
        assert_eq!(with_tier(usage, Some("default")), usage);
        assert_eq!(with_tier(None, Some("flex")), None);
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_again(classes in proptest::array::uniform8(proptest::option::of(0_u64..1000))) {
            let [input, cached_read, cache_write, output, reasoning, audio_input, image_output, searches] = classes;
            let usage = Usage {
                input: Some(input.unwrap_or_default()), output: Some(output.unwrap_or_default()),
                cached_read, cache_write, reasoning, audio_input, image_output, searches, ..Usage::UNREPORTED
            };
            prop_assert_eq!(from_wire(&to_wire(&usage)), Some(usage));
        }

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
