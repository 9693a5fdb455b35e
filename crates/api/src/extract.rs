//! Reading a call: bodies, queries and ids, with refusals in our own error shape.

use std::str::FromStr;

use axum::extract::{FromRequest, FromRequestParts, Request};
use http::request::Parts;
use megarouter_domain::secret::Secret;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use utoipa::ToSchema;

use crate::error::ApiError;

/// A JSON body.
#[derive(Debug)]
pub struct Body<T>(pub T);

/// A query string.
#[derive(Debug)]
pub struct Query<T>(pub T);

/// The id in a path.
#[derive(Debug)]
pub struct Id<T>(pub T);

/// A secret text in a request.
#[derive(Debug, ToSchema)]
#[schema(value_type = String, format = Password)]
pub struct SecretText(pub Secret);

impl<'de> Deserialize<'de> for SecretText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer).map_err(|_| serde::de::Error::custom("a secret is a text"))?;
        Ok(Self(Secret::new(text)))
    }
}

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Body<T> {
    type Rejection = ApiError;
    async fn from_request(_request: Request, _state: &S) -> Result<Self, ApiError> {
        unimplemented!()
    }
}

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Query<T> {
    type Rejection = ApiError;
    async fn from_request_parts(_parts: &mut Parts, _state: &S) -> Result<Self, ApiError> {
        unimplemented!()
    }
}

impl<T: FromStr, S: Send + Sync> FromRequestParts<S> for Id<T> {
    type Rejection = ApiError;
    async fn from_request_parts(_parts: &mut Parts, _state: &S) -> Result<Self, ApiError> {
        unimplemented!()
    }
}
