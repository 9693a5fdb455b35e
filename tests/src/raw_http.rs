//! HTTP by hand, for what a decent client would never send.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// An answer as it came.
#[derive(Debug)]
pub struct RawAnswer {
    /// The status; 0 when the peer closed the connection without an answer.
    pub status: u16,
    /// The head, in lower case.
    pub head: String,
    /// The body, with its transfer coding.
    pub body: String,
}

impl RawAnswer {
    /// Whether the head has a header of this name, given in lower case.
    pub fn has_header(&self, name: &str) -> bool {
        self.head.lines().any(|line| line.split(':').next() == Some(name))
    }
}

/// Sends `request` as it is and reads until the peer closes the connection, for which the request
/// should ask; after ten seconds what has come so far counts.
pub async fn send(address: SocketAddr, request: &[u8]) -> std::io::Result<RawAnswer> {
    let mut stream = TcpStream::connect(address).await?;
    stream.write_all(request).await?;
    let mut bytes = Vec::new();
    let _until_closed = tokio::time::timeout(Duration::from_secs(10), stream.read_to_end(&mut bytes)).await;
    Ok(parse(&bytes))
}

fn parse(bytes: &[u8]) -> RawAnswer {
    let text = String::from_utf8_lossy(bytes);
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
    RawAnswer { status, head: head.to_ascii_lowercase(), body: body.to_owned() }
}
