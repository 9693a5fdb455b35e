//! What goes wrong, and how the client is told: in OpenAI's shape, with a status that agrees.

use megarouter_tests::client;
use megarouter_tests::mock_provider::{Content, DEFAULT_MODEL, MockProvider, Script};
use megarouter_tests::raw_http;
use megarouter_tests::setup::Setup;
use megarouter_tests::world::{PROVIDER, World, request_id};
use reqwest::Response;
use serde_json::{Value, json};

/// Checks everything that all errors have in common and returns the error object.
async fn error_of(answer: Response, status: u16) -> Value {
    assert_eq!(answer.status().as_u16(), status);
    assert!(!request_id(answer.headers()).is_empty());
    assert_eq!(answer.headers()["content-type"], "application/json");
    let body: Value = answer.json().await.unwrap();
    let error = &body["error"];
    let names: Vec<&str> = error.as_object().unwrap().keys().map(String::as_str).collect();
    for name in ["message", "type", "param", "code"] {
        assert!(names.contains(&name), "{name} is missing: {body}");
    }
    assert!(!error["message"].as_str().unwrap().is_empty());
    let kind = match status {
        401 => "authentication_error",
        403 => "permission_error",
        429 => "rate_limit_error",
        400..=499 => "invalid_request_error",
        _ => "server_error",
    };
    assert_eq!(error["type"], kind);
    error.clone()
}

#[tokio::test]
async fn a_request_without_a_good_key_is_refused_alike_whatever_is_wrong() {
    let world = World::start().await.unwrap();
    let revoked = world.program.install().create_key("to be revoked").unwrap();
    world.program.install().run(&["key", "revoke", "to be revoked"]).unwrap();
    let url = world.program.url("/v1/chat/completions");
    let mut bodies = Vec::new();
    for key in ["mr-unknown", "", "' OR 1=1 --", &revoked] {
        let answer =
            world.http.post(&url).bearer_auth(key).json(&client::chat_body(DEFAULT_MODEL)).send().await.unwrap();
        let error = error_of(answer, 401).await;
        assert_eq!(error["code"], "invalid_api_key");
        bodies.push(error);
    }
    assert_eq!(bodies[0], bodies[3], "a revoked key can be told from an unknown one");
    assert!(!bodies[0].to_string().contains("mr-unknown"), "the key is in the error");
    let answer = world.http.post(&url).json(&client::chat_body(DEFAULT_MODEL)).send().await.unwrap();
    error_of(answer, 401).await;
    assert!(world.mock.calls().is_empty(), "a refused request reached the provider");
}

#[tokio::test]
async fn unknown_and_forbidden_models_are_told_apart() {
    let world = World::with([("red", Script::default()), ("blue", Script::default())]).await.unwrap();
    let error = error_of(world.chat("green").await.unwrap(), 404).await;
    assert_eq!(error["code"], "model_not_found");
    let key = world.program.install().create_key_for("blue only", &["blue"]).unwrap();
    let url = world.program.url("/v1/chat/completions");
    let answer = world.http.post(&url).bearer_auth(&key).json(&client::chat_body("red")).send().await.unwrap();
    error_of(answer, 403).await;
    assert!(world.mock.calls().is_empty());
}

#[tokio::test]
async fn bad_bodies_are_refused_before_any_provider_sees_them() {
    let world = World::start().await.unwrap();
    let bad = [
        "",
        "{",
        "[]",
        "null",
        "\"text\"",
        "{\"model\":\"mock-small\",}",
        "{\"messages\":[]}",
        "{\"model\":5,\"messages\":[]}",
        "{\"model\":\"mock-small\",\"model\":\"other\",\"messages\":[]}",
        "{\"model\":\"mock-small\",\"messages\":[],\"stream\":\"yes\"}",
        "{\"model\":\"mock-small\",\"messages\":[{\"role\":\"user\",\"content\":\"a\"}],\"max_tokens\":0}",
        "{\"model\":\"mock-small\",\"messages\":[{\"role\":\"user\",\"content\":\"a\"}],\"max_tokens\":-5}",
    ];
    for body in bad {
        let answer = world.post_text("/v1/chat/completions", body).await.unwrap();
        assert_eq!(answer.status(), 400, "{body}");
        error_of(answer, 400).await;
    }
    assert!(world.mock.calls().is_empty());
}

#[tokio::test]
async fn a_body_over_the_limit_is_refused_and_one_at_the_limit_is_not() {
    let world = World::with_arguments([(DEFAULT_MODEL, Script::default())], &["--body-bytes", "4096"]).await.unwrap();
    let body_of = |length: usize| {
        let mut body = client::chat_body(DEFAULT_MODEL);
        let rest = length - body.to_string().len() - r#","pad":"""#.len();
        body["pad"] = json!("x".repeat(rest));
        body.to_string()
    };
    let answer = world.post_text("/v1/chat/completions", body_of(4096)).await.unwrap();
    assert_eq!(answer.status(), 200);
    let answer = world.post_text("/v1/chat/completions", body_of(4097)).await.unwrap();
    error_of(answer, 413).await;
    let chunks = (0..5).map(|_| Ok::<_, std::io::Error>("x".repeat(1024)));
    let body = reqwest::Body::wrap_stream(futures_util::stream::iter(chunks));
    let answer = world.post_text("/v1/chat/completions", body).await.unwrap();
    error_of(answer, 413).await;
    assert_eq!(world.mock.calls().len(), 1);
}

#[tokio::test]
async fn paths_and_methods_that_do_not_exist_are_told_in_the_same_shape() {
    let world = World::start().await.unwrap();
    error_of(world.get("/v1/no/such/path").await.unwrap(), 404).await;
    error_of(world.get("/v1/chat/completions").await.unwrap(), 405).await;
    error_of(world.post("/v1/models", &json!({})).await.unwrap(), 405).await;
}

#[tokio::test]
async fn a_providers_nonsense_is_never_a_success() {
    let nonsense = [Content::Html, Content::Empty, Content::BrokenJson, Content::OtherJson];
    let world = World::start().await.unwrap();
    for content in nonsense {
        for is_streaming in [false, true] {
            world.mock.script(DEFAULT_MODEL, Script { content: content.clone(), ..Script::default() });
            let answer = if is_streaming {
                world.stream(DEFAULT_MODEL, false).await.unwrap()
            } else {
                world.chat(DEFAULT_MODEL).await.unwrap()
            };
            let head = answer.headers().clone();
            assert_eq!(answer.status(), 502, "{content:?}, streaming: {is_streaming}");
            error_of(answer, 502).await;
            let record = world.record_of(&head).await.unwrap();
            assert_eq!(record["outcome"], "failed", "{content:?}");
        }
    }
}

#[tokio::test]
async fn a_providers_own_fault_is_a_bad_gateway() {
    let world = World::start().await.unwrap();
    for status in [500, 502, 503, 529] {
        world.mock.script(DEFAULT_MODEL, Script::error(status));
        let answer = world.chat(DEFAULT_MODEL).await.unwrap();
        assert!([502, 503].contains(&answer.status().as_u16()), "{status} became {}", answer.status());
        let status = answer.status().as_u16();
        error_of(answer, status).await;
    }
}

#[tokio::test]
async fn a_provider_that_refuses_our_credential_does_not_blame_the_clients_key() {
    let world = World::start().await.unwrap();
    world.mock.require_credential("sk-the-right-one");
    error_of(world.chat(DEFAULT_MODEL).await.unwrap(), 502).await;
}

#[tokio::test]
async fn a_providers_refusal_of_the_request_goes_back_word_for_word() {
    let text = r#"{ "error": {"message":"maximum context length is 8 tokens","type":"invalid_request_error","param":"messages","code":"context_length_exceeded","extra":1} }"#;
    let script = Script { status: 400, content: Content::Text(text.to_owned()), ..Script::default() };
    let world = World::with([(DEFAULT_MODEL, script)]).await.unwrap();
    for is_streaming in [false, true] {
        let answer = if is_streaming {
            world.stream(DEFAULT_MODEL, false).await.unwrap()
        } else {
            world.chat(DEFAULT_MODEL).await.unwrap()
        };
        let head = answer.headers().clone();
        assert_eq!(answer.status(), 400);
        assert_eq!(answer.text().await.unwrap(), text);
        let record = world.record_of(&head).await.unwrap();
        assert_eq!(record["attempts"], 1, "a request that cannot work was tried again");
    }
}

#[tokio::test]
async fn an_unreachable_provider_is_a_bad_gateway_at_once() {
    let mock = MockProvider::start().await.unwrap();
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let setup =
        Setup::new().provider(PROVIDER, &format!("http://{closed}/v1")).model(DEFAULT_MODEL, &[PROVIDER], "1", "1");
    let world = World::of(mock, &setup, &[]).unwrap();
    let answer = world.chat(DEFAULT_MODEL).await.unwrap();
    let head = answer.headers().clone();
    error_of(answer, 502).await;
    let record = world.record_of(&head).await.unwrap();
    assert!(record["attempt_list"].as_array().unwrap().iter().all(|attempt| attempt["resolution"] == "voided"));
    assert_eq!(record["cost"], json!({"state": "not_billable", "amount": "0"}));
}

#[tokio::test]
async fn a_provider_that_does_not_answer_in_time_is_a_gateway_timeout() {
    let script = Script { first_byte_ms: 60_000, ..Script::default() };
    let world = World::with_arguments([(DEFAULT_MODEL, script)], &["--answer-seconds", "1"]).await.unwrap();
    let answer = world.stream(DEFAULT_MODEL, false).await.unwrap();
    error_of(answer, 504).await;
    let calls = world.mock.wait_for("the abandoned call's end", |calls| calls.iter().all(|it| it.end.is_some())).await;
    assert!(calls.iter().all(|call| call.closed_at().is_some()), "the late call was left open");
}

#[tokio::test]
async fn a_head_over_the_limits_is_refused() {
    let world = World::start().await.unwrap();
    let address = world.program.proxy();
    let head =
        |filler: &str| format!("GET /v1/models HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n{filler}\r\n");
    let many = "x: y\r\n".repeat(101);
    let large = format!("x: {}\r\n", "y".repeat(70_000));
    for filler in [many, large] {
        let answer = raw_http::send(address, head(&filler).as_bytes()).await.unwrap();
        assert_eq!(answer.status, 431, "{}", answer.head);
    }
}
