//! A client that says which of its requests are the same one.

use megarouter_tests::client;
use megarouter_tests::mock_provider::{DEFAULT_MODEL, Script};
use megarouter_tests::world::{World, request_id};
use reqwest::Response;
use serde_json::{Value, json};

async fn ask(world: &World, key: &str, name: &str, body: &Value) -> Response {
    let request = world.http.post(world.program.url("/v1/chat/completions")).bearer_auth(key);
    request.header("idempotency-key", name).json(body).send().await.unwrap()
}

async fn code_of(answer: Response) -> (u16, String, String) {
    let status = answer.status().as_u16();
    let text = answer.text().await.unwrap();
    let error: Value = serde_json::from_str(&text).unwrap();
    (status, error["error"]["code"].as_str().unwrap_or_default().to_owned(), text)
}

#[tokio::test]
async fn a_request_is_sent_once_however_often_its_client_sends_it() {
    let world = World::with([(DEFAULT_MODEL, Script { first_byte_ms: 300, ..Script::default() })]).await.unwrap();
    let other = world.program.install().create_key("other").unwrap();
    let body = client::chat_body(DEFAULT_MODEL);
    // While the first one runs.
    let first = ask(&world, &world.key, "order-1", &body);
    let second = async {
        world.mock.wait_for("the first call", |calls| calls.len() == 1).await;
        ask(&world, &world.key, "order-1", &body).await
    };
    let (first, second) = tokio::join!(first, second);
    assert_eq!(first.status(), 200);
    let id = request_id(first.headers()).to_owned();
    let (status, code, text) = code_of(second).await;
    assert_eq!((status, code.as_str()), (409, "idempotency.conflict"), "{text}");
    // When it is over: the answer is not kept, but the client learns which request it was.
    let (status, code, text) = code_of(ask(&world, &world.key, "order-1", &body).await).await;
    assert_eq!((status, code.as_str()), (409, "idempotency.conflict"));
    assert!(text.contains(&id), "{id} is not in {text}");
    // Another request under the same name is a mistake of the client.
    let mut changed = body.clone();
    changed["temperature"] = json!(0.5);
    let (status, code, text) = code_of(ask(&world, &world.key, "order-1", &changed).await).await;
    assert_eq!((status, code.as_str()), (422, "idempotency.conflict"), "{text}");
    // Names are each key's own.
    assert_eq!(ask(&world, &other, "order-1", &body).await.status(), 200);
    assert_eq!(ask(&world, &world.key, "order-2", &body).await.status(), 200);
    assert_eq!(world.mock.calls().len(), 3);
}
