//! Reads LiteLLM's price map (`model_prices_and_context_window.json`, MIT).
//!
//! The map has one flat object a model. Its prices are JSON numbers for one token, whose names say
//! threshold and class of service by their endings: `input_cost_per_token_above_200k_tokens_priority`.
//! The form was read from the edition of PyPI's litellm 1.109.1 on 2026-11-22.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};

use megarouter_domain::catalog::{Feature, Member, Modality, Mode, Set, Source};
use megarouter_domain::money::NanoUsdPerMillion;
use megarouter_domain::price::{Rates, Tariff, Tier};
use megarouter_domain::usage::ServiceTier;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use crate::decimal::{self, Per, ReadPriceError};
use crate::kinds;
use crate::reading::{Edition, Key, ReadError, Reading, text, tokens};

/// The id of this source.
pub const ID: &str = "litellm";
/// Where the current edition is.
pub const URL: &str = "https://raw.githubusercontent.com/BerriAI/litellm/main/model_prices_and_context_window.json";

/// Input above which prices change, as names say it and in tokens. Longer ones first, so that
/// `above_272k` is not taken for another.
const THRESHOLDS: &[(&str, u64)] = &[
    ("_above_32k_tokens", 32_000),
    ("_above_100k_tokens", 100_000),
    ("_above_128k_tokens", 128_000),
    ("_above_200k_tokens", 200_000),
    ("_above_256k_tokens", 256_000),
    ("_above_272k_tokens", 272_000),
    ("_above_512k_tokens", 512_000),
];

const SERVICES: &[(&str, ServiceTier)] =
    &[("_batches", ServiceTier::Batch), ("_flex", ServiceTier::Flex), ("_priority", ServiceTier::Priority)];

const FEATURES: &[(&str, Feature)] = &[
    ("supports_function_calling", Feature::Tools),
    ("supports_parallel_function_calling", Feature::ParallelTools),
    ("supports_tool_choice", Feature::ToolChoice),
    ("supports_response_schema", Feature::StructuredOutput),
    ("supports_native_structured_output", Feature::StructuredOutput),
    ("supports_reasoning", Feature::Reasoning),
    ("supports_prompt_caching", Feature::PromptCaching),
    ("supports_web_search", Feature::WebSearch),
    ("supports_computer_use", Feature::ComputerUse),
    ("supports_assistant_prefill", Feature::AssistantPrefill),
];

const INPUTS: &[(&str, Modality)] = &[
    ("supports_vision", Modality::Image),
    ("supports_image_input", Modality::Image),
    ("supports_audio_input", Modality::Audio),
    ("supports_video_input", Modality::Video),
    ("supports_pdf_input", Modality::Pdf),
];

/// Fields by name, unread.
type Fields<'a> = HashMap<Cow<'a, str>, &'a RawValue>;

/// One entry, or an object inside of one.
struct Entry<'a>(Fields<'a>);

/// Reads an edition.
///
/// # Errors
/// When it is not a JSON object of entries. An entry that cannot be read is left out and noted.
pub fn read(json: &str, source: Source) -> Result<Edition, ReadError> {
    let entries: BTreeMap<Cow<'_, str>, &RawValue> =
        serde_json::from_str(json).map_err(|error| ReadError::Malformed { source_id: source.id.to_string(), error })?;
    let (mut found, mut unreadable) = (BTreeMap::<Key, (usize, Reading)>::new(), Vec::new());
    for (key, raw) in &entries {
        match read_entry(key, raw) {
            Ok(Some((rank, kind, id, reading))) => {
                let place = found.entry((kind, id.to_owned()));
                let place = place.or_insert_with(|| (usize::MAX, Reading::default()));
                if rank < place.0 {
                    *place = (rank, reading);
                }
            }
            Ok(None) => {}
            Err(reason) => unreadable.push(format!("{key}: {reason}")),
        }
    }
    let readings = found.into_iter().map(|(key, (_, reading))| (key, reading)).collect();
    Ok(Edition { source, readings, unreadable })
}

type Read<'a> = Option<(usize, &'static str, &'a str, Reading)>;

fn read_entry<'a>(key: &'a str, raw: &RawValue) -> Result<Read<'a>, String> {
    let Ok(fields) = serde_json::from_str::<Fields<'_>>(raw.get()) else {
        return Err("it is not an object".to_owned());
    };
    let entry = Entry(fields);
    let provider = entry.text("litellm_provider").unwrap_or_default();
    let Some((rank, kind, id)) = kinds::of_litellm(&provider, key) else { return Ok(None) };
    let Some(mode) = entry.text("mode").as_deref().and_then(mode) else { return Ok(None) };
    let tariff = entry.tariff(mode).map_err(|error| error.to_string())?;
    let is_said = entry.0.contains_key("input_cost_per_token");
    let mut features = entry.flags(FEATURES);
    features = features.with(offers(&tariff));
    let notes = entry.off_peak_note().into_iter().collect();
    Ok(Some((
        rank,
        kind,
        id,
        Reading {
            mode: Some(mode),
            context_tokens: None,
            input_tokens: tokens(entry.count("max_input_tokens")),
            max_output_tokens: tokens(entry.count("max_output_tokens")),
            input: entry.modalities("supported_modalities").with(entry.flags(INPUTS)),
            output: entry.modalities("supported_output_modalities"),
            features,
            shuts_down: entry.text("deprecation_date").and_then(|date| date.parse().ok()),
            page: text(entry.text("source").as_deref()).filter(|page| page.starts_with("https://")),
            tariff: Some(tariff).filter(|tariff| is_said || *tariff != Tariff::default()),
            notes,
            ..Reading::default()
        },
    )))
}

fn mode(name: &str) -> Option<Mode> {
    Some(match name {
        "chat" | "responses" => Mode::Chat,
        "completion" => Mode::Completion,
        "embedding" => Mode::Embedding,
        "image_generation" | "image_edit" => Mode::Image,
        "audio_speech" => Mode::Speech,
        "audio_transcription" => Mode::Transcription,
        "moderation" => Mode::Moderation,
        "rerank" => Mode::Rerank,
        // Live sessions, videos, searches and the like are not called through this program.
        _ => return None,
    })
}

/// The ways to pay that a tariff offers.
fn offers(tariff: &Tariff) -> Set<Feature> {
    let services = tariff.tiers.iter().filter_map(|tier| tier.service);
    services
        .map(|service| match service {
            ServiceTier::Batch => Feature::Batch,
            ServiceTier::Flex => Feature::Flex,
            ServiceTier::Priority => Feature::Priority,
        })
        .collect()
}

impl Entry<'_> {
    fn tariff(&self, mode: Mode) -> Result<Tariff, ReadPriceError> {
        let mut standard = self.rates("", None)?.0;
        self.add_units(&mut standard, mode)?;
        let mut tariff = Tariff::of(standard);
        let ranges = self.nested::<Vec<Fields<'_>>>("tiered_pricing");
        if let Some(ranges) = ranges.filter(|ranges| !ranges.is_empty()) {
            return by_range(ranges, standard);
        }
        let services = SERVICES.iter().map(|(ending, service)| (*ending, Some(*service)));
        for (ending, service) in [("", None)].into_iter().chain(services) {
            let thresholds = THRESHOLDS.iter().map(|(name, tokens)| (*name, Some(*tokens)));
            for (threshold, above_input_tokens) in [("", None)].into_iter().chain(thresholds) {
                if service.is_none() && above_input_tokens.is_none() {
                    continue;
                }
                let (rates, is_said) = self.rates(&format!("{threshold}{ending}"), Some(&standard))?;
                if is_said {
                    tariff.tiers.push(Tier { service, above_input_tokens, rates });
                }
            }
        }
        Ok(tariff)
    }

    /// The rates whose names have this ending, and whether any of input and output is stated. A class
    /// that is not stated costs what it does in `base`.
    fn rates(&self, ending: &str, base: Option<&Rates>) -> Result<(Rates, bool), ReadPriceError> {
        let base = base.copied().unwrap_or_default();
        let of = |name: &str| self.price(&format!("{name}{ending}"), Per::One);
        let (input, output) = (of("input_cost_per_token")?, of("output_cost_per_token")?);
        let rates = Rates {
            input: input.unwrap_or(base.input),
            output: output.unwrap_or(base.output),
            cached_read: of("cache_read_input_token_cost")?.or(base.cached_read),
            // A zero stands for "writing is not charged for on top": it is input all the same.
            cache_write: of("cache_creation_input_token_cost")?.filter(|rate| rate.0 != 0).or(base.cache_write),
            cache_write_1h: self.hour_in_cache(ending)?.or(base.cache_write_1h),
            reasoning: of("output_cost_per_reasoning_token")?.or(base.reasoning),
            audio_input: of("input_cost_per_audio_token")?.or(base.audio_input),
            audio_output: of("output_cost_per_audio_token")?.or(base.audio_output),
            image_input: of("input_cost_per_image_token")?.or(base.image_input),
            image_output: of("output_cost_per_image_token")?.or(base.image_output),
            ..base
        };
        Ok((rates, input.is_some() || output.is_some()))
    }

    fn hour_in_cache(&self, ending: &str) -> Result<Option<NanoUsdPerMillion>, ReadPriceError> {
        let rate = self.price(&format!("cache_creation_input_token_cost_above_1hr{ending}"), Per::One)?;
        Ok(rate.filter(|rate| rate.0 != 0))
    }

    /// Rates of what is not counted in tokens.
    fn add_units(&self, rates: &mut Rates, mode: Mode) -> Result<(), ReadPriceError> {
        let has_tokens = rates.input.0 != 0 || rates.output.0 != 0;
        match mode {
            Mode::Image => {
                let image = self.price("output_cost_per_image", Per::One)?;
                rates.image = image.map_or_else(|| self.price("input_cost_per_image", Per::One), |it| Ok(Some(it)))?;
            }
            Mode::Speech if !has_tokens => {
                rates.character = self.price("input_cost_per_character", Per::One)?;
                rates.audio_ms = self.price("output_cost_per_second", Per::Second)?.filter(|rate| rate.0 != 0);
            }
            // With a price per token the one per second is an estimate of the same money.
            Mode::Transcription if !has_tokens => rates.audio_ms = self.price("input_cost_per_second", Per::Second)?,
            Mode::Rerank => rates.search = self.price("input_cost_per_query", Per::One)?,
            Mode::Chat | Mode::Completion => {
                rates.search = self.search()?;
                rates.request = self.price("input_cost_per_request", Per::One)?;
            }
            Mode::Speech | Mode::Transcription | Mode::Embedding | Mode::Moderation => {}
        }
        Ok(())
    }

    /// The price of one search of the web; of several sizes, the one that is used unless asked otherwise.
    fn search(&self) -> Result<Option<NanoUsdPerMillion>, ReadPriceError> {
        let Some(sizes) = self.nested("search_context_cost_per_query").map(Entry) else { return Ok(None) };
        let medium = sizes.price("search_context_size_medium", Per::One)?;
        medium.map_or_else(|| sizes.price("search_context_size_low", Per::One), |price| Ok(Some(price)))
    }

    fn off_peak_note(&self) -> Option<String> {
        let off_peak = Entry(self.nested("off_peak_pricing")?);
        let of = |name: &str| off_peak.price(name, Per::One).ok().flatten();
        let (input, output) = (of("input_cost_per_token")?, of("output_cost_per_token")?);
        Some(format!(
            "At set hours the provider charges less: {} in and {} out, in US dollars per million tokens. The price here \
             is the full one.",
            input.to_usd(),
            output.to_usd()
        ))
    }

    fn modalities(&self, name: &str) -> Set<Modality> {
        self.get(name).unwrap_or_default()
    }

    fn flags<T: Member>(&self, names: &[(&str, T)]) -> Set<T> {
        let set = names.iter().filter(|(name, _)| self.get::<bool>(name) == Some(true));
        set.map(|(_, member)| *member).collect()
    }

    fn price(&self, name: &str, per: Per) -> Result<Option<NanoUsdPerMillion>, ReadPriceError> {
        let raw = self.0.get(name).map(|raw| raw.get()).filter(|text| *text != "null");
        raw.map(|text| decimal::read(text, per)).transpose()
    }

    /// A count, also where it is written with a fraction of zero.
    fn count(&self, name: &str) -> Option<u64> {
        let text = self.0.get(name)?.get();
        let text = text.trim_matches('"');
        text.strip_suffix(".0").unwrap_or(text).parse().ok()
    }

    fn text(&self, name: &str) -> Option<String> {
        self.get(name)
    }

    fn get<T: DeserializeOwned>(&self, name: &str) -> Option<T> {
        serde_json::from_str(self.0.get(name)?.get()).ok()
    }

    fn nested<'b, T: Deserialize<'b>>(&'b self, name: &str) -> Option<T> {
        serde_json::from_str(self.0.get(name)?.get()).ok()
    }
}

/// Prices by ranges of input, as Alibaba has them; the first range is the standard.
fn by_range(ranges: Vec<Fields<'_>>, standard: Rates) -> Result<Tariff, ReadPriceError> {
    let mut tariff = Tariff::of(standard);
    for range in ranges.into_iter().map(Entry) {
        let from = range.get::<[f64; 2]>("range").map_or(0, |[from, _]| whole(from));
        let (rates, is_said) = range.rates("", Some(&standard))?;
        match from {
            _ if !is_said => {}
            0 => tariff.rates = rates,
            above => tariff.tiers.push(Tier { service: None, above_input_tokens: Some(above), rates }),
        }
    }
    Ok(tariff)
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a bound of tokens, checked to fit")]
fn whole(bound: f64) -> u64 {
    if (0.0..1e9).contains(&bound) { bound as u64 } else { 0 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::source;

    fn readings(json: &serde_json::Value) -> Edition {
        read(&json.to_string(), source(ID)).unwrap()
    }

    fn one(entry: &serde_json::Value) -> Reading {
        let edition = readings(&serde_json::json!({ "m": entry }));
        assert_eq!(edition.unreadable, Vec::<String>::new());
        edition.readings.into_values().next().unwrap()
    }

    fn usd(rate: Option<NanoUsdPerMillion>) -> Option<String> {
        rate.map(NanoUsdPerMillion::to_usd)
    }

    #[test]
    fn prices_are_exact_and_tiers_keep_what_they_do_not_state() {
        let reading = one(&serde_json::from_str(
            r#"{"litellm_provider": "openai", "mode": "chat", "input_cost_per_token": 4e-06, "output_cost_per_token": 2e-05,
                "cache_read_input_token_cost": 4e-07, "input_cost_per_token_above_272k_tokens": 8e-06,
                "output_cost_per_token_above_272k_tokens": 3e-05, "input_cost_per_token_batches": 2e-06,
                "input_cost_per_token_above_272k_tokens_priority": 1.6e-05, "max_input_tokens": 922000,
                "search_context_cost_per_query": {"search_context_size_medium": 0.01}, "supports_tool_choice": true,
                "supports_vision": true, "deprecation_date": "2027-04-01"}"#,
        ).unwrap());
        let tariff = reading.tariff.unwrap();
        assert_eq!((tariff.rates.input.to_usd(), tariff.rates.output.to_usd()), ("4".into(), "20".into()));
        assert_eq!(
            (usd(tariff.rates.cached_read), usd(tariff.rates.search)),
            (Some("0.4".into()), Some("10000".into()))
        );
        let tiers: Vec<_> = tariff
            .tiers
            .iter()
            .map(|tier| (tier.service, tier.above_input_tokens, tier.rates.input.to_usd(), tier.rates.output.to_usd()))
            .collect();
        let (batch, priority) = (Some(ServiceTier::Batch), Some(ServiceTier::Priority));
        assert_eq!(
            tiers,
            [
                (None, Some(272_000), "8".to_owned(), "30".to_owned()),
                (batch, None, "2".to_owned(), "20".to_owned()),
                (priority, Some(272_000), "16".to_owned(), "20".to_owned()),
            ]
        );
        assert_eq!(usd(tariff.tiers[1].rates.cached_read), Some("0.4".to_owned()));
        assert!(reading.features.contains(Feature::Batch) && reading.features.contains(Feature::ToolChoice));
        assert_eq!(
            (reading.input_tokens, reading.shuts_down.map(|date| date.to_string())),
            (Some(922_000), Some("2027-04-01".to_owned()))
        );
        assert!(
            reading.input.contains(Modality::Image),
            "{:?}",
            reading.input.iter().map(Modality::as_str).collect::<Vec<_>>()
        );
    }

    #[test]
    fn what_is_not_counted_in_tokens_has_a_price_of_its_own() {
        let entry = |mode: &str, name: &str, price: f64| {
            let entry = serde_json::json!({"litellm_provider": "openai", "mode": mode, name: price});
            one(&entry).tariff.map(|tariff| tariff.rates)
        };
        let image = entry("image_generation", "output_cost_per_image", 0.04).unwrap();
        assert_eq!(usd(image.image), Some("40000".to_owned()));
        let heard = entry("audio_transcription", "input_cost_per_second", 0.0001).unwrap();
        assert_eq!(usd(heard.audio_ms), Some("0.1".to_owned()));
        let spoken = entry("audio_speech", "input_cost_per_character", 0.000_015).unwrap();
        assert_eq!(usd(spoken.character), Some("15".to_owned()));
        let ordered = entry("rerank", "input_cost_per_query", 0.002).unwrap();
        assert_eq!(usd(ordered.search), Some("2000".to_owned()));
    }

    #[test]
    fn a_price_that_cannot_be_is_refused_and_the_rest_is_read() {
        let edition = readings(&serde_json::json!({
            "good": {"litellm_provider": "openai", "mode": "chat", "input_cost_per_token": 1e-6},
            "negative": {"litellm_provider": "openai", "mode": "chat", "input_cost_per_token": -1e-6},
            "absurd": {"litellm_provider": "openai", "mode": "chat", "input_cost_per_token": 5},
            "video": {"litellm_provider": "openai", "mode": "video_generation"},
            "elsewhere": {"litellm_provider": "somebody", "mode": "chat"},
            "broken": [1],
        }));
        assert_eq!(edition.readings.keys().map(|(_, id)| id.as_str()).collect::<Vec<_>>(), ["good"]);
        assert_eq!(edition.unreadable.len(), 3, "{:?}", edition.unreadable);
        assert!(read("[]", source(ID)).is_err());
        assert!(read(r#"{"m": {"input_cost_per_token": NaN}}"#, source(ID)).is_err());
    }

    #[test]
    fn zeros_are_told_from_silence() {
        let entry = |more: &str| format!(r#"{{"litellm_provider": "openai", "mode": "chat"{more}}}"#);
        let of = |more: &str| one(&serde_json::from_str(&entry(more)).unwrap()).tariff;
        assert_eq!(of(r#", "input_cost_per_token": 0.0, "output_cost_per_token": 0"#), Some(Tariff::default()));
        assert_eq!(of(""), None);
    }

    #[test]
    fn ranges_become_tiers() {
        let reading = one(&serde_json::json!({"litellm_provider": "dashscope", "mode": "chat", "tiered_pricing": [
            {"input_cost_per_token": 5e-8, "output_cost_per_token": 4e-7, "range": [0, 256_000.0]},
            {"input_cost_per_token": 2.5e-7, "output_cost_per_token": 2e-6, "range": [256_000.0, 1e6]}]}));
        let tariff = reading.tariff.unwrap();
        assert_eq!(tariff.rates.input.to_usd(), "0.05");
        assert_eq!(
            (tariff.tiers[0].above_input_tokens, tariff.tiers[0].rates.output.to_usd()),
            (Some(256_000), "2".to_owned())
        );
    }
}
