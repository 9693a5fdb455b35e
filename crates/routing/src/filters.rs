//! What rules a candidate out before any strategy sees it, the hardest reason first.

use std::time::Duration;

use megarouter_domain::access;
use megarouter_domain::catalog::Date;

use crate::candidate::{Candidate, Out};
use crate::health::State;
use crate::question::Look;

/// Whether the caller may use it at all, it is there, and it can do what is asked.
pub(crate) fn by_nature(candidate: &Candidate<'_>, look: &Look<'_>, today: Date) -> Option<Out> {
    let (served, question) = (candidate.served, look.question);
    let facts = &served.facts;
    let is_other = || facts.mode.zip(look.mode()).is_some_and(|(made_for, wanted)| made_for != wanted);
    if !access::may_use(question.principal, &served.model) {
        return Some(Out::Access);
    }
    if is_other() {
        return Some(Out::Purpose);
    }
    if !served.is_usable() {
        return Some(Out::Unusable);
    }
    if served.is_retired(today) {
        return Some(Out::Retired);
    }
    if let Some(need) = facts.missing(question.needs) {
        return Some(Out::Lacks(need));
    }
    // Only the output that the client insists on has to fit beside the input; a shorter answer will do
    // otherwise.
    let tokens = question.input_tokens.saturating_add(question.output_bound.unwrap_or(1));
    let fits = facts.context_tokens.is_none_or(|context| tokens <= context);
    (!fits).then_some(Out::Context(tokens))
}

/// Whether the limits on money leave enough for it.
pub(crate) fn by_budget(candidate: &Candidate<'_>, look: &Look<'_>) -> Option<Out> {
    let available = look.question.budget.available?;
    let is_too_much = candidate.cost.is_some_and(|cost| cost > available);
    is_too_much.then_some(Out::Budget)
}

/// Whether it rests.
pub(crate) fn by_health(candidate: &Candidate<'_>) -> Option<Out> {
    let millis = |rest: Duration| u32::try_from(rest.as_millis()).unwrap_or(u32::MAX).max(1);
    match candidate.condition.state {
        State::Ready | State::Probation => None,
        State::Resting(rest) => Some(Out::Resting(millis(rest))),
        State::Limited(rest) => Some(Out::RateLimited(millis(rest))),
    }
}
