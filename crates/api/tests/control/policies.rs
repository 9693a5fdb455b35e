//! Policies: their versions, their text, and what they would do.

use serde_json::{Value, json};

use crate::kit::{Kit, Upstream};

const TEXT: &str = "\
# Nothing dear for small things.
rules:
  - name: Small
    when:
      - size: {at_most: 2000}   # tokens
    strategy: lowest_cost
    candidates: [cheap]
  - name: Rest
    strategy: fixed_order
    candidates: [dear, cheap]
";

async fn kit() -> (Kit, Upstream) {
    let kit = Kit::start().await;
    let upstream = Upstream::start("sk-one").await;
    kit.with_model(&upstream, "cheap", Some(json!({"input": "1", "output": "2"}))).await;
    let price = json!({"rates": {"input": "10", "output": "20"}});
    let deployment = json!({"provider": "fake", "upstream_model": "up-2", "price": price});
    kit.post("/models", json!({"name": "dear", "deployments": [deployment]})).await;
    (kit, upstream)
}

async fn made(kit: &Kit) -> String {
    let policy = kit.post("/policies", json!({"name": "fast", "text": TEXT, "note": "the first"})).await;
    assert_eq!((&policy["live"]["number"], &policy["live"]["text"]), (&json!(1), &json!(TEXT)));
    assert!(policy["live"]["sentences"][0].as_str().unwrap().contains("2000 or less tokens"), "{policy}");
    policy["id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_new_organisation_has_auto() {
    let kit = Kit::start().await;
    let policies = kit.get("/policies").await;
    assert_eq!((&policies[0]["name"], &policies[0]["live"]["is_live"]), (&json!("auto"), &json!(true)));
    assert!(policies[0]["live"]["text"].as_str().unwrap().contains("strategy: learned_utility"), "{policies}");
    assert!(kit.context.gateway.snapshot().policy_for("auto").is_some());
}

#[tokio::test]
async fn every_change_is_a_version_and_can_be_rolled_back() {
    let (kit, _upstream) = kit().await;
    let path = format!("/policies/{}", made(&kit).await);
    let mut body = kit.get(&path).await["live"]["body"].clone();
    body["rules"][1]["route"]["fallbacks"] = json!(["cheap"]);
    let (status, second) = kit.call("PUT", &path, Some(json!({"name": "fast", "body": body, "based_on": 1}))).await;
    assert_eq!((status.as_u16(), &second["live"]["number"]), (200, &json!(2)), "{second}");
    let text = second["live"]["text"].as_str().unwrap();
    assert!(
        text.contains("# Nothing dear") && text.contains("# tokens") && text.contains("fallbacks: [cheap]"),
        "{text}"
    );
    let outdated = kit.refused("PUT", &path, json!({"name": "fast", "text": TEXT, "based_on": 1})).await;
    assert_eq!((outdated.0, outdated.1.as_str()), (409, "policy.outdated"));
    let back = kit.post(&format!("{path}/versions/1/activate"), json!({})).await;
    assert_eq!((&back["live"]["number"], &back["live"]["text"]), (&json!(1), &json!(TEXT)));
    let versions = kit.get(&format!("{path}/versions")).await;
    let told: Vec<_> = versions.as_array().unwrap().iter().map(|it| (&it["number"], &it["is_live"])).collect();
    assert_eq!(told, [(&json!(2), &json!(false)), (&json!(1), &json!(true))]);
    assert_eq!(
        kit.refused("POST", &format!("{path}/versions/9/activate"), json!({})).await.1,
        "policy.version_not_found"
    );
    let (_, archived) = kit.call("DELETE", &path, None).await;
    assert!(archived["archived_at"].is_string());
    assert!(kit.context.gateway.snapshot().policy_for("fast").is_none());
}

#[tokio::test]
async fn a_trial_is_begun_and_ended() {
    let (kit, _upstream) = kit().await;
    let path = format!("/policies/{}/trial", made(&kit).await);
    let draft = TEXT.replace("[dear, cheap]", "[cheap, dear]");
    let (_, tried) = kit.call("PUT", &path, Some(json!({"text": draft, "mode": "canary", "percent": 10}))).await;
    assert_eq!((&tried["trial"]["mode"], &tried["trial"]["percent"]), (&json!("canary"), &json!(10)), "{tried}");
    assert_eq!((&tried["live"]["number"], &tried["trial"]["version"]["number"]), (&json!(1), &json!(2)));
    for (wrong, field) in [
        (json!({"text": draft, "mode": "canary"}), "percent"),
        (json!({"text": draft, "mode": "shadow", "percent": 5}), "percent"),
        (json!({"text": draft, "mode": "canary", "percent": 100}), "percent"),
        (json!({"mode": "shadow"}), "version"),
        (json!({"version": 7, "mode": "shadow"}), "version"),
    ] {
        assert_eq!(kit.refused("PUT", &path, wrong).await.2, field);
    }
    let (_, ended) = kit.call("DELETE", &path, None).await;
    assert_eq!(ended["trial"], Value::Null);
}

#[tokio::test]
async fn what_cannot_be_put_in_force_is_refused() {
    let (kit, _upstream) = kit().await;
    let rules = |rules: Value| json!({"name": "p", "body": {"rules": rules}});
    let open = json!({"route": {"strategy": "fixed_order"}});
    for (wrong, code, field) in [
        (json!({"name": "p"}), "request.invalid", "body"),
        (rules(json!([])), "policy.invalid", "body"),
        (rules(json!([open, open])), "policy.invalid", "body"),
        (rules(json!([{"route": {"strategy": "magic"}}])), "policy.invalid", "body"),
        (
            rules(json!([{"route": {"strategy": "fixed_order", "candidates": [{"model": "nobody"}]}}])),
            "policy.invalid",
            "body",
        ),
        (rules(json!([{"route": {"strategy": "fixed_order", "settings": {"x": 1}}}])), "policy.invalid", "body"),
        (
            rules(json!([{"route": {"strategy": "fixed_order", "bounds": {"quality_permille": 1001}}}])),
            "policy.invalid",
            "body.rules[0].route.bounds.quality_permille",
        ),
        (json!({"name": "cheap", "text": TEXT}), "model.name_taken", "name"),
        (json!({"name": "auto", "text": TEXT}), "policy.name_taken", "name"),
        (json!({"name": "a b", "text": TEXT}), "policy.invalid", "name"),
        (json!({"name": "p", "text": TEXT.replace("lowest_cost", "magic")}), "policy.invalid", "text"),
        (json!({"name": "p", "text": "rules: 5"}), "policy.invalid", "text"),
        (json!({"name": "p", "text": TEXT, "body": {"rules": [open]}}), "policy.contradictory", "text"),
    ] {
        let (_, told, blamed) = kit.refused("POST", "/policies", wrong.clone()).await;
        assert_eq!((told.as_str(), blamed.as_str().unwrap_or_default()), (code, field), "{wrong}");
    }
}

#[tokio::test]
async fn text_and_form_are_in_step() {
    let (kit, _upstream) = kit().await;
    let read = kit.post("/policies/read", json!({"text": TEXT})).await;
    assert_eq!(read["problems"], json!([]), "{read}");
    let written = kit.post("/policies/write", json!({"body": read["body"], "text": TEXT})).await;
    assert_eq!(written["text"], TEXT);
    let wrong = TEXT.replace("[cheap]", "[nobody]").replace("fixed_order", "magic");
    let problems = kit.post("/policies/read", json!({"text": wrong})).await["problems"].clone();
    let told: Vec<_> =
        problems.as_array().unwrap().iter().map(|it| (it["line"].as_u64(), it["rule"].as_u64())).collect();
    assert_eq!(told, [(Some(3), Some(1)), (Some(8), Some(2))], "{problems}");
    let broken = kit.post("/policies/read", json!({"text": "rules:\n  - {strategy: [}\n"})).await;
    assert_eq!((&broken["body"], broken["problems"][0]["line"].as_u64()), (&Value::Null, Some(2)), "{broken}");
    let mut other = read["body"].clone();
    other["rules"][0]["route"]["strategy"] = json!("fixed_order");
    let lines = kit.post("/policies/diff", json!({"from": read["body"], "to": other})).await["lines"].clone();
    assert_eq!((&lines[0]["kind"], &lines[0]["rule"]), (&json!("changed"), &json!(1)), "{lines}");
    assert!(lines[0]["text"].as_str().unwrap().contains("fixed order instead of lowest cost"), "{lines}");
}

#[tokio::test]
async fn strategies_say_what_can_be_set() {
    let kit = Kit::start().await;
    let strategies = kit.get("/strategies").await;
    let strategies = strategies.as_array().unwrap();
    assert!(strategies.len() >= 11);
    let learned = strategies.iter().find(|it| it["id"] == "learned_utility").unwrap();
    let goal = learned["settings"].as_array().unwrap().iter().find(|it| it["name"] == "goal").unwrap();
    assert_eq!((&goal["kind"], &goal["default"]), (&json!("choice"), &json!("balanced")));
    assert!(goal["options"].as_array().unwrap().iter().any(|it| it["value"] == "cheapest_good_enough"), "{goal}");
}

#[tokio::test]
async fn a_draft_is_tried_on_recorded_requests() {
    let (kit, _upstream) = kit().await;
    made(&kit).await;
    for model in ["dear", "dear", "cheap"] {
        kit.chat(model).await;
    }
    let all_cheap = json!({"rules": [{"route": {"strategy": "lowest_cost", "candidates": [{"model": "cheap"}]}}]});
    let found = kit.post("/policies/simulate", json!({"body": all_cheap, "last": 100})).await;
    assert_eq!(
        (&found["requests"], &found["changed"], &found["refused"]),
        (&json!(3), &json!(2), &json!(0)),
        "{found}"
    );
    // 10 input tokens and 5 output tokens a request: 0.0002 dollars on the dear one, 0.00002 on the cheap one.
    assert_eq!((&found["live"]["cost"], &found["draft"]["cost"]), (&json!("420000"), &json!("60000")), "{found}");
    assert_eq!(found["cost_difference"], "-360000");
    assert_eq!((&found["moves"][0]["from"], &found["moves"][0]["to"]), (&json!("dear"), &json!("cheap")));
    assert_eq!(found["rules"][0]["requests"], 3);
    assert!(!found["measured"].as_array().unwrap().is_empty() && !found["estimated"].as_array().unwrap().is_empty());
    assert_eq!(kit.refused("POST", "/policies/simulate", json!({"body": all_cheap, "last": 0})).await.2, "last");
    assert_eq!(kit.refused("POST", "/policies/simulate", json!({})).await.2, "body");
}
