//! The type of a provider's record.

use megarouter_dialect::request::Thinking;
use megarouter_domain::dialect::Dialect;

use super::{Auth, Endpoint, ModelList, Serves, Variable};

/// What is known of a provider.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "independent facts, each read by its name")]
pub struct Kind {
    /// Stable id, stored with each configured provider, e.g. `openai`.
    pub id: &'static str,
    /// The name people know it by.
    pub name: &'static str,
    /// Where its API is, with `{name}` for each variable; empty when only the person knows.
    pub base_url: &'static str,
    /// What a person fills into the base URL.
    pub variables: &'static [Variable],
    /// Beginnings of the filled-in base URL that are spelled otherwise: as filled in, as it is.
    pub respellings: &'static [(&'static str, &'static str)],
    /// Whether nobody needs a base URL of another form.
    pub base_url_is_fixed: bool,
    /// How it wants its credential.
    pub auth: Auth,
    /// Whether it refuses calls without a credential.
    pub needs_credential: bool,
    /// Whether it usually runs on this machine or next to it, and charges nothing.
    pub is_local: bool,
    /// How a server of this kind is found on this machine; `None` for those that are not local.
    pub detection: Option<Detection>,
    /// Environment variables that its own tools read the credential from.
    pub credential_variables: &'static [&'static str],
    /// How its credentials begin, to recognise a pasted one; may be empty.
    pub key_prefixes: &'static [&'static str],
    /// Headers that every call of it has: lower-case names and values.
    pub headers: &'static [(&'static str, &'static str)],
    /// What it serves at which paths, the dialect that loses least first.
    pub endpoints: &'static [Endpoint],
    /// How it lists its models; `None` when it does not.
    pub model_list: Option<ModelList>,
    /// A path below the base URL that answers 200 only with a good credential, where the model list
    /// is public and so proves nothing.
    pub credential_path: Option<&'static str>,
    /// The field of OpenAI's dialect that bounds the output of one choice.
    pub output_bound_field: &'static str,
    /// Whether it knows OpenAI's `developer` role.
    pub has_developer_role: bool,
    /// Whether it takes OpenAI's `response_format` of type `json_schema`.
    pub has_json_schema: bool,
    /// Whether it refuses tool calls in a history without the `reasoning_content` that came with them.
    pub wants_reasoning: bool,
    /// How its models are told to think, where the catalogue of models does not know better.
    pub thinking: Thinking,
    /// What closing the connection does to generation and to the bill.
    pub cancel: Cancel,
    /// Whether its streams of OpenAI's dialect end with `[DONE]`.
    pub sends_done: bool,
    /// Whether it takes `stream_options.include_usage`.
    pub supports_stream_usage: bool,
    /// Where its usage figures are, when that is not the dialect's own place.
    pub usage_note: Option<&'static str>,
    /// What its errors look like, when that is not the dialect's own form.
    pub error_note: Option<&'static str>,
    /// The day its maker ended it, as `YYYY-MM-DD`; such a record only explains what was set up.
    pub retired_on: Option<&'static str>,
    /// Its documentation of this API.
    pub docs_url: &'static str,
    /// When that was read, as `YYYY-MM-DD`.
    pub docs_date: &'static str,
    /// What a person who sets it up should know.
    pub note: Option<&'static str>,
}

/// How a local server is told from others on its port.
#[derive(Clone, Copy, Debug)]
pub struct Detection {
    /// The port it listens on unless told otherwise.
    pub port: u16,
    /// A path at the root that it answers with 200.
    pub path: &'static str,
    /// A text that the answer holds.
    pub mark: &'static str,
}

/// What closing the connection does to a stream and its bill.
///
/// Providers hardly document it themselves. Where a record says no more, the source is OpenRouter's
/// list of those that stop "model processing and billing" (openrouter.ai/docs/api-reference/streaming,
/// "Stream Cancellation", read 2026-11-22). Its list of those that do not is followed only for Bedrock,
/// whose answers other proxies read to their end for the same reason (BerriAI/litellm#36008).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cancel {
    /// Generation stops, and with it the bill.
    StopsBilling,
    /// The whole answer is billed all the same.
    BillsFull,
    /// The documentation does not say.
    Unknown,
}

impl Kind {
    /// What most records share: a hosted provider of the OpenAI dialect that documents nothing
    /// about cancelling.
    pub(super) const HOSTED: Self = Self {
        id: "",
        name: "",
        base_url: "",
        variables: &[],
        respellings: &[],
        base_url_is_fixed: true,
        auth: Auth::Bearer,
        needs_credential: true,
        is_local: false,
        detection: None,
        credential_variables: &[],
        key_prefixes: &[],
        headers: &[],
        endpoints: &[Endpoint::CHAT],
        model_list: Some(ModelList::OPENAI),
        credential_path: None,
        output_bound_field: "max_tokens",
        has_developer_role: false,
        has_json_schema: true,
        wants_reasoning: false,
        thinking: Thinking::Unknown,
        cancel: Cancel::Unknown,
        sends_done: true,
        supports_stream_usage: true,
        usage_note: None,
        error_note: None,
        retired_on: None,
        docs_url: "",
        docs_date: "",
        note: None,
    };

    /// What servers on one's own machine share: no credential, no bill.
    pub(super) const LOCAL: Self = Self {
        base_url_is_fixed: false,
        needs_credential: false,
        is_local: true,
        endpoints: &[Endpoint::CHAT, Endpoint::COMPLETIONS, Endpoint::EMBEDDINGS],
        cancel: Cancel::StopsBilling,
        ..Self::HOSTED
    };

    /// The endpoint for an operation with a model.
    pub fn endpoint(&self, serves: Serves, upstream_model: &str) -> Option<&'static Endpoint> {
        self.endpoints.iter().find(|endpoint| endpoint.serves == serves && endpoint.serves_model(upstream_model))
    }

    /// The dialects in which a model can be called, most wanted first: those that the organisation
    /// chose (`chosen`), or where it chose none, those that every server of the kind speaks.
    pub fn dialects<'a>(
        &'a self,
        upstream_model: &'a str,
        chosen: &'a [Dialect],
    ) -> impl Iterator<Item = Dialect> + 'a {
        let usual = self.endpoints.iter().filter(move |endpoint| chosen.is_empty() && !endpoint.is_optional);
        let usual = usual.filter_map(Endpoint::conversation);
        let is_served = |dialect: &Dialect| self.endpoint(Serves::Conversation(*dialect), upstream_model).is_some();
        chosen.iter().copied().chain(usual).filter(is_served)
    }

    /// Whether some model of it can be called in a dialect.
    pub fn speaks(&self, dialect: Dialect) -> bool {
        self.endpoints.iter().any(|endpoint| endpoint.conversation() == Some(dialect))
    }
}
