//! Cascade: whether a cheaper model's answer is good enough to pass on.
//!
//! The whole answer is read before the client gets any of it, up to a bound, and checked for what can be
//! seen without understanding it. What does not pass is paid for, noted, and a better model is asked.

use std::sync::Arc;

use bytes::Bytes;
use megarouter_dialect::canonical::Conversation;
use megarouter_dialect::flaws::{self, Flaw};
use megarouter_domain::decision::Decision;
use megarouter_domain::dialect::Dialect;
use megarouter_domain::facts::Need;
use megarouter_domain::feedback::Signal;
use megarouter_domain::id::RequestId;
use megarouter_routing::strategies::{Cascade, Checks, Special};

use crate::attempt::Planned;
use crate::decode::{Asking, Call, Content};
use crate::pipeline::Gateway;
use crate::settle::Attempt;

/// The most of a stream that is held back to be checked; a longer one is passed on as it is.
pub const MOST_HELD_BACK: usize = 4 * 1024 * 1024;
/// The largest answer that is looked at beside what was asked for, in bytes.
const MOST_LOOKED_AT: usize = 256 * 1024;

/// What an answer has to pass.
#[derive(Clone, Copy)]
pub(crate) struct Check<'a> {
    checks: &'a Checks,
    asking: &'a Asking,
    dialect: Dialect,
}

impl Planned {
    /// What the answer of a choice has to pass before the client gets it; `None` where nothing is checked.
    pub(crate) fn check(&self, index: usize) -> Option<Check<'_>> {
        let (Special::Cascade(Cascade { steps, checks }), Content::Answer(asking)) =
            (&self.special, &self.call.content)
        else {
            return None;
        };
        (index + 1 < *steps).then_some(Check { checks, asking, dialect: self.call.dialect })
    }

    /// Whether the client's stream waits until an answer was checked.
    pub(crate) fn is_held_back(&self) -> bool {
        let is_sse = matches!(&self.call.content, Content::Answer(asking) if asking.is_sse);
        is_sse && self.call.is_streaming() && self.check(0).is_some()
    }

    /// The request whose whole answer is worth a look at what it broke of what was asked for: where a policy
    /// wants to know how good its models are.
    pub(crate) fn wants_a_look(&self, attempt: &Attempt, body: &Bytes) -> Option<RequestId> {
        let asks_form = |decision: &Decision| {
            decision.task.is_some() && (decision.needs.contains(Need::Schema) || decision.needs.contains(Need::Tools))
        };
        let is_answer = matches!(self.call.content, Content::Answer(_));
        let is_it = is_answer && body.len() <= MOST_LOOKED_AT && attempt.decision().is_some_and(asks_form);
        is_it.then(|| attempt.request_id())
    }

    /// Has somebody take that look, beside the request that has ended.
    pub(crate) fn look_at(&self, gateway: &Gateway, request_id: RequestId, body: Bytes) {
        let (world, clock, call) = (Arc::clone(&gateway.world), Arc::clone(&gateway.clock), Arc::clone(&self.call));
        tokio::spawn(async move {
            if let Some(signal) = broken(&call, &body) {
                world.opinions.see_remembered(request_id, signal, clock.now());
            }
        });
    }
}

fn broken(call: &Call, body: &[u8]) -> Option<Signal> {
    let Content::Answer(asking) = &call.content else { return None };
    let (answer, asked) = (flaws::read(call.dialect, body, false)?, asking.conversation().ok()?);
    match flaws::find(&answer, asked, |flaw| matches!(flaw, Flaw::BrokeSchema | Flaw::BrokeTool))? {
        Flaw::BrokeSchema => Some(Signal::BrokeSchema),
        Flaw::BrokeTool => Some(Signal::BrokeTool),
        Flaw::Empty | Flaw::CutShort | Flaw::Refusal => None,
    }
}

impl Check<'_> {
    /// What is wrong with an answer, as the client would get it.
    pub fn flaw(&self, body: &[u8], is_stream: bool) -> Option<Flaw> {
        let checks = self.checks;
        let Some(answer) = flaws::read(self.dialect, body, is_stream) else { return Some(Flaw::Empty) };
        let unknown = Conversation::default();
        // Without what was asked for nothing can be said of its form.
        let asked = self.asking.conversation().ok();
        let is_looked_for = |flaw: Flaw| match flaw {
            Flaw::Empty => checks.empty,
            Flaw::CutShort => checks.truncated,
            Flaw::Refusal => checks.refusal,
            Flaw::BrokeSchema => checks.schema && asked.is_some(),
            Flaw::BrokeTool => checks.tool_json && asked.is_some(),
        };
        flaws::find(&answer, asked.unwrap_or(&unknown), is_looked_for)
    }
}
