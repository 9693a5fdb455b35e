//! The one place where Google's token figures become disjoint classes, and the way back.
//!
//! `promptTokenCount` includes what was read from a cache; `candidatesTokenCount` leaves thoughts
//! out; tokens of tool results stand beside both; `totalTokenCount` is the sum of the four
//! (ai.google.dev/api/generate-content#UsageMetadata, read 2026-11-22). Figures of 0 are left out on
//! the wire.

use megarouter_domain::usage::{ServiceTier, Usage};
use serde_json::{Map, Value, json};

use super::wire::{count, keyword, list, member};

/// Disjoint classes from a `usageMetadata`; `None` when it reports no figure at all.
///
/// Pictures and sound are classes of their own where the details name them; films and documents are
/// priced as text and stay in it. Details never add up to more than their total.
pub fn from_wire(usage: &Value) -> Option<Usage> {
    let mut found = Usage { reasoning: count(usage, "thoughtsTokenCount"), ..Usage::UNREPORTED };
    read_input(usage, &mut found);
    read_output(usage, &mut found);
    found.service_tier = service_tier(usage);
    (!found.is_unreported()).then_some(found)
}

/// Searches of the web that an answer says it made: one for each query, as Gemini 3 is charged
/// (ai.google.dev/gemini-api/docs/pricing, read 2026-11-22).
pub fn searches(answer: &Value) -> Option<u64> {
    let queries = list(answer, "candidates").iter().filter_map(|candidate| member(candidate, "groundingMetadata"));
    let made: usize = queries.map(|grounding| list(grounding, "webSearchQueries").len()).sum();
    (made > 0).then_some(made as u64)
}

/// A `usageMetadata` from disjoint classes.
pub fn to_wire(usage: &Usage) -> Value {
    let mut wire = Map::new();
    let mut put = |name: &str, figure: Option<u64>| {
        if let Some(figure) = figure {
            wire.insert(name.to_owned(), figure.into());
        }
    };
    let candidates = sum([usage.output, usage.audio_output, usage.image_output]);
    put("promptTokenCount", usage.total_input());
    put("cachedContentTokenCount", usage.cached_read);
    put("candidatesTokenCount", candidates);
    put("thoughtsTokenCount", usage.reasoning);
    put("totalTokenCount", sum([usage.total_input(), usage.total_output()]));
    let text = sum([usage.input, usage.cached_read, usage.cache_write, usage.cache_write_1h]);
    let mut details = |name: &str, classes: [(&str, Option<u64>); 3]| {
        let known: Vec<Value> = classes
            .into_iter()
            .filter_map(|(modality, figure)| Some(json!({"modality": modality, "tokenCount": figure?})))
            .collect();
        if !known.is_empty() {
            wire.insert(name.to_owned(), known.into());
        }
    };
    details("promptTokensDetails", [("TEXT", text), ("IMAGE", usage.image_input), ("AUDIO", usage.audio_input)]);
    if usage.image_output.is_some() || usage.audio_output.is_some() {
        let classes = [("TEXT", usage.output), ("IMAGE", usage.image_output), ("AUDIO", usage.audio_output)];
        details("candidatesTokensDetails", classes);
    }
    wire.into()
}

fn read_input(usage: &Value, found: &mut Usage) {
    let prompt = count(usage, "promptTokenCount");
    let tools = count(usage, "toolUsePromptTokenCount");
    found.cached_read = count(usage, "cachedContentTokenCount");
    // A picture may be in the cache, and counts as cached then.
    let fresh = |modality: &str| {
        let cached = detail(usage, "cacheTokensDetails", modality).unwrap_or(0);
        detail(usage, "promptTokensDetails", modality).map(|tokens| tokens.saturating_sub(cached))
    };
    found.audio_input = fresh("AUDIO");
    found.image_input = fresh("IMAGE");
    let Some(mut left) = prompt else {
        found.input = tools;
        return;
    };
    for class in [&mut found.cached_read, &mut found.audio_input, &mut found.image_input] {
        take(class, &mut left);
    }
    found.input = Some(left.saturating_add(tools.unwrap_or(0)));
}

fn read_output(usage: &Value, found: &mut Usage) {
    found.audio_output = detail(usage, "candidatesTokensDetails", "AUDIO");
    found.image_output = detail(usage, "candidatesTokensDetails", "IMAGE");
    let Some(mut left) = count(usage, "candidatesTokenCount").or_else(|| left_by_total(usage)) else { return };
    take(&mut found.audio_output, &mut left);
    take(&mut found.image_output, &mut left);
    found.output = Some(left);
}

/// What the total leaves for the candidates where their own figure, being 0, was left out.
fn left_by_total(usage: &Value) -> Option<u64> {
    let known = ["promptTokenCount", "toolUsePromptTokenCount", "thoughtsTokenCount"];
    let known: u64 = known.iter().filter_map(|name| count(usage, name)).sum();
    count(usage, "totalTokenCount")?.checked_sub(known)
}

fn take(class: &mut Option<u64>, left: &mut u64) {
    if let Some(tokens) = class {
        *tokens = (*tokens).min(*left);
        *left -= *tokens;
    }
}

fn detail(usage: &Value, name: &str, modality: &str) -> Option<u64> {
    let details = list(usage, name).iter().filter(|detail| keyword(detail, "modality").as_deref() == Some(modality));
    details.filter_map(|detail| count(detail, "tokenCount")).reduce(u64::saturating_add)
}

/// AI Studio names the tier as the client asked for it, Vertex AI as a kind of traffic.
fn service_tier(usage: &Value) -> Option<ServiceTier> {
    let named = keyword(usage, "serviceTier").and_then(|tier| ServiceTier::from_wire(&tier));
    named.or_else(|| match keyword(usage, "trafficType")?.as_str() {
        "ON_DEMAND_FLEX" => Some(ServiceTier::Flex),
        "ON_DEMAND_PRIORITY" => Some(ServiceTier::Priority),
        _ => None,
    })
}

/// Google's word for a class of service given, from any provider's; `None` for one it does not have.
pub fn tier_word(tier: &str) -> Option<&'static str> {
    match tier {
        "standard" | "default" | "standard_only" | "on_demand" => Some("standard"),
        "flex" => Some("flex"),
        "priority" => Some("priority"),
        _ => None,
    }
}

fn sum<const N: usize>(figures: [Option<u64>; N]) -> Option<u64> {
    figures.into_iter().flatten().reduce(u64::saturating_add)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn cached_tokens_are_taken_out_of_the_prompt_and_thoughts_stand_beside() {
        let usage = json!({
            "promptTokenCount": 100, "cachedContentTokenCount": 60, "candidatesTokenCount": 20,
            "thoughtsTokenCount": 30, "toolUsePromptTokenCount": 5, "totalTokenCount": 155,
        });
        let expected = Usage {
            input: Some(45),
            cached_read: Some(60),
            output: Some(20),
            reasoning: Some(30),
            ..Usage::UNREPORTED
        };
        assert_eq!(from_wire(&usage), Some(expected));
    }

    #[test]
    fn sound_and_pictures_are_classes_of_their_own() {
        let usage = json!({
            "prompt_token_count": 300, "candidates_token_count": 1300, "total_token_count": 1600,
            "cached_content_token_count": 50,
            "prompt_tokens_details": [
                {"modality": "TEXT", "token_count": 10}, {"modality": "AUDIO", "token_count": 32},
                {"modality": "IMAGE", "token_count": 258},
            ],
            "cache_tokens_details": [{"modality": "IMAGE", "token_count": 50}],
            "candidatesTokensDetails": [{"modality": "IMAGE", "tokenCount": 1290}],
        });
        let found = from_wire(&usage).unwrap();
        assert_eq!((found.input, found.audio_input, found.image_input), (Some(10), Some(32), Some(208)));
        assert_eq!((found.output, found.image_output), (Some(10), Some(1290)));
        assert_eq!((found.total_input(), found.total_output()), (Some(300), Some(1300)));
    }

    #[test]
    fn none_is_not_zero() {
        for nothing in [json!(null), json!({}), json!({"trafficType": "ON_DEMAND"})] {
            assert_eq!(from_wire(&nothing), None);
        }
        let blocked = from_wire(&json!({"promptTokenCount": 7, "totalTokenCount": 7})).unwrap();
        assert_eq!((blocked.input, blocked.output, blocked.cached_read), (Some(7), Some(0), None));
        let partial = from_wire(&json!({"promptTokenCount": 7})).unwrap();
        assert_eq!((partial.input, partial.output), (Some(7), None));
    }

    #[test]
    fn searches_are_counted_by_query() {
        let answer = json!({"candidates": [{"groundingMetadata": {"webSearchQueries": ["a", "b"]}}]});
        assert_eq!(searches(&answer), Some(2));
        assert_eq!(searches(&json!({"candidates": [{"groundingMetadata": {}}]})), None);
    }

    proptest! {
        #[test]
        fn classes_sum_to_the_reported_totals(
            prompt in 0_u64..1000, candidates in 0_u64..1000, thoughts in proptest::option::of(0_u64..1000),
            cached in proptest::option::of(0_u64..2000), details in proptest::array::uniform4(0_u64..1000),
        ) {
            let [heard, seen, spoken, drawn] = details;
            let usage = from_wire(&json!({
                "promptTokenCount": prompt, "candidatesTokenCount": candidates, "thoughtsTokenCount": thoughts,
                "cachedContentTokenCount": cached,
                "promptTokensDetails": [{"modality": "AUDIO", "tokenCount": heard}, {"modality": "IMAGE", "tokenCount": seen}],
                "candidatesTokensDetails": [{"modality": "AUDIO", "tokenCount": spoken}, {"modality": "IMAGE", "tokenCount": drawn}],
            })).unwrap();
            prop_assert_eq!(usage.total_input(), Some(prompt));
            prop_assert_eq!(usage.total_output(), Some(candidates + thoughts.unwrap_or(0)));
        }

        #[test]
        fn what_is_written_is_read_as_the_same(
            classes in proptest::array::uniform4(0_u64..1000), media in proptest::array::uniform4(proptest::option::of(0_u64..1000)),
        ) {
            let usage = Usage {
                input: Some(classes[0]), cached_read: Some(classes[1]), output: Some(classes[2]), reasoning: Some(classes[3]),
                audio_input: media[0], image_input: media[1], audio_output: media[2], image_output: media[3],
                ..Usage::UNREPORTED
            };
            prop_assert_eq!(from_wire(&to_wire(&usage)), Some(usage));
        }
    }
}
