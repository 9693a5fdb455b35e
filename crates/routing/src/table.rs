//! The configuration as routing needs it: names resolved, strategies and their settings read.
//!
//! Made once for each snapshot, so that a decision looks nothing up by name but what the client asked for.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use megarouter_domain::catalog::{Date, Feature};
use megarouter_domain::facts::Facts;
use megarouter_domain::id::{DeploymentId, ModelId, PolicyId, ProviderId};
use megarouter_domain::model::{Deployment, Model};
use megarouter_domain::policy::{self, Body, Bounds, Condition, Patience, Policy, TrialMode};
use megarouter_domain::price::Tariff;
use megarouter_domain::snapshot::Snapshot;

use crate::health::CredentialKey;
use crate::predictor::{Ability, ModelTraits, Predictor};
use crate::strategies::{self, Record, Settings};

/// Everything that can be chosen, and the rules by which it is.
#[derive(Clone, Debug)]
pub struct Table {
    snapshot: Snapshot,
    /// Every deployment of every model, in the order of the models.
    served: Vec<Served>,
    by_model: HashMap<ModelId, Range<usize>>,
    policies: HashMap<PolicyId, Compiled>,
    /// The id of the strategy for models that are asked for by name.
    plain: Arc<str>,
}

/// A deployment with what is known of it.
#[derive(Clone, Debug)]
pub struct Served {
    /// The public model.
    pub model: Arc<Model>,
    /// Its place among the model's deployments.
    pub index: usize,
    /// The model's name.
    pub name: Arc<str>,
    /// The provider's name; empty for one that was removed.
    pub provider: Arc<str>,
    /// The credentials that can be used; empty when the provider cannot be called.
    pub credentials: Arc<[CredentialKey]>,
    /// Where the provider computes.
    pub region: Option<Arc<str>>,
    /// Whether the provider keeps prompts.
    pub keeps_prompts: Option<bool>,
    /// What is known of the model.
    pub facts: Facts,
    /// The tariff that stands for the model where quality is predicted: the first known one.
    reference: Option<Arc<Tariff>>,
    /// What its quality is predicted from, made of all that.
    pub(crate) ability: Ability,
}

/// A policy, ready to decide.
#[derive(Clone, Debug)]
pub struct Compiled {
    pub(crate) id: PolicyId,
    pub(crate) name: Arc<str>,
    pub(crate) live: Version,
    pub(crate) trial: Option<(Version, TrialMode)>,
}

#[derive(Clone, Debug)]
pub(crate) struct Version {
    pub number: u32,
    pub rules: Vec<Rule>,
}

#[derive(Clone, Debug)]
pub(crate) struct Rule {
    pub name: Arc<str>,
    pub when: Vec<Condition>,
    pub route: Route,
}

#[derive(Clone, Debug)]
pub(crate) struct Route {
    pub strategy: &'static Record,
    pub strategy_id: Arc<str>,
    pub settings: Settings,
    pub candidates: Vec<Listed>,
    pub fallbacks: Vec<Listed>,
    pub bounds: Bounds,
    pub patience: Patience,
}

/// A deployment in a route's list.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Listed {
    /// Its place in the table.
    pub served: usize,
    /// Its model's place in the route's list.
    pub place: u32,
    pub weight: u32,
    /// Whether a setting of the strategy names it.
    pub is_named: bool,
}

impl Table {
    /// The table of a configuration.
    pub fn new(snapshot: &Snapshot) -> Self {
        let mut table = Self {
            snapshot: snapshot.clone(),
            served: Vec::new(),
            by_model: HashMap::new(),
            policies: HashMap::new(),
            plain: strategies::PLAIN.id.into(),
        };
        for model in snapshot.models() {
            let first = table.served.len();
            table.served.extend(serve(snapshot, model));
            table.by_model.insert(model.id, first..table.served.len());
        }
        for policy in snapshot.policies() {
            let compiled = table.compile(policy);
            table.policies.insert(policy.id, compiled);
        }
        table
    }

    /// The configuration it was made from.
    pub const fn snapshot(&self) -> &Snapshot {
        &self.snapshot
    }

    /// Every deployment, in the order of the models.
    pub fn served(&self) -> &[Served] {
        &self.served
    }

    /// Makes a policy ready to decide; also one that was never saved.
    pub fn compile(&self, policy: &Policy) -> Compiled {
        let version =
            |number, body: &Body| Version { number, rules: body.rules.iter().map(|rule| self.rule(rule)).collect() };
        let trial = policy.trial.as_ref();
        Compiled {
            id: policy.id,
            name: policy.name.as_str().into(),
            live: version(policy.live.number, &policy.live.body),
            trial: trial.map(|trial| (version(trial.version.number, &trial.version.body), trial.mode)),
        }
    }

    /// The policy that decides about requests for a model name.
    pub fn policy_for(&self, asked: &str) -> Option<&Compiled> {
        self.snapshot.policy_for(asked).and_then(|policy| self.policies.get(&policy.id))
    }

    /// The deployments of a model.
    pub fn of_model(&self, model: ModelId) -> &[Served] {
        self.by_model.get(&model).and_then(|range| self.served.get(range.clone())).unwrap_or_default()
    }

    pub(crate) const fn plain_id(&self) -> &Arc<str> {
        &self.plain
    }

    pub(crate) fn at(&self, listed: Listed) -> Option<&Served> {
        self.served.get(listed.served)
    }

    /// The deployments that a name stands for, in their order.
    pub(crate) fn named(&self, name: &str) -> impl Iterator<Item = usize> {
        let resolved = self.snapshot.resolve(name);
        let pinned = resolved.as_ref().and_then(|resolved| resolved.pinned);
        let range = resolved.and_then(|resolved| self.by_model.get(&resolved.model.id).cloned()).unwrap_or_default();
        range.filter(move |at| pinned.is_none_or(|provider| self.served[*at].provider_id() == provider))
    }

    fn rule(&self, rule: &policy::Rule) -> Rule {
        Rule { name: rule.name.as_str().into(), when: rule.when.clone(), route: self.route(&rule.route) }
    }

    /// What is wrong in a route that is in force all the same, because it was right when it was saved, is
    /// passed over: models that are gone, strategies of a newer program.
    fn route(&self, route: &policy::Route) -> Route {
        let strategy = strategies::named(&route.strategy).unwrap_or(strategies::PLAIN);
        let settings = Settings::read(strategy, &route.settings);
        let mut candidates = self.list(route.candidates.iter().map(|line| (line.model.as_str(), line.weight)));
        if route.candidates.is_empty() {
            candidates = self.list(self.snapshot.models().iter().map(|model| (model.name.as_str(), 1)));
        }
        for name in settings.models() {
            self.name(name, &mut candidates);
        }
        let is_new = |listed: &Listed| candidates.iter().all(|known| known.served != listed.served);
        let fallbacks = self.list(route.fallbacks.iter().map(|name| (name.as_str(), 1)));
        let fallbacks = fallbacks.into_iter().filter(is_new).collect();
        let bounds = strategies::bounds(strategy, &settings, &route.bounds);
        Route {
            strategy,
            strategy_id: strategy.id.into(),
            settings,
            candidates,
            fallbacks,
            bounds,
            patience: route.patience,
        }
    }

    /// Each deployment once, at its first place.
    fn list<'a>(&self, names: impl Iterator<Item = (&'a str, u32)>) -> Vec<Listed> {
        let mut listed = Vec::new();
        let mut seen = vec![false; self.served.len()];
        for (place, (name, weight)) in names.enumerate() {
            let place = u32::try_from(place).unwrap_or(u32::MAX);
            for served in self.named(name).filter(|at| !std::mem::replace(&mut seen[*at], true)) {
                listed.push(Listed { served, place, weight, is_named: false });
            }
        }
        listed
    }

    /// Marks the deployments of a model that a setting names, and adds those that are missing.
    fn name(&self, name: &str, candidates: &mut Vec<Listed>) {
        let place = candidates.iter().map(|listed| listed.place + 1).max().unwrap_or(0);
        for served in self.named(name) {
            match candidates.iter_mut().find(|listed| listed.served == served) {
                Some(listed) => listed.is_named = true,
                None => candidates.push(Listed { served, place, weight: 1, is_named: true }),
            }
        }
    }
}

impl Compiled {
    /// The policy.
    pub const fn id(&self) -> PolicyId {
        self.id
    }

    /// How long each rule's route waits; rules are counted from 0.
    pub fn patience(&self, rule: usize) -> Option<Patience> {
        self.live.rules.get(rule).map(|rule| rule.route.patience)
    }
}

impl Served {
    /// The deployment.
    pub fn deployment(&self) -> &Deployment {
        &self.model.deployments[self.index]
    }

    /// Its id.
    pub fn deployment_id(&self) -> DeploymentId {
        self.deployment().id
    }

    /// Who serves it.
    pub fn provider_id(&self) -> ProviderId {
        self.deployment().provider_id
    }

    /// What it charges; `None` when nobody said.
    pub fn tariff(&self) -> Option<&Tariff> {
        self.deployment().price.as_ref().map(|price| &price.tariff)
    }

    /// Whether its provider can be called.
    pub fn is_usable(&self) -> bool {
        !self.credentials.is_empty()
    }

    /// Whether its provider has ended it.
    pub fn is_retired(&self, today: Date) -> bool {
        self.facts.shuts_down.is_some_and(|date| date.is_over_on(today))
    }

    /// Whether it thinks before it answers.
    pub fn is_reasoning(&self) -> bool {
        self.deployment().can_reason.unwrap_or_else(|| self.facts.features.contains(Feature::Reasoning))
    }

    /// What the model's quality is predicted from: the same for all its deployments.
    pub fn traits(&self) -> ModelTraits<'_> {
        let rates = self.reference.as_ref().map(|tariff| &tariff.rates);
        ModelTraits {
            name: &self.name,
            input_price: rates.map(|rates| rates.input),
            output_price: rates.map(|rates| rates.output),
            is_reasoning: self.is_reasoning(),
            context_tokens: self.facts.context_tokens,
            released: self.facts.released,
        }
    }
}

fn serve<'a>(snapshot: &'a Snapshot, model: &'a Arc<Model>) -> impl Iterator<Item = Served> + 'a {
    let name: Arc<str> = model.name.as_str().into();
    // A price of nothing tells nothing of quality: the model's own maker charges for it.
    let priced = |deployment: &Deployment| deployment.price.clone().filter(|price| !price.tariff.is_free());
    let reference = model.deployments.iter().find_map(priced).map(|price| Arc::new(price.tariff));
    model.deployments.iter().enumerate().map(move |(index, deployment)| {
        let target = snapshot.target(deployment.provider_id);
        let mut served = Served {
            model: Arc::clone(model),
            index,
            name: Arc::clone(&name),
            provider: target.map_or_else(|| "".into(), |target| target.provider.name.as_str().into()),
            credentials: target.map_or_else(|| [].into(), |target| target.usable().collect()),
            region: target.and_then(|target| target.provider.region.as_deref()).map(Arc::from),
            keeps_prompts: target.and_then(|target| target.provider.keeps_prompts),
            facts: snapshot.facts(deployment.id).cloned().unwrap_or_default(),
            reference: reference.clone(),
            ability: Ability { mean: 0.0, sd: 0.0 },
        };
        served.ability = Predictor::embedded().ability(&served.traits());
        served
    })
}
