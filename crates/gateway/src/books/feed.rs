//! The writer's end of the books.

use std::sync::Arc;

use megarouter_ledger::entry::{Entry, Lsn};
use tokio::time::{Instant, sleep_until};

use super::{Books, Durability};

/// The writer's end of the books.
pub struct JournalFeed {
    pub(super) books: Arc<Books>,
}

impl JournalFeed {
    /// Waits until there is something to write and it is time to, then gives all of it.
    pub async fn next_batch(&mut self) -> Vec<Entry> {
        loop {
            let due = self.books.lock().due;
            match due {
                None => self.books.wake.notified().await,
                Some(due) if due <= Instant::now() => return self.take(),
                Some(due) => tokio::select! {
                    () = sleep_until(due) => {}
                    () = self.books.wake.notified() => {}
                },
            }
        }
    }

    /// Gives all there is, at once; for the end of the program.
    pub fn take(&mut self) -> Vec<Entry> {
        let mut state = self.books.lock();
        state.due = None;
        std::mem::take(&mut state.queue)
    }

    /// Says that every entry up to `lsn` is durable.
    pub fn committed(&self, lsn: Lsn) {
        self.books.durable.send_replace(Durability { lsn, failure: None });
    }

    /// Says that entries cannot be written at present. New holds are refused until
    /// [`JournalFeed::committed`] is called again; the writer keeps the batch it could not write.
    pub fn failed(&self, why: &str) {
        self.books.durable.send_modify(|durable| durable.failure = Some(why.into()));
    }
}
