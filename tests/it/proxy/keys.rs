//! Keys: several at once, and their end.

use futures_util::future::join_all;
use megarouter_tests::client;
use megarouter_tests::mock_provider::DEFAULT_MODEL;
use megarouter_tests::world::World;
use serde_json::json;

#[tokio::test]
async fn ten_keys_at_once_are_each_charged_for_their_own() {
    const KEYS: usize = 10;
    const REQUESTS: usize = 6;
    let world = World::start().await.unwrap();
    let keys: Vec<String> =
        (0..KEYS).map(|index| world.program.install().create_key(&format!("app {index}")).unwrap()).collect();
    let url = world.program.url("/v1/chat/completions");
    let send = |key: String, number: usize| {
        let body = if number.is_multiple_of(2) {
            client::chat_body(DEFAULT_MODEL)
        } else {
            client::stream_body(DEFAULT_MODEL, false)
        };
        let request = world.http.post(&url).bearer_auth(key).json(&body);
        async move {
            let answer = request.send().await.unwrap();
            assert_eq!(answer.status(), 200);
            answer.bytes().await.unwrap();
        }
    };
    join_all(keys.iter().flat_map(|key| (0..REQUESTS).map(|number| send(key.clone(), number)))).await;
    let rows = world.control.requests_once_there_are(KEYS * REQUESTS).await.unwrap();
    assert_eq!(rows.len(), KEYS * REQUESTS);
    for index in 0..KEYS {
        let name = format!("app {index}");
        assert_eq!(rows.iter().filter(|row| row["key_name"] == name).count(), REQUESTS, "{name}");
    }
    let total: u64 = rows.iter().map(|row| row["usage"]["total_output"].as_u64().unwrap()).sum();
    assert_eq!(total, world.mock.totals().tokens.completion);
}

#[tokio::test]
async fn a_revoked_key_is_refused_at_once_and_a_new_one_works_at_once() {
    let world = World::start().await.unwrap();
    let install = world.program.install();
    let key = install.create_key("short-lived").unwrap();
    let url = world.program.url("/v1/chat/completions");
    let status = async || {
        let request = world.http.post(&url).bearer_auth(&key).json(&client::chat_body(DEFAULT_MODEL));
        request.send().await.unwrap().status().as_u16()
    };
    assert_eq!(status().await, 200);
    install.run(&["key", "revoke", "short-lived"]).unwrap();
    assert_eq!(status().await, 401);
}

#[tokio::test]
async fn a_key_is_shown_once_and_stored_nowhere() {
    let world = World::start().await.unwrap();
    let key = &world.key;
    assert_eq!(world.chat(DEFAULT_MODEL).await.unwrap().status(), 200);
    let list = world.control.get("/keys").await.unwrap();
    assert!(!list.to_string().contains(key.as_str()));
    assert_eq!(list[0]["state"], json!("active"));
    let install = world.program.install();
    assert!(!install.run(&["key", "list"]).unwrap().contains(key.as_str()));
    for file in std::fs::read_dir(install.data_folder()).unwrap().flatten() {
        let bytes = std::fs::read(file.path()).unwrap_or_default();
        let has_key = bytes.windows(key.len()).any(|window| window == key.as_bytes());
        assert!(!has_key, "the key is in {}", file.path().display());
    }
}
