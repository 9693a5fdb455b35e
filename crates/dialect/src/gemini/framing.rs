//! Cutting a stream of answers into answers: server-sent events (`alt=sse`), or the elements of one
//! JSON array, which is what Google sends otherwise. Which of the two it is shows in its first byte.

use std::borrow::Cow;

use bytes::{Buf, Bytes, BytesMut};
use memchr::memchr2;

use crate::sse::{self, MAX_EVENT_BYTES};
use crate::stream::ScanError;

/// A whole answer of a stream.
#[derive(Debug)]
pub struct Frame {
    /// Where it ends in the bytes it came in.
    pub end: usize,
    /// Its JSON; empty for what carries none, such as comments and brackets.
    pub json: Bytes,
}

/// Cuts a stream, however the network cut it.
#[derive(Debug, Default)]
pub struct Framing {
    form: Form,
}

#[derive(Debug)]
enum Form {
    /// Nothing but space has come.
    Unknown(BytesMut),
    Events(sse::Splitter),
    Array(Elements),
}

impl Default for Form {
    fn default() -> Self {
        Self::Unknown(BytesMut::new())
    }
}

impl Framing {
    /// Takes the next piece; returns the bytes of what is now whole, and appends where in them each
    /// answer is. What comes behind them may be a failure: an answer larger than allowed, or no array.
    pub fn push(&mut self, piece: Bytes, frames: &mut Vec<Frame>) -> (Bytes, Option<ScanError>) {
        match &mut self.form {
            Form::Unknown(space) => {
                space.extend_from_slice(&piece);
                let Some(first) = space.iter().find(|byte| !byte.is_ascii_whitespace()) else {
                    return (Bytes::new(), None);
                };
                let is_array = *first == b'[';
                let piece = if space.len() == piece.len() { piece } else { std::mem::take(space).freeze() };
                self.form =
                    if is_array { Form::Array(Elements::default()) } else { Form::Events(sse::Splitter::default()) };
                self.push(piece, frames)
            }
            Form::Events(splitter) => {
                let Ok(whole) = splitter.push(piece) else { return (Bytes::new(), Some(ScanError::TooLarge)) };
                frame_events(&whole, frames);
                (whole, None)
            }
            Form::Array(elements) => elements.push(&piece, frames),
        }
    }

    /// What the end of the stream left: an event that lacks its empty line is whole all the same if
    /// its JSON is.
    pub fn finish(&mut self, frames: &mut Vec<Frame>) -> Bytes {
        let Form::Events(splitter) = &mut self.form else { return Bytes::new() };
        let rest = splitter.finish();
        let is_whole = sse::data(&rest)
            .is_some_and(|data| serde_json::from_slice::<serde::de::IgnoredAny>(data.trim_ascii()).is_ok());
        if !is_whole {
            return Bytes::new();
        }
        let whole = Bytes::from([rest.trim_ascii_end(), b"\n\n"].concat());
        frame_events(&whole, frames);
        whole
    }

    /// Whether the stream is one array.
    pub const fn is_array(&self) -> bool {
        matches!(self.form, Form::Array(_))
    }
}

fn frame_events(whole: &Bytes, frames: &mut Vec<Frame>) {
    let mut end = 0;
    for event in sse::events(whole) {
        end += event.len();
        let json = match sse::data(event) {
            Some(Cow::Borrowed(data)) => whole.slice_ref(data.trim_ascii()),
            Some(Cow::Owned(data)) => Bytes::from(data.trim_ascii().to_vec()),
            None => Bytes::new(),
        };
        // Some that imitate Google end as OpenAI does.
        let json = if json == b"[DONE]".as_slice() { Bytes::new() } else { json };
        frames.push(Frame { end, json });
    }
}

/// The elements of an array of objects.
#[derive(Debug, Default)]
struct Elements {
    waiting: BytesMut,
    /// Up to where `waiting` was looked at.
    looked_at: usize,
    /// Open brackets and braces round that place.
    depth: usize,
    is_in_string: bool,
    /// Where the element that has not ended begins.
    start: usize,
}

impl Elements {
    fn push(&mut self, piece: &[u8], frames: &mut Vec<Frame>) -> (Bytes, Option<ScanError>) {
        self.waiting.extend_from_slice(piece);
        let mut found = vec![];
        let mut failure = None;
        while let Some(byte) = self.waiting.get(self.looked_at).copied() {
            if self.is_in_string {
                if !self.skip_string() {
                    break;
                }
                continue;
            }
            self.looked_at += 1;
            match (self.depth, byte) {
                (0 | 1, b' ' | b'\t' | b'\r' | b'\n') | (1, b',') => {}
                (0, b'[') => self.depth = 1,
                (1, b'{') => {
                    self.start = self.looked_at - 1;
                    self.depth = 2;
                }
                (1, b']') => {
                    self.depth = 0;
                    found.push((self.looked_at, self.looked_at..self.looked_at));
                }
                (0 | 1, _) => {
                    failure = Some(ScanError::Malformed);
                    break;
                }
                (_, b'"') => self.is_in_string = true,
                (_, b'{' | b'[') => self.depth += 1,
                (_, b'}' | b']') => {
                    self.depth -= 1;
                    if self.depth == 1 {
                        found.push((self.looked_at, self.start..self.looked_at));
                    }
                }
                _ => {}
            }
        }
        let end = found.last().map_or(0, |(end, _)| *end);
        let whole = self.waiting.split_to(end).freeze();
        self.looked_at -= end;
        self.start = self.start.saturating_sub(end);
        frames.extend(found.into_iter().map(|(end, json)| Frame { end, json: whole.slice(json) }));
        if self.waiting.remaining() > MAX_EVENT_BYTES {
            failure.get_or_insert(ScanError::TooLarge);
        }
        (whole, failure)
    }

    /// Goes on to just after the string's end; false where that has not come.
    fn skip_string(&mut self) -> bool {
        while let Some(found) = memchr2(b'"', b'\\', &self.waiting[self.looked_at..]) {
            let at = self.looked_at + found;
            if self.waiting[at] == b'"' {
                self.looked_at = at + 1;
                self.is_in_string = false;
                return true;
            }
            if at + 1 == self.waiting.len() {
                // What is escaped has not come.
                self.looked_at = at;
                return false;
            }
            self.looked_at = at + 2;
        }
        self.looked_at = self.waiting.len();
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn frames(pieces: &[&[u8]]) -> (Vec<u8>, Vec<Vec<u8>>) {
        let mut framing = Framing::default();
        let (mut forwarded, mut found) = (vec![], vec![]);
        let mut take = |whole: &Bytes, frames: &mut Vec<Frame>| {
            assert!(frames.windows(2).all(|pair| pair[0].end <= pair[1].end));
            forwarded.extend_from_slice(whole);
            found.extend(frames.drain(..).map(|frame| frame.json.to_vec()).filter(|json| !json.is_empty()));
        };
        for piece in pieces {
            let mut frames = vec![];
            let whole = framing.push(Bytes::copy_from_slice(piece), &mut frames).0;
            take(&whole, &mut frames);
        }
        let mut rest = vec![];
        let whole = framing.finish(&mut rest);
        take(&whole, &mut rest);
        (forwarded, found)
    }

    const ARRAY: &[u8] = b" \n[{\"a\": \"}]\\\"\xc3\xa9\",\"b\":[{}]}\r\n,\r\n{\"c\":1}\n]\n";

    #[test]
    fn an_array_is_cut_into_its_elements_and_every_byte_is_forwarded() {
        let (forwarded, found) = frames(&[ARRAY]);
        assert_eq!(forwarded, ARRAY.trim_ascii_end());
        assert_eq!(found, ["{\"a\": \"}]\\\"\u{e9}\",\"b\":[{}]}".as_bytes(), b"{\"c\":1}"]);
    }

    #[test]
    fn events_are_cut_and_a_last_line_without_its_end_counts() {
        let (forwarded, found) = frames(&[b": hello\n\ndata: {\"a\":1}\r\n\r\ndata: [DONE]\n\ndata: {\"b\":2}"]);
        assert_eq!(forwarded, b": hello\n\ndata: {\"a\":1}\r\n\r\ndata: [DONE]\n\ndata: {\"b\":2}\n\n");
        assert_eq!(found, [b"{\"a\":1}", b"{\"b\":2}"]);
    }

    #[test]
    fn what_is_no_array_of_objects_is_malformed() {
        for wrong in ["[1]", "[{}] x", "[{}}", "[[]]"] {
            let pushed = Framing::default().push(Bytes::from(wrong), &mut vec![]);
            assert_eq!(pushed.1, Some(ScanError::Malformed), "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn any_cutting_gives_the_same_frames(
            is_array: bool, cuts in proptest::collection::vec(any::<prop::sample::Index>(), 0..12),
        ) {
            let bytes = if is_array { ARRAY } else { b"\n data: {\"a\":\"\xc3\xa9\"}\r\n\r\n\n\ndata: {}\n\ndata: {\"b\"" };
            prop_assert_eq!(frames(&crate::gemini::tests::cut(bytes, &cuts)), frames(&[bytes]));
        }

        #[test]
        fn arbitrary_bytes_never_panic(
            bytes in proptest::collection::vec(proptest::sample::select(&b"[]{}\",\\: \nadt"[..]), 0..200),
            cuts in proptest::collection::vec(any::<prop::sample::Index>(), 0..8),
        ) {
            let run = |pieces: &[&[u8]]| {
                let mut framing = Framing::default();
                let mut frames = vec![];
                let failed = pieces.iter().any(|piece| framing.push(Bytes::copy_from_slice(piece), &mut frames).1.is_some());
                (failed, (!failed).then(|| frames.into_iter().map(|frame| frame.json).filter(|json| !json.is_empty()).collect::<Vec<_>>()))
            };
            prop_assert_eq!(run(&crate::gemini::tests::cut(&bytes, &cuts)), run(&[&bytes]));
        }
    }
}
