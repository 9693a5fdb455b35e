//! The body of an answer: at hand, or relayed from a provider.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Frame, SizeHint};
use tokio::sync::oneshot;

use crate::copies::Copying;
use crate::held_back::HeldBack;
use crate::look::Look;
use crate::relay::Relay;

/// The body of an answer.
pub struct Body {
    kind: Kind,
    /// Where a copy goes.
    copying: Option<Box<Copying>>,
    /// What looks at it afterwards.
    look: Option<Box<Look>>,
    /// Dropped with the body, for whoever waits for its end.
    done: Option<oneshot::Sender<()>>,
}

enum Kind {
    Full(Option<Bytes>),
    Relay(Box<Relay>),
    HeldBack(Box<HeldBack>),
}

impl Body {
    /// A body that is all at hand.
    pub fn full(bytes: Bytes) -> Self {
        Self { kind: Kind::Full((!bytes.is_empty()).then_some(bytes)), copying: None, look: None, done: None }
    }

    /// A provider's stream, metered as it passes.
    pub fn relay(relay: Relay) -> Self {
        Self { kind: Kind::Relay(Box::new(relay)), copying: None, look: None, done: None }
    }

    /// A stream whose answer is still to come.
    pub(crate) fn held_back(held_back: HeldBack) -> Self {
        Self { kind: Kind::HeldBack(Box::new(held_back)), copying: None, look: None, done: None }
    }

    /// The same body, of which a copy is kept.
    #[must_use]
    pub fn copied_to(self, copying: Box<Copying>) -> Self {
        Self { copying: Some(copying), ..self }
    }

    /// The same body, at which somebody looks afterwards.
    #[must_use]
    pub(crate) fn looked_at(self, look: Box<Look>) -> Self {
        Self { look: Some(look), ..self }
    }

    /// The same body, whose end is told.
    #[must_use]
    pub(crate) fn tells(self, done: oneshot::Sender<()>) -> Self {
        Self { done: Some(done), ..self }
    }
}

impl http_body::Body for Body {
    type Data = Bytes;
    /// Ends the connection without a proper end: what went before must not be taken for the whole.
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        let next = match &mut self.kind {
            Kind::Full(bytes) => Poll::Ready(bytes.take().map(Ok)),
            Kind::Relay(relay) => relay.poll_next(context),
            Kind::HeldBack(held_back) => held_back.poll_next(context),
        };
        if let (Some(copying), Poll::Ready(Some(Ok(bytes)))) = (&mut self.copying, &next) {
            copying.take(bytes);
        }
        if let (Some(look), Poll::Ready(Some(Ok(bytes)))) = (&mut self.look, &next) {
            look.take(bytes);
        }
        if let Poll::Ready(None) = next {
            self.done = None;
        }
        next.map(|next| next.map(|bytes| bytes.map(Frame::data)))
    }

    fn is_end_stream(&self) -> bool {
        matches!(self.kind, Kind::Full(None))
    }

    fn size_hint(&self) -> SizeHint {
        match &self.kind {
            Kind::Full(bytes) => SizeHint::with_exact(bytes.as_ref().map_or(0, |bytes| bytes.len() as u64)),
            Kind::Relay(_) | Kind::HeldBack(_) => SizeHint::default(),
        }
    }
}
