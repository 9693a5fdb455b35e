//! `GET /providers/detected`

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use megarouter_providers::probe::{self, DetectedServer, EnvironmentCredential};
use serde::Serialize;
use utoipa::ToSchema;

use crate::context::Context;

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
pub async fn detect_providers(State(context): State<Arc<Context>>) -> Json<DetectedProviders> {
    let servers = probe::detect_local(context.gateway.client()).await;
    Json(DetectedProviders {
        local_servers: servers.into_iter().map(LocalServer::from).collect(),
        environment: probe::environment().into_iter().map(DetectedVariable::from).collect(),
    })
}

impl From<DetectedServer> for LocalServer {
    fn from(server: DetectedServer) -> Self {
        Self {
            kind: server.kind.to_owned(),
            name: server.name.to_owned(),
            base_url: server.base_url,
            models: server.models,
        }
    }
}

impl From<EnvironmentCredential> for DetectedVariable {
    fn from(found: EnvironmentCredential) -> Self {
        Self { kind: found.kind.to_owned(), name: found.name.to_owned(), variable: found.variable.to_owned() }
    }
}
