//! The plain HTTP client of the tests, and the usual bodies.

use std::sync::Once;

use futures_util::StreamExt as _;
use serde_json::{Value, json};

/// A client without a proxy, for plain HTTP on this machine.
///
/// # Panics
/// When the client cannot be built.
pub fn new() -> reqwest::Client {
    builder().build().expect("the HTTP client can be built")
}

/// The same, to be refined.
pub fn builder() -> reqwest::ClientBuilder {
    static PROVIDER: Once = Once::new();
    PROVIDER.call_once(|| {
        // The client insists on one even where only plain HTTP is spoken.
        let _already_set = rustls::crypto::ring::default_provider().install_default();
    });
    reqwest::Client::builder().no_proxy()
}

/// A small chat request for `model`.
pub fn chat_body(model: &str) -> Value {
    json!({"model": model, "messages": [{"role": "user", "content": "Say a few words."}]})
}

/// The same, streamed; `has_usage` asks for the usage chunk.
pub fn stream_body(model: &str, has_usage: bool) -> Value {
    let mut body = chat_body(model);
    body["stream"] = json!(true);
    if has_usage {
        body["stream_options"] = json!({"include_usage": true});
    }
    body
}

/// Reads an answer's body as far as it comes, be the connection broken off or not.
pub async fn text_of(answer: reqwest::Response) -> String {
    let mut body = answer.bytes_stream();
    let mut bytes = Vec::new();
    while let Some(piece) = body.next().await {
        bytes.extend_from_slice(&piece.unwrap_or_default());
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
