//! Puts limits in force when the settings or the number of live nodes changed without a call of the
//! control API.

use std::sync::Arc;
use std::time::Duration;

use megarouter_api::context::Context;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

const AGAIN: Duration = Duration::from_secs(1);

/// Works until `ending`.
pub async fn run(context: Arc<Context>, ending: CancellationToken) {
    let work = async {
        loop {
            context.limits_changed.notified().await;
            while let Err(error) = context.install_limits().await {
                let failure = error.message;
                tracing::error!(failure, "the limits in force are older than the settings");
                context.upkeep.send_modify(|upkeep| upkeep.limits_failure = Some(failure));
                context.status_changed();
                sleep(AGAIN).await;
            }
            context.upkeep.send_if_modified(|upkeep| upkeep.limits_failure.take().is_some());
        }
    };
    tokio::select! {
        () = work => {}
        () = ending.cancelled() => {}
    }
}
