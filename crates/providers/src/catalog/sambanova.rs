//! SambaNova.

use super::{Endpoint, Kind};

pub const KIND: Kind = Kind {
    id: "sambanova",
    name: "SambaNova",
    base_url: "https://api.sambanova.ai/v1",
    credential_variables: &["SAMBANOVA_API_KEY"],
    endpoints: &[
        Endpoint::CHAT,
        // Only some of its models; its pages do not agree on which.
        Endpoint::RESPONSES.optional(),
        Endpoint::MESSAGES.optional(),
        Endpoint::COUNT_TOKENS,
        Endpoint::COMPLETIONS,
        Endpoint::EMBEDDINGS,
        Endpoint::TRANSCRIPTIONS,
        Endpoint::TRANSLATIONS,
    ],
    docs_url: "https://docs.sambanova.ai/docs/en/api-reference/overview",
    note: Some("Its model list is public, so a test shows the key to be good only when it names a model."),
    docs_date: "2026-11-22",
    ..Kind::HOSTED
};
