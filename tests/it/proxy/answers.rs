//! Whole answers: what reaches the provider, what comes back, what is booked.

use megarouter_tests::client;
use megarouter_tests::mock_provider::{DEFAULT_MODEL, MockProvider, Script, UsagePlacement};
use megarouter_tests::setup::Setup;
use megarouter_tests::world::{NANOS_PER_TOKEN, PROVIDER, World, request_id};
use serde_json::{Value, json};

/// JSON as no serialiser would write it: spaces, number forms, escapes, fields nobody knows.
const PECULIAR: &str = "{ \"temperature\":1.0,\n\t\"x_new\" : {\"deep\":[1e3, 2.50, \"\\u00e9\\/\"]},\"model\" :\"MODEL\" ,\
    \"messages\":[{\"role\":\"user\",\"content\":\"h\u{e9}llo \\ud83d\\ude00\", \"name\":null}], \"seed\":9007199254740993,\"messages2\":{} }";

#[tokio::test]
async fn passes_a_body_on_byte_for_byte_but_for_the_models_name() {
    let mock = MockProvider::start().await.unwrap();
    let deployment =
        json!({"provider": PROVIDER, "upstream_model": DEFAULT_MODEL, "price": {"input": "1", "output": "1"}});
    let model = json!({"name": "house/model-of-many/names", "aliases": ["quick"], "deployments": [deployment]});
    let setup = Setup::new().provider(PROVIDER, &mock.base_url()).model_with(model);
    let world = World::of(mock, &setup, &[]).unwrap();
    for name in ["house/model-of-many/names", "quick"] {
        let sent = PECULIAR.replace("MODEL", name);
        let answer = world.post_text("/v1/chat/completions", sent).await.unwrap();
        assert_eq!(answer.status(), 200, "{}", answer.text().await.unwrap());
        let call = world.mock.calls().pop().unwrap();
        assert_eq!(String::from_utf8_lossy(&call.body), PECULIAR.replace("MODEL", DEFAULT_MODEL));
        assert_eq!(call.path, "/v1/chat/completions");
        assert_eq!(call.header("authorization"), None, "the client's key went to the provider");
    }
}

#[tokio::test]
async fn passes_an_answer_back_byte_for_byte() {
    let script =
        Script::default().header("set-cookie", "a=b").header("location", "http://evil.example").header("x-secret", "1");
    let world = World::with([(DEFAULT_MODEL, script)]).await.unwrap();
    let answer = world.chat(DEFAULT_MODEL).await.unwrap();
    let head = answer.headers().clone();
    let body = answer.bytes().await.unwrap();
    let call = world.mock.calls().pop().unwrap();
    assert_eq!(body, call.answer);
    assert_eq!(head["content-type"], "application/json");
    assert_ne!(request_id(&head), "mock-0", "the provider's id took the place of ours");
    for name in ["set-cookie", "location", "x-secret", "access-control-allow-origin"] {
        assert!(!head.contains_key(name), "{name} came through");
    }
}

#[tokio::test]
async fn books_usage_by_class_and_its_cost_to_the_nano_dollar() {
    let script = Script {
        prompt_tokens: Some(1_003),
        completion_tokens: Some(77),
        cached_tokens: 1_000,
        reasoning_tokens: 50,
        ..Script::default()
    };
    let world = World::with([(DEFAULT_MODEL, script)]).await.unwrap();
    let answer = world.chat(DEFAULT_MODEL).await.unwrap();
    let record = world.record_of(answer.headers()).await.unwrap();
    let usage = &record["usage"];
    assert_eq!((&usage["input"], &usage["cached_read"]), (&json!(3), &json!(1_000)), "{usage}");
    assert_eq!((&usage["output"], &usage["reasoning"]), (&json!(27), &json!(50)), "{usage}");
    let nanos = 1_003 * NANOS_PER_TOKEN.0 + 77 * NANOS_PER_TOKEN.1;
    assert_eq!(record["cost"], json!({"state": "exact", "amount": nanos.to_string()}));
    assert_eq!(record["usage_source"], "reported");
    assert_eq!(record["outcome"], "completed");
    assert_eq!(record["model"], DEFAULT_MODEL);
    assert_eq!(record["attempt_list"][0]["upstream_request_id"], "mock-0");
    assert_eq!(record["attempt_list"][0]["resolution"], "settled");
}

#[tokio::test]
async fn an_unpriced_model_is_a_visible_unknown_and_not_free() {
    let mock = MockProvider::start().await.unwrap();
    let model =
        json!({"name": DEFAULT_MODEL, "deployments": [{"provider": PROVIDER, "upstream_model": DEFAULT_MODEL}]});
    let setup = Setup::new().provider(PROVIDER, &mock.base_url()).model_with(model);
    let world = World::of(mock, &setup, &[]).unwrap();
    let answer = world.chat(DEFAULT_MODEL).await.unwrap();
    let record = world.record_of(answer.headers()).await.unwrap();
    assert_eq!(record["cost"]["state"], "unknown");
    assert_eq!(record["usage_source"], "reported");
}

#[tokio::test]
async fn an_answer_without_usage_is_estimated_and_says_so() {
    let script = Script { usage: UsagePlacement::Never, ..Script::default() };
    let world = World::with([(DEFAULT_MODEL, script)]).await.unwrap();
    let answer = world.chat(DEFAULT_MODEL).await.unwrap();
    assert_eq!(answer.status(), 200);
    let record = world.record_of(answer.headers()).await.unwrap();
    assert_eq!(record["usage_source"], "estimated", "{record:#}");
    assert_eq!(record["cost"]["state"], "estimated");
    assert!(record["usage"]["total_output"].as_u64().unwrap() > 0);
}

#[tokio::test]
async fn embeddings_pass_through_in_both_encodings_and_are_booked() {
    let world = World::start().await.unwrap();
    for encoding in [json!(null), json!("base64")] {
        let mut body = json!({"model": DEFAULT_MODEL, "input": ["cat", "kitten"]});
        if !encoding.is_null() {
            body["encoding_format"] = encoding.clone();
        }
        let answer = world.post("/v1/embeddings", &body).await.unwrap();
        assert_eq!(answer.status(), 200);
        let head = answer.headers().clone();
        let bytes = answer.bytes().await.unwrap();
        let call = world.mock.calls().pop().unwrap();
        assert_eq!(bytes, call.answer);
        assert_eq!(call.json(), body);
        let record = world.record_of(&head).await.unwrap();
        let tokens = call.reported.unwrap();
        assert_eq!(record["operation"], "embeddings");
        assert_eq!(record["usage"]["total_input"], tokens.prompt);
        assert_eq!(record["cost"]["amount"], (tokens.prompt * NANOS_PER_TOKEN.0).to_string());
    }
}

#[tokio::test]
async fn lists_only_the_models_that_the_key_may_use() {
    let world = World::with([("red", Script::default()), ("blue", Script::default())]).await.unwrap();
    let blue_key = world.program.install().create_key_for("blue only", &["blue"]).unwrap();
    let list = async |key: &str, path: &str| {
        let answer = world.http.get(world.program.url(path)).bearer_auth(key).send().await.unwrap();
        (answer.status().as_u16(), answer.json::<Value>().await.unwrap())
    };
    let names = |list: &Value| -> Vec<String> {
        let mut names: Vec<String> =
            list["data"].as_array().unwrap().iter().map(|model| model["id"].as_str().unwrap().to_owned()).collect();
        names.sort();
        names
    };
    let (_, all) = list(&world.key, "/v1/models").await;
    assert_eq!(names(&all), ["auto", "blue", "red"]);
    assert_eq!(all["object"], "list");
    let (_, some) = list(&blue_key, "/v1/models").await;
    assert_eq!(names(&some), ["auto", "blue"]);
    let model = some["data"].as_array().unwrap().iter().find(|model| model["id"] == "blue").unwrap();
    assert_eq!(model["object"], "model");
    assert!(model["created"].is_u64() && model["owned_by"].is_string(), "{model}");
    assert_eq!(list(&blue_key, "/v1/models/blue").await, (200, model.clone()));
    let (status, error) = list(&blue_key, "/v1/models/red").await;
    assert_eq!((status, &error["error"]["code"]), (404, &json!("model_not_found")));
}

#[tokio::test]
async fn a_model_can_be_asked_for_by_its_provider() {
    let world = World::start().await.unwrap();
    let answer = world.chat(&format!("{PROVIDER}/{DEFAULT_MODEL}")).await.unwrap();
    assert_eq!(answer.status(), 200, "{}", answer.text().await.unwrap());
}

#[tokio::test]
async fn accepts_the_key_in_either_header() {
    let world = World::start().await.unwrap();
    let url = world.program.url("/v1/chat/completions");
    let request = world.http.post(url).header("x-api-key", &world.key).json(&client::chat_body(DEFAULT_MODEL));
    assert_eq!(request.send().await.unwrap().status(), 200);
}

#[tokio::test]
async fn says_that_it_is_well_without_a_key() {
    let world = World::start().await.unwrap();
    for path in ["/healthz", "/readyz"] {
        let answer = world.http.get(world.program.url(path)).send().await.unwrap();
        assert_eq!(answer.status(), 200, "{path}");
    }
}
