//! Answer: what a provider replied, read up to the point where the client can be told.
//!
//! Everything here happens before the first byte of output reaches the client, so a failure can
//! still move on to another deployment. What flows afterwards is `relay`'s.

use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderMap, HeaderValue};
use http::{Response, StatusCode};
use megarouter_dialect::answer::{AnswerError, AnswerFacts};
use megarouter_dialect::dialects;
use megarouter_dialect::errors::UpstreamErrorBody;
use megarouter_dialect::flaws::Flaw;
use megarouter_dialect::losses::Losses;
use megarouter_dialect::operations::completions;
use megarouter_dialect::request::{CountRequest, Echo};
use megarouter_dialect::stream::{Scan, ScanError, StreamEnd, Translation};
use megarouter_domain::code::Code;
use megarouter_domain::dialect::Dialect;
use megarouter_domain::price::Cost;
use megarouter_domain::provider::Target;
use megarouter_domain::record::Outcome;
use megarouter_domain::usage::UsageSource;
use megarouter_providers::client::{UpstreamBody, UpstreamResponse};
use megarouter_providers::errors::{self, CallError, NextStep};
use megarouter_routing::plan;
use tokio::time::timeout;

use crate::attempt::{Planned, ROUTE};
use crate::body::Body;
use crate::cascade::{self, Check};
use crate::decode::{Call, Content};
use crate::draft::Draft;
use crate::outbound::{Outbound, WayBack};
use crate::pipeline::{Gateway, Limits};
use crate::relay::{self, Relay};
use crate::render::{Failure, Verbatim};
use crate::route;
use crate::settle::{Attempt, Consumption};
use crate::watch;

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
    planned: &Planned,
    index: usize,
    outbound: &Outbound,
    target: &Arc<Target>,
    mut attempt: Attempt,
    answer: UpstreamResponse,
) -> Tried {
    let call = &*planned.call;
    attempt.answered(answer.status.as_u16(), answer.request_id.as_deref());
    if !answer.status.is_success() {
        return refused(call.dialect, outbound.dialect, target, attempt, answer).await;
    }
    let losses = &outbound.losses;
    let is_array = matches!(&call.content, Content::Answer(asking) if !asking.is_sse);
    let stream_type = if is_array { "application/json" } else { "text/event-stream; charset=utf-8" };
    let provider = target.provider.name.as_str();
    let model = planned.plan.choices()[index].model.name.as_str();
    let route = attempt.decision().map(|decision| route::line(decision, Some((model, provider)), attempt.number()));
    let ours = Ours {
        dialect: call.dialect,
        provider,
        losses,
        stream_type,
        route: route.map(|line| (line, model)),
        limits: &planned.limits,
        check: planned.check(index),
    };
    let look = planned.look(gateway, &attempt);
    let tried = if call.is_streaming() {
        let way = relay::Way {
            target: Arc::clone(target),
            dialect: Some(call.dialect),
            scanner: scanner(gateway, call, outbound, &attempt),
            guard: gateway.guard(&attempt, &planned.snapshot),
        };
        stream(gateway, &ours, way, attempt, answer).await
    } else {
        whole(gateway, call, outbound, &ours, target, attempt, answer).await
    };
    match (tried, look) {
        (Tried::Answered(response), Some(look)) => Tried::Answered(response.map(|body| body.looked_at(look))),
        (tried, _) => tried,
    }
}

/// What an answer says of the way it came, beside the provider's own words.
struct Ours<'a> {
    /// The client's.
    dialect: Dialect,
    /// Who served it.
    provider: &'a str,
    /// What the provider did not get.
    losses: &'a Losses,
    /// What a stream is.
    stream_type: &'static str,
    /// How it was decided, and the public model; `None` where nothing was.
    route: Option<(String, &'a str)>,
    /// What it may take.
    limits: &'a Limits,
    /// What it has to pass before the client gets it.
    check: Option<Check<'a>>,
}

/// What watches or translates the stream on its way.
fn scanner(gateway: &Gateway, call: &Call, outbound: &Outbound, attempt: &Attempt) -> Box<dyn Scan> {
    match (&outbound.way_back, &call.content) {
        (WayBack::Translated(echo), _) => {
            let echo = dated(echo, gateway, call, attempt);
            let decoder = dialects::decoder(outbound.dialect);
            Box::new(Translation::new(decoder, dialects::encoder(call.dialect, echo)))
        }
        (WayBack::Completion(echo), _) => {
            let echo = dated(echo, gateway, call, attempt);
            Box::new(Translation::new(dialects::decoder(outbound.dialect), Box::new(completions::Encoder::new(echo))))
        }
        (WayBack::Same(expectations), _) => dialects::scanner(call.dialect, *expectations),
        (WayBack::Operation { sends_done }, Content::Operation(request)) => {
            request.scanner(*sends_done).expect("an operation that streams has a scanner")
        }
        (WayBack::Operation { .. } | WayBack::Embeddings(_) | WayBack::Count, _) => {
            unreachable!("only answers and operations are streamed, and answers go one of the ways above")
        }
    }
}

/// What a translated answer repeats, with what the provider may leave out.
fn dated(echo: &Echo, gateway: &Gateway, call: &Call, attempt: &Attempt) -> Echo {
    let id = attempt.request_id().to_string().replace('-', "");
    Echo { id, model: call.model().to_owned(), created: gateway.clock.now().as_seconds(), ..echo.clone() }
}

/// The provider answered with an error status: nothing was generated.
async fn refused(
    client: Dialect,
    provider: Dialect,
    target: &Arc<Target>,
    mut attempt: Attempt,
    answer: UpstreamResponse,
) -> Tried {
    let UpstreamResponse { status, retry_after, body, .. } = answer;
    let body = errors::scrub(&read_error(body).await, target);
    let said = dialects::parse_error(provider, &body);
    let retry_after = retry_after.or_else(|| errors::retry_hint(&body));
    let text = said.as_ref().map_or_else(|| format!("HTTP {status}"), |said| said.message.clone());
    let judgement = errors::judge(status.as_u16(), retry_after, said.as_ref());
    attempt.judged(watch::fault_of(judgement.cause, status.as_u16(), retry_after));
    let mut failure = Failure::new(judgement.code, refusal(&target.provider.name, judgement.code, &text));
    if passes_verbatim(judgement.next_step, status, said.as_ref()) {
        if is_one_family(client, provider) {
            failure.verbatim = Some(Box::new(Verbatim { status, body }));
        } else {
            // The client reads the wording, and its dialect's form of the status.
            failure.message.clone_from(&text);
            failure.status = Some(status);
            if status == StatusCode::NOT_FOUND {
                failure.code = Code::ModelNotFound;
            }
        }
    } else if said.as_ref().is_some_and(UpstreamErrorBody::is_overloaded) || matches!(status.as_u16(), 503 | 529) {
        failure.status = Some(overloaded(client));
    }
    failure.param = said.and_then(|said| said.param).filter(|_| judgement.next_step == NextStep::GiveBack);
    failure.retry_after = retry_after.map(|wait| wait.min(LONGEST_ADVICE));
    match judgement.next_step {
        NextStep::GiveBack => Tried::Final(attempt.fail(judgement.code, &text, Consumption::Nothing), failure),
        NextStep::NextDeployment => failed(attempt, failure, &text, Consumption::Nothing, plan::Failure::Lasting),
        NextStep::RetrySame { .. } => failed(attempt, failure, &text, Consumption::Nothing, retry(retry_after)),
    }
}

/// OpenAI's two dialects have one form of errors.
fn is_one_family(one: Dialect, other: Dialect) -> bool {
    let family = |dialect| if dialect == Dialect::OpenAiResponses { Dialect::OpenAiChat } else { dialect };
    family(one) == family(other)
}

/// The status for "come back later" that a client of a dialect knows.
const fn overloaded(client: Dialect) -> StatusCode {
    match client {
        Dialect::Anthropic => match StatusCode::from_u16(529) {
            Ok(status) => status,
            Err(_) => StatusCode::SERVICE_UNAVAILABLE,
        },
        _ => StatusCode::SERVICE_UNAVAILABLE,
    }
}

/// Our code for an error that a provider reported within a stream.
pub fn code_of(said: &UpstreamErrorBody) -> Code {
    match () {
        () if said.is_context_length() => Code::RequestContextLength,
        () if said.is_quota_exhausted() || said.kind.as_deref().is_some_and(is_rate_limit) => Code::UpstreamRateLimited,
        () => Code::UpstreamError,
    }
}

fn is_rate_limit(kind: &str) -> bool {
    matches!(kind, "rate_limit_error" | "rate_limit_exceeded" | "RESOURCE_EXHAUSTED" | "throttlingException")
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
    call: &Call,
    outbound: &Outbound,
    ours: &Ours<'_>,
    target: &Arc<Target>,
    mut attempt: Attempt,
    answer: UpstreamResponse,
) -> Tried {
    let (limits, name) = (ours.limits, ours.provider);
    let headers = answer.headers;
    let body = match timeout(limits.whole_answer, answer.body.read_all(limits.max_answer_bytes)).await {
        Ok(Ok(body)) => body,
        Ok(Err(error)) => return broke(attempt, name, &error),
        Err(_) => return timed_out(attempt, name, limits.whole_answer),
    };
    attempt.first_output();
    let (facts, body) = match read_whole(gateway, call, outbound, &attempt, body) {
        Ok(read) => read,
        Err(AnswerError::Malformed) => {
            return unreadable(attempt, name, Code::UpstreamMalformed, &AnswerError::Malformed.to_string());
        }
        Err(AnswerError::Upstream(said)) => {
            let (code, said) = (code_of(&said), errors::scrub_said(said, target));
            return unreadable(attempt, name, code, &said.message);
        }
    };
    let consumption = match (&outbound.way_back, facts.usage) {
        (WayBack::Count, _) => Consumption::Nothing,
        (_, Some(usage)) => Consumption::Metered(usage, UsageSource::Reported),
        (_, None) => {
            let output = facts.counted_output().min(attempt.certain_output().unwrap_or(u64::MAX));
            let usage = relay::counted(attempt.counted_input(), output);
            Consumption::Metered(usage, UsageSource::Estimated)
        }
    };
    if let Consumption::Metered(usage, source) = consumption {
        attempt.meter(usage, source);
    }
    if let Some(flaw) = ours.check.and_then(|check| check.flaw(&body, false)) {
        return passed_over(attempt, name, flaw, consumption);
    }
    if let Err(error) = attempt.until_durable().await {
        let failure = Failure::new(error.code(), error.to_string());
        return Tried::Final(attempt.fail(error.code(), &error.to_string(), consumption), failure);
    }
    attempt.output_begins(StatusCode::OK.as_u16());
    let attempts = attempt.number();
    let cost = attempt.finish(consumption, Outcome::Completed, StatusCode::OK.as_u16(), None);
    let mut response = Response::new(Body::full(body));
    // Sound and pictures keep the type that the provider gave them.
    let is_json = !matches!(outbound.way_back, WayBack::Operation { .. }) || !headers.contains_key(CONTENT_TYPE);
    describe(response.headers_mut(), headers, is_json.then_some("application/json"), ours, attempts);
    if let Cost::Exact(amount) | Cost::Estimated(amount) = cost {
        // `$0.0031` without its sign.
        let text = amount.to_string();
        if let Ok(value) = HeaderValue::from_str(text.trim_start_matches('$')) {
            response.headers_mut().insert("x-megarouter-cost-usd", value);
        }
    }
    Tried::Answered(response)
}

/// What a whole answer says of itself, and what the client gets of it.
fn read_whole(
    gateway: &Gateway,
    call: &Call,
    outbound: &Outbound,
    attempt: &Attempt,
    body: Bytes,
) -> Result<(AnswerFacts, Bytes), AnswerError> {
    match (&outbound.way_back, &call.content) {
        (WayBack::Translated(echo) | WayBack::Completion(echo), _) => {
            let answer = dialects::read_answer(outbound.dialect, &body)?;
            let facts = AnswerFacts {
                usage: answer.usage,
                model: answer.model.clone(),
                id: answer.id.clone(),
                // Only looked at when the provider gave no figures.
                output_bytes: body.len() as u64,
            };
            let echo = dated(echo, gateway, call, attempt);
            let written = match outbound.way_back {
                WayBack::Completion(_) => completions::write(&answer, &echo),
                _ => dialects::write_answer(call.dialect, answer, &echo),
            };
            Ok((facts, written))
        }
        (WayBack::Embeddings(way), Content::Embeddings(request)) => request.read(way, body),
        (_, Content::Operation(request)) => {
            let facts = request.inspect(&body)?;
            Ok((facts, body))
        }
        (WayBack::Count, _) => Ok((AnswerFacts::default(), body)),
        (_, Content::Embeddings(_)) => unreachable!("embeddings come back their own way"),
        (_, Content::Answer(_) | Content::Count(_)) => Ok((dialects::inspect_answer(call.dialect, &body)?, body)),
    }
}

/// Answers a count from our own estimate, where the provider does not count.
pub fn counted_here(draft: Draft, dialect: Dialect, request: &dyn CountRequest) -> Tried {
    let body = dialects::counted(dialect, request.counted_input());
    draft.finish(Outcome::Completed, StatusCode::OK.as_u16(), None);
    let mut response = Response::new(Body::full(body));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response.headers_mut().insert("x-megarouter-estimated", HeaderValue::from_static("true"));
    Tried::Answered(response)
}

/// Reads a stream up to its first useful output, and only then begins the client's.
async fn stream(
    gateway: &Gateway,
    ours: &Ours<'_>,
    mut way: relay::Way,
    mut attempt: Attempt,
    answer: UpstreamResponse,
) -> Tried {
    let name = ours.provider;
    if is_document(&answer) {
        let detail = "it answered with a document where a stream was asked for";
        return unreadable(attempt, name, Code::UpstreamMalformed, detail);
    }
    let UpstreamResponse { headers, mut body, .. } = answer;
    // What is checked is read to its end first.
    let (within, most) = match ours.check {
        Some(_) => (ours.limits.whole_answer, Some(cascade::MOST_HELD_BACK)),
        None => (ours.limits.first_output, None),
    };
    let opening = match timeout(within, open(&mut body, &mut *way.scanner, most)).await {
        Ok(Ok(opening)) => opening,
        Ok(Err(Opening::Scan(error))) => return opening_failed(ours, &way.target, attempt, error),
        Ok(Err(Opening::Broken(error))) => return broke(attempt, name, &error),
        Ok(Err(Opening::Ended)) => {
            let detail = "the stream ended before any output";
            let failure = Failure::new(Code::UpstreamTruncated, told(name, detail));
            return failed(attempt, failure, detail, Consumption::Uncertain, retry(None));
        }
        Err(_) => return timed_out(attempt, name, within),
    };
    attempt.first_output();
    if let Some(check) = ours.check.filter(|_| way.scanner.facts().is_done)
        && let Some(flaw) = check.flaw(&opening, true)
    {
        let (usage, source) = relay::metered(way.scanner.facts(), attempt.counted_input(), attempt.certain_output());
        return passed_over(attempt, name, flaw, Consumption::Metered(usage, source));
    }
    if let Err(error) = attempt.until_durable().await {
        let failure = Failure::new(error.code(), error.to_string());
        return Tried::Final(attempt.fail(error.code(), &error.to_string(), Consumption::Uncertain), failure);
    }
    attempt.output_begins(StatusCode::OK.as_u16());
    let attempts = attempt.number();
    let (clock, limits) = (&gateway.clock, ours.limits);
    let content_type = ours.stream_type;
    let relay = Relay::new(way, attempt, opening, body, clock, limits);
    let mut response = Response::new(Body::relay(relay));
    describe(response.headers_mut(), headers, Some(content_type), ours, attempts);
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    Tried::Answered(response)
}

/// Reads up to the first useful output, or to an answer that has none and is complete all the same. With
/// `held_back`, reads to the end, or until there is more than that.
async fn open(body: &mut UpstreamBody, scanner: &mut dyn Scan, held_back: Option<usize>) -> Result<Bytes, Opening> {
    let mut opening = BytesMut::new();
    while let Some(piece) = body.next().await.map_err(Opening::Broken)? {
        let scanned = scanner.push(piece);
        opening.extend_from_slice(&scanned.forward);
        if let Some(failure) = scanned.failure {
            return Err(Opening::Scan(failure));
        }
        let facts = scanner.facts();
        let is_enough = held_back.is_none_or(|most| opening.len() > most);
        if facts.is_done || (facts.has_output && is_enough) {
            return Ok(opening.freeze());
        }
        if opening.len() > MAX_OPENING && !facts.has_output {
            return Err(Opening::Scan(ScanError::TooLarge));
        }
    }
    // An answer may be complete without a word: what it says is that nothing may be said.
    let finished = scanner.finish();
    opening.extend_from_slice(&finished.forward);
    match finished.end {
        StreamEnd::Done if scanner.facts().is_done => Ok(opening.freeze()),
        StreamEnd::Failed(failure) => Err(Opening::Scan(failure)),
        StreamEnd::Done | StreamEnd::Truncated => Err(Opening::Ended),
    }
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
    Ended,
}

/// An error under a good status, before any output: what is wrong with the request is the client's to
/// know; anything else may go better elsewhere.
fn opening_failed(ours: &Ours<'_>, target: &Target, attempt: Attempt, error: ScanError) -> Tried {
    let said = match error {
        ScanError::Upstream(said) => errors::scrub_said(said, target),
        ScanError::TooLarge | ScanError::Malformed => {
            return unreadable(attempt, ours.provider, Code::UpstreamMalformed, &error.to_string());
        }
    };
    let code = code_of(&said);
    if code == Code::RequestContextLength {
        let failure = Failure::new(code, said.message.clone());
        return Tried::Final(attempt.fail(code, &said.message, Consumption::Nothing), failure);
    }
    let status = said.is_overloaded().then(|| overloaded(ours.dialect));
    let failure = Failure { status, ..Failure::new(code, told(ours.provider, &said.message)) };
    failed(attempt, failure, &said.message, Consumption::Uncertain, retry(None))
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

/// The connection broke in the middle of an answer.
pub fn broke(attempt: Attempt, name: &str, error: &CallError) -> Tried {
    let failure = Failure::new(error.code(), told(name, &error.to_string()));
    failed(attempt, failure, &error.to_string(), Consumption::Uncertain, retry(None))
}

/// The answer did not come in time.
pub fn timed_out(attempt: Attempt, name: &str, limit: Duration) -> Tried {
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

/// The answer did not pass a check, and a better model is asked.
fn passed_over(attempt: Attempt, name: &str, flaw: Flaw, consumption: Consumption) -> Tried {
    let detail = format!("the answer {}; a better model was asked", flaw.in_words());
    let message = format!("The answer of `{name}` {}, and no better model could be asked.", flaw.in_words());
    let failure = Failure::new(Code::UpstreamMalformed, message);
    Tried::Failed(attempt.passed_over(&detail, consumption), failure, plan::Failure::Lasting)
}

/// Puts the provider's own headers that may pass, and ours, on an answer.
fn describe(
    headers: &mut HeaderMap,
    upstream: HeaderMap,
    content_type: Option<&'static str>,
    ours: &Ours<'_>,
    attempts: usize,
) {
    *headers = upstream;
    if let Some(content_type) = content_type {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    }
    if let Ok(name) = HeaderValue::from_str(ours.provider) {
        headers.insert("x-megarouter-provider", name);
    }
    headers.insert("x-megarouter-attempts", HeaderValue::from(attempts));
    if let Some((line, model)) = &ours.route {
        for (name, text) in [(ROUTE, line.as_str()), ("x-megarouter-model", model)] {
            if let Ok(value) = HeaderValue::from_str(text) {
                headers.insert(name, value);
            }
        }
    }
    if ours.losses.is_empty() {
        return;
    }
    if let Ok(losses) = HeaderValue::from_str(&ours.losses.to_string()) {
        headers.insert("x-megarouter-losses", losses);
    }
}
