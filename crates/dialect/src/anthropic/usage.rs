//! The one place where Anthropic's token figures become disjoint classes, and the way back.
//!
//! `input_tokens` excludes what was read from or written to the cache; `cache_creation_input_tokens`
//! is the sum of `cache_creation`, which tells the two lifetimes apart; `output_tokens` includes
//! thinking (`output_tokens_details.thinking_tokens`).

use megarouter_domain::usage::{ServiceTier, Usage};
use serde_json::{Map, Value};

/// Disjoint classes from a `usage` object; `None` when it reports no figure at all.
pub fn from_wire(usage: &Value) -> Option<Usage> {
    let (cache_write, cache_write_1h) = cache_writes(usage);
    let total_output = tokens(&usage["output_tokens"]);
    let thought = tokens(&usage["output_tokens_details"]["thinking_tokens"]);
    let reasoning = thought.map(|thought| thought.min(total_output.unwrap_or(thought)));
    let output = total_output.map(|total| total - reasoning.unwrap_or(0));
    let found = Usage {
        input: tokens(&usage["input_tokens"]),
        cached_read: tokens(&usage["cache_read_input_tokens"]),
        cache_write,
        cache_write_1h,
        output,
        reasoning,
        searches: tokens(&usage["server_tool_use"]["web_search_requests"]),
        service_tier: usage["service_tier"].as_str().and_then(ServiceTier::from_wire),
        ..Usage::UNREPORTED
    };
    (!found.is_unreported()).then_some(found)
}

/// A `usage` object. Classes that Anthropic does not know count as plain input or output; a class
/// that was not reported is left out, but for the two that every client reads.
pub fn to_wire(usage: &Usage) -> Value {
    let mut wire = Map::new();
    let input = [usage.input, usage.audio_input, usage.image_input].into_iter().flatten().fold(0, u64::saturating_add);
    wire.insert("input_tokens".to_owned(), input.into());
    let writes = [usage.cache_write, usage.cache_write_1h];
    if let Some(written) = writes.into_iter().flatten().reduce(u64::saturating_add) {
        wire.insert("cache_creation_input_tokens".to_owned(), written.into());
    }
    if let Some(read) = usage.cached_read {
        wire.insert("cache_read_input_tokens".to_owned(), read.into());
    }
    if let Some(hour) = usage.cache_write_1h {
        let five_minutes = usage.cache_write.unwrap_or(0);
        let apart = serde_json::json!({ "ephemeral_5m_input_tokens": five_minutes, "ephemeral_1h_input_tokens": hour });
        wire.insert("cache_creation".to_owned(), apart);
    }
    wire.insert("output_tokens".to_owned(), usage.total_output().unwrap_or(0).into());
    if let Some(thought) = usage.reasoning {
        wire.insert("output_tokens_details".to_owned(), serde_json::json!({ "thinking_tokens": thought }));
    }
    if let Some(searches) = usage.searches {
        let used = serde_json::json!({ "web_search_requests": searches, "web_fetch_requests": 0 });
        wire.insert("server_tool_use".to_owned(), used);
    }
    Value::Object(wire)
}

/// The classes of service that Anthropic names, from the word of any provider.
pub fn tier_word(tier: &str) -> Option<&'static str> {
    match tier {
        "standard" | "default" | "standard_only" | "on_demand" => Some("standard"),
        "priority" => Some("priority"),
        "batch" => Some("batch"),
        _ => None,
    }
}

/// Tokens written to the cache for five minutes and for one hour. A total that is larger than its
/// details (a stream's last figures have the total alone) belongs to the usual five minutes.
fn cache_writes(usage: &Value) -> (Option<u64>, Option<u64>) {
    let apart = &usage["cache_creation"];
    let hour = tokens(&apart["ephemeral_1h_input_tokens"]);
    match (tokens(&usage["cache_creation_input_tokens"]), hour) {
        (Some(total), Some(hour)) => {
            let hour = hour.min(total);
            (Some(total - hour), Some(hour))
        }
        (Some(total), None) => (Some(total), None),
        (None, hour) => (tokens(&apart["ephemeral_5m_input_tokens"]), hour),
    }
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
    fn figures_of_an_answer_are_told_apart() {
        let usage = json!({
            "input_tokens": 2095, "cache_creation_input_tokens": 556, "cache_read_input_tokens": 1800,
            "cache_creation": {"ephemeral_5m_input_tokens": 456, "ephemeral_1h_input_tokens": 100},
            "output_tokens": 503, "output_tokens_details": {"thinking_tokens": 200},
            "server_tool_use": {"web_search_requests": 2, "web_fetch_requests": 1}, "service_tier": "priority",
        });
        let expected = Usage {
            input: Some(2095),
            cached_read: Some(1800),
            cache_write: Some(456),
            cache_write_1h: Some(100),
            output: Some(303),
            reasoning: Some(200),
            searches: Some(2),
            service_tier: Some(ServiceTier::Priority),
            ..Usage::UNREPORTED
        };
        assert_eq!(from_wire(&usage), Some(expected));
    }

    #[test]
    fn none_is_not_zero() {
        assert_eq!(from_wire(&json!(null)), None);
        assert_eq!(from_wire(&json!({"input_tokens": null, "service_tier": "standard"})), None);
        let zero = from_wire(&json!({"input_tokens": 0, "output_tokens": 0, "cache_creation": null})).unwrap();
        assert_eq!((zero.input, zero.output, zero.cached_read, zero.cache_write), (Some(0), Some(0), None, None));
    }

    #[test]
    fn classes_that_anthropic_does_not_know_are_not_lost_from_the_sums() {
        let usage = Usage {
            input: Some(1),
            audio_input: Some(2),
            image_input: Some(4),
            output: Some(8),
            audio_output: Some(16),
            image_output: Some(32),
            ..Usage::UNREPORTED
        };
        assert_eq!(to_wire(&usage), json!({"input_tokens": 7, "output_tokens": 56}));
    }

    proptest! {
        #[test]
        fn figures_survive_the_way_out_and_back(
            figures in proptest::array::uniform7(proptest::option::of(0_u64..1_000_000)),
        ) {
            let [input, cached_read, cache_write, cache_write_1h, output, reasoning, searches] = figures;
            let sent = Usage { input, cached_read, cache_write, cache_write_1h, output, reasoning, searches, ..Usage::UNREPORTED };
            let back = from_wire(&to_wire(&sent)).unwrap();
            prop_assert_eq!(back.total_input(), sent.total_input().or(Some(0)));
            prop_assert_eq!(back.total_output(), sent.total_output().or(Some(0)));
            prop_assert_eq!(back.reasoning, sent.reasoning);
            prop_assert_eq!(back.cache_write_1h, sent.cache_write_1h);
            prop_assert_eq!(back.searches, sent.searches);
        }

        #[test]
        fn details_never_exceed_their_totals(
            total in 0_u64..1000, thought in 0_u64..2000, written in 0_u64..1000, hour in 0_u64..2000,
        ) {
            let usage = from_wire(&json!({
                "output_tokens": total, "output_tokens_details": {"thinking_tokens": thought},
                "cache_creation_input_tokens": written, "cache_creation": {"ephemeral_1h_input_tokens": hour},
            })).unwrap();
            prop_assert_eq!(usage.total_output(), Some(total));
            prop_assert_eq!(usage.total_input(), Some(written));
        }
    }
}
