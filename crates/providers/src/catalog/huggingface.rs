//! Hugging Face's router to many providers.

use super::{Endpoint, Kind};

pub const KIND: Kind = Kind {
    id: "huggingface",
    name: "Hugging Face",
    base_url: "https://router.huggingface.co/v1",
    credential_variables: &["HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"],
    key_prefixes: &["hf_"],
    endpoints: &[Endpoint::CHAT, Endpoint::RESPONSES],
    docs_url: "https://huggingface.co/docs/inference-providers/index",
    note: Some(
        "A provider can be named behind the model, as in openai/gpt-oss-120b:groq. Its model list is public, so a test shows the key to be good only when it names a model.",
    ),
    docs_date: "2026-11-22",
    ..Kind::HOSTED
};
