//! The one place where this dialect's overlapping token figures become disjoint classes, and back.
//!
//! `input_tokens` includes what was read from or written to a cache; `output_tokens` includes
//! reasoning (OpenAI API reference, "The response object", read 2026-11-22).

use megarouter_domain::usage::Usage;
use serde_json::{Value, json};

/// Disjoint classes from a `usage` object; `None` when it reports no figure at all.
///
/// Figures that contradict each other never add up to more than the reported total: details are cut
/// to what the total leaves.
pub fn from_wire(usage: &Value) -> Option<Usage> {
    let (heard, said) = (&usage["input_tokens_details"], &usage["output_tokens_details"]);
    let [input, cached_read, cache_write, audio_input] = split(
        usage["input_tokens"].as_u64(),
        [&heard["cached_tokens"], &heard["cache_write_tokens"], &heard["audio_tokens"]].map(Value::as_u64),
    );
    let [output, reasoning, audio_output, _] = split(
        usage["output_tokens"].as_u64(),
        [said["reasoning_tokens"].as_u64(), said["audio_tokens"].as_u64(), None],
    );
    let found =
        Usage { input, cached_read, cache_write, audio_input, output, reasoning, audio_output, ..Usage::UNREPORTED };
    (!found.is_unreported()).then_some(found)
}

/// A `usage` object. Every figure is there: clients fail on a details object without its fields.
pub fn to_wire(usage: &Usage) -> Value {
    let figure = |class: Option<u64>| class.unwrap_or(0);
    let (input, output) = (figure(usage.total_input()), figure(usage.total_output()));
    json!({
        "input_tokens": input,
        "input_tokens_details": {
            "cached_tokens": figure(usage.cached_read),
            "cache_write_tokens": figure(usage.cache_write).saturating_add(figure(usage.cache_write_1h)),
        },
        "output_tokens": output,
        "output_tokens_details": {"reasoning_tokens": figure(usage.reasoning)},
        "total_tokens": input.saturating_add(output),
    })
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

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn none_is_not_zero() {
        assert_eq!(from_wire(&json!(null)), None);
        assert_eq!(from_wire(&json!({"input_tokens": null})), None);
        let zero = from_wire(&json!({"input_tokens": 0, "output_tokens": 0})).unwrap();
        assert_eq!((zero.input, zero.output, zero.cached_read), (Some(0), Some(0), None));
    }

    #[test]
    fn details_are_always_whole() {
        let wire = to_wire(&Usage { input: Some(3), output: Some(2), ..Usage::UNREPORTED });
        assert_eq!(wire["input_tokens_details"], json!({"cached_tokens": 0, "cache_write_tokens": 0}));
        assert_eq!(wire["output_tokens_details"], json!({"reasoning_tokens": 0}));
        assert_eq!(wire["total_tokens"], 5);
    }

    proptest! {
        #[test]
        fn classes_survive_the_wire(figures in proptest::array::uniform5(0_u64..1_000_000)) {
            let [input, read, write, output, reasoning] = figures.map(Some);
            let usage =
                Usage { input, cached_read: read, cache_write: write, output, reasoning, ..Usage::UNREPORTED };
            prop_assert_eq!(from_wire(&to_wire(&usage)), Some(usage));
        }

        #[test]
        fn classes_sum_to_the_reported_totals(
            input in 0_u64..1000, output in 0_u64..1000,
            details in proptest::array::uniform3(proptest::option::of(0_u64..2000)),
        ) {
            let [cached, written, reasoned] = details;
            let usage = from_wire(&json!({
                "input_tokens": input, "output_tokens": output,
                "input_tokens_details": {"cached_tokens": cached, "cache_write_tokens": written},
                "output_tokens_details": {"reasoning_tokens": reasoned},
            })).unwrap();
            prop_assert_eq!(usage.total_input(), Some(input));
            prop_assert_eq!(usage.total_output(), Some(output));
        }
    }
}
