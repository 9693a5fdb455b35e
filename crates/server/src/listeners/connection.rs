//! One connection, from its first byte to its last.

use std::convert::Infallible;
use std::error::Error;
use std::future::Future;
use std::net::IpAddr;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONNECTION, TRANSFER_ENCODING};
use http::{HeaderValue, Request, Response};
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

pub use super::gate::Patience;
use super::gate::{Busy, Gate};
use super::refusal::Refusal;

/// How long a client that was refused has to take its answer.
const FAREWELL: Duration = Duration::from_secs(1);
/// How much of what it still sends is read, so that its answer is not lost to a reset.
const DRAINED_BYTES: u64 = 64 * 1024;

/// Answers the requests of a listener.
pub trait Answer: Clone + Send + Sync + Unpin + 'static {
    /// The answer's body.
    type Body: Body<Data = Bytes, Error: Into<Box<dyn Error + Send + Sync>>> + Send + Unpin + 'static;

    /// Answers one request from `peer`; `None` on a local socket.
    fn answer(
        &self,
        request: Request<Incoming>,
        peer: Option<IpAddr>,
    ) -> impl Future<Output = Response<Self::Body>> + Send;
}

/// Serves one connection until it ends, or until `closing` and the end of the request under way.
pub async fn serve_connection<S, A>(
    stream: S,
    peer: Option<IpAddr>,
    answer: A,
    patience: Patience,
    closing: CancellationToken,
) where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    A: Answer,
{
    let busy = Busy::default();
    let gate = Gate::new(stream, patience, busy.clone());
    let service = service_fn(move |request| answer_one(answer.clone(), request, peer, busy.clone()));
    let mut connection = http1::Builder::new().header_read_timeout(None).serve_connection(TokioIo::new(gate), service);
    let outcome = {
        let mut running = Pin::new(&mut connection);
        tokio::select! {
            outcome = running.as_mut() => outcome,
            () = closing.cancelled() => {
                running.as_mut().graceful_shutdown();
                running.await
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
) -> Result<Response<Watched<A::Body>>, Infallible> {
    busy.set(true);
    let is_chunked = request.headers().contains_key(TRANSFER_ENCODING);
    let mut response = answer.answer(request, peer).await;
    if is_chunked {
        // The gate cannot tell where a chunked body ends, so nothing may follow it.
        response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    }
    Ok(response.map(|body| Watched { body, busy }))
}

/// An answer's body that notes when it is over.
struct Watched<B> {
    body: B,
    busy: Busy,
}

impl<B: Body + Unpin> Body for Watched<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl<B> Drop for Watched<B> {
    fn drop(&mut self) {
        self.busy.set(false);
    }
}
