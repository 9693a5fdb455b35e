//! What runs beside the requests.

pub mod backup;
pub mod bodies;
pub mod catalogue;
pub mod fleet;
pub mod journal_writer;
pub mod learn;
pub mod lease;
pub mod limits;
pub mod probe;
pub mod replay;
pub mod retention;
pub mod settings;
pub mod ship;
pub mod watch;

use std::sync::Arc;
use std::time::Duration;

use megarouter_api::context::{BackupOrder, Context};
use megarouter_gateway::LeaseAsk;
use megarouter_gateway::feedback::Signalled;
use megarouter_store::settings::Mirror;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::config::BackupOptions;
use crate::proxy::Readiness;
use crate::stores::Membership;
use lease::Leases;

/// Requests that wait for the hub at the same time; the next one is told that it is not available.
const MOST_ASKS: usize = 1_024;

/// Settings of the jobs that look after the ledger.
pub struct Care {
    /// How copies are made.
    pub backup: BackupOptions,
    /// Where requests for a copy come in.
    pub wanted: mpsc::Receiver<BackupOrder>,
    /// How long single requests are kept; `None` for ever.
    pub retention: Option<Duration>,
    /// The longest that a stream may last.
    pub longest_stream: Duration,
    /// Where what people say of answers comes in.
    pub signals: mpsc::Receiver<Signalled>,
}

/// The running jobs of a server or a window.
#[derive(Default)]
pub struct Jobs {
    /// End before the requests under way do.
    early: Group,
    /// Note what is left of requests: end after them.
    noting: Group,
    /// The way to the hub for grants: needed by requests, ends after them.
    lending: Group,
    /// Ends when every entry is on the disk.
    shipping: Group,
    /// Ends last.
    beating: Group,
}

#[derive(Default)]
struct Group {
    tasks: JoinSet<()>,
    ending: CancellationToken,
}

impl Jobs {
    /// Starts what every installation needs.
    pub fn start(&mut self, context: &Arc<Context>, care: Care, mirror: Option<Arc<Mirror>>) {
        let Care { backup, wanted, retention, longest_stream, signals } = care;
        let has_backups = backup.every.is_some();
        self.early.run(|ending| catalogue::run(Arc::clone(context), ending));
        self.early.run(|ending| backup::run(Arc::clone(context), backup, wanted, ending));
        self.early.run(|ending| limits::run(Arc::clone(context), ending));
        self.early.run(|ending| watch::run(Arc::clone(context), longest_stream, ending));
        self.early.run(|ending| watch::check_file(Arc::clone(context), ending));
        self.early.run(|ending| probe::run(Arc::clone(context), ending));
        self.early.run(|ending| replay::run(Arc::clone(context), ending));
        self.noting.run(|ending| bodies::run(Arc::clone(context), ending));
        self.noting.run(|ending| learn::run(Arc::clone(context), signals, mirror, ending));
        if let Some(age) = retention {
            self.early.run(|ending| retention::run(Arc::clone(context), age, has_backups, ending));
        }
    }

    /// Starts what a node of a hub needs beyond that. No shared budget is spent before the hub has answered.
    pub fn join(&mut self, context: &Arc<Context>, membership: Membership, readiness: Arc<Readiness>) {
        let Membership { fleet, pool, mirror, seen } = membership;
        let (lender, asks) = mpsc::channel::<LeaseAsk>(MOST_ASKS);
        let (doubting, doubts) = mpsc::channel(1);
        context.gateway.books().lend_from(lender);
        let following = Arc::clone(&readiness);
        let leases = Leases::new(Arc::clone(context), Arc::clone(&fleet));
        self.early
            .run(|ending| settings::follow(Arc::clone(context), mirror, seen, following, Arc::clone(&fleet), ending));
        self.early.run(|ending| fleet::clear_accounts(Arc::clone(&fleet), ending));
        self.lending.run(|ending| leases.run(asks, doubts, ending));
        self.shipping.run(|ending| ship::run(Arc::clone(context), Arc::clone(&fleet), pool, ending));
        self.beating.run(|ending| fleet::keep_alive(Arc::clone(context), fleet, readiness, doubting, ending));
    }

    /// Ends what no request needs.
    pub async fn end_early(&mut self) {
        self.early.end().await;
    }

    /// Notes what is left of the last requests, and gives back what was granted to this node.
    pub async fn end_lending(&mut self) {
        self.noting.end().await;
        self.lending.end().await;
    }

    /// Ships the rest and leaves the hub, when every entry is on the disk.
    pub async fn end_shipping(&mut self) {
        self.shipping.end().await;
        self.beating.end().await;
    }
}

impl Group {
    fn run<F: Future<Output = ()> + Send + 'static>(&mut self, job: impl FnOnce(CancellationToken) -> F) {
        self.tasks.spawn(job(self.ending.clone()));
    }

    async fn end(&mut self) {
        self.ending.cancel();
        while let Some(ended) = self.tasks.join_next().await {
            if let Err(error) = ended {
                tracing::error!(%error, "a job failed");
            }
        }
    }
}
