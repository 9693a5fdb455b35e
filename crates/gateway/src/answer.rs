//! Answer: what a provider replied, read up to the point where the client can be told.
//!
//! Everything here happens before the first byte of output reaches the client, so a failure can
//! still move on to another deployment. What flows afterwards is `relay`'s.

use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderMap, HeaderValue};
use http::{Response, StatusCode};
use megarouter_dialect::openai_chat::error::{self, UpstreamErrorBody};
use megarouter_dialect::openai_chat::response::{self, Answer, ResponseError};
use megarouter_dialect::openai_chat::stream::{Expectations, ScanError, StreamScanner};
use megarouter_dialect::operations::embeddings;
use megarouter_domain::code::Code;
use megarouter_domain::price::Cost;
use megarouter_domain::provider::Target;
use megarouter_domain::record::Outcome;
use megarouter_domain::usage::UsageSource;
use megarouter_providers::catalog;
use megarouter_providers::client::{UpstreamBody, UpstreamResponse};
use megarouter_providers::errors::{self, CallError, NextStep};
use megarouter_routing::plan;
use tokio::time::timeout;

use crate::body::Body;
use crate::decode::Call;
use crate::draft::Draft;
use crate::pipeline::Gateway;
use crate::relay::{self, Relay};
use crate::render::{Failure, Verbatim};
use crate::settle::{Attempt, Consumption};

/// The most that is read of a provider's error answer.
const MAX_ERROR_BODY: usize = 64 * 1024;
/// The longest wait that a client is advised to, whatever the provider says.
const LONGEST_ADVICE: Duration = Duration::from_secs(3_600);
/// The most that a stream may hold before its first output: comments and empty chunks.
const MAX_OPENING: usize = 1024 * 1024;
/// How long a provider's error answer may take.
const ERROR_BODY_WITHIN: Duration = Duration::from_secs(10);

/// How one attempt went.
pub enum Tried {
    /// The client gets this.
    Answered(Response<Body>),
    /// Another attempt may do better.
    Failed(Draft, Failure, plan::Failure),
    /// The client gets this; another attempt would get the same.
    Final(Draft, Failure),
}

/// Reads a provider's reply.
pub async fn read(
    gateway: &Gateway,
    call: &Call,
    target: &Arc<Target>,
    mut attempt: Attempt,
    answer: UpstreamResponse,
) -> Tried {
    attempt.answered(answer.status.as_u16(), answer.request_id.as_deref());
    if !answer.status.is_success() {
        return refused(target, attempt, answer).await;
    }
    match call {
        Call::Chat(request) if request.is_streaming() => {
            let sends_done = catalog::kind(&target.provider.kind).is_none_or(|kind| kind.sends_done);
            let (wants_usage, choices) = (request.wants_usage(), request.choices());
            let scanner = StreamScanner::new(Expectations { wants_usage, sends_done, choices });
            stream(gateway, target, attempt, answer, scanner).await
        }
        Call::Chat(_) => whole(gateway, target, attempt, answer, response::inspect).await,
        Call::Embeddings(_) => whole(gateway, target, attempt, answer, embeddings::inspect).await,
    }
}

/// The provider answered with an error status: nothing was generated.
async fn refused(target: &Arc<Target>, attempt: Attempt, answer: UpstreamResponse) -> Tried {
    let UpstreamResponse { status, retry_after, body, .. } = answer;
    let body = errors::scrub(&read_error(body).await, target);
    let said = error::parse(&body);
    let text = said.as_ref().map_or_else(|| format!("HTTP {status}"), |said| said.message.clone());
    let judgement = errors::judge(status.as_u16(), retry_after, said.as_ref());
    let mut failure = Failure::new(judgement.code, refusal(&target.provider.name, judgement.code, &text));
    if passes_verbatim(judgement.next_step, status, said.as_ref()) {
        failure.verbatim = Some(Box::new(Verbatim { status, body }));
    }
    failure.retry_after = retry_after.map(|wait| wait.min(LONGEST_ADVICE));
    match judgement.next_step {
        NextStep::GiveBack => Tried::Final(attempt.fail(judgement.code, &text, Consumption::Nothing), failure),
        NextStep::NextDeployment => failed(attempt, failure, &text, Consumption::Nothing, plan::Failure::Lasting),
        NextStep::RetrySame { .. } => failed(attempt, failure, &text, Consumption::Nothing, retry(retry_after)),
    }
}

/// Clients act on the wording of errors that are about their request, so those pass as they are.
fn passes_verbatim(next: NextStep, status: StatusCode, said: Option<&UpstreamErrorBody>) -> bool {
    let Some(said) = said else { return false };
    next == NextStep::GiveBack || status == StatusCode::TOO_MANY_REQUESTS || said.is_model_unknown()
}

fn refusal(name: &str, code: Code, text: &str) -> String {
    if code == Code::UpstreamCredential {
        return format!("The provider `{name}` refused MegaRouter's credential. Test it under Providers.");
    }
    told(name, text)
}

/// Reads an answer that is not streamed, to its end, before the client gets any of it.
async fn whole(
    gateway: &Gateway,
    target: &Arc<Target>,
    mut attempt: Attempt,
    answer: UpstreamResponse,
    inspect: fn(&[u8]) -> Result<Answer, ResponseError>,
) -> Tried {
    let name = &target.provider.name;
    let headers = answer.headers;
    let body = match timeout(gateway.limits.whole_answer, answer.body.read_all(gateway.limits.max_answer_bytes)).await {
        Ok(Ok(body)) => body,
        Ok(Err(error)) => return broke(attempt, name, &error),
        Err(_) => return timed_out(attempt, name, gateway.limits.whole_answer),
    };
    attempt.first_output();
    let facts = match inspect(&body) {
        Ok(facts) => facts,
        Err(ResponseError::Malformed) => {
            return unreadable(attempt, name, Code::UpstreamMalformed, &ResponseError::Malformed.to_string());
        }
        Err(ResponseError::Upstream(said)) => {
            return unreadable(attempt, name, Code::UpstreamError, &errors::scrub_said(said, target).message);
        }
    };
    let (usage, source) = match facts.usage {
        Some(usage) => (usage, UsageSource::Reported),
        None => (relay::counted(attempt.counted_input(), facts.counted_output()), UsageSource::Estimated),
    };
    attempt.meter(usage, source);
    if let Err(error) = attempt.until_durable().await {
        let failure = Failure::new(error.code(), error.to_string());
        return Tried::Final(
            attempt.fail(error.code(), &error.to_string(), Consumption::Metered(usage, source)),
            failure,
        );
    }
    attempt.output_begins(StatusCode::OK.as_u16());
    let attempts = attempt.number();
    let cost = attempt.finish(Consumption::Metered(usage, source), Outcome::Completed, StatusCode::OK.as_u16(), None);
    let mut response = Response::new(Body::full(body));
    describe(response.headers_mut(), headers, "application/json", name, attempts);
    if let Cost::Exact(amount) | Cost::Estimated(amount) = cost {
        // `$0.0031` without its sign.
        let text = amount.to_string();
        if let Ok(value) = HeaderValue::from_str(text.trim_start_matches('$')) {
            response.headers_mut().insert("x-megarouter-cost-usd", value);
        }
    }
    Tried::Answered(response)
}

/// Reads a stream up to its first useful output, and only then begins the client's.
async fn stream(
    gateway: &Gateway,
    target: &Arc<Target>,
    mut attempt: Attempt,
    answer: UpstreamResponse,
    mut scanner: StreamScanner,
) -> Tried {
    let name = &target.provider.name;
    if is_document(&answer) {
        let detail = "it answered with a document where a stream was asked for";
        return unreadable(attempt, name, Code::UpstreamMalformed, detail);
    }
    let UpstreamResponse { headers, mut body, .. } = answer;
    let mut opening = BytesMut::new();
    let reading = timeout(gateway.limits.first_output, async {
        while let Some(piece) = body.next().await.map_err(Opening::Broken)? {
            let scanned = scanner.push(piece);
            opening.extend_from_slice(&scanned.forward);
            if opening.len() > MAX_OPENING {
                return Err(Opening::Scan(ScanError::TooLarge));
            }
            if let Some(failure) = scanned.failure {
                return Err(Opening::Scan(failure));
            }
            if scanner.facts().has_output || scanner.facts().is_done {
                return Ok(true);
            }
        }
        Ok(false)
    });
    let is_open = match reading.await {
        Ok(Ok(is_open)) => is_open,
        Ok(Err(Opening::Scan(error))) => {
            let (code, detail) = scan_failure(error, target);
            return unreadable(attempt, name, code, &detail);
        }
        Ok(Err(Opening::Broken(error))) => return broke(attempt, name, &error),
        Err(_) => return timed_out(attempt, name, gateway.limits.first_output),
    };
    if !is_open {
        let detail = "the stream ended before any output";
        let failure = Failure::new(Code::UpstreamTruncated, told(name, detail));
        return failed(attempt, failure, detail, Consumption::Uncertain, retry(None));
    }
    attempt.first_output();
    if let Err(error) = attempt.until_durable().await {
        let failure = Failure::new(error.code(), error.to_string());
        return Tried::Final(attempt.fail(error.code(), &error.to_string(), Consumption::Uncertain), failure);
    }
    attempt.output_begins(StatusCode::OK.as_u16());
    let attempts = attempt.number();
    let relay =
        Relay::new(Arc::clone(target), attempt, scanner, opening.freeze(), body, &gateway.clock, &gateway.limits);
    let mut response = Response::new(Body::relay(relay));
    describe(response.headers_mut(), headers, "text/event-stream; charset=utf-8", name, attempts);
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    Tried::Answered(response)
}

/// Some servers forget the type of their streams; what says that it is something else is believed.
fn is_document(answer: &UpstreamResponse) -> bool {
    let kind = answer.headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    kind.starts_with("application/json") || kind.starts_with("text/html")
}

/// Why a stream did not get as far as its first output.
enum Opening {
    Broken(CallError),
    Scan(ScanError),
}

fn scan_failure(error: ScanError, target: &Target) -> (Code, String) {
    match error {
        ScanError::Upstream(said) => (Code::UpstreamError, errors::scrub_said(said, target).message),
        ScanError::TooLarge | ScanError::Malformed => (Code::UpstreamMalformed, error.to_string()),
    }
}

/// The provider did not answer at all.
pub fn unreached(target: &Arc<Target>, attempt: Attempt, error: &CallError) -> Tried {
    let name = &target.provider.name;
    let consumption = if error.may_have_run() { Consumption::Uncertain } else { Consumption::Nothing };
    let code = error.code();
    let failure = Failure::new(code, format!("The provider `{name}` could not be reached: {error}."));
    failed(attempt, failure, &error.to_string(), consumption, retry(None))
}

fn failed(attempt: Attempt, failure: Failure, detail: &str, consumption: Consumption, next: plan::Failure) -> Tried {
    Tried::Failed(attempt.fail(failure.code, detail, consumption), failure, next)
}

fn broke(attempt: Attempt, name: &str, error: &CallError) -> Tried {
    let failure = Failure::new(error.code(), told(name, &error.to_string()));
    failed(attempt, failure, &error.to_string(), Consumption::Uncertain, retry(None))
}

fn timed_out(attempt: Attempt, name: &str, limit: Duration) -> Tried {
    let detail = format!("no answer within {} s", limit.as_secs());
    let failure = Failure::new(Code::UpstreamTimeout, told(name, &detail));
    // It took its time once; another round would take as long again.
    failed(attempt, failure, &detail, Consumption::Uncertain, plan::Failure::Lasting)
}

/// A good status with something under it that is no answer.
fn unreadable(attempt: Attempt, name: &str, code: Code, detail: &str) -> Tried {
    let failure = Failure::new(code, told(name, detail));
    failed(attempt, failure, detail, Consumption::Uncertain, retry(None))
}

fn retry(retry_after: Option<Duration>) -> plan::Failure {
    plan::Failure::Passing { retry_after }
}

/// What a provider said, for a person.
fn told(name: &str, text: &str) -> String {
    format!("The provider `{name}` failed: {}.", text.trim_end_matches('.'))
}

/// An error answer is read as far as it comes; half of one still says something.
async fn read_error(mut body: UpstreamBody) -> Bytes {
    let mut read = BytesMut::new();
    let reading = timeout(ERROR_BODY_WITHIN, async {
        while let Ok(Some(piece)) = body.next().await {
            let room = MAX_ERROR_BODY.saturating_sub(read.len());
            read.extend_from_slice(&piece[..piece.len().min(room)]);
            if room < piece.len() {
                break;
            }
        }
    });
    // Too slow is the same as cut short.
    let _ = reading.await;
    read.freeze()
}

/// Puts the provider's own headers that may pass, and ours, on an answer.
fn describe(headers: &mut HeaderMap, upstream: HeaderMap, content_type: &'static str, provider: &str, attempts: usize) {
    *headers = upstream;
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    if let Ok(name) = HeaderValue::from_str(provider) {
        headers.insert("x-megarouter-provider", name);
    }
    headers.insert("x-megarouter-attempts", HeaderValue::from(attempts));
}
