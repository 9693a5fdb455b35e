//! Faults under load, for the tests (a few) and the soak run (many).

mod cuts;
mod kills;

pub use cuts::{CutReport, cut_streams};
pub use kills::{KillReport, kill_under_load};
