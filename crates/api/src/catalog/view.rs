//! The catalogue's domain types as answers show them.

use megarouter_domain::catalog as known;
use megarouter_domain::price::{Rates, Tariff};

use super::{
    CatalogDate, CatalogMode, CatalogModel, CatalogSource, CatalogStanding, Feature, FigureDisagreement, FigureSource,
    FigureValue, Glance, Mine, Modality, QualityFigure, Unit, UnitPrice,
};
use crate::shape::Rate;

impl CatalogModel {
    /// A model with what an installation makes of it.
    pub(super) fn of(model: &known::CatalogModel, mine: Option<Mine>) -> Self {
        Self {
            kind: model.kind.to_string(),
            id: model.id.to_string(),
            name: model.name.to_string(),
            maker: model.maker.to_string(),
            family: model.family.as_deref().map(str::to_owned),
            mode: model.mode.into(),
            price: model.tariff.as_ref().map(Glance::from),
            context: model.context_tokens,
            max_output: model.max_output_tokens,
            input: model.input.iter().map(Modality::from).collect(),
            output: model.output.iter().map(Modality::from).collect(),
            features: model.features.iter().map(Feature::from).collect(),
            knowledge: model.knowledge.map(CatalogDate),
            released: model.released.map(CatalogDate),
            shuts_down: model.shuts_down.map(CatalogDate),
            status: model.status.into(),
            open_weights: model.open_weights,
            disagreements: model.disagreements.len() as u64,
            mine,
        }
    }
}

impl From<&Tariff> for Glance {
    fn from(tariff: &Tariff) -> Self {
        let rates = &tariff.rates;
        Self {
            input: Rate(rates.input),
            output: Rate(rates.output),
            cached_read: rates.cached_read.map(Rate),
            per_unit: unit(rates),
            has_tiers: !tariff.tiers.is_empty(),
        }
    }
}

/// The unit that a price is made of, rather than one that is charged on top now and then.
fn unit(rates: &Rates) -> Option<UnitPrice> {
    let units = [
        (Unit::Image, rates.image),
        (Unit::AudioMs, rates.audio_ms),
        (Unit::Character, rates.character),
        (Unit::Search, rates.search.filter(|_| rates.input.0 == 0 && rates.output.0 == 0)),
        (Unit::Request, rates.request),
    ];
    units.into_iter().find_map(|(unit, rate)| Some(UnitPrice { unit, rate: Rate(rate?) }))
}

impl From<known::Mode> for CatalogMode {
    fn from(mode: known::Mode) -> Self {
        match mode {
            known::Mode::Chat => Self::Chat,
            known::Mode::Completion => Self::Completion,
            known::Mode::Embedding => Self::Embedding,
            known::Mode::Image => Self::Image,
            known::Mode::Speech => Self::Speech,
            known::Mode::Transcription => Self::Transcription,
            known::Mode::Moderation => Self::Moderation,
            known::Mode::Rerank => Self::Rerank,
        }
    }
}

impl From<known::Modality> for Modality {
    fn from(modality: known::Modality) -> Self {
        match modality {
            known::Modality::Text => Self::Text,
            known::Modality::Image => Self::Image,
            known::Modality::Audio => Self::Audio,
            known::Modality::Video => Self::Video,
            known::Modality::Pdf => Self::Pdf,
        }
    }
}

impl From<known::Feature> for Feature {
    fn from(feature: known::Feature) -> Self {
        match feature {
            known::Feature::Tools => Self::Tools,
            known::Feature::ParallelTools => Self::ParallelTools,
            known::Feature::ToolChoice => Self::ToolChoice,
            known::Feature::StructuredOutput => Self::StructuredOutput,
            known::Feature::Reasoning => Self::Reasoning,
            known::Feature::PromptCaching => Self::PromptCaching,
            known::Feature::WebSearch => Self::WebSearch,
            known::Feature::ComputerUse => Self::ComputerUse,
            known::Feature::AssistantPrefill => Self::AssistantPrefill,
            known::Feature::Batch => Self::Batch,
            known::Feature::Flex => Self::Flex,
            known::Feature::Priority => Self::Priority,
        }
    }
}

impl From<known::Status> for CatalogStanding {
    fn from(status: known::Status) -> Self {
        match status {
            known::Status::Current => Self::Current,
            known::Status::Preview => Self::Preview,
            known::Status::Deprecated => Self::Deprecated,
        }
    }
}

impl From<&known::Provenance> for FigureSource {
    fn from(provenance: &known::Provenance) -> Self {
        Self {
            figure: provenance.figure.as_str().to_owned(),
            source: provenance.source.to_string(),
            date: CatalogDate(provenance.date),
        }
    }
}

impl From<&known::Disagreement> for FigureDisagreement {
    fn from(disagreement: &known::Disagreement) -> Self {
        let value = |(place, said): (usize, &known::Statement)| FigureValue {
            source: said.source.to_string(),
            date: CatalogDate(said.date),
            value: said.value.to_string(),
            is_used: place == 0,
        };
        Self {
            figure: disagreement.figure.to_string(),
            values: disagreement.values.iter().enumerate().map(value).collect(),
        }
    }
}

impl From<&known::Quality> for QualityFigure {
    fn from(quality: &known::Quality) -> Self {
        Self {
            name: quality.name.to_string(),
            value: quality.value.to_string(),
            source: quality.source.to_string(),
            date: CatalogDate(quality.date),
            url: quality.url.to_string(),
        }
    }
}

impl From<&known::Source> for CatalogSource {
    fn from(source: &known::Source) -> Self {
        Self {
            id: source.id.to_string(),
            name: source.name.clone(),
            version: source.version.clone(),
            date: CatalogDate(source.date),
            licence: source.licence.clone(),
            url: source.url.clone(),
            sha256: source.sha256.clone(),
        }
    }
}
