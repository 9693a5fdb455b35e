//! Asking the hub for more of a shared budget.
//!
//! The books hold what the hub granted to this node. When a hold needs more, whoever talks to the hub
//! is asked through a channel, and the request waits for [`PATIENCE`] at most, once.

use std::sync::OnceLock;
use std::time::Duration;

use megarouter_ledger::account::AccountKey;
use megarouter_ledger::refusal::LeaseNeed;
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, timeout_at};

/// How long a request waits for the hub.
pub const PATIENCE: Duration = Duration::from_millis(250);

/// A question for more, all or none.
#[derive(Debug)]
pub struct LeaseAsk {
    /// What is short.
    pub needs: Vec<LeaseNeed>,
    /// Where the answer goes, after the books know of the grants. Nobody may be waiting.
    pub answer: oneshot::Sender<LeaseAnswer>,
}

/// What the hub said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LeaseAnswer {
    /// It gave what was needed.
    Granted,
    /// It has not got that much.
    NotEnough {
        /// The account that is in the way.
        key: AccountKey,
        /// What it can give beyond what this node has, in the unit of the account's measure.
        left: u64,
    },
    /// It cannot be reached.
    Unavailable,
}

/// The way to the hub; there is none where the program is alone.
#[derive(Debug, Default)]
pub(super) struct Lender(OnceLock<mpsc::Sender<LeaseAsk>>);

impl Lender {
    pub(super) fn set(&self, sender: mpsc::Sender<LeaseAsk>) {
        // Only the first one counts: there is one hub.
        let _ = self.0.set(sender);
    }

    pub(super) fn is_there(&self) -> bool {
        self.0.get().is_some()
    }

    /// Asks and waits until the deadline.
    pub(super) async fn ask(&self, needs: Vec<LeaseNeed>, deadline: Instant) -> LeaseAnswer {
        let Some(sender) = self.0.get() else { return LeaseAnswer::Unavailable };
        let (answer, answered) = oneshot::channel();
        let asked = timeout_at(deadline, async {
            sender.send(LeaseAsk { needs, answer }).await.ok()?;
            answered.await.ok()
        });
        asked.await.ok().flatten().unwrap_or(LeaseAnswer::Unavailable)
    }

    /// Asks and does not wait: a later try may find it granted.
    pub(super) fn hint(&self, needs: Vec<LeaseNeed>) {
        let Some(sender) = self.0.get() else { return };
        let (answer, _) = oneshot::channel();
        // A full channel has questions enough.
        let _ = sender.try_send(LeaseAsk { needs, answer });
    }
}
