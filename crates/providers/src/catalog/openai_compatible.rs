//! Any server that speaks OpenAI's dialect.

use super::{Endpoint, Kind};

pub const KIND: Kind = Kind {
    id: "openai_compatible",
    name: "OpenAI-compatible",
    base_url_is_fixed: false,
    needs_credential: false,
    endpoints: &[
        Endpoint::CHAT,
        Endpoint::RESPONSES.optional(),
        Endpoint::COMPLETIONS,
        Endpoint::EMBEDDINGS,
        Endpoint::IMAGES,
        Endpoint::IMAGE_EDITS,
        Endpoint::SPEECH,
        Endpoint::TRANSCRIPTIONS,
        Endpoint::TRANSLATIONS,
        Endpoint::MODERATIONS,
        Endpoint::RERANK,
    ],
    docs_url: "https://developers.openai.com/api/reference",
    docs_date: "2026-11-22",
    note: Some("Give the address up to and including the version, such as https://api.example.com/v1."),
    ..Kind::HOSTED
};
