//! Every fixture, in every direction.

mod requests;
mod streams;
mod writes;

use bytes::Bytes;
use proptest::prelude::*;

use super::request::AnthropicRequest;
use crate::request::{Echo, PathFacts, RequestError};

/// What the gateway sets, for a client that wants thoughts.
fn echo() -> Echo {
    Echo {
        id: "made".to_owned(),
        model: "asked-for".to_owned(),
        include: vec![super::answer::THINKING.to_owned()],
        ..Echo::default()
    }
}

fn parse(body: &str) -> Result<AnthropicRequest, RequestError> {
    AnthropicRequest::parse(&PathFacts::default(), Bytes::copy_from_slice(body.as_bytes()))
}

fn cut<'a>(bytes: &'a [u8], cuts: &[prop::sample::Index]) -> Vec<&'a [u8]> {
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
