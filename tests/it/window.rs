//! The real window, driven as a person drives it, with a real model behind it.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use anyhow::Result;
use megarouter_tests::control::Control;
use megarouter_tests::program::Install;
use megarouter_tests::real_model::{self, RealModel};
use megarouter_tests::webdriver::Window;
use megarouter_tests::xvfb::Xvfb;
use megarouter_tests::{client, tools};
use serde_json::{Value, json};

fn desktop() -> Install {
    Install::of(tools::our_binary("megarouter").unwrap()).unwrap()
}

#[tokio::test]
async fn a_person_gets_from_first_run_to_a_revoked_key() {
    let model = tokio::task::spawn_blocking(RealModel::start).await.unwrap().unwrap();
    let display = Xvfb::start().unwrap();
    let install = desktop();
    let window = Window::open_program(&install, &display, &[]).await.unwrap();
    let control = Control::of(&install.data_folder());
    if let Err(error) = walk(&window, &control, &model).await {
        panic!("{error:?}\n{}", window.state().await);
    }
    window.close().await.unwrap();
}

async fn walk(window: &Window, control: &Control, model: &RealModel) -> Result<()> {
    let first_key = first_run(window, model).await?;
    let status = control.get("/status").await?;
    let base_url = status["proxy"]["base_url"].as_str().unwrap_or_default().to_owned();
    assert_eq!(ask(&base_url, &first_key).await?, 200, "the first run's key");
    let key = create_key(window, "walk-app").await?;
    assert_eq!(ask(&base_url, &key).await?, 200, "a new key");
    chat_in_the_playground(window).await?;
    inspect_the_newest_request(window).await?;
    check_books(control, model).await?;
    revoke_key(window, "walk-app").await?;
    assert_eq!(ask(&base_url, &key).await?, 401, "a revoked key");
    assert_eq!(ask(&base_url, &first_key).await?, 200, "the key that was not revoked");
    Ok(())
}

/// Adds the model server as a provider, makes a key, sends the test; returns the key.
async fn first_run(window: &Window, model: &RealModel) -> Result<String> {
    window.click("button", "/^Just me/").await?;
    window.click("combobox", "Provider").await?;
    window.click("option", "/OpenAI-compatible/").await?;
    window.fill("Base URL", &model.base_url()).await?;
    window.click("button", "Test").await?;
    window.click("button", "Add with 1 model").await?;
    window.click("button", "Create key").await?;
    let key = shown_secret(window).await?;
    window.click("button", "Next").await?;
    window.click("button", "Send a test").await?;
    window.wait_for_text("Your first request").await?;
    window.click("button", "Go to the overview").await?;
    window.find("heading", "Overview").await?;
    Ok(key)
}

async fn create_key(window: &Window, name: &str) -> Result<String> {
    window.click("link", "Keys and apps").await?;
    window.click("button", "New key").await?;
    window.fill("Name", name).await?;
    window.click("button", "Create key").await?;
    let key = shown_secret(window).await?;
    window.click("button", "Done").await?;
    // Nothing was copied, so the window asks once more.
    window.click("button", "Close anyway").await?;
    window.wait_until_gone("dialog", "Key created").await?;
    Ok(key)
}

async fn shown_secret(window: &Window) -> Result<String> {
    window.click("button", "Show").await?;
    window.find("button", "Hide").await?;
    let script = "return document.querySelector('[data-testid=key-secret]').textContent.trim()";
    let secret = window.run(script, json!([])).await?;
    Ok(secret.as_str().unwrap_or_default().to_owned())
}

async fn chat_in_the_playground(window: &Window) -> Result<()> {
    window.click("link", "Playground").await?;
    window.fill("Message", "What is the capital of France?").await?;
    window.click("button", "Send").await?;
    window.find("article", real_model::MODEL).await?;
    window.wait_for_text(" in all").await
}

async fn inspect_the_newest_request(window: &Window) -> Result<()> {
    window.click("link", "Requests").await?;
    window.click("row", &format!("/{}/", real_model::MODEL)).await?;
    window.wait_for_text("Attempt 1:").await?;
    window.click("tab", "Cost").await?;
    window.wait_for_text("Replaced by the actual cost").await?;
    window.wait_for_text("Tokens as the provider reported them").await
}

/// What the window's own requests used is what the model server says they used.
async fn check_books(control: &Control, model: &RealModel) -> Result<()> {
    let reported = model.reported().await?;
    assert_eq!(reported.len(), 4, "the test, two calls with keys and one from the playground: {reported:#?}");
    let rows = control.requests_once_there_are(reported.len()).await?;
    let sum = |class: &str| rows.iter().map(|row| row["usage"][class].as_u64().unwrap_or(0)).sum::<u64>();
    assert_eq!(sum("total_input"), reported.iter().map(|answer| answer.usage.prompt_tokens).sum::<u64>());
    assert_eq!(sum("total_output"), reported.iter().map(|answer| answer.usage.completion_tokens).sum::<u64>());
    Ok(())
}

async fn revoke_key(window: &Window, name: &str) -> Result<()> {
    window.click("link", "Keys and apps").await?;
    window.click("row", &format!("/^{name} /")).await?;
    window.click("button", "Revoke").await?;
    window.click("button", "Revoke key").await?;
    window.wait_for_text(&format!("{name} is revoked")).await
}

/// One small chat request; returns its status.
async fn ask(base_url: &str, key: &str) -> Result<u16> {
    let mut body = client::chat_body(real_model::MODEL);
    body["max_tokens"] = json!(8);
    let request = client::new().post(format!("{base_url}/chat/completions")).bearer_auth(key);
    Ok(request.json::<Value>(&body).send().await?.status().as_u16())
}

#[tokio::test]
async fn the_window_opens_without_any_locale() {
    let display = Xvfb::start().unwrap();
    let locale = [("LANG", "C"), ("LC_ALL", "C"), ("LANGUAGE", "")];
    // Its data folder goes with it, so it must outlive the window.
    let install = desktop();
    let window = Window::open_program(&install, &display, &locale).await.unwrap();
    window.find("heading", "Set up MegaRouter").await.unwrap();
    for screen in ["Overview", "Requests", "Providers", "Keys and apps", "Playground", "Settings"] {
        window.click("link", screen).await.unwrap();
        window.find("heading", screen).await.unwrap();
    }
    window.close().await.unwrap();
}
