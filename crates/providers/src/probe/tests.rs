//! Against real sockets: what a person is told.

use super::*;
use crate::client::ClientOptions;
use crate::scripted::{Act, LIST, Scripted, json, target};

const NOW: Timestamp = Timestamp::from_micros(1_795_356_000_000_000);

fn client() -> Client {
    Client::new(&ClientOptions::default()).unwrap()
}

async fn found(status: &str, body: &str) -> Diagnosis {
    let server = Scripted::start(vec![Act::Answer(json(status, body))]).await;
    test(&client(), &server.target(), None, NOW).await
}

#[tokio::test]
async fn a_list_of_models_is_a_good_provider() {
    let mut server = Scripted::start(vec![Act::Answer(json("200 OK", LIST))]).await;
    let diagnosis = test(&client(), &server.target(), None, NOW).await;
    assert!(diagnosis.is_ok() && diagnosis.latency.is_some());
    let ids: Vec<&str> = diagnosis.models.iter().map(|model| model.id.as_str()).collect();
    assert_eq!((diagnosis.status, ids), (Some(200), vec!["a", "b"]));
    assert!(server.next_request().await.starts_with("GET /v1/models "));
    assert!(found("200 OK", r#"[{"id":"a"}]"#).await.is_ok());
    assert!(found("200 OK", r#"{"data":[]}"#).await.is_ok());
}

#[tokio::test]
async fn every_fault_has_a_code_and_a_next_step() {
    let wrong_key = r#"{"error":{"message":"bad key sk-canary"}}"#;
    for (status, body, problem) in [
        ("401 Unauthorized", wrong_key, Problem::CredentialRejected),
        ("403 Forbidden", "", Problem::CredentialRejected),
        ("402 Payment Required", "", Problem::QuotaExhausted),
        ("429 Too Many Requests", "", Problem::QuotaExhausted),
        ("404 Not Found", "<html>", Problem::PathNotFound),
        ("301 Moved Permanently", "", Problem::PathNotFound),
        ("500 Internal Server Error", "", Problem::UpstreamError),
        ("200 OK", "<html>", Problem::AnswerMalformed),
        ("200 OK", "{}", Problem::AnswerMalformed),
    ] {
        let diagnosis = found(status, body).await;
        assert_eq!(diagnosis.problem, Some(problem), "{status}");
        assert!(diagnosis.next_step.is_some() && diagnosis.status.is_some(), "{status}");
        assert!(!diagnosis.message.contains("canary"), "{}", diagnosis.message);
    }
}

#[tokio::test]
async fn faults_without_an_answer_are_told_apart() {
    let at = |base_url: &str| {
        let target = target(base_url);
        async move { test(&client(), &target, None, NOW).await }
    };
    let refused = at("http://127.0.0.1:1/v1").await;
    assert_eq!((refused.problem, refused.status), (Some(Problem::ConnectRefused), None));
    assert_eq!(refused.message, "The provider's host refused the connection.");
    assert_eq!(at("http://example.com/v1").await.problem, Some(Problem::AddressRefused));
}

#[tokio::test]
async fn a_public_list_does_not_prove_a_credential() {
    let refused = json("401 Unauthorized", r#"{"error":{"message":"No auth credentials found"}}"#);
    let mut server = Scripted::start(vec![Act::Answer(json("200 OK", LIST)), Act::Answer(refused)]).await;
    let mut target = server.target();
    target.provider.kind = "openrouter".to_owned();
    assert_eq!(test(&client(), &target, None, NOW).await.problem, Some(Problem::CredentialRejected));
    assert!(server.next_request().await.starts_with("GET /v1/models "));
    assert!(server.next_request().await.starts_with("GET /v1/key "));
}

/// A provider of a kind at a server that plays these answers.
async fn at(kind: &str, answers: &[(&str, &str)]) -> (Scripted, Target) {
    let acts = answers.iter().map(|(status, body)| Act::Answer(json(status, body))).collect();
    let server = Scripted::start(acts).await;
    let mut target = server.target();
    kind.clone_into(&mut target.provider.kind);
    (server, target)
}

#[tokio::test]
async fn every_shape_of_list_is_asked_for_where_it_is() {
    for (kind, path, list) in [
        (
            "anthropic",
            "GET /v1/models?limit=1000 ",
            r#"{"data":[{"type":"model","id":"claude-x","display_name":"X"}]}"#,
        ),
        ("gemini", "GET /v1/models?pageSize=1000 ", r#"{"models":[{"name":"models/claude-x","inputTokenLimit":7}]}"#),
        ("cohere", "GET /v1/models?page_size=1000 ", r#"{"models":[{"name":"claude-x"}]}"#),
        ("bedrock", "GET /v1/foundation-models ", r#"{"modelSummaries":[{"modelId":"claude-x"}]}"#),
        ("cloudflare", "GET /v1/models/search?per_page=1000 ", r#"{"result":[{"name":"claude-x"}]}"#),
        ("together", "GET /v1/models ", r#"[{"id":"claude-x","context_length":8}]"#),
        ("azure_deployments", "GET /v1/models?api-version=2024-10-21 ", r#"{"data":[{"id":"claude-x"}]}"#),
    ] {
        let (mut server, target) = at(kind, &[("200 OK", list)]).await;
        let diagnosis = test(&client(), &target, None, NOW).await;
        assert!(diagnosis.is_ok(), "{kind}: {}", diagnosis.message);
        assert_eq!(diagnosis.models[0].id, "claude-x", "{kind}");
        let request = server.next_request().await;
        assert!(request.starts_with(path), "{kind}: {request}");
    }
}

#[tokio::test]
async fn a_named_model_is_asked_in_its_own_dialect() {
    let list = r#"{"data":[{"id":"claude-x"}]}"#;
    let (mut server, target) = at("anthropic", &[("200 OK", list), ("200 OK", "{}")]).await;
    let diagnosis = test(&client(), &target, Some("claude-x"), NOW).await;
    assert!(diagnosis.is_ok() && diagnosis.message.contains("claude-x"), "{}", diagnosis.message);
    assert_eq!(diagnosis.models.len(), 1);
    server.next_request().await;
    let asked = server.next_request().await;
    assert!(asked.starts_with("POST /v1/messages ") && asked.contains(r#""model":"claude-x""#), "{asked}");
}

#[tokio::test]
async fn what_is_wrong_with_a_model_is_told_apart() {
    let list = r#"{"data":[]}"#;
    for (status, body, problem) in [
        (
            "404 Not Found",
            r#"{"type":"error","error":{"type":"not_found_error","message":"model: x"}}"#,
            Problem::ModelNotFound,
        ),
        (
            "400 Bad Request",
            r#"{"error":{"message":"The model `x` does not exist","code":"model_not_found"}}"#,
            Problem::ModelNotFound,
        ),
        (
            "400 Bad Request",
            r#"{"error":{"message":"Your credit balance is too low to access"}}"#,
            Problem::QuotaExhausted,
        ),
        ("429 Too Many Requests", "", Problem::QuotaExhausted),
        ("404 Not Found", "<html>", Problem::PathNotFound),
        ("529 Overloaded", r#"{"error":{"type":"overloaded_error","message":"Overloaded"}}"#, Problem::UpstreamError),
    ] {
        let (_server, target) = at("anthropic", &[("200 OK", list), (status, body)]).await;
        let diagnosis = test(&client(), &target, Some("x"), NOW).await;
        assert_eq!(diagnosis.problem, Some(problem), "{status} {body}: {}", diagnosis.message);
    }
}

#[tokio::test]
async fn a_provider_without_a_list_shows_whether_it_knows_the_key() {
    let unknown = r#"{"error":{"message":"model megarouter-test not found"}}"#;
    for (status, body, problem) in [
        ("400 Bad Request", unknown, None),
        ("404 Not Found", unknown, None),
        ("422 Unprocessable Entity", r#"{"detail":"bad model"}"#, None),
        ("401 Unauthorized", r#"{"detail":"Forbidden"}"#, Some(Problem::CredentialRejected)),
        ("404 Not Found", "<html>", Some(Problem::PathNotFound)),
    ] {
        let (mut server, target) = at("ai21", &[(status, body)]).await;
        let diagnosis = test(&client(), &target, None, NOW).await;
        assert_eq!(diagnosis.problem, problem, "{status}: {}", diagnosis.message);
        assert!(server.next_request().await.starts_with("POST /v1/chat/completions "));
    }
}

#[tokio::test]
async fn a_list_that_is_missing_does_not_keep_a_model_from_being_asked() {
    let (_server, target) = at("openai_compatible", &[("404 Not Found", "no"), ("200 OK", "{}")]).await;
    assert!(test(&client(), &target, Some("x"), NOW).await.is_ok());
    let (mut server, target) = at("openai_compatible", &[("401 Unauthorized", "no"), ("200 OK", "{}")]).await;
    assert_eq!(test(&client(), &target, Some("x"), NOW).await.problem, Some(Problem::CredentialRejected));
    server.next_request().await;
    assert!(server.so_far().is_empty());
}
