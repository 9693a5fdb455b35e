//! Look: what an answer broke of what was asked for, seen after the client has got it.
//!
//! A policy learns from it how good its models are at schemas and tools. What passes is kept, up to a bound,
//! and looked at beside the request; an answer that did not end well is not looked at.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use megarouter_dialect::flaws::{self, Flaw};
use megarouter_domain::clock::Clock;
use megarouter_domain::decision::Decision;
use megarouter_domain::facts::Need;
use megarouter_domain::feedback::Signal;
use megarouter_domain::id::RequestId;
use tokio::runtime::Handle;

use crate::attempt::Planned;
use crate::decode::{Call, Content};
use crate::pipeline::Gateway;
use crate::settle::Attempt;
use crate::world::World;

/// The largest answer that is looked at, in bytes.
const MOST: usize = 256 * 1024;

/// An answer on its way, to be looked at when it has passed.
pub(crate) struct Look {
    world: Arc<World>,
    clock: Arc<dyn Clock>,
    call: Arc<Call>,
    request_id: RequestId,
    passed: BytesMut,
    is_too_long: bool,
}

impl Planned {
    /// Has the answer looked at, where a policy decided and something of its form was asked for.
    pub(crate) fn look(&self, gateway: &Gateway, attempt: &Attempt) -> Option<Box<Look>> {
        let asks_form = |decision: &Decision| {
            decision.task.is_some() && (decision.needs.contains(Need::Schema) || decision.needs.contains(Need::Tools))
        };
        let is_wanted = attempt.decision().is_some_and(asks_form) && matches!(self.call.content, Content::Answer(_));
        is_wanted.then(|| {
            Box::new(Look {
                world: Arc::clone(&gateway.world),
                clock: Arc::clone(&gateway.clock),
                call: Arc::clone(&self.call),
                request_id: attempt.request_id(),
                passed: BytesMut::new(),
                is_too_long: false,
            })
        })
    }
}

impl Look {
    /// Takes the next bytes of the answer.
    pub fn take(&mut self, piece: &Bytes) {
        self.is_too_long |= self.passed.len() + piece.len() > MOST;
        if !self.is_too_long {
            self.passed.extend_from_slice(piece);
        }
    }
}

impl Drop for Look {
    fn drop(&mut self) {
        let (false, Ok(runtime)) = (self.is_too_long || self.passed.is_empty(), Handle::try_current()) else { return };
        let (world, clock, request_id) = (Arc::clone(&self.world), Arc::clone(&self.clock), self.request_id);
        let (call, passed) = (Arc::clone(&self.call), std::mem::take(&mut self.passed));
        runtime.spawn(async move {
            if let Some(signal) = broken(&call, &passed) {
                // Only what ended well is remembered.
                world.opinions.see_remembered(request_id, signal, clock.now());
            }
        });
    }
}

fn broken(call: &Call, body: &[u8]) -> Option<Signal> {
    let Content::Answer(asking) = &call.content else { return None };
    let answer = flaws::read(call.dialect, body, call.is_streaming())?;
    match flaws::find(&answer, asking.conversation().ok()?, |flaw| matches!(flaw, Flaw::BrokeSchema | Flaw::BrokeTool))?
    {
        Flaw::BrokeSchema => Some(Signal::BrokeSchema),
        Flaw::BrokeTool => Some(Signal::BrokeTool),
        Flaw::Empty | Flaw::CutShort | Flaw::Refusal => None,
    }
}
