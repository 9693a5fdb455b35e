//! `GET /events`

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;

use crate::context::Context;

/// Streams what happens.
///
/// `event: request` carries a `RequestRow`, `event: status` a `Status`, `event: changed` a `Changed`. A
/// comment comes every 15 seconds. A client that reads too slowly is told that everything changed.
#[utoipa::path(get, path = "/events", operation_id = "stream_events", tag = "system",
    responses((status = 200, description = "Events", body = String, content_type = "text/event-stream")))]
pub async fn stream_events(State(_context): State<Arc<Context>>) -> Response {
    unimplemented!()
}
