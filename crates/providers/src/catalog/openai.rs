//! OpenAI.

use megarouter_domain::dialect::Dialect;

use super::{Cancel, Endpoint, Kind, Serves};

pub const KIND: Kind = Kind {
    id: "openai",
    name: "OpenAI",
    base_url: "https://api.openai.com/v1",
    credential_variables: &["OPENAI_API_KEY"],
    key_prefixes: &["sk-proj-", "sk-svcacct-", "sk-admin-"],
    endpoints: &[
        Endpoint::RESPONSES.only(has_responses),
        Endpoint::CHAT.only(has_chat),
        Endpoint::of(Serves::CountTokens(Dialect::OpenAiResponses), "/responses/input_tokens").only(has_responses),
        Endpoint::COMPLETIONS.only(has_completions),
        Endpoint::EMBEDDINGS,
        Endpoint::IMAGES,
        Endpoint::IMAGE_EDITS,
        Endpoint::SPEECH,
        Endpoint::TRANSCRIPTIONS,
        Endpoint::TRANSLATIONS.only(is_whisper),
        Endpoint::MODERATIONS,
    ],
    // Reasoning models refuse the older `max_tokens`.
    output_bound_field: "max_completion_tokens",
    has_developer_role: true,
    cancel: Cancel::StopsBilling,
    docs_url: "https://developers.openai.com/api/reference",
    docs_date: "2026-11-22",
    ..Kind::HOSTED
};

/// Models of sound and of web search answer in chat only.
pub fn has_responses(model: &str) -> bool {
    let is_chat_only = ["-audio", "-search-preview", "-search-api"].iter().any(|part| model.contains(part));
    !is_chat_only && !has_completions(model)
}

/// The `-pro` models, Codex's, deep research, computer use and Daybreak answer as responses only
/// (developers.openai.com/api/docs/models; `supported_endpoints` of LiteLLM's price map 1.109.1; read
/// 2026-11-22).
pub fn has_chat(model: &str) -> bool {
    let parts = || model.split('-');
    let is_responses_only = parts().any(|part| matches!(part, "pro" | "codex"))
        || ["deep-research", "computer-use", "daybreak"].iter().any(|part| model.contains(part));
    !is_responses_only && !has_completions(model)
}

/// Base models, which complete a text and know no roles.
fn has_completions(model: &str) -> bool {
    model.contains("-instruct") || model.starts_with("davinci-") || model.starts_with("babbage-")
}

fn is_whisper(model: &str) -> bool {
    model.starts_with("whisper")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dialects(model: &str) -> Vec<Dialect> {
        KIND.dialects(model, &[]).collect()
    }

    #[test]
    fn models_are_called_where_they_answer() {
        use Dialect::{OpenAiChat, OpenAiResponses};
        for model in ["gpt-5", "gpt-5.1-2025-11-13", "gpt-4o-mini", "o3", "ft:gpt-4o:acme::x", "gpt-3.5-turbo"] {
            assert_eq!(dialects(model), [OpenAiResponses, OpenAiChat], "{model}");
        }
        for model in ["gpt-5-pro", "o3-pro-2025-06-10", "gpt-5.1-codex-max", "codex-mini-latest", "o3-deep-research"] {
            assert_eq!(dialects(model), [OpenAiResponses], "{model}");
        }
        for model in ["gpt-4o-audio-preview", "gpt-4o-mini-search-preview"] {
            assert_eq!(dialects(model), [OpenAiChat], "{model}");
        }
        assert_eq!(dialects("gpt-3.5-turbo-instruct"), []);
        assert!(KIND.endpoint(Serves::Completions, "gpt-3.5-turbo-instruct").is_some());
        assert!(KIND.endpoint(Serves::Completions, "gpt-5").is_none());
        assert!(KIND.endpoint(Serves::Translations, "gpt-4o-transcribe").is_none());
    }
}
