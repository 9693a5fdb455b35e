//! Looks whether providers that failed work again, by calls that cost nothing: their list of models.
//!
//! Only deployments that rest are looked at, so that they come back before a client has to try them; where
//! people switched it on, every provider in use is.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use megarouter_api::context::Context;
use megarouter_api::settings::Preferences;
use megarouter_domain::id::{DeploymentId, ProviderId};
use megarouter_providers::probe::{self, Problem};
use tokio::time::{Instant, MissedTickBehavior, interval, timeout};
use tokio_util::sync::CancellationToken;

/// How often resting deployments are looked for.
const LOOK: Duration = Duration::from_secs(5);
/// The least time between two calls to one provider that rests.
const AGAIN: Duration = Duration::from_secs(15);
/// The time between two calls to a provider that works.
const ROUND: Duration = Duration::from_secs(5 * 60);
/// The longest that a call may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// What says that a provider cannot serve anything.
const AWAY: [Problem; 5] =
    [Problem::Dns, Problem::ConnectRefused, Problem::ConnectTimeout, Problem::Tls, Problem::UpstreamError];

/// A provider with its deployments.
#[derive(Debug, Default)]
struct Watched {
    deployments: Vec<DeploymentId>,
    /// Those of them that rest.
    resting: Vec<DeploymentId>,
}

/// Works until `ending`.
pub async fn run(context: Arc<Context>, ending: CancellationToken) {
    let work = async {
        let mut look = interval(LOOK);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut asked: HashMap<ProviderId, Instant> = HashMap::new();
        loop {
            look.tick().await;
            let providers = watched(&context);
            asked.retain(|id, _| providers.contains_key(id));
            for (id, watched) in providers {
                let Some(pause) = pause(&context, &watched) else { continue };
                if asked.get(&id).is_some_and(|last| last.elapsed() < pause) {
                    continue;
                }
                asked.insert(id, Instant::now());
                ask(&context, id, &watched).await;
            }
        }
    };
    tokio::select! {
        () = work => {}
        () = ending.cancelled() => {}
    }
}

/// How long a provider is left alone between two calls; `None` for ever.
fn pause(context: &Context, watched: &Watched) -> Option<Duration> {
    if !watched.resting.is_empty() {
        return Some(AGAIN);
    }
    let wants_all = context.last_good().is_some_and(|everything| Preferences::of(&everything).probes == Some(true));
    wants_all.then_some(ROUND)
}

/// The providers in use.
fn watched(context: &Context) -> HashMap<ProviderId, Watched> {
    let resting = context.gateway.resting();
    context.gateway.look_around(|table, _| {
        let mut providers: HashMap<ProviderId, Watched> = HashMap::new();
        for served in table.served().iter().filter(|served| served.is_usable()) {
            let watched = providers.entry(served.provider_id()).or_default();
            watched.deployments.push(served.deployment_id());
            if resting.contains(&served.deployment_id()) {
                watched.resting.push(served.deployment_id());
            }
        }
        providers
    })
}

/// Asks a provider for its models and notes what that says of its deployments. A list that lacks a model says
/// nothing: not every provider lists all that it serves.
async fn ask(context: &Context, id: ProviderId, watched: &Watched) {
    let snapshot = context.gateway.snapshot();
    let Some(target) = snapshot.target(id) else { return };
    let asked = timeout(PATIENCE, probe::test(context.gateway.client(), target, None, context.now())).await;
    let (noted, works) = match asked.as_ref().map(|diagnosis| diagnosis.problem) {
        Ok(None) => (&watched.resting, true),
        Err(_) => (&watched.deployments, false),
        Ok(Some(problem)) if AWAY.contains(&problem) => (&watched.deployments, false),
        // It answers. What else is wrong, its calls will tell.
        Ok(Some(_)) => return,
    };
    tracing::debug!(provider = target.provider.name, works, "a provider was asked whether it works");
    for deployment in noted {
        context.gateway.probed(*deployment, works);
    }
}
