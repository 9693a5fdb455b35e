//! `GET /events`

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::response::sse::{self, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use serde::Serialize;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;

use super::{Changed, Event, Tag};
use crate::context::Context;
use crate::status;

/// How often a comment says that the stream is alive.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// Streams what happens.
///
/// `event: request` carries a `RequestRow`, `event: status` a `Status`, `event: alert` a `BudgetAlert`,
/// `event: changed` a `Changed`. A comment comes every 15 seconds. A client that reads too slowly is told that everything changed.
#[utoipa::path(get, path = "/events", operation_id = "stream_events", tag = "system",
    responses((status = 200, description = "Events", body = String, content_type = "text/event-stream")))]
pub async fn stream_events(State(context): State<Arc<Context>>) -> Response {
    let receiver = context.events.subscribe();
    let events = stream::unfold((context, receiver), async |(context, mut receiver)| {
        let event = next(&context, &mut receiver).await?;
        Some((Ok::<_, Infallible>(event), (context, receiver)))
    });
    let alive = KeepAlive::new().interval(KEEP_ALIVE).text("alive");
    Sse::new(events).keep_alive(alive).into_response()
}

/// Waits for the next event; `None` when the program stops.
async fn next(context: &Context, receiver: &mut Receiver<Event>) -> Option<sse::Event> {
    loop {
        let event = match receiver.recv().await {
            Ok(Event::Request(row)) => written("request", &row),
            Ok(Event::Alert(alert)) => written("alert", &alert),
            Ok(Event::Changed(tags)) => written("changed", &Changed { tags }),
            Ok(Event::Status) => match status::read(context).await {
                Ok(status) => written("status", &status),
                // The client asks for the status itself and is told what is wrong.
                Err(_) => written("changed", &Changed { tags: vec![Tag::Requests] }),
            },
            // A hole would leave the client with figures that are wrong without a sign.
            Err(RecvError::Lagged(_)) => written("changed", &Changed { tags: Tag::ALL.to_vec() }),
            Err(RecvError::Closed) => return None,
        };
        match event {
            Ok(event) => return Some(event),
            Err(error) => tracing::error!(%error, "an event could not be written"),
        }
    }
}

fn written(name: &str, body: &impl Serialize) -> Result<sse::Event, serde_json::Error> {
    Ok(sse::Event::default().event(name).data(serde_json::to_string(body)?))
}
