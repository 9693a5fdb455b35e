//! Refusal: what a client is told when a budget is in the way, and what is left of it otherwise.
//!
//! Every answer to a request under a budget that refuses has these headers, of the budget with the
//! smallest part left:
//!
//! | header | meaning |
//! |---|---|
//! | `x-megarouter-budget-name` | the budget's name, or whose it is |
//! | `x-megarouter-budget-measure` | `cost`, `tokens`, `requests` or `concurrent` |
//! | `x-megarouter-budget-limit` | the limit: dollars as a decimal number, else a whole number |
//! | `x-megarouter-budget-remaining` | what is left, less what is set aside for requests under way; a stream's own amount is among that |
//! | `x-megarouter-budget-reset` | when its window ends, as RFC 3339; not where it has no end or moves along |
//!
//! Money is refused for good: waiting seldom helps and SDKs are told not to try (`x-should-retry:
//! false`). Limits on requests and tokens say when trying again works (`retry-after`).

use std::time::Duration;

use http::{HeaderMap, HeaderValue};
use megarouter_domain::budget::{Budget, Measure};
use megarouter_domain::clock::Timestamp;
use megarouter_domain::code::Code;
use megarouter_domain::id::{BudgetId, RequestId};
use megarouter_domain::money::NanoUsd;
use megarouter_domain::period::Period;
use megarouter_domain::record::BudgetRefusal;
use megarouter_domain::scope::Scope;
use megarouter_domain::snapshot::Snapshot;
use megarouter_ledger::account::{Account, Subject};
use megarouter_ledger::refusal::{Exceeded, Refusal};
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};

use crate::books::HoldError;
use crate::render::Failure;
use crate::wording;

/// The longest wait that a client is advised to.
const LONGEST_ADVICE: Duration = Duration::from_secs(3_600);
/// How soon a shared budget is worth another try.
const HUB_PAUSE: Duration = Duration::from_secs(2);
/// How soon one of the requests under way may have ended.
const TURN: Duration = Duration::from_secs(1);
/// What a header's text cannot hold as it is.
const ESCAPED: &AsciiSet = &CONTROLS.add(b'%');

/// Where a refusal happens.
#[derive(Clone, Copy)]
pub struct At<'a> {
    /// The configuration that the request started with.
    pub snapshot: &'a Snapshot,
    /// How links into the program begin.
    pub link_base: &'a str,
    /// The request.
    pub request_id: RequestId,
    /// The wall clock.
    pub now: Timestamp,
}

/// What the client gets when nothing could be set aside.
pub fn failure(error: &HoldError, at: At<'_>) -> Failure {
    match error {
        HoldError::Unavailable(_) => {
            Failure::new(Code::LedgerUnavailable, format!("{error}. Nothing was sent to a provider."))
        }
        HoldError::Refused(Refusal::Exceeded(exceeded)) => at.exceeded(exceeded),
        HoldError::Refused(refusal @ Refusal::PriceUnknown { budget }) => {
            let message = format!(
                "The model has no price, so {} cannot be kept. Set the model's price, or use a model that has one. \
                 Nothing was sent to a provider. {}",
                at.name(*budget),
                at.link(*budget)
            );
            Failure::new(refusal.code(), message)
        }
        HoldError::Refused(refusal) => {
            let budget = refusal.budget();
            let name = budget.map_or_else(|| "a shared budget".to_owned(), |budget| at.name(budget));
            let link = budget.map_or_else(String::new, |budget| format!(" {}", at.link(budget)));
            let message = format!(
                "How much is left of {name} cannot be told at present, because the hub that shares it out did not answer \
                 in time. Nothing was sent to a provider. Try again in {}s.{link}",
                HUB_PAUSE.as_secs()
            );
            Failure { retry_after: Some(HUB_PAUSE), ..Failure::new(refusal.code(), message) }
        }
    }
}

/// Whether another model or provider may be paid all the same: the budget is one model's or one provider's
/// own.
pub fn spares_others(refusal: &Refusal, snapshot: &Snapshot) -> bool {
    let budget = refusal.budget().and_then(|id| find(snapshot, id));
    budget.is_some_and(|budget| matches!(budget.scope, Scope::Model(_) | Scope::Provider(_)))
}

/// What the request's record keeps of a refusal.
pub fn record(refusal: &Refusal, snapshot: &Snapshot, at: Timestamp) -> Option<Box<BudgetRefusal>> {
    let budget_id = refusal.budget()?;
    let known = BudgetRefusal { budget_id, subject: None, limit: 0, used: 0, held: 0, asked: 0, resets_at: None };
    Some(Box::new(match refusal {
        Refusal::Exceeded(exceeded) => BudgetRefusal {
            subject: exceeded.subject.as_ref().and_then(scope_of),
            limit: exceeded.limit,
            used: exceeded.used,
            held: exceeded.held,
            asked: exceeded.asked,
            resets_at: exceeded.resets_at,
            ..known
        },
        Refusal::LeaseShort(needs) => {
            let need = needs.first()?;
            let used = need.need.saturating_sub(need.asked);
            let subject = need.key.subject.as_ref().and_then(scope_of);
            BudgetRefusal { subject, limit: need.limit, used, asked: need.asked, ..known }
        }
        Refusal::PriceUnknown { .. } | Refusal::Fenced | Refusal::Closed => {
            let limit = find(snapshot, budget_id).map_or(0, |budget| budget.limit_at(at));
            BudgetRefusal { limit, ..known }
        }
    }))
}

fn scope_of(subject: &Subject) -> Option<Scope> {
    match subject {
        Subject::Unit(id) => Some(Scope::Unit(*id)),
        Subject::Key(id) => Some(Scope::Key(*id)),
        Subject::Session(_) => None,
    }
}

/// What is left of an account, in headers.
pub fn what_is_left(account: &Account, snapshot: &Snapshot) -> HeaderMap {
    let budget = find(snapshot, account.key.budget);
    let limit = account.stop.unwrap_or(account.limit);
    headers(snapshot, budget, account.measure, limit, account.left(), account.window.end)
}

impl At<'_> {
    fn exceeded(&self, exceeded: &Exceeded) -> Failure {
        let Exceeded { measure, limit, used, held, asked, .. } = *exceeded;
        let budget = find(self.snapshot, exceeded.budget);
        let name = capital(&self.name_of(budget, exceeded));
        let amount = |count| wording::amount(measure, count);
        let most = budget.map_or_else(|| amount(limit), |budget| wording::limit(measure, budget.period, limit));
        let (used_up, under_way, asked) = (amount(used), amount(held), amount(asked));
        let what = match measure {
            Measure::Cost => format!(
                "has no room for this request: the limit is {most}, {used_up} is spent and {under_way} set aside for requests under way, and this \
                 request may cost {asked}."
            ),
            Measure::Tokens | Measure::Requests => {
                format!(
                    "has no room for this request: the limit is {most}, {used_up} used and {under_way} set aside for requests under way."
                )
            }
            Measure::Concurrent => format!("is in full use: the limit is {most}."),
        };
        let wait = self.wait(exceeded);
        let message = format!("{name} {what} {} {}", advice(exceeded, budget, wait), self.link(exceeded.budget));
        let left = limit.saturating_sub(used.saturating_add(held));
        Failure {
            retry_after: wait.map(|wait| wait.min(LONGEST_ADVICE)),
            headers: Some(Box::new(headers(self.snapshot, budget, measure, limit, left, exceeded.window.end))),
            ..Failure::new(Refusal::from(Box::new(exceeded.clone())).code(), message)
        }
    }

    fn wait(&self, exceeded: &Exceeded) -> Option<Duration> {
        let turn = (exceeded.measure == Measure::Concurrent).then_some(TURN);
        exceeded.resets_at.map(|at| at.since(self.now).max(TURN)).or(turn)
    }

    fn name(&self, budget: BudgetId) -> String {
        let found = find(self.snapshot, budget);
        found.map_or_else(|| "a budget".to_owned(), |budget| wording::budget(self.snapshot, budget, None))
    }

    fn name_of(&self, budget: Option<&Budget>, exceeded: &Exceeded) -> String {
        let named = |budget| wording::budget(self.snapshot, budget, exceeded.subject.as_ref());
        budget.map_or_else(|| "a budget".to_owned(), named)
    }

    /// Where a person sees why.
    fn link(&self, budget: BudgetId) -> String {
        format!("{}#/budgets/{budget}?request={}", self.link_base, self.request_id)
    }
}

/// What a stream says that was ended for its budget's sake.
pub fn exhausted(budget: Option<BudgetId>, at: At<'_>) -> String {
    let (name, link) = match budget {
        Some(budget) => (at.name(budget), format!(" {}", at.link(budget))),
        None => ("the budget".to_owned(), String::new()),
    };
    format!(
        "The answer was ended here because {name} has no more for it. What you have is not the whole answer. Ask for less \
         output, use a cheaper model, or have the limit raised.{link}"
    )
}

/// When it can work, and what else there is to do.
fn advice(exceeded: &Exceeded, budget: Option<&Budget>, wait: Option<Duration>) -> String {
    if let Some(wait) = wait.filter(|wait| *wait <= LONGEST_ADVICE && exceeded.measure != Measure::Cost) {
        // Codex waits as long as these words say.
        return format!("Try again in {}s.", wait.as_secs().max(1));
    }
    let instead = match exceeded.measure {
        Measure::Cost => "ask for less output, use a cheaper model, or have the limit raised",
        Measure::Tokens | Measure::Requests | Measure::Concurrent => "send fewer, or have the limit raised",
    };
    match (exceeded.resets_at, budget) {
        (Some(at), Some(budget)) => {
            format!("It begins anew on {}. Until then, {instead}.", wording::local_time(at, budget.zone))
        }
        _ => format!("To go on, {instead}."),
    }
}

fn find(snapshot: &Snapshot, id: BudgetId) -> Option<&Budget> {
    snapshot.budgets().iter().find(|budget| budget.id == id)
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

fn headers(
    snapshot: &Snapshot,
    budget: Option<&Budget>,
    measure: Measure,
    limit: u64,
    left: u64,
    ends: Timestamp,
) -> HeaderMap {
    let mut headers = HeaderMap::new();
    let mut put = |name: &'static str, text: &str| {
        if let Ok(value) = HeaderValue::from_str(text) {
            headers.insert(name, value);
        }
    };
    if let Some(budget) = budget {
        let name = wording::short_name(snapshot, budget);
        put("x-megarouter-budget-name", &utf8_percent_encode(&name, ESCAPED).to_string());
    }
    put("x-megarouter-budget-measure", name_of(measure));
    put("x-megarouter-budget-limit", &figure(measure, limit));
    put("x-megarouter-budget-remaining", &figure(measure, left));
    if budget.is_some_and(has_an_end) {
        put("x-megarouter-budget-reset", &ends.to_rfc3339());
    }
    headers
}

const fn name_of(measure: Measure) -> &'static str {
    match measure {
        Measure::Cost => "cost",
        Measure::Tokens => "tokens",
        Measure::Requests => "requests",
        Measure::Concurrent => "concurrent",
    }
}

fn has_an_end(budget: &Budget) -> bool {
    budget.measure != Measure::Concurrent && !matches!(budget.period, Period::Total | Period::Rolling { .. })
}

fn figure(measure: Measure, count: u64) -> String {
    if measure != Measure::Cost {
        return count.to_string();
    }
    // `$0.0031` without its sign.
    NanoUsd(i64::try_from(count).unwrap_or(i64::MAX)).to_string().trim_start_matches('$').to_owned()
}
