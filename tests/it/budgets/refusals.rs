//! What a refusal says: status, code, level, limit, window, reset and link, in each dialect and through
//! the official SDKs.

use std::process::Command;

use megarouter_tests::budget::Budget;
use megarouter_tests::control::Control;
use megarouter_tests::evil_upstream::{Dialect, EvilUpstream};
use megarouter_tests::program::Program;
use megarouter_tests::{client, tools};
use serde_json::Value;

/// What each SDK tells of its refusals: the error's class, its status, and how often it called.
#[derive(Debug, serde::Deserialize)]
struct Told {
    client: String,
    error: String,
    status: u16,
    message: String,
}

async fn refusing() -> (EvilUpstream, Program, String, Control, String) {
    let upstream = EvilUpstream::start().await.unwrap();
    let (program, key) = upstream.program(&[]).unwrap();
    let control = Control::of(&program.install().data_folder());
    let budget = Budget::nanos(1).set(&control).await.unwrap();
    (upstream, program, key, control, budget)
}

#[tokio::test]
async fn a_refusal_names_level_limit_window_reset_and_link_in_every_dialect() {
    let (upstream, program, key, control, budget) = refusing().await;
    for dialect in Dialect::ALL {
        for is_streaming in [false, true] {
            let request =
                client::new().post(program.url(&dialect.path(dialect.model(), is_streaming))).bearer_auth(&key);
            let answer = request.json(&dialect.request(dialect.model(), "x", is_streaming)).send().await.unwrap();
            assert_eq!(answer.status(), 429, "{dialect:?}");
            let head = answer.headers().clone();
            let id = head["x-request-id"].to_str().unwrap();
            assert_eq!(head["x-megarouter-budget-limit"], "0.000000001", "{head:?}");
            assert!(head.contains_key("x-megarouter-budget-remaining"), "{head:?}");
            let error: Value = answer.json().await.unwrap();
            let text = error.to_string();
            assert!(
                text.contains("budget.exceeded") || dialect == Dialect::Gemini || dialect == Dialect::Messages,
                "{text}"
            );
            let link = format!("#/budgets/{budget}?request={id}");
            assert!(text.contains(&link), "{dialect:?}: no link {link} in {text}");
            assert!(text.to_lowercase().contains("organi"), "{dialect:?}: no level in {text}");
            let record = control.request(id).await.unwrap();
            assert_eq!(record["status"], 429, "{record:#}");
        }
    }
    assert!(upstream.stages().is_empty(), "a refused request reached the provider");
}

#[tokio::test]
async fn the_official_sdks_raise_their_rate_limit_error_and_make_no_storm() {
    let (upstream, program, key, control, _) = refusing().await;
    let mut python = Command::new(tools::python().unwrap());
    python.arg(tools::crate_folder().join("sdk/python/refusal.py"));
    let mut node = Command::new(tools::node().unwrap());
    node.arg(tools::node_package("sdk/node").unwrap().join("refusal.mjs"));
    for mut sdk in [python, node] {
        sdk.env("BASE_URL", program.url("")).env("API_KEY", &key);
        for name in ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"] {
            sdk.env_remove(name);
        }
        let before = control.requests().await.unwrap().len();
        let output = tokio::task::spawn_blocking(move || tools::output(&mut sdk)).await.unwrap().unwrap();
        let told: Vec<Told> = output.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(told.len(), 4, "{output}");
        for told in &told {
            assert_eq!(told.status, 429, "{told:?}");
            assert!(told.error.contains("RateLimit") || told.client == "gemini", "{told:?}");
            assert!(told.message.contains("#/budgets/"), "{told:?}");
        }
        let asked = control.requests_once_there_are(before + told.len()).await.unwrap().len() - before;
        // Each SDK tries twice again by default, and Google's four times.
        assert!(asked <= told.len() * 3, "{asked} requests for {} refusals", told.len());
    }
    assert!(upstream.stages().is_empty(), "a refused request reached the provider");
}
