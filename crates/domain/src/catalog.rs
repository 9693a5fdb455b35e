//! What is publicly known of models: prices, limits, abilities, dates, and who says so.
//!
//! A figure without a source is left out. Where sources differ, one is used and all are kept, so
//! that a person can look. Where the figures come from is `catalog`'s business.

mod date;
mod set;

use std::sync::Arc;

use serde::{Deserialize, Serialize};

pub use self::date::{Date, ParseDateError};
pub use self::set::{Member, Set};
use crate::price::Tariff;

/// A model as one kind of provider offers it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CatalogModel {
    /// The id of the provider's record, e.g. `openai`.
    pub kind: Arc<str>,
    /// The provider's own id of the model; unique within the kind.
    pub id: Box<str>,
    /// The name for a person.
    pub name: Box<str>,
    /// Who made the model, whoever serves it.
    pub maker: Arc<str>,
    /// The line of models that it belongs to, e.g. `claude-sonnet`.
    pub family: Option<Arc<str>>,
    /// What it is called for.
    pub mode: Mode,
    /// What it costs; `None` when no source says, or sources are too far apart.
    pub tariff: Option<Tariff>,
    /// The most tokens of input and output together, or of input alone where only that is known.
    pub context_tokens: Option<u64>,
    /// The most tokens of one answer.
    pub max_output_tokens: Option<u64>,
    /// What it takes in.
    pub input: Set<Modality>,
    /// What it gives out.
    pub output: Set<Modality>,
    /// What it can do, as far as a source says so.
    pub features: Set<Feature>,
    /// Until when its training data reaches.
    pub knowledge: Option<Date>,
    /// When it was published.
    pub released: Option<Date>,
    /// When the provider stops serving it.
    pub shuts_down: Option<Date>,
    /// Whether it is meant for use.
    pub status: Status,
    /// The id, at the same kind of provider, that its provider names as its successor.
    pub replacement: Option<Box<str>>,
    /// Whether its weights are public.
    pub open_weights: Option<bool>,
    /// The page that the price was read from.
    pub page: Option<Arc<str>>,
    /// What a person should know, as sentences.
    pub notes: Vec<Arc<str>>,
    /// Public measures of quality.
    pub quality: Vec<Quality>,
    /// Who says what.
    pub provenance: Vec<Provenance>,
    /// Figures on which sources differ.
    pub disagreements: Vec<Disagreement>,
}

/// A model in a provider's own list, as far as that tells.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListedModel {
    /// The provider's own id of it.
    pub id: String,
    /// The name for a person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The most tokens of input and output together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub context_tokens: Option<u64>,
    /// The most tokens of one answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_output_tokens: Option<u64>,
}

/// What a model is called for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// Conversations.
    Chat,
    /// Continuing a text.
    Completion,
    /// Vectors of texts.
    Embedding,
    /// Making images.
    Image,
    /// Reading aloud.
    Speech,
    /// Writing down what was said.
    Transcription,
    /// Finding what should not be said.
    Moderation,
    /// Ordering documents by how well they answer.
    Rerank,
}

/// A kind of content.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Modality {
    /// Text.
    Text,
    /// Images.
    Image,
    /// Sound.
    Audio,
    /// Moving images.
    Video,
    /// PDF files.
    Pdf,
}

/// Something a model can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Feature {
    /// Calls tools.
    Tools,
    /// Calls several tools at once.
    ParallelTools,
    /// Can be told which tool to call.
    ToolChoice,
    /// Keeps to a JSON schema.
    StructuredOutput,
    /// Thinks before it answers.
    Reasoning,
    /// Charges less for input it has seen before.
    PromptCaching,
    /// Searches the web.
    WebSearch,
    /// Steers a computer by its screen.
    ComputerUse,
    /// Goes on from the beginning of an answer.
    AssistantPrefill,
    /// Has a price for batches.
    Batch,
    /// Has a price for calls that may wait.
    Flex,
    /// Has a price for calls that go first.
    Priority,
}

/// Whether a model is meant for use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// It is.
    #[default]
    Current,
    /// It may change or go at short notice.
    Preview,
    /// Its provider asks to use another one.
    Deprecated,
}

/// What a source can state about a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Figure {
    /// The display name.
    Name,
    /// The tariff.
    Price,
    /// The context size.
    Context,
    /// The bound of one answer.
    MaxOutput,
    /// Input and output modalities.
    Modalities,
    /// Abilities.
    Features,
    /// The end of the training data.
    Knowledge,
    /// The day it was published.
    Released,
    /// The day it goes away.
    ShutsDown,
    /// Its successor.
    Replacement,
    /// Whether its weights are public.
    OpenWeights,
    /// Whether it is meant for use.
    Status,
}

/// Who states a figure.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Provenance {
    /// The figure.
    pub figure: Figure,
    /// The id of the source.
    pub source: Arc<str>,
    /// The date of that statement.
    pub date: Date,
}

/// A figure on which sources differ.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Disagreement {
    /// The figure, with its part where it has several: `context`, `price.input`.
    pub figure: Arc<str>,
    /// What each source says; the first is in use.
    pub values: Vec<Statement>,
}

/// What one source says.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Statement {
    /// The id of the source.
    pub source: Arc<str>,
    /// The date of the statement.
    pub date: Date,
    /// The value: tokens, a date, or US dollars per million.
    pub value: Box<str>,
}

/// A public measure of quality, as its source names it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Quality {
    /// What was measured.
    pub name: Box<str>,
    /// The result, in the source's own unit.
    pub value: Box<str>,
    /// Who measured.
    pub source: Box<str>,
    /// When.
    pub date: Date,
    /// Where it is published.
    pub url: Box<str>,
}

/// Where figures come from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Source {
    /// The stable id, e.g. `litellm`.
    pub id: Arc<str>,
    /// The name for a person.
    pub name: String,
    /// Which edition was read.
    pub version: String,
    /// The date of that edition.
    pub date: Date,
    /// Under which licence it is published.
    pub licence: String,
    /// Where it is published.
    pub url: String,
    /// The SHA-256 of what was read, in hexadecimal.
    pub sha256: String,
}

impl CatalogModel {
    /// True when the provider has stopped serving it by `today`.
    pub fn is_gone(&self, today: Date) -> bool {
        self.shuts_down.is_some_and(|date| date.is_over_on(today))
    }

    /// Whether it thinks before it answers; nothing is said of models of which no ability is known.
    pub fn can_reason(&self) -> Option<bool> {
        let is_known = self.mode == Mode::Chat && !self.features.abilities().is_empty();
        is_known.then(|| self.features.contains(Feature::Reasoning))
    }

    /// True when this model takes, gives and does all that the other one does, in as much context.
    pub fn can_stand_in_for(&self, other: &Self) -> bool {
        self.mode == other.mode
            && self.input.holds_all_of(other.input)
            && self.output.holds_all_of(other.output)
            && self.features.abilities().holds_all_of(other.features.abilities())
            && self.context_tokens >= other.context_tokens
    }
}

impl Set<Feature> {
    /// What the model can do, without the ways to pay for it.
    #[must_use]
    pub fn abilities(self) -> Self {
        self.iter().filter(|feature| !feature.is_offer()).collect()
    }
}

impl Feature {
    /// True for a way to pay, which says nothing about the model.
    const fn is_offer(self) -> bool {
        matches!(self, Self::PromptCaching | Self::Batch | Self::Flex | Self::Priority)
    }
}

impl Mode {
    /// Every mode.
    pub const ALL: &[Self] = &[
        Self::Chat,
        Self::Completion,
        Self::Embedding,
        Self::Image,
        Self::Speech,
        Self::Transcription,
        Self::Moderation,
        Self::Rerank,
    ];

    /// The stable name, as stored and as sent.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Chat => "chat",
            Self::Completion => "completion",
            Self::Embedding => "embedding",
            Self::Image => "image",
            Self::Speech => "speech",
            Self::Transcription => "transcription",
            Self::Moderation => "moderation",
            Self::Rerank => "rerank",
        }
    }
}

impl Member for Modality {
    const ALL: &'static [Self] = &[Self::Text, Self::Image, Self::Audio, Self::Video, Self::Pdf];

    fn as_str(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Image => "image",
            Self::Audio => "audio",
            Self::Video => "video",
            Self::Pdf => "pdf",
        }
    }
}

impl Member for Feature {
    const ALL: &'static [Self] = &[
        Self::Tools,
        Self::ParallelTools,
        Self::ToolChoice,
        Self::StructuredOutput,
        Self::Reasoning,
        Self::PromptCaching,
        Self::WebSearch,
        Self::ComputerUse,
        Self::AssistantPrefill,
        Self::Batch,
        Self::Flex,
        Self::Priority,
    ];

    fn as_str(self) -> &'static str {
        match self {
            Self::Tools => "tools",
            Self::ParallelTools => "parallel_tools",
            Self::ToolChoice => "tool_choice",
            Self::StructuredOutput => "structured_output",
            Self::Reasoning => "reasoning",
            Self::PromptCaching => "prompt_caching",
            Self::WebSearch => "web_search",
            Self::ComputerUse => "computer_use",
            Self::AssistantPrefill => "assistant_prefill",
            Self::Batch => "batch",
            Self::Flex => "flex",
            Self::Priority => "priority",
        }
    }
}

impl Figure {
    /// The stable name, as stored and as sent.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::Price => "price",
            Self::Context => "context",
            Self::MaxOutput => "max_output",
            Self::Modalities => "modalities",
            Self::Features => "features",
            Self::Knowledge => "knowledge",
            Self::Released => "released",
            Self::ShutsDown => "shuts_down",
            Self::Replacement => "replacement",
            Self::OpenWeights => "open_weights",
            Self::Status => "status",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets_are_lists_of_names_that_pass_over_unknown_ones() {
        let set: Set<Modality> = [Modality::Pdf, Modality::Text].into_iter().collect();
        assert_eq!(serde_json::to_string(&set).unwrap(), r#"["text","pdf"]"#);
        assert_eq!(serde_json::from_str::<Set<Modality>>(r#"["pdf","smell","text"]"#).unwrap(), set);
        assert!(set.contains(Modality::Pdf) && !set.contains(Modality::Audio) && !set.is_empty());
        assert!(set.with([Modality::Audio].into_iter().collect()).holds_all_of(set));
    }

    #[test]
    fn every_member_has_a_name_and_a_bit_of_its_own() {
        fn check<T: Member>() {
            let all: Set<T> = T::ALL.iter().copied().collect();
            assert_eq!(all.iter().count(), T::ALL.len());
            let names: std::collections::HashSet<_> = T::ALL.iter().map(|member| member.as_str()).collect();
            assert_eq!(names.len(), T::ALL.len());
        }
        check::<Modality>();
        check::<Feature>();
    }

    #[test]
    fn stable_names_are_those_that_are_stored() {
        for mode in Mode::ALL {
            assert_eq!(serde_json::to_string(mode).unwrap(), format!("\"{}\"", mode.as_str()));
        }
        for feature in Feature::ALL {
            assert_eq!(serde_json::to_string(feature).unwrap(), format!("\"{}\"", feature.as_str()));
        }
        assert_eq!(serde_json::to_string(&Figure::ShutsDown).unwrap(), "\"shuts_down\"");
    }
}
