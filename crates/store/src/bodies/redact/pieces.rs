//! The texts within a body: the strings of JSON, what the events of a stream add up to, or the body itself.

use std::collections::HashMap;
use std::ops::Range;

use super::{Redacted, Spot};

/// Fields of events that hold pieces of a longer text.
const PIECES: [&str; 11] = [
    "content",
    "text",
    "thinking",
    "delta",
    "arguments",
    "partial_json",
    "reasoning",
    "reasoning_content",
    "refusal",
    "summary",
    "transcript",
];

/// Fields whose values are secrets, in lower case and without separators.
const SECRETS: [&str; 14] = [
    "password",
    "passwd",
    "passphrase",
    "apikey",
    "secret",
    "secretkey",
    "clientsecret",
    "accesskey",
    "accesstoken",
    "refreshtoken",
    "authtoken",
    "authorization",
    "privatekey",
    "secretaccesskey",
];

/// What stands for such a value.
const SECRET: &str = "[redacted: secret]";

/// Longer strings without anything but the signs of Base64 are pictures and sounds.
const LONGEST_WORD: usize = 512;

/// A string within a body.
struct Piece {
    /// Where it stands, without its quotes.
    place: Range<usize>,
    /// What it says.
    text: String,
    /// The field it is the value of.
    field: Option<String>,
}

/// A body without what `find` finds in its texts.
pub(super) fn redact(body: &str, find: impl Fn(&str) -> Vec<Spot>) -> Redacted {
    let is_stream = is_stream(body);
    if !is_stream && !body.trim_start().starts_with(['{', '[', '"']) {
        let spots = find(body);
        return Redacted { text: replaced(body, &spots), places: spots.len() as u64 };
    }
    let mut pieces = strings(body);
    let mut places = 0;
    let mut changed = vec![false; pieces.len()];
    for group in groups(&pieces, is_stream) {
        let whole: String = group.iter().map(|index| pieces[*index].text.as_str()).collect();
        if is_blob(&whole) {
            continue;
        }
        let is_secret = pieces[group[0]].field.as_deref().is_some_and(is_secret_field);
        let spots = if is_secret { all_of(&whole) } else { find(&whole) };
        places += spots.len() as u64;
        take_out(&mut pieces, &mut changed, &group, &spots);
    }
    Redacted { text: put_together(body, &pieces, &changed), places }
}

/// The strings that are looked at together, by their places in the list.
fn groups(pieces: &[Piece], is_stream: bool) -> Vec<Vec<usize>> {
    let mut groups: Vec<Vec<usize>> = Vec::new();
    let mut by_field: HashMap<&str, usize> = HashMap::new();
    for (index, piece) in pieces.iter().enumerate() {
        let field = piece.field.as_deref().filter(|field| is_stream && PIECES.contains(field));
        if let Some(group) = field.and_then(|field| by_field.get(field)) {
            groups[*group].push(index);
            continue;
        }
        if let Some(field) = field {
            by_field.insert(field, groups.len());
        }
        groups.push(vec![index]);
    }
    groups
}

/// Takes spots out of texts that follow each other; what stands in for a spot goes where it began.
fn take_out(pieces: &mut [Piece], changed: &mut [bool], group: &[usize], spots: &[Spot]) {
    if spots.is_empty() {
        return;
    }
    let mut start = 0;
    for index in group {
        let text = &pieces[*index].text;
        let end = start + text.len();
        let mut kept = String::with_capacity(text.len());
        let mut at = start;
        for spot in spots.iter().filter(|spot| spot.place.start < end && start < spot.place.end) {
            if spot.place.start >= start {
                kept.push_str(&text[at - start..spot.place.start - start]);
                kept.push_str(spot.label);
            }
            at = spot.place.end.min(end);
            changed[*index] = true;
        }
        kept.push_str(&text[at - start..]);
        pieces[*index].text = kept;
        start = end;
    }
}

fn put_together(body: &str, pieces: &[Piece], changed: &[bool]) -> String {
    let mut text = String::with_capacity(body.len());
    let mut at = 0;
    for (piece, _) in pieces.iter().zip(changed).filter(|(_, changed)| **changed) {
        text.push_str(&body[at..piece.place.start]);
        let written = serde_json::to_string(&piece.text).unwrap_or_default();
        text.push_str(written.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or_default());
        at = piece.place.end;
    }
    text.push_str(&body[at..]);
    text
}

/// Every string of JSON in a text, wherever it stands; the last may be cut off.
fn strings(body: &str) -> Vec<Piece> {
    let mut pieces: Vec<Piece> = Vec::new();
    let mut field = None;
    let mut at = 0;
    while let Some(quote) = body[at..].find('"') {
        let start = at + quote + 1;
        let (end, next) = end_of_string(body, start);
        let text = decode(&body[start..end]);
        at = next;
        if body[at..].trim_start().starts_with(':') {
            field = Some(text.clone());
            pieces.push(Piece { place: start..end, text, field: None });
        } else {
            pieces.push(Piece { place: start..end, text, field: field.clone() });
        }
    }
    pieces
}

/// Where a string ends, and where what follows it begins. A string of an event ends with its line at the latest.
fn end_of_string(body: &str, start: usize) -> (usize, usize) {
    let mut is_escaped = false;
    for (offset, byte) in body.as_bytes()[start..].iter().enumerate() {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' => is_escaped = true,
            b'"' | b'\n' => return (start + offset, start + offset + 1),
            _ => {}
        }
    }
    (body.len(), body.len())
}

/// What a string says. An escape that is cut off, or none, is left out or left as it is.
fn decode(written: &str) -> String {
    if !written.contains('\\') {
        return written.to_owned();
    }
    let whole = serde_json::from_str(&format!("\"{written}\""));
    whole.unwrap_or_else(|_| decode_leniently(written))
}

fn decode_leniently(written: &str) -> String {
    let mut text = String::with_capacity(written.len());
    let mut rest = written;
    while let Some(backslash) = rest.find('\\') {
        text.push_str(&rest[..backslash]);
        rest = &rest[backslash..];
        let length = if rest.starts_with("\\u") { 6 } else { 2 };
        let (escape, after) = rest.split_at_checked(length).unwrap_or((rest, ""));
        let sign: Option<String> = serde_json::from_str(&format!("\"{escape}\"")).ok();
        text.push_str(sign.as_deref().unwrap_or_default());
        rest = after;
    }
    text.push_str(rest);
    text
}

fn is_secret_field(field: &str) -> bool {
    let plain: String = field.chars().filter(|character| !matches!(character, '_' | '-' | ' ')).collect();
    SECRETS.contains(&plain.to_ascii_lowercase().as_str())
}

fn all_of(text: &str) -> Vec<Spot> {
    if text.is_empty() || text == SECRET {
        return Vec::new();
    }
    vec![Spot { place: 0..text.len(), label: SECRET }]
}

fn replaced(text: &str, spots: &[Spot]) -> String {
    let mut kept = String::with_capacity(text.len());
    let mut at = 0;
    for spot in spots {
        kept.push_str(&text[at..spot.place.start]);
        kept.push_str(spot.label);
        at = spot.place.end;
    }
    kept.push_str(&text[at..]);
    kept
}

fn is_stream(body: &str) -> bool {
    let beginning = body.trim_start();
    ["data:", "event:", "id:", "retry:", ":"].iter().any(|field| beginning.starts_with(field))
}

fn is_blob(text: &str) -> bool {
    let content = text.split_once(";base64,").map_or(text, |(_, content)| content);
    let is_sign = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=' | b'_' | b'-');
    content.len() > LONGEST_WORD && content.bytes().all(is_sign)
}
