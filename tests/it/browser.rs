//! The same walk as in the window, in Chromium against `serve`, with axe on every screen.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::process::Command;

use megarouter_tests::control::Control;
use megarouter_tests::mock_provider::{DEFAULT_MODEL, MockProvider};
use megarouter_tests::program::Install;
use megarouter_tests::{client, tools};
use serde::Deserialize;

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
