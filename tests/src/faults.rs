//! Faults under load, for the tests (a few) and the soak run (many).

mod cuts;
mod disk;
mod kills;
mod recovery;

pub use cuts::{CutReport, cut_streams};
pub use disk::{FailingSync, SmallDisk};
pub use kills::{KillReport, kill_under_load, verify, verify_settled};
pub use recovery::{Recovery, recover};
