//! Outbound: a call in the form that one deployment takes it, translated when that is another dialect
//! than the client's.

use std::sync::Arc;

use bytes::Bytes;
use http::HeaderValue;
use megarouter_dialect::canonical::Conversation;
use megarouter_dialect::dialects;
use megarouter_dialect::losses::{Losses, Why};
use megarouter_dialect::openai_chat::stream::Expectations;
use megarouter_dialect::operations::OperationRequest;
use megarouter_dialect::operations::embeddings_call::{self, EmbeddingsCall, Shape};
use megarouter_dialect::request::{self, CountRequest, Echo, Splice, Thinking};
use megarouter_domain::code::Code;
use megarouter_domain::dialect::Dialect;
use megarouter_domain::model::Deployment;
use megarouter_domain::provider::Target;
use megarouter_domain::record::Operation;
use megarouter_providers::catalog::{self, EmbeddingsShape, Endpoint, Kind, Serves};

use crate::decode::{self, Asking, Call, Content};
use crate::render::Failure;

/// What goes to a provider, and how its answer comes back.
pub struct Outbound {
    /// Where to.
    pub endpoint: &'static Endpoint,
    /// The path, with the model filled in.
    pub path: String,
    /// The body.
    pub body: Bytes,
    /// What the body is.
    pub content_type: HeaderValue,
    /// The dialect of the provider's answer and errors.
    pub dialect: Dialect,
    /// How the answer becomes the client's.
    pub way_back: WayBack,
    /// What the translation could not carry.
    pub losses: Losses,
}

/// How a provider's answer becomes the client's.
pub enum WayBack {
    /// It is in the client's dialect and passes as it is.
    Same(Expectations),
    /// It is translated.
    Translated(Box<Echo>),
    /// It is translated into one of OpenAI's older completions.
    Completion(Box<Echo>),
    /// It is no conversation and passes as it is, or as its request says.
    Operation {
        /// Whether the provider ends its streams with `[DONE]`.
        sends_done: bool,
    },
    /// It is a list of embeddings.
    Embeddings(embeddings_call::WayBack),
    /// It says how many tokens a conversation has.
    Count,
}

/// Where a deployment takes a call, if it does.
///
/// # Errors
/// When the provider has nothing for this operation.
pub fn endpoint(call: &Call, deployment: &Deployment, target: &Target) -> Result<&'static Endpoint, Failure> {
    let kind = catalog::kind(&target.provider.kind);
    let found = kind.and_then(|kind| find(call, kind, deployment, target));
    found.ok_or_else(|| {
        let message = format!(
            "The provider `{}` does not offer {} for the model `{}`.",
            target.provider.name,
            in_words(call.operation),
            deployment.upstream_model
        );
        Failure { status: None, ..Failure::new(Code::ModelUnavailable, message) }
    })
}

fn find(call: &Call, kind: &'static Kind, deployment: &Deployment, target: &Target) -> Option<&'static Endpoint> {
    let model = deployment.upstream_model.as_str();
    let endpoint = |serves| kind.endpoint(serves, model);
    match call.operation {
        Operation::ChatCompletions | Operation::Responses | Operation::Messages | Operation::GenerateContent => {
            let is_own = |dialect: &Dialect| *dialect == call.dialect;
            let dialect = kind.dialects(model, &target.provider.dialects).find(is_own);
            let dialect = dialect.or_else(|| kind.dialects(model, &target.provider.dialects).next())?;
            endpoint(Serves::Conversation(dialect))
        }
        Operation::CountTokens => endpoint(Serves::CountTokens(call.dialect)),
        Operation::Completions => endpoint(Serves::Completions).or_else(|| {
            let dialect = kind.dialects(model, &target.provider.dialects).next()?;
            endpoint(Serves::Conversation(dialect))
        }),
        Operation::Embeddings => {
            let [own, other] = match call.dialect {
                Dialect::Gemini => [EmbeddingsShape::Gemini, EmbeddingsShape::OpenAi],
                _ => [EmbeddingsShape::OpenAi, EmbeddingsShape::Gemini],
            };
            endpoint(Serves::Embeddings(own)).or_else(|| endpoint(Serves::Embeddings(other)))
        }
        Operation::Images => endpoint(Serves::Images),
        Operation::Speech => endpoint(Serves::Speech),
        Operation::Transcriptions => endpoint(Serves::Transcriptions),
        Operation::Moderations => endpoint(Serves::Moderations),
        Operation::Rerank => endpoint(Serves::Rerank),
        Operation::PassThrough => None,
    }
}

/// The call as a deployment takes it. `bound` is the most output of one choice that a budget pays,
/// where the client set no bound.
///
/// # Errors
/// When it cannot be translated, or a strict client would lose something.
pub fn prepare(
    call: &Call,
    is_strict: bool,
    endpoint: &'static Endpoint,
    deployment: &Deployment,
    target: &Arc<Target>,
    bound: Option<u64>,
) -> Result<Outbound, Failure> {
    let outbound = match &call.content {
        Content::Answer(asking) => conversation(call, asking, endpoint, deployment, target, bound)?,
        Content::Count(request) => count(call, &**request, endpoint, deployment),
        Content::Embeddings(request) => embeddings(request, endpoint, deployment)?,
        Content::Operation(request) if endpoint.conversation().is_some() => {
            as_conversation(&**request, endpoint, deployment, target)?
        }
        Content::Operation(request) => {
            let body = request.splice(&deployment.upstream_model);
            let content_type = HeaderValue::from_str(request.content_type());
            let content_type = content_type.unwrap_or(HeaderValue::from_static("application/json"));
            let path = endpoint.path_for(&deployment.upstream_model, request.is_streaming());
            let sends_done = catalog::kind(&target.provider.kind).is_none_or(|kind| kind.sends_done);
            let (dialect, way_back) = (Dialect::OpenAiChat, WayBack::Operation { sends_done });
            Outbound { endpoint, path, body, content_type, dialect, way_back, losses: Losses::default() }
        }
    };
    refuse_losses(&outbound.losses, is_strict)?;
    Ok(outbound)
}

fn conversation(
    call: &Call,
    asking: &Asking,
    endpoint: &'static Endpoint,
    deployment: &Deployment,
    target: &Target,
    bound: Option<u64>,
) -> Result<Outbound, Failure> {
    let facts = asking.request.facts();
    let model = deployment.upstream_model.as_str();
    let kind = catalog::kind(&target.provider.kind);
    let dialect = endpoint.conversation().unwrap_or(call.dialect);
    let asks_usage = kind.is_none_or(|kind| kind.supports_stream_usage);
    let mut losses = Losses::default();
    // Gemini's array of answers is written here: providers are asked for events.
    let (body, way_back) = if dialect == call.dialect && asking.is_sse {
        let splice = Splice {
            upstream_model: model,
            model_is_in_body: endpoint.model_is_in_body,
            asks_usage,
            output_bound: bound.map(|tokens| (bound_field(dialect, kind), tokens)),
            added: endpoint.added,
        };
        let sends_done = kind.is_none_or(|kind| kind.sends_done);
        let expectations = Expectations { wants_usage: facts.wants_usage, sends_done, choices: facts.choices };
        (asking.request.splice(&splice), WayBack::Same(expectations))
    } else {
        let conversation = asking.conversation().map_err(decode::invalid)?;
        let target = written_for(endpoint, deployment, kind);
        let bounded = bound.map(|tokens| Conversation { max_output_tokens: Some(tokens), ..conversation.clone() });
        let conversation = bounded.as_ref().unwrap_or(conversation);
        let body = dialects::write_request(dialect, conversation, &target, &mut losses);
        (body, WayBack::Translated(Box::new(asking.request.echo())))
    };
    let path = endpoint.path_for(model, facts.is_streaming);
    let content_type = HeaderValue::from_static("application/json");
    Ok(Outbound { endpoint, path, body, content_type, dialect, way_back, losses })
}

/// The field that bounds the output in a dialect.
fn bound_field(dialect: Dialect, kind: Option<&'static Kind>) -> &'static str {
    match dialect {
        Dialect::OpenAiResponses => "max_output_tokens",
        Dialect::OpenAiChat => kind.map_or("max_tokens", |kind| kind.output_bound_field),
        // Gemini's and Bedrock's are within another object, which their splices know.
        Dialect::Anthropic | Dialect::Gemini | Dialect::BedrockConverse => "max_tokens",
    }
}

/// What a writer has to know of the deployment.
fn written_for<'a>(
    endpoint: &'static Endpoint,
    deployment: &'a Deployment,
    kind: Option<&'static Kind>,
) -> request::Target<'a> {
    request::Target {
        model: &deployment.upstream_model,
        model_is_in_body: endpoint.model_is_in_body,
        max_output_tokens: deployment.max_output_tokens,
        output_bound_field: kind.map_or("max_tokens", |kind| kind.output_bound_field),
        asks_usage: kind.is_none_or(|kind| kind.supports_stream_usage),
        has_developer_role: kind.is_some_and(|kind| kind.has_developer_role),
        has_json_schema: kind.is_none_or(|kind| kind.has_json_schema),
        wants_reasoning: kind.is_some_and(|kind| kind.wants_reasoning),
        thinking: thinking(deployment, kind),
        added: endpoint.added,
    }
}

/// An operation that the provider does not have, as a conversation that it has.
fn as_conversation(
    request: &dyn OperationRequest,
    endpoint: &'static Endpoint,
    deployment: &Deployment,
    target: &Target,
) -> Result<Outbound, Failure> {
    let dialect = endpoint.conversation().unwrap_or(Dialect::OpenAiChat);
    let (conversation, echo) = request
        .as_conversation()
        .expect("only completions are looked for among conversations, and they have this form")
        .map_err(|error| decode::invalid(&error))?;
    let written_for = written_for(endpoint, deployment, catalog::kind(&target.provider.kind));
    let mut losses = Losses::default();
    let body = dialects::write_request(dialect, &conversation, &written_for, &mut losses);
    let path = endpoint.path_for(&deployment.upstream_model, request.is_streaming());
    let content_type = HeaderValue::from_static("application/json");
    Ok(Outbound { endpoint, path, body, content_type, dialect, way_back: WayBack::Completion(Box::new(echo)), losses })
}

fn thinking(deployment: &Deployment, kind: Option<&Kind>) -> Thinking {
    match deployment.can_reason {
        Some(false) => Thinking::None,
        Some(true) | None => match kind.map_or(Thinking::Unknown, |kind| kind.thinking) {
            Thinking::Unknown => catalog::thinking_of(&deployment.upstream_model),
            known => known,
        },
    }
}

fn count(call: &Call, request: &dyn CountRequest, endpoint: &'static Endpoint, deployment: &Deployment) -> Outbound {
    let model = deployment.upstream_model.as_str();
    let splice = Splice {
        upstream_model: model,
        model_is_in_body: endpoint.model_is_in_body,
        asks_usage: false,
        output_bound: None,
        added: endpoint.added,
    };
    Outbound {
        endpoint,
        path: endpoint.path_for(model, false),
        body: request.splice(&splice),
        content_type: HeaderValue::from_static("application/json"),
        dialect: call.dialect,
        way_back: WayBack::Count,
        losses: Losses::default(),
    }
}

fn embeddings(
    request: &EmbeddingsCall,
    endpoint: &'static Endpoint,
    deployment: &Deployment,
) -> Result<Outbound, Failure> {
    let model = deployment.upstream_model.as_str();
    let (shape, dialect) = match endpoint.serves {
        Serves::Embeddings(EmbeddingsShape::Gemini) => (Shape::Gemini, Dialect::Gemini),
        _ => (Shape::OpenAi, Dialect::OpenAiChat),
    };
    let mut losses = Losses::default();
    let (body, way) = request.write(shape, model, &mut losses).map_err(|error| decode::invalid(&error))?;
    let path = endpoint.path_for(model, false);
    let content_type = HeaderValue::from_static("application/json");
    Ok(Outbound { endpoint, path, body, content_type, dialect, way_back: WayBack::Embeddings(way), losses })
}

/// Several answers are never silently one; everything else is refused to strict clients only.
fn refuse_losses(losses: &Losses, is_strict: bool) -> Result<(), Failure> {
    if losses.iter().any(|loss| loss.what == "n" && loss.why == Why::Unsupported) {
        let message = "The model's provider gives one answer at a time. Leave `n` out, or ask several times.";
        return Err(Failure { param: Some("n".to_owned()), ..Failure::new(Code::RequestUnsupported, message) });
    }
    if !is_strict || losses.is_empty() {
        return Ok(());
    }
    let message = format!(
        "The model's provider cannot take everything in this request ({losses}), and the request or its key asks to be \
         refused then. Leave it out, use another model, or allow losses."
    );
    let param = losses.iter().next().map(|loss| loss.what.clone());
    Err(Failure { param, ..Failure::new(Code::RequestUnsupported, message) })
}

/// What an operation is called in a sentence.
const fn in_words(operation: Operation) -> &'static str {
    match operation {
        Operation::ChatCompletions | Operation::Responses | Operation::Messages | Operation::GenerateContent => {
            "conversations"
        }
        Operation::CountTokens => "counting of tokens",
        Operation::Completions => "completions",
        Operation::Embeddings => "embeddings",
        Operation::Images => "images",
        Operation::Speech => "speech",
        Operation::Transcriptions => "transcriptions",
        Operation::Moderations => "moderations",
        Operation::Rerank => "reranking",
        Operation::PassThrough => "this path",
    }
}
