//! What is said of how good answers were.

pub mod give;
pub mod list;
pub mod vote;

use megarouter_domain::feedback;
use megarouter_domain::id::RequestId;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::mirror::mirrored;
use crate::policies::body::TaskFamily;
use crate::shape::Time;

mirrored! {
    /// Where a statement on an answer comes from.
    FeedbackSignal of feedback::Signal {
        /// A person or a program rated it.
        Rated,
        /// A person preferred it to another one, or another one to it.
        Voted,
        /// A model judged it.
        Judged,
        /// The same was asked again right after.
        Regenerated,
        /// A check failed, and a stronger model was asked.
        Escalated,
        /// It did not keep to the schema that was asked for.
        BrokeSchema,
        /// It called a tool with what is no JSON, or one that there is not.
        BrokeTool,
    }
}

/// A person's word on an answer: one of `score_permille` and `thumbs`.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct GiveFeedback {
    /// How good it was, in thousandths.
    #[schema(maximum = 1000)]
    pub score_permille: Option<u16>,
    /// Good or bad.
    pub thumbs: Option<Thumbs>,
    /// What the person adds; at most 1,000 characters.
    pub comment: Option<String>,
}

/// Good or bad.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Thumbs {
    /// Good.
    Up,
    /// Bad.
    Down,
}

/// Which of several answers a person preferred.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Vote {
    /// The requests whose answers were compared: 2 to 4.
    #[schema(value_type = Vec<String>, min_items = 2, max_items = 4)]
    pub requests: Vec<RequestId>,
    /// The one that was preferred; `null` when they were equally good.
    #[schema(value_type = Option<String>, format = "uuid")]
    pub preferred: Option<RequestId>,
}

/// One statement on an answer.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Feedback {
    /// The request.
    #[schema(value_type = String, format = "uuid")]
    pub request_id: RequestId,
    /// When it was given.
    pub at: Time,
    /// Who or what says so.
    pub signal: FeedbackSignal,
    /// How good the answer was, in thousandths.
    pub score_permille: u16,
    /// What the person adds.
    pub comment: Option<String>,
    /// The model that answered; `null` when that is not known any more.
    pub model: Option<String>,
    /// The kind of work.
    pub family: Option<TaskFamily>,
}

/// Statements on answers, newest first.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct FeedbackPage {
    /// The statements.
    pub rows: Vec<Feedback>,
    /// What asks for the next page; `null` on the last.
    pub next_cursor: Option<String>,
}

impl Feedback {
    /// What is said, before it is known whom it is about.
    fn said(feedback: &feedback::Feedback) -> Self {
        Self {
            request_id: feedback.request_id,
            at: feedback.at.into(),
            signal: feedback.signal.into(),
            score_permille: feedback.score.get(),
            comment: feedback.comment.as_deref().map(str::to_owned),
            model: None,
            family: None,
        }
    }
}
