//! A vendor's answer on its way to the connection.

use serde_json::Value;

use super::directive::{Directive, Figures};
use crate::mock_provider::answer::{Answer, EVENTS, JSON, Piece};
use crate::mock_provider::calls::Tokens;

/// An answer in the vendor's wire form.
pub(super) enum Written {
    Whole(Value, Option<Figures>),
    Stream(Stream),
}

/// A streamed answer.
pub(super) struct Stream {
    pieces: Vec<Piece>,
    words: u32,
    usage: Option<Figures>,
    content_type: &'static str,
    /// Set once an error ended it: nothing is added any more.
    is_over: bool,
    error_after: Option<u32>,
    error: Vec<u8>,
}

impl Stream {
    /// An empty stream that reports `error` after so many words, if it does.
    pub(super) fn new(usage: Option<Figures>, error_after: Option<u32>, error: Vec<u8>) -> Self {
        Self { pieces: Vec::new(), words: 0, usage, content_type: EVENTS, is_over: false, error_after, error }
    }

    /// The same, as one JSON document.
    pub(super) const fn json(mut self) -> Self {
        self.content_type = JSON;
        self
    }

    /// Adds a piece; `is_word` marks a piece of output, which gaps, cuts and errors go by.
    pub(super) fn push(&mut self, bytes: Vec<u8>, is_word: bool) {
        // An empty piece would be read as the end of a chunked body.
        if self.is_over || bytes.is_empty() {
            return;
        }
        if is_word && self.error_after == Some(self.words) {
            self.pieces.push(Piece { bytes: std::mem::take(&mut self.error), words: self.words });
            self.is_over = true;
            self.usage = None;
            return;
        }
        self.words += u32::from(is_word);
        self.pieces.push(Piece { bytes, words: self.words });
    }
}

impl Written {
    pub(super) fn into_answer(self, directive: &Directive) -> Answer {
        match self {
            Self::Whole(body, usage) => Answer {
                status: 200,
                content_type: JSON,
                pieces: vec![Piece { bytes: body.to_string().into_bytes(), words: 0 }],
                usage: usage.map(tokens),
            },
            Self::Stream(stream) => Answer {
                status: 200,
                content_type: stream.content_type,
                pieces: match directive.split {
                    Some(size) => split(&stream.pieces, size),
                    None => stream.pieces,
                },
                usage: stream.usage.map(tokens),
            },
        }
    }
}

/// The same bytes in pieces of `size`, each a word of its own so that gaps keep them apart.
fn split(pieces: &[Piece], size: usize) -> Vec<Piece> {
    let whole: Vec<u8> = pieces.iter().flat_map(|piece| piece.bytes.iter().copied()).collect();
    (1..).zip(whole.chunks(size.max(1))).map(|(words, bytes)| Piece { bytes: bytes.to_vec(), words }).collect()
}

const fn tokens(figures: Figures) -> Tokens {
    Tokens { prompt: figures.input, completion: figures.output, cached: figures.cached, reasoning: figures.reasoning }
}

/// A text in pieces of nine characters.
pub(super) fn pieces(text: &str) -> Vec<String> {
    let letters: Vec<char> = text.chars().collect();
    letters.chunks(9).map(|piece| piece.iter().collect()).collect()
}
