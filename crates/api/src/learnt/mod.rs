//! What the router learnt from an organisation's outcomes, and how good its decisions are.

pub mod export;
pub mod import;
pub mod report;
pub mod reset;
pub mod show;

use megarouter_routing::learnt::Learnt;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::audit;
use crate::context::Context;
use crate::error::{ApiError, settings_unavailable};
use crate::events::Tag;
use crate::feedback::FeedbackSignal;
use crate::policies::body::TaskFamily;
use crate::shape::Time;

/// The form that exports have.
const FORMAT: &str = "megarouter-learnt/1";

/// How good the router's expectations were, by the outcomes since.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct RouterReport {
    /// The beginning.
    pub from: Time,
    /// The end.
    pub to: Time,
    /// Outcomes, one for each statement on an answer; the newest 10,000 at most.
    pub outcomes: u64,
    /// Those that are a person's or a judge's word.
    pub rated: u64,
    /// Whether there are enough of them for the figures to mean something.
    pub is_enough: bool,
    /// How far the expected quality was from the outcome, on average, in thousandths; `null` without outcomes.
    pub error_permille: Option<u16>,
    /// The same for what is expected without anything learnt.
    pub prior_error_permille: Option<u16>,
    /// Of pairs of answers of which one was better, how often it was expected to be, in thousandths.
    pub accuracy_permille: Option<u16>,
    /// How much quality was given away against the best candidate in hindsight, in thousandths.
    pub regret_permille: Option<u16>,
    /// Expected qualities beside outcomes, from the lowest.
    pub calibration: Vec<CalibrationPoint>,
    /// By kind of work.
    pub families: Vec<FamilyReport>,
    /// By model.
    pub models: Vec<ModelReport>,
    /// What was said, by where it comes from.
    pub signals: Vec<SignalCount>,
    /// What the figures do not tell, in words.
    pub caveats: Vec<String>,
}

/// What was expected of some answers, and how they turned out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct CalibrationPoint {
    /// The mean of what was expected, in thousandths.
    pub expected_permille: u16,
    /// The mean of the outcomes, in thousandths.
    pub observed_permille: u16,
    /// How many answers.
    pub outcomes: u64,
}

/// How good expectations were for a kind of work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct FamilyReport {
    /// The kind of work.
    pub family: TaskFamily,
    /// Outcomes.
    pub outcomes: u64,
    /// The mean of the outcomes, in thousandths.
    pub observed_permille: u16,
    /// How far expectations were off, on average, in thousandths; `null` where nothing was expected.
    pub error_permille: Option<u16>,
    /// How much quality was given away, in thousandths; `null` when that cannot be told.
    pub regret_permille: Option<u16>,
}

/// How good expectations were for a model.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct ModelReport {
    /// The model.
    pub model: String,
    /// Outcomes.
    pub outcomes: u64,
    /// The mean of the outcomes, in thousandths.
    pub observed_permille: u16,
    /// The mean of what was expected, in thousandths; `null` where nothing was.
    pub expected_permille: Option<u16>,
}

/// How often something was said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct SignalCount {
    /// Where it comes from.
    pub signal: FeedbackSignal,
    /// How often.
    pub outcomes: u64,
    /// The mean of what it said, in thousandths.
    pub score_permille: u16,
}

/// What was learnt.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct LearntState {
    /// Outcomes that it was learnt from.
    pub outcomes: u64,
    /// When it last changed; `null` when nothing was learnt.
    pub changed_at: Option<Time>,
    /// Its size in bytes.
    pub size_bytes: u64,
    /// What it says of models, by name.
    pub models: Vec<LearntModel>,
}

/// What was learnt of a model.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct LearntModel {
    /// The model.
    pub model: String,
    /// The kind of work; `null` for all.
    pub family: Option<TaskFamily>,
    /// How much all outcomes count together, in thousandths of a person's word.
    pub weight_permille: u64,
    /// How much better it is than was to be expected, in thousandths; negative where it is worse.
    pub difference_permille: i16,
}

/// What was learnt, to keep or to take elsewhere.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct LearntExport {
    /// Which form the content has.
    pub format: String,
    /// The content, in Base64.
    pub content: String,
    /// Outcomes that it was learnt from.
    pub outcomes: u64,
}

/// What was learnt elsewhere; it takes the place of what was learnt here.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LearntImport {
    /// Which form the content has.
    pub format: String,
    /// The content, in Base64.
    pub content: String,
}

/// Puts something else in the place of what was learnt, on every node.
async fn replace(context: &Context, state: Option<Vec<u8>>, learnt: Learnt, words: &str) -> Result<(), ApiError> {
    context.note(audit::replace_learnt(words)).await?;
    let replaced = context.settings.replace_learnt(state, context.now()).await;
    replaced.map_err(|error| settings_unavailable(&error))?;
    context.gateway.set_learnt(learnt.into());
    context.learnt_replaced.notify_one();
    context.changed(&[Tag::Feedback]);
    Ok(())
}
