//! What the mock writes down: every call, and the totals a ledger must agree with.

use std::time::Instant;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

/// One call as it arrived and ended.
#[derive(Clone, Debug)]
pub struct Call {
    /// Its place in the order of arrival, from 0; the answer's id is
    /// `chatcmpl-mock-NUMBER`, its `x-request-id` is `mock-NUMBER`.
    pub number: usize,
    /// The method.
    pub method: String,
    /// The path with its query.
    pub path: String,
    /// The headers in order; names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body as it came.
    pub body: Bytes,
    /// The model it named; empty when it named none.
    pub model: String,
    /// When the request had arrived.
    pub at: Instant,
    /// The status of the answer, once decided.
    pub status: Option<u16>,
    /// The bytes of the answer's body that were written so far.
    pub answer: Bytes,
    /// How it ended, once it did.
    pub end: Option<End>,
    /// The usage that was written to the peer, once it was.
    pub reported: Option<Tokens>,
}

/// How a call ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// The answer was written to its end, be it a right or a wrong one.
    Answered,
    /// The answer was broken off as its script says.
    Cut,
    /// The peer closed the connection first, noticed at this moment.
    PeerClosed(Instant),
}

/// Token counts as OpenAI's usage object has them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tokens {
    /// All input tokens, cached or not.
    pub prompt: u64,
    /// All output tokens, reasoning included.
    pub completion: u64,
    /// Of the input tokens, those read from a cache.
    pub cached: u64,
    /// Of the output tokens, those spent on reasoning.
    pub reasoning: u64,
}

/// Sums over all calls.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Totals {
    /// Calls of chat completions and embeddings.
    pub calls: u64,
    /// Those of which the usage was written to the peer.
    pub reported_calls: u64,
    /// Sum of the reported usage.
    pub tokens: Tokens,
    /// Answers with an error status.
    pub errors: u64,
    /// Calls the peer closed first.
    pub closed_by_peer: u64,
}

impl Call {
    /// The value of a header, by its name in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The body as JSON.
    ///
    /// # Panics
    /// When it is none.
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).expect("the call's body is JSON")
    }

    /// When the peer closed the connection, if it did before the answer ended.
    pub fn closed_at(&self) -> Option<Instant> {
        match self.end {
            Some(End::PeerClosed(at)) => Some(at),
            Some(End::Answered | End::Cut) | None => None,
        }
    }
}

/// The calls and their sums.
pub(super) struct Books {
    keeps_calls: bool,
    next_number: usize,
    pub(super) calls: Vec<Call>,
    pub(super) totals: Totals,
}

impl Books {
    pub(super) const fn new(keeps_calls: bool) -> Self {
        Self { keeps_calls, next_number: 0, calls: Vec::new(), totals: Totals::ZERO }
    }

    /// Writes an arrived call down and gives it its number.
    pub(super) fn arrive(&mut self, call: Call) -> usize {
        let number = self.next_number;
        self.next_number += 1;
        if call.method == "POST" {
            self.totals.calls += 1;
        }
        if self.keeps_calls {
            self.calls.push(Call { number, ..call });
        }
        number
    }

    /// Writes down what of the answer went out.
    pub(super) fn sent(&mut self, number: usize, status: u16, answer: &[u8]) {
        if let Some(call) = self.calls.get_mut(number) {
            call.status = Some(status);
            call.answer = Bytes::copy_from_slice(answer);
        }
    }

    /// Writes down that the peer was told its usage.
    pub(super) fn reported(&mut self, number: usize, tokens: Tokens) {
        self.totals.reported_calls += 1;
        self.totals.tokens.add(tokens);
        if let Some(call) = self.calls.get_mut(number) {
            call.reported = Some(tokens);
        }
    }

    /// Writes down how a call ended.
    pub(super) fn end(&mut self, number: usize, status: u16, end: End) {
        self.totals.errors += u64::from(status >= 400);
        self.totals.closed_by_peer += u64::from(matches!(end, End::PeerClosed(_)));
        if let Some(call) = self.calls.get_mut(number) {
            call.end = Some(end);
        }
    }
}

impl Totals {
    const ZERO: Self = Self {
        calls: 0,
        reported_calls: 0,
        tokens: Tokens { prompt: 0, completion: 0, cached: 0, reasoning: 0 },
        errors: 0,
        closed_by_peer: 0,
    };
}

impl Tokens {
    fn add(&mut self, other: Self) {
        self.prompt += other.prompt;
        self.completion += other.completion;
        self.cached += other.cached;
        self.reasoning += other.reasoning;
    }
}
