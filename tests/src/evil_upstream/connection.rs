//! Plays a script on one connection, byte by byte, and notices when the peer closes it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::BytesMut;
use serde_json::json;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;

use super::State;
use super::play::{Act, Framing, Play};
use super::templates::Dialect;
use crate::mock_provider::End;
use crate::mock_provider::request::{self, Request};

/// Bytes of a write of a long line.
const PIECE: usize = 64 * 1024;

/// The peer closed the connection.
struct PeerClosed;

/// Serves calls until the peer or a play closes the connection.
pub(super) async fn serve(mut stream: TcpStream, state: Arc<State>) {
    let _best_effort = stream.set_nodelay(true);
    let mut buffer = BytesMut::with_capacity(8 * 1024);
    while let Ok(Some(request)) = request::read(&mut stream, &mut buffer).await {
        let stays = match super::told(&state, &request) {
            Some(report) => say(&mut stream, &report).await,
            None => play(&mut stream, &state, &request).await,
        };
        if !stays {
            return;
        }
    }
}

/// Answers a question that is no call.
async fn say(stream: &mut TcpStream, body: &serde_json::Value) -> bool {
    let body = body.to_string();
    let head = format!("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n", body.len());
    stream.write_all(format!("{head}{body}").as_bytes()).await.is_ok()
}

/// Plays the script that a call names; false when the connection is done with.
async fn play(stream: &mut TcpStream, state: &State, request: &Request) -> bool {
    let (name, play) = state.play_of(&request.body);
    let number = state.arrive(&name, request);
    let dialect = Dialect::of_path(&request.path);
    let is_streaming = request.asked().is_ok_and(|asked| asked.stream) || request.path.contains("stream");
    let answer = match &play.body {
        Some(body) => body.clone().into_bytes(),
        None if play.status != 200 => {
            json!({"error": {"message": "evil", "type": "server_error"}}).to_string().into_bytes()
        }
        None if is_streaming => dialect.stream(&play),
        None => dialect.whole(&play),
    };
    let usual = if is_streaming && play.body.is_none() && play.status == 200 {
        "text/event-stream"
    } else {
        "application/json"
    };
    let mut playing = Playing { stream, framing: play.framing, dialect, answer, at: 0, sent: 0 };
    let content_type = play.content_type.as_deref().unwrap_or(usual).to_owned();
    let (end, stays) = match playing.play(&play, &content_type).await {
        Ok(stays) => (if stays { End::Answered } else { End::Cut }, stays),
        Err(PeerClosed) => (End::PeerClosed(Instant::now()), false),
    };
    let sent = playing.sent;
    state.end(number, sent, end);
    stays
}

struct Playing<'a> {
    stream: &'a mut TcpStream,
    framing: Framing,
    dialect: Dialect,
    /// The right answer.
    answer: Vec<u8>,
    /// How much of it was sent.
    at: usize,
    /// Bytes of the body that were sent.
    sent: u64,
}

impl Playing<'_> {
    /// Plays to the end; whether the connection can take another call.
    async fn play(&mut self, play: &Play, content_type: &str) -> Result<bool, PeerClosed> {
        self.write(head(play, content_type, self.answer.len()).as_bytes()).await?;
        for act in &play.acts {
            match act {
                Act::Fin => return Ok(false),
                Act::Rst => {
                    self.reset().await;
                    return Ok(false);
                }
                Act::HalfClose => {
                    let _peer_may_be_gone = self.stream.shutdown().await;
                    return Err(self.closed().await);
                }
                Act::Silence => return Err(self.closed().await),
                _ => self.act(act).await?,
            }
        }
        if self.framing == Framing::Chunked {
            self.write(b"0\r\n\r\n").await?;
        }
        Ok(self.framing == Framing::Chunked)
    }

    async fn act(&mut self, act: &Act) -> Result<(), PeerClosed> {
        match act {
            Act::Answer(to) => {
                let piece = self.next(*to);
                self.send(&piece).await
            }
            Act::Drip { bytes, every_ms, to } => {
                let piece = self.next(*to);
                for drop in piece.chunks((*bytes).max(1)) {
                    self.send(drop).await?;
                    self.pause(*every_ms).await?;
                }
                Ok(())
            }
            Act::Pause(ms) => self.pause(*ms).await,
            Act::Text(text) => self.send(text.as_bytes()).await,
            Act::Line(bytes) => {
                self.send(b"data: ").await?;
                self.repeat(&b"x".repeat(PIECE), *bytes).await?;
                self.send(b"\n\n").await
            }
            Act::Comments(count) => {
                let comments = b": keep-alive\n\n".repeat(1_000);
                self.repeat(&comments, count * 14).await
            }
            Act::Events(count) => {
                let event = self.dialect.word("again ", None).into_bytes();
                let bytes = u64::try_from(event.len()).unwrap_or(u64::MAX).saturating_mul(*count);
                self.repeat(&event.repeat(1_000), bytes).await
            }
            Act::Forever(every_ms) => loop {
                let event = self.dialect.word("again ", None);
                self.send(event.as_bytes()).await?;
                self.pause(*every_ms).await?;
            },
            Act::Fin | Act::Rst | Act::HalfClose | Act::Silence => Ok(()),
        }
    }

    /// The answer from where it stands up to `to`.
    fn next(&mut self, to: Option<usize>) -> Vec<u8> {
        let end = to.unwrap_or(self.answer.len()).min(self.answer.len()).max(self.at);
        let piece = self.answer[self.at..end].to_vec();
        self.at = end;
        piece
    }

    /// Sends so many bytes of an endless repetition of `pattern`.
    async fn repeat(&mut self, pattern: &[u8], bytes: u64) -> Result<(), PeerClosed> {
        let mut left = usize::try_from(bytes).unwrap_or(usize::MAX);
        while left > 0 {
            let piece = &pattern[..left.min(pattern.len())];
            self.send(piece).await?;
            left -= piece.len();
        }
        Ok(())
    }

    /// Sends a piece of the body, in its framing.
    async fn send(&mut self, bytes: &[u8]) -> Result<(), PeerClosed> {
        if bytes.is_empty() {
            return Ok(());
        }
        if self.framing == Framing::Chunked {
            let mut chunk = format!("{:x}\r\n", bytes.len()).into_bytes();
            chunk.extend_from_slice(bytes);
            chunk.extend_from_slice(b"\r\n");
            self.write(&chunk).await?;
        } else {
            self.write(bytes).await?;
        }
        self.sent += u64::try_from(bytes.len()).unwrap_or(0);
        Ok(())
    }

    async fn write(&mut self, mut bytes: &[u8]) -> Result<(), PeerClosed> {
        while !bytes.is_empty() {
            tokio::select! {
                biased;
                closed = self.closed() => return Err(closed),
                ready = self.stream.writable() => ready.map_err(|_| PeerClosed)?,
            }
            match self.stream.try_write(bytes) {
                Ok(written) => bytes = &bytes[written..],
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
                Err(_) => return Err(PeerClosed),
            }
        }
        Ok(())
    }

    async fn pause(&self, ms: u64) -> Result<(), PeerClosed> {
        tokio::select! {
            biased;
            closed = self.closed() => Err(closed),
            () = tokio::time::sleep(Duration::from_millis(ms)) => Ok(()),
        }
    }

    /// A reset throws away what the kernel still holds, so it is given a moment to hand that over.
    async fn reset(&self) {
        tokio::time::sleep(Duration::from_millis(20)).await;
        let _best_effort = self.stream.set_zero_linger();
    }

    /// Completes when the peer closes the connection.
    async fn closed(&self) -> PeerClosed {
        let mut byte = [0];
        match self.stream.peek(&mut byte).await {
            Ok(0) | Err(_) => PeerClosed,
            // The peer is already sending its next request: it waits for this answer.
            Ok(_) => std::future::pending().await,
        }
    }
}

fn head(play: &Play, content_type: &str, length: usize) -> String {
    let framing = match play.framing {
        Framing::Chunked => "transfer-encoding: chunked".to_owned(),
        Framing::Close => "connection: close".to_owned(),
        Framing::Length(wrong_by) => {
            let length = i64::try_from(length).unwrap_or(i64::MAX).saturating_add(wrong_by);
            format!("content-length: {length}\r\nconnection: close")
        }
    };
    format!("HTTP/1.1 {} Evil\r\ncontent-type: {content_type}\r\n{framing}\r\n\r\n", play.status)
}
