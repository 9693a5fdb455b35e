//! Reading a call: bodies, queries and ids, with refusals in our own error shape.
//!
//! A refusal names the field to blame. It never repeats a secret: see [`SecretText`].

use std::fmt;
use std::str::FromStr;

use axum::extract::rejection::{BytesRejection, QueryRejection};
use axum::extract::{FromRequest, FromRequestParts, Path, Request};
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::request::Parts;
use http::{HeaderMap, StatusCode};
use megarouter_domain::secret::Secret;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use serde_json::error::Category;
use utoipa::ToSchema;

use crate::error::ApiError;

/// The largest body of a call; a playground conversation is the longest there is.
pub const MAX_BODY_BYTES: usize = 8 * 1024 * 1024;

/// A JSON body.
#[derive(Debug)]
pub struct Body<T>(pub T);

/// A query string.
#[derive(Debug)]
pub struct Query<T>(pub T);

/// The id in a path.
#[derive(Debug)]
pub struct Id<T>(pub T);

/// Both ids in a path, in their order.
#[derive(Debug)]
pub struct Ids<A, B>(pub A, pub B);

/// A secret text in a request.
#[derive(Debug, ToSchema)]
#[schema(value_type = String, format = Password)]
pub struct SecretText(pub Secret);

impl<'de> Deserialize<'de> for SecretText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // The usual message would repeat the value.
        let text =
            String::deserialize(deserializer).map_err(|_| serde::de::Error::custom("a secret must be a text"))?;
        Ok(Self(Secret::new(text)))
    }
}

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Body<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        if !is_json(request.headers()) {
            return Err(not_json());
        }
        let bytes = Bytes::from_request(request, state).await.map_err(|rejection| unread(&rejection))?;
        parse(&bytes).map(Self)
    }
}

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Query<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let query = axum::extract::Query::from_request_parts(parts, state).await;
        query.map(|axum::extract::Query(query)| Self(query)).map_err(|rejection| bad_query(&rejection))
    }
}

impl<T: FromStr, S: Send + Sync> FromRequestParts<S> for Id<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let text = Path::<String>::from_request_parts(parts, state).await.map(|Path(text)| text).unwrap_or_default();
        text.parse().map(Self).map_err(|_| bad_id(&text))
    }
}

impl<A: FromStr, B: FromStr, S: Send + Sync> FromRequestParts<S> for Ids<A, B> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let texts = Path::<(String, String)>::from_request_parts(parts, state).await;
        let (first, second) = texts.map(|Path(texts)| texts).unwrap_or_default();
        let first = first.parse().map_err(|_| bad_id(&first))?;
        second.parse().map(|second| Self(first, second)).map_err(|_| bad_id(&second))
    }
}

/// Reads JSON, or says where and why it cannot be read.
fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, ApiError> {
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let value = serde_path_to_error::deserialize(&mut reader).map_err(|error| {
        let field = error.path().to_string();
        match error.inner().classify() {
            Category::Data => wrong_field(&field, error.inner()),
            Category::Io | Category::Syntax | Category::Eof => malformed(error.inner()),
        }
    })?;
    reader.end().map_err(|error| malformed(&error))?;
    Ok(value)
}

fn is_json(headers: &HeaderMap) -> bool {
    let Some(Ok(value)) = headers.get(CONTENT_TYPE).map(|value| value.to_str()) else { return false };
    let media_type = value.split(';').next().unwrap_or_default().trim();
    media_type.eq_ignore_ascii_case("application/json")
}

fn not_json() -> ApiError {
    let message = "The body is not marked as JSON. Nothing was changed. Send it with \
                   `content-type: application/json`.";
    ApiError::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "request.not_json", message)
}

fn unread(rejection: &BytesRejection) -> ApiError {
    if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE {
        let message = format!(
            "The body is larger than {} MiB. Nothing was changed. Send a smaller one.",
            MAX_BODY_BYTES / 1024 / 1024
        );
        return ApiError::new(StatusCode::PAYLOAD_TOO_LARGE, "request.too_large", message);
    }
    let message = "The body could not be read to its end. Nothing was changed. Send the call again.";
    ApiError::new(StatusCode::BAD_REQUEST, "request.malformed", message)
}

fn malformed(error: &serde_json::Error) -> ApiError {
    let message = format!(
        "The body is not valid JSON at line {}, column {}. Nothing was changed. Correct it there and send it again.",
        error.line(),
        error.column()
    );
    ApiError::new(StatusCode::BAD_REQUEST, "request.malformed", message)
}

fn wrong_field(path: &str, error: &serde_json::Error) -> ApiError {
    let reason = without_position(error);
    // These faults are found where the field should be, so the path ends at what should hold it.
    let field = match named_field(&reason) {
        Some(name) if path == "." => name.to_owned(),
        Some(name) if path.rsplit('.').next() != Some(name) => format!("{path}.{name}"),
        _ => path.to_owned(),
    };
    let reason = without_value(&reason);
    let message =
        format!("The field `{field}` is not valid: {reason}. Nothing was changed. Correct it and send it again.");
    ApiError::invalid("request.invalid", message).about(field)
}

/// The message without the position, which says nothing to somebody who filled in a form.
fn without_position(error: &impl fmt::Display) -> String {
    let text = error.to_string();
    text.split(" at line ").next().unwrap_or_default().to_owned()
}

/// The message without the value that came: it may be a secret in the wrong place.
fn without_value(reason: &str) -> &str {
    let quotes_value =
        ["invalid type: ", "invalid value: ", "unknown variant "].iter().any(|start| reason.starts_with(start));
    match reason.rfind(", expected ") {
        Some(place) if quotes_value => &reason[place + 2..],
        _ => reason,
    }
}

/// The field that a message of serde names.
fn named_field(reason: &str) -> Option<&str> {
    let starts = ["missing field `", "unknown field `", "duplicate field `"];
    let rest = starts.iter().find_map(|start| reason.strip_prefix(start))?;
    rest.split('`').next()
}

fn bad_query(rejection: &QueryRejection) -> ApiError {
    let reason = rejection.body_text();
    let reason = reason.strip_prefix("Failed to deserialize query string: ").unwrap_or(&reason);
    let field = named_field(reason).or_else(|| reason.split(": ").next());
    let message = format!("The query is not valid: {reason}. Nothing was read. Correct the address and try again.");
    let error = ApiError::new(StatusCode::BAD_REQUEST, "request.invalid", message);
    match field {
        Some(field) if field != reason => error.about(field),
        _ => error,
    }
}

fn bad_id(text: &str) -> ApiError {
    let message =
        format!("`{text}` is not an id. Nothing was found under it. Take the id from the list it belongs to.");
    ApiError::new(StatusCode::NOT_FOUND, "id.malformed", message).about("id")
}
