//! The usage record of a request that is still under way.

use std::sync::Arc;
use std::time::Duration;

use megarouter_dialect::losses::Losses;
use megarouter_domain::clock::{Clock, Timestamp};
use megarouter_domain::code::Code;
use megarouter_domain::decision::Decision;
use megarouter_domain::feedback::Signal;
use megarouter_domain::id::{KeyId, RequestId, UnitId};
use megarouter_domain::price::Cost;
use megarouter_domain::record::{AttemptRecord, BudgetRefusal, Operation, Outcome, UsageRecord};
use megarouter_domain::tag::Tag;
use megarouter_domain::usage::{Usage, UsageSource};
use megarouter_routing::affinity::{Pin, Tier};
use megarouter_routing::predictor::sketch::Sketch;

use crate::accept::Arrival;
use crate::attribution::Attribution;
use crate::books::Books;
use crate::feedback::Answered;
use crate::idempotency::{Claim, Names, Repeatable};
use crate::render::Failure;
use crate::shadow::Expense;
use crate::world::World;

/// The status noted when the client left before one was sent, after nginx's custom.
const CLIENT_CLOSED_REQUEST: u16 = 499;

/// A usage record in the making. It is written exactly once: by [`Draft::finish`], or when it is
/// dropped because the client left.
pub struct Draft {
    books: Arc<Books>,
    clock: Arc<dyn Clock>,
    arrived: Duration,
    status_sent: Option<u16>,
    record: Option<Box<UsageRecord>>,
    /// The request's idempotency key, where it has one.
    claim: Option<Claim>,
    /// What its end changes in the world, where something was decided.
    routed: Option<Box<Routed>>,
    /// What it costs counts here too.
    expense: Option<Expense>,
}

/// What a request's end changes in the world.
pub(crate) struct Routed {
    /// The world.
    pub world: Arc<World>,
    /// What was decided.
    pub decision: Decision,
    /// What a session's pin belongs to.
    pub tier: Tier,
    /// The session that was decided for.
    pub session: Option<Arc<str>>,
    /// The same for the same words at the same place of the same session.
    pub words: Option<u64>,
    /// The request's text, condensed.
    pub sketch: Option<Sketch>,
    /// Who owns the key.
    pub owner: Option<UnitId>,
}

impl Draft {
    /// Begins the record of an authenticated request.
    pub fn begin(
        books: &Arc<Books>,
        clock: &Arc<dyn Clock>,
        arrival: &Arrival,
        key_id: KeyId,
        units: Arc<[UnitId]>,
        operation: Operation,
    ) -> Self {
        let record = UsageRecord {
            request_id: arrival.request_id,
            started_at: arrival.at,
            key_id,
            units,
            tags: vec![],
            session: None,
            refusal: None,
            operation,
            model_asked: Arc::from(""),
            model: None,
            provider: None,
            upstream_model: None,
            is_streaming: false,
            status: CLIENT_CLOSED_REQUEST,
            outcome: Outcome::ClientLeft,
            error: Some(Code::ClientLeft),
            usage: Usage::UNREPORTED,
            usage_source: UsageSource::Reported,
            cost: Cost::NotBillable,
            first_output: None,
            total: Duration::ZERO,
            overhead: None,
            attempts: Vec::new(),
            losses: Vec::new(),
            user_agent: arrival.user_agent.clone(),
            decision: None,
        };
        Self {
            books: Arc::clone(books),
            clock: Arc::clone(clock),
            arrived: arrival.monotonic,
            status_sent: None,
            record: Some(Box::new(record)),
            claim: None,
            routed: None,
            expense: None,
        }
    }

    /// The request's id.
    pub fn request_id(&self) -> RequestId {
        self.record().request_id
    }

    /// When the request arrived.
    pub fn started_at(&self) -> Timestamp {
        self.record().started_at
    }

    /// The model name as the client wrote it.
    pub fn model_asked(&self) -> Arc<str> {
        Arc::clone(&self.record().model_asked)
    }

    /// Whom it is charged to.
    pub fn units(&self) -> &[UnitId] {
        &self.record().units
    }

    /// What the app said about it.
    pub fn tags(&self) -> &[Tag] {
        &self.record().tags
    }

    /// The session it belongs to.
    pub fn session(&self) -> Option<Arc<str>> {
        self.record().session.clone()
    }

    /// Time since the request arrived.
    pub fn elapsed(&self) -> Duration {
        self.clock.monotonic().saturating_sub(self.arrived)
    }

    /// Notes what the app says about the request.
    pub fn attributed(&mut self, attribution: Attribution) {
        let record = self.record_mut();
        (record.tags, record.session) = (attribution.tags, attribution.session);
    }

    /// Notes the session that the body names, where the headers name none.
    pub fn in_session(&mut self, session: Option<Arc<str>>) {
        let record = self.record_mut();
        if record.session.is_none() {
            record.session = session;
        }
    }

    /// Takes the request's idempotency key, to keep or to give back at its end.
    ///
    /// # Errors
    /// When another request has it.
    pub fn claim(&mut self, names: &Arc<Names>, repeatable: Repeatable) -> Result<(), Failure> {
        self.claim = Some(names.claim(repeatable, self.request_id(), self.clock.monotonic())?);
        Ok(())
    }

    /// Notes which limit was in the way.
    pub fn refused(&mut self, refusal: Option<Box<BudgetRefusal>>) {
        self.record_mut().refusal = refusal;
    }

    /// Notes what the client asked for.
    pub fn asked(&mut self, model: &str, is_streaming: bool) {
        let record = self.record_mut();
        record.model_asked = model.into();
        record.is_streaming = is_streaming;
    }

    /// Notes which public model that is, or which one is tried next.
    pub fn resolved(&mut self, model: &str) {
        let record = self.record_mut();
        if record.model.as_deref() != Some(model) {
            record.model = Some(model.into());
        }
    }

    /// Notes how it was decided what serves it.
    pub(crate) fn decided(&mut self, routed: Routed) {
        self.routed = Some(Box::new(routed));
    }

    /// Notes why nothing was left to serve it.
    pub(crate) fn undecided(&mut self, decision: Box<Decision>) {
        self.record_mut().decision = Some(decision);
    }

    /// Has what it costs counted in another place too.
    pub(crate) fn counted_as(&mut self, expense: Expense) {
        self.expense = Some(expense);
    }

    /// What was decided, where something was.
    pub(crate) fn decision(&self) -> Option<&Decision> {
        self.routed.as_deref().map(|routed| &routed.decision)
    }

    /// What its end changes in the world, where something was decided.
    pub(crate) fn routed(&self) -> Option<&Routed> {
        self.routed.as_deref()
    }

    /// What the app said about it.
    pub(crate) fn attribution(&self) -> Attribution {
        Attribution { tags: self.tags().to_vec(), session: self.session() }
    }

    /// Leaves no record: nothing came of it, and nobody asked for it.
    pub(crate) fn forget(mut self) {
        self.record = None;
    }

    /// Tells what was seen of the answer of the deployment that was tried last.
    pub(crate) fn saw(&self, signal: Signal) {
        let (Some(routed), Some(answered)) = (&self.routed, self.answered()) else { return };
        routed.world.opinions.see(&Arc::new(answered), signal, self.clock.now());
    }

    /// What is to be remembered of the request, as far as it came.
    fn answered(&self) -> Option<Answered> {
        let (routed, record) = (self.routed.as_deref()?, self.record.as_deref()?);
        let deployment_id = record.attempts.last()?.deployment_id;
        let decision = &routed.decision;
        let seen = decision.candidates.iter().find(|candidate| candidate.deployment_id == deployment_id);
        Some(Answered {
            request_id: record.request_id,
            at: record.started_at,
            key_id: record.key_id,
            owner: routed.owner,
            model: Arc::clone(record.model.as_ref()?),
            deployment_id,
            policy_id: decision.rule.as_ref().map(|rule| rule.policy_id),
            expected: seen.and_then(|candidate| candidate.quality),
            task: decision.task.clone(),
            sketch: routed.sketch,
        })
    }

    /// Notes what the translation for the provider to be called could not carry.
    pub fn translated(&mut self, losses: &Losses) {
        self.record_mut().losses = losses.iter().cloned().collect();
    }

    /// Notes that the first provider is being called: what passed until here was our own time.
    pub fn calling(&mut self) {
        let elapsed = self.elapsed();
        self.record_mut().overhead.get_or_insert(elapsed);
    }

    /// Notes that the client is being sent its first output with this status.
    pub fn output_begins(&mut self, status: u16) {
        let elapsed = self.elapsed();
        self.status_sent = Some(status);
        self.record_mut().first_output.get_or_insert(elapsed);
    }

    /// Adds an attempt that ended.
    pub fn add(&mut self, attempt: AttemptRecord) {
        let record = self.record_mut();
        record.provider = Some(Arc::clone(&attempt.provider));
        record.upstream_model = Some(Arc::clone(&attempt.upstream_model));
        record.attempts.push(attempt);
    }

    /// How many calls were made so far.
    pub fn attempts(&self) -> usize {
        self.record().attempts.len()
    }

    /// Writes the record, and gives what the request cost.
    pub fn finish(mut self, outcome: Outcome, status: u16, error: Option<Code>) -> Cost {
        self.write(outcome, status, error).unwrap_or(Cost::Unknown)
    }

    fn write(&mut self, outcome: Outcome, status: u16, error: Option<Code>) -> Option<Cost> {
        let total = self.elapsed();
        let answered = if outcome == Outcome::Completed { self.answered() } else { None };
        let mut record = self.record.take()?;
        record.outcome = outcome;
        record.status = status;
        record.error = error;
        record.total = total;
        let was_billed = !record.attempts.is_empty() && !matches!(outcome, Outcome::Failed | Outcome::Refused);
        let claim = self.claim.take();
        if let Some(routed) = self.routed.take() {
            record.decision = Some(Box::new(routed.end(answered, self.clock.monotonic())));
        }
        let cost = self.books.finish(record);
        if let Some(expense) = &self.expense {
            expense.add(cost);
        }
        if let Some(claim) = claim.filter(|_| was_billed) {
            claim.keep();
        }
        Some(cost)
    }

    fn record(&self) -> &UsageRecord {
        self.record.as_deref().expect("taken only by `write`, which ends the draft")
    }

    fn record_mut(&mut self) -> &mut UsageRecord {
        self.record.as_deref_mut().expect("taken only by `write`, which ends the draft")
    }
}

impl Routed {
    /// Changes the world by how the request ended; gives the decision for its record.
    fn end(self: Box<Self>, answered: Option<Answered>, now: Duration) -> Decision {
        let Some(answered) = answered else { return self.decision };
        if let Some(session) = &self.session {
            let pin = Pin { deployment: answered.deployment_id, tokens: self.decision.input_tokens };
            self.world.affinity_mut().keep(session, self.tier, pin, now);
        }
        self.world.opinions.remember(answered, self.words, now);
        self.decision
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        let status = self.status_sent.unwrap_or(CLIENT_CLOSED_REQUEST);
        self.write(Outcome::ClientLeft, status, Some(Code::ClientLeft));
    }
}
