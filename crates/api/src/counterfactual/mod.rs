//! What requests would have cost elsewhere: the same tokens at another tariff, to the billionth.

pub mod period;
pub mod request;

pub(crate) mod reprice;

use megarouter_domain::id::{KeyId, UnitId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::shape::{Amount, Cost, Time};

/// What to price again, and as what.
#[derive(Clone, Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct CounterfactualQuery {
    /// What to compare with: `asked` for the models that were asked for, or the name of a model or of a policy; left
    /// out, the baseline of the settings.
    pub baseline: Option<String>,
    /// The beginning; 30 days before the end when left out.
    pub from: Option<Time>,
    /// The end; now when left out.
    pub to: Option<Time>,
    /// Only requests charged to this unit.
    #[param(value_type = Option<String>)]
    pub unit: Option<UnitId>,
    /// Only requests with this key.
    #[param(value_type = Option<String>)]
    pub key_id: Option<KeyId>,
    /// Only requests that this public model served.
    pub model: Option<String>,
    /// Only requests served by this provider.
    pub provider: Option<String>,
    /// Only requests with this tag, as `name=value`.
    pub tag: Option<String>,
}

/// What requests cost, beside what they would have cost elsewhere.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Counterfactual {
    /// The beginning.
    pub from: Time,
    /// The end.
    pub to: Time,
    /// What they are compared with.
    pub baseline: Baseline,
    /// Requests that could be compared.
    pub requests: u64,
    /// Requests that could not: one of the prices, or the usage, is not known.
    pub unpriced: u64,
    /// What those cost.
    pub unpriced_cost: Cost,
    /// What the compared ones cost.
    pub actual: Amount,
    /// What they would have cost: the tokens that were used, at the other tariff.
    pub would: Amount,
    /// The least, by the uncertainties.
    pub would_low: Amount,
    /// The most.
    pub would_high: Amount,
    /// What was saved: `would` less `actual`; negative for a loss.
    pub saved: Amount,
    /// The least that was saved.
    pub saved_low: Amount,
    /// The most.
    pub saved_high: Amount,
    /// By the model that served, what cost most first.
    pub by_model: Vec<CounterfactualShare>,
    /// What the range comes from.
    pub uncertainties: Vec<Uncertainty>,
    /// Which of the figures are measured.
    pub measured: Vec<String>,
    /// Which are estimated, and how.
    pub estimated: Vec<String>,
}

/// What spending is compared with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Baseline {
    /// What it is.
    pub kind: BaselineKind,
    /// The name of the model or policy; `null` for the models asked for.
    pub name: Option<String>,
    /// In words, to stand behind "compared with".
    pub title: String,
}

/// What spending is compared with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum BaselineKind {
    /// The model that each request asked for.
    Asked,
    /// One model for all.
    Model,
    /// A policy's choices.
    Policy,
}

/// One serving model's part.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct CounterfactualShare {
    /// The model that served.
    pub model: String,
    /// The model it is compared with.
    pub against: String,
    /// How many requests.
    pub requests: u64,
    /// What they cost.
    pub actual: Amount,
    /// What they would have cost.
    pub would: Amount,
    /// The least.
    pub would_low: Amount,
    /// The most.
    pub would_high: Amount,
    /// What was saved; negative for a loss.
    pub saved: Amount,
}

/// Something that makes a figure a range.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Uncertainty {
    /// What it is.
    pub kind: UncertaintyKind,
    /// In words, with its size.
    pub text: String,
    /// The least factor, in thousandths.
    pub low_permille: u32,
    /// The greatest factor, in thousandths.
    pub high_permille: u32,
}

/// What makes a figure a range.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum UncertaintyKind {
    /// Another model writes longer or shorter answers.
    OutputLength,
    /// Another model counts the same text as more or fewer tokens.
    Tokenizer,
    /// The prompt cache would be as warm, or cold.
    Cache,
}

/// What was saved against the baseline of the settings.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Savings {
    /// What it is compared with.
    pub baseline: Baseline,
    /// What was saved; negative for a loss.
    pub amount: Amount,
    /// The least.
    pub low: Amount,
    /// The most.
    pub high: Amount,
    /// Requests that could be compared.
    pub requests: u64,
    /// Requests that could not.
    pub unpriced: u64,
}

/// One request priced on every model it could have gone to.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct RequestCounterfactual {
    /// What it cost.
    pub actual: Cost,
    /// What it would have cost on each model with a price, cheapest first.
    pub models: Vec<RepricedModel>,
    /// What the ranges come from.
    pub uncertainties: Vec<Uncertainty>,
    /// Which of the figures are measured.
    pub measured: Vec<String>,
    /// Which are estimated, and how.
    pub estimated: Vec<String>,
}

/// What a request would have cost on a model.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct RepricedModel {
    /// The model.
    pub model: String,
    /// Who serves it.
    pub provider: String,
    /// The tokens that were used, at its tariff.
    pub would: Amount,
    /// The least.
    pub low: Amount,
    /// The most.
    pub high: Amount,
    /// What it would have saved against what was paid; negative where it costs more.
    pub saved: Amount,
    /// Whether it served the request.
    pub is_used: bool,
    /// Whether it was asked for.
    pub is_asked: bool,
}
