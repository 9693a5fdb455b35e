//! The other end: calling a running instance.

use std::io;
use std::path::Path;

use bytes::Bytes;
use http::{HeaderValue, Request, Response};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use thiserror::Error;
use tokio::io::{AsyncRead, AsyncWrite};

/// A connection to a running instance.
pub struct Client {
    sender: SendRequest<Full<Bytes>>,
}

/// Why no running instance could be called.
#[derive(Debug, Error)]
pub enum ConnectError {
    /// None is running over this data folder.
    #[error("no MegaRouter is running over this data folder")]
    NotRunning,
    /// One may be running and cannot be reached.
    #[error("the running MegaRouter cannot be reached")]
    Unreachable(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl Client {
    /// Connects to the instance that runs over a data folder.
    ///
    /// # Errors
    /// When none runs, or it belongs to another user.
    pub async fn connect(data_dir: &Path) -> Result<Self, ConnectError> {
        let stream = open(data_dir).await.map_err(|error| match error.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused => ConnectError::NotRunning,
            _ => ConnectError::Unreachable(error.into()),
        })?;
        Self::over(stream).await
    }

    /// Sends a request; the answer's body comes as it is made.
    ///
    /// # Errors
    /// When the instance ends meanwhile.
    pub async fn call(&mut self, mut request: Request<Bytes>) -> Result<Response<Incoming>, ConnectError> {
        request.headers_mut().insert(http::header::HOST, HeaderValue::from_static("localhost"));
        let failed = |error: hyper::Error| ConnectError::Unreachable(error.into());
        self.sender.ready().await.map_err(failed)?;
        self.sender.send_request(request.map(Full::new)).await.map_err(failed)
    }

    async fn over(stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static) -> Result<Self, ConnectError> {
        let (sender, connection) =
            handshake(TokioIo::new(stream)).await.map_err(|error| ConnectError::Unreachable(error.into()))?;
        // Its errors reach whoever waits for an answer.
        tokio::spawn(connection);
        Ok(Self { sender })
    }
}

#[cfg(unix)]
async fn open(data_dir: &Path) -> io::Result<tokio::net::UnixStream> {
    tokio::net::UnixStream::connect(super::place::find(data_dir)).await
}

#[cfg(windows)]
async fn open(data_dir: &Path) -> io::Result<tokio::net::windows::named_pipe::NamedPipeClient> {
    tokio::net::windows::named_pipe::ClientOptions::new().open(super::windows::pipe_name(data_dir))
}
