//! Why requests go where they go, what they would have cost elsewhere, and what answers were worth.

use serde_json::{Value, json};

use crate::kit::{Kit, Upstream, VARIABLE};

async fn kit() -> (Kit, Upstream, Value) {
    let kit = Kit::start().await;
    let upstream = Upstream::start("sk-one").await;
    let provider = kit.with_model(&upstream, "cheap", Some(json!({"input": "1", "output": "2"}))).await;
    let price = json!({"rates": {"input": "10", "output": "20"}});
    let deployment = json!({"provider": "fake", "upstream_model": "up-2", "price": price});
    kit.post("/models", json!({"name": "dear", "deployments": [deployment]})).await;
    (kit, upstream, provider)
}

#[tokio::test]
async fn an_explanation_is_the_gateways_own_decision() {
    let (kit, _upstream, _) = kit().await;
    let told = kit.post("/route/explain", json!({"model": "auto", "prompt": "Prove that 17 is prime."})).await;
    let candidates = told["decision"]["candidates"].as_array().unwrap();
    assert_eq!(candidates.len(), 2, "{told}");
    assert_eq!(
        (&told["rules"][0]["state"], &told["decision"]["strategy"]),
        (&json!("matched"), &json!("learned_utility"))
    );
    assert!(told["decision"]["task"]["evidence"].is_array() && told["chosen"]["quality_permille"].is_u64(), "{told}");
    let (status, id, _) = kit.chat("auto").await;
    assert_eq!(status, 200);
    let detail = kit.get(&format!("/requests/{id}")).await;
    assert_eq!((&detail["policy"], &detail["decision"]["rule"]["policy"]), (&json!("auto"), &json!("auto")));
    let again = kit.post("/route/explain", json!({"request_id": id})).await;
    assert_eq!(again["chosen"]["model"], detail["model"], "{again}");
    let row = &kit.get("/requests").await["rows"][0];
    assert_eq!(row["policy"], "auto");
}

#[tokio::test]
async fn a_draft_is_explained_rule_by_rule() {
    let (kit, _upstream, _) = kit().await;
    let team = kit.unit("team", "Search", None).await;
    let text = "rules:\n- name: Team\n  when:\n  - who: {teams: [Search]}\n  - budget_used: 80\n  strategy: fixed_order\n  \
                candidates: [cheap]\n- {strategy: fixed_order, candidates: [dear]}\n";
    let ask = async |more: Value| {
        let mut request = json!({"text": text, "prompt": "hello"});
        request.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        kit.post("/route/explain", request).await
    };
    let nobody = ask(json!({})).await;
    assert_eq!(
        (&nobody["chosen"]["model"], &nobody["rules"][0]["state"]),
        (&json!("dear"), &json!("failed")),
        "{nobody}"
    );
    assert!(nobody["rules"][0]["failed"].as_str().unwrap().contains("the team Search"), "{nobody}");
    let member = ask(json!({"unit_id": team, "budget_used_percent": 90})).await;
    assert_eq!(
        (&member["chosen"]["model"], &member["rules"][1]["state"]),
        (&json!("cheap"), &json!("not_reached")),
        "{member}"
    );
    let poor = ask(json!({"unit_id": team, "budget_used_percent": 10})).await;
    assert_eq!(
        (&poor["rules"][0]["failed_condition"], &poor["rules"][0]["seen"]),
        (&json!(2), &json!("10 %")),
        "{poor}"
    );
    for (wrong, field) in [
        (json!({"prompt": "a"}), "model"),
        (json!({"model": "nobody", "prompt": "a"}), "model"),
        (json!({"model": "auto", "prompt": "a", "messages": []}), "prompt"),
        (json!({"model": "auto", "prompt": "a", "unit_id": "00000000-0000-7000-8000-000000000000"}), "unit_id"),
        (json!({"model": "auto", "prompt": "a", "tags": {"": "x"}}), "tags"),
        (json!({"text": "rules: []", "prompt": "a"}), "body"),
    ] {
        assert_eq!(kit.refused("POST", "/route/explain", wrong.clone()).await.2, field, "{wrong}");
    }
}

#[tokio::test]
async fn what_was_spent_is_priced_again_to_the_billionth() {
    let (kit, _upstream, _) = kit().await;
    let (_, id, _) = kit.chat("cheap").await;
    kit.chat("dear").await;
    // 10 input and 5 output tokens each: 20,000 nano-dollars on the cheap one, 200,000 on the dear one.
    let on_dear = kit.get("/counterfactual?baseline=dear").await;
    assert_eq!((&on_dear["actual"], &on_dear["would"]), (&json!("220000"), &json!("400000")), "{on_dear}");
    assert_eq!((&on_dear["saved"], &on_dear["baseline"]["name"]), (&json!("180000"), &json!("dear")));
    let on_cheap = kit.get("/counterfactual?baseline=cheap").await;
    assert_eq!(on_cheap["saved"], "-180000", "a loss has its sign: {on_cheap}");
    let asked = kit.get("/counterfactual").await;
    assert_eq!((&asked["baseline"]["kind"], &asked["saved"]), (&json!("asked"), &json!("0")), "{asked}");
    let one = kit.get(&format!("/requests/{id}/counterfactual")).await;
    assert_eq!((&one["models"][0]["model"], &one["models"][0]["is_used"]), (&json!("cheap"), &json!(true)), "{one}");
    assert_eq!((&one["models"][1]["would"], &one["models"][1]["saved"]), (&json!("200000"), &json!("180000")));
    assert_eq!(kit.refused("GET", "/counterfactual?baseline=nobody", Value::Null).await.2, "baseline");
    let (status, settings) = kit.call("PATCH", "/settings", Some(json!({"savings_baseline": "dear"}))).await;
    assert_eq!((status.as_u16(), &settings["savings_baseline"]), (200, &json!("dear")));
    let savings = &kit.get("/overview").await["savings"];
    assert_eq!((&savings["amount"], &savings["baseline"]["title"]), (&json!("180000"), &json!("dear for everything")));
    assert_eq!(kit.refused("PATCH", "/settings", json!({"savings_baseline": "nobody"})).await.2, "savings_baseline");
}

#[tokio::test]
async fn what_a_policy_served_is_compared_with_the_best_it_could_choose() {
    let (kit, _upstream, _) = kit().await;
    let (_, id, _) = kit.chat("auto").await;
    let detail = kit.get(&format!("/requests/{id}")).await;
    let quality = |candidate: &Value| candidate["quality_permille"].as_u64().unwrap();
    let candidates = detail["decision"]["candidates"].as_array().unwrap();
    let best = candidates.iter().max_by_key(|candidate| quality(candidate)).unwrap();
    assert_eq!((&best["model"], &detail["model"]), (&json!("dear"), &json!("cheap")), "{detail}");
    let told = kit.get("/counterfactual").await;
    assert_eq!((&told["saved"], &told["would"]), (&json!("180000"), &json!("200000")), "{told}");
}

#[tokio::test]
async fn texts_are_read_only_where_they_are_kept() {
    let (kit, _upstream, _) = kit().await;
    let (_, id, _) = kit.chat("cheap").await;
    let refused = kit.refused("GET", &format!("/requests/{id}/body"), Value::Null).await;
    assert_eq!((refused.0, refused.1.as_str()), (404, "request.body_not_kept"));
    for (wrong, field) in [
        (
            json!({"bodies": {"is_on": true, "retention_days": 0, "max_mb": 100, "redacts": true}}),
            "bodies.retention_days",
        ),
        (json!({"bodies": {"is_on": true, "retention_days": 1, "max_mb": 1, "redacts": true}}), "bodies.max_mb"),
        (json!({"redaction_patterns": ["("]}), "redaction_patterns"),
    ] {
        assert_eq!(kit.refused("PATCH", "/settings", wrong).await.2, field);
    }
}

#[tokio::test]
async fn a_provider_has_a_pool_of_credentials() {
    let (kit, _upstream, provider) = kit().await;
    let path = format!("/providers/{}", provider["id"].as_str().unwrap());
    let (_, changed) = kit.call("PATCH", &path, Some(json!({"region": "EU", "keeps_prompts": false}))).await;
    assert_eq!((&changed["region"], &changed["keeps_prompts"]), (&json!("eu"), &json!(false)), "{changed}");
    let pool = format!("{path}/credentials");
    let second = json!({"name": "second", "credential": {"source": "environment", "variable": VARIABLE}});
    let with = kit.post(&pool, second.clone()).await;
    assert_eq!(with["pool"][0]["credential"]["state"], "ready", "{with}");
    let own = format!("{pool}/{}", with["pool"][0]["id"].as_str().unwrap());
    let in_force = || kit.context.gateway.snapshot().target_named("fake").unwrap().pool.len();
    assert_eq!(in_force(), 1);
    let (_, off) = kit.call("PATCH", &own, Some(json!({"is_enabled": false}))).await;
    assert_eq!((&off["pool"][0]["is_enabled"], in_force()), (&json!(false), 0));
    assert_eq!(kit.refused("POST", &pool, second).await.1, "credential.name_taken");
    let none = json!({"name": "third", "credential": {"source": "none"}});
    assert_eq!(kit.refused("POST", &pool, none).await.1, "provider.credential_missing");
    let health = kit.get("/providers/health").await;
    assert_eq!(
        (&health[0]["state"], health[0]["deployments"].as_array().unwrap().len()),
        (&json!("unknown"), 2),
        "{health}"
    );
    let (_, without) = kit.call("DELETE", &own, None).await;
    assert_eq!(without["pool"], json!([]));
    assert_eq!(kit.refused("DELETE", &own, Value::Null).await.1, "credential.not_found");
}

#[tokio::test]
async fn a_replay_is_ordered_voted_on_promoted_and_led_back() {
    let (kit, _upstream, _) = kit().await;
    let order = |from: Value, candidates: Value| json!({"name": "try", "from": from, "candidates": candidates, "max_cost": "1000000"});
    for (wrong, field) in [
        (order(json!({}), json!(["cheap"])), "from"),
        (order(json!({"prompts": []}), json!(["cheap"])), "from.prompts"),
        (order(json!({"prompts": ["a"]}), json!([])), "candidates"),
        (order(json!({"prompts": ["a"]}), json!(["nobody"])), "candidates[0]"),
        (order(json!({"model": "cheap"}), json!(["dear"])), "from"),
    ] {
        assert_eq!(kit.refused("POST", "/replays", wrong.clone()).await.2, field, "{wrong}");
    }
    let replay = kit.post("/replays", order(json!({"prompts": ["a", "b"]}), json!(["dear"]))).await;
    assert_eq!((&replay["items"], &replay["state"]), (&json!(2), &json!("waiting")));
    let path = format!("/replays/{}", replay["id"].as_str().unwrap());
    assert_eq!(kit.get(&path).await["item_list"].as_array().unwrap().len(), 2);
    assert_eq!(kit.refused("POST", &format!("{path}/items/1/vote"), json!({"answer": 3})).await.2, "answer");
    assert_eq!(
        kit.refused("POST", &format!("{path}/items/9/vote"), json!({"answer": 0})).await.1,
        "replay.item_not_found"
    );
    assert_eq!(kit.post(&format!("{path}/stop"), json!({})).await["state"], "stopped");
    let plan =
        kit.post(&format!("{path}/promote"), json!({"candidate": "dear", "name": "cheap", "dry_run": true})).await;
    assert_eq!((&plan["is_done"], plan["changes"].as_array().unwrap().len()), (&json!(false), 2), "{plan}");
    kit.post(&format!("{path}/promote"), json!({"candidate": "dear", "name": "cheap"})).await;
    let leads_to = |name: &str| kit.context.gateway.snapshot().resolve(name).map(|it| it.model.name.clone());
    assert_eq!(
        (leads_to("cheap").as_deref(), leads_to("cheap-before").as_deref()),
        (Some("dear"), Some("cheap-before"))
    );
    assert_eq!(
        kit.refused("POST", &format!("{path}/promote"), json!({"candidate": "dear", "name": "x"})).await.1,
        "replay.promoted"
    );
    let back = kit.post(&format!("{path}/revert"), json!({})).await;
    assert_eq!((&back["promotion"], leads_to("cheap").as_deref()), (&Value::Null, Some("cheap")));
    assert_eq!(kit.refused("POST", &format!("{path}/revert"), json!({})).await.1, "replay.not_promoted");
}

#[tokio::test]
async fn what_was_learnt_is_exported_imported_and_forgotten() {
    let (kit, _upstream, _) = kit().await;
    let exported = kit.get("/router/learnt/export").await;
    let import = json!({"format": exported["format"], "content": exported["content"]});
    assert_eq!(kit.post("/router/learnt/import", import).await["outcomes"], exported["outcomes"]);
    assert_eq!(kit.post("/router/learnt/reset", json!({})).await["models"], json!([]));
    for (wrong, field) in [
        (json!({"format": "x", "content": ""}), "format"),
        (json!({"format": exported["format"], "content": "%"}), "content"),
        (json!({"format": exported["format"], "content": "AAAA"}), "content"),
    ] {
        assert_eq!(kit.refused("POST", "/router/learnt/import", wrong).await.2, field);
    }
    let report = kit.get("/router/report").await;
    assert_eq!((&report["outcomes"], &report["is_enough"]), (&json!(0), &json!(false)));
    assert!(!report["caveats"].as_array().unwrap().is_empty());
    assert_eq!(kit.get("/feedback").await["rows"], json!([]));
}

#[tokio::test]
async fn models_that_go_away_are_on_the_radar() {
    let kit = Kit::start().await;
    let (catalog, _) = kit.context.shelf.catalog().await;
    let today = megarouter_domain::catalog::Date::of(kit.context.now());
    let ends =
        |model: &&megarouter_domain::catalog::CatalogModel| &*model.kind == "openai" && model.shuts_down.is_some();
    let ending = catalog.current(today).find(ends).unwrap().id.to_string();
    let credential = json!({"source": "environment", "variable": VARIABLE});
    kit.post("/providers", json!({"name": "openai", "kind": "openai", "credential": credential})).await;
    let deployment = json!({"provider": "openai", "upstream_model": ending});
    kit.post("/models", json!({"name": "old", "deployments": [deployment]})).await;
    let entry = kit.get("/radar").await["entries"][0].clone();
    assert_eq!((&entry["model"], &entry["upstream_model"]), (&json!("old"), &json!(ending)), "{entry}");
    assert!(entry["days_left"].is_u64() && entry["has_other"] == false, "{entry}");
    let replace =
        json!({"deployment_id": entry["deployment_id"], "provider": "openai", "upstream_model": "gpt-5-mini"});
    let done = kit.post("/radar/replace", replace.clone()).await;
    assert_eq!(
        (&done["is_done"], &done["model"]["deployments"][0]["upstream_model"]),
        (&json!(true), &json!("gpt-5-mini"))
    );
    assert_eq!(kit.refused("POST", "/radar/replace", replace).await.1, "deployment.not_found");
}
