//! Budgets: in force before the call returns, with everything that was used before.

use std::time::Duration;

use serde_json::{Value, json};

use crate::kit::{Kit, Upstream};

/// Ten tokens in and five out at these rates are 20,000 nano-dollars.
async fn with_model() -> Kit {
    let kit = Kit::start().await;
    let upstream = Upstream::start("sk-one").await;
    kit.with_model(&upstream, "m", Some(json!({"input": "1", "output": "2"}))).await;
    kit
}

fn draft(scope: impl Into<Value>, limit: &str) -> Value {
    let scope: Value = scope.into();
    let ladder = json!([{"at_percent": 50, "action": "notify"}, {"at_percent": 100, "action": "stop"}]);
    json!({"scope": scope, "measure": "cost", "limit": limit, "period": {"kind": "month"}, "ladder": ladder})
}

fn organization() -> Value {
    json!({"kind": "organization"})
}

fn id(budget: &Value) -> &str {
    budget["id"].as_str().unwrap()
}

#[tokio::test]
async fn every_field_of_a_budget_comes_back_as_it_was_given() {
    let kit = with_model().await;
    let team = kit.unit("team", "Search", None).await;
    let body = json!({
        "name": "Search", "scope": {"kind": "unit", "id": team}, "each": "member", "measure": "tokens", "limit": "5000",
        "period": {"kind": "week", "starts_on": 7}, "zone": "Europe/Berlin", "carries_over": true, "is_strict": true,
        "ladder": [{"at_percent": 80, "basis": "forecast", "action": "notify"}, {"at_percent": 100, "basis": "actual", "action": "stop"}],
    });
    let made = kit.post("/budgets", body.clone()).await;
    for field in ["name", "each", "measure", "limit", "zone", "carries_over", "is_strict", "ladder"] {
        assert_eq!(made[field], body[field], "{field}");
    }
    assert_eq!(made["period"], json!({"kind": "week", "starts_on": 7, "seconds": null}));
    let scope = json!({"kind": "unit", "id": team, "name": "Search", "value": null, "unit_kind": "team"});
    assert_eq!((&made["scope"], &made["is_hard"]), (&scope, &json!(true)));
    assert_eq!(kit.get(&format!("/budgets/{}", id(&made))).await, made);
    let mut other = draft(json!({"kind": "tag", "name": "Env", "value": "prod"}), "7");
    other["name"] = json!("prod");
    let (status, replaced) = kit.call("PUT", &format!("/budgets/{}", id(&made)), Some(other)).await;
    assert_eq!((status.as_u16(), &replaced["created_at"]), (200, &made["created_at"]));
    assert_eq!((&replaced["scope"]["name"], &replaced["scope"]["value"]), (&json!("env"), &json!("prod")));
    assert_eq!((&replaced["each"], &replaced["zone"], &replaced["limit"]), (&Value::Null, &json!("UTC"), &json!("7")));
}

#[tokio::test]
async fn a_budget_that_makes_no_sense_is_refused_with_its_field() {
    let kit = with_model().await;
    let with = |field: &str, value: Value| {
        let mut body = draft(organization(), "10");
        body[field] = value;
        body
    };
    let nobody = "019a0000-0000-7000-8000-000000000000";
    for (body, code, field) in [
        (with("limit", json!("0")), "budget.invalid", "limit"),
        (with("limit", json!("-1")), "request.invalid", "limit"),
        (with("limit", json!(10)), "request.invalid", "limit"),
        (with("limit", json!("9223372036854775808")), "request.invalid", "limit"),
        (with("name", json!("x".repeat(1_000))), "budget.invalid", "name"),
        (with("zone", json!("Mars/Olympus")), "zone.unknown", "zone"),
        (with("period", json!({"kind": "month", "starts_on": 32})), "budget.invalid", "period.starts_on"),
        (with("period", json!({"kind": "day", "starts_on": 1})), "budget.period_invalid", "period.starts_on"),
        (with("period", json!({"kind": "rolling"})), "budget.period_invalid", "period.seconds"),
        (with("period", json!({"kind": "rolling", "seconds": 61})), "budget.invalid", "period.seconds"),
        (with("measure", json!("concurrent")), "budget.invalid", "period"),
        (with("ladder", json!([{"at_percent": 0, "action": "stop"}])), "budget.invalid", "ladder"),
        (with("ladder", json!([{"at_percent": 9, "basis": "forecast", "action": "stop"}])), "budget.invalid", "ladder"),
        (with("scope", json!({"kind": "unit", "id": nobody})), "unit.not_found", "scope.id"),
        (with("scope", json!({"kind": "key"})), "key.not_found", "scope.id"),
        (with("scope", json!({"kind": "model", "id": "' OR 1=1"})), "model.not_found", "scope.id"),
        (with("scope", json!({"kind": "tag", "name": "a b", "value": "c"})), "budget.scope_invalid", "scope.name"),
        (with("scope", json!({"kind": "organization", "name": "x"})), "budget.scope_invalid", "scope.name"),
        (with("scope", json!({"kind": "planet"})), "request.invalid", "scope.kind"),
        (with("colour", json!("red")), "request.invalid", "colour"),
    ] {
        let (_, found, blamed) = kit.refused("POST", "/budgets", body.clone()).await;
        assert_eq!((found.as_str(), blamed.as_str()), (code, Some(field)), "{body}");
    }
    assert_eq!(kit.get("/budgets").await, json!([]));
}

#[tokio::test]
async fn what_was_used_before_counts_and_the_next_request_is_refused() {
    let kit = with_model().await;
    let team = kit.unit("team", "Search", None).await;
    let (key, secret) = kit.key("app", Some(&team)).await;
    let (_, other) = kit.key("other", None).await;
    assert_eq!(kit.ask(&secret, "m", "").await.0, 200);
    let made = kit.post("/budgets", draft(json!({"kind": "unit", "id": team}), "30000")).await;
    let state = &made["state"];
    assert_eq!((&state["used"], &state["held"], &state["left"]), (&json!("20000"), &json!("0"), &json!("10000")));
    assert_eq!((&state["percent"], &state["level"], &state["refused"]), (&json!(66), &json!("warned"), &json!(0)));
    assert_eq!(state["window"], json!({"from": "2026-11-01T00:00:00.000000Z", "to": "2026-12-01T00:00:00.000000Z"}));
    let (status, refused, answer) = kit.ask(&secret, "m", "").await;
    assert_eq!(status, 429, "{answer}");
    assert_eq!(kit.ask(&other, "m", "").await.0, 200, "nobody else is refused");
    let now = kit.get(&format!("/budgets/{}", id(&made))).await;
    assert_eq!((&now["state"]["used"], &now["state"]["refused"]), (&json!("20000"), &json!(1)));
    let detail = kit.get(&format!("/requests/{refused}")).await;
    assert_eq!((&detail["refused_by"]["id"], &detail["refused_by"]["name"]), (&made["id"], &json!("Search")));
    let refusal = &detail["refusal"];
    assert_eq!(
        (&refusal["limit"], &refusal["used"], &refusal["measure"]),
        (&json!("30000"), &json!("20000"), &json!("cost"))
    );
    assert_eq!((&detail["budgets"][0]["id"], detail["budgets"].as_array().unwrap().len()), (&made["id"], 1));
    let page = kit.get(&format!("/requests?budget={}", id(&made))).await;
    assert_eq!((page["rows"].as_array().unwrap().len(), &page["rows"][0]["key_id"]), (1, &json!(key)));
    let tree = kit.get("/units").await;
    assert_eq!(tree["units"][0]["budget"]["state"]["used"], "20000");
    // A raise lets it go on, its end stops it, and archiving ends the limit.
    let raise = json!({"amount": "50000", "until": "2026-12-01T00:00:00Z", "reason": "launch"});
    let raised = kit.post(&format!("/budgets/{}/raises", id(&made)), raise).await;
    assert_eq!((&raised["limit"], &raised["state"]["limit"]), (&json!("30000"), &json!("80000")));
    assert_eq!((&raised["raises"][0]["reason"], &raised["raises"][0]["is_in_force"]), (&json!("launch"), &json!(true)));
    assert_eq!(kit.ask(&secret, "m", "").await.0, 200);
    kit.clock.turn(Duration::from_secs(1));
    let raise = format!("/budgets/{}/raises/{}", id(&made), raised["raises"][0]["id"].as_str().unwrap());
    let (status, ended) = kit.call("DELETE", &raise, None).await;
    assert_eq!((status.as_u16(), &ended["raises"][0]["is_in_force"]), (200, &json!(false)), "it counted, so it stays");
    assert_eq!(kit.ask(&secret, "m", "").await.0, 429);
    let (_, archived) = kit.call("DELETE", &format!("/budgets/{}", id(&made)), None).await;
    assert_eq!((archived["archived_at"].is_string(), &archived["state"]), (true, &Value::Null));
    assert_eq!(kit.ask(&secret, "m", "").await.0, 200);
    let (status, restored) = kit
        .call("PUT", &format!("/budgets/{}", id(&made)), Some(draft(json!({"kind": "unit", "id": team}), "1")))
        .await;
    assert_eq!((status.as_u16(), &restored["archived_at"]), (200, &Value::Null));
    assert_eq!(kit.ask(&secret, "m", "").await.0, 429);
}

#[tokio::test]
async fn budgets_are_listed_by_how_soon_they_are_used_up() {
    let kit = with_model().await;
    kit.chat("m").await;
    let roomy = kit.post("/budgets", draft(organization(), "1000000")).await;
    let spent = kit.post("/budgets", draft(organization(), "20000")).await;
    let half = kit.post("/budgets", draft(organization(), "40000")).await;
    let gone = kit.post("/budgets", draft(organization(), "40000")).await;
    kit.call("DELETE", &format!("/budgets/{}", id(&gone)), None).await;
    let list = kit.get("/budgets").await;
    let order: Vec<_> = list.as_array().unwrap().iter().map(id).collect();
    assert_eq!(order, [id(&spent), id(&half), id(&roomy), id(&gone)]);
    assert_eq!(list[0]["state"]["level"], "exhausted");
    let tree = kit.get("/units").await;
    assert_eq!(tree["organization"]["budget"]["id"], spent["id"], "the worst is shown");
    let raise = json!({"amount": "1", "until": "2020-01-01T00:00:00Z", "reason": "late"});
    let path = format!("/budgets/{}/raises", id(&spent));
    let (_, code, field) = kit.refused("POST", &path, raise).await;
    assert_eq!((code.as_str(), field.as_str()), ("raise.until_past", Some("until")));
    let (_, code, field) =
        kit.refused("POST", &path, json!({"amount": "1", "until": "2027-01-01T00:00:00Z", "reason": " "})).await;
    assert_eq!((code.as_str(), field.as_str()), ("raise.reason_invalid", Some("reason")));
    let (status, code, _) = kit.refused("GET", &format!("/budgets/{}/course", id(&gone)), Value::Null).await;
    assert_eq!((status, code.as_str()), (409, "budget.archived"));
}

#[tokio::test]
async fn each_part_has_an_account_of_its_own() {
    let kit = with_model().await;
    let team = kit.unit("team", "Search", None).await;
    let ada = kit.unit("member", "Ada", Some(&team)).await;
    let bob = kit.unit("member", "Bob", Some(&team)).await;
    let (_, of_ada) = kit.key("ada", Some(&ada)).await;
    let (_, of_bob) = kit.key("bob", Some(&bob)).await;
    let mut body = draft(json!({"kind": "unit", "id": team}), "30000");
    body["each"] = json!("member");
    let made = kit.post("/budgets", body).await;
    assert_eq!(made["state"]["subjects"], 0);
    assert_eq!(kit.ask(&of_ada, "m", "").await.0, 200);
    assert_eq!(kit.ask(&of_ada, "m", "").await.0, 429);
    assert_eq!(kit.ask(&of_bob, "m", "").await.0, 200);
    let state = &kit.get(&format!("/budgets/{}", id(&made))).await["state"];
    assert_eq!((&state["subjects"], state["subject"]["kind"].as_str()), (&json!(2), Some("unit")));
    let of_team = |tree: &Value| {
        tree["units"].as_array().unwrap().iter().find(|unit| unit["id"] == team).unwrap()["budget"].clone()
    };
    assert_eq!(of_team(&kit.get("/units").await)["id"], made["id"]);
    let whole = kit.post("/budgets", draft(json!({"kind": "unit", "id": team}), "900000")).await;
    assert_eq!(of_team(&kit.get("/units").await)["id"], whole["id"], "the bar of the whole is that of the whole");
    let accounts = kit.get(&format!("/budgets/{}/subjects", id(&made))).await;
    assert_eq!((&accounts["total"], accounts["accounts"].as_array().unwrap().len()), (&json!(2), 2));
    let names: std::collections::HashSet<_> =
        accounts["accounts"].as_array().unwrap().iter().map(|account| account["subject"]["name"].as_str()).collect();
    assert_eq!(names, [Some("Ada"), Some("Bob")].into());
}

#[tokio::test]
async fn a_course_goes_from_the_windows_start_to_what_is_used_now() {
    let kit = with_model().await;
    let mut body = draft(organization(), "1000000");
    body["period"] = json!({"kind": "day"});
    let made = kit.post("/budgets", body).await;
    for _ in 0..5 {
        for _ in 0..2 {
            kit.chat("m").await;
        }
        kit.clock.turn(Duration::from_secs(60 * 60));
    }
    let course = kit.get(&format!("/budgets/{}/course", id(&made))).await;
    let points = course["points"].as_array().unwrap();
    assert_eq!((&points[0]["used"], &points.last().unwrap()["used"]), (&json!("0"), &json!("200000")));
    let used: Vec<u64> = points.iter().map(|point| point["used"].as_str().unwrap().parse().unwrap()).collect();
    assert!(used.is_sorted() && used.contains(&40_000) && used.contains(&160_000), "{used:?}");
    let times: Vec<_> = points.iter().map(|point| point["at"].as_str().unwrap()).collect();
    assert!(times.is_sorted_by(|one, next| one < next), "{times:?}");
    assert_eq!((&course["ideal"][1]["used"], &course["limit"]), (&json!("1000000"), &json!("1000000")));
    let forecast = course["forecast"].as_array().unwrap();
    assert_eq!(forecast[0]["median"], "200000");
    let last = forecast.last().unwrap();
    let number = |field: &str| last[field].as_str().unwrap().parse::<u64>().unwrap();
    assert!(number("low_90") <= number("low_50") && number("low_50") <= number("median"), "{last}");
    assert!(number("median") > 200_000 && number("median") <= number("high_50"), "{last}");
    let state = &kit.get(&format!("/budgets/{}", id(&made))).await["state"];
    assert_eq!(state["forecast"]["at_end"], last["median"]);
    // The window before is told in this one's time.
    kit.clock.turn(Duration::from_secs(24 * 60 * 60));
    let course = kit.get(&format!("/budgets/{}/course", id(&made))).await;
    let previous = course["previous"].as_array().unwrap();
    assert_eq!(previous[0]["at"], course["window"]["from"]);
    assert_eq!(
        (&previous.last().unwrap()["at"], &previous.last().unwrap()["used"]),
        (&course["window"]["to"], &json!("200000"))
    );
}

#[tokio::test]
async fn the_time_machine_tells_who_would_have_been_refused() {
    let kit = with_model().await;
    let team = kit.unit("team", "Search", None).await;
    let (_, secret) = kit.key("app", Some(&team)).await;
    let mut ids = Vec::new();
    for _ in 0..5 {
        ids.push(kit.ask(&secret, "m", "").await.1);
    }
    kit.chat("m").await;
    let mut body = draft(json!({"kind": "unit", "id": team}), "50000");
    body["period"] = json!({"kind": "day"});
    let told = kit.post("/budgets/simulate", json!({"budget": body, "days": 7})).await;
    assert_eq!((&told["requests"], &told["refused"], &told["is_cut"]), (&json!(5), &json!(3), &json!(false)));
    assert_eq!((&told["cost"]["amount"], &told["refused_cost"]["amount"]), (&json!("100000"), &json!("60000")));
    assert_eq!((&told["windows"][0]["used"], &told["windows"][0]["refused"]), (&json!("40000"), &json!(3)));
    assert_eq!((&told["days"][0]["requests"], &told["days"][0]["refused"]), (&json!(5), &json!(3)));
    assert_eq!(
        (&told["subjects"][0]["subject"]["name"], &told["subjects"][0]["refused"]),
        (&json!("Search"), &json!(3))
    );
    let samples: Vec<_> =
        told["samples"].as_array().unwrap().iter().map(|id| id.as_str().unwrap().to_owned()).collect();
    assert_eq!(samples.len(), 3);
    assert!(samples.iter().all(|sample| ids.contains(sample)));
    body["measure"] = json!("requests");
    body["limit"] = json!("4");
    body["each"] = json!("key");
    let told = kit.post("/budgets/simulate", json!({"budget": body, "days": 1})).await;
    assert_eq!((&told["requests"], &told["refused"]), (&json!(5), &json!(1)));
    assert_eq!(kit.get("/budgets").await, json!([]), "nothing was made");
    let (_, code, field) = kit.refused("POST", "/budgets/simulate", json!({"budget": body, "days": 91})).await;
    assert_eq!((code.as_str(), field.as_str()), ("request.invalid", Some("days")));
}

#[tokio::test]
async fn names_of_budgets_are_texts_and_nothing_else() {
    let kit = with_model().await;
    for name in ["'; DROP TABLE budgets;--", "%' OR '1'='1", "\\", "名前 🙂"] {
        let mut body = draft(json!({"kind": "tag", "name": "q", "value": name}), "10");
        body["name"] = json!(name);
        let made = kit.post("/budgets", body).await;
        assert_eq!((&made["name"], &made["scope"]["value"]), (&json!(name), &json!(name)));
        let found = kit.get(&format!("/budgets/{}", id(&made))).await;
        assert_eq!(found["name"], name);
    }
    assert_eq!(kit.get("/budgets").await.as_array().unwrap().len(), 4);
}
