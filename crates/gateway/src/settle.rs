//! Settle: the end of an attempt, whichever way it ends.

use std::sync::Arc;
use std::time::Duration;

use megarouter_domain::clock::Clock;
use megarouter_domain::code::Code;
use megarouter_domain::decision::Decision;
use megarouter_domain::dialect::Dialect;
use megarouter_domain::feedback::Signal;
use megarouter_domain::id::{BudgetId, RequestId};
use megarouter_domain::model::Deployment;
use megarouter_domain::price::Cost;
use megarouter_domain::provider::RateLimits;
use megarouter_domain::record::{AttemptRecord, Outcome, Purpose};
use megarouter_domain::snapshot::Snapshot;
use megarouter_domain::usage::{Usage, UsageSource};
use megarouter_providers::catalog::Cancel;
use megarouter_routing::health::{Ended, Fault};

use crate::books::{Hold, HoldError};
use crate::draft::Draft;
use crate::refusal;
use crate::watch::{Watch, fault_of_code};

/// One call to one deployment under way: its hold, its record and the request's draft.
///
/// It owns all three, so that whatever happens to it, the hold ends before the request's record is
/// written. Dropped, it ends as a client that left.
pub struct Attempt {
    hold: Option<Hold>,
    // Boxed, like the figures below: futures hold an attempt many times over.
    record: Option<Box<AttemptRecord>>,
    draft: Option<Draft>,
    clock: Arc<dyn Clock>,
    began: Duration,
    /// What closing the connection does to the provider's bill.
    cancel: Cancel,
    /// The best figure so far, for an end that nobody announces.
    metered: Option<Box<(Usage, UsageSource)>>,
    /// What is told of the provider at the end; `None` for calls that are passed on as they came.
    watch: Option<Box<Watch>>,
}

/// Who is called.
#[derive(Clone, Copy)]
pub struct Callee<'a> {
    /// The deployment.
    pub deployment: &'a Deployment,
    /// The provider's name.
    pub provider: &'a str,
    /// The wire format; `None` where there is none.
    pub dialect: Option<Dialect>,
    /// What closing the connection does to the provider's bill.
    pub cancel: Cancel,
}

/// What an attempt used, as far as anybody knows.
#[derive(Clone, Copy, Debug)]
pub enum Consumption {
    /// Nothing was generated.
    Nothing,
    /// Reported by the provider or counted here.
    Metered(Usage, UsageSource),
    /// We closed the connection after so much had come: what the provider bills depends on it.
    CutShort(Usage, UsageSource),
    /// Generation may have run; only the input was counted.
    Uncertain,
}

impl Attempt {
    /// Begins the attempt; from here on the provider may generate.
    pub fn begin(mut draft: Draft, mut hold: Hold, callee: Callee<'_>, clock: &Arc<dyn Clock>) -> Self {
        let Callee { deployment, provider, dialect, cancel } = callee;
        draft.calling();
        hold.dispatch();
        let record = Box::new(AttemptRecord {
            attempt_id: hold.attempt_id(),
            deployment_id: deployment.id,
            provider_id: deployment.provider_id,
            provider: provider.into(),
            upstream_model: deployment.upstream_model.as_str().into(),
            dialect,
            started_after: draft.elapsed(),
            first_output: None,
            duration: Duration::ZERO,
            status: None,
            error: None,
            detail: None,
            upstream_request_id: None,
            credential_id: None,
            purpose: None,
        });
        let began = clock.monotonic();
        let clock = Arc::clone(clock);
        let (hold, record, draft) = (Some(hold), Some(record), Some(draft));
        Self { hold, record, draft, clock, began, cancel, metered: None, watch: None }
    }

    /// Has the provider's health told how the attempt ends.
    pub(crate) fn watched(&mut self, watch: Watch) {
        if let Some(record) = &mut self.record {
            record.credential_id = watch.credential();
        }
        self.watch = Some(Box::new(watch));
    }

    /// Notes what the provider says is left of its limits.
    pub fn limits(&self, limits: RateLimits) {
        if let Some(watch) = &self.watch {
            watch.limits(limits, self.clock.monotonic());
        }
    }

    /// Notes what the provider's error status says of it.
    pub(crate) fn judged(&mut self, fault: Fault) {
        if let Some(watch) = &mut self.watch {
            watch.judged(fault);
        }
    }

    /// Notes the head of the provider's answer.
    pub fn answered(&mut self, status: u16, upstream_request_id: Option<&str>) {
        if let Some(record) = &mut self.record {
            record.status = Some(status);
            record.upstream_request_id = upstream_request_id.map(Into::into);
        }
    }

    /// Notes the provider's first byte of output.
    pub fn first_output(&mut self) {
        let elapsed = self.elapsed();
        if let Some(record) = &mut self.record {
            record.first_output.get_or_insert(elapsed);
        }
    }

    /// Notes that the client is being sent the first output.
    pub fn output_begins(&mut self, status: u16) {
        if let Some(draft) = &mut self.draft {
            draft.output_begins(status);
        }
    }

    /// Notes what was used so far, in case the client leaves.
    pub fn meter(&mut self, usage: Usage, source: UsageSource) {
        self.metered = Some(Box::new((usage, source)));
    }

    /// Writes what was used so far to the ledger, for an end that not even this program sees.
    pub fn progress(&self, usage: Usage) {
        if let Some(hold) = &self.hold {
            hold.progress(usage);
        }
    }

    /// Whether a budget in money watches over what is generated.
    pub fn is_guarded(&self) -> bool {
        self.hold.as_ref().is_some_and(Hold::is_guarded)
    }

    /// The most output that can come, of all choices; `None` where nobody knows.
    pub fn certain_output(&self) -> Option<u64> {
        self.hold.as_ref().and_then(Hold::certain_output)
    }

    /// Whether what was used so far is set aside; sets more aside where it is not.
    pub fn covers(&mut self, so_far: &Usage) -> bool {
        self.hold.as_mut().is_none_or(|hold| hold.covers(so_far))
    }

    /// Notes that a budget has no more for it, and gives that budget.
    pub fn exhausted(&mut self, snapshot: &Snapshot) -> Option<BudgetId> {
        let refusal = self.hold.as_ref().and_then(Hold::refusal)?;
        if let Some(draft) = &mut self.draft {
            draft.refused(refusal::record(refusal, snapshot, draft.started_at()));
        }
        refusal.budget()
    }

    /// Waits until the hold is durable.
    ///
    /// # Errors
    /// When the journal cannot write it in time.
    pub async fn until_durable(&self) -> Result<(), HoldError> {
        match &self.hold {
            Some(hold) => hold.until_durable().await,
            None => Ok(()),
        }
    }

    /// The request's id.
    pub fn request_id(&self) -> RequestId {
        self.draft.as_ref().expect("taken only by what ends the attempt").request_id()
    }

    /// What was decided about the request, where something was.
    pub(crate) fn decision(&self) -> Option<&Decision> {
        self.draft.as_ref().and_then(Draft::decision)
    }

    /// Notes what the call is made for beside serving the client.
    pub fn made_for(&mut self, purpose: Option<Purpose>) {
        if let Some(record) = &mut self.record {
            record.purpose = purpose;
        }
    }

    /// Which attempt of its request this is; 1 for the first.
    pub fn number(&self) -> usize {
        self.draft.as_ref().map_or(0, Draft::attempts) + 1
    }

    /// Input tokens counted before the call.
    pub fn counted_input(&self) -> u64 {
        self.hold.as_ref().map_or(0, Hold::counted_input)
    }

    /// Ends an attempt that failed, and gives the draft back for the next one.
    pub fn fail(mut self, code: Code, detail: &str, consumption: Consumption) -> Draft {
        if let Some(record) = &mut self.record {
            record.error = Some(code);
            record.detail = Some(detail.chars().take(300).collect::<String>().into());
        }
        self.end(consumption);
        self.draft.take().expect("taken only here and by `finish`, which both end the attempt")
    }

    /// Ends an attempt whose answer the client does not get, and gives the draft back for the next one.
    pub fn passed_over(mut self, detail: &str, consumption: Consumption) -> Draft {
        if let Some(record) = &mut self.record {
            record.detail = Some(detail.into());
            record.purpose = Some(Purpose::Cascade);
        }
        self.end(consumption);
        let draft = self.draft.take().expect("taken only by what ends the attempt");
        draft.saw(Signal::Escalated);
        draft
    }

    /// Ends the attempt and the request with it, and gives what the request cost.
    pub fn finish(mut self, consumption: Consumption, outcome: Outcome, status: u16, error: Option<Code>) -> Cost {
        if let Some(record) = &mut self.record {
            record.error = error;
        }
        self.end(consumption);
        let draft = self.draft.take().expect("taken only here and by `fail`, which both end the attempt");
        draft.finish(outcome, status, error)
    }

    fn end(&mut self, consumption: Consumption) {
        let elapsed = self.elapsed();
        let (Some(hold), Some(mut record)) = (self.hold.take(), self.record.take()) else { return };
        record.duration = elapsed;
        if let Some(watch) = self.watch.take() {
            let ended =
                record.error.map_or_else(|| served(&record, consumption), |code| Ended::Failed(fault_of_code(code)));
            watch.end(ended, self.clock.monotonic());
        }
        let bills_full = bills_full(self.cancel, &hold);
        match consumption {
            Consumption::Nothing => hold.void(),
            Consumption::Metered(usage, source) => hold.settle(usage, source),
            Consumption::CutShort(usage, source) if source == UsageSource::Reported || !bills_full => {
                hold.settle(usage, source);
            }
            Consumption::CutShort(usage, _) => {
                let usage = at_least(hold.most(), usage);
                hold.uncertain(usage);
            }
            Consumption::Uncertain if bills_full => {
                let usage = hold.most();
                hold.uncertain(usage);
            }
            Consumption::Uncertain => {
                let usage = Usage { input: Some(hold.counted_input()), ..Usage::UNREPORTED };
                hold.uncertain(usage);
            }
        }
        if let Some(draft) = &mut self.draft {
            draft.add(*record);
        }
    }

    fn elapsed(&self) -> Duration {
        self.clock.monotonic().saturating_sub(self.began)
    }
}

impl Drop for Attempt {
    fn drop(&mut self) {
        if let Some(record) = &mut self.record {
            record.error = Some(Code::ClientLeft);
        }
        let metered = self.metered.take();
        let consumption = metered.map_or(Consumption::Uncertain, |metered| Consumption::CutShort(metered.0, metered.1));
        self.end(consumption);
    }
}

/// A call that was served, as health sees it.
fn served(record: &AttemptRecord, consumption: Consumption) -> Ended {
    let (Consumption::Metered(usage, _) | Consumption::CutShort(usage, _)) = consumption else {
        return Ended::Served { first_output: None, total: record.duration, output_tokens: None };
    };
    Ended::Served { first_output: record.first_output, total: record.duration, output_tokens: usage.total_output() }
}

/// Whether all that was asked for has to be taken for billed when the connection is closed early. A
/// strict budget believes no more than what is documented.
fn bills_full(cancel: Cancel, hold: &Hold) -> bool {
    match cancel {
        Cancel::StopsBilling => false,
        Cancel::BillsFull => true,
        Cancel::Unknown => hold.is_strict(),
    }
}

/// The most that a call may have used, with the input that the provider reported where it did.
fn at_least(most: Usage, known: Usage) -> Usage {
    let output = most.total_output().max(known.total_output());
    let Some(_) = known.total_input() else { return Usage { output, ..most } };
    Usage { output, reasoning: None, audio_output: None, image_output: None, ..known }
}
