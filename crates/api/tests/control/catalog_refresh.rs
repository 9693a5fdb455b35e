//! Refreshing the catalogue: from sources on this machine, that tests change.

use std::fmt::Write as _;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::routing::get;
use http::{HeaderMap, Response, StatusCode};
use megarouter_api::catalog::Addresses;
use serde_json::{Value, json};

use crate::catalog::provider;
use crate::kit::Kit;

/// The beginnings of models' names of many makers, so that a catalogue of them looks whole.
const WORDS: &[&str] = &[
    "gpt",
    "claude",
    "gemini",
    "llama",
    "mistral",
    "qwen",
    "deepseek",
    "kimi",
    "glm",
    "minimax",
    "grok",
    "command",
    "jamba",
    "nova",
    "phi",
    "nemotron",
    "ernie",
    "doubao",
    "hunyuan",
    "step",
    "granite",
    "sonar",
    "falcon",
    "yi",
    "internlm",
    "baichuan",
    "hermes",
    "flux",
    "stable",
    "palmyra",
    "solar",
    "olmo",
    "lfm",
    "mercury",
    "mimo",
    "ling",
    "kat-coder",
    "longcat",
    "laguna",
    "reka",
    "bge",
    "trinity",
    "morph",
    "snowflake",
    "dbrx",
    "gryphe",
    "nomic",
    "cogito",
    "kokoro",
    "aion",
    "voyage",
    "jina",
    "starcoder",
    "exaone",
    "sao10k",
    "thedrummer",
    "phind",
    "upstage",
    "recraft",
    "luma",
];

/// The two sources; each answers with what a test put there.
#[derive(Clone)]
struct Sources {
    state: Arc<Mutex<Files>>,
    addresses: Addresses,
}

struct Files {
    litellm: (StatusCode, String),
    models_dev: String,
    /// Whole files that were sent.
    sent: usize,
}

impl Sources {
    async fn start() -> Self {
        let state =
            Arc::new(Mutex::new(Files { litellm: (StatusCode::OK, map("1e-06")), models_dev: list(), sent: 0 }));
        let router = Router::new()
            .route("/litellm", get(litellm))
            .route("/models.dev", get(models_dev))
            .with_state(Arc::clone(&state));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let at = listener.local_addr().unwrap();
        tokio::spawn(async move { axum::serve(listener, router).await });
        let addresses =
            Addresses { litellm: format!("http://{at}/litellm"), models_dev: format!("http://{at}/models.dev") };
        Self { state, addresses }
    }

    fn set(&self, status: StatusCode, litellm: String) {
        self.state.lock().unwrap().litellm = (status, litellm);
    }

    fn sent(&self) -> usize {
        self.state.lock().unwrap().sent
    }
}

type Shared = State<Arc<Mutex<Files>>>;

async fn litellm(State(files): Shared, headers: HeaderMap) -> Response<Body> {
    let mut files = files.lock().unwrap();
    let (status, content) = files.litellm.clone();
    send(&mut files, status, content, &headers)
}

async fn models_dev(State(files): Shared, headers: HeaderMap) -> Response<Body> {
    let mut files = files.lock().unwrap();
    let content = files.models_dev.clone();
    send(&mut files, StatusCode::OK, content, &headers)
}

fn send(files: &mut Files, status: StatusCode, content: String, headers: &HeaderMap) -> Response<Body> {
    let mut hasher = DefaultHasher::new();
    content.hash(&mut hasher);
    let etag = format!("\"{:x}\"", hasher.finish());
    if headers.get("if-none-match").is_some_and(|known| known.as_bytes() == etag.as_bytes()) {
        return Response::builder().status(304).body(Body::empty()).unwrap();
    }
    files.sent += 1;
    Response::builder().status(status).header("etag", etag).body(Body::from(content)).unwrap()
}

/// A map of as many models as the embedded catalogue has; input costs this for a token.
fn map(input: &str) -> String {
    let mut text = String::from("{");
    for word in WORDS {
        for number in 0..40 {
            let _ = write!(
                text,
                "\"{word}-{number}\": {{\"input_cost_per_token\": {input}, \"litellm_provider\": \"openai\", \"mode\": \
                 \"chat\", \"output_cost_per_token\": 2e-06, \"max_output_tokens\": 64}},"
            );
        }
    }
    text + "\"sample_spec\": {}}"
}

fn list() -> String {
    json!({"openai": {"models": {"gpt-1": {"name": "The First", "release_date": "2026-01-02"}}}}).to_string()
}

async fn refreshed() -> (Kit, Sources) {
    let sources = Sources::start().await;
    let kit = Kit::with_catalogue_at(sources.addresses.clone()).await;
    (kit, sources)
}

async fn refresh(kit: &Kit) -> Value {
    kit.post("/catalog/refresh", json!({})).await
}

#[tokio::test]
async fn a_refresh_takes_the_place_of_what_came_with_the_program() {
    let (kit, sources) = refreshed().await;
    assert_eq!(kit.get("/catalog/status").await["origin"], "embedded");
    let status = refresh(&kit).await;
    assert_eq!(
        (&status["origin"], &status["is_running"], &status["last_error"]),
        (&json!("refreshed"), &json!(false), &Value::Null)
    );
    assert_eq!((&status["last_success"], &status["models"]), (&status["last_attempt"], &json!(WORDS.len() * 40)));
    let model = kit.get("/catalog/model?kind=openai&id=gpt-1").await;
    assert_eq!(
        (&model["name"], &model["released"], &model["price"]["input"]),
        (&json!("The First"), &json!("2026-01-02"), &json!("1"))
    );
    assert_eq!(sources.sent(), 2);
    refresh(&kit).await;
    assert_eq!(sources.sent(), 2, "the same editions are not sent again");
}

#[tokio::test]
async fn prices_that_came_from_the_catalogue_follow_it_and_others_do_not() {
    let (kit, sources) = refreshed().await;
    refresh(&kit).await;
    provider(&kit, "openai", "http://127.0.0.1:9/v1").await;
    let by_hand = json!({"rates": {"input": "7", "output": "7"}});
    let models = json!([{"provider": "openai", "upstream_model": "gpt-1"},
        {"provider": "openai", "upstream_model": "gpt-2", "price": by_hand}]);
    let before = kit.post("/models/adopt", json!({ "models": models })).await;
    sources.set(StatusCode::OK, map("1.5e-06"));
    let status = refresh(&kit).await;
    assert_eq!((&status["prices_changed"], &status["prices_held_back"]), (&json!(1), &json!(0)));
    let after = kit.get("/models").await;
    let price = |models: &Value, index: usize| models[index]["deployments"][0]["price"].clone();
    assert_eq!(price(&after, 0)["rates"]["input"], "1.5");
    assert_ne!(price(&after, 0)["id"], price(&before, 0)["id"], "a version of its own");
    assert_eq!(price(&after, 1), price(&before, 1), "set by hand");
    let history = kit.get(&format!("/models/{}/prices", after[0]["id"].as_str().unwrap())).await;
    assert_eq!(history[0]["versions"][1]["id"], price(&before, 0)["id"], "old requests keep theirs");

    sources.set(StatusCode::OK, map("1.5e-05"));
    let status = refresh(&kit).await;
    assert_eq!((&status["prices_changed"], &status["prices_held_back"]), (&json!(0), &json!(1)));
    assert_eq!(kit.get("/models").await, after, "a tenfold price waits for a person");
}

#[tokio::test]
async fn what_never_had_a_price_gets_one_and_one_taken_away_stays_away() {
    let (kit, _sources) = refreshed().await;
    provider(&kit, "openai", "http://127.0.0.1:9/v1").await;
    let by_hand = json!({"rates": {"input": "7", "output": "7"}});
    // The catalogue that came with the program knows neither.
    let models = json!([{"provider": "openai", "upstream_model": "gpt-1"},
        {"provider": "openai", "upstream_model": "gpt-2", "price": by_hand}]);
    let before = kit.post("/models/adopt", json!({ "models": models })).await;
    assert_eq!(before[0]["deployments"][0]["price"], Value::Null);
    let taken = json!({"name": "gpt-2", "deployments": [{"provider": "openai", "upstream_model": "gpt-2"}]});
    let path = format!("/models/{}", before[1]["id"].as_str().unwrap());
    assert_eq!(kit.call("PUT", &path, Some(taken)).await.1["deployments"][0]["price"], Value::Null);
    assert_eq!(refresh(&kit).await["prices_changed"], 1);
    let after = kit.get("/models").await;
    let filled = &after[0]["deployments"][0];
    assert_eq!((&filled["price"]["rates"]["input"], &filled["is_catalogue_price"]), (&json!("1"), &json!(true)));
    assert_eq!(after[1]["deployments"][0]["price"], Value::Null, "taken away");
}

#[tokio::test]
async fn bad_data_never_takes_the_place_of_good() {
    let (kit, sources) = refreshed().await;
    refresh(&kit).await;
    let good = kit.get("/catalog").await;
    let few = r#"{"gpt-1": {"litellm_provider": "openai", "mode": "chat", "input_cost_per_token": 1e-6}}"#;
    for (status, content) in [
        (StatusCode::OK, "<html>".to_owned()),
        (StatusCode::OK, few.to_owned()),
        (StatusCode::OK, map("NaN")),
        (StatusCode::OK, map("-1e-06")),
        (StatusCode::INTERNAL_SERVER_ERROR, map("1e-06") + " "),
    ] {
        sources.set(status, content);
        let (status, code, _) = kit.refused("POST", "/catalog/refresh", json!({})).await;
        assert_eq!((status, code.as_str()), (502, "catalog.refresh_failed"));
        assert!(kit.get("/catalog/status").await["last_error"].is_string());
        assert_eq!(kit.get("/catalog").await, good);
    }
    sources.set(StatusCode::OK, map("2e-06"));
    assert_eq!(refresh(&kit).await["last_error"], Value::Null);
}

#[tokio::test]
async fn a_refreshed_catalogue_is_there_at_the_next_start() {
    let (kit, _sources) = refreshed().await;
    let first = refresh(&kit).await;
    let again = megarouter_api::catalog::Shelf::new(kit.dir.path(), Addresses::default());
    assert_eq!(again.catalog().await.0.models().len(), WORDS.len() * 40);
    assert_eq!(json!(again.last_success().await.unwrap()), first["last_success"]);
    std::fs::write(kit.dir.path().join("catalogue/catalogue.gz"), b"damaged").unwrap();
    let again = megarouter_api::catalog::Shelf::new(kit.dir.path(), Addresses::default());
    assert!(again.catalog().await.0.find("anthropic", "claude-sonnet-5").is_some(), "the embedded one");
}
