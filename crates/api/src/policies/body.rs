//! What a policy says, as requests and answers carry it, and how it becomes the domain's and back.

use std::collections::BTreeMap;

use megarouter_domain::facts;
use megarouter_domain::id::{KeyId, UnitId};
use megarouter_domain::permille::Permille;
use megarouter_domain::policy::{self, Setting};
use megarouter_domain::task;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::error::ApiError;
use crate::mirror::mirrored;
use crate::shape::{Amount, Rate};

mirrored! {
    /// A kind of work.
    TaskFamily of task::Family {
        /// Writing, changing or explaining programs.
        Code,
        /// Calculating and proving.
        Maths,
        /// Puzzles, planning, drawing conclusions.
        Reasoning,
        /// Knowing facts.
        Knowledge,
        /// Texts that are to read well.
        Writing,
        /// Finding and sorting what a text says.
        Extraction,
        /// Making a text shorter.
        Summary,
        /// From one language to another.
        Translation,
        /// Talking.
        Chat,
        /// Calling the right tool with the right arguments.
        Tools,
        /// Anything else, or too little text to tell.
        Other,
    }
}

mirrored! {
    /// Something that a request needs of a model.
    TaskNeed of facts::Need {
        /// It has pictures.
        Images,
        /// It has sound.
        Audio,
        /// It has PDF files.
        Documents,
        /// It has video.
        Video,
        /// It brings tools.
        Tools,
        /// It wants an answer that keeps to a JSON schema.
        Schema,
        /// It asks for thinking.
        Reasoning,
        /// It asks the provider to search the web.
        WebSearch,
        /// It wants sound as an answer.
        AudioOutput,
        /// It wants pictures as an answer.
        ImageOutput,
    }
}

/// What a version of a policy says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PolicyBody {
    /// Other model names whose requests it takes over; one may end in `*`.
    #[serde(default)]
    pub takes_over: Vec<String>,
    /// From the top; the first whose conditions all hold gives the route, and the last has none.
    pub rules: Vec<PolicyRule>,
}

/// One rule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PolicyRule {
    /// What people call it.
    #[serde(default)]
    pub name: String,
    /// All of these hold; none for every request.
    #[serde(default)]
    pub when: Vec<PolicyCondition>,
    /// What happens then.
    pub route: PolicyRoute,
}

/// Something that holds for a request, or does not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "if", rename_all = "snake_case", deny_unknown_fields)]
pub enum PolicyCondition {
    /// It comes from one of these keys, or from a key in one of these units.
    Who {
        /// The ids of departments, teams, projects, members, apps.
        #[serde(default)]
        #[schema(value_type = Vec<String>)]
        units: Vec<UnitId>,
        /// The ids of virtual keys.
        #[serde(default)]
        #[schema(value_type = Vec<String>)]
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
        #[serde(default)]
        values: Vec<String>,
    },
    /// It has a header with one of these values; any value when there are none. A value may end in `*`.
    Header {
        /// The header's name, in lower case; not one that holds credentials.
        name: String,
        /// The values.
        #[serde(default)]
        values: Vec<String>,
    },
    /// It is work of one of these kinds.
    Family {
        /// The kinds.
        any_of: Vec<TaskFamily>,
    },
    /// Its difficulty is within these bounds, both included; in thousandths.
    Difficulty {
        /// At least.
        #[schema(maximum = 1000)]
        at_least: Option<u16>,
        /// At most.
        #[schema(maximum = 1000)]
        at_most: Option<u16>,
    },
    /// Its input has so many tokens, both bounds included.
    Size {
        /// At least.
        at_least: Option<u64>,
        /// At most.
        at_most: Option<u64>,
    },
    /// It needs one of these.
    Needs {
        /// What.
        any_of: Vec<TaskNeed>,
    },
    /// It arrives at this time of the week.
    Time {
        /// The days, 1 is Monday and 7 is Sunday; none for all.
        #[serde(default)]
        days: Vec<u8>,
        /// From this minute of the day.
        from: u16,
        /// Until this one, which is left out; up to 1440. Before `from`, it is one of the next day.
        until: u16,
        /// Whose day, e.g. `Europe/Berlin`.
        zone: String,
    },
    /// The tightest limit on money that applies is used up to this part.
    BudgetUsed {
        /// At least, in percent.
        at_least: u16,
    },
}

/// What serves a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PolicyRoute {
    /// The id of a strategy, see `/strategies`.
    pub strategy: String,
    /// Its settings; what is left out has its default.
    #[serde(default)]
    pub settings: BTreeMap<String, SettingValue>,
    /// What it chooses from; none for every model that the caller may use.
    #[serde(default)]
    pub candidates: Vec<PolicyCandidate>,
    /// Models to try after those, in this order.
    #[serde(default)]
    pub fallbacks: Vec<String>,
    /// What no choice may go beyond.
    #[serde(default)]
    pub bounds: PolicyBounds,
    /// How long to wait for what is tried.
    #[serde(default)]
    pub patience: PolicyPatience,
}

/// A model to choose from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PolicyCandidate {
    /// A public model, or `provider/model` for only that provider's deployment of it.
    pub model: String,
    /// Its share, for strategies that divide requests by shares; 1 when left out.
    #[serde(default = "one")]
    pub weight: u32,
}

/// The value of a strategy's setting.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(untagged)]
pub enum SettingValue {
    /// A switch.
    Flag(bool),
    /// A number, in the unit of the setting.
    Number(i64),
    /// A word, or the name of a model.
    Text(String),
}

/// Hard bounds. What is not known of a candidate counts as beyond the bound.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct PolicyBounds {
    /// The highest price of input, US dollars per million tokens.
    pub input_price: Option<Rate>,
    /// The highest price of output, US dollars per million tokens.
    pub output_price: Option<Rate>,
    /// The most that the request is expected to cost.
    pub cost: Option<Amount>,
    /// The longest expected time to the first output, in milliseconds. Without measurements, a candidate passes.
    pub first_output_ms: Option<u32>,
    /// The longest expected time to the end, in milliseconds. Without measurements, a candidate passes.
    pub total_ms: Option<u32>,
    /// The least expected quality, in thousandths.
    #[schema(maximum = 1000)]
    pub quality_permille: Option<u16>,
    /// Never to cost more than the model that was asked for.
    pub never_dearer: bool,
    /// Only on this machine or next to it.
    pub local_only: bool,
    /// Only at providers known to keep no prompts.
    pub no_retention: bool,
    /// Only at providers in one of these regions; none for all.
    pub regions: Vec<String>,
    /// Only at these providers; none for all.
    pub providers: Vec<String>,
    /// Never at these providers.
    pub never_providers: Vec<String>,
}

/// How long to wait; what is left out is as everywhere.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct PolicyPatience {
    /// To the first output of an attempt, in milliseconds.
    pub first_output_ms: Option<u32>,
    /// Between two signs of life of a stream, in milliseconds.
    pub idle_ms: Option<u32>,
    /// To the end of an answer, in milliseconds.
    pub total_ms: Option<u32>,
    /// Calls for one request, over all deployments.
    pub attempts: Option<u8>,
}

const fn one() -> u32 {
    1
}

impl From<&policy::Body> for PolicyBody {
    fn from(body: &policy::Body) -> Self {
        Self { takes_over: body.takes_over.clone(), rules: body.rules.iter().map(PolicyRule::from).collect() }
    }
}

impl From<&policy::Rule> for PolicyRule {
    fn from(rule: &policy::Rule) -> Self {
        let when = rule.when.iter().map(PolicyCondition::from).collect();
        Self { name: rule.name.clone(), when, route: (&rule.route).into() }
    }
}

impl From<&policy::Condition> for PolicyCondition {
    fn from(condition: &policy::Condition) -> Self {
        use policy::Condition as Domain;
        match condition.clone() {
            Domain::Who { units, keys } => Self::Who { units, keys },
            Domain::Asked { models } => Self::Asked { models },
            Domain::Tag { name, values } => Self::Tag { name, values },
            Domain::Header { name, values } => Self::Header { name, values },
            Domain::Family { any_of } => Self::Family { any_of: any_of.into_iter().map(TaskFamily::from).collect() },
            Domain::Difficulty { at_least, at_most } => {
                Self::Difficulty { at_least: at_least.map(Permille::get), at_most: at_most.map(Permille::get) }
            }
            Domain::Size { at_least, at_most } => Self::Size { at_least, at_most },
            Domain::Needs { any_of } => Self::Needs { any_of: any_of.iter().map(TaskNeed::from).collect() },
            Domain::Time { days, from, until, zone } => Self::Time { days, from, until, zone: zone.to_string() },
            Domain::BudgetUsed { at_least } => Self::BudgetUsed { at_least },
        }
    }
}

impl From<&policy::Route> for PolicyRoute {
    fn from(route: &policy::Route) -> Self {
        let candidate = |it: &policy::Candidate| PolicyCandidate { model: it.model.clone(), weight: it.weight };
        Self {
            strategy: route.strategy.clone(),
            settings: route.settings.iter().map(|(name, value)| (name.clone(), value.into())).collect(),
            candidates: route.candidates.iter().map(candidate).collect(),
            fallbacks: route.fallbacks.clone(),
            bounds: (&route.bounds).into(),
            patience: route.patience.into(),
        }
    }
}

impl From<&Setting> for SettingValue {
    fn from(value: &Setting) -> Self {
        match value {
            Setting::Flag(flag) => Self::Flag(*flag),
            Setting::Number(number) => Self::Number(*number),
            Setting::Text(text) => Self::Text(text.clone()),
        }
    }
}

impl From<SettingValue> for Setting {
    fn from(value: SettingValue) -> Self {
        match value {
            SettingValue::Flag(flag) => Self::Flag(flag),
            SettingValue::Number(number) => Self::Number(number),
            SettingValue::Text(text) => Self::Text(text),
        }
    }
}

impl From<&policy::Bounds> for PolicyBounds {
    fn from(bounds: &policy::Bounds) -> Self {
        Self {
            input_price: bounds.input_price.map(Rate),
            output_price: bounds.output_price.map(Rate),
            cost: bounds.cost.map(Amount),
            first_output_ms: bounds.first_output_ms,
            total_ms: bounds.total_ms,
            quality_permille: bounds.quality.map(Permille::get),
            never_dearer: bounds.never_dearer,
            local_only: bounds.local_only,
            no_retention: bounds.no_retention,
            regions: bounds.regions.clone(),
            providers: bounds.providers.clone(),
            never_providers: bounds.never_providers.clone(),
        }
    }
}

impl From<policy::Patience> for PolicyPatience {
    fn from(patience: policy::Patience) -> Self {
        let policy::Patience { first_output_ms, idle_ms, total_ms, attempts } = patience;
        Self { first_output_ms, idle_ms, total_ms, attempts }
    }
}

impl TryFrom<PolicyBody> for policy::Body {
    type Error = ApiError;

    fn try_from(body: PolicyBody) -> Result<Self, ApiError> {
        let rules = body.rules.into_iter().enumerate();
        let rules =
            rules.map(|(index, rule)| read_rule(rule, &format!("body.rules[{index}]"))).collect::<Result<_, _>>()?;
        Ok(Self { takes_over: body.takes_over, rules })
    }
}

fn read_rule(rule: PolicyRule, place: &str) -> Result<policy::Rule, ApiError> {
    let when = rule.when.into_iter().enumerate();
    let when = when.map(|(index, condition)| read_condition(condition, &format!("{place}.when[{index}]")));
    let when = when.collect::<Result<_, _>>()?;
    Ok(policy::Rule { name: rule.name, when, route: read_route(rule.route, place)? })
}

fn read_condition(condition: PolicyCondition, place: &str) -> Result<policy::Condition, ApiError> {
    use policy::Condition as Domain;
    Ok(match condition {
        PolicyCondition::Who { units, keys } => Domain::Who { units, keys },
        PolicyCondition::Asked { models } => Domain::Asked { models },
        PolicyCondition::Tag { name, values } => Domain::Tag { name, values },
        PolicyCondition::Header { name, values } => Domain::Header { name, values },
        PolicyCondition::Family { any_of } => Domain::Family { any_of: any_of.into_iter().map(Into::into).collect() },
        PolicyCondition::Difficulty { at_least, at_most } => Domain::Difficulty {
            at_least: share(at_least, &format!("{place}.at_least"))?,
            at_most: share(at_most, &format!("{place}.at_most"))?,
        },
        PolicyCondition::Size { at_least, at_most } => Domain::Size { at_least, at_most },
        PolicyCondition::Needs { any_of } => {
            Domain::Needs { any_of: any_of.into_iter().map(facts::Need::from).collect() }
        }
        PolicyCondition::Time { days, from, until, zone } => {
            let zone = zone.parse().map_err(|error| ApiError::from(error).about(format!("{place}.zone")))?;
            Domain::Time { days, from, until, zone }
        }
        PolicyCondition::BudgetUsed { at_least } => Domain::BudgetUsed { at_least },
    })
}

fn read_route(route: PolicyRoute, place: &str) -> Result<policy::Route, ApiError> {
    let PolicyRoute { strategy, settings, candidates, fallbacks, bounds, patience } = route;
    let PolicyPatience { first_output_ms, idle_ms, total_ms, attempts } = patience;
    let candidate = |it: PolicyCandidate| policy::Candidate { model: it.model, weight: it.weight };
    Ok(policy::Route {
        strategy,
        settings: settings.into_iter().map(|(name, value)| (name, value.into())).collect(),
        candidates: candidates.into_iter().map(candidate).collect(),
        fallbacks,
        bounds: policy::Bounds {
            input_price: bounds.input_price.map(|rate| rate.0),
            output_price: bounds.output_price.map(|rate| rate.0),
            cost: bounds.cost.map(|amount| amount.0),
            first_output_ms: bounds.first_output_ms,
            total_ms: bounds.total_ms,
            quality: share(bounds.quality_permille, &format!("{place}.route.bounds.quality_permille"))?,
            never_dearer: bounds.never_dearer,
            local_only: bounds.local_only,
            no_retention: bounds.no_retention,
            regions: bounds.regions,
            providers: bounds.providers,
            never_providers: bounds.never_providers,
        },
        patience: policy::Patience { first_output_ms, idle_ms, total_ms, attempts },
    })
}

fn share(thousandths: Option<u16>, field: &str) -> Result<Option<Permille>, ApiError> {
    let Some(thousandths) = thousandths else { return Ok(None) };
    Permille::new(thousandths).map(Some).ok_or_else(|| {
        let message = format!("{thousandths} is no share. Nothing was changed. Write thousandths, 0 to 1000.");
        ApiError::invalid("policy.invalid", message).about(field)
    })
}
