//! Public models, their prices, and adopting a provider's models.

use serde_json::{Value, json};

use crate::kit::{Kit, Upstream};

async fn with_provider() -> (Kit, Upstream, Value) {
    let kit = Kit::start().await;
    let upstream = Upstream::start("sk-one").await;
    let provider = kit.post("/providers", upstream.draft("fake")).await;
    (kit, upstream, provider)
}

fn model(name: &str, rates: &Value) -> Value {
    json!({
        "name": name,
        "aliases": ["fast"],
        "deployments": [{"provider": "fake", "upstream_model": "up-1", "max_output_tokens": 4096,
            "price": {"rates": rates, "source": "price list of 2026-11-22"}}],
    })
}

#[tokio::test]
async fn a_model_is_shown_as_it_was_added() {
    let (kit, _upstream, provider) = with_provider().await;
    let rates = json!({"input": "0.15", "output": "0.6", "cached_read": "0.075", "cache_write": "0.3", "reasoning": "0.7", "audio_input": "1", "audio_output": "2"});
    let added = kit.post("/models", model("gpt", &rates)).await;
    assert_eq!((&added["name"], &added["aliases"]), (&json!("gpt"), &json!(["fast"])));
    let deployment = &added["deployments"][0];
    assert_eq!((&deployment["provider"], &deployment["provider_id"]), (&json!("fake"), &provider["id"]));
    assert_eq!((&deployment["upstream_model"], &deployment["max_output_tokens"]), (&json!("up-1"), &json!(4096)));
    for (class, rate) in rates.as_object().unwrap() {
        assert_eq!(&deployment["price"]["rates"][class], rate, "{class}");
    }
    assert_eq!(deployment["price"]["rates"]["image"], Value::Null);
    assert_eq!(deployment["price"]["source"], "price list of 2026-11-22");
    assert_eq!(deployment["is_free"], false);
    assert_eq!(kit.get("/models").await, json!([added]));
    assert!(kit.context.gateway.snapshot().resolve("fast").is_some(), "in force when answered");
}

#[tokio::test]
async fn a_changed_price_is_a_new_version_and_an_unchanged_one_is_not() {
    let (kit, _upstream, _) = with_provider().await;
    let first = kit.post("/models", model("gpt", &json!({"input": "1", "output": "2"}))).await;
    let path = format!("/models/{}", first["id"].as_str().unwrap());
    let put = async |rates: Value| kit.call("PUT", &path, Some(model("gpt", &rates))).await.1["deployments"][0].clone();
    let same = put(json!({"input": "1.0", "output": "2.00"})).await;
    assert_eq!(same, first["deployments"][0]);
    let other = put(json!({"input": "1", "output": "3"})).await;
    assert_ne!(other["price"]["id"], first["deployments"][0]["price"]["id"]);
    assert_eq!(other["id"], first["deployments"][0]["id"], "the deployment stays the same");
    assert_eq!(kit.call("DELETE", &path, None).await.0, 204);
    assert_eq!(
        kit.refused("PUT", &path, model("gpt", &json!({"input": "1", "output": "2"}))).await.1,
        "model.not_found"
    );
    assert_eq!(kit.refused("DELETE", &path, Value::Null).await.1, "model.not_found");
}

#[tokio::test]
async fn what_nobody_could_ask_for_is_refused() {
    let (kit, _upstream, _) = with_provider().await;
    kit.post("/models", model("gpt", &json!({"input": "1", "output": "2"}))).await;
    let deployment = json!({"provider": "fake", "upstream_model": "up-2"});
    for (body, code, field) in [
        (json!({"name": "fast", "deployments": [deployment]}), "model.name_taken", "name"),
        (json!({"name": "new", "aliases": ["gpt"], "deployments": [deployment]}), "model.name_taken", "aliases"),
        (json!({"name": "a b", "deployments": [deployment]}), "model.name_invalid", "name"),
        (
            json!({"name": "new", "aliases": ["x", "x"], "deployments": [deployment]}),
            "model.aliases_invalid",
            "aliases[1]",
        ),
        (json!({"name": "new", "deployments": []}), "model.deployments_invalid", "deployments"),
        (
            json!({"name": "new", "deployments": [deployment, deployment]}),
            "model.deployments_invalid",
            "deployments[1]",
        ),
        (
            json!({"name": "new", "deployments": [{"provider": "nobody", "upstream_model": "x"}]}),
            "provider.not_found",
            "deployments[0].provider",
        ),
        (
            json!({"name": "new", "deployments": [{"provider": "fake", "upstream_model": "x", "price": {"rates": {"input": "-1", "output": "1"}}}]}),
            "request.invalid",
            "deployments[0].price.rates.input",
        ),
        (
            json!({"name": "new", "deployments": [{"provider": "fake", "upstream_model": "x", "price": {"rates": {"input": "1000001", "output": "1"}}}]}),
            "request.invalid",
            "deployments[0].price.rates.input",
        ),
        (
            json!({"name": "new", "deployments": [{"provider": "fake", "upstream_model": "x", "max_output_tokens": 0}]}),
            "model.max_output_invalid",
            "deployments[0].max_output_tokens",
        ),
        (
            json!({"name": "new", "deployments": [{"provider": "fake", "upstream_model": "x", "max_output_tokens": 100_000_001}]}),
            "model.max_output_invalid",
            "deployments[0].max_output_tokens",
        ),
    ] {
        let (_, found, blamed) = kit.refused("POST", "/models", body.clone()).await;
        assert_eq!((found.as_str(), blamed.as_str()), (code, Some(field)), "{body}");
    }
    assert_eq!(kit.get("/models").await.as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_providers_models_are_adopted_under_their_own_names() {
    let (kit, _upstream, remote) = with_provider().await;
    let local = json!({"name": "box", "kind": "ollama", "credential": {"source": "none"}});
    let local = kit.post("/providers", local).await;
    let adopt = async |provider: &Value, names: Value| {
        kit.post(&format!("/providers/{}/models", provider["id"].as_str().unwrap()), json!({"upstream_models": names}))
            .await
    };
    let first = adopt(&remote, json!(["up-1", "up-2"])).await;
    assert_eq!(first.as_array().unwrap().len(), 2);
    assert_eq!((&first[0]["name"], &first[0]["deployments"][0]["price"]), (&json!("up-1"), &Value::Null));
    let joined = adopt(&local, json!(["up-1", "up-1"])).await;
    assert_eq!(joined.as_array().unwrap().len(), 1);
    assert_eq!(joined[0]["id"], first[0]["id"]);
    let deployments = joined[0]["deployments"].as_array().unwrap();
    assert_eq!(
        deployments.iter().map(|deployment| deployment["is_free"].as_bool().unwrap()).collect::<Vec<_>>(),
        [false, true]
    );
    assert_eq!(adopt(&local, json!(["up-1"])).await, joined, "once is enough");
    let path = format!("/providers/{}/models", remote["id"].as_str().unwrap());
    assert_eq!(kit.refused("POST", &path, json!({"upstream_models": []})).await.2, "upstream_models");
    assert_eq!(kit.refused("POST", &path, json!({"upstream_models": ["a b"]})).await.2, "upstream_models[0]");
}
