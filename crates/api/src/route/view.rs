//! Decisions as answers show them.

use megarouter_domain::decision::{self, Considered, Kept, Removal, RuleRecord, TrialRecord};
use megarouter_domain::permille::Permille;
use megarouter_domain::policy;
use megarouter_domain::task::TaskRecord;

use super::{
    ConsideredModel, DecidingRule, Decision, KeptReason, RemovedBy, RemovedReason, Task, TaskEvidence, TrialChoice,
};
use crate::policies::TrialMode;
use crate::policies::body::TaskNeed;
use crate::shape::Amount;

impl From<&decision::Decision> for Decision {
    fn from(decision: &decision::Decision) -> Self {
        Self {
            rule: decision.rule.as_ref().map(DecidingRule::from),
            strategy: decision.strategy.to_string(),
            task: decision.task.as_ref().map(Task::from),
            needs: decision.needs.iter().map(TaskNeed::from).collect(),
            input_tokens: decision.input_tokens,
            output_tokens: decision.output_tokens,
            candidates: decision.candidates.iter().map(ConsideredModel::from).collect(),
            more: decision.more,
            kept: decision.kept.map(KeptReason::from),
            trial: decision.trial.as_ref().map(TrialChoice::from),
            took_us: u64::from(decision.took_micros),
        }
    }
}

impl From<&RuleRecord> for DecidingRule {
    fn from(rule: &RuleRecord) -> Self {
        Self {
            policy_id: rule.policy_id,
            policy: rule.policy.to_string(),
            version: rule.version,
            index: rule.index,
            name: rule.name.to_string(),
        }
    }
}

impl From<&TaskRecord> for Task {
    fn from(task: &TaskRecord) -> Self {
        let evidence = task.evidence.iter();
        let evidence = evidence.map(|it| TaskEvidence { what: it.what.to_string(), weight_permille: it.weight });
        Self {
            family: task.family.into(),
            confidence_permille: task.confidence.get(),
            difficulty_permille: task.difficulty.get(),
            need_permille: task.need.get(),
            cluster: task.cluster,
            evidence: evidence.collect(),
        }
    }
}

impl From<&Considered> for ConsideredModel {
    fn from(candidate: &Considered) -> Self {
        Self {
            model: candidate.model.to_string(),
            provider: candidate.provider.to_string(),
            provider_id: candidate.provider_id,
            deployment_id: candidate.deployment_id,
            cost: candidate.cost.map(Amount),
            quality_permille: candidate.quality.map(Permille::get),
            quality_deviation_permille: candidate.quality_deviation.map(Permille::get),
            first_output_ms: candidate.first_output_ms,
            total_ms: candidate.total_ms,
            availability_permille: candidate.availability.map(Permille::get),
            score: candidate.score,
            removed: candidate.removed.as_ref().map(RemovedReason::from),
        }
    }
}

impl From<&Removal> for RemovedReason {
    fn from(removal: &Removal) -> Self {
        let plain =
            |by, text: &str| Self { by, text: text.to_owned(), need: None, tokens: None, bound: None, for_ms: None };
        match removal {
            Removal::Access => plain(RemovedBy::Access, "The caller may not use this model."),
            Removal::Purpose => plain(RemovedBy::Purpose, "It is for work of another kind."),
            Removal::Lacks { need } => {
                let text = format!("It does not take or give {}.", need_in_words((*need).into()));
                Self { need: Some((*need).into()), ..plain(RemovedBy::Lacks, &text) }
            }
            Removal::Context { tokens } => {
                let text = format!("The request takes {tokens} tokens, which do not fit into its context.");
                Self { tokens: Some(*tokens), ..plain(RemovedBy::Context, &text) }
            }
            Removal::Bound { name } => {
                let text = format!("It is beyond the bound `{name}` of the rule.");
                Self { bound: Some(name.to_string()), ..plain(RemovedBy::Bound, &text) }
            }
            Removal::Budget => plain(RemovedBy::Budget, "The budgets that apply could not pay for it."),
            Removal::Unusable => {
                plain(RemovedBy::Unusable, "Its provider is switched off, or the credential cannot be read.")
            }
            Removal::Resting { for_ms } => {
                let text = format!("Its recent calls failed; it rests for {} more.", wait_in_words(*for_ms));
                Self { for_ms: Some(*for_ms), ..plain(RemovedBy::Resting, &text) }
            }
            Removal::RateLimited { for_ms } => {
                let text = format!("The provider's own limit is reached for {} more.", wait_in_words(*for_ms));
                Self { for_ms: Some(*for_ms), ..plain(RemovedBy::RateLimited, &text) }
            }
            Removal::Retired => plain(RemovedBy::Retired, "Its provider has ended it."),
            Removal::Outranked => plain(RemovedBy::Outranked, "Others were better, and trying more was of no use."),
        }
    }
}

/// What a request needs, as part of a sentence.
pub(crate) const fn need_in_words(need: TaskNeed) -> &'static str {
    match need {
        TaskNeed::Images => "pictures",
        TaskNeed::Audio => "sound",
        TaskNeed::Documents => "PDF files",
        TaskNeed::Video => "video",
        TaskNeed::Tools => "tools",
        TaskNeed::Schema => "answers that keep to a JSON schema",
        TaskNeed::Reasoning => "thinking",
        TaskNeed::WebSearch => "web search",
        TaskNeed::AudioOutput => "sound as an answer",
        TaskNeed::ImageOutput => "pictures as an answer",
    }
}

fn wait_in_words(millis: u32) -> String {
    match millis {
        0..1_000 => format!("{millis} ms"),
        1_000.. => format!("{} s", millis.div_ceil(1_000)),
    }
}

impl From<Kept> for KeptReason {
    fn from(kept: Kept) -> Self {
        match kept {
            Kept::Session => Self::Session,
            Kept::MovedOn => Self::MovedOn,
        }
    }
}

impl From<&TrialRecord> for TrialChoice {
    fn from(trial: &TrialRecord) -> Self {
        Self {
            version: trial.version,
            mode: trial.mode.into(),
            has_decided: trial.has_decided,
            model: trial.model.as_deref().map(str::to_owned),
            cost: trial.cost.map(Amount),
            quality_permille: trial.quality.map(Permille::get),
        }
    }
}

impl From<policy::TrialMode> for TrialMode {
    fn from(mode: policy::TrialMode) -> Self {
        match mode {
            policy::TrialMode::Shadow => Self::Shadow,
            policy::TrialMode::Canary { .. } => Self::Canary,
        }
    }
}
