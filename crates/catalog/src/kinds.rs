//! Whose entries of each source belong to which kind of provider (`providers::catalog`).
//!
//! Providers without a record are left out: nobody could configure them by name. So are the entries
//! of one region or one picture size, which LiteLLM writes as further path segments.

/// How the entries of a provider in LiteLLM's map become ids of ours.
struct Provider {
    /// `litellm_provider`.
    name: &'static str,
    kind: &'static str,
    /// What stands before the provider's own id.
    prefix: &'static str,
    /// Whether the provider's own ids have slashes.
    has_slashes: bool,
}

const fn plain(name: &'static str, kind: &'static str, prefix: &'static str) -> Provider {
    Provider { name, kind, prefix, has_slashes: false }
}

const fn slashed(name: &'static str, kind: &'static str, prefix: &'static str) -> Provider {
    Provider { name, kind, prefix, has_slashes: true }
}

/// In order of precedence, where two of them lead to one id.
const LITELLM: &[Provider] = &[
    plain("openai", "openai", ""),
    plain("text-completion-openai", "openai", ""),
    plain("anthropic", "anthropic", ""),
    plain("gemini", "gemini", "gemini/"),
    plain("vertex_ai", "vertex", "vertex_ai/"),
    plain("vertex_ai-language-models", "vertex", "vertex_ai/"),
    plain("vertex_ai-embedding-models", "vertex", "vertex_ai/"),
    plain("vertex_ai-image-models", "vertex", "vertex_ai/"),
    plain("vertex_ai-anthropic_models", "vertex", "vertex_ai/"),
    slashed("vertex_ai-mistral_models", "vertex", "vertex_ai/"),
    slashed("vertex_ai-llama_models", "vertex", "vertex_ai/"),
    slashed("vertex_ai-deepseek_models", "vertex", "vertex_ai/"),
    slashed("vertex_ai-qwen_models", "vertex", "vertex_ai/"),
    slashed("vertex_ai-openai_models", "vertex", "vertex_ai/"),
    slashed("vertex_ai-minimax_models", "vertex", "vertex_ai/"),
    slashed("vertex_ai-moonshot_models", "vertex", "vertex_ai/"),
    slashed("vertex_ai-zai_models", "vertex", "vertex_ai/"),
    slashed("vertex_ai-ai21_models", "vertex", "vertex_ai/"),
    plain("azure", "azure_openai", "azure/"),
    plain("azure_text", "azure_openai", "azure/"),
    plain("azure_ai", "azure_foundry", "azure_ai/"),
    plain("bedrock_converse", "bedrock", ""),
    plain("bedrock", "bedrock", ""),
    plain("bedrock_mantle", "bedrock_mantle", "bedrock_mantle/"),
    plain("mistral", "mistral", "mistral/"),
    slashed("groq", "groq", "groq/"),
    plain("xai", "xai", "xai/"),
    plain("deepseek", "deepseek", "deepseek/"),
    slashed("together_ai", "together", "together_ai/"),
    slashed("fireworks_ai", "fireworks", "fireworks_ai/"),
    slashed("fireworks_ai-embedding-models", "fireworks", "fireworks_ai/"),
    plain("cerebras", "cerebras", "cerebras/"),
    plain("sambanova", "sambanova", "sambanova/"),
    slashed("nvidia_nim", "nvidia", "nvidia_nim/"),
    slashed("perplexity", "perplexity", "perplexity/"),
    plain("cohere_chat", "cohere", ""),
    plain("cohere", "cohere", "cohere/"),
    plain("ai21", "ai21", ""),
    plain("moonshot", "moonshot", "moonshot/"),
    plain("zai", "zai", "zai/"),
    plain("dashscope", "alibaba", "dashscope/"),
    plain("minimax", "minimax", "minimax/"),
    plain("volcengine", "volcengine", "volcengine/"),
    slashed("hyperbolic", "hyperbolic", "hyperbolic/"),
    slashed("novita", "novita", "novita/"),
    slashed("deepinfra", "deepinfra", "deepinfra/"),
    slashed("cloudflare", "cloudflare", "cloudflare/"),
];

/// Provider ids of models.dev.
const MODELS_DEV: &[(&str, &str)] = &[
    ("openai", "openai"),
    ("anthropic", "anthropic"),
    ("google", "gemini"),
    ("google-vertex", "vertex"),
    ("google-vertex-anthropic", "vertex"),
    ("azure", "azure_openai"),
    ("azure-cognitive-services", "azure_foundry"),
    ("amazon-bedrock", "bedrock"),
    ("openrouter", "openrouter"),
    ("mistral", "mistral"),
    ("groq", "groq"),
    ("xai", "xai"),
    ("deepseek", "deepseek"),
    ("togetherai", "together"),
    ("fireworks-ai", "fireworks"),
    ("cerebras", "cerebras"),
    ("sambanova", "sambanova"),
    ("nvidia", "nvidia"),
    ("perplexity", "perplexity"),
    ("cohere", "cohere"),
    ("moonshotai", "moonshot"),
    ("zai", "zai"),
    ("alibaba", "alibaba"),
    ("minimax", "minimax"),
    ("siliconflow", "siliconflow"),
    ("huggingface", "huggingface"),
    ("github-models", "github_models"),
    ("cloudflare-workers-ai", "cloudflare"),
    ("novita-ai", "novita"),
    ("deepinfra", "deepinfra"),
];

/// The kind and id of an entry of LiteLLM's map, with the rank of its provider: a lower one wins where
/// two entries lead to one id. `None` for entries that are not of one model of a known provider.
pub fn of_litellm<'a>(provider: &str, key: &'a str) -> Option<(usize, &'static str, &'a str)> {
    let rank = LITELLM.iter().position(|known| known.name == provider)?;
    let known = LITELLM.get(rank)?;
    let bare = key.strip_prefix(known.prefix);
    // Some entries of a provider stand under the bare id, others under the prefixed one.
    let id = bare.unwrap_or(key);
    let is_other = id.is_empty() || id.starts_with("ft:") || is_size_class(id);
    if is_other || (id.contains('/') && !(known.has_slashes && bare.is_some())) {
        return None;
    }
    Some((rank, known.kind, id))
}

/// The kind of a provider of models.dev.
pub fn of_models_dev(provider: &str) -> Option<&'static str> {
    MODELS_DEV.iter().find(|(name, _)| *name == provider).map(|(_, kind)| *kind)
}

/// The kind under which the models of a kind of provider are listed: its own, but for those that are
/// another way to the same models.
pub fn listed_as(kind: &str) -> &str {
    match kind {
        "azure_deployments" => "azure_openai",
        kind => kind,
    }
}

/// Every kind that an entry can have, without order.
pub fn all() -> impl Iterator<Item = &'static str> {
    LITELLM.iter().map(|known| known.kind).chain(MODELS_DEV.iter().map(|(_, kind)| *kind))
}

/// Prices of all models of one size (`together-ai-4.1b-8b`) stand in the list like models.
fn is_size_class(id: &str) -> bool {
    ["together-ai-", "fireworks-ai-"].iter().any(|prefix| id.starts_with(prefix))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_become_ids_as_the_provider_writes_them() {
        let of = |provider, key| of_litellm(provider, key).map(|(_, kind, id)| (kind, id));
        assert_eq!(of("openai", "gpt-5.1"), Some(("openai", "gpt-5.1")));
        assert_eq!(of("gemini", "gemini/gemini-2.5-pro"), Some(("gemini", "gemini-2.5-pro")));
        assert_eq!(of("groq", "groq/openai/gpt-oss-20b"), Some(("groq", "openai/gpt-oss-20b")));
        assert_eq!(
            of("fireworks_ai", "fireworks_ai/accounts/fireworks/models/x"),
            Some(("fireworks", "accounts/fireworks/models/x"))
        );
        assert_eq!(of("bedrock", "bedrock/us-east-1/anthropic.claude-v1"), None, "one region");
        assert_eq!(of("azure", "azure/eu/gpt-4o"), None, "one region");
        assert_eq!(of("openai", "1024-x-1024/dall-e-2"), None, "one picture size");
        assert_eq!(of("openai", "ft:gpt-4o"), None);
        assert_eq!(of("together_ai", "together-ai-4.1b-8b"), None);
        assert_eq!(of("somebody", "x"), None);
    }
}
