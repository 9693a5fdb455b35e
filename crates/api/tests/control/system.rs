//! Status, pause, settings, sessions, and what is not an operation.

use std::time::Duration;

use megarouter_api::context::Listening;
use serde_json::{Value, json};

use crate::kit::{Kit, fixed_port};

#[tokio::test]
async fn the_status_tells_how_everything_is() {
    let kit = Kit::start().await;
    let status = kit.get("/status").await;
    assert_eq!((&status["mode"], &status["proxy"]["state"]), (&json!("serve"), &json!("running")));
    assert_eq!(status["proxy"]["base_url"], "http://127.0.0.1:4180/v1");
    assert_eq!((&status["ledger"]["state"], &status["secret_store"]["kind"]), (&json!("ok"), &json!("encrypted_file")));
    assert_eq!(status["secret_store"]["state"], "ready");
    assert_eq!(status["today"], json!({"cost": {"state": "not_billable", "amount": "0"}, "requests": 0}));
    let listening = Listening { error: Some("port 4180 is taken".to_owned()), ..Listening::default() };
    *kit.host.listening.lock().unwrap() = listening;
    let failed = kit.get("/status").await;
    assert_eq!(
        (&failed["proxy"]["state"], &failed["proxy"]["error"]),
        (&json!("failed"), &json!("port 4180 is taken"))
    );
}

#[tokio::test]
async fn a_pause_ends_by_itself_or_when_told() {
    let kit = Kit::start().await;
    let paused = kit.post("/proxy/pause", json!({"minutes": 15})).await;
    assert_eq!(paused["proxy"]["state"], "paused");
    assert!(paused["proxy"]["paused_until"].is_string());
    kit.clock.turn(Duration::from_secs(15 * 60));
    assert_eq!(kit.get("/status").await["proxy"]["state"], "running");
    let paused = kit.post("/proxy/pause", json!({"minutes": null})).await;
    assert_eq!((&paused["proxy"]["state"], &paused["proxy"]["paused_until"]), (&json!("paused"), &Value::Null));
    let (_, resumed) = kit.call("POST", "/proxy/resume", None).await;
    assert_eq!(resumed["proxy"]["state"], "running");
    for minutes in [0, 10_081] {
        let (_, code, field) = kit.refused("POST", "/proxy/pause", json!({"minutes": minutes})).await;
        assert_eq!((code.as_str(), field.as_str()), ("pause.minutes_invalid", Some("minutes")));
    }
}

#[tokio::test]
async fn settings_are_kept_and_say_when_they_wait() {
    let kit = Kit::start().await;
    let first = json!({"proxy_port": 4180, "proxy_port_in_use": 4180, "keep_running_on_close": null, "catalogue_refresh": null, "unknown_price": "deny",
        "bodies": {"is_on": false, "retention_days": 30, "max_mb": 1024, "redacts": true}, "redaction_patterns": [],
        "savings_baseline": "asked", "probes": false, "needs_restart": false});
    assert_eq!(kit.get("/settings").await, first);
    let (status, changed) = kit
        .call(
            "PATCH",
            "/settings",
            Some(json!({"proxy_port": 5000, "keep_running_on_close": true, "catalogue_refresh": true})),
        )
        .await;
    let mut expected = first;
    for (name, value) in [
        ("proxy_port", json!(5000)),
        ("keep_running_on_close", json!(true)),
        ("catalogue_refresh", json!(true)),
        ("needs_restart", json!(true)),
    ] {
        expected[name] = value;
    }
    assert_eq!((status.as_u16(), &changed), (200, &expected));
    assert_eq!(kit.get("/settings").await, expected);
    assert_eq!(kit.refused("PATCH", "/settings", json!({"proxy_port": 70_000})).await.2, "proxy_port");
}

#[tokio::test]
async fn a_port_that_a_flag_sets_is_not_a_setting() {
    let kit = Kit::start().await;
    *kit.host.listening.lock().unwrap() = fixed_port(9999);
    let settings = kit.get("/settings").await;
    assert_eq!((&settings["proxy_port"], &settings["needs_restart"]), (&json!(9999), &json!(false)));
    let (status, code, field) = kit.refused("PATCH", "/settings", json!({"proxy_port": 5000})).await;
    assert_eq!((status, code.as_str(), field.as_str()), (409, "settings.port_fixed", Some("proxy_port")));
}

#[tokio::test]
async fn a_link_signs_in_once() {
    let kit = Kit::start().await;
    assert_eq!(kit.post("/session", json!({"token": "one-time"})).await["session_token"], "the-session");
    let (status, code, _) = kit.refused("POST", "/session", json!({"token": "one-time"})).await;
    assert_eq!((status, code.as_str()), (401, "session.link_invalid"));
}

#[tokio::test]
async fn other_paths_and_methods_are_refused_in_the_same_shape() {
    let kit = Kit::start().await;
    let (status, code, _) = kit.refused("GET", "/nothing", Value::Null).await;
    assert_eq!((status, code.as_str()), (404, "path.not_found"));
    let (status, code, _) = kit.refused("DELETE", "/status", Value::Null).await;
    assert_eq!((status, code.as_str()), (405, "method.not_allowed"));
}

#[tokio::test]
async fn a_ledger_that_cannot_be_read_is_a_state_of_its_own() {
    let kit = Kit::start().await;
    // Before anything was read: a connection that has the pages in memory would go on answering.
    for file in ["ledger.db", "ledger.db-wal"] {
        std::fs::write(kit.dir.path().join(file), "no database".repeat(1_000)).unwrap();
    }
    let status = kit.get("/status").await;
    assert_eq!(status["today"], Value::Null);
    assert_eq!(status["ledger"]["state"], "unavailable");
    assert!(status["ledger"]["error"].as_str().is_some_and(|error| !error.is_empty()), "{status}");
}
