//! Keeps the texts of requests and answers where the organisation wants that, and removes them in time.
//!
//! While it is off, the gateway copies nothing and this waits. Texts are made unreadable where they have
//! to be before they are written; they never wait in a file as they came.

use std::sync::Arc;
use std::time::Duration;

use megarouter_api::context::Context;
use megarouter_api::settings::{BodyRules, Preferences, redaction_patterns};
use megarouter_gateway::copies::{Copied, Keep};
use megarouter_store::bodies::redact::Redactor;
use megarouter_store::bodies::{Kept, Side};
use megarouter_store::settings::Everything;
use tokio::sync::mpsc;
use tokio::task::spawn_blocking;
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

/// The most of each request and of each answer, in bytes.
const MOST_BYTES: usize = 1 << 20;
/// Copies that wait at the same time; the next ones are lost.
const MOST_WAITING: usize = 64;
/// Copies written at once.
const MOST_TOGETHER: usize = 16;
/// How often old texts are looked for.
const TRIM: Duration = Duration::from_secs(60);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);
const MEGABYTE: u64 = 1_000_000;

/// What people chose.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Rules {
    body: Option<BodyRules>,
    patterns: Vec<String>,
}

/// Works until `ending`, and then writes what waits.
pub async fn run(context: Arc<Context>, ending: CancellationToken) {
    let (sender, mut copies) = mpsc::channel(MOST_WAITING);
    let mut settings = context.follow_settings();
    let mut trim = interval(TRIM);
    trim.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut rules = Rules::default();
    let mut redactor = Arc::default();
    loop {
        let now = rules_of(settings.borrow_and_update().as_deref());
        if now != rules {
            redactor = Arc::new(redactor_of(&now));
            context.gateway.keep_copies(now.is_on().then(|| Arc::new(Keep::new(sender.clone(), MOST_BYTES))));
            rules = now;
        }
        tokio::select! {
            Some(first) = copies.recv() => keep(&context, &rules, &redactor, first, &mut copies).await,
            _ = trim.tick() => remove_old(&context, &rules).await,
            Ok(()) = settings.changed() => {}
            () = ending.cancelled() => break,
        }
    }
    context.gateway.keep_copies(None);
    while let Ok(first) = copies.try_recv() {
        keep(&context, &rules, &redactor, first, &mut copies).await;
    }
}

/// Writes a copy and those that wait behind it.
async fn keep(
    context: &Context,
    rules: &Rules,
    redactor: &Arc<Redactor>,
    first: Copied,
    copies: &mut mpsc::Receiver<Copied>,
) {
    let mut copied = vec![first];
    while copied.len() < MOST_TOGETHER
        && let Ok(next) = copies.try_recv()
    {
        copied.push(next);
    }
    if !rules.is_on() {
        return;
    }
    let redactor = rules.redacts().then(|| Arc::clone(redactor));
    // Expressions over megabytes take a while.
    let work = spawn_blocking(move || copied.iter().map(|copied| kept(copied, redactor.as_deref())).collect());
    let Ok(kept): Result<Vec<Kept>, _> = work.await else {
        tracing::error!("texts could not be made unreadable, and so are not kept");
        return;
    };
    if let Err(error) = context.bodies.put(&kept, context.now()).await {
        tracing::warn!(error = &error as &dyn std::error::Error, "texts are not kept");
    }
}

async fn remove_old(context: &Context, rules: &Rules) {
    let Some(body) = rules.body else { return };
    let now = context.now();
    let before = now.minus(DAY * u32::from(body.retention_days));
    match context.bodies.trim(before, u64::from(body.max_mb) * MEGABYTE, now).await {
        Ok(0) => {}
        Ok(removed) => tracing::info!(removed, "old texts were removed"),
        Err(error) => tracing::warn!(error = &error as &dyn std::error::Error, "old texts were not removed"),
    }
}

fn kept(copied: &Copied, redactor: Option<&Redactor>) -> Kept {
    let side = |bytes: &[u8], size: usize| redacted(Side::of(bytes, size as u64), redactor);
    Kept {
        request_id: copied.request_id,
        at: copied.at,
        operation: copied.operation,
        status: copied.status,
        request: side(&copied.request, copied.request_bytes),
        response: side(&copied.response, copied.response_bytes),
    }
}

fn redacted(side: Side, redactor: Option<&Redactor>) -> Side {
    let (Some(redactor), Some(text)) = (redactor, &side.text) else { return side };
    let redacted = redactor.redact(text);
    Side { text: Some(redacted.text.into()), redactions: redacted.places, ..side }
}

fn rules_of(everything: Option<&Everything>) -> Rules {
    let Some(everything) = everything else { return Rules::default() };
    Rules { body: Preferences::of(everything).bodies, patterns: redaction_patterns(everything) }
}

/// The organisation's own patterns; without them when one is bad, as those of every form are known still.
fn redactor_of(rules: &Rules) -> Redactor {
    Redactor::new(&rules.patterns).unwrap_or_else(|error| {
        tracing::error!(%error, "the organisation's own patterns are not used");
        Redactor::default()
    })
}

impl Rules {
    fn is_on(&self) -> bool {
        self.body.is_some_and(|body| body.is_on)
    }

    fn redacts(&self) -> bool {
        self.body.is_none_or(|body| body.redacts)
    }
}
