//! The catalogue: what it shows, and what models get from it.

use axum::Router;
use axum::routing::get;
use megarouter_api::configuration::Reread;
use megarouter_domain::id::ProviderId;
use megarouter_domain::provider::{CredentialSource, Provider};
use megarouter_store::settings::Change;
use serde_json::{Value, json};

use crate::kit::{Kit, Upstream};

/// Adds a provider of a kind whose address nobody can change by the API; gives its id.
pub async fn provider(kit: &Kit, kind: &str, base_url: &str) -> String {
    let provider = Provider {
        id: ProviderId::new(kit.context.now(), kit.context.entropy()),
        name: kind.to_owned(),
        kind: kind.to_owned(),
        base_url: base_url.to_owned(),
        credential: CredentialSource::None,
        dialects: vec![],
        is_enabled: true,
        region: None,
        keeps_prompts: None,
        pool: vec![],
    };
    let id = provider.id;
    kit.context.change(vec![Change::PutProvider(provider)], Reread::All, &[]).await.unwrap();
    id.to_string()
}

fn found<'a>(list: &'a Value, kind: &str, id: &str) -> &'a Value {
    let models = list["models"].as_array().unwrap();
    models.iter().find(|model| model["kind"] == kind && model["id"] == id).unwrap_or_else(|| panic!("{kind} {id}"))
}

fn names(models: &Value) -> Vec<&str> {
    models.as_array().unwrap().iter().map(|model| model["name"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn the_catalogue_lists_what_is_served_and_hides_the_rest() {
    let kit = Kit::start().await;
    let list = kit.get("/catalog").await;
    assert!(list["models"].as_array().unwrap().len() > 2_000);
    assert!(list["hidden"].as_u64().unwrap() > 100);
    assert_eq!((&list["origin"], &list["date"]), (&json!("embedded"), &json!("2026-11-22")));
    assert_eq!(list["blend"], json!({"input_percent": 75, "output_percent": 25, "is_own": false}));
    let model = found(&list, "openai", "gpt-5.1");
    assert_eq!((&model["maker"], &model["mode"], &model["mine"]), (&json!("OpenAI"), &json!("chat"), &Value::Null));
    assert_eq!((&model["price"]["input"], &model["price"]["output"]), (&json!("1.25"), &json!("10")));
    assert_eq!(model["price"]["has_tiers"], true);
    let gone = list["models"]
        .as_array()
        .unwrap()
        .iter()
        .any(|model| model["id"] == "deepseek-chat" && model["kind"] == "deepseek");
    assert!(!gone, "shut down on 2026-07-24");
    assert_eq!(kit.get("/catalog/model?kind=deepseek&id=deepseek-chat").await["shuts_down"], "2026-07-24");
}

#[tokio::test]
async fn the_list_can_be_narrowed() {
    let kit = Kit::start().await;
    let all = |list: &Value, fits: &dyn Fn(&Value) -> bool| {
        let models = list["models"].as_array().unwrap();
        assert!(!models.is_empty() && models.iter().all(fits));
    };
    all(&kit.get("/catalog?kind=groq&mode=transcription").await, &|it| {
        it["kind"] == "groq" && it["mode"] == "transcription"
    });
    all(&kit.get("/catalog?q=CLAUDE&maker=Anthropic").await, &|it| it["maker"] == "Anthropic");
    assert_eq!(kit.get("/catalog?mine=true").await["models"], json!([]));
    assert_eq!(kit.call("GET", "/catalog?mode=nonsense", None).await.0, 400);
}

#[tokio::test]
async fn a_model_says_who_says_what_and_who_is_cheaper() {
    let kit = Kit::start().await;
    let detail = kit.get("/catalog/model?kind=openai&id=gpt-5.1").await;
    let source = |figure: &str| {
        let all = detail["provenance"].as_array().unwrap();
        all.iter().find(|it| it["figure"] == figure).map(|it| (it["source"].clone(), it["date"].clone())).unwrap()
    };
    assert_eq!(source("price"), (json!("litellm"), json!("2026-11-22")));
    assert_eq!(source("name"), (json!("models.dev"), json!("2026-08-18")));
    let tiers = detail["tariff"]["tiers"].as_array().unwrap();
    assert!(tiers.iter().any(|tier| tier["service"] == "batch" && tier["rates"]["input"] == "0.625"), "{tiers:?}");
    assert_eq!((&detail["blended"], &detail["last_30d"]), (&json!("3.4375"), &Value::Null));
    let cheaper = detail["alternatives"].as_array().unwrap();
    assert!(!cheaper.is_empty() && cheaper.iter().all(|it| it["saving_percent"].as_u64().unwrap() <= 100));
    assert!(detail["page"].as_str().unwrap().starts_with("https://"));
    let (_, code, field) = kit.refused("GET", "/catalog/model?kind=openai&id=nobody", Value::Null).await;
    assert_eq!((code.as_str(), field), ("catalog.not_found", json!("id")));
}

#[tokio::test]
async fn adopting_fills_in_what_the_catalogue_knows() {
    let kit = Kit::start().await;
    provider(&kit, "openai", "http://127.0.0.1:9/v1").await;
    provider(&kit, "ollama", "http://127.0.0.1:9/v1").await;
    let adopted = kit
        .post(
            "/models/adopt",
            json!({"models": [
                {"provider": "openai", "upstream_model": "gpt-5.1", "aliases": ["smart"]},
                {"provider": "openai", "upstream_model": "gpt-unheard-of"},
                {"provider": "ollama", "upstream_model": "gpt-5.1"},
                {"provider": "openai", "upstream_model": "gpt-5.6", "name": "coder",
                 "price": {"rates": {"input": "1", "output": "2"}, "source": "our contract"}, "max_output_tokens": 5},
            ]}),
        )
        .await;
    assert_eq!(names(&adopted), ["gpt-5.1", "gpt-unheard-of", "coder"]);
    let deployments = &adopted[0]["deployments"];
    assert_eq!(deployments[0]["price"]["rates"]["input"], "1.25");
    assert_eq!(deployments[0]["price"]["source"], "catalogue 2026-11-22 (litellm)");
    assert_eq!((&deployments[0]["max_output_tokens"], &deployments[0]["can_reason"]), (&json!(128_000), &json!(true)));
    assert_eq!((&deployments[0]["is_catalogue_price"], &deployments[1]["is_free"]), (&json!(true), &json!(true)));
    assert_eq!(adopted[1]["deployments"][0]["price"], Value::Null, "nobody knows");
    let by_hand = &adopted[2]["deployments"][0];
    assert_eq!((&by_hand["price"]["source"], &by_hand["max_output_tokens"]), (&json!("our contract"), &json!(5)));
    assert_eq!(by_hand["is_catalogue_price"], false);

    let list = kit.get("/catalog?kind=openai").await;
    let mine = &found(&list, "openai", "gpt-5.1")["mine"];
    assert_eq!((names(&mine["providers"]), names(&mine["models"])), (vec!["openai"], vec!["gpt-5.1"]));
    assert_eq!(mine["providers"][0]["is_seen"], Value::Null, "it was never asked");
}

#[tokio::test]
async fn adopting_is_all_or_nothing() {
    let kit = Kit::start().await;
    provider(&kit, "openai", "http://127.0.0.1:9/v1").await;
    let body = json!({"models": [
        {"provider": "openai", "upstream_model": "gpt-5.1"}, {"provider": "nobody", "upstream_model": "x"}]});
    let (_, code, field) = kit.refused("POST", "/models/adopt", body).await;
    assert_eq!((code.as_str(), field), ("provider.not_found", json!("models[1].provider")));
    assert_eq!(kit.get("/models").await, json!([]));
    assert_eq!(kit.refused("POST", "/models/adopt", json!({"models": []})).await.2, "models");
}

#[tokio::test]
async fn a_price_is_overridden_with_a_reason_and_given_back() {
    let kit = Kit::start().await;
    provider(&kit, "openai", "http://127.0.0.1:9/v1").await;
    let model =
        kit.post("/models/adopt", json!({"models": [{"provider": "openai", "upstream_model": "gpt-5.1"}]})).await[0]
            .clone();
    let id = model["id"].as_str().unwrap();
    let path = format!("/models/{id}/deployments/{}", model["deployments"][0]["id"].as_str().unwrap());
    let patch = async |body: Value| kit.call("PATCH", &path, Some(body)).await;
    let price = |reason: &str| json!({"price": {"rates": {"input": "0.5", "output": "4"}, "reason": reason}});
    assert_eq!(kit.refused("PATCH", &path, price(" ")).await.2, "price.reason");
    let changed = patch(price("contract of 2026")).await.1["deployments"][0].clone();
    assert_eq!(
        (&changed["price"]["source"], &changed["is_catalogue_price"]),
        (&json!("contract of 2026"), &json!(false))
    );
    let back = patch(json!({"use_catalogue_price": true})).await.1["deployments"][0].clone();
    assert_eq!((&back["price"]["rates"]["input"], &back["is_catalogue_price"]), (&json!("1.25"), &json!(true)));
    let history = kit.get(&format!("/models/{id}/prices")).await;
    assert_eq!(history[0]["versions"].as_array().unwrap().len(), 3);
    assert_eq!(history[0]["versions"][1]["source"], "contract of 2026");

    // A price that came from the catalogue and was edited is not the catalogue's.
    let edited = json!({"name": "gpt-5.1", "deployments": [{"provider": "openai", "upstream_model": "gpt-5.1",
        "price": {"rates": {"input": "9", "output": "9"}, "source": "catalogue 2026-11-22 (litellm)"}}]});
    let (_, edited) = kit.call("PUT", &format!("/models/{id}"), Some(edited)).await;
    assert_eq!(edited["deployments"][0]["price"]["source"], "set by hand");
    let elsewhere = format!("/models/{id}/deployments/{id}");
    assert_eq!(kit.refused("PATCH", &elsewhere, json!({})).await.1, "deployment.not_found");
}

#[tokio::test]
async fn a_retiring_model_is_replaced_wherever_it_is_used() {
    let kit = Kit::start().await;
    let upstream = Upstream::start("sk-one").await;
    kit.with_model(&upstream, "old", Some(json!({"input": "1", "output": "2"}))).await;
    let new = kit
        .post("/models", json!({"name": "new", "deployments": [{"provider": "fake", "upstream_model": "up-2"}]}))
        .await;
    kit.post("/keys", json!({"name": "names-it", "models": ["old"]})).await;
    kit.post("/keys", json!({"name": "names-both", "models": ["new", "old"]})).await;
    kit.post("/keys", json!({"name": "names-all"})).await;
    kit.chat("old").await;
    let old = kit.get("/models").await[0]["id"].as_str().unwrap().to_owned();

    let users = kit.get(&format!("/models/{old}/users")).await;
    assert_eq!(users["requests"], 1);
    let mut concerned = names(&users["keys"]);
    concerned.sort_unstable();
    assert_eq!(concerned, ["Playground", "names-both", "names-it"]);
    assert_eq!(users["keys"][0]["requests"], 1, "dearest first: {users}");

    let path = format!("/models/{old}/replace");
    let dry = kit.post(&path, json!({"by": "new", "dry_run": true})).await;
    assert_eq!((&dry["is_done"], &dry["names"], &dry["keys"]), (&json!(false), &json!(["old"]), &users["keys"]));
    assert_eq!(dry["replacement"]["aliases"], json!(["old"]));
    assert_eq!(names(&kit.get("/models").await), ["old", "new"], "nothing was done");

    let done = kit.post(&path, json!({"by": new["id"]})).await;
    assert_eq!((&done["is_done"], names(&kit.get("/models").await)), (&json!(true), vec!["new"]));
    let lists: Vec<Value> =
        kit.get("/keys").await.as_array().unwrap().iter().map(|key| key["models"].clone()).collect();
    assert!(lists.contains(&json!(["new"])) && !lists.iter().any(|list| list.to_string().contains("old")), "{lists:?}");
    assert_eq!(kit.chat("old").await.0, 200, "the old name still works");
}

#[tokio::test]
async fn a_model_can_keep_its_names_and_be_served_by_others() {
    let kit = Kit::start().await;
    let upstream = Upstream::start("sk-one").await;
    kit.with_model(&upstream, "old", None).await;
    let id = kit.get("/models").await[0]["id"].as_str().unwrap().to_owned();
    let path = format!("/models/{id}/replace");
    let deployments = json!([{"provider": "fake", "upstream_model": "up-2"}]);
    let done = kit.post(&path, json!({"deployments": deployments})).await;
    assert_eq!(
        (&done["replacement"]["id"], &done["replacement"]["deployments"][0]["upstream_model"]),
        (&json!(id), &json!("up-2"))
    );
    for (body, code) in [
        (json!({}), "request.invalid"),
        (json!({"by": "x", "deployments": deployments}), "request.invalid"),
        (json!({"by": "nobody"}), "model.not_found"),
        (json!({"by": "old"}), "model.replaced_by_itself"),
    ] {
        assert_eq!(kit.refused("POST", &path, body).await.1, code);
    }
}

#[tokio::test]
async fn discovery_tells_what_a_provider_really_serves() {
    let kit = Kit::start().await;
    let list = json!({"object": "list", "data": [{"id": "gpt-5.1"}, {"id": "gpt-unheard-of"}]}).to_string();
    let router = Router::new().route("/v1/models", get(move || std::future::ready(list.clone())));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base_url = format!("http://{}/v1", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await });
    let id = provider(&kit, "openai", &base_url).await;
    kit.post("/models/adopt", json!({"models": [{"provider": "openai", "upstream_model": "gpt-unheard-of"}]})).await;

    let found_models = kit.post(&format!("/providers/{id}/discover"), json!({})).await["models"].clone();
    assert_eq!((&found_models[0]["is_known"], &found_models[0]["is_adopted"]), (&json!(true), &json!(false)));
    assert_eq!(found_models[0]["max_output"], 128_000, "from the catalogue");
    assert_eq!((&found_models[1]["is_known"], &found_models[1]["is_adopted"]), (&json!(false), &json!(true)));

    let list = kit.get("/catalog?mine=true").await;
    let is_seen = |model: &str| found(&list, "openai", model)["mine"]["providers"][0]["is_seen"].clone();
    assert_eq!((is_seen("gpt-5.1"), is_seen("gpt-5.6")), (json!(true), json!(false)));
    let unlisted = &list["unlisted"];
    assert_eq!((unlisted.as_array().unwrap().len(), &unlisted[0]["id"]), (1, &json!("gpt-unheard-of")));
    assert_eq!(names(&unlisted[0]["models"]), ["gpt-unheard-of"]);

    let silent = provider(&kit, "groq", "http://127.0.0.1:9/v1").await;
    let (status, code, _) = kit.refused("POST", &format!("/providers/{silent}/discover"), json!({})).await;
    assert_eq!((status, code.as_str()), (502, "provider.not_listed"));
}

#[tokio::test]
async fn a_model_of_the_catalogue_shows_what_was_done_with_it() {
    let kit = Kit::start().await;
    let upstream = Upstream::start("none").await;
    provider(&kit, "openai", &upstream.base_url).await;
    kit.post("/models/adopt", json!({"models": [{"provider": "openai", "upstream_model": "gpt-4o", "name": "gpt"}]}))
        .await;
    kit.chat("gpt").await;
    let detail = kit.get("/catalog/model?kind=openai&id=gpt-4o").await;
    let recent = &detail["last_30d"];
    assert_eq!((&recent["requests"], names(&recent["keys"])), (&json!(1), vec!["Playground"]));
    assert_eq!(names(&detail["mine"]["models"]), ["gpt"]);
    assert_eq!(
        (&detail["deployments"][0]["model"], &detail["deployments"][0]["is_catalogue_price"]),
        (&json!("gpt"), &json!(true))
    );
}
