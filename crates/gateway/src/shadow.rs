//! Shadow: a copy of a request for a model that is being looked at.
//!
//! It goes out after the client was served, under the same key and the same budgets, as a request of its own
//! whose answer nobody gets. What copies may cost in a day is bounded, and how many are under way.

use std::collections::HashMap;
use std::future::poll_fn;
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};

use http::Response;
use http_body::Body as _;
use megarouter_domain::clock::Timestamp;
use megarouter_domain::decision::Decision;
use megarouter_domain::id::{DeploymentId, RequestId};
use megarouter_domain::money::NanoUsd;
use megarouter_domain::price::Cost;
use megarouter_domain::record::Purpose;
use megarouter_routing::plan::Plan;
use megarouter_routing::strategies::{self, Special};
use tokio::sync::{Semaphore, oneshot};

use crate::accept::Arrival;
use crate::attempt::{self, Planned};
use crate::body::Body;
use crate::draft::{Draft, Routed};
use crate::pipeline::Gateway;
use crate::render::Failure;
use crate::world::World;

/// How many copies may be under way.
const MOST: usize = 16;
/// A day, in microseconds.
const DAY: i64 = 24 * 60 * 60 * 1_000_000;

/// What copies have cost today, by the deployment that is being looked at.
#[derive(Debug)]
pub(crate) struct Spent {
    by_deployment: Mutex<HashMap<DeploymentId, (i64, NanoUsd)>>,
    permits: Arc<Semaphore>,
}

/// Where the cost of a copy is counted.
pub(crate) struct Expense {
    world: Arc<World>,
    deployment: DeploymentId,
    day: i64,
}

/// A copy that waits until the client was served.
pub(crate) struct Copy {
    planned: Planned,
    draft: Draft,
}

impl Default for Spent {
    fn default() -> Self {
        Self { by_deployment: Mutex::default(), permits: Arc::new(Semaphore::new(MOST)) }
    }
}

impl Spent {
    fn today(&self, deployment: DeploymentId, day: i64) -> NanoUsd {
        let spent = self.by_deployment.lock().unwrap_or_else(PoisonError::into_inner);
        spent.get(&deployment).filter(|(on, _)| *on == day).map_or(NanoUsd::ZERO, |(_, amount)| *amount)
    }

    fn add(&self, deployment: DeploymentId, day: i64, cost: NanoUsd) {
        let mut spent = self.by_deployment.lock().unwrap_or_else(PoisonError::into_inner);
        let (on, amount) = spent.entry(deployment).or_insert((day, NanoUsd::ZERO));
        if *on < day {
            (*on, *amount) = (day, NanoUsd::ZERO);
        }
        *amount += cost;
    }
}

impl Expense {
    /// Counts what it cost.
    pub fn add(&self, cost: Cost) {
        if let Cost::Exact(amount) | Cost::Estimated(amount) = cost {
            self.world.shadows.add(self.deployment, self.day, amount);
        }
    }
}

/// The copy of a request that its route wants, within what copies may cost.
pub(crate) fn of(gateway: &Arc<Gateway>, planned: &Planned, draft: &Draft) -> Option<Copy> {
    let Special::Shadow(strategies::Shadow { choice, daily_cost }) = &planned.special else { return None };
    let (at, deployment) = (gateway.books.instant(), choice.deployment().id);
    let day = at.as_micros().div_euclid(DAY);
    if gateway.world.shadows.today(deployment, day) >= *daily_cost {
        return None;
    }
    let mut limits = planned.limits;
    limits.plan.max_attempts = 1;
    let copy = Planned {
        call: Arc::clone(&planned.call),
        headers: planned.headers.clone(),
        is_strict: false,
        plan: Plan::new(vec![choice.clone()], limits.plan),
        limits,
        special: Special::None,
        purpose: Some(Purpose::Shadow),
        principal: planned.principal.clone(),
        snapshot: Arc::clone(&planned.snapshot),
    };
    let expense = Expense { world: Arc::clone(&gateway.world), deployment, day };
    Some(Copy { draft: draft_of(gateway, &copy, draft, at, expense)?, planned: copy })
}

/// The record of the copy: as the request's own, but for what it was decided by.
fn draft_of(
    gateway: &Arc<Gateway>,
    planned: &Planned,
    draft: &Draft,
    at: Timestamp,
    expense: Expense,
) -> Option<Draft> {
    let routed = draft.routed()?;
    let call = &planned.call;
    let arrival = Arrival {
        request_id: RequestId::new(at, rand::random()),
        at,
        monotonic: gateway.clock.monotonic(),
        user_agent: None,
        dialect: call.dialect,
    };
    let (key, units) = (planned.principal.key.id, draft.units().into());
    let mut copy = Draft::begin(&gateway.books, &gateway.clock, &arrival, key, units, call.operation);
    copy.attributed(draft.attribution());
    copy.asked(call.model(), call.is_streaming());
    let decision = Decision {
        strategy: "shadow".into(),
        rule: routed.decision.rule.clone(),
        task: routed.decision.task.clone(),
        needs: routed.decision.needs,
        input_tokens: routed.decision.input_tokens,
        output_tokens: routed.decision.output_tokens,
        ..Decision::default()
    };
    // It belongs to no session: what serves the client stays where it is.
    copy.decided(Routed {
        world: Arc::clone(&gateway.world),
        decision,
        tier: routed.tier,
        session: None,
        words: None,
        sketch: routed.sketch,
        owner: routed.owner,
    });
    copy.counted_as(expense);
    Some(copy)
}

impl Copy {
    /// Sends it when the client has got its answer.
    pub fn after(
        self,
        gateway: &Arc<Gateway>,
        answer: Result<Response<Body>, Failure>,
    ) -> Result<Response<Body>, Failure> {
        let permit = Arc::clone(&gateway.world.shadows.permits).try_acquire_owned();
        let (Ok(_), Ok(permit)) = (&answer, permit) else {
            self.draft.forget();
            return answer;
        };
        let (done, is_done) = oneshot::channel::<()>();
        let gateway = Arc::clone(gateway);
        tokio::spawn(async move {
            let _permit = permit;
            // It ends by being dropped, with the answer.
            let _ = is_done.await;
            if gateway.pause_state().is_some() {
                return self.draft.forget();
            }
            if let Ok(answer) = attempt::attempt(&gateway, self.planned, self.draft).await {
                drain(answer.into_body()).await;
            }
        });
        answer.map(|response| response.map(|body| body.tells(done)))
    }
}

async fn drain(body: Body) {
    let mut body = pin!(body);
    while let Some(Ok(_)) = poll_fn(|context| body.as_mut().poll_frame(context)).await {}
}
