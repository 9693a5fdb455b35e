//! Virtual keys: made once, shown once, revoked at once.

use std::sync::Arc;
use std::time::Duration;

use megarouter_domain::access::authenticate;
use megarouter_domain::clock::Clock as _;
use serde_json::{Value, json};

use crate::kit::{Kit, SLOW_VARIABLE, Upstream};

fn works(kit: &Kit, created: &Value) -> bool {
    let snapshot = kit.context.gateway.snapshot();
    authenticate(&snapshot, created["secret"].as_str().unwrap(), kit.clock.now()).is_ok()
}

#[tokio::test]
async fn a_key_works_until_it_is_revoked() {
    let kit = Kit::start().await;
    let created = kit.post("/keys", json!({"name": " My app "})).await;
    let key = &created["key"];
    assert_eq!((&key["name"], &key["models"], &key["state"]), (&json!("My app"), &Value::Null, &json!("active")));
    assert_eq!(key["flags"], json!(["no_expiry", "all_models"]));
    assert!(created["secret"].as_str().unwrap().starts_with("mr-"));
    assert!(works(&kit, &created));
    let path = format!("/keys/{}/revoke", key["id"].as_str().unwrap());
    let (status, revoked) = kit.call("POST", &path, None).await;
    assert_eq!((status.as_u16(), &revoked["state"], &revoked["flags"]), (200, &json!("revoked"), &json!([])));
    assert!(!works(&kit, &created), "before the answer is sent");
    kit.clock.turn(Duration::from_secs(60));
    assert_eq!(kit.call("POST", &path, None).await.1["revoked_at"], revoked["revoked_at"], "the first time counts");
    kit.post("/keys", json!({"name": "My app"})).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_revocation_waits_for_no_keychain() {
    let kit = Arc::new(Kit::start().await);
    let created = kit.post("/keys", json!({"name": "app"})).await;
    let slow =
        json!({"name": "slow", "kind": "openai", "credential": {"source": "environment", "variable": SLOW_VARIABLE}});
    let adding = tokio::spawn({
        let kit = Arc::clone(&kit);
        async move { kit.post("/providers", slow).await }
    });
    let gate = Arc::clone(&kit.gate);
    tokio::task::spawn_blocking(move || gate.until_read()).await.unwrap();
    let path = format!("/keys/{}/revoke", created["key"]["id"].as_str().unwrap());
    assert_eq!(kit.call("POST", &path, None).await.0, 200);
    assert!(!works(&kit, &created) && !adding.is_finished());
    kit.gate.open();
    assert_eq!(adding.await.unwrap()["credential"]["state"], "ready");
    assert!(!works(&kit, &created));
}

#[tokio::test]
async fn models_and_expiry_are_shown_as_they_were_given() {
    let kit = Kit::start().await;
    let upstream = Upstream::start("sk-one").await;
    kit.with_model(&upstream, "m", None).await;
    let created =
        kit.post("/keys", json!({"name": "app", "models": ["m"], "expires_at": "2027-01-01T00:00:00+01:00"})).await;
    assert_eq!(
        (&created["key"]["models"], &created["key"]["expires_at"]),
        (&json!(["m"]), &json!("2026-12-31T23:00:00.000000Z"))
    );
    assert_eq!(created["key"]["flags"], json!([]));
    kit.clock.turn(Duration::from_secs(60 * 24 * 60 * 60));
    let keys = kit.get("/keys").await;
    let key = keys.as_array().unwrap().iter().find(|key| key["id"] == created["key"]["id"]).unwrap();
    assert_eq!(key["state"], "expired");
}

#[tokio::test]
async fn a_key_that_lies_about_is_flagged() {
    let kit = Kit::start().await;
    kit.post("/keys", json!({"name": "app"})).await;
    kit.clock.turn(Duration::from_secs(31 * 24 * 60 * 60));
    let keys = kit.get("/keys").await;
    let flags =
        |builtin: bool| &keys.as_array().unwrap().iter().find(|key| key["is_builtin"] == builtin).unwrap()["flags"];
    assert_eq!(*flags(false), json!(["unused_30_days", "no_expiry", "all_models"]));
    assert_eq!(*flags(true), json!([]));
}

#[tokio::test]
async fn what_makes_no_useful_key_is_refused() {
    let kit = Kit::start().await;
    kit.post("/keys", json!({"name": "app"})).await;
    for (body, code, field) in [
        (json!({"name": "app"}), "key.name_taken", "name"),
        (json!({"name": "  "}), "key.name_invalid", "name"),
        (json!({"name": "x", "models": []}), "key.models_empty", "models"),
        (json!({"name": "x", "models": ["nobody"]}), "key.model_unknown", "models"),
        (json!({"name": "x", "expires_at": "2020-01-01T00:00:00Z"}), "key.expiry_past", "expires_at"),
        (json!({"name": "x", "expires_at": "tomorrow"}), "request.invalid", "expires_at"),
        (json!({"name": "x", "secret": "mine"}), "request.invalid", "secret"),
        (json!({}), "request.invalid", "name"),
    ] {
        let (_, found, blamed) = kit.refused("POST", "/keys", body.clone()).await;
        assert_eq!((found.as_str(), blamed.as_str()), (code, Some(field)), "{body}");
    }
}

#[tokio::test]
async fn the_playgrounds_key_cannot_be_revoked() {
    let kit = Kit::start().await;
    let keys = kit.get("/keys").await;
    assert_eq!((keys.as_array().unwrap().len(), &keys[0]["is_builtin"]), (1, &json!(true)));
    let path = format!("/keys/{}/revoke", keys[0]["id"].as_str().unwrap());
    let (status, code, _) = kit.refused("POST", &path, Value::Null).await;
    assert_eq!((status, code.as_str()), (409, "key.builtin"));
    let nobody = "/keys/019a0000-0000-7000-8000-000000000000/revoke";
    assert_eq!(kit.refused("POST", nobody, Value::Null).await.1, "key.not_found");
}
