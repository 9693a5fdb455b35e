//! Ids of tool calls that every provider of the dialect takes.

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

/// The calls that wait for their results, in order: the id in the conversation, and the one written.
#[derive(Default)]
pub struct Pending(Vec<(String, String)>);

impl Pending {
    /// Notes a call; returns the id to write. Calls that share an id get different ones, and their
    /// results are told apart by their order.
    pub fn push(&mut self, id: &str) -> String {
        let twins = self.0.iter().filter(|(known, _)| known == id).count();
        let written = if twins == 0 { legal(id) } else { legal(&format!("{id}_{}", twins + 1)) };
        self.0.push((id.to_owned(), written.clone()));
        written
    }

    /// Strikes a call off; returns the id that was written, and none when no such call waits.
    pub fn answer(&mut self, id: &str) -> Option<String> {
        let place = self.0.iter().position(|(known, _)| known == id)?;
        Some(self.0.remove(place).1)
    }

    /// The calls that got no result.
    pub fn take(&mut self) -> impl Iterator<Item = String> {
        std::mem::take(&mut self.0).into_iter().map(|(_, written)| written)
    }
}
