//! Vectors on the wire: numbers, or their bits in base64.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize, Serializer};
use serde_json::value::RawValue;

use crate::answer::AnswerError;
use crate::openai_chat::error;

/// A vector: numbers as they were written, or as they were read from base64.
#[derive(Clone, Debug)]
pub enum Vector {
    /// The provider's own text of the array.
    Written(Box<RawValue>),
    /// Numbers.
    Numbers(Vec<f32>),
}

#[derive(Deserialize)]
struct OpenAiAnswer {
    data: Vec<OpenAiEmbedding>,
}

#[derive(Deserialize)]
struct OpenAiEmbedding {
    #[serde(default)]
    index: usize,
    embedding: Box<RawValue>,
}

impl Serialize for Vector {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Written(raw) => raw.serialize(serializer),
            Self::Numbers(numbers) => numbers.serialize(serializer),
        }
    }
}

impl Vector {
    /// The vector as OpenAI writes it in base64: 32 bits for each number, the lowest byte first.
    ///
    /// # Errors
    /// When it is no array of numbers.
    pub fn base64(&self) -> Result<String, AnswerError> {
        let numbers = match self {
            Self::Written(raw) => serde_json::from_str::<Vec<f32>>(raw.get()).map_err(|_| AnswerError::Malformed)?,
            Self::Numbers(numbers) => numbers.clone(),
        };
        Ok(STANDARD.encode(numbers.iter().flat_map(|number| number.to_le_bytes()).collect::<Vec<u8>>()))
    }

    /// A vector as it came: an array of numbers, or base64.
    ///
    /// # Errors
    /// When it is neither.
    pub fn of_wire(raw: Box<RawValue>) -> Result<Self, AnswerError> {
        if raw.get().starts_with('[') {
            return Ok(Self::Written(raw));
        }
        let text: String = serde_json::from_str(raw.get()).map_err(|_| AnswerError::Malformed)?;
        let bytes = STANDARD.decode(text).map_err(|_| AnswerError::Malformed)?;
        let (numbers, rest) = bytes.as_chunks::<4>();
        if !rest.is_empty() {
            return Err(AnswerError::Malformed);
        }
        Ok(Self::Numbers(numbers.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect()))
    }
}

/// The vectors of OpenAI's answer, in the order of their input.
///
/// # Errors
/// When it is an error in disguise, or no list of embeddings.
pub fn of_openai(body: &[u8]) -> Result<Vec<Vector>, AnswerError> {
    let answer: OpenAiAnswer = serde_json::from_slice(body)
        .map_err(|_| error::parse(body).map_or(AnswerError::Malformed, AnswerError::Upstream))?;
    let mut data = answer.data;
    data.sort_by_key(|embedding| embedding.index);
    data.into_iter().map(|embedding| Vector::of_wire(embedding.embedding)).collect()
}
