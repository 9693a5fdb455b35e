//! Documents ordered by how well they fit a question, in the shape that Cohere and Jina share.
//!
//! Cohere charges searches, others tokens (docs.cohere.com/reference/rerank, jina.ai/reranker,
//! docs.voyageai.com/reference/reranker-api, read 2026-11-22).

use bytes::Bytes;
use megarouter_domain::usage::Usage;
use serde::de::IgnoredAny;
use serde_json::{Map, Value};

use super::OperationRequest;
use super::body::{self, Body};
use crate::answer::{AnswerError, AnswerFacts};
use crate::estimate;
use crate::fields::{Fields, RequestError};

/// The documents that Cohere counts as one search.
const DOCUMENTS_OF_A_SEARCH: u64 = 100;

/// A checked rerank request.
#[derive(Clone, Debug)]
pub struct RerankRequest {
    body: Body,
    counted_input: u64,
    documents: u64,
}

impl RerankRequest {
    /// Checks a body.
    ///
    /// # Errors
    /// When it is no JSON object, or has no model, no query or no documents.
    pub fn parse(body: &Bytes) -> Result<Self, RequestError> {
        let fields = Fields::read(body)?;
        let query = estimate::content(fields.required("query")?.value);
        let written = fields.required("documents")?.value;
        let invalid = |problem| RequestError::Invalid { field: "documents", problem };
        let documents: Vec<IgnoredAny> = serde_json::from_str(written).map_err(|_| invalid("must be an array"))?;
        if documents.is_empty() {
            return Err(invalid("must hold at least one document"));
        }
        let documents = documents.len() as u64;
        // The query is read with each of the documents.
        let queries = query.tokens().saturating_mul(documents);
        let counted_input = estimate::content(written).tokens().saturating_add(queries);
        Ok(Self { body: Body::read(body, &fields)?, counted_input, documents })
    }
}

impl OperationRequest for RerankRequest {
    fn model(&self) -> &str {
        self.body.model()
    }

    fn most(&self) -> Usage {
        let searches = self.documents.div_ceil(DOCUMENTS_OF_A_SEARCH);
        Usage { input: Some(self.counted_input), searches: Some(searches), ..Usage::UNREPORTED }
    }

    fn splice(&self, upstream_model: &str) -> Bytes {
        self.body.splice(upstream_model)
    }

    fn inspect(&self, body: &[u8]) -> Result<AnswerFacts, AnswerError> {
        let answer = body::answer(body)?;
        // Voyage calls them `data`.
        if !["results", "data"].iter().any(|name| answer.get(*name).is_some_and(Value::is_array)) {
            return Err(AnswerError::Malformed);
        }
        Ok(AnswerFacts { usage: figures(&answer), ..body::facts(&answer) })
    }
}

/// Searches where they are charged, else tokens.
fn figures(answer: &Map<String, Value>) -> Option<Usage> {
    let billed = answer.get("meta").map_or(&Value::Null, |meta| &meta["billed_units"]);
    if let Some(searches) = billed["search_units"].as_u64() {
        return Some(Usage { searches: Some(searches), ..Usage::UNREPORTED });
    }
    let usage = answer.get("usage").unwrap_or(&Value::Null);
    let places = [&usage["prompt_tokens"], &usage["total_tokens"], &billed["input_tokens"]];
    let input = places.into_iter().find_map(Value::as_u64)?;
    Some(Usage { input: Some(input), ..Usage::UNREPORTED })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<RerankRequest, RequestError> {
        RerankRequest::parse(&Bytes::copy_from_slice(text.as_bytes()))
    }

    #[test]
    fn what_a_call_can_consume_grows_with_its_documents() {
        let documents = vec!["1234"; 101];
        let text = serde_json::json!({"model": "rerank-v4", "query": "12345678", "documents": documents}).to_string();
        let request = parse(&text).unwrap();
        assert_eq!(request.most().searches, Some(2));
        assert_eq!(request.most().input, Some(estimate::tokens(404) + 101 * estimate::tokens(8)));
        assert_eq!(request.splice("up"), text.replace("rerank-v4", "up"));
    }

    #[test]
    fn refusals_name_their_field() {
        for (text, field) in [
            (r#"{"query":"q","documents":["d"]}"#, "model"),
            (r#"{"model":"m","documents":["d"]}"#, "query"),
            (r#"{"model":"m","query":"q"}"#, "documents"),
            (r#"{"model":"m","query":"q","documents":[]}"#, "documents"),
            (r#"{"model":"m","query":"q","documents":"d"}"#, "documents"),
        ] {
            assert_eq!(parse(text).unwrap_err().param(), Some(field), "{text}");
        }
    }

    #[test]
    fn figures_are_read_in_every_shape() {
        let request = parse(r#"{"model":"m","query":"q","documents":["d"]}"#).unwrap();
        let usage =
            |body: &[u8]| request.inspect(body).map(|facts| facts.usage.map(|usage| (usage.searches, usage.input)));
        assert_eq!(usage(include_bytes!("../fixtures/operations/rerank_cohere.json")), Ok(Some((Some(1), None))));
        assert_eq!(usage(include_bytes!("../fixtures/operations/rerank_jina.json")), Ok(Some((None, Some(815)))));
        assert_eq!(usage(br#"{"data":[],"usage":{"total_tokens":26}}"#), Ok(Some((None, Some(26)))));
        assert_eq!(usage(br#"{"results":[]}"#), Ok(None));
        assert_eq!(usage(b"{}"), Err(AnswerError::Malformed));
    }
}
