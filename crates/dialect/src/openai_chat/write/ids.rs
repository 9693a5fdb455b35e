//! Ids of tool calls that every provider of the dialect takes.

use std::collections::HashSet;

/// The longest id that OpenAI takes.
const MAX_BYTES: usize = 40;

/// The id itself where it is legal, else one made from it: always the same one, because a changed
/// history loses the provider's cache.
pub fn legal(id: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    if !id.is_empty() && id.len() <= MAX_BYTES && id.bytes().all(is_plain) {
        return id.to_owned();
    }
    format!("call_{:016x}", hash(id.as_bytes()))
}

/// FNV-1a, 64 bits: stable over versions of the program, unlike the standard library's.
fn hash(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}

/// The calls that wait for their results, in order.
#[derive(Default)]
pub struct Pending(Vec<String>);

impl Pending {
    /// Notes a call.
    pub fn push(&mut self, id: String) {
        self.0.push(id);
    }

    /// Strikes a call off; false when none of that id waits.
    pub fn answer(&mut self, id: &str) -> bool {
        let place = self.0.iter().position(|waiting| waiting == id);
        place.map(|place| self.0.remove(place)).is_some()
    }

    /// The calls that got no result.
    pub fn take(&mut self) -> Vec<String> {
        let mut seen = HashSet::new();
        std::mem::take(&mut self.0).into_iter().filter(|id| seen.insert(id.clone())).collect()
    }
}
