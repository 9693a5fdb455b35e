//! Cutting a byte stream into the messages of `application/vnd.amazon.eventstream`.
//!
//! A message is its length and that of its headers (4 bytes each, big-endian), a checksum of those
//! two, headers, payload, and a checksum of all before it; checksums are CRC-32. A header is the
//! length of its name (1 byte), the name, a type (1 byte) and a value; only text values (type 7, 2
//! bytes of length) matter here (Amazon event stream specification, smithy.io, read 2026-11-22).

use bytes::{Buf, Bytes, BytesMut};

use crate::sse::MAX_EVENT_BYTES;
use crate::stream::ScanError;

/// Both lengths and their checksum.
const PRELUDE_BYTES: usize = 12;

/// The checksum at the end.
const CHECKSUM_BYTES: usize = 4;

/// The type of a header's value that is text.
const TEXT: u8 = 7;

/// A whole message.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Message {
    /// `event`, `exception` or `error`.
    pub kind: String,
    /// What event or exception it is.
    pub name: String,
    /// What an error says; its other words are in the payload.
    pub error: Option<String>,
    /// JSON.
    pub payload: Bytes,
}

/// Finds messages in pieces of a stream.
#[derive(Debug, Default)]
pub struct Frames {
    waiting: BytesMut,
}

impl Frames {
    /// Takes the next piece.
    pub fn push(&mut self, piece: &[u8]) {
        self.waiting.extend_from_slice(piece);
    }

    /// The next whole message; none until more comes.
    ///
    /// # Errors
    /// When the bytes are no message: a checksum that is wrong, or lengths that cannot be.
    pub fn next(&mut self) -> Result<Option<Message>, ScanError> {
        if self.waiting.len() < PRELUDE_BYTES {
            return Ok(None);
        }
        let mut prelude = &self.waiting[..PRELUDE_BYTES];
        let (total, headers) = (prelude.get_u32() as usize, prelude.get_u32() as usize);
        if crc32fast::hash(&self.waiting[..PRELUDE_BYTES - CHECKSUM_BYTES]) != prelude.get_u32() {
            return Err(ScanError::Malformed);
        }
        if total > MAX_EVENT_BYTES {
            return Err(ScanError::TooLarge);
        }
        if headers.saturating_add(PRELUDE_BYTES + CHECKSUM_BYTES) > total {
            return Err(ScanError::Malformed);
        }
        if self.waiting.len() < total {
            return Ok(None);
        }
        let mut message = self.waiting.split_to(total).freeze();
        let mut checksum = message.split_off(total - CHECKSUM_BYTES);
        if crc32fast::hash(&message) != checksum.get_u32() {
            return Err(ScanError::Malformed);
        }
        message.advance(PRELUDE_BYTES);
        let headers = message.split_to(headers);
        read(headers, message).map(Some).ok_or(ScanError::Malformed)
    }
}

fn read(mut headers: Bytes, payload: Bytes) -> Option<Message> {
    let mut message = Message { payload, ..Message::default() };
    while headers.has_remaining() {
        let length = usize::from(headers.try_get_u8().ok()?);
        let name = take(&mut headers, length)?;
        let (kind, value) = value(&mut headers)?;
        if kind != TEXT {
            continue;
        }
        let text = std::str::from_utf8(&value).ok()?;
        match &name[..] {
            b":message-type" => text.clone_into(&mut message.kind),
            b":event-type" | b":exception-type" | b":error-code" => text.clone_into(&mut message.name),
            b":error-message" => message.error = Some(text.to_owned()),
            _ => {}
        }
    }
    Some(message)
}

/// Reads a header's type and value.
fn value(headers: &mut Bytes) -> Option<(u8, Bytes)> {
    let kind = headers.try_get_u8().ok()?;
    let length = match kind {
        0 | 1 => 0,
        2 => 1,
        3 => 2,
        4 => 4,
        5 | 8 => 8,
        6 | TEXT => usize::from(headers.try_get_u16().ok()?),
        9 => 16,
        _ => return None,
    };
    Some((kind, take(headers, length)?))
}

fn take(bytes: &mut Bytes, length: usize) -> Option<Bytes> {
    (bytes.len() >= length).then(|| bytes.split_to(length))
}

#[cfg(test)]
pub mod tests {
    use super::*;
    use bytes::BufMut;
    use proptest::prelude::*;

    /// A message on the wire.
    pub fn message(headers: &[(&str, &str)], payload: &[u8]) -> Vec<u8> {
        let mut written = vec![];
        for (name, value) in headers {
            written.put_u8(u8::try_from(name.len()).unwrap());
            written.put_slice(name.as_bytes());
            written.put_u8(7);
            written.put_u16(u16::try_from(value.len()).unwrap());
            written.put_slice(value.as_bytes());
        }
        let mut bytes = vec![];
        bytes.put_u32(u32::try_from(written.len() + payload.len() + 16).unwrap());
        bytes.put_u32(u32::try_from(written.len()).unwrap());
        bytes.put_u32(crc32fast::hash(&bytes));
        bytes.put_slice(&written);
        bytes.put_slice(payload);
        bytes.put_u32(crc32fast::hash(&bytes));
        bytes
    }

    fn all(pieces: &[&[u8]]) -> (Vec<Message>, Option<ScanError>) {
        let (mut frames, mut found) = (Frames::default(), vec![]);
        for piece in pieces {
            frames.push(piece);
            loop {
                match frames.next() {
                    Ok(Some(message)) => found.push(message),
                    Ok(None) => break,
                    Err(failure) => return (found, Some(failure)),
                }
            }
        }
        (found, None)
    }

    #[test]
    fn the_specifications_empty_message_is_read() {
        let bytes = [0, 0, 0, 0x10, 0, 0, 0, 0, 0x05, 0xc2, 0x48, 0xeb, 0x7d, 0x98, 0xc8, 0xff];
        assert_eq!(all(&[&bytes]), (vec![Message::default()], None));
        assert_eq!(message(&[], b""), bytes);
    }

    #[test]
    fn headers_that_are_no_text_are_passed_over() {
        let mut headers = vec![1, b'a', 0, 1, b'b', 4, 0, 0, 0, 1, 1, b'c', 9];
        headers.extend_from_slice(&[0; 16]);
        let kind = [&[13][..], b":message-type", &[7, 0, 5], b"event"].concat();
        headers.extend_from_slice(&kind);
        let found = read(Bytes::from(headers), Bytes::new()).unwrap();
        assert_eq!(found.kind, "event");
        assert_eq!(read(Bytes::from_static(&[200, b'a']), Bytes::new()), None);
        assert_eq!(read(Bytes::from_static(&[1, b'a', 77]), Bytes::new()), None);
    }

    #[test]
    fn a_message_that_is_too_large_is_refused_before_it_came() {
        let mut bytes = vec![];
        bytes.put_u32(u32::MAX);
        bytes.put_u32(0);
        bytes.put_u32(crc32fast::hash(&bytes));
        assert_eq!(all(&[&bytes]).1, Some(ScanError::TooLarge));
    }

    proptest! {
        #[test]
        fn a_changed_byte_is_noticed(place: prop::sample::Index, change in 1..=u8::MAX) {
            let mut bytes = message(&[(":message-type", "event"), (":event-type", "x")], b"{\"a\":1}");
            let place = place.index(bytes.len());
            bytes[place] ^= change;
            // A longer length only makes it wait for more; everything else is refused.
            prop_assert_eq!(all(&[&bytes]).0, vec![]);
        }

        #[test]
        fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = all(&[&bytes]);
        }

        #[test]
        fn any_cutting_gives_the_same_messages(cuts in proptest::collection::vec(0_usize..200, 0..20)) {
            let one = message(&[(":message-type", "event"), (":event-type", "x")], b"{\"a\":1}");
            let two = message(&[(":message-type", "exception"), (":exception-type", "y")], "{\"b\":\"\u{1F600}\"}".as_bytes());
            let bytes = [one, two].concat();
            let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(bytes.len())).collect();
            cuts.sort_unstable();
            let starts = std::iter::once(0).chain(cuts.iter().copied());
            let ends = cuts.iter().copied().chain([bytes.len()]);
            let pieces: Vec<&[u8]> = starts.zip(ends).map(|(start, end)| &bytes[start..end]).collect();
            let found = all(&pieces);
            prop_assert_eq!(&found, &all(&[&bytes]));
            prop_assert_eq!(found.0.len(), 2);
        }
    }
}
