//! The providers MegaRouter knows how to talk to.

pub mod list;

use megarouter_providers::catalog::{Choice, Kind, Serves, Variable};
use serde::Serialize;
use utoipa::ToSchema;

/// A provider MegaRouter knows how to talk to.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[expect(clippy::struct_excessive_bools, reason = "independent facts, each read by its name")]
pub struct ProviderKind {
    /// The stable id, e.g. `openai`.
    pub id: String,
    /// The name people know, e.g. `OpenAI`.
    pub name: String,
    /// Where its API usually is, with `{name}` for each variable; empty when only the person knows.
    pub base_url: String,
    /// What a person fills into the base URL.
    pub variables: Vec<ProviderVariable>,
    /// Whether another address makes no sense.
    pub base_url_is_fixed: bool,
    /// How it wants its credential: `bearer`, `header`, `aws_sigv4` or `google_service_account`.
    pub auth: String,
    /// What a person enters as its credential.
    pub credential_hint: String,
    /// The dialects of its conversations, the one that loses least first.
    pub dialects: Vec<String>,
    /// What it does besides conversations, e.g. `embeddings`.
    pub operations: Vec<String>,
    /// Whether it lists its models.
    pub lists_models: bool,
    /// Whether it refuses calls without a credential.
    pub needs_credential: bool,
    /// Whether it runs on this machine and charges nothing.
    pub is_local: bool,
    /// Environment variables that usually hold its credential.
    pub credential_variables: Vec<String>,
    /// How its credentials begin.
    pub key_prefixes: Vec<String>,
    /// The day its maker ended it, as `YYYY-MM-DD`; it is not to be offered any more.
    pub retired_on: Option<String>,
    /// The provider's own description of its API.
    pub docs_url: String,
    /// When that was read.
    pub docs_date: String,
    /// What a person should know before using it.
    pub note: Option<String>,
}

/// A place in a provider's base URL that a person fills in.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ProviderVariable {
    /// What stands between the braces, e.g. `region`.
    pub name: String,
    /// What to call it.
    pub label: String,
    /// Where a person finds it, or what it looks like.
    pub hint: String,
    /// What most people need.
    pub default: Option<String>,
    /// The only values there are; empty where any name fits.
    pub choices: Vec<ProviderVariableChoice>,
}

/// A value that a variable may have.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ProviderVariableChoice {
    /// What is filled in.
    pub value: String,
    /// What it means.
    pub label: String,
}

impl From<&Kind> for ProviderKind {
    fn from(kind: &Kind) -> Self {
        let owned = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
        Self {
            id: kind.id.to_owned(),
            name: kind.name.to_owned(),
            base_url: kind.base_url.to_owned(),
            variables: kind.variables.iter().map(ProviderVariable::from).collect(),
            auth: kind.auth.as_str().to_owned(),
            credential_hint: kind.auth.hint().to_owned(),
            dialects: words(kind, |serves| matches!(serves, Serves::Conversation(_))),
            operations: words(kind, |serves| !matches!(serves, Serves::Conversation(_))),
            lists_models: kind.model_list.is_some(),
            base_url_is_fixed: kind.base_url_is_fixed,
            needs_credential: kind.needs_credential,
            is_local: kind.is_local,
            credential_variables: owned(kind.credential_variables),
            key_prefixes: owned(kind.key_prefixes),
            retired_on: kind.retired_on.map(str::to_owned),
            docs_url: kind.docs_url.to_owned(),
            docs_date: kind.docs_date.to_owned(),
            note: kind.note.map(str::to_owned),
        }
    }
}

/// The words for what a kind serves, each once, in the order of its record.
fn words(kind: &Kind, wanted: impl Fn(Serves) -> bool) -> Vec<String> {
    let mut words: Vec<String> = vec![];
    for endpoint in kind.endpoints.iter().filter(|endpoint| wanted(endpoint.serves)) {
        let word = endpoint.serves.as_str();
        if !words.iter().any(|known| known == word) {
            words.push(word.to_owned());
        }
    }
    words
}

impl From<&Variable> for ProviderVariable {
    fn from(variable: &Variable) -> Self {
        let choice =
            |choice: &Choice| ProviderVariableChoice { value: choice.value.to_owned(), label: choice.label.to_owned() };
        Self {
            name: variable.name.to_owned(),
            label: variable.label.to_owned(),
            hint: variable.hint.to_owned(),
            default: variable.default.map(str::to_owned),
            choices: variable.choices.iter().map(choice).collect(),
        }
    }
}
