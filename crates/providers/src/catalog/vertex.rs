//! Google Vertex AI.

use megarouter_domain::dialect::Dialect;

use super::{Auth, Endpoint, Kind, ListShape, ModelList, Serves, Variable};

pub const KIND: Kind = Kind {
    id: "vertex",
    name: "Google Vertex AI",
    base_url: "https://{location}-aiplatform.googleapis.com/v1/projects/{project}/locations/{location}",
    variables: &[
        Variable {
            name: "project",
            label: "Project",
            hint: "The id of the Google Cloud project, such as my-project-123.",
            default: None,
            choices: &[],
        },
        Variable {
            name: "location",
            label: "Location",
            hint: "global, eu, us, or a region such as europe-west4.",
            default: Some("global"),
            choices: &[],
        },
    ],
    respellings: &[
        ("https://global-aiplatform.googleapis.com/", "https://aiplatform.googleapis.com/"),
        ("https://eu-aiplatform.googleapis.com/", "https://aiplatform.eu.rep.googleapis.com/"),
        ("https://us-aiplatform.googleapis.com/", "https://aiplatform.us.rep.googleapis.com/"),
    ],
    // A private endpoint has a host of its own. The account's key never leaves this machine.
    base_url_is_fixed: false,
    auth: Auth::GoogleServiceAccount,
    endpoints: &[
        GEMINI,
        CLAUDE,
        Endpoint::of(Serves::Conversation(Dialect::OpenAiChat), "/endpoints/openapi/chat/completions").only(is_open),
        Endpoint { path: "/publishers/google/models/{model}:countTokens", ..Endpoint::GEMINI_COUNT.only(is_gemini) },
        Endpoint {
            added: CLAUDE.added,
            ..Endpoint::of(
                Serves::CountTokens(Dialect::Anthropic),
                "/publishers/anthropic/models/count-tokens:rawPredict",
            )
            .only(is_claude)
        },
    ],
    // Google's own models only; Claude and the open models are called without being listed.
    model_list: Some(ModelList::OPENAI.rooted("/v1beta1/publishers/google/models").shaped(ListShape::Vertex)),
    error_note: Some("How long to wait is in the body (`RetryInfo`)."),
    docs_url: "https://docs.cloud.google.com/vertex-ai/generative-ai/docs/model-reference/inference",
    note: Some(
        "Claude models are named as in claude-sonnet-4-5@20250929, open ones as in meta/llama-4-maverick-17b-128e-instruct-maas.",
    ),
    docs_date: "2026-11-22",
    ..Kind::HOSTED
};

const GEMINI: Endpoint = Endpoint {
    path: "/publishers/google/models/{model}:generateContent",
    stream_path: Some("/publishers/google/models/{model}:streamGenerateContent?alt=sse"),
    ..Endpoint::GEMINI.only(is_gemini)
};

/// The model is in the path and the version in the body
/// (platform.claude.com/docs/en/api/claude-on-vertex-ai, read 2026-11-22).
const CLAUDE: Endpoint = Endpoint {
    path: "/publishers/anthropic/models/{model}:rawPredict",
    stream_path: Some("/publishers/anthropic/models/{model}:streamRawPredict"),
    model_is_in_body: false,
    added: &[("anthropic_version", "\"vertex-2023-10-16\"")],
    ..Endpoint::MESSAGES.only(is_claude)
};

fn is_claude(model: &str) -> bool {
    model.starts_with("claude")
}

/// The open models have their maker in front, as in `meta/llama-…`.
fn is_open(model: &str) -> bool {
    model.contains('/')
}

fn is_gemini(model: &str) -> bool {
    !is_claude(model) && !is_open(model)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_maker_has_its_dialect_and_path() {
        for (model, dialect, path) in [
            (
                "gemini-2.5-pro",
                Dialect::Gemini,
                "/publishers/google/models/gemini-2.5-pro:streamGenerateContent?alt=sse",
            ),
            (
                "claude-sonnet-4-5@20250929",
                Dialect::Anthropic,
                "/publishers/anthropic/models/claude-sonnet-4-5@20250929:streamRawPredict",
            ),
            ("meta/llama-4-scout-maas", Dialect::OpenAiChat, "/endpoints/openapi/chat/completions"),
        ] {
            assert_eq!(KIND.dialects(model, &[]).collect::<Vec<_>>(), [dialect], "{model}");
            let endpoint = KIND.endpoint(Serves::Conversation(dialect), model).unwrap();
            assert_eq!(endpoint.path_for(model, true), path);
        }
    }

    #[test]
    fn locations_without_a_region_have_hosts_of_their_own() {
        let at = |location| KIND.fill(|name| Some(if name == "project" { "p" } else { location })).unwrap();
        assert_eq!(at("global"), "https://aiplatform.googleapis.com/v1/projects/p/locations/global");
        assert_eq!(at("eu"), "https://aiplatform.eu.rep.googleapis.com/v1/projects/p/locations/eu");
        let regional = at("europe-west4");
        assert_eq!(regional, "https://europe-west4-aiplatform.googleapis.com/v1/projects/p/locations/europe-west4");
        for location in ["global", "eu", "europe-west4"] {
            assert!(KIND.values_in(&at(location)).unwrap().contains(&("location", location.to_owned())));
        }
    }
}
