//! One connection, from its first byte to its last.

use std::convert::Infallible;
use std::error::Error;
use std::future::Future;
use std::net::IpAddr;
use std::pin::Pin;
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONNECTION, CONTENT_TYPE, TRANSFER_ENCODING};
use http::{HeaderValue, Request, Response};
use http_body::Body;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::accept::Stop;
pub use super::gate::Patience;
use super::gate::{Busy, Gate};
use super::refusal::Refusal;
use super::watched::Watched;

/// How long a client that was refused has to take its answer.
const FAREWELL: Duration = Duration::from_secs(1);
/// How much of what it still sends is read, so that its answer is not lost to a reset.
const DRAINED_BYTES: u64 = 64 * 1024;
const EVENT_STREAM: &[u8] = b"text/event-stream";

/// Answers the requests of a listener.
pub trait Answer: Clone + Send + Sync + Unpin + 'static {
    /// Whether a stream of events that is cut at the end of the program is told so in the stream, in
    /// the shape of OpenAI's errors.
    const TELLS_CUT_STREAMS: bool = false;

    /// The answer's body.
    type Body: Body<Data = Bytes, Error: Into<Box<dyn Error + Send + Sync>>> + Send + Unpin + 'static;

    /// Answers one request from `peer`; `None` on a local socket.
    fn answer(
        &self,
        request: Request<Incoming>,
        peer: Option<IpAddr>,
    ) -> impl Future<Output = Response<Self::Body>> + Send;
}

/// Serves one connection until it ends. From `stop.closing` on it serves the request under way and no
/// other; a little after `stop.cut` it ends whatever it is doing.
pub async fn serve_connection<S, A>(stream: S, peer: Option<IpAddr>, answer: A, patience: Patience, stop: Stop)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    A: Answer,
{
    let busy = Busy::default();
    let gate = Gate::new(stream, patience, busy.clone());
    let Stop { closing, cut, .. } = stop.clone();
    let service = service_fn(move |request| answer_one(answer.clone(), request, peer, busy.clone(), stop.clone()));
    let mut connection = http1::Builder::new().header_read_timeout(None).serve_connection(TokioIo::new(gate), service);
    let outcome = {
        let mut running = Pin::new(&mut connection);
        tokio::select! {
            outcome = running.as_mut() => outcome,
            () = closing.cancelled() => {
                running.as_mut().graceful_shutdown();
                tokio::select! {
                    outcome = running => outcome,
                    () = after(cut) => return,
                }
            }
        }
    };
    if let Err(error) = outcome {
        tracing::debug!(%error, "a connection ended early");
    }
    let (stream, refusal) = connection.into_parts().io.into_inner().into_parts();
    if let Some(refusal) = refusal {
        say_farewell(stream, refusal).await;
    }
}

/// The end of the time that a cut stream has to say so.
async fn after(cut: CancellationToken) {
    cut.cancelled().await;
    sleep(FAREWELL).await;
}

/// Tells a client why it is turned away and closes the connection.
pub async fn say_farewell<S: AsyncRead + AsyncWrite + Unpin>(mut stream: S, refusal: Refusal) {
    let farewell = async {
        stream.write_all(&refusal.to_bytes()).await?;
        stream.shutdown().await?;
        tokio::io::copy(&mut stream.take(DRAINED_BYTES), &mut tokio::io::sink()).await
    };
    // The client may be gone or deaf; there is nobody to tell.
    let _ = timeout(FAREWELL, farewell).await;
}

async fn answer_one<A: Answer>(
    answer: A,
    request: Request<Incoming>,
    peer: Option<IpAddr>,
    busy: Busy,
    stop: Stop,
) -> Result<Response<Watched<A::Body>>, Infallible> {
    busy.set(true);
    let is_chunked = request.headers().contains_key(TRANSFER_ENCODING);
    // Boxed: the connection would move all of it about with each request.
    let mut response = Box::pin(answer.answer(request, peer)).await;
    if is_chunked {
        // The gate cannot tell where a chunked body ends, so nothing may follow it.
        response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    }
    let is_stream = response.headers().get(CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(EVENT_STREAM));
    let cut = (is_stream && A::TELLS_CUT_STREAMS).then(|| stop.cut.cancelled_owned());
    Ok(response.map(|body| Watched::new(body, busy, cut)))
}
