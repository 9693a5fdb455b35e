//! The fixtures of every dialect, as the tests across dialects use them.

use std::fs;
use std::path::Path;

use megarouter_dialect::dialects;
use megarouter_dialect::request::{Echo, PathFacts};
use megarouter_domain::dialect::Dialect;
use serde_json::{Value, json};

/// The dialects that clients speak.
pub const CLIENTS: [Dialect; 4] = [Dialect::OpenAiChat, Dialect::OpenAiResponses, Dialect::Anthropic, Dialect::Gemini];

/// A fixture.
pub struct Fixture {
    /// Whose it is.
    pub dialect: Dialect,
    /// Its file.
    pub name: String,
    /// What goes over the wire.
    pub bytes: Vec<u8>,
}

/// All streams, requests and whole answers.
pub struct Corpus {
    /// Streams of providers.
    pub streams: Vec<Fixture>,
    /// Requests of clients.
    pub requests: Vec<Fixture>,
    /// Whole answers of providers.
    pub answers: Vec<Fixture>,
}

impl Corpus {
    /// Reads it.
    pub fn read() -> Self {
        let mut found = Self { streams: vec![], requests: vec![], answers: vec![] };
        for dialect in Dialect::ALL {
            let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/fixtures").join(dialect.as_str());
            let mut files: Vec<_> =
                fs::read_dir(folder).expect("every dialect has fixtures").flatten().map(|file| file.path()).collect();
            files.sort();
            for file in files {
                let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
                let bytes = fs::read(&file).expect("fixtures can be read");
                found.add(*dialect, name, bytes);
            }
        }
        found
    }

    fn add(&mut self, dialect: Dialect, name: String, bytes: Vec<u8>) {
        let is_of = |ending: &str| Path::new(&name).extension().is_some_and(|own| own == ending);
        let (list, bytes) = if is_of("jsonl") {
            (&mut self.streams, framed(&bytes))
        } else if is_of("sse") || name == "array.json" {
            (&mut self.streams, bytes)
        } else if name.contains("request") {
            (&mut self.requests, bytes)
        } else if name.starts_with("answer") {
            (&mut self.answers, bytes)
        } else {
            return;
        };
        list.push(Fixture { dialect, name, bytes });
    }
}

/// What a path says besides a body.
pub fn path() -> PathFacts<'static> {
    PathFacts { model: Some("m"), is_streaming: true, is_sse: true }
}

/// The echo of a client that wants to be told everything.
pub fn curious(client: Dialect) -> Echo {
    let said = json!([{"role": "user", "content": "Hello?"}]);
    let body = match client {
        Dialect::OpenAiChat | Dialect::BedrockConverse => json!({
            "model": "m", "messages": said, "stream": true, "stream_options": {"include_usage": true},
        }),
        Dialect::OpenAiResponses => json!({
            "model": "m", "input": "Hello?", "stream": true, "store": false, "include": ["reasoning.encrypted_content"],
        }),
        Dialect::Anthropic => json!({
            "model": "m", "messages": said, "stream": true, "max_tokens": 9_000,
            "thinking": {"type": "enabled", "budget_tokens": 2_000},
        }),
        Dialect::Gemini => json!({"contents": [{"role": "user", "parts": [{"text": "Hello?"}]}]}),
    };
    let request = dialects::parse_request(client, &path(), body.to_string().into()).expect("the request is good");
    Echo { id: "0192-own".to_owned(), model: "own".to_owned(), created: 5, ..request.echo() }
}

/// Bedrock's events as its frames: lengths, headers, payload, each half with its checksum.
fn framed(lines: &[u8]) -> Vec<u8> {
    let lines = lines.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    let mut stream = vec![];
    for line in lines {
        let event: Value = serde_json::from_slice(line).expect("fixtures are JSON");
        let mut headers = vec![];
        for (name, value) in event["headers"].as_object().into_iter().flatten() {
            let value = value.as_str().unwrap_or_default();
            headers.push(u8::try_from(name.len()).expect("names are short"));
            headers.extend_from_slice(name.as_bytes());
            headers.push(7);
            headers.extend_from_slice(&u16::try_from(value.len()).expect("values are short").to_be_bytes());
            headers.extend_from_slice(value.as_bytes());
        }
        let payload = event["payload"].to_string();
        let length = |bytes: usize| u32::try_from(bytes).expect("events are short").to_be_bytes();
        let mut frame = length(headers.len() + payload.len() + 16).to_vec();
        frame.extend_from_slice(&length(headers.len()));
        frame.extend_from_slice(&crc32fast::hash(&frame).to_be_bytes());
        frame.extend_from_slice(&headers);
        frame.extend_from_slice(payload.as_bytes());
        frame.extend_from_slice(&crc32fast::hash(&frame).to_be_bytes());
        stream.extend_from_slice(&frame);
    }
    stream
}
