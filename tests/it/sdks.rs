//! The official OpenAI SDKs and curl, against the mock provider and against a real model; the latter
//! also through the SDKs of Anthropic and Google, whose dialects it does not speak.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::process::Command;

use anyhow::Result;
use megarouter_tests::mock_provider::{DEFAULT_MODEL, MockProvider};
use megarouter_tests::real_model::{self, RealModel};
use megarouter_tests::setup::Setup;
use megarouter_tests::sse::Stream;
use megarouter_tests::tools;
use megarouter_tests::world::World;
use serde::Deserialize;
use serde_json::{Value, json};

/// Requests of all walks that no model saw: each SDK asks once for a model that does not exist.
const REFUSED: usize = 2;

/// What a walk's client was told about one answer.
#[derive(Debug, Deserialize)]
struct Told {
    operation: String,
    request_id: String,
    prompt_tokens: u64,
    completion_tokens: u64,
}

/// What a walk prints: an answer, a stream and embeddings; or two answers and two streams.
const ANSWERS: usize = 3;
const ANSWERS_OF_OTHERS: usize = 4;

fn python_walk() -> Result<Command> {
    python_script("walk.py")
}

fn python_script(name: &str) -> Result<Command> {
    let mut command = Command::new(tools::python()?);
    command.arg(tools::crate_folder().join("sdk/python").join(name));
    Ok(command)
}

fn node_walk() -> Result<Command> {
    let mut command = Command::new(tools::node()?);
    command.arg(tools::node_package("sdk/node")?.join("walk.mjs"));
    Ok(command)
}

/// Walks an SDK through the program and checks that the ledger has what the client was told.
async fn walk(world: &World, model: &str, mut command: Command, answers: usize) {
    command.env("OPENAI_BASE_URL", world.program.url("/v1")).env("OPENAI_API_KEY", &world.key).env("MODEL", model);
    command.env("BASE_URL", world.program.url("")).env("API_KEY", &world.key);
    command.env_remove("HTTP_PROXY").env_remove("http_proxy").env_remove("ALL_PROXY");
    let output = tokio::task::spawn_blocking(move || tools::output(&mut command)).await.unwrap().unwrap();
    let told: Vec<Told> = output.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(told.len(), answers, "{output}");
    for Told { operation, request_id, prompt_tokens, completion_tokens } in told {
        let record = world.control.request(&request_id).await.unwrap();
        let usage = &record["usage"];
        assert_eq!(record["operation"], operation);
        assert_eq!(usage["total_input"], prompt_tokens);
        assert_eq!(usage["total_output"].as_u64().unwrap_or(0), completion_tokens);
        assert_eq!(record["outcome"], "completed");
    }
}

async fn mock_world() -> World {
    World::start().await.unwrap()
}

/// A world whose provider is the real model. The mock of the world stays unused.
async fn real_world(model: &RealModel) -> World {
    let provider = json!({"name": "here", "kind": "openai_compatible", "base_url": model.base_url()});
    let setup = Setup::new().provider_with(provider).model(real_model::MODEL, &["here"], "0.05", "0.20");
    World::of(MockProvider::start().await.unwrap(), &setup, &[]).unwrap()
}

#[tokio::test]
async fn the_python_sdk_walks_through_with_the_mock() {
    walk(&mock_world().await, DEFAULT_MODEL, python_walk().unwrap(), ANSWERS).await;
}

#[tokio::test]
async fn the_node_sdk_walks_through_with_the_mock() {
    walk(&mock_world().await, DEFAULT_MODEL, node_walk().unwrap(), ANSWERS).await;
}

#[tokio::test]
async fn curl_streams_with_the_mock() {
    let world = mock_world().await;
    let stream = curl(&world, DEFAULT_MODEL).await;
    assert!(stream.is_done && stream.usages().is_empty());
    assert_eq!(stream.text().split_whitespace().count(), 8);
}

/// One model server for all clients: it takes most of a processor.
#[tokio::test]
async fn every_client_talks_with_a_real_model_and_the_ledger_equals_the_models_own_books() {
    let model = tokio::task::spawn_blocking(RealModel::start).await.unwrap().unwrap();
    let world = real_world(&model).await;
    walk(&world, real_model::MODEL, python_walk().unwrap(), ANSWERS).await;
    walk(&world, real_model::MODEL, node_walk().unwrap(), ANSWERS).await;
    walk(&world, real_model::MODEL, python_script("walk_others.py").unwrap(), ANSWERS_OF_OTHERS).await;
    let stream = curl(&world, real_model::MODEL).await;
    assert!(stream.is_done && !stream.text().trim().is_empty());
    check_books(&world, &model).await;
}

/// Every answer that the model server completed is on our ledger, under the server's own id, with the
/// server's own token counts and their price to the nano-dollar.
async fn check_books(world: &World, model: &RealModel) {
    let reported = model.reported().await.unwrap();
    let complete: Vec<_> = reported.iter().filter(|answer| answer.is_complete).collect();
    assert!(complete.len() >= 13, "{reported:#?}");
    let mut records = Vec::new();
    for row in world.control.requests_once_there_are(reported.len() + REFUSED).await.unwrap() {
        records.push(world.control.request(row["id"].as_str().unwrap()).await.unwrap());
    }
    for answer in complete {
        let has_it = |record: &&Value| record["attempt_list"][0]["upstream_request_id"] == answer.id.as_str();
        let record = records.iter().find(has_it);
        let record = record.unwrap_or_else(|| panic!("{answer:?} is not on the ledger: {records:#?}"));
        // A client that left may have missed the end, and with it the provider's own figures.
        if record["outcome"] == "client_left" {
            continue;
        }
        let attempt = &record["attempt_list"][0];
        let usage = &attempt["usage"];
        assert_eq!(usage["total_input"], answer.usage.prompt_tokens, "{attempt:#}");
        assert_eq!(usage["total_output"].as_u64().unwrap_or(0), answer.usage.completion_tokens, "{attempt:#}");
        assert_eq!(attempt["usage_source"], "reported");
        let nanos = answer.usage.prompt_tokens * 50 + answer.usage.completion_tokens * 200;
        assert_eq!(attempt["cost"], json!({"state": "exact", "amount": nanos.to_string()}));
    }
}

async fn curl(world: &World, model: &str) -> Stream {
    let body = json!({
        "model": model, "stream": true, "max_tokens": 12,
        "messages": [{"role": "user", "content": "What is the capital of France?"}],
    });
    let mut command = Command::new(tools::program("curl", "curl").unwrap());
    command.args(["--silent", "--show-error", "--no-buffer", "--fail-with-body", "--noproxy", "*"]);
    command.args(["--header", "content-type: application/json", "--header"]);
    command.arg(format!("authorization: Bearer {}", world.key));
    command.args(["--data", &body.to_string(), &world.program.url("/v1/chat/completions")]);
    let text = tokio::task::spawn_blocking(move || tools::output(&mut command)).await.unwrap().unwrap();
    Stream::parse(text.into_bytes())
}
