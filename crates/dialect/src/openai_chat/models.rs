//! The model list of `GET /v1/models` and `GET /v1/models/{id}`.

use bytes::Bytes;
use serde::Serialize;

/// One model in a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ModelEntry<'a> {
    /// The public name.
    pub id: &'a str,
    /// Always `model`.
    object: &'static str,
    /// When it was added, in seconds since 1970.
    pub created: i64,
    /// Who serves it.
    pub owned_by: &'a str,
}

#[derive(Serialize)]
struct List<'a> {
    object: &'static str,
    data: &'a [ModelEntry<'a>],
}

impl<'a> ModelEntry<'a> {
    /// An entry; `created` is in seconds since 1970.
    pub const fn new(id: &'a str, created: i64, owned_by: &'a str) -> Self {
        Self { id, object: "model", created, owned_by }
    }
}

/// The body of the list.
pub fn list(entries: &[ModelEntry<'_>]) -> Bytes {
    render(&List { object: "list", data: entries })
}

/// The body of one model.
pub fn one(entry: &ModelEntry<'_>) -> Bytes {
    render(entry)
}

fn render(body: &impl Serialize) -> Bytes {
    serde_json::to_vec(body).expect("strings and numbers always serialise").into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_has_openais_shape() {
        let text = list(&[ModelEntry::new("gpt-5", 1_700_000_000, "openai")]);
        let expected =
            r#"{"object":"list","data":[{"id":"gpt-5","object":"model","created":1700000000,"owned_by":"openai"}]}"#;
        assert_eq!(text, expected);
        assert_eq!(list(&[]), r#"{"object":"list","data":[]}"#);
    }
}
