//! What the tests of the folder share.

use bytes::{Bytes, BytesMut};
use proptest::prelude::*;

use super::decode::Decoder;
use super::encode::Encoder;
use crate::canonical::{Answer, Collector, Event};
use crate::request::Echo;
use crate::stream::{Decode as _, Encode as _, ScanError};

mod others;

macro_rules! fixtures {
    ($($name:literal),+ $(,)?) => {
        &[$(($name, include_bytes!(concat!("../fixtures/gemini/", $name)))),+]
    };
}

/// Every stream there is.
pub const STREAMS: &[(&str, &[u8])] = fixtures![
    "text.sse",
    "array.json",
    "tools.sse",
    "search.sse",
    "candidates.sse",
    "image.sse",
    "blocked.sse",
    "error.sse",
];

/// The bytes cut at these places.
pub fn cut<'a>(bytes: &'a [u8], cuts: &[prop::sample::Index]) -> Vec<&'a [u8]> {
    let mut places: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
    places.sort_unstable();
    let mut pieces = vec![];
    let mut at = 0;
    for place in places {
        pieces.push(&bytes[at..place]);
        at = place;
    }
    pieces.push(&bytes[at..]);
    pieces
}

/// The events of a stream that came in these pieces.
pub fn decode(pieces: &[&[u8]]) -> Result<Vec<Event>, ScanError> {
    let mut decoder = Decoder::new();
    let mut events = vec![];
    for piece in pieces {
        decoder.push(Bytes::copy_from_slice(piece), &mut events)?;
    }
    decoder.finish(&mut events);
    Ok(events)
}

/// The stream of these events.
pub fn encode(events: impl IntoIterator<Item = Event>, is_array: bool) -> Bytes {
    let echo = Echo { id: "own-id".to_owned(), model: "own-model".to_owned(), is_array, ..Echo::default() };
    let mut encoder = Encoder::new(echo);
    let mut out = BytesMut::new();
    for event in events {
        encoder.write(event, &mut out);
    }
    out.freeze()
}

/// The answer that events tell, and whether they told its end.
pub fn collect(events: impl IntoIterator<Item = Event>) -> (Answer, bool) {
    let mut collector = Collector::default();
    for event in events {
        collector.push(event);
    }
    let is_done = collector.is_done();
    (collector.finish(), is_done)
}
