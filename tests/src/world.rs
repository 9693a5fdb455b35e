//! A program with a mock provider and a key: where most tests begin.

use anyhow::{Context as _, Result};
use reqwest::Response;
use serde_json::Value;

use crate::client;
use crate::control::Control;
use crate::mock_provider::{DEFAULT_MODEL, MockProvider, Script};
use crate::program::Program;
use crate::setup::Setup;

/// The name of the key.
const KEY: &str = "tests";
/// The name of the mock in the setup.
pub const PROVIDER: &str = "mock";
/// What its models cost, in dollars per million tokens of input and output.
pub const PRICE: (&str, &str) = ("0.15", "0.60");
/// The same in nano-dollars per token.
pub const NANOS_PER_TOKEN: (u64, u64) = (150, 600);

/// A running program whose only provider is a mock, and a key for all of its models.
pub struct World {
    /// The provider.
    pub mock: MockProvider,
    /// The program.
    pub program: Program,
    /// The key.
    pub key: String,
    /// A client for anything.
    pub http: reqwest::Client,
    /// The control API.
    pub control: Control,
}

impl World {
    /// With the default model.
    pub async fn start() -> Result<Self> {
        Self::with([(DEFAULT_MODEL, Script::default())]).await
    }

    /// With these models.
    pub async fn with(models: impl IntoIterator<Item = (&'static str, Script)>) -> Result<Self> {
        Self::with_arguments(models, &[]).await
    }

    /// With these models and further arguments for `serve`.
    pub async fn with_arguments(
        models: impl IntoIterator<Item = (&'static str, Script)>,
        arguments: &[&str],
    ) -> Result<Self> {
        let mock = MockProvider::start().await?;
        let mut setup = Setup::new().provider(PROVIDER, &mock.base_url());
        for (model, script) in models {
            mock.script(model, script);
            setup = setup.model(model, &[PROVIDER], PRICE.0, PRICE.1);
        }
        Self::of(mock, &setup, arguments)
    }

    /// With this mock and this setup.
    pub fn of(mock: MockProvider, setup: &Setup, arguments: &[&str]) -> Result<Self> {
        let program = Program::start_with(setup, arguments)?;
        let key = program.install().create_key(KEY)?;
        let control = Control::of(&program.install().data_folder());
        Ok(Self { mock, program, key, http: client::new(), control })
    }

    /// The id of the key.
    pub async fn key_id(&self) -> Result<String> {
        let keys = self.control.get("/keys").await?;
        let rows = keys.as_array().or_else(|| keys["rows"].as_array()).context("no keys")?;
        let key = rows.iter().find(|key| key["name"] == KEY).context("the key is not listed")?;
        key["id"].as_str().map(str::to_owned).context("a key has an id")
    }

    /// `POST PATH` with the key.
    pub async fn post(&self, path: &str, body: &Value) -> Result<Response> {
        self.post_text(path, body.to_string()).await
    }

    /// `POST PATH` with the key and a body exactly as given.
    pub async fn post_text(&self, path: &str, body: impl Into<reqwest::Body>) -> Result<Response> {
        let request = self.http.post(self.program.url(path)).bearer_auth(&self.key);
        Ok(request.header("content-type", "application/json").body(body).send().await?)
    }

    /// `GET PATH` with the key.
    pub async fn get(&self, path: &str) -> Result<Response> {
        Ok(self.http.get(self.program.url(path)).bearer_auth(&self.key).send().await?)
    }

    /// A whole chat answer's response for `model`.
    pub async fn chat(&self, model: &str) -> Result<Response> {
        self.post("/v1/chat/completions", &client::chat_body(model)).await
    }

    /// A streamed chat answer's response for `model`.
    pub async fn stream(&self, model: &str, has_usage: bool) -> Result<Response> {
        self.post("/v1/chat/completions", &client::stream_body(model, has_usage)).await
    }

    /// The record of the request that got this answer.
    ///
    /// # Panics
    /// When the answer has no request id.
    pub async fn record_of(&self, answer_head: &http::HeaderMap) -> Result<Value> {
        self.control.request(request_id(answer_head)).await
    }
}

/// The request id of an answer.
///
/// # Panics
/// When it has none.
pub fn request_id(head: &http::HeaderMap) -> &str {
    head.get("x-request-id").expect("every answer has x-request-id").to_str().expect("the id is plain text")
}
