//! Usage records as answers show them.

use megarouter_domain::code::Code;
use megarouter_domain::dialect;
use megarouter_domain::id::BudgetId;
use megarouter_domain::loss;
use megarouter_domain::money::NanoUsd;
use megarouter_domain::price::Cost as DomainCost;
use megarouter_domain::record::{self, AttemptRecord, BudgetRefusal, UsageRecord};
use megarouter_domain::scope::Scope;
use megarouter_domain::snapshot::Snapshot;
use megarouter_domain::tag;
use megarouter_domain::usage;
use megarouter_ledger::account::Subject;
use megarouter_ledger::entry::{PinnedPrice, Resolution};
use megarouter_store::ledger::requests::{AttemptEntry, Detail};

use super::{
    AppliedPrice, Attempt, BudgetRef, Dialect, HoldState, Loss, LossReason, Operation, Outcome, Refusal, RequestDetail,
    RequestRow, Tag,
};
use crate::budgets::{BudgetBrief, BudgetSubject, scope};
use crate::route::Decision;
use crate::shape::{Amount, Quantity, Tariff, Time, micros};
use crate::units::UnitRef;

impl RequestRow {
    /// A record with the name that its key has in a configuration.
    pub(crate) fn of(record: &UsageRecord, snapshot: &Snapshot) -> Self {
        let key = snapshot.key(record.key_id);
        Self {
            id: record.request_id,
            started_at: record.started_at.into(),
            key_id: record.key_id,
            key_name: key.map(|key| key.name.clone()).unwrap_or_default(),
            units: record.units.iter().filter_map(|unit| UnitRef::of(snapshot.units(), *unit)).collect(),
            tags: record.tags.iter().map(Tag::from).collect(),
            session: record.session.as_deref().map(str::to_owned),
            refused_by: record.refusal.as_ref().map(|refusal| BudgetRef::of(refusal.budget_id, snapshot)),
            operation: record.operation.into(),
            model_asked: record.model_asked.to_string(),
            model: record.model.as_deref().map(str::to_owned),
            policy: record.decision.as_ref().and_then(|it| it.rule.as_ref()).map(|rule| rule.policy.to_string()),
            provider: record.provider.as_deref().map(str::to_owned),
            upstream_model: record.upstream_model.as_deref().map(str::to_owned),
            is_streaming: record.is_streaming,
            status: record.status,
            outcome: record.outcome.into(),
            error: record.error.map(in_words),
            usage: record.usage.into(),
            usage_source: record.usage_source.into(),
            cost: record.cost.into(),
            first_output_us: record.first_output.map(micros),
            total_us: micros(record.total),
            overhead_us: record.overhead.map(micros),
            attempts: record.attempts.len() as u64,
            losses: record.losses.iter().map(Loss::from).collect(),
            user_agent: record.user_agent.as_deref().map(str::to_owned),
        }
    }
}

impl RequestDetail {
    /// A request with what the ledger says of each of its calls.
    pub(super) fn of(detail: &Detail, budgets: Vec<BudgetBrief>, snapshot: &Snapshot) -> Self {
        let entry =
            |attempt: &AttemptRecord| detail.attempts.iter().find(|entry| entry.attempt_id == attempt.attempt_id);
        Self {
            row: RequestRow::of(&detail.record, snapshot),
            attempt_list: detail.record.attempts.iter().map(|call| attempt(call, entry(call))).collect(),
            corrected: Amount(detail.adjusted),
            refusal: detail.record.refusal.as_deref().map(|refusal| Refusal::of(refusal, snapshot)),
            budgets,
            decision: detail.record.decision.as_deref().map(Decision::from),
        }
    }
}

fn attempt(call: &AttemptRecord, entry: Option<&AttemptEntry>) -> Attempt {
    let ending = ending(entry.and_then(|entry| entry.resolution.as_ref()));
    Attempt {
        attempt_id: call.attempt_id,
        provider: call.provider.to_string(),
        upstream_model: call.upstream_model.to_string(),
        dialect: call.dialect.map(Dialect::from),
        started_after_us: micros(call.started_after),
        first_output_us: call.first_output.map(micros),
        duration_us: micros(call.duration),
        status: call.status,
        error: call.error.map(in_words),
        detail: call.detail.as_deref().map(str::to_owned),
        upstream_request_id: call.upstream_request_id.as_deref().map(str::to_owned),
        hold: entry.map_or(NanoUsd::ZERO, |entry| entry.hold).into(),
        resolution: ending.state,
        usage: ending.usage.into(),
        usage_source: ending.source.into(),
        cost: ending.cost.into(),
        overage: Amount(ending.overage),
        price: entry.and_then(|entry| entry.price.as_ref()).map(AppliedPrice::from),
    }
}

/// How a hold ended, in one shape for every way to end.
struct Ending {
    state: HoldState,
    usage: usage::Usage,
    source: usage::UsageSource,
    cost: DomainCost,
    overage: NanoUsd,
}

fn ending(resolution: Option<&Resolution>) -> Ending {
    let nothing = Ending {
        state: HoldState::Open,
        usage: usage::Usage::UNREPORTED,
        source: usage::UsageSource::Unknown,
        cost: DomainCost::Unknown,
        overage: NanoUsd::ZERO,
    };
    match resolution.copied() {
        None => nothing,
        Some(Resolution::Voided) => Ending { state: HoldState::Voided, cost: DomainCost::NotBillable, ..nothing },
        Some(Resolution::Uncertain { usage, cost }) => Ending { state: HoldState::Uncertain, usage, cost, ..nothing },
        Some(Resolution::Settled { usage, source, cost, overage }) => {
            Ending { state: HoldState::Settled, usage, source, cost, overage }
        }
    }
}

impl BudgetRef {
    fn of(id: BudgetId, snapshot: &Snapshot) -> Self {
        let budget = snapshot.budgets().iter().find(|budget| budget.id == id);
        Self { id, name: budget.map(|budget| scope::title(budget, snapshot)).unwrap_or_default() }
    }
}

impl Refusal {
    fn of(refusal: &BudgetRefusal, snapshot: &Snapshot) -> Self {
        let budget = snapshot.budgets().iter().find(|budget| budget.id == refusal.budget_id);
        let subject = match refusal.subject {
            Some(Scope::Unit(id)) => Some(Subject::Unit(id)),
            Some(Scope::Key(id)) => Some(Subject::Key(id)),
            _ => None,
        };
        Self {
            budget_id: refusal.budget_id,
            subject: subject.map(|subject| BudgetSubject::of(&subject, snapshot)),
            measure: budget.map(|budget| budget.measure.into()),
            limit: Quantity(refusal.limit),
            used: Quantity(refusal.used),
            held: Quantity(refusal.held),
            asked: Quantity(refusal.asked),
            resets_at: refusal.resets_at.map(Time),
        }
    }
}

impl From<&tag::Tag> for Tag {
    fn from(tag: &tag::Tag) -> Self {
        Self { name: tag.name.to_string(), value: tag.value.to_string() }
    }
}

fn in_words(code: Code) -> String {
    code.as_str().to_owned()
}

impl From<&PinnedPrice> for AppliedPrice {
    fn from(price: &PinnedPrice) -> Self {
        let Tariff { rates, tiers } = price.tariff.as_ref().into();
        Self { id: price.id, rates, tiers }
    }
}

impl From<record::Operation> for Operation {
    fn from(operation: record::Operation) -> Self {
        match operation {
            record::Operation::ChatCompletions => Self::ChatCompletions,
            record::Operation::Responses => Self::Responses,
            record::Operation::Messages => Self::Messages,
            record::Operation::GenerateContent => Self::GenerateContent,
            record::Operation::CountTokens => Self::CountTokens,
            record::Operation::Completions => Self::Completions,
            record::Operation::Embeddings => Self::Embeddings,
            record::Operation::Images => Self::Images,
            record::Operation::Speech => Self::Speech,
            record::Operation::Transcriptions => Self::Transcriptions,
            record::Operation::Moderations => Self::Moderations,
            record::Operation::Rerank => Self::Rerank,
            record::Operation::PassThrough => Self::PassThrough,
        }
    }
}

impl From<dialect::Dialect> for Dialect {
    fn from(dialect: dialect::Dialect) -> Self {
        match dialect {
            dialect::Dialect::OpenAiChat => Self::OpenAiChat,
            dialect::Dialect::OpenAiResponses => Self::OpenAiResponses,
            dialect::Dialect::Anthropic => Self::Anthropic,
            dialect::Dialect::Gemini => Self::Gemini,
            dialect::Dialect::BedrockConverse => Self::BedrockConverse,
        }
    }
}

impl From<Dialect> for dialect::Dialect {
    fn from(dialect: Dialect) -> Self {
        match dialect {
            Dialect::OpenAiChat => Self::OpenAiChat,
            Dialect::OpenAiResponses => Self::OpenAiResponses,
            Dialect::Anthropic => Self::Anthropic,
            Dialect::Gemini => Self::Gemini,
            Dialect::BedrockConverse => Self::BedrockConverse,
        }
    }
}

impl From<&loss::Loss> for Loss {
    fn from(loss: &loss::Loss) -> Self {
        let why = match loss.why {
            loss::Why::Unsupported => LossReason::Unsupported,
            loss::Why::Approximated => LossReason::Approximated,
            loss::Why::Foreign => LossReason::Foreign,
            loss::Why::Unread => LossReason::Unread,
        };
        Self { what: loss.what.clone(), why }
    }
}

impl From<record::Outcome> for Outcome {
    fn from(outcome: record::Outcome) -> Self {
        match outcome {
            record::Outcome::Completed => Self::Completed,
            record::Outcome::Failed => Self::Failed,
            record::Outcome::Refused => Self::Refused,
            record::Outcome::ClientLeft => Self::ClientLeft,
            record::Outcome::Truncated => Self::Truncated,
        }
    }
}

impl From<Outcome> for record::Outcome {
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Completed => Self::Completed,
            Outcome::Failed => Self::Failed,
            Outcome::Refused => Self::Refused,
            Outcome::ClientLeft => Self::ClientLeft,
            Outcome::Truncated => Self::Truncated,
        }
    }
}
