//! A small world for tests: models at providers, a key, and a question to turn about.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use megarouter_domain::access::Principal;
use megarouter_domain::catalog::Set;
use megarouter_domain::clock::Timestamp;
use megarouter_domain::facts::{Facts, Need};
use megarouter_domain::id::{DeploymentId, KeyId, ModelId, OrganizationId, PolicyId, PriceId, ProviderId};
use megarouter_domain::key::{ModelAccess, VirtualKey};
use megarouter_domain::model::{Deployment, Model};
use megarouter_domain::money::NanoUsdPerMillion;
use megarouter_domain::policy::{Body, Bounds, Candidate, Policy, Route, Rule, Setting, Trial, Version};
use megarouter_domain::price::{Price, Rates, Tariff};
use megarouter_domain::provider::{Credential, CredentialSource, Provider, Target};
use megarouter_domain::record::Operation;
use megarouter_domain::snapshot::{Parts, Snapshot};
use megarouter_domain::tag::Tag;

use crate::affinity::Affinity;
use crate::decide::{self, Decided, Explained, NoCandidate};
use crate::features::Text;
use crate::health::{Callee, Ended, Fault, Health};
use crate::learnt::Learnt;
use crate::predictor::Predictor;
use crate::question::{BudgetView, Question, Surroundings};
use crate::table::Table;

/// A Wednesday at noon.
pub const NOW: Timestamp = Timestamp::from_micros(1_795_608_000_000_000);

/// A deployment of a model.
#[derive(Clone, Debug)]
pub struct Spec {
    pub model: String,
    pub provider: u8,
    /// Dollars per million tokens of input and of output.
    pub price: Option<(u64, u64)>,
    pub facts: Facts,
}

pub fn spec(model: &str, provider: u8, input: u64, output: u64) -> Spec {
    Spec { model: model.to_owned(), provider, price: Some((input, output)), facts: Facts::default() }
}

/// What is asked; the fields are set by tests.
#[derive(Clone, Debug)]
pub struct Ask {
    pub asked: String,
    pub session: Option<String>,
    pub tags: Vec<Tag>,
    pub headers: HashMap<String, String>,
    pub needs: Set<Need>,
    pub input_tokens: u64,
    pub output_bound: Option<u64>,
    pub text: String,
    pub at: Timestamp,
    pub budget: BudgetView,
    pub operation: Operation,
    pub seed: u64,
}

impl Ask {
    pub fn of(asked: &str) -> Self {
        Self {
            asked: asked.to_owned(),
            session: None,
            tags: vec![],
            headers: HashMap::new(),
            needs: Set::EMPTY,
            input_tokens: 1_000,
            output_bound: None,
            text: "What is the capital of France?".to_owned(),
            at: NOW,
            budget: BudgetView::default(),
            operation: Operation::ChatCompletions,
            seed: 7,
        }
    }
}

pub struct World {
    pub table: Table,
    pub health: Health,
    pub affinity: Affinity,
    pub learnt: Learnt,
    pub now: Duration,
    pub principal: Principal,
}

impl World {
    pub fn new(specs: &[Spec], policies: Vec<Policy>) -> Self {
        Self {
            table: Table::new(&snapshot(specs, policies, |_| {})),
            health: Health::default(),
            affinity: Affinity::default(),
            learnt: Learnt::default(),
            now: Duration::from_secs(1_000),
            principal: principal(ModelAccess::All),
        }
    }

    pub fn decide(&self, ask: &Ask) -> Result<Decided, NoCandidate> {
        self.look(ask, |question, around| decide::decide(&self.table, question, around, ask.seed))
    }

    pub fn explain(&self, ask: &Ask) -> Explained {
        self.look(ask, |question, around| decide::explain(&self.table, None, question, around, ask.seed))
    }

    /// The names of the models to be tried, in their order.
    pub fn order(&self, ask: &Ask) -> Vec<String> {
        names(&self.decide(ask).unwrap())
    }

    pub fn look<T>(&self, ask: &Ask, with: impl FnOnce(&Question<'_>, &Surroundings<'_>) -> T) -> T {
        let header = |name: &str| ask.headers.get(name).cloned();
        let question = Question {
            asked: &ask.asked,
            principal: &self.principal,
            units: &[],
            tags: &ask.tags,
            headers: &header,
            session: ask.session.as_deref(),
            operation: ask.operation,
            needs: ask.needs,
            input_tokens: ask.input_tokens,
            output_bound: ask.output_bound,
            text: Text { user: &ask.text, ..Text::default() },
            task: None,
            at: ask.at,
            budget: ask.budget,
        };
        let around = Surroundings {
            predictor: Predictor::embedded(),
            learnt: &self.learnt,
            health: &self.health,
            affinity: &self.affinity,
            now: self.now,
        };
        with(&question, &around)
    }

    /// How calls of a model are made, by its place among all deployments.
    pub fn callee(&self, place: usize) -> Callee {
        let served = &self.table.served()[place];
        Callee { deployment: served.deployment_id(), provider: served.provider_id(), credential: None }
    }

    /// Makes calls that fail until the deployment rests.
    pub fn breaks(&mut self, place: usize) {
        for _ in 0..3 {
            self.calls(place, Ended::Failed(Fault::Broken));
        }
    }

    pub fn serves(&mut self, place: usize, first_output_ms: u64) {
        let first_output = Duration::from_millis(first_output_ms);
        let total = first_output + Duration::from_secs(1);
        self.calls(place, Ended::Served { first_output: Some(first_output), total, output_tokens: Some(100) });
    }

    fn calls(&mut self, place: usize, ended: Ended) {
        let callee = self.callee(place);
        self.health.begin(callee, true, self.now);
        self.health.end(callee, ended, self.now);
    }
}

pub fn names(decided: &Decided) -> Vec<String> {
    decided.choices.iter().map(|choice| choice.model.name.clone()).collect()
}

pub fn principal(models: ModelAccess) -> Principal {
    Principal {
        key: Arc::new(VirtualKey {
            id: KeyId::new(NOW, [1; 10]),
            name: "laptop".to_owned(),
            owner: None,
            project: None,
            hint: "mr-…".to_owned(),
            hash: None,
            models,
            is_strict: false,
            created_at: NOW,
            expires_at: None,
            revoked_at: None,
        }),
    }
}

/// A configuration with one provider for each number in the specs; consecutive specs of one name are one model.
pub fn snapshot(specs: &[Spec], policies: Vec<Policy>, change: impl Fn(&mut Target)) -> Snapshot {
    let mut providers: Vec<u8> = specs.iter().map(|spec| spec.provider).collect();
    providers.sort_unstable();
    providers.dedup();
    let mut targets: Vec<_> = providers.into_iter().map(target).collect();
    targets.iter_mut().for_each(change);
    let mut facts = HashMap::new();
    let mut models: Vec<Model> = Vec::new();
    for (place, spec) in specs.iter().enumerate() {
        let seed = [u8::try_from(place).unwrap(); 10];
        let deployment = deployment(spec, seed);
        facts.insert(deployment.id, spec.facts.clone());
        match models.iter_mut().find(|model| model.name == spec.model) {
            Some(model) => model.deployments.push(deployment),
            None => models.push(Model {
                id: ModelId::new(NOW, seed),
                name: spec.model.clone(),
                aliases: vec![],
                deployments: vec![deployment],
                created_at: NOW,
            }),
        }
    }
    Snapshot::new(Parts {
        organization: OrganizationId::new(NOW, [0; 10]),
        organization_name: "Acme".into(),
        units: vec![],
        budgets: vec![],
        keys: vec![],
        targets,
        models,
        facts,
        policies,
    })
    .unwrap()
}

fn target(seed: u8) -> Target {
    let provider = Provider {
        id: ProviderId::new(NOW, [seed; 10]),
        name: format!("p{seed}"),
        kind: "openai".to_owned(),
        base_url: "http://127.0.0.1:1/v1".to_owned(),
        credential: CredentialSource::None,
        dialects: vec![],
        is_enabled: true,
        region: None,
        keeps_prompts: None,
        pool: vec![],
    };
    Target { provider, credential: Credential::None, pool: vec![] }
}

fn deployment(spec: &Spec, seed: [u8; 10]) -> Deployment {
    let price = |(input, output): (u64, u64)| {
        let nano = |dollars: u64| NanoUsdPerMillion(dollars * 1_000_000_000);
        let rates = Rates {
            input: nano(input),
            output: nano(output),
            cached_read: Some(NanoUsdPerMillion(input * 100_000_000)),
            ..Rates::default()
        };
        Price { id: PriceId::new(NOW, seed), valid_from: NOW, tariff: Tariff::of(rates), source: "test".to_owned() }
    };
    Deployment {
        id: DeploymentId::new(NOW, seed),
        provider_id: ProviderId::new(NOW, [spec.provider; 10]),
        upstream_model: spec.model.clone(),
        price: spec.price.map(price),
        max_output_tokens: None,
        can_reason: None,
    }
}

/// A policy of one rule.
pub fn policy(name: &str, route: Route) -> Policy {
    of_rules(name, vec![Rule { name: String::new(), when: vec![], route }])
}

pub fn of_rules(name: &str, rules: Vec<Rule>) -> Policy {
    Policy {
        id: PolicyId::new(NOW, [9; 10]),
        name: name.to_owned(),
        description: String::new(),
        live: version(1, rules),
        trial: None,
        created_at: NOW,
        archived_at: None,
    }
}

pub fn version(number: u32, rules: Vec<Rule>) -> Version {
    Version { number, body: Body { takes_over: vec![], rules }, text: None, note: String::new(), made_at: NOW }
}

pub fn with_trial(policy: Policy, trial: Trial) -> Policy {
    Policy { trial: Some(trial), ..policy }
}

pub fn route(strategy: &str, models: &[&str]) -> Route {
    let candidate = |model: &&str| Candidate { model: (*model).to_owned(), weight: 1 };
    Route {
        strategy: strategy.to_owned(),
        candidates: models.iter().map(candidate).collect(),
        bounds: Bounds::default(),
        ..Route::default()
    }
}

pub fn settings<const N: usize>(settings: [(&str, Setting); N]) -> BTreeMap<String, Setting> {
    settings.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}
