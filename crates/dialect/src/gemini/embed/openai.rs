//! OpenAI's embeddings, for a provider that speaks Google's dialect: one `batchEmbedContents`.

use std::borrow::Cow;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

use super::vectors::Vector;
use crate::answer::AnswerError;
use crate::fields::{Fields, RequestError};
use crate::gemini::error;
use crate::losses::Losses;

/// A client's request for embeddings, as far as Google can answer it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch {
    inputs: Vec<String>,
    dimensions: Option<u64>,
    /// Whether the client wants the vectors in base64, as OpenAI's SDKs do unless told otherwise.
    is_base64: bool,
    /// Fields that Google has nothing like.
    lost: Vec<String>,
}

/// Google's answer.
#[derive(Deserialize)]
struct GoogleAnswer {
    embeddings: Vec<GoogleEmbedding>,
}

#[derive(Deserialize)]
struct GoogleEmbedding {
    values: Box<RawValue>,
}

#[derive(Serialize)]
struct List<'a> {
    object: &'static str,
    data: Vec<Item<'a>>,
    model: &'a str,
    usage: Usage,
}

#[derive(Serialize)]
struct Item<'a> {
    object: &'static str,
    index: usize,
    embedding: Written<'a>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Written<'a> {
    Numbers(&'a Vector),
    Base64(String),
}

#[derive(Serialize)]
struct Usage {
    prompt_tokens: u64,
    total_tokens: u64,
}

impl Batch {
    /// Reads OpenAI's request.
    ///
    /// # Errors
    /// When it is no JSON object, or its input is no text: only OpenAI's models know its tokens.
    pub fn read(body: &[u8]) -> Result<Self, RequestError> {
        let fields = Fields::read(body)?;
        let inputs = inputs(fields.required("input")?.value)?;
        let format = fields.present("encoding_format").map(|member| member.value);
        let is_base64 = match format {
            None | Some(r#""float""#) => false,
            Some(r#""base64""#) => true,
            Some(_) => {
                return Err(RequestError::Invalid { field: "encoding_format", problem: "must be `float` or `base64`" });
            }
        };
        let known = ["model", "input", "encoding_format", "dimensions"];
        let value: Map<String, Value> = serde_json::from_slice(body).map_err(|_| RequestError::NotAnObject)?;
        let lost = value.keys().filter(|name| !known.contains(&name.as_str())).cloned().collect();
        Ok(Self { inputs, dimensions: fields.positive("dimensions")?, is_base64, lost })
    }

    /// Writes Google's request. The model is in the path too.
    pub fn write(&self, upstream_model: &str, losses: &mut Losses) -> Bytes {
        for name in &self.lost {
            losses.unsupported(name);
        }
        let requests: Vec<Value> = self
            .inputs
            .iter()
            .map(|text| {
                let mut request = json!({
                    "model": format!("models/{upstream_model}"),
                    "content": {"parts": [{"text": text}]},
                });
                if let Some(dimensions) = self.dimensions {
                    request["outputDimensionality"] = dimensions.into();
                }
                request
            })
            .collect();
        json!({"requests": requests}).to_string().into()
    }

    /// Writes OpenAI's answer from Google's. `input_tokens` are those that were counted, for Google's
    /// answer names none.
    ///
    /// # Errors
    /// When that is an error in disguise, or has not one embedding for each input.
    pub fn answer(&self, google: &[u8], model: &str, input_tokens: u64) -> Result<Bytes, AnswerError> {
        let answer: GoogleAnswer = serde_json::from_slice(google)
            .map_err(|_| error::parse(google).map_or(AnswerError::Malformed, AnswerError::Upstream))?;
        let vectors: Vec<Vector> =
            answer.embeddings.into_iter().map(|own| Vector::of_wire(own.values)).collect::<Result<_, _>>()?;
        if vectors.len() != self.inputs.len() {
            return Err(AnswerError::Malformed);
        }
        let mut data = vec![];
        for (index, vector) in vectors.iter().enumerate() {
            let embedding = if self.is_base64 { Written::Base64(vector.base64()?) } else { Written::Numbers(vector) };
            data.push(Item { object: "embedding", index, embedding });
        }
        let usage = Usage { prompt_tokens: input_tokens, total_tokens: input_tokens };
        let list = List { object: "list", data, model, usage };
        Ok(serde_json::to_vec(&list).expect("texts and numbers always serialise").into())
    }
}

fn inputs(input: &str) -> Result<Vec<String>, RequestError> {
    let invalid = |problem| RequestError::Invalid { field: "input", problem };
    if input.starts_with('"') {
        return serde_json::from_str(input).map(|text| vec![text]).map_err(|_| invalid("must be a text"));
    }
    let texts: Vec<Cow<'_, str>> =
        serde_json::from_str(input).map_err(|_| invalid("must be a text or texts for this model, not tokens"))?;
    if texts.is_empty() {
        Err(invalid("must not be empty"))
    } else {
        Ok(texts.into_iter().map(Cow::into_owned).collect())
    }
}
