//! Who may call what, and that no answer holds a provider's secret.

use axum::body::Body;
use http::Request;
use http_body_util::BodyExt as _;
use serde_json::{Value, json};

use crate::kit::{Kit, Upstream, operations};

const CANARY: &str = "sk-canary-7f3d9c51b2";

#[tokio::test]
async fn nothing_but_signing_in_answers_a_stranger() {
    let kit = Kit::start().await;
    let mut public = Vec::new();
    for (method, path, permission) in operations() {
        assert!(!permission.is_empty(), "{method} {path} states no permission");
        let request = Request::builder().method(&*method).uri(path.replace(['{', '}'], ""));
        let response = kit.send_as_nobody(request.body(Body::empty()).unwrap()).await;
        if permission == "public" {
            public.push(path);
            continue;
        }
        assert_eq!(response.status(), 401, "{method} {path}");
        let body: Value = serde_json::from_slice(&response.into_body().collect().await.unwrap().to_bytes()).unwrap();
        assert_eq!(body["error"]["code"], "session.missing", "{method} {path}");
    }
    public.sort();
    assert_eq!(public, ["/api/v1/openapi.json", "/api/v1/session"]);
}

#[tokio::test]
async fn no_answer_holds_a_providers_secret() {
    let kit = Kit::start().await;
    let upstream = Upstream::start(CANARY).await;
    let mut answers = Vec::new();
    let provider = kit.with_model(&upstream, "m", Some(json!({"input": "1", "output": "2"}))).await;
    let model_id = kit.get("/models").await[0]["id"].as_str().unwrap().to_owned();
    let (_, request_id, stream) = kit.chat("m").await;
    answers.push(stream);
    let key = kit.post("/keys", json!({"name": "app"})).await;
    let budget = json!({"scope": {"kind": "organization"}, "measure": "cost", "limit": "1000", "period": {"kind": "day"}, "ladder": []});
    let budget_id = kit.post("/budgets", budget).await["id"].as_str().unwrap().to_owned();
    answers.push(provider.to_string());
    let policy_id = kit.get("/policies").await[0]["id"].as_str().unwrap().to_owned();
    let replay = json!({"name": "r", "from": {"prompts": ["hi"]}, "candidates": ["m"], "max_cost": "1000000"});
    let replay_id = kit.post("/replays", replay).await["id"].as_str().unwrap().to_owned();
    let pooled = json!({"name": "second", "credential": {"source": "stored", "secret": CANARY}});
    let path = format!("/providers/{}/credentials", provider["id"].as_str().unwrap());
    answers.push(kit.post(&path, pooled).await.to_string());
    for (method, path, body) in [
        ("POST", "/providers/test".to_owned(), upstream.draft("draft")),
        ("POST", "/providers".to_owned(), upstream.draft("fake")),
        ("POST", "/providers".to_owned(), upstream.draft("Bad Name")),
        ("POST", format!("/providers/{}/test", provider["id"].as_str().unwrap()), json!({})),
        (
            "PATCH",
            format!("/providers/{}", provider["id"].as_str().unwrap()),
            json!({"credential": {"source": "stored", "secret": CANARY, "x": 1}}),
        ),
        (
            "PATCH",
            format!("/providers/{}", provider["id"].as_str().unwrap()),
            json!({"credential": {"source": CANARY}}),
        ),
        (
            "PATCH",
            format!("/providers/{}", provider["id"].as_str().unwrap()),
            json!({"credential": {"source": "environment", "variable": CANARY}}),
        ),
        ("PATCH", format!("/providers/{}", provider["id"].as_str().unwrap()), json!({"credential": CANARY})),
    ] {
        answers.push(kit.call(method, &path, Some(body)).await.1.to_string());
    }
    // A key that the provider refuses, and quotes in its refusal.
    let wrong = format!("{CANARY}-wrong");
    let mut draft = upstream.draft("draft");
    draft["credential"]["secret"] = json!(wrong);
    let diagnosis = kit.post("/providers/test", draft).await;
    assert_eq!(diagnosis["code"], "credential.rejected");
    answers.push(diagnosis.to_string());
    for (method, path, _) in
        operations().into_iter().filter(|(method, path, _)| method == "GET" && !path.ends_with("/events"))
    {
        let id = match path.as_str() {
            path if path.contains("/requests/") => request_id.clone(),
            path if path.contains("/models/") => model_id.clone(),
            path if path.contains("/budgets/") => budget_id.clone(),
            path if path.contains("/policies/") => policy_id.clone(),
            path if path.contains("/replays/") => replay_id.clone(),
            _ => provider["id"].as_str().unwrap().to_owned(),
        };
        let path = path.replace("{id}", &id).replace("{file}", "spend_by_day.csv");
        let path = path.replace("/catalog/model", "/catalog/model?kind=openai&id=gpt-5.1");
        let path = path.replace("/usage", "/usage?rows=key&from=2026-11-01T00:00:00Z&to=2026-12-01T00:00:00Z");
        let request = Request::builder().method(&*method).uri(&path).body(Body::empty()).unwrap();
        let response = kit.send(request).await;
        // Texts are not kept unless somebody wants them to be.
        assert_eq!(response.status(), if path.ends_with("/body") { 404 } else { 200 }, "{path}");
        assert_eq!(response.headers()["cache-control"], "no-store", "{path}");
        answers.push(String::from_utf8_lossy(&response.into_body().collect().await.unwrap().to_bytes()).into_owned());
    }
    assert!(answers.len() > 20);
    for answer in &answers {
        assert!(!answer.contains(CANARY), "{answer}");
    }
    let secret = key["secret"].as_str().unwrap();
    assert!(answers.iter().all(|answer| !answer.contains(secret)), "a key's text is sent once");
}
