//! The model list of `GET /v1beta/models` and `GET /v1beta/models/{id}`.

use bytes::Bytes;
use serde::Serialize;

use crate::models::ModelEntry;

/// One model on the wire (ai.google.dev/api/models, read 2026-11-22).
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Model<'a> {
    name: String,
    version: &'static str,
    display_name: &'a str,
    description: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    input_token_limit: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    output_token_limit: Option<u64>,
    supported_generation_methods: &'static [&'static str],
}

#[derive(Serialize)]
struct List<'a> {
    models: Vec<Model<'a>>,
}

/// The body of the list.
pub fn list(entries: &[ModelEntry<'_>]) -> Bytes {
    render(&List { models: entries.iter().map(Model::from).collect() })
}

/// The body of one model.
pub fn one(entry: &ModelEntry<'_>) -> Bytes {
    render(&Model::from(entry))
}

impl<'a> From<&ModelEntry<'a>> for Model<'a> {
    fn from(entry: &ModelEntry<'a>) -> Self {
        Self {
            name: format!("models/{}", entry.id),
            version: "001",
            display_name: entry.display_name,
            description: format!("{} of {}", entry.display_name, entry.owned_by),
            input_token_limit: entry.context_tokens,
            output_token_limit: entry.max_output_tokens,
            supported_generation_methods: methods(entry.id),
        }
    }
}

/// An entry does not say what a model is for; makers call their embedding models so.
fn methods(id: &str) -> &'static [&'static str] {
    if id.to_ascii_lowercase().contains("embed") {
        &["embedContent", "batchEmbedContents"]
    } else {
        &["generateContent", "streamGenerateContent", "countTokens"]
    }
}

fn render(body: &impl Serialize) -> Bytes {
    serde_json::to_vec(body).expect("strings and numbers always serialise").into()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ENTRY: ModelEntry<'_> = ModelEntry {
        id: "openai/gpt-5",
        display_name: "GPT-5",
        created: 1_700_000_000,
        owned_by: "openai",
        context_tokens: Some(400_000),
        max_output_tokens: None,
    };

    #[test]
    fn a_list_has_googles_shape() {
        let expected = concat!(
            r#"{"models":[{"name":"models/openai/gpt-5","version":"001","displayName":"GPT-5","#,
            r#""description":"GPT-5 of openai","inputTokenLimit":400000,"#,
            r#""supportedGenerationMethods":["generateContent","streamGenerateContent","countTokens"]}]}"#,
        );
        assert_eq!(list(&[ENTRY]), expected);
        assert_eq!(list(&[]), r#"{"models":[]}"#);
    }

    #[test]
    fn an_embedding_model_is_offered_for_embedding() {
        let one = one(&ModelEntry { id: "gemini-embedding-001", ..ENTRY });
        let value: serde_json::Value = serde_json::from_slice(&one).unwrap();
        assert_eq!(value["supportedGenerationMethods"][0], "embedContent");
    }
}
