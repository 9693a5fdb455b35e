//! Serves the calls of one connection, and notices when the peer closes it.

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use serde_json::json;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use super::State;
use super::answer::{self, Answer};
use super::calls::{Call, End};
use super::request::{self, Request};
use super::script::{Cut, CutBy, Framing, Script};
use super::vendors;

/// Serves until the peer or a script closes the connection.
pub(super) async fn serve(mut stream: TcpStream, state: Arc<State>) {
    let _best_effort = stream.set_nodelay(true);
    let mut buffer = BytesMut::with_capacity(8 * 1024);
    while let Ok(Some(request)) = request::read(&mut stream, &mut buffer).await {
        if !serve_call(&mut stream, &state, request).await {
            return;
        }
    }
}

/// Answers one call; false when the connection is done with.
async fn serve_call(stream: &mut TcpStream, state: &State, request: Request) -> bool {
    if request.path == "/mock/totals" {
        let totals = json!(state.books().totals);
        return Writing::new(stream, state, None).whole(&answer::whole(200, &totals, None)).await.is_ok();
    }
    if let Some(report) = vendors::report(state, &request.path).await {
        return Writing::new(stream, state, None).whole(&report).await.is_ok();
    }
    let asked = request.asked().unwrap_or_default();
    let model = vendors::model_in_path(&request.path).unwrap_or(&asked.model);
    let number = state.books().arrive(call_of(&request, model));
    state.changed.send_replace(());
    let answered = vendors::answer(state, &request, number);
    let (script, answer) = answered.unwrap_or_else(|| answer_to(state, &request, &asked, number));
    let status = answer.status;
    let end = Writing::new(stream, state, Some(number)).answer(&script, answer).await;
    state.books().end(number, status, end);
    state.changed.send_replace(());
    end == End::Answered && script.framing == Framing::Chunked
}

fn call_of(request: &Request, model: &str) -> Call {
    Call {
        number: 0,
        method: request.method.clone(),
        path: request.path.clone(),
        headers: request.headers.clone(),
        body: request.body.clone(),
        model: model.to_owned(),
        at: Instant::now(),
        status: None,
        answer: Bytes::new(),
        end: None,
        reported: None,
    }
}

fn answer_to(state: &State, request: &Request, asked: &request::Asked, number: usize) -> (Script, Answer) {
    let plain = |answer| (Script::default(), answer);
    if !state.accepts(request.header("authorization")) {
        return plain(answer::error(401, "authentication_error", Some("invalid_api_key")));
    }
    let path = request.path.split('?').next().unwrap_or_default();
    match (request.method.as_str(), path) {
        ("GET", "/v1/models") => plain(answer::models(&state.models())),
        ("GET", path) if path.strip_prefix("/v1/models/").is_some_and(|name| state.has_model(name)) => {
            plain(answer::model(&path["/v1/models/".len()..]))
        }
        ("POST", "/v1/chat/completions" | "/v1/embeddings") => match state.next_script(&asked.model) {
            Some(script) => {
                let answer = answer::of(&script, request, asked, number);
                (script, answer)
            }
            None => plain(answer::error(404, "invalid_request_error", Some("model_not_found"))),
        },
        _ => plain(answer::error(404, "invalid_request_error", None)),
    }
}

/// The writing side of a call.
struct Writing<'a> {
    stream: &'a mut TcpStream,
    state: &'a State,
    number: Option<usize>,
    sent: Vec<u8>,
}

/// The peer closed the connection.
struct PeerClosed;

impl<'a> Writing<'a> {
    const fn new(stream: &'a mut TcpStream, state: &'a State, number: Option<usize>) -> Self {
        Self { stream, state, number, sent: Vec::new() }
    }

    async fn answer(mut self, script: &Script, answer: Answer) -> End {
        match self.try_answer(script, answer).await {
            Ok(end) => end,
            Err(PeerClosed) => End::PeerClosed(Instant::now()),
        }
    }

    async fn try_answer(&mut self, script: &Script, answer: Answer) -> Result<End, PeerClosed> {
        if script.first_byte_ms > 0 {
            self.wait(Duration::from_millis(script.first_byte_ms)).await?;
        }
        let is_stream = answer.content_type == "text/event-stream";
        match script.cut {
            Some(cut) => self.cut(script, &answer, is_stream, cut).await,
            None if is_stream => self.stream(script, &answer).await,
            None => {
                self.write(&head(script, &answer, self.number, Some(body_length(&answer)))).await?;
                self.whole_body(&answer).await?;
                Ok(End::Answered)
            }
        }
    }

    /// A whole answer to a question that is no call.
    async fn whole(&mut self, answer: &Answer) -> Result<(), PeerClosed> {
        self.write(&head(&Script::default(), answer, self.number, Some(body_length(answer)))).await?;
        self.whole_body(answer).await
    }

    async fn whole_body(&mut self, answer: &Answer) -> Result<(), PeerClosed> {
        for piece in &answer.pieces {
            self.note(answer, &piece.bytes);
            self.write(&piece.bytes).await?;
        }
        self.report(answer);
        Ok(())
    }

    async fn stream(&mut self, script: &Script, answer: &Answer) -> Result<End, PeerClosed> {
        self.write(&head(script, answer, self.number, None)).await?;
        let mut words = 0;
        for piece in &answer.pieces {
            if script.gap_ms > 0 && piece.words > words && words > 0 {
                self.wait(Duration::from_millis(script.gap_ms)).await?;
            }
            words = piece.words;
            if script.silent_after.is_some_and(|limit| words > limit) {
                return Err(self.closed().await);
            }
            self.note(answer, &piece.bytes);
            self.write(&framed(script.framing, &piece.bytes)).await?;
        }
        self.report(answer);
        if script.framing == Framing::Chunked {
            self.write(b"0\r\n\r\n").await?;
        }
        Ok(End::Answered)
    }

    async fn cut(&mut self, script: &Script, answer: &Answer, is_stream: bool, cut: Cut) -> Result<End, PeerClosed> {
        let whole: Vec<u8> = answer.pieces.iter().flat_map(|piece| piece.bytes.iter().copied()).collect();
        let kept = &whole[..cut.at_byte.min(whole.len())];
        self.write(&head(script, answer, self.number, (!is_stream).then_some(whole.len()))).await?;
        self.note(answer, kept);
        if is_stream && !kept.is_empty() {
            self.write(&framed(script.framing, kept)).await?;
        } else {
            self.write(kept).await?;
        }
        match cut.by {
            CutBy::End if is_stream && script.framing == Framing::Chunked => self.write(b"0\r\n\r\n").await?,
            CutBy::End | CutBy::Fin => {}
            CutBy::Rst => {
                self.flushed().await;
                let _best_effort = self.stream.set_zero_linger();
            }
        }
        Ok(End::Cut)
    }

    /// Waits until the kernel has handed over everything: a reset throws away what it still holds.
    async fn flushed(&mut self) {
        let _peer_may_be_gone = self.stream.flush().await;
        tokio::time::sleep(Duration::from_millis(20)).await;
    }

    fn note(&mut self, answer: &Answer, bytes: &[u8]) {
        let Some(number) = self.number else { return };
        self.sent.extend_from_slice(bytes);
        self.state.books().sent(number, answer.status, &self.sent);
    }

    fn report(&self, answer: &Answer) {
        if let (Some(number), Some(usage)) = (self.number, answer.usage) {
            self.state.books().reported(number, usage);
        }
    }

    async fn write(&mut self, bytes: &[u8]) -> Result<(), PeerClosed> {
        self.stream.write_all(bytes).await.map_err(|_| PeerClosed)
    }

    async fn wait(&mut self, time: Duration) -> Result<(), PeerClosed> {
        tokio::select! {
            biased;
            closed = self.closed() => Err(closed),
            () = tokio::time::sleep(time) => Ok(()),
        }
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

fn body_length(answer: &Answer) -> usize {
    answer.pieces.iter().map(|piece| piece.bytes.len()).sum()
}

fn framed(framing: Framing, bytes: &[u8]) -> Vec<u8> {
    match framing {
        Framing::Close => bytes.to_vec(),
        Framing::Chunked => {
            let mut frame = format!("{:x}\r\n", bytes.len()).into_bytes();
            frame.extend_from_slice(bytes);
            frame.extend_from_slice(b"\r\n");
            frame
        }
    }
}

/// The head of an answer; without a length the body is marked as the script's framing says.
fn head(script: &Script, answer: &Answer, number: Option<usize>, length: Option<usize>) -> Vec<u8> {
    let mut head = format!("HTTP/1.1 {} Mock\r\ncontent-type: {}\r\n", answer.status, answer.content_type);
    let framing = match (length, script.framing) {
        (Some(length), _) => format!("content-length: {length}\r\n"),
        (None, Framing::Chunked) => "transfer-encoding: chunked\r\n".to_owned(),
        (None, Framing::Close) => "connection: close\r\n".to_owned(),
    };
    head.push_str(&framing);
    if let Some(number) = number {
        let _infallible = write!(head, "x-request-id: mock-{number}\r\n");
    }
    for (name, value) in &script.headers {
        let _infallible = write!(head, "{name}: {value}\r\n");
    }
    head.push_str("\r\n");
    head.into_bytes()
}
