//! How each kind of provider is called: path, headers and credential, as the other side sees them.

use std::sync::Arc;

use megarouter_domain::provider::Credential;
use megarouter_domain::secret::Secret;

use super::*;
use crate::auth::google::tests::account;
use crate::catalog::Serves;

/// 2026-11-22T14:00:00Z
const TODAY: Timestamp = Timestamp::from_micros(1_795_356_000_000_000);

fn answers(count: usize) -> Vec<Act> {
    std::iter::repeat_with(|| Act::Answer(json("200 OK", "{}"))).take(count).collect()
}

fn provider(server: &Scripted, kind: &str, secret: &str) -> Target {
    let mut target = server.target();
    kind.clone_into(&mut target.provider.kind);
    target.credential = Credential::Ready(Arc::new(Secret::new(secret.to_owned())));
    target
}

/// Calls a provider in a dialect as the gateway does, and gives the request that came there.
async fn seen(kind: &str, secret: &str, dialect: Dialect, model: &str, headers: &HeaderMap, streams: bool) -> String {
    let mut server = Scripted::start(answers(1)).await;
    let target = provider(&server, kind, secret);
    let endpoint = catalog::kind(kind).unwrap().endpoint(Serves::Conversation(dialect), model).unwrap();
    let path = endpoint.path_for(model, streams);
    let call = Call::post(&path, Bytes::from_static(b"{}"), headers, streams, PATIENT).to_endpoint(endpoint);
    client().call(&target, call, TODAY).await.unwrap();
    server.next_request().await.to_ascii_lowercase()
}

fn claude_code() -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in [
        ("authorization", "Bearer mr-virtual"),
        ("x-api-key", "mr-virtual"),
        ("anthropic-beta", "context-management-2025-06-27"),
        ("x-claude-code-session-id", "s"),
        ("x-title", "app"),
    ] {
        headers.append(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
    headers
}

#[tokio::test]
async fn anthropic_gets_its_key_its_version_and_every_beta() {
    let request = seen("anthropic", "sk-ant-1", Dialect::Anthropic, "claude-x", &claude_code(), true).await;
    assert!(request.starts_with("post /v1/messages http/1.1\r\n"), "{request}");
    for sent in [
        "x-api-key: sk-ant-1\r\n",
        "anthropic-version: 2023-06-01\r\n",
        "anthropic-beta: context-management-2025-06-27\r\n",
        "accept: text/event-stream\r\n",
    ] {
        assert!(request.contains(sent), "{sent} in {request}");
    }
    for kept in ["mr-virtual", "authorization", "x-title", "session-id"] {
        assert!(!request.contains(kept), "{kept} in {request}");
    }
}

#[tokio::test]
async fn a_clients_own_version_is_kept() {
    let mut headers = HeaderMap::new();
    headers.insert("anthropic-version", HeaderValue::from_static("2030-01-01"));
    let request = seen("anthropic", "k", Dialect::Anthropic, "claude-x", &headers, false).await;
    assert!(request.contains("anthropic-version: 2030-01-01\r\n"), "{request}");
    assert_eq!(request.matches("anthropic-version").count(), 1);
}

#[tokio::test]
async fn gemini_has_the_model_in_its_path_and_the_key_in_a_header_of_its_own() {
    let request = seen("gemini", "AIza1", Dialect::Gemini, "gemini-2.5-pro", &claude_code(), true).await;
    let line = "post /v1/models/gemini-2.5-pro:streamgeneratecontent?alt=sse http/1.1\r\n";
    assert!(request.starts_with(line), "{request}");
    assert!(request.contains("x-goog-api-key: aiza1\r\n"));
    assert!(!request.contains("anthropic") && !request.contains("authorization"), "{request}");
}

#[tokio::test]
async fn azure_has_a_key_header_and_the_older_form_its_version_in_the_query() {
    let none = HeaderMap::new();
    let request = seen("azure_deployments", "az", Dialect::OpenAiChat, "my gpt", &none, false).await;
    let line = "post /v1/deployments/my%20gpt/chat/completions?api-version=2024-10-21 http/1.1\r\n";
    assert!(request.starts_with(line), "{request}");
    assert!(request.contains("api-key: az\r\n") && !request.contains("authorization"), "{request}");
}

#[tokio::test]
async fn one_provider_may_have_two_dialects_at_two_roots_with_two_headers() {
    let none = HeaderMap::new();
    let chat = seen("deepseek", "sk-1", Dialect::OpenAiChat, "deepseek-chat", &none, false).await;
    assert!(
        chat.starts_with("post /v1/chat/completions ") && chat.contains("authorization: bearer sk-1\r\n"),
        "{chat}"
    );
    let messages = seen("deepseek", "sk-1", Dialect::Anthropic, "deepseek-chat", &none, false).await;
    assert!(messages.starts_with("post /anthropic/v1/messages "), "{messages}");
    assert!(messages.contains("x-api-key: sk-1\r\n") && !messages.contains("authorization"), "{messages}");
}

#[tokio::test]
async fn bedrock_is_signed_and_its_secret_stays_here() {
    let none = HeaderMap::new();
    let model = "amazon.nova-lite-v1:0";
    let request = seen("bedrock", "AKIA1:canary-secret", Dialect::BedrockConverse, model, &none, true).await;
    let line = "post /v1/model/amazon.nova-lite-v1%3a0/converse-stream http/1.1\r\n";
    assert!(request.starts_with(line), "{request}");
    assert!(request.contains("credential=akia1/20261122/us-east-1/bedrock/aws4_request"), "{request}");
    assert!(
        request.contains("x-amz-date: 20261122t") && request.contains("accept: application/vnd.amazon.eventstream")
    );
    assert!(!request.contains("canary"), "{request}");
    let bearer = seen("bedrock", "ABSKkey", Dialect::BedrockConverse, model, &none, false).await;
    assert!(bearer.contains("authorization: bearer abskkey\r\n"), "{bearer}");
}

#[tokio::test]
async fn vertex_fetches_a_token_once_and_calls_with_it() {
    let token = json("200 OK", r#"{"access_token":"ya29.x","expires_in":3600,"token_type":"Bearer"}"#);
    let acts = [Act::Answer(token)].into_iter().chain(answers(2)).collect();
    let mut server = Scripted::start(acts).await;
    let target = provider(&server, "vertex", &account(&format!("http://127.0.0.1:{}/token", server.port)));
    let endpoint = catalog::kind("vertex").unwrap().endpoint(Serves::Conversation(Dialect::Anthropic), "claude-x");
    let endpoint = endpoint.unwrap();
    let (path, none, client) = (endpoint.path_for("claude-x", false), HeaderMap::new(), client());
    for _ in 0..2 {
        let call = Call::post(&path, Bytes::from_static(b"{}"), &none, false, PATIENT).to_endpoint(endpoint);
        client.call(&target, call, TODAY).await.unwrap().body.read_all(10).await.unwrap();
    }
    let exchange = server.next_request().await;
    assert!(exchange.starts_with("POST /token ") && exchange.contains("&assertion=ey"), "{exchange}");
    for _ in 0..2 {
        let call = server.next_request().await;
        assert!(call.starts_with("POST /v1/publishers/anthropic/models/claude-x:rawPredict "), "{call}");
        assert!(call.contains("authorization: Bearer ya29.x\r\n") && !call.contains("assertion"), "{call}");
    }
    assert!(!format!("{client:?} {target:?}").contains("ya29"));
}

#[tokio::test]
async fn a_refused_account_is_a_fault_of_the_credential_and_costs_nothing() {
    for (status, body, words) in [
        (
            "400 Bad Request",
            r#"{"error":"invalid_grant","error_description":"Invalid JWT Signature."}"#,
            "invalid_grant",
        ),
        ("500 Internal Server Error", "<html>", "out of order"),
        ("200 OK", "{}", "sent no token"),
    ] {
        let server = Scripted::start(vec![Act::Answer(json(status, body))]).await;
        let target = provider(&server, "vertex", &account(&format!("http://127.0.0.1:{}/token", server.port)));
        let error = error_of(&target).await;
        assert!(matches!(&error, CallError::CredentialUnavailable(why) if why.contains(words)), "{error:?}");
        assert!(!error.may_have_run());
    }
}

#[tokio::test]
async fn a_body_of_another_type_and_a_query_are_sent_as_they_are() {
    let mut server = Scripted::start(answers(1)).await;
    let none = HeaderMap::new();
    let call = Call {
        content_type: HeaderValue::from_static("multipart/form-data; boundary=x"),
        query: Some("beta=true"),
        ..Call::post("/audio/transcriptions?a=1", Bytes::from_static(b"--x--"), &none, false, PATIENT)
    };
    client().call(&server.target(), call, TODAY).await.unwrap();
    let request = server.next_request().await;
    assert!(request.starts_with("POST /v1/audio/transcriptions?a=1&beta=true HTTP/1.1\r\n"), "{request}");
    assert!(request.contains("content-type: multipart/form-data; boundary=x\r\n") && request.contains("accept: */*"));
}

#[tokio::test]
async fn amazons_frames_are_a_stream_and_pass_as_bytes() {
    let head = "HTTP/1.1 200 OK\r\ncontent-type: application/vnd.amazon.eventstream\r\ncontent-length: 4\r\n\r\n";
    let server = Scripted::start(vec![Act::Answer(format!("{head}\0\0\0\u{1}"))]).await;
    let answer = post(&client(), &server.target(), PATIENT).await.unwrap();
    assert!(answer.is_event_stream());
    assert_eq!(answer.body.read_all(10).await.unwrap(), b"\0\0\0\x01".as_slice());
}
