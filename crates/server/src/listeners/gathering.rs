//! Gathers a stream's pieces that come together.
//!
//! A provider's pieces come through the task of its connection one by one, and each that is handed on by
//! itself is a write and a packet: 67 writes for a burst of 64 chunks that arrived in three reads. So a piece
//! waits once round the tasks for those that came with it. The first one never waits.

use std::task::{Context, Poll};

use bytes::{Bytes, BytesMut};

/// The most bytes that are gathered before they are handed on.
const MOST: usize = 32 * 1024;

/// Pieces on their way to the client, from a body that fails with `E`.
pub(super) struct Gathering<E> {
    stage: Stage<E>,
    /// Nearly always one piece, which then is not copied.
    first: Bytes,
    more: BytesMut,
}

enum Stage<E> {
    /// Nothing was handed on: the first output does not wait.
    Opening,
    Flowing,
    /// The other tasks have their turn, in which more may come.
    Waiting,
    /// The stream broke, and what was held was handed on just now.
    Broken(E),
    /// And the connection had a chance to send that.
    Cut(E),
    Over,
}

impl<E> Default for Gathering<E> {
    fn default() -> Self {
        Self { stage: Stage::Opening, first: Bytes::new(), more: BytesMut::new() }
    }
}

impl<E> Gathering<E> {
    /// The next bytes for the client, out of what `next` gives.
    pub(super) fn poll_next(
        &mut self,
        context: &mut Context<'_>,
        mut next: impl FnMut(&mut Context<'_>) -> Poll<Option<Result<Bytes, E>>>,
    ) -> Poll<Option<Result<Bytes, E>>> {
        match std::mem::replace(&mut self.stage, Stage::Over) {
            Stage::Over => return Poll::Ready(None),
            Stage::Cut(error) => return Poll::Ready(Some(Err(error))),
            Stage::Broken(error) => {
                self.stage = Stage::Cut(error);
                context.waker().wake_by_ref();
                return Poll::Pending;
            }
            stage => self.stage = stage,
        }
        loop {
            match next(context) {
                Poll::Ready(Some(Ok(piece))) => {
                    let is_first = matches!(self.stage, Stage::Opening);
                    self.stage = Stage::Flowing;
                    self.add(piece);
                    if is_first || self.held() >= MOST {
                        return self.hand_on();
                    }
                }
                Poll::Ready(end) => {
                    self.stage = Stage::Over;
                    if self.held() == 0 {
                        return Poll::Ready(end);
                    }
                    if let Some(Err(error)) = end {
                        self.stage = Stage::Broken(error);
                    }
                    return self.hand_on();
                }
                Poll::Pending if self.held() == 0 => return Poll::Pending,
                Poll::Pending if matches!(self.stage, Stage::Waiting) => {
                    self.stage = Stage::Flowing;
                    return self.hand_on();
                }
                Poll::Pending => {
                    self.stage = Stage::Waiting;
                    context.waker().wake_by_ref();
                    return Poll::Pending;
                }
            }
        }
    }

    /// How many bytes were not handed on.
    pub(super) fn held(&self) -> usize {
        self.first.len() + self.more.len()
    }

    fn add(&mut self, piece: Bytes) {
        if self.held() == 0 {
            self.first = piece;
            return;
        }
        if self.more.is_empty() {
            self.more.extend_from_slice(&std::mem::take(&mut self.first));
        }
        self.more.extend_from_slice(&piece);
    }

    fn hand_on(&mut self) -> Poll<Option<Result<Bytes, E>>> {
        Poll::Ready(Some(Ok(self.take())))
    }

    /// The bytes that were not handed on.
    pub(super) fn take(&mut self) -> Bytes {
        if self.more.is_empty() { std::mem::take(&mut self.first) } else { self.more.split().freeze() }
    }
}

#[cfg(test)]
mod tests {
    use std::task::Waker;

    use super::*;

    /// What a client is sent of pieces, when `.` is a turn of the other tasks and `!` the break of the stream.
    fn sent(script: &str) -> Vec<String> {
        let (mut gathering, mut script) = (Gathering::default(), script.chars());
        let mut context = Context::from_waker(Waker::noop());
        let mut sent = Vec::new();
        loop {
            let next = |_: &mut Context<'_>| match script.next() {
                None => Poll::Ready(None),
                Some('.') => Poll::Pending,
                Some('!') => Poll::Ready(Some(Err(()))),
                Some(piece) => Poll::Ready(Some(Ok(Bytes::from(piece.to_string())))),
            };
            match gathering.poll_next(&mut context, next) {
                Poll::Ready(Some(Ok(bytes))) => sent.push(String::from_utf8(bytes.to_vec()).unwrap()),
                Poll::Ready(Some(Err(()))) => sent.push("broken".to_owned()),
                Poll::Ready(None) => return sent,
                Poll::Pending => sent.push(String::new()),
            }
        }
    }

    #[test]
    fn pieces_that_come_together_are_sent_together() {
        assert_eq!(sent("abc.d.e..f"), ["a", "", "", "", "bcde", "f"], "one turn each, until nothing comes");
        assert_eq!(sent("a...b"), ["a", "", "", "", "b"], "nothing is waited for when nothing is held");
    }

    #[test]
    fn what_came_before_a_break_has_time_to_be_sent() {
        assert_eq!(sent("ab!"), ["a", "b", "", "broken"]);
        assert_eq!(sent("!"), ["broken"]);
    }
}
