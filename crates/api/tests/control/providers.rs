//! Adding, changing, testing and removing providers.

use megarouter_domain::provider::Credential;
use megarouter_secrets::KeySource;
use serde_json::{Value, json};

use crate::kit::{Kit, Upstream, VARIABLE};

fn id(thing: &Value) -> &str {
    thing["id"].as_str().unwrap()
}

fn in_force(kit: &Kit, provider: &Value) -> Option<String> {
    let snapshot = kit.context.gateway.snapshot();
    match &snapshot.target(id(provider).parse().unwrap())?.credential {
        Credential::Ready(secret) => Some(secret.expose().to_owned()),
        Credential::None | Credential::Unavailable(_) => None,
    }
}

#[tokio::test]
async fn a_provider_is_shown_as_it_was_added() {
    let kit = Kit::start().await;
    assert_eq!(kit.get("/status").await["first_run"], true);
    let upstream = Upstream::start("sk-one").await;
    let mut draft = upstream.draft("fake");
    draft["is_enabled"] = json!(false);
    let provider = kit.post("/providers", draft).await;
    assert_eq!(provider["name"], "fake");
    assert_eq!(provider["kind"], "openai_compatible");
    assert_eq!(provider["base_url"], upstream.base_url);
    assert_eq!(provider["is_enabled"], false);
    assert_eq!(provider["credential"]["source"], "stored");
    assert_eq!(provider["credential"]["state"], "ready");
    assert_eq!(provider["credential"]["stored_in"], "an encrypted file in the data folder");
    assert_eq!(
        provider["last_24h"],
        json!({"requests": 0, "errors": 0, "p95_us": null, "cost": {"state": "not_billable", "amount": "0"}})
    );
    assert_eq!(kit.get(&format!("/providers/{}", id(&provider))).await, provider);
    assert_eq!(kit.get("/providers").await, json!([provider]));
    assert_eq!(kit.get("/status").await["first_run"], false);
    assert_eq!(in_force(&kit, &provider).as_deref(), Some("sk-one"));
}

#[tokio::test]
async fn what_cannot_work_is_refused_and_names_its_field() {
    let kit = Kit::start().await;
    let upstream = Upstream::start("sk-one").await;
    kit.post("/providers", upstream.draft("fake")).await;
    let with = |field: &str, value: Value| {
        let mut draft = upstream.draft("other");
        draft[field] = value;
        draft
    };
    for (draft, code, field) in [
        (with("name", json!("fake")), "provider.name_taken", "name"),
        (with("name", json!("With Space")), "provider.name_invalid", "name"),
        (with("name", json!("a/b")), "provider.name_invalid", "name"),
        (with("kind", json!("nobody")), "provider.kind_unknown", "kind"),
        (with("base_url", json!("http://api.openai.com/v1")), "provider.base_url_invalid", "base_url"),
        (with("base_url", Value::Null), "provider.base_url_missing", "base_url"),
        (with("kind", json!("openai")), "provider.base_url_fixed", "base_url"),
        (with("credential", json!({"source": "stored", "secret": "  "})), "provider.secret_invalid", "credential"),
        (
            with("credential", json!({"source": "environment", "variable": "1-X"})),
            "provider.variable_invalid",
            "credential",
        ),
        (with("credential", json!({"source": "none", "secret": "x"})), "request.invalid", "credential.secret"),
        (with("surprise", json!(1)), "request.invalid", "surprise"),
    ] {
        let (status, found, blamed) = kit.refused("POST", "/providers", draft.clone()).await;
        assert_eq!((found.as_str(), blamed.as_str()), (code, Some(field)), "{status} {draft}");
    }
    let openai = json!({"name": "openai", "kind": "openai", "credential": {"source": "none"}});
    assert_eq!(kit.refused("POST", "/providers", openai).await.1, "provider.credential_missing");
    assert_eq!(kit.get("/providers").await.as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_refused_provider_leaves_no_secret_behind() {
    let kit = Kit::start().await;
    let upstream = Upstream::start("sk-one").await;
    let provider = kit.post("/providers", upstream.draft("fake")).await;
    kit.refused("POST", "/providers", upstream.draft("fake")).await;
    let other = json!({"name": "second", "kind": "openai_compatible", "base_url": upstream.base_url, "credential": {"source": "none"}});
    kit.post("/providers", other).await;
    let rename = json!({"name": "second", "credential": {"source": "stored", "secret": "sk-two"}});
    let path = format!("/providers/{}", id(&provider));
    assert_eq!(kit.refused("PATCH", &path, rename).await.1, "provider.name_taken");
    let stored = kit
        .context
        .secrets
        .get(id(&provider).parse::<megarouter_domain::id::ProviderId>().unwrap())
        .await
        .unwrap()
        .unwrap();
    assert_eq!(stored.expose(), "sk-one", "the old secret is back");
}

#[tokio::test]
async fn a_credential_can_be_replaced_and_moved() {
    let kit = Kit::start().await;
    let upstream = Upstream::start("sk-one").await;
    let provider = kit.post("/providers", upstream.draft("fake")).await;
    let path = format!("/providers/{}", id(&provider));
    let patch = async |body: Value| {
        let (status, answer) = kit.call("PATCH", &path, Some(body)).await;
        assert_eq!(status, 200, "{answer}");
        answer
    };
    patch(json!({"credential": {"source": "stored", "secret": " sk-two\n"}})).await;
    assert_eq!(in_force(&kit, &provider).as_deref(), Some("sk-two"));
    let moved = patch(json!({"credential": {"source": "environment", "variable": VARIABLE}})).await;
    assert_eq!((&moved["credential"]["variable"], &moved["credential"]["state"]), (&json!(VARIABLE), &json!("ready")));
    assert_eq!(in_force(&kit, &provider).as_deref(), Some("sk-from-environment"));
    assert!(
        kit.context
            .secrets
            .get(id(&provider).parse::<megarouter_domain::id::ProviderId>().unwrap())
            .await
            .unwrap()
            .is_none(),
        "the store forgot it"
    );
    let missing = patch(json!({"credential": {"source": "environment", "variable": "NOT_SET"}})).await;
    assert_eq!(missing["credential"]["state"], "unavailable");
    assert!(missing["credential"]["detail"].as_str().unwrap().contains("NOT_SET"));
    let renamed = patch(json!({"name": "renamed", "is_enabled": false, "credential": {"source": "none"}})).await;
    assert_eq!((&renamed["name"], &renamed["is_enabled"]), (&json!("renamed"), &json!(false)));
}

#[tokio::test]
async fn a_credential_does_not_follow_its_provider_to_another_server() {
    let kit = Kit::start().await;
    let upstream = Upstream::start("sk-one").await;
    let provider = kit.post("/providers", upstream.draft("fake")).await;
    let path = format!("/providers/{}", id(&provider));
    let moved = json!({"base_url": "https://evil.example/v1"});
    let (status, code, field) = kit.refused("PATCH", &path, moved).await;
    assert_eq!((status, code.as_str(), field.as_str()), (400, "provider.credential_bound", Some("credential")));
    let same_server = json!({"base_url": upstream.base_url.replace("/v1", "/v2")});
    assert_eq!(kit.call("PATCH", &path, Some(same_server)).await.0, 200);
    let with_credential =
        json!({"base_url": "https://other.example/v1", "credential": {"source": "stored", "secret": "sk-new"}});
    assert_eq!(kit.call("PATCH", &path, Some(with_credential)).await.0, 200);
}

#[tokio::test]
async fn a_test_says_what_is_wrong_and_saves_nothing() {
    let kit = Kit::start().await;
    let upstream = Upstream::start("sk-one").await;
    let found = kit.post("/providers/test", upstream.draft("draft")).await;
    assert_eq!(
        (&found["is_ok"], &found["code"], &found["models"]),
        (&json!(true), &Value::Null, &json!(["up-1", "up-2"]))
    );
    assert!(found["latency_us"].as_u64().is_some_and(|latency| latency > 0));
    let mut draft = upstream.draft("draft");
    draft["credential"] = json!({"source": "environment", "variable": "NOT_SET"});
    assert_eq!(kit.post("/providers/test", draft.clone()).await["code"], "credential.unavailable");
    draft["credential"] = json!({"source": "none"});
    draft["base_url"] = json!("http://127.0.0.1:1/v1");
    assert_eq!(kit.post("/providers/test", draft).await["code"], "connect.refused");
    assert_eq!(kit.get("/providers").await, json!([]));
    let provider = kit.post("/providers", upstream.draft("fake")).await;
    let (status, found) = kit.call("POST", &format!("/providers/{}/test", id(&provider)), None).await;
    assert_eq!((status.as_u16(), &found["is_ok"]), (200, &json!(true)));
}

#[tokio::test]
async fn a_provider_that_models_need_goes_only_with_them() {
    let kit = Kit::start().await;
    let upstream = Upstream::start("sk-one").await;
    let provider = kit.with_model(&upstream, "m", None).await;
    assert_eq!(kit.get("/providers").await[0]["models"], 1);
    let path = format!("/providers/{}", id(&provider));
    let (status, code, _) = kit.refused("DELETE", &path, Value::Null).await;
    assert_eq!((status, code.as_str()), (409, "provider.in_use"));
    let (status, _) = kit.call("DELETE", &format!("{path}?with_models=true"), None).await;
    assert_eq!(status, 204);
    assert_eq!((kit.get("/providers").await, kit.get("/models").await), (json!([]), json!([])));
    assert!(
        kit.context
            .secrets
            .get(id(&provider).parse::<megarouter_domain::id::ProviderId>().unwrap())
            .await
            .unwrap()
            .is_none()
    );
    assert_eq!(kit.refused("DELETE", &path, Value::Null).await.1, "provider.not_found");
    assert_eq!(kit.refused("GET", "/providers/not-an-id", Value::Null).await.0, 404);
}

#[tokio::test]
async fn without_a_secret_store_only_variables_are_taken() {
    let kit = Kit::with_key_source(KeySource::Environment).await;
    let upstream = Upstream::start("sk-from-environment").await;
    let (status, code, field) = kit.refused("POST", "/providers", upstream.draft("fake")).await;
    assert_eq!((status, code.as_str(), field.as_str()), (409, "secret_store.keeps_none", Some("credential")));
    let mut draft = upstream.draft("fake");
    draft["credential"] = json!({"source": "environment", "variable": VARIABLE});
    assert_eq!(kit.post("/providers", draft).await["credential"]["state"], "ready");
}

#[tokio::test]
async fn kinds_and_what_is_there_already_are_offered() {
    let kit = Kit::start().await;
    let kinds = kit.get("/provider-kinds").await;
    let openai = kinds.as_array().unwrap().iter().find(|kind| kind["id"] == "openai").unwrap();
    assert_eq!((&openai["needs_credential"], &openai["base_url_is_fixed"]), (&json!(true), &json!(true)));
    let detected = kit.get("/providers/detected").await;
    assert!(detected["local_servers"].is_array() && detected["environment"].is_array());
}

#[tokio::test]
async fn an_address_is_filled_in_from_what_a_person_knows() {
    let kit = Kit::start().await;
    let azure = |variables: Value| {
        let credential = json!({"source": "stored", "secret": "az-key"});
        json!({"name": "azure", "kind": "azure_openai", "credential": credential, "variables": variables})
    };
    for variables in [json!({}), json!({"resource": "evil.example/"}), json!({"resource": " "})] {
        let (_, code, field) = kit.refused("POST", "/providers", azure(variables)).await;
        assert_eq!((code.as_str(), field.as_str()), ("provider.variable_missing", Some("variables")));
    }
    let provider = kit.post("/providers", azure(json!({"resource": "acme"}))).await;
    assert_eq!(provider["base_url"], "https://acme.openai.azure.com/openai/v1");
    let kinds = kit.get("/provider-kinds").await;
    let kind = kinds.as_array().unwrap().iter().find(|kind| kind["id"] == "azure_openai").unwrap();
    assert_eq!((&kind["auth"], &kind["variables"][0]["name"]), (&json!("header"), &json!("resource")));
    assert_eq!(kind["dialects"], json!(["openai_responses", "openai_chat"]));
}

#[tokio::test]
async fn a_region_is_one_of_those_there_are() {
    let kit = Kit::start().await;
    let moonshot = |name: &str, more: Value| {
        let mut draft = json!({"name": name, "kind": "moonshot", "credential": {"source": "stored", "secret": "sk"}});
        draft.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        draft
    };
    let world = kit.post("/providers", moonshot("world", json!({}))).await;
    assert_eq!(world["base_url"], "https://api.moonshot.ai/v1");
    let china = kit.post("/providers", moonshot("china", json!({"base_url": "https://api.moonshot.cn/v1"}))).await;
    assert_eq!(china["base_url"], "https://api.moonshot.cn/v1");
    let elsewhere = moonshot("x", json!({"base_url": "https://evil.example/v1"}));
    assert_eq!(kit.refused("POST", "/providers", elsewhere).await.1, "provider.base_url_fixed");
}

#[tokio::test]
async fn credentials_that_are_no_keys_are_taken_in_their_own_form() {
    let kit = Kit::start().await;
    let bedrock =
        |secret: &str| json!({"name": "aws", "kind": "bedrock", "credential": {"source": "stored", "secret": secret}});
    assert_eq!(kit.refused("POST", "/providers", bedrock("AKIA1:")).await.1, "provider.secret_invalid");
    let provider = kit.post("/providers", bedrock("AKIA1:secret:session")).await;
    assert_eq!(provider["base_url"], "https://bedrock-runtime.us-east-1.amazonaws.com");
    assert_eq!(in_force(&kit, &provider).as_deref(), Some("AKIA1:secret:session"));
    let credential = json!({"source": "stored", "secret": "{\"type\":\"service_account\"}"});
    let vertex = json!({"name": "v", "kind": "vertex", "credential": credential, "variables": {"project": "p"}});
    assert_eq!(kit.refused("POST", "/providers", vertex).await.1, "provider.secret_invalid");
    let ended = json!({"name": "g", "kind": "github_models", "credential": {"source": "stored", "secret": "x"}});
    assert_eq!(kit.refused("POST", "/providers", ended).await.1, "provider.kind_retired");
}

#[tokio::test]
async fn a_test_asks_a_named_model_too() {
    let kit = Kit::start().await;
    let upstream = Upstream::start("sk-one").await;
    let provider = kit.post("/providers", upstream.draft("fake")).await;
    let test = format!("/providers/{}/test", id(&provider));
    let (status, found) = kit.call("POST", &format!("{test}?model=up-1"), None).await;
    assert_eq!(status.as_u16(), 200);
    assert!(found["message"].as_str().is_some_and(|message| message.contains("up-1")), "{found}");
    assert_eq!(kit.refused("POST", &format!("{test}?surprise=1"), Value::Null).await.0, 400);
}
