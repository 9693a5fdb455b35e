//! Abandoned calls: answers that are paid for in full, whoever waits for them.
//!
//! Some providers bill a whole answer although its connection is closed. A call of theirs that is not
//! streamed goes on when its client leaves, for [`LONGEST`] at most, so that the books have what it really
//! took. Only so many do at a time; beyond that the connection is closed and the worst case charged.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use megarouter_dialect::dialects;
use megarouter_domain::code::Code;
use megarouter_domain::dialect::Dialect;
use megarouter_domain::provider::Target;
use megarouter_domain::record::Outcome;
use megarouter_domain::usage::UsageSource;
use megarouter_providers::client::{Call, UpstreamBody, UpstreamResponse};
use megarouter_providers::errors::CallError;
use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use crate::pipeline::{Gateway, Limits};
use crate::settle::{Attempt, Consumption};

/// How many calls go on without their clients at a time.
pub const MOST: usize = 64;
/// How long one goes on without its client.
const LONGEST: Duration = Duration::from_secs(60);
/// The status noted for a client that left, after nginx's custom.
const CLIENT_CLOSED_REQUEST: u16 = 499;

type Reply = Result<UpstreamResponse, CallError>;
type Work = Pin<Box<dyn Future<Output = Reply> + Send>>;

/// A call that outlives whoever waits for it.
struct Lasting {
    work: Option<Work>,
    attempt: Option<Attempt>,
    dialect: Dialect,
    permits: Arc<Semaphore>,
}

/// Makes a call and reads a good answer to its end, also when the future is dropped.
pub fn call(
    gateway: &Gateway,
    limits: &Limits,
    target: &Arc<Target>,
    call: Call<'_>,
    dialect: Dialect,
    attempt: Attempt,
) -> impl Future<Output = (Attempt, Reply)> + Send + use<> {
    let (client, target, now) = (gateway.client.clone(), Arc::clone(target), gateway.clock.now());
    let (longest, limit) = (limits.whole_answer, limits.max_answer_bytes);
    let (path, query, headers) = (call.path.to_owned(), call.query.map(str::to_owned), call.client_headers.clone());
    let Call { method, at_root, body, content_type, dialect: wire, auth, is_streaming, first_byte_timeout, .. } = call;
    let work = async move {
        let (path, query, client_headers) = (path.as_str(), query.as_deref(), &headers);
        let call = Call {
            method,
            path,
            query,
            at_root,
            body,
            content_type,
            client_headers,
            dialect: wire,
            auth,
            is_streaming,
            first_byte_timeout,
        };
        let reply = client.call(&target, call, now).await?;
        if !reply.status.is_success() {
            return Ok(reply);
        }
        let read = timeout(longest, reply.body.read_all(limit)).await;
        let body = read.map_err(|_| CallError::FirstByteTimeout)??;
        Ok(UpstreamResponse { body: UpstreamBody::whole(body), ..reply })
    };
    let permits = Arc::clone(&gateway.abandoned);
    Lasting { work: Some(Box::pin(work)), attempt: Some(attempt), dialect, permits }
}

impl Future for Lasting {
    type Output = (Attempt, Reply);

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let work = self.work.as_mut().expect("nobody polls what is ready");
        let reply = ready!(work.as_mut().poll(context));
        self.work = None;
        Poll::Ready((self.attempt.take().expect("taken only here and when it is dropped"), reply))
    }
}

impl Drop for Lasting {
    fn drop(&mut self) {
        let (Some(work), Some(attempt)) = (self.work.take(), self.attempt.take()) else { return };
        // Without a place the connection is closed here, and the attempt's own drop charges for it.
        let (Ok(permit), Ok(runtime)) = (Arc::clone(&self.permits).try_acquire_owned(), Handle::try_current()) else {
            return;
        };
        runtime.spawn(go_on(work, attempt, self.dialect, permit));
    }
}

/// Sees a call to its end after its client has left.
async fn go_on(work: Work, mut attempt: Attempt, dialect: Dialect, _permit: OwnedSemaphorePermit) {
    let consumption = match timeout(LONGEST, work).await {
        Ok(Ok(reply)) => {
            attempt.answered(reply.status.as_u16(), reply.request_id.as_deref());
            if reply.status.is_success() { used(reply, dialect).await } else { Consumption::Nothing }
        }
        Ok(Err(error)) if !error.may_have_run() => Consumption::Nothing,
        Ok(Err(_)) | Err(_) => Consumption::Uncertain,
    };
    attempt.finish(consumption, Outcome::ClientLeft, CLIENT_CLOSED_REQUEST, Some(Code::ClientLeft));
}

async fn used(reply: UpstreamResponse, dialect: Dialect) -> Consumption {
    // It is at hand already.
    let Ok(body) = reply.body.read_all(usize::MAX).await else { return Consumption::Uncertain };
    let answer = dialects::read_answer(dialect, &body).ok();
    let usage = answer.and_then(|answer| answer.usage);
    usage.map_or(Consumption::Uncertain, |usage| Consumption::Metered(usage, UsageSource::Reported))
}
