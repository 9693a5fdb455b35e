//! An answer's body that notes when it is over, and that ends a stream honestly when the program
//! cannot wait for it any longer.

use std::error::Error;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use tokio_util::sync::WaitForCancellationFutureOwned;

use super::gate::Busy;
use super::gathering::Gathering;
use super::refusal::Refusal;

/// An answer's body on its way to the client.
pub struct Watched<B> {
    body: B,
    busy: Busy,
    /// For streams of events: when to stop them.
    cut: Option<Pin<Box<WaitForCancellationFutureOwned>>>,
    /// The pieces of a stream of events.
    gathering: Option<Box<Gathering<Box<dyn Error + Send + Sync>>>>,
    stage: Stage,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    Flowing,
    /// The client was told that the stream is cut.
    Told,
    /// The connection had a chance to send that.
    Sent,
}

impl<B> Watched<B> {
    /// Watches a body. With `cut`, the body is a stream of events that is told to end then.
    pub fn new(body: B, busy: Busy, cut: Option<WaitForCancellationFutureOwned>) -> Self {
        let gathering = cut.is_some().then(Box::default);
        Self { body, busy, cut: cut.map(Box::pin), gathering, stage: Stage::Flowing }
    }

    fn is_cut(&mut self, context: &mut Context<'_>) -> bool {
        self.cut.as_mut().is_some_and(|cut| cut.as_mut().poll(context).is_ready())
    }
}

impl<B> Body for Watched<B>
where
    B: Body<Data = Bytes, Error: Into<Box<dyn Error + Send + Sync>>> + Unpin,
{
    type Data = Bytes;
    type Error = Box<dyn Error + Send + Sync>;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        match self.stage {
            Stage::Flowing => {}
            Stage::Told => {
                // Once round the connection's loop, so that the event is on its way before the end.
                self.stage = Stage::Sent;
                context.waker().wake_by_ref();
                return Poll::Pending;
            }
            Stage::Sent => return Poll::Ready(Some(Err(io::Error::other("the stream was cut at the end").into()))),
        }
        if let Poll::Ready(frame) = self.poll_body(context) {
            return Poll::Ready(frame);
        }
        if !self.is_cut(context) {
            return Poll::Pending;
        }
        self.cut = None;
        self.stage = Stage::Told;
        let held = self.gathering.as_mut().map(|gathering| gathering.take()).unwrap_or_default();
        let last = if held.is_empty() {
            Refusal::Stopping.to_event()
        } else {
            [&held[..], &Refusal::Stopping.to_event()].concat().into()
        };
        Poll::Ready(Some(Ok(Frame::data(last))))
    }

    fn is_end_stream(&self) -> bool {
        let is_held = self.gathering.as_ref().is_some_and(|gathering| gathering.held() > 0);
        self.stage == Stage::Flowing && !is_held && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

type Next = Poll<Option<Result<Frame<Bytes>, Box<dyn Error + Send + Sync>>>>;

impl<B> Watched<B>
where
    B: Body<Data = Bytes, Error: Into<Box<dyn Error + Send + Sync>>> + Unpin,
{
    fn poll_body(&mut self, context: &mut Context<'_>) -> Next {
        let Self { body, gathering, .. } = self;
        let mut next = |context: &mut Context<'_>| {
            Pin::new(&mut *body).poll_frame(context).map(|frame| frame.map(|frame| frame.map_err(Into::into)))
        };
        let Some(gathering) = gathering else { return next(context) };
        // Streams of events have no trailers.
        let data = |frame: Frame<Bytes>| frame.into_data().unwrap_or_default();
        let pieces = |context: &mut Context<'_>| next(context).map(|frame| frame.map(|frame| frame.map(data)));
        gathering.poll_next(context, pieces).map(|next| next.map(|bytes| bytes.map(Frame::data)))
    }
}

impl<B> Drop for Watched<B> {
    fn drop(&mut self) {
        self.busy.set(false);
    }
}
