//! What happens, as it happens.

pub mod stream;

use serde::Serialize;
use tokio::sync::broadcast;
use utoipa::ToSchema;

use crate::budgets::BudgetAlert;
use crate::requests::RequestRow;

/// Events kept for a client that reads slowly; one that falls further behind is told to read
/// everything again.
const KEPT: usize = 256;

/// What a client should read again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Changed {
    /// The kinds of things that changed.
    pub tags: Vec<Tag>,
}

/// A kind of thing that a client keeps a copy of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Tag {
    /// Configured providers.
    Providers,
    /// Public models.
    Models,
    /// Virtual keys.
    Keys,
    /// Settings.
    Settings,
    /// What is known of models, and what providers list.
    Catalog,
    /// Requests and every sum over them.
    Requests,
    /// The organisation and its parts.
    Units,
    /// Budgets and where they stand.
    Budgets,
    /// The ledger's state, checks and backups.
    Ledger,
    /// The nodes of a hub.
    Nodes,
    /// Policies.
    Policies,
    /// What is said of answers, and what the router learnt from it.
    Feedback,
    /// Runs of the replay lab.
    Replays,
}

impl Tag {
    /// Every tag.
    pub const ALL: &[Self] = &[
        Self::Providers,
        Self::Models,
        Self::Keys,
        Self::Settings,
        Self::Catalog,
        Self::Requests,
        Self::Units,
        Self::Budgets,
        Self::Ledger,
        Self::Nodes,
        Self::Policies,
        Self::Feedback,
        Self::Replays,
    ];
}

/// Something that happened.
#[derive(Clone, Debug)]
pub(crate) enum Event {
    /// A request is finished and on the ledger.
    Request(Box<RequestRow>),
    /// The status is another one.
    Status,
    /// A step of a budget's ladder is reached.
    Alert(Box<BudgetAlert>),
    /// Things changed.
    Changed(Vec<Tag>),
}

/// Tells whoever listens.
#[derive(Debug)]
pub struct Events {
    sender: broadcast::Sender<Event>,
}

impl Default for Events {
    fn default() -> Self {
        Self { sender: broadcast::Sender::new(KEPT) }
    }
}

impl Events {
    /// Begins to listen.
    pub(crate) fn subscribe(&self) -> broadcast::Receiver<Event> {
        self.sender.subscribe()
    }

    /// Tells that kinds of things changed.
    pub(crate) fn changed(&self, tags: &[Tag]) {
        self.send(|| Event::Changed(tags.to_vec()));
    }

    /// Tells that a step of a budget's ladder is reached; `alert` is made only when somebody listens.
    pub(crate) fn alert(&self, alert: impl FnOnce() -> BudgetAlert) {
        self.send(|| Event::Alert(Box::new(alert())));
    }

    /// Tells that the status is another one.
    pub(crate) fn status(&self) {
        self.send(|| Event::Status);
    }

    /// Tells that a request is finished; `row` is made only when somebody listens.
    pub(crate) fn request(&self, row: impl FnOnce() -> RequestRow) {
        self.send(|| Event::Request(Box::new(row())));
    }

    fn send(&self, event: impl FnOnce() -> Event) {
        if self.sender.receiver_count() > 0 {
            // The last listener may leave in between; then nobody misses anything.
            let _ = self.sender.send(event());
        }
    }
}
