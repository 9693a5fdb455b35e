//! Everything that a client can ask for or send, one thing at a time: what the table of losses has
//! its rows of, and what the tests hold every writer to.

mod content;
mod settings;
mod thinking;
mod tools;

use megarouter_dialect::canonical::{Conversation, Part, Role, Text, Turn};
use megarouter_dialect::request::{Target, Thinking};
use megarouter_domain::dialect::Dialect;

/// One thing that a client can ask for or send.
pub struct Feature {
    /// What it is, for a reader of the table.
    pub title: &'static str,
    /// Adds it to a conversation.
    pub ask: fn(&mut Conversation),
    /// Tells what of it is in a conversation: the same again where it was carried.
    pub seen: fn(&Conversation) -> String,
}

/// Features that belong together.
pub struct Group {
    /// What they are about.
    pub title: &'static str,
    /// The features.
    pub features: &'static [Feature],
    /// Whether the table shows them for a model that thinks.
    pub is_about_thinking: bool,
}

/// Every feature.
pub const GROUPS: &[Group] = &[
    Group { title: "What is said", features: content::TEXTS, is_about_thinking: false },
    Group { title: "Pictures, sounds, films and documents", features: content::MEDIA, is_about_thinking: false },
    Group { title: "Tools", features: tools::TOOLS, is_about_thinking: false },
    Group { title: "Calls and results so far", features: tools::CALLS, is_about_thinking: false },
    Group { title: "Thinking", features: thinking::WISHES, is_about_thinking: true },
    Group { title: "Thoughts so far", features: thinking::HISTORY, is_about_thinking: true },
    Group { title: "Form of the answer", features: settings::FORM, is_about_thinking: false },
    Group { title: "Sampling", features: settings::SAMPLING, is_about_thinking: false },
    Group { title: "Account and cache", features: settings::ACCOUNT, is_about_thinking: false },
];

/// A kind of provider, and a current model of theirs.
pub struct Column {
    /// What the table calls it.
    pub title: &'static str,
    /// What it speaks.
    pub dialect: Dialect,
    /// Its model.
    pub model: &'static str,
    /// True for OpenAI itself, false for the servers that speak its dialect.
    pub is_openai: bool,
    /// How its models that think are told to.
    pub thinking: Thinking,
}

/// Every kind of provider.
pub const COLUMNS: &[Column] = &[
    Column {
        title: "Chat (OpenAI)",
        dialect: Dialect::OpenAiChat,
        model: "gpt-5.2",
        is_openai: true,
        thinking: Thinking::Effort,
    },
    Column {
        title: "Chat (others)",
        dialect: Dialect::OpenAiChat,
        model: "qwen3",
        is_openai: false,
        thinking: Thinking::Effort,
    },
    Column {
        title: "Responses",
        dialect: Dialect::OpenAiResponses,
        model: "gpt-5.2",
        is_openai: true,
        thinking: Thinking::Effort,
    },
    Column {
        title: "Anthropic",
        dialect: Dialect::Anthropic,
        model: "claude-opus-4-6",
        is_openai: false,
        thinking: Thinking::Adaptive,
    },
    Column {
        title: "Gemini",
        dialect: Dialect::Gemini,
        model: "gemini-3-flash-preview",
        is_openai: false,
        thinking: Thinking::Effort,
    },
    Column {
        title: "Bedrock (Claude)",
        dialect: Dialect::BedrockConverse,
        model: "anthropic.claude-opus-4-6-v1",
        is_openai: false,
        thinking: Thinking::Adaptive,
    },
];

impl Column {
    /// The target of a request, with a model that is told to think in this way.
    pub fn target(&self, thinking: Thinking) -> Target<'static> {
        let output_bound_field = if self.is_openai { "max_completion_tokens" } else { "max_tokens" };
        Target { has_developer_role: self.is_openai, output_bound_field, thinking, ..Target::of(self.model) }
    }
}

/// A conversation with the least that there can be: one word of the person's.
pub fn plain() -> Conversation {
    Conversation {
        turns: vec![said(Role::User, vec![text("Hello?")])],
        max_output_tokens: Some(60_000),
        choices: 1,
        ..Conversation::default()
    }
}

fn said(role: Role, parts: Vec<Part>) -> Turn {
    Turn { role, name: None, parts }
}

fn text(text: &str) -> Part {
    Part::Text(Text { text: text.to_owned(), ..Text::default() })
}

/// Turns before the person's last word.
fn before(conversation: &mut Conversation, turns: impl IntoIterator<Item = Turn>) {
    let last = conversation.turns.len().saturating_sub(1);
    let first = said(Role::User, vec![text("First of all:")]);
    conversation.turns.splice(last..last, [first].into_iter().chain(turns));
}

/// The parts of all turns of a role that are wanted, as they look.
fn shown(conversation: &Conversation, role: Role, wanted: fn(&Part) -> bool) -> String {
    let turns = conversation.turns.iter().filter(|turn| turn.role == role);
    let parts = turns.flat_map(|turn| &turn.parts).filter(|part| wanted(part));
    parts.map(|part| format!("{part:?}\n")).collect()
}
