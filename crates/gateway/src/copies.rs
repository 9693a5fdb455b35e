//! Copies of what passes: requests and answers for the organisation that wants them kept.
//!
//! Off unless somebody turned it on ([`Gateway::keep_copies`]), and then nothing is copied at all. What is
//! kept is cut to a bound and handed to whoever stores it, as it passed: taking out what is secret is
//! theirs. A store that does not keep up loses copies, never time of a request.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::{Bytes, BytesMut};
use http::Response;
use megarouter_domain::clock::Timestamp;
use megarouter_domain::id::{KeyId, RequestId};
use megarouter_domain::record::Operation;
use tokio::sync::mpsc;

use crate::body::Body;
use crate::pipeline::Gateway;

/// Where copies go.
#[derive(Debug)]
pub struct Keep {
    sender: mpsc::Sender<Copied>,
    most_bytes: usize,
    lost: AtomicU64,
}

/// A request and its answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Copied {
    /// The request.
    pub request_id: RequestId,
    /// When it arrived.
    pub at: Timestamp,
    /// Whose key it came with.
    pub key_id: KeyId,
    /// What was asked for.
    pub operation: Operation,
    /// The status sent to the client.
    pub status: u16,
    /// The client's body, cut to the bound.
    pub request: Bytes,
    /// How long it was, in bytes.
    pub request_bytes: usize,
    /// What the client was sent, cut to the bound.
    pub response: Bytes,
    /// How much that was, in bytes.
    pub response_bytes: usize,
}

/// A copy in the making; sent when it is dropped.
pub struct Copying {
    keep: Arc<Keep>,
    copied: Option<Copied>,
    response: BytesMut,
}

impl Keep {
    /// Keeps at most so many bytes of each request and of each answer.
    pub const fn new(sender: mpsc::Sender<Copied>, most_bytes: usize) -> Self {
        Self { sender, most_bytes, lost: AtomicU64::new(0) }
    }

    /// How many copies were lost because they were not taken in time.
    pub fn lost(&self) -> u64 {
        self.lost.load(Ordering::Relaxed)
    }

    fn cut(&self, body: &Bytes) -> Bytes {
        body.slice(..body.len().min(self.most_bytes))
    }
}

impl Gateway {
    /// Keeps copies of requests from now on; `None` for none.
    pub fn keep_copies(&self, keep: Option<Arc<Keep>>) {
        self.copies.store(keep);
    }

    /// Begins a copy of a request, where they are kept.
    pub(crate) fn copy(
        &self,
        (request_id, at): (RequestId, Timestamp),
        key_id: KeyId,
        operation: Operation,
        body: &Bytes,
    ) -> Option<Box<Copying>> {
        let keep = self.copies.load_full()?;
        let copied = Copied {
            request_id,
            at,
            key_id,
            operation,
            status: 0,
            request: keep.cut(body),
            request_bytes: body.len(),
            response: Bytes::new(),
            response_bytes: 0,
        };
        Some(Box::new(Copying { keep, copied: Some(copied), response: BytesMut::new() }))
    }
}

impl Copying {
    /// Goes on with the answer.
    pub fn of(mut self: Box<Self>, response: Response<Body>) -> Response<Body> {
        if let Some(copied) = &mut self.copied {
            copied.status = response.status().as_u16();
        }
        response.map(|body| body.copied_to(self))
    }

    /// Takes the next bytes of the answer.
    pub fn take(&mut self, piece: &Bytes) {
        let Some(copied) = &mut self.copied else { return };
        copied.response_bytes += piece.len();
        let room = self.keep.most_bytes.saturating_sub(self.response.len());
        self.response.extend_from_slice(&piece[..piece.len().min(room)]);
    }
}

impl Drop for Copying {
    fn drop(&mut self) {
        let Some(mut copied) = self.copied.take() else { return };
        copied.response = std::mem::take(&mut self.response).freeze();
        if self.keep.sender.try_send(copied).is_err() {
            self.keep.lost.fetch_add(1, Ordering::Relaxed);
        }
    }
}
