//! The model list of `GET /v1/models` and `GET /v1/models/{id}`.

use bytes::Bytes;
use serde::Serialize;

use crate::models::ModelEntry;

/// One model on the wire.
#[derive(Serialize)]
struct Model<'a> {
    id: &'a str,
    object: &'static str,
    created: i64,
    owned_by: &'a str,
}

#[derive(Serialize)]
struct List<'a> {
    object: &'static str,
    data: Vec<Model<'a>>,
}

/// The body of the list.
pub fn list(entries: &[ModelEntry<'_>]) -> Bytes {
    render(&List { object: "list", data: entries.iter().map(Model::from).collect() })
}

/// The body of one model.
pub fn one(entry: &ModelEntry<'_>) -> Bytes {
    render(&Model::from(entry))
}

impl<'a> From<&ModelEntry<'a>> for Model<'a> {
    fn from(entry: &ModelEntry<'a>) -> Self {
        Self { id: entry.id, object: "model", created: entry.created, owned_by: entry.owned_by }
    }
}

fn render(body: &impl Serialize) -> Bytes {
    serde_json::to_vec(body).expect("strings and numbers always serialise").into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_has_openais_shape() {
        let entry = ModelEntry {
            id: "gpt-5",
            display_name: "GPT-5",
            created: 1_700_000_000,
            owned_by: "openai",
            context_tokens: None,
            max_output_tokens: None,
        };
        let text = list(&[entry]);
        let expected =
            r#"{"object":"list","data":[{"id":"gpt-5","object":"model","created":1700000000,"owned_by":"openai"}]}"#;
        assert_eq!(text, expected);
        assert_eq!(list(&[]), r#"{"object":"list","data":[]}"#);
    }
}
