//! Relay: a provider's stream on its way to the client, metered as it passes.
//!
//! The body is polled by the connection's task. When the client leaves, that task drops it: the
//! provider's connection closes with it, and what was metered so far is settled.
//!
//! Under a budget that refuses, what is generated is compared with what is set aside as it comes. When
//! it gets there, more is set aside; where the budget has no more, the answer ends with an error event.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures_util::Stream as _;
use megarouter_dialect::dialects;
use megarouter_dialect::errors::ErrorNote;
use megarouter_dialect::stream::{Scan, ScanError, StreamEnd, StreamFacts};
use megarouter_domain::clock::Clock;
use megarouter_domain::code::Code;
use megarouter_domain::dialect::Dialect;
use megarouter_domain::provider::Target;
use megarouter_domain::record::Outcome;
use megarouter_domain::snapshot::Snapshot;
use megarouter_domain::usage::{Usage, UsageSource};
use megarouter_providers::client::UpstreamBody;
use megarouter_providers::errors;
use tokio::time::{Instant, Sleep, sleep};

use crate::answer;
use crate::pipeline::Limits;
use crate::refusal::{self, At};
use crate::settle::{Attempt, Consumption};

/// How often a long stream's usage is written to the ledger.
const PROGRESS_EVERY: Duration = Duration::from_secs(1);
/// How long to wait, after the end mark, for the provider to end its answer properly, so that its
/// connection can serve another request.
const LINGER: Duration = Duration::from_millis(100);
/// The most bytes of text that one token is taken for where a count must not be too high: ordinary
/// tokens have four.
const LONG_TOKEN: u64 = 8;

/// A stream under way.
pub struct Relay {
    target: Arc<Target>,
    upstream: Option<UpstreamBody>,
    scanner: Option<Box<dyn Scan>>,
    /// Bytes for the client that were not handed out.
    ready: Bytes,
    /// What is left to account for; `None` once the attempt has ended.
    attempt: Option<Attempt>,
    /// The client's; `None` where that is not known.
    dialect: Option<Dialect>,
    counted_input: u64,
    certain_output: Option<u64>,
    guard: Option<Guard>,
    state: State,
    alarm: Pin<Box<Sleep>>,
    clock: Arc<dyn Clock>,
    began: Duration,
    last_output: Duration,
    last_progress: Duration,
    idle_limit: Duration,
    total_limit: Duration,
}

/// Where a stream comes from and what becomes of it.
pub struct Way {
    /// The provider.
    pub target: Arc<Target>,
    /// The client's dialect; `None` where that is not known.
    pub dialect: Option<Dialect>,
    /// What watches or translates it.
    pub scanner: Box<dyn Scan>,
    /// What tells the client of a budget that has no more; `None` where no budget minds.
    pub guard: Option<Guard>,
}

/// What a client is told from when its budget ends an answer.
pub struct Guard {
    /// The configuration that the request started with.
    pub snapshot: Arc<Snapshot>,
    /// How links into the program begin.
    pub link_base: Arc<str>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// The provider is sending.
    Flowing,
    /// The end mark went out; only the provider's own end is awaited.
    Ended,
    /// An error event was handed out; what follows must not look like a proper end. The flag says
    /// that the connection had a chance to send the event.
    Failed(bool),
}

impl Relay {
    /// Goes on where the opening ended. `opening` goes out first.
    pub fn new(
        way: Way,
        attempt: Attempt,
        opening: Bytes,
        upstream: UpstreamBody,
        clock: &Arc<dyn Clock>,
        limits: &Limits,
    ) -> Self {
        let now = clock.monotonic();
        let mut relay = Self {
            target: way.target,
            upstream: Some(upstream),
            scanner: Some(way.scanner),
            ready: opening,
            dialect: way.dialect,
            counted_input: attempt.counted_input(),
            certain_output: attempt.certain_output(),
            guard: way.guard,
            attempt: Some(attempt),
            state: State::Flowing,
            alarm: Box::pin(sleep(limits.stream_idle.min(limits.stream_total))),
            clock: Arc::clone(clock),
            began: now,
            last_output: now,
            last_progress: now,
            idle_limit: limits.stream_idle,
            total_limit: limits.stream_total,
        };
        relay.note_end_mark();
        relay.keep_to_budget();
        relay
    }

    /// The next bytes for the client; `None` at the end, an error where the end is not a proper one.
    pub fn poll_next(&mut self, context: &mut Context<'_>) -> Poll<Option<io::Result<Bytes>>> {
        loop {
            if !self.ready.is_empty() {
                return Poll::Ready(Some(Ok(std::mem::take(&mut self.ready))));
            }
            match self.state {
                State::Failed(true) => {
                    return Poll::Ready(Some(Err(io::Error::other("the provider's stream was cut short"))));
                }
                State::Failed(false) => {
                    // Once round the connection's loop, so that the error event is on its way before
                    // the connection is cut.
                    self.state = State::Failed(true);
                    context.waker().wake_by_ref();
                    return Poll::Pending;
                }
                State::Flowing | State::Ended => {}
            }
            let Some(upstream) = &mut self.upstream else { return Poll::Ready(None) };
            match Pin::new(upstream).poll_next(context) {
                Poll::Ready(Some(Ok(piece))) => self.take(piece),
                Poll::Ready(Some(Err(_))) => self.upstream_ended(true),
                Poll::Ready(None) => self.upstream_ended(false),
                Poll::Pending => match self.alarm.as_mut().poll(context) {
                    Poll::Ready(()) => self.alarm_rang(),
                    Poll::Pending => return Poll::Pending,
                },
            }
        }
    }

    fn take(&mut self, piece: Bytes) {
        let Some(scanner) = &mut self.scanner else { return };
        let chunks_before = scanner.facts().output_chunks;
        let scanned = scanner.push(piece);
        let has_output = scanner.facts().output_chunks != chunks_before;
        self.ready = scanned.forward;
        if let Some(failure) = scanned.failure {
            return self.fail(failure);
        }
        self.note_end_mark();
        if has_output && self.state == State::Flowing {
            self.note_output();
            self.keep_to_budget();
        }
        // A provider that always has more to say leaves the alarm no turn.
        if self.state == State::Flowing && self.upstream.is_some() && self.time_left().is_zero() {
            self.time_out();
        }
    }

    /// Ends the answer where what came is more than is set aside, and no more can be.
    fn keep_to_budget(&mut self) {
        let Some(guard) = &self.guard else { return };
        let (Some(scanner), Some(attempt), State::Flowing) = (&self.scanner, &mut self.attempt, self.state) else {
            return;
        };
        let facts = scanner.facts();
        // The provider has told what the answer took: it is complete but for its end mark.
        let is_told = facts.finished_choices > 0 && facts.usage.is_some();
        if is_told || attempt.covers(&metered(facts, self.counted_input, self.certain_output).0) {
            return;
        }
        let budget = attempt.exhausted(&guard.snapshot);
        let at = At {
            snapshot: &guard.snapshot,
            link_base: &guard.link_base,
            request_id: attempt.request_id(),
            now: self.clock.now(),
        };
        let message = refusal::exhausted(budget, at);
        self.upstream = None;
        self.cut(Code::BudgetExhausted);
        self.tell(Code::BudgetExhausted, &message);
    }

    fn note_output(&mut self) {
        let now = self.clock.monotonic();
        self.last_output = now;
        if now.saturating_sub(self.last_progress) < PROGRESS_EVERY {
            return;
        }
        self.last_progress = now;
        let (usage, _) = self.metered();
        if let Some(attempt) = &self.attempt {
            attempt.progress(usage);
        }
    }

    /// When the end mark has come, the attempt is settled before the client gets it.
    fn note_end_mark(&mut self) {
        let is_done = self.scanner.as_ref().is_some_and(|scanner| scanner.facts().is_done);
        if is_done && self.state == State::Flowing {
            self.state = State::Ended;
            self.alarm.as_mut().reset(Instant::now() + LINGER);
            self.end(Outcome::Completed, None);
        }
    }

    fn upstream_ended(&mut self, is_broken: bool) {
        self.upstream = None;
        let Some(scanner) = &mut self.scanner else { return };
        if self.state == State::Ended {
            return;
        }
        let finished = scanner.finish();
        self.ready = finished.forward;
        match finished.end {
            StreamEnd::Done if !is_broken => self.end(Outcome::Completed, None),
            StreamEnd::Done | StreamEnd::Truncated | StreamEnd::Failed(_) => {
                self.end(Outcome::Truncated, Some(Code::UpstreamTruncated));
                self.tell(Code::UpstreamTruncated, TRUNCATED);
            }
        }
        self.scanner = None;
    }

    fn alarm_rang(&mut self) {
        if self.state == State::Ended {
            self.upstream = None;
            return;
        }
        match self.time_left() {
            Duration::ZERO => self.time_out(),
            left => self.alarm.as_mut().reset(Instant::now() + left),
        }
    }

    /// How long the provider may go on, unless it gives a sign of life.
    fn time_left(&self) -> Duration {
        let now = self.clock.monotonic();
        let idle = self.idle_limit.saturating_sub(now.saturating_sub(self.last_output));
        idle.min(self.total_limit.saturating_sub(now.saturating_sub(self.began)))
    }

    fn time_out(&mut self) {
        self.upstream = None;
        self.cut(Code::UpstreamTimeout);
        self.tell(Code::UpstreamTimeout, TIMED_OUT);
    }

    fn fail(&mut self, failure: ScanError) {
        self.upstream = None;
        let (code, message) = match failure {
            ScanError::Upstream(said) => {
                let said = errors::scrub_said(said, &self.target);
                (answer::code_of(&said), said.message)
            }
            ScanError::TooLarge | ScanError::Malformed => (Code::UpstreamMalformed, format!("{failure}.")),
        };
        self.cut(code);
        self.tell(code, &message);
    }

    /// Hands out an error as the last event.
    fn tell(&mut self, code: Code, message: &str) {
        self.state = State::Failed(false);
        let Some(scanner) = &mut self.scanner else { return };
        let status = dialects::status(self.dialect.unwrap_or(Dialect::OpenAiChat), code);
        let event = scanner.fail(&ErrorNote { status, code, message, param: None });
        self.ready = if self.ready.is_empty() { event } else { [&self.ready[..], &event].concat().into() };
    }

    fn end(&mut self, outcome: Outcome, error: Option<Code>) {
        let (usage, source) = self.metered();
        let Some(attempt) = self.attempt.take() else { return };
        attempt.finish(Consumption::Metered(usage, source), outcome, 200, error);
    }

    /// Ends the attempt where the provider's connection was closed before the answer was complete.
    fn cut(&mut self, code: Code) {
        let (usage, source) = self.metered();
        let Some(attempt) = self.attempt.take() else { return };
        attempt.finish(Consumption::CutShort(usage, source), Outcome::Truncated, 200, Some(code));
    }

    fn metered(&self) -> (Usage, UsageSource) {
        let nothing = StreamFacts::default();
        let facts = self.scanner.as_ref().map_or(&nothing, |scanner| scanner.facts());
        metered(facts, self.counted_input, self.certain_output)
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        let (usage, source) = self.metered();
        // The attempt's own drop says that the client left.
        if let Some(mut attempt) = self.attempt.take() {
            attempt.meter(usage, source);
        }
    }
}

const TRUNCATED: &str =
    "The provider's stream ended before the answer was complete. What you have is not the whole answer.";
const TIMED_OUT: &str =
    "The provider stopped sending before the answer was complete. What you have is not the whole answer.";

/// The provider's figures, or a count from what was sent and delivered where it gave none. Figures
/// that came before any choice had ended are a state in between, and count as an estimate: those of
/// the output may be from the very beginning (Anthropic's `message_start` says 1), so that what was
/// delivered counts where it is more. `certain` is the most output that the provider was told of, or
/// its model can give.
pub fn metered(facts: &StreamFacts, counted_input: u64, certain: Option<u64>) -> (Usage, UsageSource) {
    match facts.usage {
        Some(usage) if facts.is_done || facts.finished_choices > 0 => (usage, UsageSource::Reported),
        Some(usage) => (with_output(usage, delivered(facts, certain)), UsageSource::Estimated),
        None => (counted(counted_input, delivered(facts, certain)), UsageSource::Estimated),
    }
}

/// Output tokens so far, estimated. A count by bytes is not believed to be more than what can come; what
/// cannot be fewer tokens is, since some providers keep to no bound.
fn delivered(facts: &StreamFacts, certain: Option<u64>) -> u64 {
    let counted = facts.counted_output();
    let least = facts.output_chunks.max(facts.output_bytes / LONG_TOKEN);
    certain.map_or(counted, |most| counted.min(most.max(least)))
}

/// A usage whose output is at least this.
fn with_output(usage: Usage, output: u64) -> Usage {
    let known = usage.total_output().unwrap_or(0);
    Usage { output: Some(usage.output.unwrap_or(0).saturating_add(output.saturating_sub(known))), ..usage }
}

/// A usage that was counted here.
pub fn counted(input: u64, output: u64) -> Usage {
    Usage { input: Some(input), output: Some(output), ..Usage::UNREPORTED }
}
