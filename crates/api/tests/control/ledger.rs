//! The ledger's state, its self-check, backups and corrections.

use serde_json::{Value, json};

use crate::kit::{Kit, Upstream};

async fn with_request() -> (Kit, String) {
    let kit = Kit::start().await;
    let upstream = Upstream::start("sk-one").await;
    kit.with_model(&upstream, "m", Some(json!({"input": "1", "output": "2"}))).await;
    let (_, id, _) = kit.chat("m").await;
    (kit, id)
}

#[tokio::test]
async fn the_self_check_finds_money_exact() {
    let (kit, _) = with_request().await;
    assert_eq!(kit.get("/ledger/verify").await, Value::Null);
    let begun = kit.post("/ledger/verify", json!(null)).await;
    assert!(["running", "passed"].contains(&begun["state"].as_str().unwrap()), "{begun}");
    let ended = loop {
        let now = kit.get("/ledger/verify").await;
        if now["state"] != "running" {
            break now;
        }
        tokio::task::yield_now().await;
    };
    assert_eq!((&ended["state"], &ended["findings"], &ended["faults"]), (&json!("passed"), &json!(0), &json!([])));
    assert_eq!((&ended["requests"], &ended["cost"]), (&json!(1), &json!("20000")));
    assert!(ended["changes"].as_u64().unwrap() >= 2, "provider and model are in the chain");
    let status = kit.get("/ledger").await;
    assert_eq!((&status["verification"], &status["open_holds"]), (&ended, &json!(0)));
    assert!(status["entries"].as_u64().unwrap() >= ended["entries"].as_u64().unwrap());
    assert!(status["size_bytes"].as_u64().unwrap() > 0);
}

#[tokio::test]
async fn a_backup_is_ordered_and_told() {
    let (kit, _) = with_request().await;
    let done = kit.post("/ledger/backup", json!(null)).await;
    assert_eq!((&done["path"], &done["size_bytes"]), (&json!("/data/backup.db"), &json!(4096)));
    assert_eq!(kit.get("/nodes").await, json!({"is_cluster": false, "this": null, "nodes": []}));
    let (status, code, _) = kit.refused("POST", "/nodes/1/release", Value::Null).await;
    assert_eq!((status, code.as_str()), (409, "node.alone"));
}

#[tokio::test]
async fn a_correction_counts_in_budgets_and_stays_visible() {
    let (kit, id) = with_request().await;
    let ladder = json!([{"at_percent": 100, "action": "stop"}]);
    let budget = json!({"scope": {"kind": "organization"}, "measure": "cost", "limit": "1000000", "period": {"kind": "month"}, "ladder": ladder});
    let budget = kit.post("/budgets", budget).await;
    let attempt =
        kit.get(&format!("/requests/{id}")).await["attempt_list"][0]["attempt_id"].as_str().unwrap().to_owned();
    let path = format!("/attempts/{attempt}/adjust");
    let adjusted = kit.post(&path, json!({"amount": "-5000", "reason": "invoice of November"})).await;
    assert_eq!((&adjusted["amount"], &adjusted["cost"]["amount"]), (&json!("-5000"), &json!("15000")));
    let detail = kit.get(&format!("/requests/{id}")).await;
    assert_eq!((&detail["cost"]["amount"], &detail["corrected"]), (&json!("15000"), &json!("-5000")));
    let again = kit.post(&path, json!({"amount": "1000", "reason": "and a fee"})).await;
    assert_eq!(again["cost"]["amount"], "16000");
    let state = &kit.get(&format!("/budgets/{}", budget["id"].as_str().unwrap())).await["state"];
    assert_eq!(state["used"], "16000");
    for (body, code, field) in [
        (json!({"amount": "-16001", "reason": "x"}), "adjustment.amount_invalid", "amount"),
        (json!({"amount": "2000000000000000", "reason": "x"}), "adjustment.amount_invalid", "amount"),
        (json!({"amount": "1e3", "reason": "x"}), "request.invalid", "amount"),
        (json!({"amount": "1", "reason": ""}), "adjustment.reason_invalid", "reason"),
    ] {
        let (_, found, blamed) = kit.refused("POST", &path, body.clone()).await;
        assert_eq!((found.as_str(), blamed.as_str()), (code, Some(field)), "{body}");
    }
    let (status, code, _) = kit.refused("POST", &path, json!({"amount": "0", "reason": "x"})).await;
    assert_eq!((status, code.as_str()), (409, "adjustment.refused"));
    let nobody = "/attempts/019a0000-0000-7000-8000-000000000000/adjust";
    assert_eq!(kit.refused("POST", nobody, json!({"amount": "1", "reason": "x"})).await.1, "attempt.not_found");
}
