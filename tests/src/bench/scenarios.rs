//! The loads, and what the mock provider answers in each.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::client;
use crate::load::{Pace, Plan};
use crate::mock_provider::Script;

/// A load to put on every contender.
#[derive(Clone, Copy, Debug)]
pub struct Scenario {
    /// Its name in the table.
    pub name: &'static str,
    /// The model to ask for, which decides how the mock answers.
    pub model: &'static str,
    /// How requests follow each other.
    pub pace: Pace,
    /// Whether streams are asked for.
    pub is_streaming: bool,
}

/// What every contender goes through, in order.
pub const ALL: [Scenario; 7] = [
    Scenario { name: "64 connections", model: INSTANT, pace: Pace::Closed { connections: 64 }, is_streaming: false },
    Scenario { name: "burst stream", model: BURST, pace: Pace::Closed { connections: 32 }, is_streaming: true },
    Scenario {
        name: "paced stream",
        model: PACED,
        pace: Pace::Open { per_second: 23, connections: 128 },
        is_streaming: true,
    },
    Scenario { name: "1 connection", model: LIKE_LIFE, pace: Pace::Closed { connections: 1 }, is_streaming: false },
    Scenario {
        name: "2,000 a second",
        model: LIKE_LIFE,
        pace: Pace::Open { per_second: 2_000, connections: 512 },
        is_streaming: false,
    },
    Scenario { name: "1 connection, 0 ms", model: INSTANT, pace: Pace::Closed { connections: 1 }, is_streaming: false },
    Scenario {
        name: "2,000 a second, 0 ms",
        model: INSTANT,
        pace: Pace::Open { per_second: 2_000, connections: 256 },
        is_streaming: false,
    },
];

const INSTANT: &str = "instant";
const LIKE_LIFE: &str = "first-byte-after-50-ms";
const BURST: &str = "burst";
const PACED: &str = "paced";
/// Chunks of a stream: the last one proves that a stream came whole.
const CHUNKS: u32 = 64;
/// Words of a whole answer, about one kilobyte.
const WORDS: u32 = 100;

/// The models of the mock.
pub fn scripts() -> BTreeMap<&'static str, Script> {
    let whole = Script { chunks: WORDS, ..Script::default() };
    let stream = Script { chunks: CHUNKS, ..Script::default() };
    BTreeMap::from([
        (INSTANT, whole.clone()),
        (LIKE_LIFE, Script { first_byte_ms: 50, ..whole }),
        (BURST, stream.clone()),
        (PACED, Script { first_byte_ms: 50, gap_ms: 20, ..stream }),
    ])
}

impl Scenario {
    /// The plan of this load against one address.
    pub fn plan(&self, url: http::Uri, key: &str, duration: Duration, watched: u32) -> Plan {
        let mut body =
            if self.is_streaming { client::stream_body(self.model, true) } else { client::chat_body(self.model) };
        // About the size of a short real conversation.
        body["messages"][0]["content"] = "The quick brown fox asks the lazy dog for advice. ".repeat(6).into();
        Plan {
            url,
            key: key.to_owned(),
            body: body.to_string().into(),
            headers: Vec::new(),
            first_mark: "word0 ",
            end_mark: if self.is_streaming { "data: [DONE]" } else { "total_tokens" },
            pace: self.pace,
            warm_up: Duration::from_secs(1),
            duration,
            watched: vec![watched],
        }
    }
}
