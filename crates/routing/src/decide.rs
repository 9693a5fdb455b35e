//! The decision: which deployments serve a request, in what order, and why.
//!
//! One pure function for requests, explanations, simulations and trials. The steps, in order: the policy and
//! its rule; what rules candidates out; what is expected of the others; the strategy's order; the session's
//! own deployment; the fallbacks.

use std::sync::Arc;

use megarouter_domain::catalog::Date;
use megarouter_domain::decision::{Decision, Kept, MOST_KEPT, RuleRecord, TrialRecord};
use megarouter_domain::id::ProviderId;
use megarouter_domain::model::Model;
use megarouter_domain::policy::{Patience, TrialMode};
use thiserror::Error;

use crate::affinity::{Pin, Tier};
use crate::bounds::{self, Asked};
use crate::candidate::{Candidate, Choice, Out};
use crate::matching::{self, Verdict};
use crate::predictor::sketch::Sketch;
use crate::predictor::{self, Quality};
use crate::question::{Look, Question, Surroundings};
use crate::strategies::{Asks, Brief, Sessions, Special};
use crate::table::{Compiled, Listed, Route, Served, Table, Version};
use crate::{filters, mix};

/// Keeps the shares of trials apart from other draws for the same session.
const TRIAL_SALT: u64 = 0x7472_6961;

/// What was decided.
#[derive(Clone, Debug)]
pub struct Decided {
    /// What to try, in this order; never empty.
    pub choices: Vec<Choice>,
    /// Why. How long deciding took is for the caller to fill in.
    pub decision: Decision,
    /// How long to wait for what is tried.
    pub patience: Patience,
    /// What to do beside that.
    pub special: Special,
    /// What a session's pin to the choice that serves belongs to.
    pub tier: Tier,
    /// The text, condensed beyond recovery, to learn from; `None` where nothing asked what it is about.
    pub sketch: Option<Sketch>,
}

/// Why nothing was decided.
#[derive(Clone, Debug, Error)]
pub enum NoCandidate {
    /// Nothing has that name.
    #[error("there is no model of that name")]
    Unknown,
    /// Everything was ruled out; the decision says by what.
    #[error("no candidate is left")]
    Removed(Box<Decision>),
}

/// A decision with how each rule fared.
#[derive(Clone, Debug)]
pub struct Explained {
    /// One for each rule of the version that decided, in order; empty where no policy did.
    pub rules: Vec<Verdict>,
    /// What was decided.
    pub outcome: Result<Decided, NoCandidate>,
}

/// Decides about a request. The same input always gives the same decision; `seed` is a number for the
/// request, and lots are drawn from it.
///
/// # Errors
/// When there is no such model or policy, or nothing may serve the request.
pub fn decide(
    table: &Table,
    question: &Question<'_>,
    around: &Surroundings<'_>,
    seed: u64,
) -> Result<Decided, NoCandidate> {
    let look = Look::new(question, around);
    match table.policy_for(question.asked) {
        Some(policy) => by_policy(table, policy, &look, seed),
        None => by_name(table, &look, seed),
    }
}

/// Decides as a policy would, whether or not the request asks for it: for drafts and simulations.
///
/// # Errors
/// When nothing may serve the request.
pub fn decide_by(
    table: &Table,
    policy: &Compiled,
    question: &Question<'_>,
    around: &Surroundings<'_>,
    seed: u64,
) -> Result<Decided, NoCandidate> {
    by_policy(table, policy, &Look::new(question, around), seed)
}

/// Decides, and says how each rule fared. `draft` decides in place of the policy in force.
pub fn explain(
    table: &Table,
    draft: Option<&Compiled>,
    question: &Question<'_>,
    around: &Surroundings<'_>,
    seed: u64,
) -> Explained {
    let look = Look::new(question, around);
    match draft.or_else(|| table.policy_for(question.asked)) {
        Some(policy) => {
            // What a request is about is part of every explanation.
            look.task();
            let (version, _) = deciding(policy, &look, seed);
            let rules = matching::verdicts(version, &look);
            Explained { rules, outcome: by_policy(table, policy, &look, seed) }
        }
        None => Explained { rules: Vec::new(), outcome: by_name(table, &look, seed) },
    }
}

/// The version that decides about a request, and whether that is the one on trial.
fn deciding<'a>(policy: &'a Compiled, look: &Look<'_>, seed: u64) -> (&'a Version, bool) {
    let salt = TRIAL_SALT ^ mix::of_text(&policy.name);
    let draw = || mix::below(mix::mix(look.seed_of_session(seed), salt), 100);
    match &policy.trial {
        Some((version, TrialMode::Canary { percent })) if draw() < u64::from(*percent) => (version, true),
        _ => (&policy.live, false),
    }
}

fn by_policy(table: &Table, policy: &Compiled, look: &Look<'_>, seed: u64) -> Result<Decided, NoCandidate> {
    let (version, is_trial) = deciding(policy, look, seed);
    let outcome = by_version(table, policy, version, look, seed);
    let Some((on_trial, mode)) = &policy.trial else { return outcome };
    match mode {
        TrialMode::Canary { .. } if !is_trial => outcome,
        TrialMode::Canary { .. } => Ok(with_trial(outcome?, |decided| tried(on_trial, *mode, true, Some(decided)))),
        TrialMode::Shadow => {
            let beside = by_version(table, policy, on_trial, look, seed).ok();
            Ok(with_trial(outcome?, |_| tried(on_trial, *mode, false, beside.as_ref())))
        }
    }
}

fn with_trial(mut decided: Decided, record: impl FnOnce(&Decided) -> TrialRecord) -> Decided {
    decided.decision.trial = Some(record(&decided));
    decided
}

fn tried(version: &Version, mode: TrialMode, has_decided: bool, decided: Option<&Decided>) -> TrialRecord {
    let first = decided.and_then(|decided| decided.decision.candidates.first());
    TrialRecord {
        version: version.number,
        mode,
        has_decided,
        model: first.map(|first| Arc::clone(&first.model)),
        deployment_id: first.map(|first| first.deployment_id),
        cost: first.and_then(|first| first.cost),
        quality: first.and_then(|first| first.quality),
    }
}

fn by_version(
    table: &Table,
    policy: &Compiled,
    version: &Version,
    look: &Look<'_>,
    seed: u64,
) -> Result<Decided, NoCandidate> {
    let Some(index) = matching::first(version, look) else {
        return Err(NoCandidate::Removed(Box::default()));
    };
    let rule = &version.rules[index];
    let index = u16::try_from(index).unwrap_or(u16::MAX);
    let record = RuleRecord {
        policy_id: policy.id,
        policy: Arc::clone(&policy.name),
        version: version.number,
        index: index.saturating_add(1),
        name: Arc::clone(&rule.name),
    };
    let routing = Routing { table, look, seed, tier: Tier::Rule(policy.id, index) };
    routing.by_route(&rule.route, Some(record))
}

/// A model that was asked for by its name: its own deployments in their order, those that rest last. Nothing
/// else rules one out; the provider knows best why it does not serve a request.
fn by_name(table: &Table, look: &Look<'_>, seed: u64) -> Result<Decided, NoCandidate> {
    let resolved = table.snapshot().resolve(look.question.asked).ok_or(NoCandidate::Unknown)?;
    let tier = Tier::Model(resolved.model.id);
    let routing = Routing { table, look, seed, tier };
    routing.by_model(&resolved.model, resolved.pinned)
}

struct Routing<'a> {
    table: &'a Table,
    look: &'a Look<'a>,
    seed: u64,
    tier: Tier,
}

/// Candidates after the filters.
struct Sifted<'t> {
    left: Vec<Candidate<'t>>,
    out: Vec<Candidate<'t>>,
}

impl<'a> Routing<'a> {
    fn by_route(&self, route: &Route, rule: Option<RuleRecord>) -> Result<Decided, NoCandidate> {
        if route.strategy.asks != Asks::Nothing {
            self.look.task();
        }
        let pin = self.pin();
        let mut chosen = self.sift(route, &route.candidates, pin);
        let mut fallbacks = self.sift(route, &route.fallbacks, pin);
        let mut special = self.order(route, &mut chosen);
        if chosen.left.is_empty() && fallbacks.left.is_empty() {
            wake(&mut chosen);
            wake(&mut fallbacks);
            // What the strategy leaves out stays out; what is left is tried as it recovers.
            self.order(route, &mut chosen);
            chosen.left.sort_by_key(recovery);
            special = Special::None;
        }
        let kept = keep(route.strategy.sessions, pin, &mut chosen);
        chosen.left.append(&mut fallbacks.left);
        chosen.out.append(&mut fallbacks.out);
        let strategy = Arc::clone(&route.strategy_id);
        self.decided(chosen, Told { rule, strategy, kept, patience: route.patience, special })
    }

    fn order(&self, route: &Route, sifted: &mut Sifted<'_>) -> Special {
        let brief = Brief { settings: &route.settings, look: self.look, seed: self.seed };
        let special = (route.strategy.order)(&brief, &mut sifted.left);
        sifted.out.extend(sifted.left.extract_if(.., |candidate| candidate.removed.is_some()));
        special
    }

    fn by_model(&self, model: &Arc<Model>, pinned: Option<ProviderId>) -> Result<Decided, NoCandidate> {
        let mut sifted = Sifted { left: Vec::new(), out: Vec::new() };
        let pin = self.pin();
        for served in self.table.of_model(model.id) {
            if pinned.is_some_and(|provider| served.provider_id() != provider) {
                continue;
            }
            let mut candidate = self.candidate(served, Listed { served: 0, place: 0, weight: 1, is_named: false });
            self.estimate(&mut candidate, pin);
            sifted.left.push(candidate);
        }
        // Whoever may use one of a model's deployments may use them all.
        if !megarouter_domain::access::may_use(self.look.question.principal, model) {
            sifted.left.iter_mut().for_each(|candidate| candidate.removed = Some(Out::Access));
            std::mem::swap(&mut sifted.left, &mut sifted.out);
        }
        // Those that cannot be called stay too: the attempt says why.
        sifted.left.sort_by_key(|candidate| (!candidate.served.is_usable(), recovery(candidate)));
        let kept = keep(Sessions::Stay, pin, &mut sifted);
        let strategy = Arc::clone(self.table.plain_id());
        let patience = Patience::default();
        self.decided(sifted, Told { rule: None, strategy, kept, patience, special: Special::None })
    }

    fn candidate(&self, served: &'a Served, listed: Listed) -> Candidate<'a> {
        Candidate::new(served, listed, self.look)
    }

    fn estimate(&self, candidate: &mut Candidate<'_>, pin: Option<Pin>) {
        let is_kept = |pin: &Pin| pin.deployment == candidate.served.deployment_id();
        candidate.estimate(self.look, pin.filter(is_kept).map_or(0, |pin| pin.tokens));
    }

    /// What the session's deployment is in this tier.
    fn pin(&self) -> Option<Pin> {
        let around = self.look.around;
        self.look.question.session.and_then(|session| around.affinity.pin(session, self.tier, around.now))
    }

    /// Makes candidates of a list and rules out those that cannot serve the request.
    fn sift(&self, route: &Route, list: &[Listed], pin: Option<Pin>) -> Sifted<'a> {
        let mut sifted = Sifted { left: Vec::with_capacity(list.len()), out: Vec::new() };
        let wants_quality = route.strategy.asks == Asks::Quality || route.bounds.quality.is_some();
        let asked = if route.bounds.never_dearer { self.asked() } else { Asked::Policy };
        let today = Date::of(self.look.question.at);
        // Deployments of one model follow each other, and are expected to answer equally well.
        let mut last: Option<(*const Model, Quality)> = None;
        for listed in list {
            let Some(served) = self.table.at(*listed) else { continue };
            let mut candidate = self.candidate(served, *listed);
            candidate.removed = filters::by_nature(&candidate, self.look, today);
            if candidate.removed.is_none() {
                self.estimate(&mut candidate, pin);
                if wants_quality {
                    let model = Arc::as_ptr(&served.model);
                    let known = last.filter(|(other, _)| *other == model).map(|(_, quality)| quality);
                    let quality = known.unwrap_or_else(|| self.quality(served));
                    last = Some((model, quality));
                    candidate.quality = Some(quality);
                }
                candidate.removed = bounds::broken(&route.bounds, &candidate, asked, self.look)
                    .map(Out::Bound)
                    .or_else(|| filters::by_budget(&candidate, self.look))
                    .or_else(|| filters::by_health(&candidate));
            }
            let to = if candidate.removed.is_none() { &mut sifted.left } else { &mut sifted.out };
            to.push(candidate);
        }
        sifted
    }

    fn quality(&self, served: &Served) -> Quality {
        let around = self.look.around;
        around.predictor.quality_of(self.look.task(), &served.name, served.ability, around.learnt)
    }

    /// What the client asked for.
    fn asked(&self) -> Asked<'a> {
        let mut deployments = self.table.named(self.look.question.asked).peekable();
        if deployments.peek().is_none() {
            return Asked::Policy;
        }
        Asked::Model(deployments.find_map(|at| self.table.served().get(at).and_then(Served::tariff)))
    }

    fn decided(&self, sifted: Sifted<'_>, told: Told) -> Result<Decided, NoCandidate> {
        let Sifted { left, out } = sifted;
        let question = self.look.question;
        let shown = left.iter().chain(&out);
        let decision = Decision {
            rule: told.rule,
            strategy: told.strategy,
            task: self.look.known_task().map(predictor::Task::record),
            needs: question.needs,
            input_tokens: question.input_tokens,
            output_tokens: left
                .first()
                .map_or_else(|| self.look.output_tokens(), |first| first.output_tokens(self.look)),
            candidates: shown.take(MOST_KEPT).map(Candidate::considered).collect(),
            more: u32::try_from((left.len() + out.len()).saturating_sub(MOST_KEPT)).unwrap_or(u32::MAX),
            kept: told.kept,
            trial: None,
            took_micros: 0,
        };
        if left.is_empty() {
            return Err(NoCandidate::Removed(Box::new(decision)));
        }
        let sketch = self.look.known_task().map(|task| task.sketch);
        let choices = left.iter().map(Candidate::choice).collect();
        Ok(Decided { choices, decision, patience: told.patience, special: told.special, tier: self.tier, sketch })
    }
}

struct Told {
    rule: Option<RuleRecord>,
    strategy: Arc<str>,
    kept: Option<Kept>,
    patience: Patience,
    special: Special,
}

/// Brings the session's deployment to the front, where the strategy has it so.
fn keep(sessions: Sessions, pin: Option<Pin>, sifted: &mut Sifted<'_>) -> Option<Kept> {
    let pin = pin?;
    let is_pinned = |candidate: &Candidate<'_>| candidate.served.deployment_id() == pin.deployment;
    let Some(place) = sifted.left.iter().position(is_pinned) else { return Some(Kept::MovedOn) };
    let stays = match sessions {
        Sessions::Decide => place == 0,
        Sessions::Stay => !sifted.left[place].is_resting(),
        Sessions::StayUnless(margin) => {
            let score = |place: usize| sifted.left.get(place).and_then(|candidate: &Candidate<'_>| candidate.score);
            let gain = score(0).zip(score(place)).map_or(0, |(best, own)| best.saturating_sub(own));
            !sifted.left[place].is_resting() && gain <= margin
        }
    };
    if stays {
        sifted.left[..=place].rotate_right(1);
    }
    stays.then_some(Kept::Session)
}

/// When nothing but resting candidates is left, they are tried all the same, those that recover first at
/// the front: a call that may fail is better than one that surely does.
fn wake(sifted: &mut Sifted<'_>) {
    let rests = |candidate: &Candidate<'_>| matches!(candidate.removed, Some(Out::Resting(_) | Out::RateLimited(_)));
    let (mut resting, out) = std::mem::take(&mut sifted.out).into_iter().partition::<Vec<_>, _>(rests);
    sifted.out = out;
    resting.sort_by_key(recovery);
    for candidate in &mut resting {
        candidate.removed = None;
    }
    sifted.left = resting;
}

/// How long a candidate rests.
const fn recovery(candidate: &Candidate<'_>) -> std::time::Duration {
    use crate::health::State;
    match candidate.condition.state {
        State::Ready | State::Probation => std::time::Duration::ZERO,
        State::Resting(rest) | State::Limited(rest) => rest,
    }
}

#[cfg(test)]
mod tests;
