//! Decode: the body read within its limits and understood as far as routing and metering need it.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::HeaderMap;
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE};
use http_body_util::BodyExt as _;
use megarouter_dialect::canonical::Conversation;
use megarouter_dialect::dialects;
use megarouter_dialect::gemini::embed::EmbedRequest;
use megarouter_dialect::operations::embeddings::EmbeddingsRequest;
use megarouter_dialect::operations::embeddings_call::EmbeddingsCall;
use megarouter_dialect::operations::{self, OperationRequest};
use megarouter_dialect::request::{ClientRequest, CountRequest, PathFacts, RequestError};
use megarouter_domain::access::Principal;
use megarouter_domain::code::Code;
use megarouter_domain::dialect::Dialect;
use megarouter_domain::record::Operation;
use megarouter_domain::usage::{ServiceTier, Usage};
use memchr::memmem;
use tokio::time::timeout;

use crate::accept::Asked;
use crate::attribution;
use crate::books::{Output, WorstCase};
use crate::draft::Draft;
use crate::idempotency::{Names, Repeatable};
use crate::pipeline::Limits;
use crate::render::Failure;
use crate::world::InForce;

/// A request whose sender is known.
pub(crate) struct Authenticated<B> {
    /// Who is calling.
    pub principal: Principal,
    /// What for.
    pub asked: Asked,
    /// The dialect that the client expects.
    pub dialect: Dialect,
    /// The request's headers.
    pub headers: HeaderMap,
    /// The body, unread.
    pub body: B,
    /// The configuration that the request started with.
    pub in_force: Arc<InForce>,
}

/// A request that was read and understood.
pub(crate) struct Decoded {
    /// The call asked for.
    pub call: Call,
    /// The client's headers.
    pub headers: HeaderMap,
    /// Who is calling.
    pub principal: Principal,
    /// The configuration that the request started with.
    pub in_force: Arc<InForce>,
}

/// A call to a model, in the client's own bytes.
pub struct Call {
    /// What is asked for.
    pub operation: Operation,
    /// The dialect that the client expects.
    pub dialect: Dialect,
    /// Its content.
    pub content: Content,
    /// The client's body.
    pub body: Bytes,
}

/// The content of a call, by its kind.
pub enum Content {
    /// A request for an answer.
    Answer(Box<Asking>),
    /// A request for how many tokens a conversation has.
    Count(Box<dyn CountRequest>),
    /// A request for embeddings, in either shape.
    Embeddings(EmbeddingsCall),
    /// Any other operation.
    Operation(Box<dyn OperationRequest>),
}

/// A request for an answer, and its translation as far as anybody needed it.
pub struct Asking {
    /// The client's request.
    pub request: Box<dyn ClientRequest>,
    /// Whether the client's stream is server-sent events; false for Gemini's array.
    pub is_sse: bool,
    conversation: OnceLock<Result<Conversation, RequestError>>,
}

impl Asking {
    fn new(request: Box<dyn ClientRequest>, is_sse: bool) -> Self {
        Self { request, is_sse, conversation: OnceLock::new() }
    }

    /// The request as a conversation; read once, when the first provider of another dialect is tried.
    ///
    /// # Errors
    /// When a part of it cannot be translated.
    pub fn conversation(&self) -> Result<&Conversation, &RequestError> {
        self.conversation.get_or_init(|| self.request.read()).as_ref()
    }
}

impl Call {
    /// The model name as the client wrote it.
    pub fn model(&self) -> &str {
        match &self.content {
            Content::Answer(asking) => &asking.request.facts().model,
            Content::Count(request) => request.model(),
            Content::Embeddings(request) => request.model(),
            Content::Operation(request) => request.model(),
        }
    }

    /// Whether the client asked for a stream.
    pub fn is_streaming(&self) -> bool {
        match &self.content {
            Content::Answer(asking) => asking.request.facts().is_streaming,
            Content::Count(_) | Content::Embeddings(_) => false,
            Content::Operation(request) => request.is_streaming(),
        }
    }

    /// The session that the body names.
    pub fn session(&self) -> Option<&str> {
        match &self.content {
            Content::Answer(asking) => asking.request.facts().session.as_deref(),
            Content::Count(_) | Content::Embeddings(_) | Content::Operation(_) => None,
        }
    }

    /// Whether it names one of the tools by which providers search the web themselves, and charge for
    /// each search: OpenAI's, Anthropic's or Google's. May be true for a tool that is only called so.
    pub fn may_search(&self) -> bool {
        const TOOLS: [&[u8]; 3] = [b"\"web_search", b"\"googleSearch", b"\"google_search"];
        TOOLS.iter().any(|name| memmem::find(&self.body, name).is_some())
    }

    /// The most it can consume at a deployment whose answers have at most `max_output` tokens.
    pub fn worst_case(&self, max_output: Option<u64>) -> WorstCase {
        let body_bytes = self.body.len() as u64;
        match &self.content {
            Content::Answer(asking) => {
                let facts = asking.request.facts();
                let output = match (facts.output_bound, max_output) {
                    (Some(bound), _) => Output::Asked(bound),
                    (None, Some(limit)) => Output::Limited(limit),
                    (None, None) => Output::Unknown,
                };
                let service_tier = facts.service_tier.as_deref().and_then(ServiceTier::from_wire);
                WorstCase {
                    counted_input: facts.counted_input,
                    input_bytes: body_bytes,
                    output,
                    choices: facts.choices.max(1),
                    other: Usage { service_tier, ..Usage::UNREPORTED },
                }
            }
            Content::Count(_) => WorstCase::of(Usage::UNREPORTED, 0),
            Content::Embeddings(request) => WorstCase::of(request.most(), body_bytes),
            Content::Operation(request) => {
                let worst = WorstCase::of(request.most(), body_bytes);
                let is_open = self.operation == Operation::Completions && worst.other.output.is_none();
                if is_open { WorstCase { output: Output::Unbounded, ..worst } } else { worst }
            }
        }
    }
}

/// Reads and understands the body.
///
/// # Errors
/// When it is too large, too slow, not what the operation takes, or came before.
pub(crate) async fn decode<B>(
    from: Authenticated<B>,
    limits: &Limits,
    names: &Arc<Names>,
    draft: &mut Draft,
) -> Result<Decoded, Failure>
where
    B: http_body::Body<Data = Bytes>,
    B::Error: std::fmt::Display,
{
    check_headers(&from.headers, from.asked.operation, limits)?;
    let body = read(from.body, limits).await?;
    let repeatable = Repeatable::read(&from.headers, from.principal.key.id, Some(&from.asked), &body)?;
    let content = content(&from.asked, from.dialect, &from.headers, body.clone()).map_err(|error| invalid(&error))?;
    let call = Call { operation: from.asked.operation, dialect: from.dialect, content, body };
    draft.asked(call.model(), call.is_streaming());
    draft.in_session(call.session().and_then(attribution::named));
    if let Some(repeatable) = repeatable {
        draft.claim(names, repeatable)?;
    }
    Ok(Decoded { call, headers: from.headers, principal: from.principal, in_force: from.in_force })
}

fn content(asked: &Asked, dialect: Dialect, headers: &HeaderMap, body: Bytes) -> Result<Content, RequestError> {
    let path = PathFacts { model: asked.model.as_deref(), is_streaming: asked.is_streaming, is_sse: asked.is_sse };
    let content_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    match asked.operation {
        Operation::ChatCompletions | Operation::Responses | Operation::Messages | Operation::GenerateContent => {
            let request = dialects::parse_request(dialect, &path, body)?;
            Ok(Content::Answer(Box::new(Asking::new(request, dialect != Dialect::Gemini || asked.is_sse))))
        }
        Operation::CountTokens => dialects::parse_count(dialect, &path, body).map(Content::Count),
        Operation::Embeddings if dialect == Dialect::Gemini => {
            EmbedRequest::parse(&path, asked.is_batch, body).map(EmbeddingsCall::Gemini).map(Content::Embeddings)
        }
        Operation::Embeddings => EmbeddingsRequest::parse(body).map(EmbeddingsCall::OpenAi).map(Content::Embeddings),
        operation => operations::parse(operation, content_type, body).map(Content::Operation),
    }
}

/// Refuses what cannot be read.
///
/// # Errors
/// When it is too large, compressed, or not of the operation's type.
pub(crate) fn check_headers(headers: &HeaderMap, operation: Operation, limits: &Limits) -> Result<(), Failure> {
    let length = headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
    if length.is_some_and(|length| length > limits.max_body_bytes) {
        return Err(too_large(limits));
    }
    if headers.get(CONTENT_ENCODING).is_some_and(|value| value != "identity") {
        return Err(Failure::new(
            Code::RequestUnsupported,
            "Compressed request bodies are not supported. Send the body as it is.",
        ));
    }
    let content_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = content_type.split(';').next().unwrap_or_default().trim();
    // A web page can send a form without a preflight, but not with a key in a header.
    let wanted = if operation == Operation::Transcriptions { "multipart/form-data" } else { "application/json" };
    if essence.eq_ignore_ascii_case(wanted) {
        return Ok(());
    }
    Err(Failure::new(Code::RequestInvalid, format!("The body must be sent with `Content-Type: {wanted}`.")))
}

/// Reads a whole body within its limits.
///
/// # Errors
/// When it is too large or too slow.
pub async fn read<B>(body: B, limits: &Limits) -> Result<Bytes, Failure>
where
    B: http_body::Body<Data = Bytes>,
    B::Error: std::fmt::Display,
{
    let mut body = std::pin::pin!(body);
    let mut first = Bytes::new();
    let mut rest = BytesMut::new();
    while let Some(frame) = next_frame(&mut body, limits.body_idle).await? {
        let Ok(data) = frame.into_data() else { continue };
        if first.len() + rest.len() + data.len() > limits.max_body_bytes {
            return Err(too_large(limits));
        }
        if first.is_empty() {
            first = data;
            continue;
        }
        if rest.is_empty() {
            rest.extend_from_slice(&first);
        }
        rest.extend_from_slice(&data);
    }
    Ok(if rest.is_empty() { first } else { rest.freeze() })
}

async fn next_frame<B>(
    body: &mut std::pin::Pin<&mut B>,
    idle: Duration,
) -> Result<Option<http_body::Frame<Bytes>>, Failure>
where
    B: http_body::Body<Data = Bytes>,
    B::Error: std::fmt::Display,
{
    let too_slow = || Failure::new(Code::RequestTimeout, "The body did not arrive in time. Send it again.");
    let frame = timeout(idle, body.frame()).await.map_err(|_| too_slow())?;
    frame
        .transpose()
        .map_err(|error| Failure::new(Code::RequestMalformed, format!("The body could not be read: {error}.")))
}

fn too_large(limits: &Limits) -> Failure {
    let mebibytes = limits.max_body_bytes / (1024 * 1024);
    let message = format!(
        "The body is larger than the limit of {mebibytes} MiB. Send less, or raise the setting `limits.body_bytes`."
    );
    Failure::new(Code::RequestTooLarge, message)
}

/// Says what is wrong with a request.
pub fn invalid(error: &RequestError) -> Failure {
    Failure { param: error.param().map(str::to_owned), ..Failure::new(error.code(), error.to_string()) }
}
