//! The models that a client is told of. How the list looks is each dialect's own.

/// One model in a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ModelEntry<'a> {
    /// The name to ask for.
    pub id: &'a str,
    /// The name for a person; the id where there is none.
    pub display_name: &'a str,
    /// When it was added, in seconds since 1970.
    pub created: i64,
    /// Who serves it.
    pub owned_by: &'a str,
    /// How many tokens its context holds, where known.
    pub context_tokens: Option<u64>,
    /// The most tokens of one answer, where known.
    pub max_output_tokens: Option<u64>,
}
