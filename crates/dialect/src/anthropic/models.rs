//! The model list of `GET /v1/models` and `GET /v1/models/{id}`, as Anthropic's clients read it.

use bytes::Bytes;
use megarouter_domain::clock::Timestamp;
use serde::Serialize;

use crate::models::ModelEntry;

/// One model on the wire.
#[derive(Serialize)]
struct Model<'a> {
    r#type: &'static str,
    id: &'a str,
    display_name: &'a str,
    created_at: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_input_tokens: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_tokens: Option<u64>,
}

#[derive(Serialize)]
struct List<'a> {
    data: Vec<Model<'a>>,
    has_more: bool,
    first_id: Option<&'a str>,
    last_id: Option<&'a str>,
}

/// The body of the list: always whole, so that there is never a next page.
pub fn list(entries: &[ModelEntry<'_>]) -> Bytes {
    render(&List {
        data: entries.iter().map(Model::from).collect(),
        has_more: false,
        first_id: entries.first().map(|entry| entry.id),
        last_id: entries.last().map(|entry| entry.id),
    })
}

/// The body of one model.
pub fn one(entry: &ModelEntry<'_>) -> Bytes {
    render(&Model::from(entry))
}

impl<'a> From<&ModelEntry<'a>> for Model<'a> {
    fn from(entry: &ModelEntry<'a>) -> Self {
        Self {
            r#type: "model",
            id: entry.id,
            display_name: entry.display_name,
            created_at: Timestamp::from_micros(entry.created.saturating_mul(1_000_000)).to_rfc3339(),
            max_input_tokens: entry.context_tokens,
            max_tokens: entry.max_output_tokens,
        }
    }
}

fn render(body: &impl Serialize) -> Bytes {
    serde_json::to_vec(body).expect("strings and numbers always serialise").into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_has_anthropics_shape() {
        let entry = ModelEntry {
            id: "claude-sonnet-5",
            display_name: "Claude Sonnet 5",
            created: 1_771_200_000,
            owned_by: "anthropic",
            context_tokens: Some(1_000_000),
            max_output_tokens: None,
        };
        let model = r#"{"type":"model","id":"claude-sonnet-5","display_name":"Claude Sonnet 5","created_at":"2026-02-16T00:00:00.000000Z","max_input_tokens":1000000}"#;
        assert_eq!(one(&entry), model);
        let expected = format!(
            r#"{{"data":[{model}],"has_more":false,"first_id":"claude-sonnet-5","last_id":"claude-sonnet-5"}}"#
        );
        assert_eq!(list(&[entry]), expected);
        assert_eq!(list(&[]), r#"{"data":[],"has_more":false,"first_id":null,"last_id":null}"#);
    }
}
