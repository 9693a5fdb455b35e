//! Cascade: whether a cheaper model's answer is good enough to pass on.
//!
//! The whole answer is read before the client gets any of it, up to a bound, and checked for what can be
//! seen without understanding it. What does not pass is paid for, noted, and a better model is asked.

use megarouter_dialect::canonical::Conversation;
use megarouter_dialect::flaws::{self, Flaw};
use megarouter_domain::dialect::Dialect;
use megarouter_routing::strategies::{Cascade, Checks, Special};

use crate::attempt::Planned;
use crate::decode::{Asking, Content};

/// The most of a stream that is held back to be checked; a longer one is passed on as it is.
pub const MOST_HELD_BACK: usize = 4 * 1024 * 1024;

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
