//! The `setup.yaml` files that the tests apply. JSON is YAML, so they are written as JSON.

use serde_json::{Value, json};

/// A setup in the making.
#[derive(Clone, Debug, Default)]
pub struct Setup {
    providers: Vec<Value>,
    models: Vec<Value>,
    keys: Vec<Value>,
}

impl Setup {
    /// An empty setup.
    pub fn new() -> Self {
        Self::default()
    }

    /// A provider of the generic OpenAI-compatible kind, without a credential.
    #[must_use]
    pub fn provider(self, name: &str, base_url: &str) -> Self {
        self.provider_with(json!({"name": name, "kind": "openai_compatible", "base_url": base_url}))
    }

    /// A provider as the setup file writes it.
    #[must_use]
    pub fn provider_with(mut self, provider: Value) -> Self {
        self.providers.push(provider);
        self
    }

    /// A model served by these providers in order, under its own name there, at a price in dollars per
    /// million tokens of input and output.
    #[must_use]
    pub fn model(self, name: &str, providers: &[&str], input: &str, output: &str) -> Self {
        let deployments: Vec<Value> = providers
            .iter()
            .map(|provider| {
                json!({"provider": provider, "upstream_model": name, "price": {"input": input, "output": output}})
            })
            .collect();
        self.model_with(json!({"name": name, "deployments": deployments}))
    }

    /// A model as the setup file writes it.
    #[must_use]
    pub fn model_with(mut self, model: Value) -> Self {
        self.models.push(model);
        self
    }

    /// A key as the setup file writes it.
    #[must_use]
    pub fn key_with(mut self, key: Value) -> Self {
        self.keys.push(key);
        self
    }

    /// The file's text.
    pub fn to_text(&self) -> String {
        json!({"providers": self.providers, "models": self.models, "keys": self.keys}).to_string()
    }
}
