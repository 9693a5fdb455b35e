//! What is tried in a round: whatever comes in, nothing panics, any two cuttings agree, the output is
//! bounded by the input, and nothing that is not whole looks whole.

use bytes::Bytes;
use megarouter_dialect::answer::AnswerError;
use megarouter_dialect::canonical::{Collector, Event};
use megarouter_dialect::dialects;
use megarouter_dialect::losses::Losses;
use megarouter_dialect::openai_chat::stream::Expectations;
use megarouter_dialect::request::{Splice, Target};
use megarouter_dialect::stream::{Scan, ScanError, StreamEnd, StreamFacts, Translation};
use megarouter_domain::dialect::Dialect;
use serde::de::IgnoredAny;
use serde_json::Value;

use super::corpus::{self, CLIENTS};
use super::random::Random;

/// How many times larger than the input an output may be, and how many bytes more: every token of a
/// stream becomes an event, which repeats what belongs to the whole.
const MOST: (usize, usize) = (100, 200_000);

/// What a client asked for that wants to be told everything.
const EXPECTED: Expectations = Expectations { wants_usage: true, sends_done: true, choices: 1 };

/// A provider's stream is read, in two cuttings.
pub fn decode(name: &str, dialect: Dialect, stream: &[u8], random: &mut Random) {
    let whole = events(dialect, &[stream]);
    let cut = events(dialect, &random.cut(stream));
    assert_eq!(whole, cut, "{name}: two cuttings give two readings");
    let is_done = |event: &Event| *event == Event::Done;
    assert!(whole.0.iter().filter(|event| is_done(event)).count() < 2, "two ends");
}

/// The events of a stream that comes in pieces.
pub fn events(dialect: Dialect, pieces: &[&[u8]]) -> (Vec<Event>, Result<(), ScanError>) {
    let (mut decoder, mut events) = (dialects::decoder(dialect), vec![]);
    let read = pieces.iter().try_for_each(|piece| decoder.push(Bytes::copy_from_slice(piece), &mut events));
    if read.is_ok() {
        decoder.finish(&mut events);
    }
    (events, read)
}

/// A part of a good stream says that it is all only if nothing of what was said is missing.
pub fn truncate(dialect: Dialect, stream: &[u8], random: &mut Random) {
    let said = |stream: &[u8]| {
        let mut collector = Collector::default();
        events(dialect, &[stream]).0.into_iter().for_each(|event| collector.push(event));
        (collector.is_done(), collector.finish().choices.into_iter().map(|choice| choice.parts).collect::<Vec<_>>())
    };
    let part = said(&stream[..random.below(stream.len())]);
    assert!(!part.0 || part == said(stream), "a stream that was cut looks whole");
}

/// A provider's stream is translated for a client.
pub fn translate(dialect: Dialect, client: Dialect, stream: &[u8], random: &mut Random) {
    let once = translated(dialect, client, &[stream]);
    let cut = translated(dialect, client, &random.cut(stream));
    assert_eq!(once, cut, "two cuttings give two translations");
    let (written, end, _) = once;
    assert!(written.len() <= MOST.0 * stream.len() + MOST.1, "{} bytes of {}", written.len(), stream.len());
    let (read, result) = events(client, &[&written]);
    let is_whole = read.contains(&Event::Done);
    assert_eq!(result, Ok(()), "what is written can be read: {}", String::from_utf8_lossy(&written));
    assert_eq!(is_whole, end == StreamEnd::Done, "{end:?}: {}", String::from_utf8_lossy(&written));
}

/// What a translated stream is, how it ended, and what is known of it.
pub fn translated(dialect: Dialect, client: Dialect, pieces: &[&[u8]]) -> (Vec<u8>, StreamEnd, StreamFacts) {
    let encoder = dialects::encoder(client, corpus::curious(client));
    scanned(&mut Translation::new(dialects::decoder(dialect), encoder), pieces)
}

fn scanned(scan: &mut dyn Scan, pieces: &[&[u8]]) -> (Vec<u8>, StreamEnd, StreamFacts) {
    let mut written = vec![];
    for piece in pieces {
        let scanned = scan.push(Bytes::copy_from_slice(piece));
        written.extend_from_slice(&scanned.forward);
        if scanned.failure.is_some() {
            break;
        }
    }
    let finished = scan.finish();
    written.extend_from_slice(&finished.forward);
    (written, finished.end, scan.facts().clone())
}

/// A stream passes to a client of the same dialect.
pub fn pass(dialect: Dialect, stream: &[u8], random: &mut Random) {
    let scan = |pieces: &[&[u8]]| scanned(&mut *dialects::scanner(dialect, EXPECTED), pieces);
    let (once, cut) = (scan(&[stream]), scan(&random.cut(stream)));
    assert_eq!(once, cut, "two cuttings pass differently");
    assert!(once.0.len() <= stream.len() + 1_000, "more passes than came");
    if dialect != Dialect::OpenAiChat {
        // Chat has figures and an end mark added where a client asked for them; of others events are
        // taken out at most, and an array and the last line are ended.
        let mut rest = stream.iter();
        let mut passed = once.0.trim_ascii_end().iter().filter(|byte| **byte != b']');
        let is_same = passed.all(|byte| rest.any(|own| own == byte));
        assert!(is_same, "what passes is changed: {}", String::from_utf8_lossy(&once.0));
    }
}

/// A client's request is read, and written for every kind of provider.
pub fn ask(client: Dialect, body: &[u8]) {
    let bytes = Bytes::copy_from_slice(body);
    let Ok(request) = dialects::parse_request(client, &corpus::path(), bytes) else { return };
    let splice = Splice { upstream_model: "other", model_is_in_body: true, asks_usage: true, ..Splice::default() };
    let spliced = request.splice(&splice);
    // Checked without a tree: a text may hold half a surrogate, as the client's own may.
    assert!(serde_json::from_slice::<IgnoredAny>(&spliced).is_ok(), "{}", String::from_utf8_lossy(&spliced));
    let _ = request.echo();
    let Ok(conversation) = request.read() else { return };
    for provider in Dialect::ALL {
        let mut losses = Losses::default();
        let written = dialects::write_request(*provider, &conversation, &Target::of("m"), &mut losses);
        assert!(serde_json::from_slice::<Value>(&written).is_ok(), "{}", String::from_utf8_lossy(&written));
        assert!(written.len() <= MOST.0 * body.len() + MOST.1, "{} bytes of {}", written.len(), body.len());
        assert!(losses.to_string().bytes().all(|byte| byte.is_ascii_graphic() || byte == b' '), "{losses}");
    }
}

/// A provider's whole answer is read, and written for every client.
pub fn answer(dialect: Dialect, body: &[u8]) {
    let _ = dialects::parse_error(dialect, body);
    if CLIENTS.contains(&dialect) {
        let _ = dialects::inspect_answer(dialect, body);
    }
    let answer = match dialects::read_answer(dialect, body) {
        Ok(answer) => answer,
        Err(AnswerError::Malformed | AnswerError::Upstream(_)) => return,
    };
    for client in CLIENTS {
        let written = dialects::write_answer(client, answer.clone(), &corpus::curious(client));
        assert!(written.len() <= MOST.0 * body.len() + MOST.1, "{} bytes of {}", written.len(), body.len());
        let read = dialects::read_answer(client, &written);
        assert!(read.is_ok(), "{client:?}: {}", String::from_utf8_lossy(&written));
    }
}
