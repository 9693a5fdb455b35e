//! Making secrets and data of persons unreadable before a text is kept.
//!
//! Texts are mostly JSON, and answers come in pieces: what is looked at is what a string says, not how
//! JSON writes it, and the pieces of one answer are looked at together, so that a secret does not get
//! through because a stream cut it in two. What cannot be recognised by its form stays; so this makes
//! an accident less likely, and is no reason to keep texts.

mod forms;
mod pieces;

use std::ops::Range;

use regex::Regex;
use thiserror::Error;

/// The most patterns of an organisation's own.
pub const MOST_PATTERNS: usize = 50;
/// The longest pattern, in characters.
const LONGEST_PATTERN: usize = 500;
/// What a compiled pattern may take, in bytes.
const MOST_MEMORY: usize = 1 << 20;

/// What is left of two overlapping finds may be one itself, so a text is looked at again; this often at most.
const MOST_PASSES: usize = 5;

/// Makes texts unreadable where it has to.
#[derive(Clone, Debug, Default)]
pub struct Redactor {
    own: Vec<Regex>,
}

/// A text without what was to be taken out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Redacted {
    /// The text.
    pub text: String,
    /// In how many places something was taken out.
    pub places: u64,
}

/// A pattern that cannot be used.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("pattern {number} cannot be used: {problem}")]
pub struct BadPattern {
    /// Which, from 1.
    pub number: usize,
    /// What is wrong with it.
    pub problem: String,
}

/// Something to take out, with what stands in its place.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Spot {
    place: Range<usize>,
    label: &'static str,
}

impl Redactor {
    /// One that knows these regular expressions beside its own forms.
    ///
    /// # Errors
    /// When one of them is none, is too long or too costly, or matches the empty text.
    pub fn new(patterns: &[String]) -> Result<Self, BadPattern> {
        let own = patterns.iter().enumerate().map(|(index, pattern)| {
            let number = index + 1;
            let bad = |problem: &str| BadPattern { number, problem: problem.to_owned() };
            if number > MOST_PATTERNS {
                return Err(bad("there are more than 50"));
            }
            if pattern.chars().count() > LONGEST_PATTERN {
                return Err(bad("it has more than 500 characters"));
            }
            let compiled = regex::RegexBuilder::new(pattern).size_limit(MOST_MEMORY).build();
            let compiled = compiled.map_err(|error| bad(&error.to_string()))?;
            if compiled.is_match("") {
                return Err(bad("it matches nothing at all, and so every text"));
            }
            Ok(compiled)
        });
        Ok(Self { own: own.collect::<Result<_, _>>()? })
    }

    /// A body without what was to be taken out: JSON, the events of a stream, or any other text.
    pub fn redact(&self, body: &str) -> Redacted {
        let mut redacted = Redacted { text: body.to_owned(), places: 0 };
        for _ in 0..MOST_PASSES {
            let Redacted { text, places } = pieces::redact(&redacted.text, |text| self.spots(text));
            if places == 0 {
                break;
            }
            redacted = Redacted { text, places: redacted.places + places };
        }
        redacted
    }

    /// What is to be taken out of a text, in its order and apart from each other.
    fn spots(&self, text: &str) -> Vec<Spot> {
        let mut spots = Vec::new();
        let mut add = |spot: Spot| {
            let is_free = |other: &Spot| spot.place.end <= other.place.start || other.place.end <= spot.place.start;
            if !spot.place.is_empty() && spots.iter().all(is_free) {
                spots.push(spot);
            }
        };
        for own in &self.own {
            own.find_iter(text).for_each(|found| add(Spot { place: found.range(), label: "[redacted]" }));
        }
        forms::find(text, &mut add);
        spots.sort_by_key(|spot| spot.place.start);
        spots
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn redact(body: &str) -> String {
        Redactor::default().redact(body).text
    }

    #[test]
    fn secrets_and_data_of_persons_are_taken_out_and_the_rest_stays() {
        let cases = [
            ("my key is sk-proj-abcdefghijklmnop1234567890, ok?", "my key is [redacted: key], ok?"),
            ("use mr-AbCdEfGhIjKlMnOpQrStUvWxYz0123456789abcdefg.", "use [redacted: key]."),
            (
                "AKIAIOSFODNN7EXAMPLE and ghp_0123456789abcdefghijABCDEFGHIJ012345",
                "[redacted: key] and [redacted: key]",
            ),
            ("Authorization: Bearer abcdef0123456789.xyz_", "Authorization: Bearer [redacted: token]"),
            ("password = hunter2secret and go", "password = [redacted: secret] and go"),
            ("mail Jane.Doe+x@mail.example.co.uk now", "mail [redacted: e-mail] now"),
            ("call +49 (30) 123 456-78 or (212) 555-0123", "call [redacted: phone] or [redacted: phone]"),
            ("card 4111 1111 1111 1111 and 4111 1111 1111 1112", "card [redacted: card] and 4111 1111 1111 1112"),
            ("to DE89 3704 0044 0532 0130 00 AND more", "to [redacted: account] AND more"),
            ("not DE89370400440532013001 as its sum is wrong", "not DE89370400440532013001 as its sum is wrong"),
            (
                "on 2026-11-22 at 10:30:00, version 1.2.3, id 1234567890",
                "on 2026-11-22 at 10:30:00, version 1.2.3, id 1234567890",
            ),
            (
                "-----BEGIN RSA PRIVATE KEY-----\nMIIE\nabc\n-----END RSA PRIVATE KEY-----\nrest",
                "[redacted: private key]\nrest",
            ),
            ("cut off: -----BEGIN PRIVATE KEY-----\nMIIE", "cut off: [redacted: private key]"),
            ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.dozjgNryP4J3jVmNHl0w5N", "[redacted: token]"),
        ];
        for (body, expected) in cases {
            assert_eq!(redact(body), expected);
        }
    }

    #[test]
    fn a_string_of_json_is_read_as_what_it_says() {
        let body = r#"{"model":"m","messages":[{"role":"user","content":"key:\nsk-abcdefghijklmnopqrst\nmail a\u0040b.example"}],"n":1}"#;
        let expected = r#"{"model":"m","messages":[{"role":"user","content":"key:\n[redacted: key]\nmail [redacted: e-mail]"}],"n":1}"#;
        assert_eq!(Redactor::default().redact(body), Redacted { text: expected.to_owned(), places: 2 });
        let pem = r#"{"content":"-----BEGIN PRIVATE KEY-----\nMIIE\n-----END PRIVATE KEY-----\nbye"}"#;
        assert_eq!(redact(pem), r#"{"content":"[redacted: private key]\nbye"}"#);
        let cut = r#"{"content":"mail me at jane@mail.exam"#;
        assert_eq!(redact(cut), r#"{"content":"mail me at [redacted: e-mail]"#);
    }

    #[test]
    fn the_value_of_a_field_for_secrets_is_one_whatever_it_looks_like() {
        let body = r#"{"Api-Key":"x","password":{"type":"string"},"args":"{\"client_secret\":\"abcdefghi\"}"}"#;
        let expected = r#"{"Api-Key":"[redacted: secret]","password":{"type":"string"},"args":"{\"client_secret\":\"[redacted: secret]\"}"}"#;
        assert_eq!(redact(body), expected);
    }

    #[test]
    fn a_secret_that_a_stream_cuts_in_two_is_seen() {
        let event =
            |text: &str| format!("data: {{\"id\":\"c1\",\"choices\":[{{\"delta\":{{\"content\":\"{text}\"}}}}]}}\n\n");
        let body = ["the key sk-ab", "cdefghijkl", "mnopqrst is", " yours"].map(event).concat() + "data: [DONE]\n\n";
        let expected = ["the key [redacted: key]", "", " is", " yours"].map(event).concat() + "data: [DONE]\n\n";
        assert_eq!(Redactor::default().redact(&body), Redacted { text: expected, places: 1 });
    }

    #[test]
    fn patterns_of_ones_own_come_first_and_bad_ones_are_named() {
        let redactor = Redactor::new(&["ACME-[0-9]+".to_owned()]).unwrap();
        assert_eq!(
            redactor.redact(r#"{"a":"ticket ACME-12 of a@b.example"}"#).text,
            r#"{"a":"ticket [redacted] of [redacted: e-mail]"}"#
        );
        let bad = |pattern: &str| Redactor::new(&["fine".to_owned(), pattern.to_owned()]).unwrap_err().number;
        assert_eq!([bad("("), bad("a*"), bad("(\\w{900}){900}"), bad(&"x".repeat(501))], [2; 4]);
    }

    #[test]
    fn pictures_in_a_body_stay_as_they_are() {
        let picture = "iVBORw0KGgo4111111111111111AAAA".repeat(60);
        let body = format!(r#"{{"image_url":{{"url":"data:image/png;base64,{picture}"}}}}"#);
        assert_eq!(Redactor::default().redact(&body), Redacted { text: body, places: 0 });
    }

    proptest! {
        #[test]
        fn what_is_redacted_stays_so(body in "(\\PC{0,40}|sk-[a-z0-9]{20} |[a-z]{3}@[a-z]{3}\\.com |\\{\"content\":\"|\"\\}|data: |\n){0,12}") {
            let once = Redactor::default().redact(&body);
            let twice = Redactor::default().redact(&once.text);
            prop_assert_eq!(&twice.text, &once.text);
            prop_assert_eq!(twice.places, 0);
            if once.places == 0 {
                prop_assert_eq!(once.text, body);
            }
        }

        #[test]
        fn valid_json_stays_valid(texts in proptest::collection::vec("(\\PC{0,20}|\\\\|\"|sk-[a-z0-9]{20}|[a-z]{3}@[a-z]{3}\\.com){0,6}", 1..5)) {
            let body = serde_json::to_string(&texts).unwrap();
            let redacted = Redactor::default().redact(&body).text;
            let read: Vec<String> = serde_json::from_str(&redacted).unwrap();
            prop_assert_eq!(read.len(), texts.len());
            prop_assert!(read.iter().all(|text| !text.contains(".com") || !text.contains('@') || Redactor::default().spots(text).is_empty()));
        }
    }
}
