//! The ways to order a route's candidates, with the settings that a form draws.

pub mod list;

use serde::Serialize;
use utoipa::ToSchema;

use crate::policies::body::SettingValue;

/// A way to order candidates.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Strategy {
    /// Its stable id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// What it does, in a sentence or two.
    pub about: String,
    /// Its settings, in the order of a form.
    pub settings: Vec<StrategySetting>,
}

/// A setting of a strategy.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct StrategySetting {
    /// Its name in a policy.
    pub name: String,
    /// Its title in a form.
    pub title: String,
    /// What it does.
    pub about: String,
    /// What its value is.
    pub kind: SettingKind,
    /// What it is when left out; `null` when there is nothing.
    pub default: Option<SettingValue>,
    /// The least number.
    pub min: Option<i64>,
    /// The greatest number.
    pub max: Option<i64>,
    /// What a number counts.
    pub unit: Option<String>,
    /// The words to choose from.
    pub options: Vec<SettingOption>,
}

/// What a setting's value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SettingKind {
    /// A switch.
    Flag,
    /// A number.
    Number,
    /// One of the options.
    Choice,
    /// The name of a model, which has to be said.
    Model,
}

/// A word to choose.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct SettingOption {
    /// The value in a policy.
    pub value: String,
    /// What a form says.
    pub title: String,
}
