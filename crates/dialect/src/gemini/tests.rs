//! What the tests of the folder share.

use proptest::prelude::*;

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
