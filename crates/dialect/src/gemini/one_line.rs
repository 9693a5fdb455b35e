//! JSON in which nothing can be taken for the end of a line.
//!
//! Google's SDK for Python cuts events as `str.splitlines` does, which also ends a line at the three
//! characters of Unicode that JSON allows unescaped (google-genai 2.34.0, `_api_client`, read
//! 2026-11-22). Google's servers escape them.

use std::io;

use bytes::{BufMut, BytesMut};
use serde::Serialize;
use serde_json::ser::{Formatter, Serializer};

/// Appends the value.
pub fn write(value: &(impl Serialize + ?Sized), out: &mut BytesMut) {
    let mut serializer = Serializer::with_formatter(out.writer(), OneLine);
    value.serialize(&mut serializer).expect("memory takes every value");
}

struct OneLine;

impl Formatter for OneLine {
    fn write_string_fragment<W: ?Sized + io::Write>(&mut self, writer: &mut W, fragment: &str) -> io::Result<()> {
        let mut rest = fragment;
        // The characters begin with these bytes in UTF-8; most texts have neither.
        while memchr::memchr2(0xc2, 0xe2, rest.as_bytes()).is_some() {
            let Some(at) = rest.find(['\u{85}', '\u{2028}', '\u{2029}']) else { break };
            let mut behind = rest[at..].chars();
            let ending = behind.next().map_or(0, u32::from);
            writer.write_all(&rest.as_bytes()[..at])?;
            write!(writer, "\\u{ending:04x}")?;
            rest = behind.as_str();
        }
        writer.write_all(rest.as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn written(text: &str) -> String {
        let mut out = BytesMut::new();
        write(text, &mut out);
        String::from_utf8(out.to_vec()).unwrap()
    }

    #[test]
    fn ends_of_lines_are_escaped_and_nothing_else() {
        assert_eq!(written("a\u{85}é\u{2028}\u{2029}\n…"), "\"a\\u0085é\\u2028\\u2029\\n…\"");
    }

    proptest! {
        #[test]
        fn every_text_stays_itself(text in "[a\u{85}é…\u{2028}\u{2029}\u{b}\n\"\\\\]{0,12}") {
            let written = written(&text);
            let is_ending = |letter: char| letter.is_control() || matches!(letter, '\u{2028}' | '\u{2029}');
            prop_assert!(!written.contains(is_ending));
            prop_assert_eq!(serde_json::from_str::<String>(&written).unwrap(), text);
        }
    }
}
