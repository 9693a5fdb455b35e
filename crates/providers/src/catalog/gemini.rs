//! Google's Gemini API (AI Studio).

use super::{Auth, Endpoint, Kind, ListShape, ModelList};

pub const KIND: Kind = Kind {
    id: "gemini",
    name: "Google Gemini",
    base_url: "https://generativelanguage.googleapis.com/v1beta",
    auth: Auth::Header("x-goog-api-key"),
    credential_variables: &["GEMINI_API_KEY", "GOOGLE_API_KEY"],
    key_prefixes: &["AIza", "AQ."],
    endpoints: &[Endpoint::GEMINI, Endpoint::GEMINI_COUNT, Endpoint::GEMINI_EMBEDDINGS],
    model_list: Some(ModelList::OPENAI.at("/models?pageSize=1000").shaped(ListShape::Gemini)),
    usage_note: Some(
        "Every event of a stream has `usageMetadata`; the last one counts. Thoughts are beside the output.",
    ),
    error_note: Some("How long to wait is in the body (`RetryInfo`), and a wrong key is a 400."),
    docs_url: "https://ai.google.dev/api/generate-content",
    docs_date: "2026-11-22",
    ..Kind::HOSTED
};
