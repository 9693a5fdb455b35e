//! Cascade: whether a cheaper model's answer is good enough to pass on.
//!
//! The whole answer is read before the client gets any of it, up to a bound, and checked for what can be
//! seen without understanding it. What does not pass is paid for, noted, and a better model is asked.

use megarouter_dialect::canonical::Conversation;
use megarouter_dialect::flaws::{self, Flaw};
use megarouter_domain::dialect::Dialect;
use megarouter_domain::facts::Need;
use megarouter_domain::feedback::Signal;
use megarouter_routing::strategies::{Cascade, Checks, Special};

use crate::attempt::Planned;
use crate::decode::{Asking, Content};
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

    /// What a whole answer broke of what was asked for, where a policy wants to know: a hint on how good its
    /// model is.
    pub(crate) fn broken(&self, attempt: &Attempt, body: &[u8]) -> Option<Signal> {
        let decision = attempt.decision().filter(|decision| decision.task.is_some())?;
        let asks_form = decision.needs.contains(Need::Schema) || decision.needs.contains(Need::Tools);
        let Content::Answer(asking) = &self.call.content else { return None };
        if !asks_form || body.len() > MOST_LOOKED_AT {
            return None;
        }
        let (answer, asked) = (flaws::read(self.call.dialect, body, false)?, asking.conversation().ok()?);
        match flaws::find(&answer, asked, |flaw| matches!(flaw, Flaw::BrokeSchema | Flaw::BrokeTool))? {
            Flaw::BrokeSchema => Some(Signal::BrokeSchema),
            Flaw::BrokeTool => Some(Signal::BrokeTool),
            Flaw::Empty | Flaw::CutShort | Flaw::Refusal => None,
        }
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
