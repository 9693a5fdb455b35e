//! What is known of each provider: one record a file, one line in [`ALL`].
//!
//! A record holds facts of the provider's own documentation, with its page and the date it was
//! read. What a person sets up (name, base URL, credential) is a `domain::provider::Provider`,
//! which names its record by [`Kind::id`].
//!
//! `record` holds the type, `endpoint` what is served where, `model_list` how models are listed and
//! `variables` what a person fills into a base URL.

mod endpoint;
mod model_list;
mod record;
mod thinking;
mod variables;

mod ai21;
mod alibaba;
mod anthropic;
mod anthropic_compatible;
mod azure_deployments;
mod azure_foundry;
mod azure_openai;
mod baidu;
mod bedrock;
mod bedrock_mantle;
mod cerebras;
mod cloudflare;
mod cohere;
mod deepinfra;
mod deepseek;
mod fireworks;
mod gemini;
mod gemini_compatible;
mod github_models;
mod groq;
mod huggingface;
mod hyperbolic;
mod llamacpp;
mod lmstudio;
mod minimax;
mod mistral;
mod moonshot;
mod novita;
mod nvidia;
mod ollama;
mod openai;
mod openai_compatible;
mod openrouter;
mod perplexity;
mod sambanova;
mod siliconflow;
mod together;
mod vertex;
mod vllm;
mod volcengine;
mod xai;
mod zai;

pub use self::endpoint::{EmbeddingsShape, Endpoint, Serves};
pub use self::model_list::{DiscoveredModel, ListShape, ModelList};
pub use self::record::{Cancel, Detection, Kind};
pub use self::thinking::thinking_of;
pub use self::variables::{Choice, FillError, Variable};
pub use crate::auth::Auth;

/// Every record, in the order in which they are offered.
pub static ALL: &[Kind] = &[
    openai::KIND,
    anthropic::KIND,
    gemini::KIND,
    vertex::KIND,
    azure_openai::KIND,
    azure_foundry::KIND,
    azure_deployments::KIND,
    bedrock::KIND,
    bedrock_mantle::KIND,
    openrouter::KIND,
    mistral::KIND,
    groq::KIND,
    xai::KIND,
    deepseek::KIND,
    together::KIND,
    fireworks::KIND,
    cerebras::KIND,
    sambanova::KIND,
    nvidia::KIND,
    perplexity::KIND,
    cohere::KIND,
    ai21::KIND,
    moonshot::KIND,
    zai::KIND,
    alibaba::KIND,
    minimax::KIND,
    baidu::KIND,
    volcengine::KIND,
    siliconflow::KIND,
    huggingface::KIND,
    cloudflare::KIND,
    novita::KIND,
    deepinfra::KIND,
    hyperbolic::KIND,
    ollama::KIND,
    lmstudio::KIND,
    llamacpp::KIND,
    vllm::KIND,
    openai_compatible::KIND,
    anthropic_compatible::KIND,
    gemini_compatible::KIND,
    github_models::KIND,
];

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
            let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
            assert!(kind.id.bytes().all(is_plain), "{}", kind.id);
            assert!(!kind.name.is_empty() && kind.docs_url.starts_with("https://"), "{}", kind.id);
            assert_eq!(kind.docs_date.len(), "2026-11-22".len(), "{}", kind.id);
            assert!(["max_tokens", "max_completion_tokens"].contains(&kind.output_bound_field), "{}", kind.id);
            assert_eq!(kind.is_local, kind.detection.is_some(), "{}", kind.id);
            assert!(kind.credential_path.is_none_or(|path| path.starts_with('/')), "{}", kind.id);
            assert_eq!(super::kind(kind.id).unwrap().name, kind.name);
        }
    }

    #[test]
    fn every_base_url_can_be_dialled_once_it_is_filled_in() {
        for kind in ALL {
            let placeholders = kind.base_url.matches('{').count();
            assert!(kind.variables.iter().all(|variable| kind.base_url.contains(&format!("{{{}}}", variable.name))));
            if kind.base_url.is_empty() {
                assert!(!kind.base_url_is_fixed, "{}", kind.id);
                continue;
            }
            let filled = kind.fill(|_| Some("eu-1")).or_else(|_| kind.fill(|_| None)).unwrap();
            assert!(!filled.contains('{') && (placeholders > 0 || filled == kind.base_url), "{}", kind.id);
            let base = BaseUrl::parse(&filled).unwrap();
            assert_eq!(base.as_str(), filled, "{}", kind.id);
            assert_eq!(base.is_on_this_machine(), kind.is_local, "{}", kind.id);
            assert!(kind.values_in(&filled).is_some() && kind.accepts(&filled), "{}", kind.id);
            for choice in kind.variables.iter().flat_map(|variable| variable.choices) {
                assert!(kind.fill(|_| Some(choice.value)).is_ok() || kind.variables.len() > 1, "{}", kind.id);
            }
        }
    }

    #[test]
    fn every_path_can_be_called() {
        for kind in ALL {
            let base = BaseUrl::parse("https://api.example.com/v1").unwrap();
            let listed = kind.model_list.map(|list| (list.path.to_owned(), list.at_root));
            let served = kind.endpoints.iter().flat_map(|endpoint| {
                [false, true].map(|is_streaming| (endpoint.path_for("a/b:c", is_streaming), endpoint.at_root))
            });
            for (path, at_root) in served.chain(listed) {
                let url = if at_root { base.at_root(&path) } else { base.join(&path) };
                assert!(url.is_some() && !path.contains('{'), "{} {path}", kind.id);
            }
            for endpoint in kind.endpoints {
                assert!(endpoint.path.contains("{model}") || endpoint.model_is_in_body, "{}", kind.id);
                for (name, value) in endpoint.added {
                    assert!(serde_json::from_str::<serde::de::IgnoredAny>(value).is_ok(), "{} {name}", kind.id);
                }
            }
            let conversations =
                kind.endpoints.iter().any(|endpoint| matches!(endpoint.serves, Serves::Conversation(_)));
            assert!(conversations, "{}", kind.id);
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
        assert_eq!(guess("sk-ant-abc"), Some("anthropic"));
        assert_eq!(guess("gsk_abc"), Some("groq"));
        assert_eq!(guess("xai-abc"), Some("xai"));
        assert_eq!(guess("hello"), None);
    }
}
