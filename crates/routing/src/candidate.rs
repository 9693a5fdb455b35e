//! A deployment that may serve a request, with what is expected of it there.

use std::sync::Arc;

use megarouter_domain::decision::{Considered, Removal};
use megarouter_domain::facts::Need;
use megarouter_domain::model::{Deployment, Model};
use megarouter_domain::money::NanoUsd;
use megarouter_domain::usage::Usage;

use crate::health::Condition;
use crate::predictor::{self, Quality};
use crate::question::Look;
use crate::table::{Listed, Served};

/// A model that thinks writes about so many times the output that is seen, by public token counts of
/// reasoning models (OpenAI's and DeepSeek's model pages, 2026-11-22).
const THINKS: u64 = 3;

/// A deployment that may serve a request.
#[derive(Clone, Copy, Debug)]
pub struct Candidate<'t> {
    /// Which.
    pub served: &'t Served,
    /// Its model's place in the route's list.
    pub place: u32,
    /// Its share by the route.
    pub weight: u32,
    /// Whether a setting of the strategy names it.
    pub is_named: bool,
    /// How it is doing.
    pub condition: Condition,
    /// What the request is expected to cost.
    pub cost: Option<NanoUsd>,
    /// How good its answer is expected to be.
    pub quality: Option<Quality>,
    /// The expected time to the first output, in milliseconds.
    pub first_output_ms: Option<u32>,
    /// The expected time to the end, in milliseconds.
    pub total_ms: Option<u32>,
    /// By the strategy; higher is better.
    pub score: Option<i32>,
    pub(crate) removed: Option<Out>,
}

/// What ruled a candidate out, before it is put into words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Out {
    Access,
    Purpose,
    Unusable,
    Retired,
    Lacks(Need),
    Context(u64),
    Bound(&'static str),
    Budget,
    Resting(u32),
    RateLimited(u32),
    Outranked,
}

/// One deployment to try.
#[derive(Clone, Debug)]
pub struct Choice {
    /// The public model.
    pub model: Arc<Model>,
    /// The place of the deployment among the model's.
    pub index: usize,
    /// Whether it rests, and is tried because everything does.
    pub is_last_resort: bool,
}

impl Choice {
    /// The deployment.
    pub fn deployment(&self) -> &Deployment {
        &self.model.deployments[self.index]
    }
}

impl<'t> Candidate<'t> {
    pub(crate) fn new(served: &'t Served, listed: Listed, look: &Look<'_>) -> Self {
        let around = look.around;
        let tokens = look.question.input_tokens;
        let id = served.deployment_id();
        let condition = around.health.condition(id, served.provider_id(), &served.credentials, tokens, around.now);
        Self {
            served,
            place: listed.place,
            weight: listed.weight,
            is_named: listed.is_named,
            condition,
            cost: None,
            quality: None,
            first_output_ms: condition.first_output.map(|time| u32::try_from(time.as_millis()).unwrap_or(u32::MAX)),
            total_ms: None,
            score: None,
            removed: None,
        }
    }

    /// Fills in what the request is expected to cost and to take. `cached` is how much of its input the
    /// deployment has in its prompt cache, in tokens.
    pub(crate) fn estimate(&mut self, look: &Look<'_>, cached: u64) {
        let output = self.output_tokens(look);
        let input = look.question.input_tokens;
        self.cost = self.served.tariff().and_then(|tariff| tariff.cost(&consumed(input, cached, output)));
        let writing =
            self.condition.tokens_per_second.map(|speed| output.saturating_mul(1_000) / u64::from(speed.max(1)));
        self.total_ms = self
            .first_output_ms
            .zip(writing)
            .map(|(first, writing)| first.saturating_add(u32::try_from(writing).unwrap_or(u32::MAX)));
    }

    /// The output to expect of it, in tokens.
    pub(crate) fn output_tokens(&self, look: &Look<'_>) -> u64 {
        let thinks = if self.served.is_reasoning() { THINKS } else { 1 };
        let expected = look.output_tokens().saturating_mul(thinks);
        look.question.output_bound.map_or(expected, |bound| expected.min(bound))
    }

    pub(crate) fn choice(&self) -> Choice {
        let is_last_resort = self.is_resting();
        Choice { model: Arc::clone(&self.served.model), index: self.served.index, is_last_resort }
    }

    pub(crate) const fn is_resting(&self) -> bool {
        use crate::health::State;
        matches!(self.condition.state, State::Resting(_) | State::Limited(_))
    }

    pub(crate) fn considered(&self) -> Considered {
        let served = self.served;
        Considered {
            model: Arc::clone(&served.name),
            provider: Arc::clone(&served.provider),
            provider_id: served.provider_id(),
            deployment_id: served.deployment_id(),
            cost: self.cost,
            quality: self.quality.map(|quality| predictor::permille(quality.mean)),
            quality_deviation: self.quality.map(|quality| predictor::permille(quality.sd)),
            first_output_ms: self.first_output_ms,
            total_ms: self.total_ms,
            availability: self.condition.availability,
            score: self.score,
            removed: self.removed.map(Out::in_words),
        }
    }
}

/// What a call consumes of which `cached` input tokens are read from the prompt cache.
pub(crate) fn consumed(input: u64, cached: u64, output: u64) -> Usage {
    let cached = cached.min(input);
    Usage {
        input: Some(input - cached),
        cached_read: (cached > 0).then_some(cached),
        output: Some(output),
        ..Usage::UNREPORTED
    }
}

impl Out {
    fn in_words(self) -> Removal {
        match self {
            Self::Access => Removal::Access,
            Self::Purpose => Removal::Purpose,
            Self::Unusable => Removal::Unusable,
            Self::Retired => Removal::Retired,
            Self::Lacks(need) => Removal::Lacks { need },
            Self::Context(tokens) => Removal::Context { tokens },
            Self::Bound(name) => Removal::Bound { name: name.into() },
            Self::Budget => Removal::Budget,
            Self::Resting(for_ms) => Removal::Resting { for_ms },
            Self::RateLimited(for_ms) => Removal::RateLimited { for_ms },
            Self::Outranked => Removal::Outranked,
        }
    }
}
