//! Embeddings from a client of either shape, OpenAI's or Gemini's, for a provider of either.

use bytes::Bytes;
use megarouter_domain::usage::Usage;
use serde_json::Value;

use crate::answer::{AnswerError, AnswerFacts};
use crate::fields::RequestError;
use crate::gemini::embed::openai::Batch;
use crate::gemini::embed::{self, EmbedRequest};
use crate::losses::Losses;
use crate::operations::OperationRequest as _;
use crate::operations::embeddings::{self, EmbeddingsRequest};

/// How embeddings are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// As OpenAI's `/embeddings`.
    OpenAi,
    /// As Gemini's `batchEmbedContents`.
    Gemini,
}

/// A client's request.
#[derive(Clone, Debug)]
pub enum EmbeddingsCall {
    /// In OpenAI's shape.
    OpenAi(EmbeddingsRequest),
    /// In Gemini's.
    Gemini(EmbedRequest),
}

/// How a provider's answer becomes the client's.
#[derive(Debug)]
pub enum WayBack {
    /// As it is, in OpenAI's shape.
    OpenAi,
    /// As it is, in Gemini's.
    Gemini,
    /// As the only one of Gemini's batch.
    OnlyOne,
    /// From OpenAI's to Gemini's.
    ToGemini,
    /// From Gemini's to OpenAI's.
    ToOpenAi {
        /// What was asked for.
        batch: Batch,
        /// The model, which the answer does not name.
        model: String,
    },
}

impl EmbeddingsCall {
    /// The model as the client wrote it.
    pub fn model(&self) -> &str {
        match self {
            Self::OpenAi(request) => request.model(),
            Self::Gemini(request) => request.model(),
        }
    }

    /// The most that it can consume.
    pub fn most(&self) -> Usage {
        match self {
            Self::OpenAi(request) => request.most(),
            Self::Gemini(request) => Usage { input: Some(request.counted_input()), ..Usage::UNREPORTED },
        }
    }

    /// The body for a provider, and how its answer comes back.
    ///
    /// # Errors
    /// When there is something to embed that the provider's shape cannot say.
    pub fn write(&self, to: Shape, model: &str, losses: &mut Losses) -> Result<(Bytes, WayBack), RequestError> {
        match (self, to) {
            (Self::OpenAi(request), Shape::OpenAi) => Ok((request.splice(model), WayBack::OpenAi)),
            (Self::Gemini(request), Shape::Gemini) if request.is_batch() => {
                Ok((request.splice(model), WayBack::Gemini))
            }
            (Self::Gemini(request), Shape::Gemini) => Ok((request.splice_batch(model), WayBack::OnlyOne)),
            (Self::Gemini(request), Shape::OpenAi) => Ok((request.write_openai(model, losses)?, WayBack::ToGemini)),
            (Self::OpenAi(request), Shape::Gemini) => {
                let batch = Batch::read(request.body())?;
                let body = batch.write(model, losses);
                Ok((body, WayBack::ToOpenAi { batch, model: model.to_owned() }))
            }
        }
    }

    /// What a provider's answer says of itself, and the client's answer.
    ///
    /// # Errors
    /// When it is an error in disguise, or no list of embeddings.
    pub fn read(&self, way: &WayBack, answer: Bytes) -> Result<(AnswerFacts, Bytes), AnswerError> {
        match (way, self) {
            (WayBack::Gemini, _) => Ok((embed::inspect(&answer)?, answer)),
            (WayBack::OnlyOne, _) => Ok((embed::inspect(&answer)?, only_one(&answer)?)),
            (WayBack::ToGemini, Self::Gemini(request)) => {
                Ok((embeddings::inspect(&answer)?, request.read_openai(&answer)?))
            }
            (WayBack::ToOpenAi { batch, model }, _) => {
                let facts = embed::inspect(&answer)?;
                let tokens = facts.usage.and_then(|usage| usage.total_input()).or(self.most().input).unwrap_or(0);
                let translated = batch.answer(&answer, model, tokens)?;
                Ok((facts, translated))
            }
            (WayBack::OpenAi | WayBack::ToGemini, _) => Ok((embeddings::inspect(&answer)?, answer)),
        }
    }
}

/// `{"embeddings":[X]}` as `{"embedding":X}`.
fn only_one(answer: &[u8]) -> Result<Bytes, AnswerError> {
    let mut answer: Value = serde_json::from_slice(answer).map_err(|_| AnswerError::Malformed)?;
    let members = answer.as_object_mut().ok_or(AnswerError::Malformed)?;
    let Some(Value::Array(mut all)) = members.remove("embeddings") else { return Err(AnswerError::Malformed) };
    if all.len() != 1 {
        return Err(AnswerError::Malformed);
    }
    members.insert("embedding".to_owned(), all.remove(0));
    Ok(answer.to_string().into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request::PathFacts;

    #[test]
    fn a_single_request_goes_as_a_batch_of_one_and_comes_back_single() {
        let path = PathFacts { model: Some("small"), ..PathFacts::default() };
        let body = Bytes::from_static(br#"{"content":{"parts":[{"text":"hello"}]},"outputDimensionality":2}"#);
        let call = EmbeddingsCall::Gemini(EmbedRequest::parse(&path, false, body).unwrap());
        let (sent, way) = call.write(Shape::Gemini, "up", &mut Losses::default()).unwrap();
        let expected =
            r#"{"requests":[{"model":"models/up","content":{"parts":[{"text":"hello"}]},"outputDimensionality":2}]}"#;
        assert_eq!(sent, expected);
        let answer = Bytes::from_static(br#"{"embeddings":[{"values":[0.1,0.2]}]}"#);
        let (_, back) = call.read(&way, answer).unwrap();
        assert_eq!(back, r#"{"embedding":{"values":[0.1,0.2]}}"#);
    }

    #[test]
    fn either_shape_reaches_the_other() {
        let body = Bytes::from_static(br#"{"model":"small","input":["a","b"],"encoding_format":"float"}"#);
        let call = EmbeddingsCall::OpenAi(EmbeddingsRequest::parse(body).unwrap());
        let (_, way) = call.write(Shape::Gemini, "up", &mut Losses::default()).unwrap();
        let answer = Bytes::from_static(br#"{"embeddings":[{"values":[1.0]},{"values":[2.0]}]}"#);
        let (_, back) = call.read(&way, answer).unwrap();
        let back: Value = serde_json::from_slice(&back).unwrap();
        assert_eq!((back["data"][1]["embedding"][0].as_f64(), back["model"].as_str()), (Some(2.0), Some("up")));
    }
}
