//! Collecting what is forwarded of a piece of the stream.

use bytes::{Bytes, BytesMut};

/// What is forwarded of some whole events: a slice of them as long as nothing changed, a copy after.
pub struct Output<'a> {
    whole: &'a Bytes,
    kept: usize,
    copy: Option<BytesMut>,
}

impl<'a> Output<'a> {
    /// Nothing kept yet.
    pub const fn new(whole: &'a Bytes) -> Self {
        Self { whole, kept: 0, copy: None }
    }

    /// Keeps the next event as it is.
    pub fn keep(&mut self, event: &[u8]) {
        match &mut self.copy {
            Some(copy) => copy.extend_from_slice(event),
            None => self.kept += event.len(),
        }
    }

    /// Writes something else than the next event; nothing, to leave it out.
    pub fn write(&mut self, text: &[u8]) {
        self.copied().extend_from_slice(text);
    }

    fn copied(&mut self) -> &mut BytesMut {
        let (whole, kept) = (self.whole, self.kept);
        self.copy.get_or_insert_with(|| {
            let mut copy = BytesMut::with_capacity(whole.len());
            copy.extend_from_slice(&whole[..kept]);
            copy
        })
    }

    /// What is forwarded.
    pub fn finish(self) -> Bytes {
        match self.copy {
            Some(copy) => copy.freeze(),
            None => self.whole.slice(..self.kept),
        }
    }
}
