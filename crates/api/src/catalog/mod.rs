//! What is publicly known of models, beside what this installation makes of it.

pub mod list;
pub mod refresh;
pub mod show;
pub mod status;

mod facts;
pub(crate) mod known;
mod renewal;
mod shelf;
mod view;
pub(crate) mod worth;

use megarouter_domain::id::{DeploymentId, KeyId, ModelId, ProviderId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

pub use self::renewal::{RefreshError, refresh};
pub(crate) use self::renewal::{is_catalogue_price, price_of};
pub use self::shelf::{Addresses, Shelf};

use crate::models::Price;
use crate::shape::{Cost, Rate, Tariff, Time};

/// A date as exact as its source: `2026`, `2026-05` or `2026-05-17`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(transparent)]
#[schema(value_type = String, pattern = "^[0-9]{4}(-[0-9]{2}){0,2}$", examples("2026-05-17"))]
pub struct CatalogDate(pub megarouter_domain::catalog::Date);

/// Where the catalogue in use comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum CatalogOrigin {
    /// It came with the program.
    Embedded,
    /// It was fetched from its sources.
    Refreshed,
}

/// What a model is called for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum CatalogMode {
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
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
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
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
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
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum CatalogStanding {
    /// It is.
    Current,
    /// It may change or go at short notice.
    Preview,
    /// Its provider asks to use another one.
    Deprecated,
}

/// A price at a glance: US dollars per million tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Glance {
    /// Uncached input.
    pub input: Rate,
    /// Output.
    pub output: Rate,
    /// Input read from the prompt cache.
    pub cached_read: Option<Rate>,
    /// What is charged for something that is not a token.
    pub per_unit: Option<UnitPrice>,
    /// Whether there are other prices under a condition.
    pub has_tiers: bool,
}

/// What is charged for something that is not a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct UnitPrice {
    /// What is counted.
    pub unit: Unit,
    /// US dollars for a million of them.
    pub rate: Rate,
}

/// What is counted other than tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = PricedUnit)]
pub enum Unit {
    /// Images made.
    Image,
    /// Milliseconds of audio.
    AudioMs,
    /// Characters read aloud.
    Character,
    /// Searches.
    Search,
    /// Calls.
    Request,
}

/// The catalogue, without what is past its shutdown date.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct CatalogList {
    /// The date of the newest source.
    pub date: Option<CatalogDate>,
    /// Where it comes from.
    pub origin: CatalogOrigin,
    /// How many models are left out because their provider stopped serving them.
    pub hidden: u64,
    /// How input and output are weighed where one price stands for both.
    pub blend: Blend,
    /// The models, by kind of provider and id.
    pub models: Vec<CatalogModel>,
    /// What configured providers list and the catalogue does not know: local models, new ones.
    pub unlisted: Vec<UnlistedModel>,
}

/// A model as one kind of provider offers it.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct CatalogModel {
    /// The id of the provider's kind.
    pub kind: String,
    /// The provider's own id of the model.
    pub id: String,
    /// The name for a person.
    pub name: String,
    /// Who made it.
    pub maker: String,
    /// The line of models it belongs to.
    pub family: Option<String>,
    /// What it is called for.
    pub mode: CatalogMode,
    /// What it costs; `null` when not known.
    pub price: Option<Glance>,
    /// The most tokens of its context.
    pub context: Option<u64>,
    /// The most tokens of one answer.
    pub max_output: Option<u64>,
    /// What it takes in.
    pub input: Vec<Modality>,
    /// What it gives out.
    pub output: Vec<Modality>,
    /// What it can do.
    pub features: Vec<Feature>,
    /// Until when its training data reaches.
    pub knowledge: Option<CatalogDate>,
    /// When it was published.
    pub released: Option<CatalogDate>,
    /// When its provider stops serving it.
    pub shuts_down: Option<CatalogDate>,
    /// Whether it is meant for use.
    pub status: CatalogStanding,
    /// Whether its weights are public.
    pub open_weights: Option<bool>,
    /// On how many figures the sources differ.
    pub disagreements: u64,
    /// What this installation makes of it; `null` when no configured provider is of this kind.
    pub mine: Option<Mine>,
}

/// What an installation makes of a model.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Mine {
    /// Configured providers that could serve it.
    pub providers: Vec<CouldServe>,
    /// Public models with a deployment of it.
    pub models: Vec<PublicModel>,
}

/// A configured provider that could serve a model.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct CouldServe {
    /// Its id.
    #[schema(value_type = String, format = "uuid")]
    pub id: ProviderId,
    /// Its name.
    pub name: String,
    /// Whether it listed the model when it was last asked; `null` when it never was.
    pub is_seen: Option<bool>,
}

/// A public model.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct PublicModel {
    /// Its id.
    #[schema(value_type = String, format = "uuid")]
    pub id: ModelId,
    /// Its name.
    pub name: String,
}

/// A model that a configured provider lists and the catalogue does not know.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct UnlistedModel {
    /// The provider's id.
    #[schema(value_type = String, format = "uuid")]
    pub provider_id: ProviderId,
    /// The provider's name.
    pub provider: String,
    /// The id of the provider's kind.
    pub kind: String,
    /// Whether the provider runs on one's own machine and charges nothing.
    pub is_local: bool,
    /// The provider's own id of the model.
    pub id: String,
    /// The name for a person; `null` when the list has only the id.
    pub name: Option<String>,
    /// The most tokens of its context.
    pub context: Option<u64>,
    /// The most tokens of one answer.
    pub max_output: Option<u64>,
    /// Public models with a deployment of it.
    pub models: Vec<PublicModel>,
}

/// How input and output are weighed where one price stands for both.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Blend {
    /// The share of input tokens.
    pub input_percent: u64,
    /// The share of output tokens.
    pub output_percent: u64,
    /// Whether it is that of the last 30 days here, and not the usual one.
    pub is_own: bool,
}

/// A model with everything that is known of it.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct CatalogDetail {
    /// What the list says.
    #[serde(flatten)]
    pub model: CatalogModel,
    /// Everything that is charged; `null` when not known.
    pub tariff: Option<Tariff>,
    /// The model that its provider names as its successor.
    pub replacement: Option<String>,
    /// The page that the price was read from.
    pub page: Option<String>,
    /// What a person should know, as sentences.
    pub notes: Vec<String>,
    /// Public measures of quality.
    pub quality: Vec<QualityFigure>,
    /// Who says what.
    pub provenance: Vec<FigureSource>,
    /// Figures on which the sources differ.
    pub disagreement_list: Vec<FigureDisagreement>,
    /// The deployments that serve it here.
    pub deployments: Vec<CatalogDeployment>,
    /// What was done with it here in the last 30 days; `null` when nothing serves it.
    pub last_30d: Option<CatalogUse>,
    /// How input and output are weighed.
    pub blend: Blend,
    /// One price for both, US dollars per million tokens.
    pub blended: Option<Rate>,
    /// Models that take, give and do at least as much for less, cheapest first.
    pub alternatives: Vec<Alternative>,
}

/// A public measure of quality.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct QualityFigure {
    /// What was measured.
    pub name: String,
    /// The result, in the source's own unit.
    pub value: String,
    /// Who measured.
    pub source: String,
    /// When.
    pub date: CatalogDate,
    /// Where it is published.
    pub url: String,
}

/// Who states a figure.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct FigureSource {
    /// The figure.
    pub figure: String,
    /// The id of the source.
    pub source: String,
    /// The date of the statement.
    pub date: CatalogDate,
}

/// A figure on which sources differ.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct FigureDisagreement {
    /// The figure, with its part: `context`, `price.input`.
    pub figure: String,
    /// What each source says.
    pub values: Vec<FigureValue>,
}

/// What one source says.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct FigureValue {
    /// The id of the source.
    pub source: String,
    /// The date of the statement.
    pub date: CatalogDate,
    /// Tokens, a date, or US dollars per million.
    pub value: String,
    /// Whether it is the one in use.
    pub is_used: bool,
}

/// A deployment of a model of the catalogue.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct CatalogDeployment {
    /// The public model's id.
    #[schema(value_type = String, format = "uuid")]
    pub model_id: ModelId,
    /// The public model's name.
    pub model: String,
    /// The deployment's id.
    #[schema(value_type = String, format = "uuid")]
    pub deployment_id: DeploymentId,
    /// The provider's id.
    #[schema(value_type = String, format = "uuid")]
    pub provider_id: ProviderId,
    /// The provider's name.
    pub provider: String,
    /// What it costs; `null` when nobody said.
    pub price: Option<Price>,
    /// Whether the price is the catalogue's, and changes with it.
    pub is_catalogue_price: bool,
}

/// What was done with a model in the last 30 days.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct CatalogUse {
    /// Requests it answered or failed.
    pub requests: u64,
    /// What they cost.
    pub cost: Cost,
    /// Half of the completed ones were faster than this, in microseconds.
    pub p50_us: Option<u64>,
    /// 95 of 100 completed ones were faster than this, in microseconds.
    pub p95_us: Option<u64>,
    /// Who asked, dearest first.
    pub keys: Vec<KeyUse>,
}

/// What a key did with a model.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct KeyUse {
    /// The key's id.
    #[schema(value_type = String, format = "uuid")]
    pub key_id: KeyId,
    /// The key's name.
    pub name: String,
    /// Requests that came with it.
    pub requests: u64,
    /// What they cost.
    pub cost: Cost,
}

/// A model that does at least as much for less.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Alternative {
    /// The id of the provider's kind.
    pub kind: String,
    /// The provider's own id of the model.
    pub id: String,
    /// The name for a person.
    pub name: String,
    /// Who made it.
    pub maker: String,
    /// One price for input and output, US dollars per million tokens.
    pub blended: Rate,
    /// How much less that is, in percent.
    pub saving_percent: u64,
    /// Whether a configured provider is of this kind.
    pub mine: bool,
}

/// How the catalogue is doing.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct CatalogStatus {
    /// Where the one in use comes from.
    pub origin: CatalogOrigin,
    /// The date of its newest source.
    pub date: Option<CatalogDate>,
    /// Models that are still served.
    pub models: u64,
    /// Makers of models.
    pub makers: u64,
    /// Kinds of providers with models.
    pub kinds: u64,
    /// Models on which the sources differ.
    pub disagreements: u64,
    /// Models past their shutdown date.
    pub hidden: u64,
    /// What it was made of.
    pub sources: Vec<CatalogSource>,
    /// Whether it is refreshed once a day; `null` when nobody was asked.
    pub refresh: Option<bool>,
    /// Whether it is being refreshed.
    pub is_running: bool,
    /// When a refresh was last tried.
    pub last_attempt: Option<Time>,
    /// When a refresh last succeeded.
    pub last_success: Option<Time>,
    /// Why the last one failed.
    pub last_error: Option<String>,
    /// When the next one is due.
    pub next_attempt: Option<Time>,
    /// How many prices the last refresh changed.
    pub prices_changed: u64,
    /// How many it did not, because they would have changed tenfold or more.
    pub prices_held_back: u64,
}

/// A source of the catalogue.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct CatalogSource {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Which edition was read.
    pub version: String,
    /// The date of that edition.
    pub date: CatalogDate,
    /// Under which licence it is published.
    pub licence: String,
    /// Where.
    pub url: String,
    /// The SHA-256 of what was read.
    pub sha256: String,
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    /// Two crates that must not know each other use the same ids.
    #[test]
    fn every_kind_of_the_catalogue_is_a_provider_that_can_be_configured() {
        let kinds: BTreeSet<_> = megarouter_catalog::kinds::all().collect();
        let unknown: Vec<_> = kinds.iter().filter(|kind| megarouter_providers::catalog::kind(kind).is_none()).collect();
        assert_eq!(unknown, Vec::<&&str>::new());
    }
}
