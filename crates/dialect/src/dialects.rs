//! The list of dialects: what each of them does, by its name.
//!
//! The only place that knows all folders. A new dialect is a folder and a line in each function.

use bytes::Bytes;
use megarouter_domain::code::Code;
use megarouter_domain::dialect::Dialect;

use crate::answer::{AnswerError, AnswerFacts};
use crate::canonical::{Answer, Conversation};
use crate::errors::{ErrorNote, UpstreamErrorBody};
use crate::losses::Losses;
use crate::models::ModelEntry;
use crate::openai_chat::stream::Expectations;
use crate::request::{ClientRequest, CountRequest, Echo, PathFacts, RequestError, Target};
use crate::stream::{Decode, Encode, Scan};
use crate::{anthropic, bedrock_converse, gemini, openai_chat, openai_responses};

/// What a client that speaks Bedrock's dialect would get: there is no path for one.
const NO_CLIENT: &str = "clients do not speak Converse to us, so `accept` has no path for it";

/// Checks a client's request for an answer.
///
/// # Errors
/// When it is not what the dialect takes.
pub fn parse_request(
    dialect: Dialect,
    path: &PathFacts<'_>,
    body: Bytes,
) -> Result<Box<dyn ClientRequest>, RequestError> {
    match dialect {
        Dialect::OpenAiChat => boxed(openai_chat::request::ChatRequest::parse(path, body)),
        Dialect::OpenAiResponses => boxed(openai_responses::request::ResponsesRequest::parse(path, body)),
        Dialect::Anthropic => boxed(anthropic::request::AnthropicRequest::parse(path, body)),
        Dialect::Gemini => boxed(gemini::request::GenerateRequest::parse(path, body)),
        Dialect::BedrockConverse => unreachable!("{NO_CLIENT}"),
    }
}

/// Checks a client's request to count the tokens of a conversation.
///
/// # Errors
/// When it is not what the dialect takes.
pub fn parse_count(dialect: Dialect, path: &PathFacts<'_>, body: Bytes) -> Result<Box<dyn CountRequest>, RequestError> {
    match dialect {
        Dialect::OpenAiResponses => {
            let request = openai_responses::count::CountRequest::parse(body)?;
            // Without one it cannot be said whether the key may ask.
            request.model().ok_or(RequestError::Missing("model"))?;
            Ok(Box::new(request))
        }
        Dialect::Anthropic => Ok(Box::new(anthropic::count::parse(body)?)),
        Dialect::Gemini => Ok(Box::new(gemini::count::CountRequest::parse(path, body)?)),
        Dialect::OpenAiChat | Dialect::BedrockConverse => unreachable!("neither has a path for counting"),
    }
}

/// The answer to a request to count.
pub fn counted(dialect: Dialect, tokens: u64) -> Bytes {
    match dialect {
        Dialect::OpenAiResponses => openai_responses::count::answer(tokens),
        Dialect::Anthropic => anthropic::count::counted(tokens),
        Dialect::Gemini => gemini::count::answer(tokens),
        Dialect::OpenAiChat | Dialect::BedrockConverse => unreachable!("neither has a path for counting"),
    }
}

fn boxed<T: ClientRequest + 'static>(request: Result<T, RequestError>) -> Result<Box<dyn ClientRequest>, RequestError> {
    request.map(|request| Box::new(request) as Box<dyn ClientRequest>)
}

/// Writes a conversation for a provider.
pub fn write_request(dialect: Dialect, conversation: &Conversation, target: &Target<'_>, losses: &mut Losses) -> Bytes {
    match dialect {
        Dialect::OpenAiChat => openai_chat::write::write(conversation, target, losses),
        Dialect::OpenAiResponses => openai_responses::write::write(conversation, target, losses),
        Dialect::Anthropic => anthropic::write::write(conversation, target, losses),
        Dialect::Gemini => gemini::write::write(conversation, target, losses),
        Dialect::BedrockConverse => bedrock_converse::write::write(conversation, target, losses),
    }
}

/// Watches a stream that goes to a client of the same dialect.
pub fn scanner(dialect: Dialect, expectations: Expectations) -> Box<dyn Scan> {
    match dialect {
        Dialect::OpenAiChat => Box::new(openai_chat::stream::StreamScanner::new(expectations)),
        Dialect::OpenAiResponses => Box::new(openai_responses::scan::Scanner::new()),
        Dialect::Anthropic => Box::new(anthropic::scan::Scanner::new()),
        Dialect::Gemini => Box::new(gemini::scan::Scanner::new()),
        Dialect::BedrockConverse => unreachable!("{NO_CLIENT}"),
    }
}

/// Reads a provider's stream.
pub fn decoder(dialect: Dialect) -> Box<dyn Decode> {
    match dialect {
        Dialect::OpenAiChat => Box::new(openai_chat::decode::Decoder::new()),
        Dialect::OpenAiResponses => Box::new(openai_responses::decode::Decoder::new()),
        Dialect::Anthropic => Box::new(anthropic::decode::Decoder::new()),
        Dialect::Gemini => Box::new(gemini::decode::Decoder::new()),
        Dialect::BedrockConverse => Box::new(bedrock_converse::decode::Decoder::new()),
    }
}

/// Writes a client's stream.
pub fn encoder(dialect: Dialect, echo: Echo) -> Box<dyn Encode> {
    match dialect {
        Dialect::OpenAiChat => Box::new(openai_chat::encode::Encoder::new(echo)),
        Dialect::OpenAiResponses => Box::new(openai_responses::encode::Encoder::new(echo)),
        Dialect::Anthropic => Box::new(anthropic::encode::Encoder::new(echo)),
        Dialect::Gemini => Box::new(gemini::encode::Encoder::new(echo)),
        Dialect::BedrockConverse => unreachable!("{NO_CLIENT}"),
    }
}

/// Looks at a whole answer that goes to a client of the same dialect.
///
/// # Errors
/// When it is an error in disguise, or no answer.
pub fn inspect_answer(dialect: Dialect, body: &[u8]) -> Result<AnswerFacts, AnswerError> {
    match dialect {
        Dialect::OpenAiChat => openai_chat::answer::inspect(body),
        Dialect::OpenAiResponses => openai_responses::answer::inspect(body),
        Dialect::Anthropic => anthropic::answer::inspect(body),
        Dialect::Gemini => gemini::answer::inspect(body),
        Dialect::BedrockConverse => unreachable!("{NO_CLIENT}"),
    }
}

/// Reads a provider's whole answer.
///
/// # Errors
/// When it is an error in disguise, or no answer.
pub fn read_answer(dialect: Dialect, body: &[u8]) -> Result<Answer, AnswerError> {
    match dialect {
        Dialect::OpenAiChat => openai_chat::answer::read(body),
        Dialect::OpenAiResponses => openai_responses::answer::read(body),
        Dialect::Anthropic => anthropic::answer::read(body),
        Dialect::Gemini => gemini::answer::read(body),
        Dialect::BedrockConverse => bedrock_converse::answer::read(body),
    }
}

/// Writes a whole answer for a client.
pub fn write_answer(dialect: Dialect, answer: Answer, echo: &Echo) -> Bytes {
    match dialect {
        Dialect::OpenAiChat => openai_chat::answer::write(answer, echo),
        Dialect::OpenAiResponses => openai_responses::answer::write(answer, echo),
        Dialect::Anthropic => anthropic::answer::write(answer, echo),
        Dialect::Gemini => gemini::answer::write(answer, echo),
        Dialect::BedrockConverse => unreachable!("{NO_CLIENT}"),
    }
}

/// Reads a provider's error body; `None` when it is none.
pub fn parse_error(dialect: Dialect, body: &[u8]) -> Option<UpstreamErrorBody> {
    match dialect {
        Dialect::OpenAiChat | Dialect::OpenAiResponses => openai_chat::error::parse(body),
        Dialect::Anthropic => anthropic::error::parse(body),
        Dialect::Gemini => gemini::error::parse(body),
        Dialect::BedrockConverse => bedrock_converse::error::parse(body),
    }
}

/// The HTTP status that goes with a code of ours in a client's dialect.
pub fn status(dialect: Dialect, code: Code) -> u16 {
    match dialect {
        Dialect::OpenAiChat | Dialect::BedrockConverse => openai_chat::error::status(code),
        Dialect::OpenAiResponses => openai_responses::error::status(code),
        Dialect::Anthropic => anthropic::error::status(code),
        Dialect::Gemini => gemini::error::status(code),
    }
}

/// The body of an error answer in a client's dialect.
pub fn render_error(dialect: Dialect, note: &ErrorNote<'_>) -> Bytes {
    match dialect {
        Dialect::OpenAiChat | Dialect::BedrockConverse => openai_chat::error::render(note),
        Dialect::OpenAiResponses => openai_responses::error::render(note),
        Dialect::Anthropic => anthropic::error::render(note),
        Dialect::Gemini => gemini::error::render(note),
    }
}

/// A list of models in a client's dialect.
pub fn list_models(dialect: Dialect, entries: &[ModelEntry<'_>]) -> Bytes {
    match dialect {
        Dialect::OpenAiChat | Dialect::OpenAiResponses | Dialect::BedrockConverse => openai_chat::models::list(entries),
        Dialect::Anthropic => anthropic::models::list(entries),
        Dialect::Gemini => gemini::models::list(entries),
    }
}

/// One model in a client's dialect.
pub fn show_model(dialect: Dialect, entry: &ModelEntry<'_>) -> Bytes {
    match dialect {
        Dialect::OpenAiChat | Dialect::OpenAiResponses | Dialect::BedrockConverse => openai_chat::models::one(entry),
        Dialect::Anthropic => anthropic::models::one(entry),
        Dialect::Gemini => gemini::models::one(entry),
    }
}
