//! Writing the events of a stream: named, numbered from 0, one line of JSON each.

use bytes::{BufMut, BytesMut};

/// Writes events and numbers them.
#[derive(Debug, Default)]
pub struct Events {
    next: u64,
}

/// The value of a member of an event.
#[derive(Clone, Copy, Debug)]
pub enum Member<'a> {
    /// A text.
    Text(&'a str),
    /// A number.
    Number(usize),
    /// JSON as it is.
    Json(&'a str),
    /// Null.
    Null,
}

impl Events {
    /// Events after one with this number.
    pub const fn after(last: u64) -> Self {
        Self { next: last + 1 }
    }

    /// Writes an event.
    pub fn write(&mut self, kind: &str, members: &[(&str, Member<'_>)], out: &mut BytesMut) {
        out.extend_from_slice(b"event: ");
        out.extend_from_slice(kind.as_bytes());
        out.extend_from_slice(b"\ndata: {\"type\":\"");
        out.extend_from_slice(kind.as_bytes());
        out.extend_from_slice(b"\",\"sequence_number\":");
        write_json(&self.next, out);
        self.next += 1;
        for (name, value) in members {
            out.extend_from_slice(b",\"");
            out.extend_from_slice(name.as_bytes());
            out.extend_from_slice(b"\":");
            match value {
                Member::Text(text) => write_json(text, out),
                Member::Number(number) => write_json(number, out),
                Member::Json(json) => out.extend_from_slice(json.as_bytes()),
                Member::Null => out.extend_from_slice(b"null"),
            }
        }
        out.extend_from_slice(b"}\n\n");
    }
}

fn write_json(value: &impl serde::Serialize, out: &mut BytesMut) {
    serde_json::to_writer(out.writer(), value).expect("texts and numbers always serialise into memory");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_named_numbered_and_on_one_line() {
        let (mut events, mut out) = (Events::default(), BytesMut::new());
        events.write("a", &[("delta", Member::Text("x\n\"y\"")), ("index", Member::Number(3))], &mut out);
        events.write("b", &[("item", Member::Json("{}")), ("param", Member::Null)], &mut out);
        let expected = concat!(
            "event: a\ndata: {\"type\":\"a\",\"sequence_number\":0,\"delta\":\"x\\n\\\"y\\\"\",\"index\":3}\n\n",
            "event: b\ndata: {\"type\":\"b\",\"sequence_number\":1,\"item\":{},\"param\":null}\n\n",
        );
        assert_eq!(out, expected);
    }
}
