//! Follows the settings that the nodes of a hub share, and keeps a copy of them for a start without
//! the hub.

use std::sync::Arc;
use std::time::Duration;

use megarouter_api::configuration::Reread;
use megarouter_api::context::Context;
use megarouter_api::error::ApiError;
use megarouter_api::events::Tag;
use megarouter_domain::provider::Provider;
use megarouter_store::settings::{Everything, Mirror};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use super::fleet::Fleet;
use crate::proxy::Readiness;

const AGAIN: Duration = Duration::from_secs(1);

/// Puts every change that another node made in force here, until `ending`. `seen` is the version in
/// force; `None` when this node has none yet, and lets nobody in until it has.
pub async fn follow(
    context: Arc<Context>,
    mirror: Arc<Mirror>,
    mut seen: Option<u64>,
    readiness: Arc<Readiness>,
    fleet: Arc<Fleet>,
    ending: CancellationToken,
) {
    let work = async {
        prepare(&context).await;
        settle(&context).await;
        loop {
            let version = match seen {
                Some(seen) => Some(context.settings.changed(seen).await),
                None => None,
            };
            match put_in_force(&context).await {
                // The hub went away between the two, and these are the old ones.
                Ok(everything) if version.is_some_and(|version| everything.version < version) => sleep(AGAIN).await,
                Ok(everything) => {
                    seen = Some(everything.version);
                    if !readiness.is_configured() {
                        readiness.configured();
                        fleet.doubt();
                    }
                    keep(&mirror, &everything).await;
                }
                Err(error) => {
                    tracing::warn!(error = error.message, "the hub's settings cannot be read");
                    sleep(AGAIN).await;
                }
            }
        }
    };
    tokio::select! {
        () = work => {}
        () = ending.cancelled() => {}
    }
}

/// Makes the tables and the organisation, the first time that the hub is there.
async fn prepare(context: &Context) {
    while let Err(error) = context.settings.prepare(context.now(), context.entropy()).await {
        tracing::warn!(error = &error as &dyn std::error::Error, "the hub's database cannot be used yet");
        sleep(AGAIN).await;
    }
}

/// Ends what a run that died was about to change and did not.
async fn settle(context: &Context) {
    while let Err(error) = context.settle_changes().await {
        tracing::warn!(error = error.message, "what the last run was about to change is not known yet");
        sleep(AGAIN).await;
    }
}

/// Reads everything and puts it in force: keys and budgets at once, credentials after them, since a
/// secret store may be slow and a revocation must not be.
async fn put_in_force(context: &Context) -> Result<Everything, ApiError> {
    let before = context.gateway.snapshot();
    let everything = context.change(vec![], Reread::Nothing, Tag::ALL).await?;
    let is_known = |provider: &Provider| before.target(provider.id).is_some_and(|target| target.provider == *provider);
    if everything.providers.iter().all(is_known) {
        return Ok(everything);
    }
    context.change(vec![], Reread::All, Tag::ALL).await
}

async fn keep(mirror: &Mirror, everything: &Everything) {
    if let Err(error) = mirror.keep(everything).await {
        tracing::warn!(error = &error as &dyn std::error::Error, "the copy of the hub's settings was not renewed");
    }
}
