//! Putting limits in force: what the configuration says, on what the ledger added up.

use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;
use megarouter_domain::budget::UnknownPrice;
use megarouter_ledger::limits::Limits;
use megarouter_store::settings::Everything;

use crate::context::Context;
use crate::error::ApiError;
use crate::settings::Preferences;

/// How far ahead of the present sums are asked for.
const AHEAD: Duration = Duration::from_secs(60);
/// How often the ledger is asked again because too much happened since its answer.
const MOST_TRIES: u32 = 20;

impl Context {
    /// Puts the limits of the snapshot in force: when this returns, the next hold is decided on them, with
    /// everything counted that was used in their windows before.
    ///
    /// # Errors
    /// When the ledger does not answer; then the limits before stay in force.
    pub async fn install_limits(&self) -> Result<(), ApiError> {
        // Two at a time could end with the older limits in force.
        let _installing = self.installing.lock().await;
        let snapshot = self.gateway.snapshot();
        let limits = Arc::new(Limits::new(snapshot.budgets(), snapshot.units(), self.unknown_price()));
        let books = self.gateway.books();
        for _ in 0..MOST_TRIES {
            // By the books' clock, which never goes back, and a little ahead of it: a request of the next window may
            // arrive before the answer does, and its sum has to be known as well.
            let queries = limits.openings(books.oldest(), books.instant().plus(AHEAD));
            let (as_of, openings) = self.ledger.openings(&queries).await?;
            if books.set_limits(Arc::clone(&limits), &openings, as_of).is_ok() {
                return Ok(());
            }
            tracing::warn!("the ledger moved on too fast for new limits; asking it again");
        }
        let message = "The ledger moved on too fast to put the limits in force. The ones before still hold. Try again.";
        Err(ApiError::new(StatusCode::SERVICE_UNAVAILABLE, "ledger.busy", message))
    }

    /// What becomes of requests whose price is not known, where a hard budget in money applies.
    fn unknown_price(&self) -> UnknownPrice {
        self.last_good().map_or_else(UnknownPrice::default, |everything| unknown_price(&everything))
    }
}

fn unknown_price(everything: &Everything) -> UnknownPrice {
    Preferences::of(everything).unknown_price.unwrap_or_default().into()
}
