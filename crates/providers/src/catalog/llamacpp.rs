//! `llama-server` of llama.cpp.

use super::{Detection, Kind};

pub const KIND: Kind = Kind {
    id: "llamacpp",
    name: "llama.cpp",
    base_url: "http://127.0.0.1:8080/v1",
    detection: Some(Detection { port: 8080, path: "/v1/models", mark: "llamacpp" }),
    docs_url: "https://github.com/ggml-org/llama.cpp/tree/master/tools/server",
    docs_date: "2026-11-22",
    ..Kind::LOCAL
};
