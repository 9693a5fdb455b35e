//! Policies: virtual models, and the rules that say what serves a request for one.
//!
//! A policy answers to a model name of its own (`auto`), and may take over requests for other names. Its
//! rules are read from the top; the first whose conditions all hold gives the route: which models may
//! serve the request, by which strategy one of them is chosen, and within which bounds.

mod check;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub use self::check::PolicyError;
use crate::catalog::Set;
use crate::clock::Timestamp;
use crate::facts::Need;
use crate::id::{KeyId, PolicyId, UnitId};
use crate::money::{NanoUsd, NanoUsdPerMillion};
use crate::period::Zone;
use crate::permille::Permille;
use crate::task::Family;

/// A policy with the versions in force.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// Its id.
    pub id: PolicyId,
    /// The model name it answers to; unique among model names and aliases.
    pub name: String,
    /// What it is for, in a sentence.
    pub description: String,
    /// What decides.
    pub live: Version,
    /// What is tried beside it.
    pub trial: Option<Trial>,
    /// When it was made.
    pub created_at: Timestamp,
    /// Since when it is out of use.
    pub archived_at: Option<Timestamp>,
}

/// One version of a policy; never changed once it was saved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Version {
    /// Counts from 1.
    pub number: u32,
    /// What it says.
    pub body: Body,
    /// The text it was written as, with its comments; `None` when no person wrote it as text.
    pub text: Option<String>,
    /// Why it was made, in a few words.
    pub note: String,
    /// When.
    pub made_at: Timestamp,
}

/// A version that is tried before it is put in force.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trial {
    /// The version.
    pub version: Version,
    /// How.
    pub mode: TrialMode,
    /// Since when.
    pub since: Timestamp,
}

/// How a version is tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "mode", rename_all = "snake_case")]
pub enum TrialMode {
    /// It decides beside the live one; what it would have chosen is noted, and changes nothing.
    Shadow,
    /// It decides for a share of the sessions, or of the requests that name none.
    Canary {
        /// How many of them, in percent: 1 to 99.
        percent: u8,
    },
}

/// What a version says.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Body {
    /// Other model names whose requests it takes over; one may end in `*`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub takes_over: Vec<String>,
    /// From the top; the last one has no conditions.
    pub rules: Vec<Rule>,
}

/// One rule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// What people call it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// All of these hold; none for every request.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub when: Vec<Condition>,
    /// What happens then.
    pub route: Route,
}

/// Something that holds for a request, or does not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "if", rename_all = "snake_case", deny_unknown_fields)]
pub enum Condition {
    /// It comes from one of these keys, or from a key in one of these units.
    Who {
        /// Departments, teams, projects, members, apps.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        units: Vec<UnitId>,
        /// Virtual keys.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        keys: Vec<KeyId>,
    },
    /// The model it asks for has one of these names; one may end in `*`.
    Asked {
        /// The names.
        models: Vec<String>,
    },
    /// It has a tag with one of these values; any value when there are none.
    Tag {
        /// The tag's name.
        name: String,
        /// The values.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        values: Vec<String>,
    },
    /// It has a header with one of these values; any value when there are none. A value may end in `*`.
    Header {
        /// The header's name, in lower case. Those that hold credentials cannot be asked for.
        name: String,
        /// The values.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        values: Vec<String>,
    },
    /// It is work of one of these kinds.
    Family {
        /// The kinds.
        any_of: Vec<Family>,
    },
    /// Its difficulty is within these bounds, both included.
    Difficulty {
        /// At least.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        at_least: Option<Permille>,
        /// At most.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        at_most: Option<Permille>,
    },
    /// Its input has so many tokens, by our count, both bounds included.
    Size {
        /// At least.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        at_least: Option<u64>,
        /// At most.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        at_most: Option<u64>,
    },
    /// It needs one of these.
    Needs {
        /// What.
        any_of: Set<Need>,
    },
    /// It arrives at this time of the week.
    Time {
        /// The days, 1 is Monday and 7 is Sunday; none for all.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        days: Vec<u8>,
        /// From this minute of the day.
        from: u16,
        /// Until this one, which is left out; up to 1440. Before `from`, it is one of the next day.
        until: u16,
        /// Whose day.
        zone: Zone,
    },
    /// The tightest limit on money that applies is used up to this part, in percent.
    BudgetUsed {
        /// At least.
        at_least: u16,
    },
}

/// What serves a request.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Route {
    /// The strategy's stable id, e.g. `learned_utility`.
    pub strategy: String,
    /// Its settings, as its record in `routing` describes them; what is left out has its default.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub settings: BTreeMap<String, Setting>,
    /// What it chooses from; none for every model that the caller may use.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub candidates: Vec<Candidate>,
    /// Models to try after those, in this order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fallbacks: Vec<String>,
    /// What no choice may go beyond.
    #[serde(default, skip_serializing_if = "is_default")]
    pub bounds: Bounds,
    /// How long to wait for what is tried.
    #[serde(default, skip_serializing_if = "is_default")]
    pub patience: Patience,
}

/// A model to choose from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Candidate {
    /// A public model, or `provider/model` for only that provider's deployment of it.
    pub model: String,
    /// Its share, for strategies that divide requests by shares.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub weight: u32,
}

/// The value of a strategy's setting.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Setting {
    /// A switch.
    Flag(bool),
    /// A number, in the unit that the setting's description names.
    Number(i64),
    /// A word, or the name of a model.
    Text(String),
}

/// Hard bounds: what does not keep to one is not chosen, whatever its score. What is not known of a
/// candidate counts as beyond the bound.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bounds {
    /// The highest price of input.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub input_price: Option<NanoUsdPerMillion>,
    /// The highest price of output.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output_price: Option<NanoUsdPerMillion>,
    /// The most that the request is expected to cost.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost: Option<NanoUsd>,
    /// The longest expected time to the first output, in milliseconds. Without measurements, a candidate
    /// passes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_output_ms: Option<u32>,
    /// The longest expected time to the end, in milliseconds. Without measurements, a candidate passes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total_ms: Option<u32>,
    /// The least expected quality.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quality: Option<Permille>,
    /// Never to cost more than the model that was asked for; for names that the policy takes over.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub never_dearer: bool,
    /// Only on this machine or next to it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub local_only: bool,
    /// Only at providers known to keep no prompts.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub no_retention: bool,
    /// Only at providers in one of these regions; none for all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub regions: Vec<String>,
    /// Only at these providers; none for all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub providers: Vec<String>,
    /// Never at these providers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub never_providers: Vec<String>,
}

/// How long to wait; what is left out is as everywhere.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Patience {
    /// To the first output of an attempt, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_output_ms: Option<u32>,
    /// Between two signs of life of a stream, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub idle_ms: Option<u32>,
    /// To the end of an answer, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total_ms: Option<u32>,
    /// Calls for one request, over all deployments.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attempts: Option<u8>,
}

impl Policy {
    /// Whether it is in use.
    pub fn is_active(&self) -> bool {
        self.archived_at.is_none()
    }
}

impl Body {
    /// True when requests for this model name are taken over.
    pub fn takes_over(&self, asked: &str) -> bool {
        self.takes_over.iter().any(|pattern| matches(pattern, asked))
    }
}

/// True when a text is the pattern, or begins with what stands before the pattern's final `*`.
pub fn matches(pattern: &str, text: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(beginning) => text.starts_with(beginning),
        None => pattern == text,
    }
}

const fn one() -> u32 {
    1
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature that serde asks for")]
const fn is_one(weight: &u32) -> bool {
    *weight == 1
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}
