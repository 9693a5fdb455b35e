//! Decode: the body read within its limits and understood as far as routing and metering need it.

use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::HeaderMap;
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE};
use http_body_util::BodyExt as _;
use megarouter_dialect::openai_chat::request::{ChatRequest, RequestError};
use megarouter_dialect::operations::embeddings::EmbeddingsRequest;
use megarouter_domain::access::Principal;
use megarouter_domain::code::Code;
use megarouter_domain::record::Operation;
use megarouter_domain::snapshot::Snapshot;
use tokio::time::timeout;

use crate::draft::Draft;
use crate::pipeline::Limits;
use crate::render::Failure;

/// A request whose sender is known.
pub struct Authenticated<B> {
    /// Who is calling.
    pub principal: Principal,
    /// What for.
    pub operation: Operation,
    /// The request's headers.
    pub headers: HeaderMap,
    /// The body, unread.
    pub body: B,
    /// The configuration that the request started with.
    pub snapshot: Arc<Snapshot>,
}

/// A request that was read and understood.
pub struct Decoded {
    /// The call asked for.
    pub call: Call,
    /// The client's headers.
    pub headers: HeaderMap,
    /// Who is calling.
    pub principal: Principal,
    /// The configuration that the request started with.
    pub snapshot: Arc<Snapshot>,
}

/// A call to a model, in the client's own bytes.
pub enum Call {
    /// OpenAI chat completions.
    Chat(ChatRequest),
    /// OpenAI embeddings.
    Embeddings(EmbeddingsRequest),
}

impl Call {
    /// The model name as the client wrote it.
    pub fn model(&self) -> &str {
        match self {
            Self::Chat(request) => request.model(),
            Self::Embeddings(request) => request.model(),
        }
    }

    /// Whether the client asked for a stream.
    pub fn is_streaming(&self) -> bool {
        match self {
            Self::Chat(request) => request.is_streaming(),
            Self::Embeddings(_) => false,
        }
    }

    /// What is asked for.
    pub const fn operation(&self) -> Operation {
        match self {
            Self::Chat(_) => Operation::ChatCompletions,
            Self::Embeddings(_) => Operation::Embeddings,
        }
    }

    /// Where the provider answers to it, after its base URL.
    pub const fn path(&self) -> &'static str {
        match self {
            Self::Chat(_) => "/chat/completions",
            Self::Embeddings(_) => "/embeddings",
        }
    }
}

/// Reads and understands the body.
///
/// # Errors
/// When it is too large, too slow, or not what the operation takes.
pub async fn decode<B>(from: Authenticated<B>, limits: &Limits, draft: &mut Draft) -> Result<Decoded, Failure>
where
    B: http_body::Body<Data = Bytes>,
    B::Error: std::fmt::Display,
{
    check_headers(&from.headers, limits)?;
    let body = read(from.body, limits).await?;
    let call = match from.operation {
        Operation::ChatCompletions => ChatRequest::parse(body).map(Call::Chat),
        Operation::Embeddings => EmbeddingsRequest::parse(body).map(Call::Embeddings),
    };
    let call = call.map_err(|error| invalid(&error))?;
    draft.asked(call.model(), call.is_streaming());
    Ok(Decoded { call, headers: from.headers, principal: from.principal, snapshot: from.snapshot })
}

fn check_headers(headers: &HeaderMap, limits: &Limits) -> Result<(), Failure> {
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
    if essence.eq_ignore_ascii_case("application/json") {
        return Ok(());
    }
    // Also what keeps a web page from sending one without a preflight.
    Err(Failure::new(Code::RequestInvalid, "The body must be JSON, sent with `Content-Type: application/json`."))
}

async fn read<B>(body: B, limits: &Limits) -> Result<Bytes, Failure>
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

fn invalid(error: &RequestError) -> Failure {
    Failure { param: error.param().map(str::to_owned), ..Failure::new(error.code(), error.to_string()) }
}
