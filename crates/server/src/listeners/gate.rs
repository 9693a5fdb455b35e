//! The stream of a connection, which lets a request's head pass only when it is whole and sound.
//!
//! Bytes between two requests are held back until the head is complete, so that a head is judged
//! before anything parses it and nothing behind a body is read as part of it. The gate also keeps
//! the time: a slow head, a silent connection and a client that does not read end it.

use std::io;
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Buf as _, BytesMut};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep_until};

use super::framing::{Framing, judge};
use super::refusal::Refusal;

const READ_AT_ONCE: usize = 8 * 1024;

/// The time and space that a connection gets.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// The largest head, in bytes.
    pub header_bytes: usize,
    /// A new connection's first byte.
    pub first_byte: Duration,
    /// The rest of a head after its first byte.
    pub header: Duration,
    /// The rest between two requests.
    pub idle: Duration,
    /// A client that does not read its answer.
    pub read_stall: Duration,
}

/// Whether a request is being answered; no clock runs on the client's next request meanwhile.
#[derive(Clone, Default)]
pub struct Busy(Arc<AtomicBool>);

impl Busy {
    /// Notes whether a request is being answered.
    pub fn set(&self, is_busy: bool) {
        self.0.store(is_busy, Ordering::Release);
    }

    fn get(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}

/// A connection's stream behind the gate.
pub struct Gate<S> {
    stream: S,
    patience: Patience,
    busy: Busy,
    /// Read from the stream and not yet passed on.
    held: BytesMut,
    stage: Stage,
    /// Runs out when the present stage has taken too long.
    reading: Limit,
    writing: Limit,
    refusal: Option<Refusal>,
}

/// A limit of time that begins anew with each request and hardly ever runs out. Its timer is left as it is
/// until it rings, which costs less than setting it for each request.
#[derive(Default)]
struct Limit {
    end: Option<Instant>,
    timer: Option<Pin<Box<Sleep>>>,
}

impl Limit {
    /// Ends the limit; the next poll begins another.
    fn clear(&mut self) {
        self.end = None;
    }

    /// Ready when it is over; begins it at the first poll.
    fn poll(&mut self, context: &mut Context<'_>, time: Duration) -> Poll<()> {
        let end = *self.end.get_or_insert_with(|| Instant::now() + time);
        let timer = self.timer.get_or_insert_with(|| Box::pin(sleep_until(end)));
        if timer.deadline() > end {
            timer.as_mut().reset(end);
        }
        loop {
            ready!(timer.as_mut().poll(context));
            if timer.deadline() == end {
                return Poll::Ready(());
            }
            timer.as_mut().reset(end);
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// Nothing of the next head is here; `is_first` on a new connection.
    Waiting { is_first: bool },
    /// A part of the next head is here.
    Head,
    /// The head, then the body; so many bytes may pass.
    Passing(u64),
    /// Everything passes until the connection ends.
    Open,
}

impl<S> Gate<S> {
    /// Puts a gate before a stream.
    pub fn new(stream: S, patience: Patience, busy: Busy) -> Self {
        Self {
            stream,
            patience,
            busy,
            held: BytesMut::new(),
            stage: Stage::Waiting { is_first: true },
            reading: Limit::default(),
            writing: Limit::default(),
            refusal: None,
        }
    }

    /// The stream again, and what its client is to be told.
    pub fn into_parts(self) -> (S, Option<Refusal>) {
        (self.stream, self.refusal)
    }

    /// Passes on what may pass; `None` when the head is not complete.
    fn pass(&mut self, buffer: &mut ReadBuf<'_>) -> Option<()> {
        match &mut self.stage {
            Stage::Passing(left) => {
                let most = usize::try_from(*left).unwrap_or(usize::MAX);
                let count = self.held.len().min(buffer.remaining()).min(most);
                if count == 0 {
                    return None;
                }
                buffer.put_slice(&self.held[..count]);
                self.held.advance(count);
                *left -= count as u64;
                Some(())
            }
            Stage::Open if !self.held.is_empty() => {
                let count = self.held.len().min(buffer.remaining());
                buffer.put_slice(&self.held[..count]);
                self.held.advance(count);
                Some(())
            }
            Stage::Open | Stage::Waiting { .. } | Stage::Head => None,
        }
    }

    /// Opens the gate when a whole, sound head is held.
    fn open(&mut self) -> Result<(), Refusal> {
        if self.stage == (Stage::Waiting { is_first: true }) {
            // An empty line before the first request is allowed (RFC 9112 2.2).
            while self.held.starts_with(b"\r\n") {
                self.held.advance(2);
            }
        }
        if self.held.is_empty() {
            return Ok(());
        }
        let end = memchr::memmem::find(&self.held, b"\r\n\r\n").map(|at| at + 4);
        let is_too_large = end.unwrap_or(self.held.len()) > self.patience.header_bytes;
        match end {
            _ if is_too_large => Err(Refusal::HeadTooLarge),
            None => {
                if self.stage != Stage::Head {
                    self.stage = Stage::Head;
                    self.reading.clear();
                }
                // Two line feeds in a row end a head for lenient readers; it will never be sound.
                if memchr::memmem::find(&self.held, b"\n\n").is_some() { Err(Refusal::Malformed) } else { Ok(()) }
            }
            Some(end) => {
                self.reading.clear();
                self.stage = match judge(&self.held[..end])? {
                    Framing::Length(length) => Stage::Passing(length.saturating_add(end as u64)),
                    Framing::Chunked => Stage::Open,
                };
                Ok(())
            }
        }
    }

    /// Ends the connection when the present stage has taken too long.
    fn poll_patience(&mut self, context: &mut Context<'_>) -> Poll<io::Error> {
        if self.busy.get() {
            self.reading.clear();
            return Poll::Pending;
        }
        let limit = match self.stage {
            Stage::Waiting { is_first: true } => self.patience.first_byte,
            Stage::Waiting { is_first: false } => self.patience.idle,
            Stage::Head => self.patience.header,
            Stage::Passing(_) | Stage::Open => return Poll::Pending,
        };
        ready!(self.reading.poll(context, limit));
        if self.stage == Stage::Head {
            self.refusal = Some(Refusal::TooSlow);
        }
        Poll::Ready(io::ErrorKind::TimedOut.into())
    }
}

impl<S: AsyncRead + Unpin> Gate<S> {
    fn poll_fill(&mut self, context: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let mut space = [MaybeUninit::uninit(); READ_AT_ONCE];
        let mut buffer = ReadBuf::uninit(&mut space);
        ready!(Pin::new(&mut self.stream).poll_read(context, &mut buffer))?;
        self.held.extend_from_slice(buffer.filled());
        Poll::Ready(Ok(buffer.filled().len()))
    }

    /// Reads a body straight into the reader's buffer, not beyond its end.
    fn poll_through(&mut self, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let Stage::Passing(left) = &mut self.stage else {
            return Pin::new(&mut self.stream).poll_read(context, buffer);
        };
        let most = usize::try_from(*left).unwrap_or(usize::MAX).min(buffer.remaining());
        let mut part = ReadBuf::new(buffer.initialize_unfilled_to(most));
        ready!(Pin::new(&mut self.stream).poll_read(context, &mut part))?;
        let count = part.filled().len();
        *left -= count as u64;
        buffer.advance(count);
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Gate<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        loop {
            if self.stage == Stage::Passing(0) {
                self.stage = Stage::Waiting { is_first: false };
            }
            if self.pass(buffer).is_some() {
                return Poll::Ready(Ok(()));
            }
            if matches!(self.stage, Stage::Passing(_) | Stage::Open) {
                return self.poll_through(context, buffer);
            }
            if let Err(refusal) = self.open() {
                self.refusal = Some(refusal);
                return Poll::Ready(Err(io::ErrorKind::InvalidData.into()));
            }
            if matches!(self.stage, Stage::Passing(_) | Stage::Open) {
                continue;
            }
            if let Poll::Ready(error) = self.poll_patience(context) {
                return Poll::Ready(Err(error));
            }
            if ready!(self.poll_fill(context))? == 0 {
                return Poll::Ready(Ok(()));
            }
        }
    }
}

impl<S: AsyncWrite + Unpin> Gate<S> {
    /// Passes a write's outcome on; a client that takes nothing for too long ends the connection.
    fn watch<T>(&mut self, context: &mut Context<'_>, outcome: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if outcome.is_ready() {
            self.writing.clear();
            return outcome;
        }
        ready!(self.writing.poll(context, self.patience.read_stall));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Gate<S> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let outcome = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.watch(context, outcome)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let outcome = Pin::new(&mut self.stream).poll_write_vectored(context, parts);
        self.watch(context, outcome)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let outcome = Pin::new(&mut self.stream).poll_flush(context);
        self.watch(context, outcome)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.refusal.is_some() {
            // The client is still to be told why.
            return Poll::Ready(Ok(()));
        }
        let outcome = Pin::new(&mut self.stream).poll_shutdown(context);
        self.watch(context, outcome)
    }
}
