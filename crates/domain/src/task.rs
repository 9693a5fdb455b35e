//! What a request is about, as the router sees it.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use crate::permille::Permille;

/// A kind of work.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Family {
    /// Writing, changing or explaining programs.
    Code,
    /// Calculating and proving.
    Maths,
    /// Puzzles, planning, drawing conclusions.
    Reasoning,
    /// Knowing facts.
    Knowledge,
    /// Texts that are to read well.
    Writing,
    /// Finding and sorting what a text says.
    Extraction,
    /// Making a text shorter.
    Summary,
    /// From one language to another.
    Translation,
    /// Talking.
    Chat,
    /// Calling the right tool with the right arguments.
    Tools,
    /// Anything else, or too little text to tell.
    #[default]
    Other,
}

impl Family {
    /// Every family, in the order they are shown.
    pub const ALL: &[Self] = &[
        Self::Code,
        Self::Maths,
        Self::Reasoning,
        Self::Knowledge,
        Self::Writing,
        Self::Extraction,
        Self::Summary,
        Self::Translation,
        Self::Chat,
        Self::Tools,
        Self::Other,
    ];

    /// The stable name, as stored and as sent.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Code => "code",
            Self::Maths => "maths",
            Self::Reasoning => "reasoning",
            Self::Knowledge => "knowledge",
            Self::Writing => "writing",
            Self::Extraction => "extraction",
            Self::Summary => "summary",
            Self::Translation => "translation",
            Self::Chat => "chat",
            Self::Tools => "tools",
            Self::Other => "other",
        }
    }

    /// The family of that stable name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|family| family.as_str() == name)
    }
}

/// What was made of a request's text. The text itself is not part of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskRecord {
    /// The kind of work.
    pub family: Family,
    /// How sure that is.
    pub confidence: Permille,
    /// How likely a weak model fails at it.
    pub difficulty: Permille,
    /// How much a strong model gains over a weak one.
    pub need: Permille,
    /// The group of similar requests that outcomes are learnt for.
    pub cluster: u16,
    /// What spoke for that, the weightiest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub evidence: Vec<Evidence>,
}

/// One thing that was seen in a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    /// What, in a few words for a person.
    pub what: Cow<'static, str>,
    /// How much it added to the need, in thousandths; negative where it spoke against.
    pub weight: i16,
}
