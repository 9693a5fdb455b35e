//! What a decision sees of a request, and of the world around it.

use std::cell::OnceCell;
use std::time::Duration;

use megarouter_domain::access::Principal;
use megarouter_domain::catalog::{Mode, Set};
use megarouter_domain::clock::Timestamp;
use megarouter_domain::facts::Need;
use megarouter_domain::id::UnitId;
use megarouter_domain::money::NanoUsd;
use megarouter_domain::record::Operation;
use megarouter_domain::tag::Tag;
use megarouter_domain::task::Family;

use crate::affinity::Affinity;
use crate::features::{Features, Text};
use crate::health::Health;
use crate::learnt::Learnt;
use crate::mix;
use crate::predictor::{Predictor, Task};

/// A request, as far as routing looks at it.
#[derive(Clone, Copy)]
pub struct Question<'a> {
    /// The model name as the client wrote it.
    pub asked: &'a str,
    /// Who asks.
    pub principal: &'a Principal,
    /// Whom it is charged to, nearest first.
    pub units: &'a [UnitId],
    /// What the app said about it.
    pub tags: &'a [Tag],
    /// Finds a header of the request by its name in lower case.
    pub headers: &'a dyn Fn(&str) -> Option<String>,
    /// The session it belongs to.
    pub session: Option<&'a str>,
    /// What is asked for.
    pub operation: Operation,
    /// What a model must be able to do.
    pub needs: Set<Need>,
    /// Its input by our count, in tokens.
    pub input_tokens: u64,
    /// The most output the client wants, in tokens.
    pub output_bound: Option<u64>,
    /// What it says.
    pub text: Text<'a>,
    /// What it is about, where that is known already; the text is not looked at then.
    pub task: Option<&'a Task>,
    /// When it arrived.
    pub at: Timestamp,
    /// What the limits on money leave.
    pub budget: BudgetView,
}

/// The tightest of the limits on money that apply to a request.
#[derive(Clone, Copy, Debug, Default)]
pub struct BudgetView {
    /// How much of it is used, in percent; `None` without a limit.
    pub used_percent: Option<u16>,
    /// What hard limits leave; `None` without one.
    pub available: Option<NanoUsd>,
}

/// What a decision looks at beside the request. Nothing of it changes by deciding.
#[derive(Clone, Copy)]
pub struct Surroundings<'a> {
    /// What tells a task from a text.
    pub predictor: &'a Predictor,
    /// What the organisation has learnt of models.
    pub learnt: &'a Learnt,
    /// How deployments are doing.
    pub health: &'a Health,
    /// Which deployments serve which sessions.
    pub affinity: &'a Affinity,
    /// The monotonic time, for `health` and `affinity`.
    pub now: Duration,
}

/// A question with its surroundings; what it is about is found out once, when somebody asks.
pub(crate) struct Look<'a> {
    pub question: &'a Question<'a>,
    pub around: &'a Surroundings<'a>,
    task: OnceCell<Task>,
}

impl<'a> Look<'a> {
    pub const fn new(question: &'a Question<'a>, around: &'a Surroundings<'a>) -> Self {
        Self { question, around, task: OnceCell::new() }
    }

    /// What the request is about.
    pub fn task(&self) -> &Task {
        let found = || self.around.predictor.task(&Features::of(&self.question.text));
        self.question.task.unwrap_or_else(|| self.task.get_or_init(found))
    }

    /// The same, if it was known or somebody asked before.
    pub fn known_task(&self) -> Option<&Task> {
        self.question.task.or_else(|| self.task.get())
    }

    /// A number for the session, or for the request where it has none.
    pub fn seed_of_session(&self, seed: u64) -> u64 {
        self.question.session.map_or(seed, mix::of_text)
    }

    /// The output to expect, in tokens, before a model is known.
    pub fn output_tokens(&self) -> u64 {
        let usual = self.known_task().map_or(USUAL_OUTPUT, |task| usual_output(task.family));
        self.question.output_bound.map_or(usual, |bound| usual.min(bound))
    }

    /// What a model must be made for to serve this.
    pub fn mode(&self) -> Option<Mode> {
        match self.question.operation {
            Operation::ChatCompletions
            | Operation::Responses
            | Operation::Messages
            | Operation::GenerateContent
            | Operation::CountTokens
            | Operation::Completions => Some(Mode::Chat),
            Operation::Embeddings => Some(Mode::Embedding),
            Operation::Images => Some(Mode::Image),
            Operation::Speech => Some(Mode::Speech),
            Operation::Transcriptions => Some(Mode::Transcription),
            Operation::Moderations => Some(Mode::Moderation),
            Operation::Rerank => Some(Mode::Rerank),
            Operation::PassThrough => None,
        }
    }
}

/// Output of a request of which nothing is known, in tokens.
const USUAL_OUTPUT: u64 = 400;

/// Usual lengths of answers, in tokens. Only their order matters much: every candidate is expected to
/// write as much, so a wrong length hardly changes which one is cheaper.
const fn usual_output(family: Family) -> u64 {
    match family {
        Family::Code => 900,
        Family::Maths | Family::Reasoning => 800,
        Family::Writing => 700,
        Family::Knowledge | Family::Translation | Family::Other => USUAL_OUTPUT,
        Family::Summary => 300,
        Family::Chat => 200,
        Family::Tools | Family::Extraction => 150,
    }
}
