//! `GET /providers/detected`

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use crate::context::Context;
use crate::error::ApiError;

/// What could be added with one click.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct DetectedProviders {
    /// Model servers that answer on this machine.
    pub local_servers: Vec<LocalServer>,
    /// Environment variables that are set; their values were not read.
    pub environment: Vec<DetectedVariable>,
}

/// A model server that answers on this machine.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct LocalServer {
    /// The id of its kind.
    pub kind: String,
    /// The name of its kind.
    pub name: String,
    /// Where it answers.
    pub base_url: String,
    /// The models it offers.
    pub models: Vec<String>,
}

/// An environment variable that usually holds a provider's credential and is set.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct DetectedVariable {
    /// The id of the provider's kind.
    pub kind: String,
    /// The name of the provider's kind.
    pub name: String,
    /// The variable's name.
    pub variable: String,
}

/// Looks for local model servers and for credentials in the environment.
#[utoipa::path(get, path = "/providers/detected", operation_id = "detect_providers", tag = "providers",
    responses((status = 200, description = "What was found", body = DetectedProviders)))]
pub async fn detect_providers(State(_context): State<Arc<Context>>) -> Result<Json<DetectedProviders>, ApiError> {
    unimplemented!()
}
