//! Calls to the control API whose answer comes in pieces.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http_body_util::BodyExt as _;
use serde::Serialize;
use tauri::async_runtime::JoinHandle;
use tauri::ipc::Channel;
use tauri::{AppHandle, Manager as _, State};

use super::calls::{plain, request};
use crate::backend::Backend;

/// The streams that run, by the number the page gave them.
#[derive(Default)]
pub struct Streams(Mutex<HashMap<u64, JoinHandle<()>>>);

impl Streams {
    /// Ends every stream, because the page they went to is gone.
    pub fn cancel_all(&self) {
        for (_, task) in self.lock().drain() {
            task.abort();
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<u64, JoinHandle<()>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One piece of a streamed answer: first the head, then chunks, then the end or an error.
#[derive(Clone, Serialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum Piece {
    Head { status: u16, headers: BTreeMap<String, String> },
    Chunk { data: String },
    End,
    Error { message: String },
}

/// Starts a call and returns at once; the answer goes to the channel.
#[tauri::command]
#[expect(clippy::too_many_arguments, reason = "one for each field of the page's message")]
pub async fn api_stream(
    app: AppHandle,
    streams: State<'_, Streams>,
    id: u64,
    method: String,
    path: String,
    headers: BTreeMap<String, String>,
    body: Option<String>,
    channel: Channel<Piece>,
) -> Result<(), String> {
    let request = request(&method, &path, &headers, body)?;
    // The lock is held until the task is on the list, so that a quick end cannot come before its beginning.
    let mut running = streams.lock();
    let task = tauri::async_runtime::spawn({
        let app = app.clone();
        async move {
            let backend = app.state::<Arc<Backend>>();
            let last = match relay(&backend, request, &channel).await {
                Ok(()) => Piece::End,
                Err(message) => Piece::Error { message },
            };
            // A page that is gone needs no last word.
            let _ = channel.send(last);
            app.state::<Streams>().lock().remove(&id);
        }
    });
    if let Some(earlier) = running.insert(id, task) {
        earlier.abort();
    }
    Ok(())
}

/// Drops a stream, which closes the upstream call. A number that is not known is fine: it has just ended.
#[tauri::command]
pub fn api_cancel(streams: State<'_, Streams>, id: u64) {
    if let Some(task) = streams.lock().remove(&id) {
        task.abort();
    }
}

async fn relay(
    backend: &Backend,
    request: http::Request<bytes::Bytes>,
    channel: &Channel<Piece>,
) -> Result<(), String> {
    let (head, mut body) = backend.call(request).await.map_err(|error| format!("{error:#}"))?.into_parts();
    let send = |piece| channel.send(piece).map_err(|error| error.to_string());
    send(Piece::Head { status: head.status.as_u16(), headers: plain(&head.headers) })?;
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| error.to_string())?;
        if let Some(data) = frame.data_ref().filter(|data| !data.is_empty()) {
            send(Piece::Chunk { data: STANDARD.encode(data) })?;
        }
    }
    Ok(())
}
