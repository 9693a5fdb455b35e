//! The JSON body of an operation of which only the model's name is replaced, and its answer.

use std::ops::Range;

use bytes::Bytes;
use serde_json::{Map, Value};

use crate::answer::{AnswerError, AnswerFacts};
use crate::fields::{Fields, RequestError};
use crate::openai_chat::error;
use crate::splice;

/// A body that names a model.
#[derive(Clone, Debug)]
pub struct Body {
    bytes: Bytes,
    model: String,
    place: Place,
}

/// Where the model's name is, or where one is put in when the client named none.
#[derive(Clone, Debug)]
enum Place {
    Written(Range<usize>),
    Missing(usize),
}

impl Body {
    /// Finds the model.
    pub fn read(bytes: &Bytes, fields: &Fields<'_>) -> Result<Self, RequestError> {
        let (model, span) = fields.model()?;
        Ok(Self { bytes: bytes.clone(), model, place: Place::Written(span) })
    }

    /// Finds the model, or takes the one that the API means when none is named.
    pub fn read_or(bytes: &Bytes, fields: &Fields<'_>, usual: &str) -> Result<Self, RequestError> {
        if fields.get("model").is_some() {
            return Self::read(bytes, fields);
        }
        Ok(Self { bytes: bytes.clone(), model: usual.to_owned(), place: Place::Missing(fields.insert_at()) })
    }

    /// The model as the client wrote it, or the usual one.
    pub fn model(&self) -> &str {
        &self.model
    }

    /// The client's body, but for the provider's model name.
    pub fn splice(&self, upstream_model: &str) -> Bytes {
        let name = splice::quoted(upstream_model);
        let edit = match &self.place {
            Place::Written(_) if upstream_model == self.model => return self.bytes.clone(),
            Place::Written(span) => (span.clone(), name),
            Place::Missing(at) => (*at..*at, [b"\"model\":".as_slice(), &name, b","].concat()),
        };
        splice::apply(&self.bytes, vec![edit])
    }
}

/// The members of an answer that is a JSON object and no error.
pub fn answer(body: &[u8]) -> Result<Map<String, Value>, AnswerError> {
    let answer: Map<String, Value> = serde_json::from_slice(body).map_err(|_| AnswerError::Malformed)?;
    match answer.get("error").filter(|error| !error.is_null()).and_then(error::from_value) {
        Some(said) => Err(AnswerError::Upstream(said)),
        None => Ok(answer),
    }
}

/// What an answer says of itself beside its figures.
pub fn facts(answer: &Map<String, Value>) -> AnswerFacts {
    let text = |name: &str| answer.get(name).and_then(Value::as_str).map(str::to_owned);
    AnswerFacts { model: text("model"), id: text("id"), ..AnswerFacts::default() }
}
