//! Ollama, on this machine or another of one's own.

use super::{Detection, Kind};

pub const KIND: Kind = Kind {
    id: "ollama",
    name: "Ollama",
    base_url: "http://127.0.0.1:11434/v1",
    detection: Some(Detection { port: 11434, path: "/", mark: "Ollama is running" }),
    docs_url: "https://docs.ollama.com/api/openai-compatibility",
    docs_date: "2026-11-22",
    note: Some("Lists the models that were pulled; `ollama pull NAME` adds one."),
    ..Kind::LOCAL
};
