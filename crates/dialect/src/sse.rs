//! Cutting a byte stream into server-sent events, wherever the network cut it.
//!
//! Lines end with LF, CRLF or CR, an event with an empty line; a byte-order mark may lead. See the
//! WHATWG HTML standard, section 9.2.5. Bytes of an unfinished event wait here, bounded by
//! [`MAX_EVENT_BYTES`]; bytes of finished ones are handed out without being copied when they came
//! in one piece.

use std::borrow::Cow;

use bytes::{Bytes, BytesMut};
use memchr::memchr2;

/// The most bytes that one event may have: a large picture in base64 fits. A stream takes that much
/// memory, and half as much again while its buffer grows, from the moment a provider sends an event that
/// never ends until it is refused.
pub const MAX_EVENT_BYTES: usize = 16 << 20;

/// A byte-order mark, which may lead a stream.
const BOM: &[u8] = b"\xef\xbb\xbf";

/// An event grew beyond [`MAX_EVENT_BYTES`].
#[derive(Debug, PartialEq, Eq)]
pub struct TooLarge;

/// Finds the ends of events in pieces of a stream.
#[derive(Debug, Default)]
pub struct Splitter {
    /// Bytes of the event that has not ended.
    waiting: BytesMut,
    /// Up to where `waiting` was looked at.
    looked_at: usize,
    /// Where the line begins that `looked_at` is in.
    line_start: usize,
    has_started: bool,
}

impl Splitter {
    /// Takes the next piece and returns the events that are now whole, one after the other.
    ///
    /// # Errors
    /// When the event that has not ended is larger than allowed.
    pub fn push(&mut self, piece: Bytes) -> Result<Bytes, TooLarge> {
        let whole = if self.waiting.is_empty() { self.split_piece(piece)? } else { self.split_waiting(&piece)? };
        if self.waiting.len() > MAX_EVENT_BYTES { Err(TooLarge) } else { Ok(self.without_mark(whole)) }
    }

    /// The bytes of an event that the stream's end left unfinished; empty when there is none.
    pub fn finish(&mut self) -> Bytes {
        let rest = self.waiting.split().freeze();
        self.without_mark(rest)
    }

    fn split_piece(&mut self, mut piece: Bytes) -> Result<Bytes, TooLarge> {
        let end = self.find_end(&piece)?;
        let whole = piece.split_to(end);
        self.waiting.extend_from_slice(&piece);
        self.consumed(end);
        Ok(whole)
    }

    fn split_waiting(&mut self, piece: &Bytes) -> Result<Bytes, TooLarge> {
        self.waiting.extend_from_slice(piece);
        let waiting = std::mem::take(&mut self.waiting);
        let end = self.find_end(&waiting)?;
        self.waiting = waiting;
        self.consumed(end);
        Ok(self.waiting.split_to(end).freeze())
    }

    fn consumed(&mut self, end: usize) {
        self.looked_at -= end;
        self.line_start -= end;
    }

    /// Looks at the bytes not seen before; returns where the last whole event ends.
    fn find_end(&mut self, bytes: &[u8]) -> Result<usize, TooLarge> {
        let mut end = 0;
        while let Some(found) = memchr2(b'\n', b'\r', &bytes[self.looked_at..]) {
            let at = self.looked_at + found;
            let Some(next) = line_break_end(bytes, at) else {
                // A CR at the very end: the next piece tells whether an LF belongs to it.
                self.looked_at = at;
                return Ok(end);
            };
            if at == self.line_start {
                if next - end > MAX_EVENT_BYTES {
                    return Err(TooLarge);
                }
                end = next;
            }
            self.looked_at = next;
            self.line_start = next;
        }
        self.looked_at = bytes.len();
        Ok(end)
    }

    fn without_mark(&mut self, mut bytes: Bytes) -> Bytes {
        if self.has_started || bytes.is_empty() {
            return bytes;
        }
        self.has_started = true;
        if bytes.starts_with(BOM) { bytes.split_off(BOM.len()) } else { bytes }
    }
}

/// Where the line break at `at` ends; `None` when that depends on a byte that has not come.
fn line_break_end(bytes: &[u8], at: usize) -> Option<usize> {
    match (bytes[at], bytes.get(at + 1)) {
        (b'\r', None) => None,
        (b'\r', Some(b'\n')) => Some(at + 2),
        _ => Some(at + 1),
    }
}

/// The lengths of the events in whole bytes that [`Splitter::push`] returned, in order.
pub fn events(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = bytes;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let (event, after) = rest.split_at(event_end(rest));
        rest = after;
        Some(event)
    })
}

fn event_end(bytes: &[u8]) -> usize {
    let mut line_start = 0;
    while let Some(found) = memchr2(b'\n', b'\r', &bytes[line_start..]) {
        let at = line_start + found;
        let next = line_break_end(bytes, at).unwrap_or(bytes.len());
        if found == 0 {
            return next;
        }
        line_start = next;
    }
    bytes.len()
}

/// The `data` of one event; `None` when it has none, as a comment has not.
///
/// Borrowed for the usual single line; several lines are joined by LF as the standard says.
pub fn data(event: &[u8]) -> Option<Cow<'_, [u8]>> {
    let mut found: Option<Cow<'_, [u8]>> = None;
    for value in lines(event).filter_map(data_value) {
        found = Some(match found {
            None => Cow::Borrowed(value),
            Some(before) => Cow::Owned([&before, b"\n".as_slice(), value].concat()),
        });
    }
    found
}

fn lines(event: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = Some(event);
    std::iter::from_fn(move || {
        let bytes = rest?;
        let end = memchr2(b'\n', b'\r', bytes);
        rest = end.map(|end| &bytes[end + 1..]);
        Some(end.map_or(bytes, |end| &bytes[..end]))
    })
}

fn data_value(line: &[u8]) -> Option<&[u8]> {
    let rest = line.strip_prefix(b"data")?;
    if rest.is_empty() {
        return Some(rest);
    }
    let value = rest.strip_prefix(b":")?;
    Some(value.strip_prefix(b" ").unwrap_or(value))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn split(pieces: &[&[u8]]) -> Vec<Vec<u8>> {
        let mut splitter = Splitter::default();
        let mut found = vec![];
        for piece in pieces {
            let whole = splitter.push(Bytes::copy_from_slice(piece)).unwrap();
            found.extend(events(&whole).map(<[u8]>::to_vec));
        }
        let rest = splitter.finish();
        if !rest.is_empty() {
            found.push(rest.to_vec());
        }
        found
    }

    #[test]
    fn every_line_break_ends_lines() {
        let expected = |parts: &[&str]| parts.iter().map(|part| part.as_bytes().to_vec()).collect::<Vec<_>>();
        assert_eq!(split(&[b"data: a\n\ndata: b\n\n"]), expected(&["data: a\n\n", "data: b\n\n"]));
        assert_eq!(split(&[b"data: a\r\n\r", b"\ndata: b\r\n\r\n"]), expected(&["data: a\r\n\r\n", "data: b\r\n\r\n"]));
        assert_eq!(split(&[b"data: a\r\rdata: b\r\r"]), expected(&["data: a\r\r", "data: b\r\r"]));
        assert_eq!(split(&[b"\xef\xbb", b"\xbfdata: a\n\n"]), expected(&["data: a\n\n"]));
    }

    #[test]
    fn data_lines_are_joined_and_comments_have_none() {
        assert_eq!(data(b"event: x\ndata: a\ndata:b\n\n").as_deref(), Some(b"a\nb".as_slice()));
        assert_eq!(data(b": keepalive\n\n"), None);
        assert_eq!(data(b"datax: a\n\n"), None);
        assert_eq!(data(b"data\n\n").as_deref(), Some(b"".as_slice()));
    }

    #[test]
    fn an_event_may_be_as_large_as_the_limit_and_no_larger() {
        let mut splitter = Splitter::default();
        assert!(splitter.push(vec![b'x'; MAX_EVENT_BYTES].into()).is_ok());
        assert_eq!(splitter.push(Bytes::from_static(b"x")), Err(TooLarge));
    }

    proptest! {
        #[test]
        fn any_cutting_gives_the_same_events(
            text in proptest::collection::vec(prop_oneof![
                Just(b'\n'), Just(b'\r'), Just(b'd'), Just(b':'), Just(0xef), Just(0xbb), Just(0xbf), any::<u8>()
            ], 0..200),
            cuts in proptest::collection::vec(0_usize..200, 0..20),
        ) {
            let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(text.len())).collect();
            cuts.sort_unstable();
            let mut pieces = vec![];
            let mut at = 0;
            for cut in cuts {
                pieces.push(&text[at..cut]);
                at = cut;
            }
            pieces.push(&text[at..]);
            let whole = split(&[&text]);
            prop_assert_eq!(split(&pieces), whole.clone());
            prop_assert!(text.ends_with(&whole.concat()));
        }
    }
}
