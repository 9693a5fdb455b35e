//! Chromium against `serve`: the same walk as in the window, with axe on every screen; and a hostile page.

use std::process::Command;

use megarouter_tests::control::Control;
use megarouter_tests::mock_provider::{DEFAULT_MODEL, MockProvider};
use megarouter_tests::program::Install;
use megarouter_tests::world::World;
use megarouter_tests::{client, tools};
use serde::Deserialize;
use serde_json::json;

/// What the walk made.
#[derive(Deserialize)]
struct Made {
    kept: String,
    revoked: String,
}

#[tokio::test]
async fn a_person_gets_from_the_link_to_a_revoked_key_on_accessible_screens() {
    let mock = MockProvider::start().await.unwrap();
    let program = Install::new().unwrap().start().unwrap();
    let mut command = Command::new(tools::node().unwrap());
    command.arg(tools::node_package("browser").unwrap().join("walk.mjs"));
    command.env("SIGN_IN", program.ready_line().signin.as_deref().unwrap()).env("PROVIDER_URL", mock.base_url());
    command.env("CHROMIUM", tools::program("chromium", "chromium").unwrap());
    let output = tokio::task::spawn_blocking(move || tools::output(&mut command)).await.unwrap().unwrap();
    let Made { kept, revoked } = serde_json::from_str(&output).unwrap();
    let status = async |key: &str| {
        let request = client::new().post(program.url("/v1/chat/completions")).bearer_auth(key);
        request.json(&client::chat_body(DEFAULT_MODEL)).send().await.unwrap().status().as_u16()
    };
    assert_eq!((status(&kept).await, status(&revoked).await), (200, 401));
    let control = Control::of(&program.install().data_folder());
    let rows = control.requests_once_there_are(3).await.unwrap();
    assert_eq!(rows.len(), 3, "the test, the playground's and the kept key's: {rows:#?}");
    let sum = |class: &str| rows.iter().map(|row| row["usage"][class].as_u64().unwrap_or(0)).sum::<u64>();
    let counted = mock.totals().tokens;
    assert_eq!((sum("total_input"), sum("total_output")), (counted.prompt, counted.completion));
}

/// What a hostile page achieved.
#[derive(Deserialize)]
struct Achieved {
    readable: Vec<String>,
    tries: usize,
}

#[tokio::test]
async fn a_web_page_from_elsewhere_changes_nothing_calls_nothing_and_reads_nothing() {
    let world = World::start().await.unwrap();
    let settings = async || {
        let mut all = Vec::new();
        for path in ["/providers", "/models", "/settings", "/keys"] {
            all.push(world.control.get(path).await.unwrap());
        }
        json!(all)
    };
    let before = settings().await;
    let web = world.program.ready_line().web.first().cloned().unwrap();
    let targets = [world.program.url(""), world.program.url("").replace("127.0.0.1", "localhost"), web];
    let mut command = Command::new(tools::node().unwrap());
    command.arg(tools::node_package("browser").unwrap().join("attack.mjs"));
    command.env("TARGETS", targets.join(",")).env("KEY", &world.key);
    command.env("CHROMIUM", tools::program("chromium", "chromium").unwrap());
    let output = tokio::task::spawn_blocking(move || tools::output(&mut command)).await.unwrap().unwrap();
    let Achieved { readable, tries } = serde_json::from_str(&output).unwrap();
    assert!(tries > 400, "only {tries} tries");
    assert!(readable.is_empty(), "{readable:#?}");
    assert!(world.mock.calls().is_empty(), "a page reached the provider");
    assert!(world.control.requests().await.unwrap().is_empty(), "a page's request is on the ledger");
    assert_eq!(settings().await, before, "a page changed the settings");
    assert_eq!(world.control.get("/status").await.unwrap()["proxy"]["state"], "running");
}
