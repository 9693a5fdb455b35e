//! Token figures. `inputTokens` leaves out what was read from or written to a cache; thoughts are
//! within `outputTokens` and not told apart (Amazon Bedrock user guide, "Prompt caching", read
//! 2026-11-22).

use megarouter_domain::usage::{ServiceTier, Usage};
use serde_json::Value;

/// Disjoint classes from a `usage` object and the `serviceTier` beside it; `None` when it reports
/// no figure at all.
pub fn from_wire(usage: &Value, tier: &Value) -> Option<Usage> {
    let written = usage["cacheWriteInputTokens"].as_u64();
    let details = usage["cacheDetails"].as_array();
    let for_an_hour = details.and_then(|details| {
        let hours =
            details.iter().filter(|detail| detail["ttl"] == "1h").filter_map(|detail| detail["inputTokens"].as_u64());
        hours.reduce(u64::saturating_add)
    });
    let found = Usage {
        input: usage["inputTokens"].as_u64(),
        cached_read: usage["cacheReadInputTokens"].as_u64(),
        cache_write: written.map(|all| all.saturating_sub(for_an_hour.unwrap_or_default())),
        cache_write_1h: for_an_hour.map(|hour| hour.min(written.unwrap_or(hour))),
        output: usage["outputTokens"].as_u64(),
        service_tier: tier["type"].as_str().and_then(ServiceTier::from_wire),
        ..Usage::UNREPORTED
    };
    (!found.is_unreported()).then_some(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn writes_for_an_hour_are_told_apart() {
        let usage = json!({
            "inputTokens": 10, "outputTokens": 5, "totalTokens": 615, "cacheReadInputTokens": 100, "cacheWriteInputTokens": 500,
            "cacheDetails": [{"ttl": "1h", "inputTokens": 300}, {"ttl": "5m", "inputTokens": 200}],
        });
        let usage = from_wire(&usage, &json!({"type": "flex"})).unwrap();
        assert_eq!((usage.input, usage.cached_read), (Some(10), Some(100)));
        assert_eq!((usage.cache_write, usage.cache_write_1h), (Some(200), Some(300)));
        assert_eq!((usage.output, usage.service_tier), (Some(5), Some(ServiceTier::Flex)));
        assert_eq!(usage.total_input(), Some(610));
    }

    #[test]
    fn none_is_not_zero() {
        assert_eq!(from_wire(&Value::Null, &Value::Null), None);
        let zero = from_wire(&json!({"inputTokens": 0, "outputTokens": 0}), &Value::Null).unwrap();
        assert_eq!((zero.input, zero.cached_read), (Some(0), None));
    }
}
