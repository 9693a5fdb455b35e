//! The proxy: one request's way from accept to settle.
//!
//! Start at [`pipeline`], which names the stages in order. Each stage is a module with one public
//! verb that takes the previous stage's struct by value, so that the compiler checks the order. The
//! gateway reads an immutable snapshot, decides in memory and queues ledger entries; it never waits
//! for a database. It does not listen (`server` does) and does not know how a dialect is written
//! (`dialect` does).

mod abandoned;
pub mod accept;
pub mod answer;
pub mod attempt;
pub mod attribution;
pub mod authenticate;
pub mod body;
pub mod books;
mod cascade;
pub mod copies;
pub mod decode;
pub mod draft;
pub mod feedback;
pub mod guard;
mod held_back;
pub mod idempotency;
mod look;
mod models;
mod no_candidate;
pub mod outbound;
mod pass_through;
pub mod pipeline;
pub mod refusal;
pub mod relay;
pub mod render;
pub mod route;
pub mod settle;
mod shadow;
mod watch;
mod wording;
mod world;

pub use body::Body;
pub use books::{Books, JournalFeed, LeaseAnswer, LeaseAsk};
pub use guard::Guard;
pub use pipeline::{Gateway, Limits};
