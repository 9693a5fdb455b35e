//! What can be seen in a prompt without understanding it: structure, vocabulary, hashed n-grams.
//!
//! One pass over the user's own words, bounded work, one buffer. It deliberately reads no tool
//! definitions and nothing that programs put into prompts ([`sections`]), since agents send a lot of
//! both and they say nothing about how hard the task is. Start at [`Features::of`]; [`Dense`] names
//! the values that a person can check against the prompt.
#![expect(clippy::float_arithmetic, reason = "shares and amounts, never money")]

pub mod dense;
pub mod lexicon;
mod scan;
pub mod sections;

pub use dense::Dense;

/// How many slots hashed n-grams fall into.
pub const SLOTS: usize = 1 << 14;

/// Bytes that are read from the beginning of long words of a user.
const HEAD_BYTES: usize = 6 * 1024;
/// Bytes that are read from their end: a question often comes last.
const TAIL_BYTES: usize = 2 * 1024;

/// A prompt as the router sees it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Text<'a> {
    /// The user's last message; blocks that programs put in are recognised and left out.
    pub user: &'a str,
    /// Bytes of everything else in the request: system prompt, earlier turns, tool results, files.
    pub context_bytes: usize,
    /// Tools that the request offers besides those defined in the text.
    pub tool_count: usize,
    /// Whether the answer must follow a JSON schema.
    pub has_schema: bool,
    /// Earlier messages of the conversation.
    pub earlier_turns: usize,
}

/// What was seen in a prompt.
#[derive(Clone, Debug, PartialEq)]
pub struct Features {
    /// Values that a person can check, each by its name.
    pub dense: Dense,
    /// Slots of the words and word pairs that occur, each once, in the order of first occurrence.
    pub slots: Vec<u16>,
}

impl Features {
    /// Looks at a prompt: the first 6 KB and the last 2 KB of the user's own words.
    pub fn of(text: &Text<'_>) -> Self {
        let sections = sections::split(text.user);
        let mut scan = scan::Scan::new();
        let total: usize = sections.pieces().iter().map(|piece| piece.len()).sum();
        let (mut seen, tail_from) = (0, total.saturating_sub(TAIL_BYTES).max(HEAD_BYTES));
        for piece in sections.pieces() {
            let head = floor(piece, HEAD_BYTES.saturating_sub(seen));
            let tail = floor(piece, tail_from.saturating_sub(seen)).max(head);
            scan.read(&piece[..head]);
            scan.read(&piece[tail..]);
            seen += piece.len();
        }
        scan.finish(text, &sections, total)
    }
}

/// The last place at or before `at` where a character begins.
fn floor(text: &str, at: usize) -> usize {
    text.floor_char_boundary(at.min(text.len()))
}
