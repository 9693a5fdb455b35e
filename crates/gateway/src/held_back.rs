//! Held back: a stream whose answer is still being checked.
//!
//! A client that waits for a stream sees nothing while a cascade reads and checks a cheaper model's whole
//! answer. When that takes long, its stream begins all the same, with comments that keep connections open
//! and mean nothing; then the answer follows as it would have come. What can only be said in a head (who
//! served it) is left to the record.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderValue, Response};
use http_body::Body as _;
use megarouter_dialect::dialects;
use megarouter_dialect::errors::ErrorNote;
use megarouter_dialect::request::Echo;
use megarouter_domain::dialect::Dialect;
use tokio::time::{Instant, Sleep, sleep, timeout};

use crate::attempt::ROUTE;
use crate::body::Body;
use crate::render::Failure;

/// What an SSE client passes over.
const COMMENT: &[u8] = b": keep-alive\n\n";

type Answer = Result<Response<Body>, Failure>;
type Work = Pin<Box<dyn Future<Output = Answer> + Send>>;

/// A stream that has begun without its answer.
pub struct HeldBack {
    state: State,
    alarm: Pin<Box<Sleep>>,
    every: Duration,
    dialect: Dialect,
}

enum State {
    /// The answer is being made.
    Waiting(Work),
    /// It is on its way.
    Answering(Box<Body>),
    /// An error event went out: what follows must not look like a proper end.
    Failed,
}

/// Waits for an answer for a while; after that begins the client's stream without it. `route` says how it
/// was decided.
///
/// # Errors
/// What the answer fails with, when it does so in that time.
pub async fn answer(mut work: Work, every: Duration, dialect: Dialect, route: Option<HeaderValue>) -> Answer {
    if let Ok(answer) = timeout(every, &mut work).await {
        return answer;
    }
    let held_back = HeldBack { state: State::Waiting(work), alarm: Box::pin(sleep(Duration::ZERO)), every, dialect };
    let mut response = Response::new(Body::held_back(held_back));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream; charset=utf-8"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    if let Some(route) = route {
        headers.insert(ROUTE, route);
    }
    Ok(response)
}

impl HeldBack {
    /// The next bytes for the client, as [`crate::relay::Relay::poll_next`] gives them.
    pub fn poll_next(&mut self, context: &mut Context<'_>) -> Poll<Option<io::Result<Bytes>>> {
        loop {
            match &mut self.state {
                State::Failed => return Poll::Ready(Some(Err(io::Error::other("no model could serve the request")))),
                State::Answering(body) => {
                    let next = Pin::new(&mut **body).poll_frame(context);
                    let bytes = |frame: http_body::Frame<Bytes>| frame.into_data().unwrap_or_default();
                    return next.map(|next| next.map(|frame| frame.map(bytes)));
                }
                State::Waiting(work) => match work.as_mut().poll(context) {
                    Poll::Ready(Ok(response)) => self.state = State::Answering(Box::new(response.into_body())),
                    Poll::Ready(Err(failure)) => {
                        let event = self.told(&failure);
                        self.state = State::Failed;
                        return Poll::Ready(Some(Ok(event)));
                    }
                    Poll::Pending => return self.poll_alarm(context),
                },
            }
        }
    }

    fn poll_alarm(&mut self, context: &mut Context<'_>) -> Poll<Option<io::Result<Bytes>>> {
        if self.alarm.as_mut().poll(context).is_pending() {
            return Poll::Pending;
        }
        self.alarm.as_mut().reset(Instant::now() + self.every);
        // Has to be polled once to ring.
        context.waker().wake_by_ref();
        Poll::Ready(Some(Ok(Bytes::from_static(COMMENT))))
    }

    /// A failure as the last event.
    fn told(&self, failure: &Failure) -> Bytes {
        let status = failure.status(self.dialect).as_u16();
        let note = ErrorNote { status, code: failure.code, message: &failure.message, param: None };
        let mut out = BytesMut::new();
        dialects::encoder(self.dialect, Echo::default()).fail(&note, &mut out);
        out.freeze()
    }
}
