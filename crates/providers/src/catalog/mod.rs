//! What is known of each provider: one record a file, one line in [`ALL`].
//!
//! A record holds facts of the provider's own documentation, with its page and the date it was
//! read. What a person sets up (name, base URL, credential) is a `domain::provider::Provider`,
//! which names its record by [`Kind::id`].

mod cerebras;
mod deepseek;
mod fireworks;
mod groq;
mod llamacpp;
mod lmstudio;
mod mistral;
mod ollama;
mod openai;
mod openai_compatible;
mod openrouter;
mod together;
mod vllm;
mod xai;

/// Every record, in the order in which they are offered.
pub static ALL: &[Kind] = &[
    openai::KIND,
    openrouter::KIND,
    groq::KIND,
    mistral::KIND,
    deepseek::KIND,
    xai::KIND,
    together::KIND,
    fireworks::KIND,
    cerebras::KIND,
    ollama::KIND,
    lmstudio::KIND,
    llamacpp::KIND,
    vllm::KIND,
    openai_compatible::KIND,
];

/// What is known of a provider.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "independent facts, each read by its name")]
pub struct Kind {
    /// Stable id, stored with each configured provider, e.g. `openai`.
    pub id: &'static str,
    /// The name people know it by.
    pub name: &'static str,
    /// Where its API is; empty when only the person knows.
    pub base_url: &'static str,
    /// Whether nobody needs another base URL.
    pub base_url_is_fixed: bool,
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
    /// The path of its model list, below the base URL.
    pub models_path: &'static str,
    /// A path below the base URL that answers 200 only with a good credential, where the model list
    /// is public and so proves nothing.
    pub credential_path: Option<&'static str>,
    /// The field that bounds the output of one choice.
    pub output_bound_field: &'static str,
    /// What closing the connection does to generation and to the bill.
    pub cancel: Cancel,
    /// Whether its streams end with `[DONE]`.
    pub sends_done: bool,
    /// Whether it takes `stream_options.include_usage`.
    pub supports_stream_usage: bool,
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

/// What closing the connection does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cancel {
    /// Generation stops, and with it the bill.
    StopsBilling,
    /// The whole answer is billed all the same.
    BillsFull,
    /// The documentation does not say.
    Unknown,
}

/// The record with this id.
pub fn kind(id: &str) -> Option<&'static Kind> {
    ALL.iter().find(|kind| kind.id == id)
}

/// The record whose credentials look like this one, judged by how it begins; the longest beginning
/// wins. `None` when it fits nobody's.
pub fn kind_of_credential(credential: &str) -> Option<&'static Kind> {
    ALL.iter()
        .filter_map(|kind| {
            let fits = kind.key_prefixes.iter().filter(|prefix| credential.starts_with(**prefix));
            fits.map(|prefix| prefix.len()).max().map(|length| (length, kind))
        })
        .max_by_key(|(length, _)| *length)
        .map(|(_, kind)| kind)
}

impl Kind {
    /// What most records share: a hosted provider of the OpenAI dialect that documents nothing
    /// about cancelling.
    const HOSTED: Self = Self {
        id: "",
        name: "",
        base_url: "",
        base_url_is_fixed: true,
        needs_credential: true,
        is_local: false,
        detection: None,
        credential_variables: &[],
        key_prefixes: &[],
        models_path: "/models",
        credential_path: None,
        output_bound_field: "max_tokens",
        cancel: Cancel::Unknown,
        sends_done: true,
        supports_stream_usage: true,
        docs_url: "",
        docs_date: "",
        note: None,
    };

    /// What servers on one's own machine share: no credential, no bill.
    const LOCAL: Self = Self {
        base_url_is_fixed: false,
        needs_credential: false,
        is_local: true,
        cancel: Cancel::StopsBilling,
        ..Self::HOSTED
    };
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::address::BaseUrl;

    #[test]
    fn every_record_is_complete() {
        let mut ids = HashSet::new();
        for kind in ALL {
            assert!(ids.insert(kind.id), "{} is there twice", kind.id);
            assert!(kind.id.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_'), "{}", kind.id);
            assert!(!kind.name.is_empty() && kind.models_path.starts_with('/'), "{}", kind.id);
            assert!(kind.docs_url.starts_with("https://"), "{}", kind.id);
            assert_eq!(kind.docs_date.len(), "2026-11-22".len(), "{}", kind.id);
            assert!(["max_tokens", "max_completion_tokens"].contains(&kind.output_bound_field), "{}", kind.id);
            assert_eq!(kind.is_local, kind.detection.is_some(), "{}", kind.id);
            if kind.base_url.is_empty() {
                assert!(!kind.base_url_is_fixed, "{}", kind.id);
            } else {
                let base = BaseUrl::parse(kind.base_url).unwrap();
                assert_eq!(base.as_str(), kind.base_url, "{}", kind.id);
                assert_eq!(base.is_on_this_machine(), kind.is_local, "{}", kind.id);
            }
            assert_eq!(super::kind(kind.id).unwrap().name, kind.name);
        }
    }

    #[test]
    fn local_servers_have_ports_of_their_own() {
        let ports: Vec<u16> = ALL.iter().filter_map(|kind| Some(kind.detection?.port)).collect();
        assert_eq!(ports.iter().collect::<HashSet<_>>().len(), ports.len());
        for kind in ALL {
            if let Some(detection) = kind.detection {
                assert!(kind.base_url.contains(&format!(":{}/", detection.port)), "{}", kind.id);
            }
        }
    }

    #[test]
    fn a_pasted_credential_is_recognised_by_its_beginning() {
        let guess = |credential| kind_of_credential(credential).map(|kind| kind.id);
        assert_eq!(guess("sk-or-v1-abc"), Some("openrouter"));
        assert_eq!(guess("sk-proj-abc"), Some("openai"));
        assert_eq!(guess("gsk_abc"), Some("groq"));
        assert_eq!(guess("xai-abc"), Some("xai"));
        assert_eq!(guess("hello"), None);
    }
}
