//! The setup as people write it, in YAML.

use std::collections::BTreeMap;

pub use megarouter_api::policies::text::Decimal;
use megarouter_api::policies::text::RuleEntry;
use megarouter_domain::dialect::Dialect;
use megarouter_domain::secret::Secret;
use megarouter_domain::usage::ServiceTier;
use serde::de;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::organization::{BudgetEntry, OrganizationEntry, UnitsEntry};
use crate::config::without_label;

/// A whole configuration.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Setup {
    /// The organisation itself; left out, it keeps its name.
    pub organization: Option<OrganizationEntry>,
    /// The organisation's parts.
    pub units: UnitsEntry,
    /// Who serves models.
    pub providers: Vec<ProviderEntry>,
    /// What apps may ask for.
    pub models: Vec<ModelEntry>,
    /// What apps present.
    pub keys: Vec<KeyEntry>,
    /// What all of them may use.
    pub budgets: Vec<BudgetEntry>,
    /// What serves a request; left out, the policies stay as they are, also where the rest is pruned.
    pub policies: Option<Vec<PolicyEntry>>,
}

/// A provider.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProviderEntry {
    /// The name it is pinned by.
    pub name: String,
    /// Which record of the provider catalogue describes it.
    pub kind: String,
    /// Where its API is; left out, where its kind usually is.
    #[serde(default)]
    pub base_url: Option<String>,
    /// What the kind's usual address is filled in with, by name, e.g. `region`; only without a
    /// `base_url`.
    #[serde(default)]
    pub variables: BTreeMap<String, String>,
    /// Its credential; left out, none.
    #[serde(default)]
    pub credential: Option<CredentialEntry>,
    /// The wire formats it is called in, most wanted first; left out, those of its kind.
    #[serde(default)]
    pub dialects: Vec<Dialect>,
    /// Whether requests may be sent to it; left out, they may.
    #[serde(default = "yes")]
    pub enabled: bool,
    /// Where it computes, e.g. `eu`; left out, it stays as it is.
    #[serde(default)]
    pub region: Option<String>,
    /// Whether it keeps prompts or answers; left out, it stays as it is.
    #[serde(default)]
    pub keeps_prompts: Option<bool>,
    /// Further credentials, used in turn with the first one; those that are not named stay.
    #[serde(default)]
    pub pool: Vec<PooledEntry>,
}

/// A further credential of a provider.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PooledEntry {
    /// What people call it.
    pub name: String,
    /// The environment variable that the running MegaRouter reads it from.
    pub env: String,
    /// Whether it is to be used; left out, it is.
    #[serde(default = "yes")]
    pub enabled: bool,
}

/// A policy: the model name that apps ask for, and its rules.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PolicyEntry {
    /// The model name that apps ask for.
    pub name: String,
    /// What it is for, in a sentence; left out, it stays as it is.
    #[serde(default)]
    pub description: Option<String>,
    /// Other model names whose requests it takes over; one may end in `*`.
    #[serde(default)]
    pub takes_over: Vec<String>,
    /// From the top.
    pub rules: Vec<RuleEntry>,
}

/// A provider's credential: one of the two fields.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CredentialEntry {
    /// The environment variable that the running MegaRouter reads it from.
    pub env: Option<String>,
    /// A text to keep in the secret store.
    pub store: Option<SecretEntry>,
}

/// A model.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelEntry {
    /// The name apps ask for.
    pub name: String,
    /// Other names it answers to.
    #[serde(default)]
    pub aliases: Vec<String>,
    /// The ways to serve it, most wanted first.
    pub deployments: Vec<DeploymentEntry>,
}

/// One way to serve a model.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeploymentEntry {
    /// The provider's name.
    pub provider: String,
    /// The provider's own id of the model; left out, the model's name.
    #[serde(default)]
    pub upstream_model: Option<String>,
    /// What it costs; left out, unknown (a local provider: nothing).
    #[serde(default)]
    pub price: Option<PriceEntry>,
    /// The most tokens one answer can have.
    #[serde(default)]
    pub max_output_tokens: Option<u64>,
    /// Whether it thinks before it answers; left out, not known.
    #[serde(default)]
    pub can_reason: Option<bool>,
}

/// Rates under a condition.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TierEntry {
    /// The class of service: `batch`, `flex` or `priority`; left out, the standard one.
    #[serde(default)]
    pub service: Option<ServiceTier>,
    /// The call has more input tokens than this.
    #[serde(default)]
    pub above_input_tokens: Option<u64>,
    /// The rates.
    pub rates: RatesEntry,
}

/// Both structs take unknown fields for mistakes, so neither can be flattened into the other.
macro_rules! with_rates {
    ($(#[$about:meta])* $name:ident { $($(#[$field:meta])* $extra:ident: $type:ty,)* }) => {
        $(#[$about])*
        #[derive(Debug, Serialize, Deserialize)]
        #[serde(deny_unknown_fields)]
        pub struct $name {
            /// Uncached input.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            pub input: Option<Decimal>,
            /// Output.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            pub output: Option<Decimal>,
            /// Input read from the prompt cache.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            pub cached_read: Option<Decimal>,
            /// Input written to the prompt cache.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            pub cache_write: Option<Decimal>,
            /// Input written to the prompt cache for one hour.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            pub cache_write_1h: Option<Decimal>,
            /// Reasoning output.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            pub reasoning: Option<Decimal>,
            /// Audio input.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            pub audio_input: Option<Decimal>,
            /// Audio output.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            pub audio_output: Option<Decimal>,
            /// Image input.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            pub image_input: Option<Decimal>,
            /// Image output.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            pub image_output: Option<Decimal>,
            /// Images made.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            pub image: Option<Decimal>,
            /// Milliseconds of audio.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            pub audio_ms: Option<Decimal>,
            /// Characters read aloud.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            pub character: Option<Decimal>,
            /// Searches.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            pub search: Option<Decimal>,
            /// Calls.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            pub request: Option<Decimal>,
            $($(#[$field])* #[serde(default)] pub $extra: $type,)*
        }

        impl $name {
            /// The rates with their names, in USD per million tokens or units.
            pub fn rates(&self) -> [(&'static str, Option<&Decimal>); 15] {
                let Self { input, output, cached_read, cache_write, cache_write_1h, reasoning, audio_input, audio_output, image_input, image_output, image, audio_ms, character, search, request, .. } = self;
                [
                    ("input", input.as_ref()),
                    ("output", output.as_ref()),
                    ("cached_read", cached_read.as_ref()),
                    ("cache_write", cache_write.as_ref()),
                    ("cache_write_1h", cache_write_1h.as_ref()),
                    ("reasoning", reasoning.as_ref()),
                    ("audio_input", audio_input.as_ref()),
                    ("audio_output", audio_output.as_ref()),
                    ("image_input", image_input.as_ref()),
                    ("image_output", image_output.as_ref()),
                    ("image", image.as_ref()),
                    ("audio_ms", audio_ms.as_ref()),
                    ("character", character.as_ref()),
                    ("search", search.as_ref()),
                    ("request", request.as_ref()),
                ]
            }
        }
    };
}

with_rates! {
    /// A price: the standard rates, and others where those apply.
    PriceEntry {
        /// Rates that take their place under a condition.
        tiers: Vec<TierEntry>,
        /// Where the figures come from: a page with its date.
        source: Option<String>,
    }
}

with_rates! {
    /// Rates in USD per million tokens or units.
    RatesEntry {}
}

/// A virtual key.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyEntry {
    /// A name people recognise.
    pub name: String,
    /// Its text.
    pub secret: SecretEntry,
    /// Whom it belongs to; left out, the organisation.
    #[serde(default)]
    pub owner: Option<OwnerEntry>,
    /// The project it works for.
    #[serde(default)]
    pub project: Option<String>,
    /// The models it may use; left out, all.
    #[serde(default)]
    pub models: Option<Vec<String>>,
    /// Whether to refuse a request when its translation would lose something; left out, not.
    #[serde(default)]
    pub strict: bool,
    /// From when on it is refused, as RFC 3339; left out, never.
    #[serde(default)]
    pub expires_at: Option<String>,
}

/// Whom a key belongs to: one of the fields.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OwnerEntry {
    /// A department's name.
    Department(String),
    /// A team's name.
    Team(String),
    /// A member's name.
    Member(String),
    /// An app's name.
    App(String),
}

/// A secret: `{env: NAME}` in the file, its text on the way to the running MegaRouter.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SecretEntry {
    /// The environment variable to read it from, where `apply` runs.
    Env(String),
    /// The text.
    Text(#[serde(deserialize_with = "secret")] Secret),
}

impl Serialize for SecretEntry {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Env(name) => serializer.serialize_newtype_variant("SecretEntry", 0, "env", name),
            Self::Text(text) => serializer.serialize_newtype_variant("SecretEntry", 1, "text", text.expose()),
        }
    }
}

fn secret<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Secret, D::Error> {
    String::deserialize(deserializer).map(Secret::new).map_err(|_| de::Error::custom("a secret must be a text"))
}

const fn yes() -> bool {
    true
}

impl Setup {
    /// Reads the text of a file.
    ///
    /// # Errors
    /// One that names the line and the field.
    pub fn parse(text: &str) -> Result<Self, String> {
        let setup = serde_saphyr::from_str::<Option<Self>>(text).map_err(|error| without_label(&error.to_string()))?;
        Ok(setup.unwrap_or_default())
    }

    /// Replaces every secret's variable by its text.
    ///
    /// # Errors
    /// The name of a variable that is not set, or set to nothing.
    pub fn fill_in(&mut self, read: impl Fn(&str) -> Option<String>) -> Result<(), String> {
        let stored = self.providers.iter_mut().filter_map(|provider| provider.credential.as_mut()?.store.as_mut());
        let keys = self.keys.iter_mut().map(|key| &mut key.secret);
        for secret in stored.chain(keys) {
            if let SecretEntry::Env(name) = secret {
                let text = read(name).filter(|text| !text.trim().is_empty()).ok_or_else(|| name.clone())?;
                *secret = SecretEntry::Text(Secret::new(text));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prices_are_read_as_they_are_written() {
        let text = "models:\n- name: a\n  deployments:\n  - provider: p\n    price: {input: 0.15, output: \"15\"}\n";
        let setup = Setup::parse(text).unwrap();
        let price = setup.models[0].deployments[0].price.as_ref().unwrap();
        let written = |amount: &Option<Decimal>| amount.as_ref().unwrap().0.clone();
        assert_eq!((written(&price.input).as_str(), written(&price.output).as_str()), ("0.15", "15"));
    }

    #[test]
    fn an_unknown_field_is_an_error_with_its_line() {
        let error = Setup::parse("keys:\n- name: ci\n  secret: {env: A}\n  modells: []\n").unwrap_err();
        assert!(error.contains("modells") && error.contains('4'), "{error}");
    }

    #[test]
    fn a_missing_variable_is_named() {
        let mut setup = Setup::parse("keys: [{name: ci, secret: {env: CI_KEY}}]").unwrap();
        assert_eq!(setup.fill_in(|_| Some("  ".to_owned())), Err("CI_KEY".to_owned()));
        assert_eq!(setup.fill_in(|name| Some(format!("text of {name}"))), Ok(()));
        assert!(matches!(&setup.keys[0].secret, SecretEntry::Text(text) if text.expose() == "text of CI_KEY"));
    }
}
