//! What the evil upstream does with a call: a well-formed answer, and what is done to it on the wire.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// How to answer a call. The default answers rightly and at once.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Play {
    /// The status.
    pub status: u16,
    /// The content type; that of the dialect when not set.
    pub content_type: Option<String>,
    /// How the body's length is told.
    pub framing: Framing,
    /// Words of the answer, each an event of its own in a stream.
    pub words: u32,
    /// The usage it claims, told one after another; the last one with the end of the answer. None: no
    /// usage at all. The truth is a token for each word.
    pub figures: Vec<Figures>,
    /// The body in place of the dialect's answer.
    pub body: Option<String>,
    /// What is done, in order. Without an ending act the answer ends in due form.
    pub acts: Vec<Act>,
}

/// A usage as it is written down, be it a number or not.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Figures {
    /// Tokens of input.
    pub input: Value,
    /// Tokens of output.
    pub output: Value,
}

/// How the length of a body is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Framing {
    /// By chunked transfer coding.
    Chunked,
    /// By closing the connection, so that a cut cannot be told from an end.
    Close,
    /// By a content length that is wrong by so many bytes; 0 is right.
    Length(i64),
}

/// One thing to do on the wire.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Act {
    /// Sends the answer from where it stands up to this byte of it; nothing given: all of it.
    Answer(Option<usize>),
    /// The same in pieces of `bytes`, one each `every_ms`.
    Drip {
        /// Bytes of a piece.
        bytes: usize,
        /// Milliseconds between two pieces.
        every_ms: u64,
        /// The byte of the answer before which it ends.
        to: Option<usize>,
    },
    /// Sends nothing for so many milliseconds.
    Pause(u64),
    /// Sends this text.
    Text(String),
    /// Sends one line of so many bytes.
    Line(u64),
    /// Sends so many comments.
    Comments(u64),
    /// Sends the event of a word so many times, in as few writes as the kernel takes.
    Events(u64),
    /// Sends the event of a word each so many milliseconds until the peer closes.
    Forever(u64),
    /// Closes the connection.
    Fin,
    /// Resets the connection.
    Rst,
    /// Closes its own side only, and waits until the peer closes the other.
    HalfClose,
    /// Waits until the peer closes.
    Silence,
}

impl Default for Play {
    fn default() -> Self {
        Self {
            status: 200,
            content_type: None,
            framing: Framing::Chunked,
            words: 8,
            figures: vec![Figures::of(12, 8)],
            body: None,
            acts: vec![Act::Answer(None)],
        }
    }
}

impl Figures {
    /// Figures that are numbers.
    pub fn of(input: i64, output: i64) -> Self {
        Self { input: json!(input), output: json!(output) }
    }
}

impl Play {
    /// Does this to the usual answer.
    pub fn of(acts: impl IntoIterator<Item = Act>) -> Self {
        Self { acts: acts.into_iter().collect(), ..Self::default() }
    }

    /// The usual answer with these figures.
    pub fn claiming(figures: impl IntoIterator<Item = Figures>) -> Self {
        Self { figures: figures.into_iter().collect(), ..Self::default() }
    }
}
