//! `POST /replays`

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use megarouter_domain::id::{ReplayId, RequestId};
use megarouter_domain::money::NanoUsd;
use megarouter_domain::record::{Operation, Outcome, UsageRecord};
use megarouter_store::bodies::Kept;
use megarouter_store::ledger::requests::Filter;
use megarouter_store::settings::replays::{self, ReplayAnswer, ReplayItem, ReplayState};
use serde::Serialize;

use super::{NewReplay, Replay, ReplaySource};
use crate::context::Context;
use crate::error::{ApiError, settings_unavailable};
use crate::events::Tag;
use crate::extract::Body;

/// The most candidates of a run.
const MOST_CANDIDATES: usize = 4;
/// The most prompts of a run.
const MOST_ITEMS: usize = 200;
/// The latest requests where nobody says how many.
const USUAL_LAST: u32 = 20;
/// The longest name, in characters.
const LONGEST_NAME: usize = 100;
/// The longest prompt, in bytes.
const LONGEST_PROMPT: usize = 64 * 1024;

/// What a prompt is sent as.
#[derive(Serialize)]
struct Conversation<'a> {
    messages: [Message<'a>; 1],
}

#[derive(Serialize)]
struct Message<'a> {
    role: &'static str,
    content: &'a str,
}

/// Asks candidate models recorded or new prompts again, up to a cost. Runs beside the requests.
#[utoipa::path(post, path = "/replays", operation_id = "start_replay", tag = "replays", request_body = NewReplay,
    responses((status = 201, description = "The run", body = Replay)))]
pub async fn start_replay(
    State(context): State<Arc<Context>>,
    Body(request): Body<NewReplay>,
) -> Result<(StatusCode, Json<Replay>), ApiError> {
    check(&context, &request)?;
    let items = items(&context, request.from).await?;
    let replay = replays::Replay {
        id: ReplayId::new(context.now(), context.entropy()),
        name: request.name.trim().to_owned(),
        candidates: request.candidates,
        judge: request.judge,
        max_cost: request.max_cost.0,
        cost: NanoUsd::ZERO,
        state: ReplayState::Waiting,
        detail: None,
        promotion: None,
        created_at: context.now(),
        finished_at: None,
    };
    context.settings.add_replay(&replay, &items).await.map_err(|error| settings_unavailable(&error))?;
    context.replays_changed.notify_one();
    context.changed(&[Tag::Replays]);
    Ok((StatusCode::CREATED, Json(Replay::of(&replay, &items))))
}

fn check(context: &Context, request: &NewReplay) -> Result<(), ApiError> {
    let length = request.name.trim().chars().count();
    if !(1..=LONGEST_NAME).contains(&length) || request.name.chars().any(char::is_control) {
        return Err(invalid("name", &format!("A name has 1 to {LONGEST_NAME} characters.")));
    }
    if request.candidates.is_empty() || request.candidates.len() > MOST_CANDIDATES {
        return Err(invalid("candidates", &format!("A run has 1 to {MOST_CANDIDATES} candidates.")));
    }
    let snapshot = context.gateway.snapshot();
    for (index, name) in request.candidates.iter().enumerate() {
        if request.candidates[..index].contains(name) {
            return Err(invalid(&format!("candidates[{index}]"), &format!("`{name}` is there twice.")));
        }
        if snapshot.resolve(name).is_none() {
            return Err(invalid(&format!("candidates[{index}]"), &format!("There is no model `{name}`.")));
        }
    }
    if let Some(judge) = request.judge.as_deref().filter(|judge| snapshot.resolve(judge).is_none()) {
        return Err(invalid("judge", &format!("There is no model `{judge}`.")));
    }
    if request.max_cost.0 <= NanoUsd::ZERO {
        return Err(invalid("max_cost", "A run needs a limit on what it may cost, above zero."));
    }
    Ok(())
}

async fn items(context: &Context, source: ReplaySource) -> Result<Vec<ReplayItem>, ApiError> {
    let ReplaySource { request_ids, model, last, prompts } = source;
    let items = match (request_ids, model, prompts) {
        (Some(ids), None, None) => recorded(context, &ids).await?,
        (None, Some(model), None) => latest(context, model, last.unwrap_or(USUAL_LAST)).await?,
        (None, None, Some(prompts)) => sample(&prompts)?,
        _ => return Err(invalid("from", "Say what to ask: one of `request_ids`, `model` and `prompts`.")),
    };
    if items.is_empty() {
        let reason = "None of these requests has a text that was kept. Texts are kept where the organisation turned it on \
                      under Settings.";
        return Err(invalid("from", reason));
    }
    Ok(items)
}

fn sample(prompts: &[String]) -> Result<Vec<ReplayItem>, ApiError> {
    let is_fine = |prompt: &String| !prompt.trim().is_empty() && prompt.len() <= LONGEST_PROMPT;
    if prompts.is_empty() || prompts.len() > MOST_ITEMS || !prompts.iter().all(is_fine) {
        let reason = format!("A run has 1 to {MOST_ITEMS} prompts of 1 to {} KiB.", LONGEST_PROMPT / 1024);
        return Err(invalid("from.prompts", &reason));
    }
    let item = |(index, content): (usize, &String)| {
        let body = serde_json::to_string(&Conversation { messages: [Message { role: "user", content }] });
        ReplayItem {
            number: number(index),
            request_id: None,
            operation: Operation::ChatCompletions,
            body: body.unwrap_or_default(),
            answers: vec![],
            vote: None,
            judgement: None,
            reason: None,
        }
    };
    Ok(prompts.iter().enumerate().map(item).collect())
}

async fn latest(context: &Context, model: String, last: u32) -> Result<Vec<ReplayItem>, ApiError> {
    if !(1..=200).contains(&last) {
        return Err(invalid("from.last", "A run takes 1 to 200 requests."));
    }
    let filter = Filter { model: Some(model), outcome: Some(Outcome::Completed), ..Filter::default() };
    let page = context.questions().requests(&filter, None, last).await?;
    let ids: Vec<RequestId> = page.rows.iter().map(|record| record.request_id).collect();
    recorded(context, &ids).await
}

/// Those of the requests whose text was kept whole.
async fn recorded(context: &Context, ids: &[RequestId]) -> Result<Vec<ReplayItem>, ApiError> {
    if ids.len() > MOST_ITEMS {
        return Err(invalid("from.request_ids", &format!("A run has at most {MOST_ITEMS} requests.")));
    }
    let mut items = Vec::new();
    for id in ids {
        let kept = context.bodies.get(*id, context.now()).await.map_err(|error| settings_unavailable(&error))?;
        let detail = context.questions().request(*id).await?;
        if let Some((kept, detail)) = kept.filter(is_whole).zip(detail) {
            items.push(of_kept(&kept, &detail.record, items.len()));
        }
    }
    Ok(items)
}

/// Whether it can be sent again.
fn is_whole(kept: &Kept) -> bool {
    let is_conversation = matches!(
        kept.operation,
        Operation::ChatCompletions | Operation::Responses | Operation::Messages | Operation::GenerateContent
    );
    is_conversation && kept.request.text.is_some() && !kept.request.is_cut
}

fn of_kept(kept: &Kept, record: &UsageRecord, index: usize) -> ReplayItem {
    let recorded = ReplayAnswer {
        position: 0,
        model: record.model.as_deref().unwrap_or(&record.model_asked).to_owned(),
        request_id: Some(record.request_id),
        text: kept.response.text.as_deref().map(str::to_owned),
        error: record.error.map(|code| code.as_str().to_owned()),
        cost: Some(record.cost),
        total_ms: u32::try_from(record.total.as_millis()).ok(),
        output_tokens: record.usage.total_output(),
    };
    ReplayItem {
        number: number(index),
        request_id: Some(record.request_id),
        operation: kept.operation,
        body: kept.request.text.as_deref().unwrap_or_default().to_owned(),
        answers: vec![recorded],
        vote: None,
        judgement: None,
        reason: None,
    }
}

fn number(index: usize) -> u32 {
    u32::try_from(index).unwrap_or(u32::MAX).saturating_add(1)
}

fn invalid(field: &str, reason: &str) -> ApiError {
    let message = format!("{reason} Nothing was started. Correct it and start again.");
    ApiError::invalid("replay.invalid", message).about(field)
}
