//! The difference between a setup and what is stored, in changes and in words.

use std::cmp::Reverse;
use std::collections::HashSet;

use megarouter_catalog::Catalog;
use megarouter_domain::budget::Budget;
use megarouter_domain::clock::Timestamp;
use megarouter_domain::id::{Entropy, ProviderId, UnitId};
use megarouter_domain::key::VirtualKey;
use megarouter_domain::provider::Provider;
use megarouter_domain::secret::Secret;
use megarouter_domain::unit::Unit;
use megarouter_store::settings::{Change, Everything};
use thiserror::Error;

use super::file::{KeyEntry, ModelEntry, PolicyEntry, ProviderEntry, Setup};
use super::organization::BudgetEntry;
use super::wanted::{model, provider, virtual_key};
use super::wanted_budget::{World, budget};
use super::wanted_policy::policy;
use super::wanted_units::{UnitChanges, units};

/// Where new ids come from, and what nobody wrote.
pub struct Origin<'a> {
    /// The time of the change.
    pub now: Timestamp,
    /// Draws the random part of an id.
    pub entropy: &'a mut dyn FnMut() -> Entropy,
    /// What is known of models; it fills in prices and bounds that an entry leaves out.
    pub catalog: &'a Catalog,
}

/// What has to change.
#[derive(Debug, Default)]
pub struct Plan {
    /// The changes, in an order in which they can be made.
    pub changes: Vec<Change>,
    /// The same, one line each, for a person.
    pub words: Vec<String>,
    /// Secrets that the store is to hold, with the names of their providers.
    pub secrets: Vec<(String, ProviderId, Secret)>,
    /// Providers that go, with their secrets.
    pub forgotten: Vec<ProviderId>,
}

/// Why a setup cannot be true.
#[derive(Debug, Error)]
pub enum PlanError {
    /// Something is named twice.
    #[error("the {noun} `{name}` is named twice")]
    Twice {
        /// What.
        noun: &'static str,
        /// Its name.
        name: String,
    },
    /// A value is wrong.
    #[error("{place}: {reason}")]
    Wrong {
        /// Where.
        place: String,
        /// Why, and what instead.
        reason: String,
    },
}

impl PlanError {
    /// The entry that is wrong, as the error calls it.
    pub fn place(&self) -> String {
        match self {
            Self::Twice { noun, name } => format!("{noun} `{name}`"),
            Self::Wrong { place, .. } => place.clone(),
        }
    }
}

/// Compares a setup with what is stored. What is as wanted makes no change, so that applying twice
/// is as applying once.
///
/// # Errors
/// When the setup contradicts itself or names what does not exist.
pub fn plan(setup: &Setup, stored: &Everything, prune: bool, origin: &mut Origin<'_>) -> Result<Plan, PlanError> {
    no_twins("provider", setup.providers.iter().map(|entry| &entry.name))?;
    no_twins("model", setup.models.iter().map(|entry| &entry.name))?;
    no_twins("key", setup.keys.iter().map(|entry| &entry.name))?;
    no_twins("budget", setup.budgets.iter().map(|entry| &entry.name))?;
    no_twins("policy", setup.policies.iter().flatten().map(|entry| &entry.name))?;
    let mut plan = Plan::default();
    plan.rename(setup, stored)?;
    let UnitChanges { units, named, changes } = units(&setup.units, &stored.units, origin)?;
    for (change, words) in changes {
        plan.note(change, words);
    }
    let mut world = World {
        organization: stored.organization.id,
        providers: stored.providers.clone(),
        models: stored.models.clone(),
        units: units.into_iter().filter(|unit| unit.archived_at.is_none()).collect(),
        keys: stored.keys.iter().filter(|key| key.revoked_at.is_none()).cloned().collect(),
    };
    for entry in &setup.providers {
        plan.add_provider(entry, &mut world.providers, origin)?;
    }
    if prune {
        // Models go before the providers they would otherwise keep, and budgets before all they are on; policies
        // before models that want their names.
        plan.prune_policies(setup, stored, origin.now);
        plan.prune_budgets(setup, stored, origin.now);
        plan.prune_models(setup, stored);
    }
    for entry in &setup.models {
        plan.add_model(entry, &mut world, origin)?;
    }
    for entry in &setup.keys {
        plan.add_key(entry, &mut world, origin)?;
    }
    for entry in &setup.budgets {
        plan.add_budget(entry, stored, &world, origin)?;
    }
    for entry in setup.policies.iter().flatten() {
        plan.add_policy(entry, stored, &world, origin)?;
    }
    if prune {
        plan.prune_rest(setup, stored, origin.now);
        plan.prune_units(&world.units, &named, origin.now);
    }
    Ok(plan)
}

impl Plan {
    fn note(&mut self, change: Change, words: String) {
        self.changes.push(change);
        self.words.push(words);
    }

    fn rename(&mut self, setup: &Setup, stored: &Everything) -> Result<(), PlanError> {
        let Some(wanted) = setup.organization.as_ref().map(|entry| entry.name.trim()) else { return Ok(()) };
        if wanted.is_empty() || wanted.chars().count() > 100 {
            let reason = "a name has 1 to 100 characters".to_owned();
            return Err(PlanError::Wrong { place: "organization".to_owned(), reason });
        }
        if wanted != stored.organization.name {
            self.note(Change::RenameOrganization(wanted.to_owned()), format!("rename the organisation to {wanted}"));
        }
        Ok(())
    }

    fn add_budget(
        &mut self,
        entry: &BudgetEntry,
        stored: &Everything,
        world: &World,
        origin: &mut Origin<'_>,
    ) -> Result<(), PlanError> {
        let place = format!("budget `{}`", entry.name);
        let found = stored.budgets.iter().find(|budget| budget.name == entry.name && budget.is_active());
        let wanted = budget(entry, found, world, origin).map_err(|reason| PlanError::Wrong { place, reason })?;
        match found {
            None => self.note(Change::PutBudget(wanted), format!("add budget {}", entry.name)),
            Some(found) if *found != wanted => {
                let words = format!("change budget {}: {}", entry.name, budget_difference(found, &wanted));
                self.note(Change::PutBudget(wanted), words);
            }
            Some(_) => {}
        }
        Ok(())
    }

    fn add_policy(
        &mut self,
        entry: &PolicyEntry,
        stored: &Everything,
        world: &World,
        origin: &mut Origin<'_>,
    ) -> Result<(), PlanError> {
        let place = format!("policy `{}`", entry.name);
        let found = stored.policies.iter().find(|policy| policy.name == entry.name && policy.is_active());
        let wanted = policy(entry, found, world, origin).map_err(|reason| PlanError::Wrong { place, reason })?;
        match found {
            None => self.note(Change::PutPolicy(wanted), format!("add policy {}", entry.name)),
            Some(found) if found.live.body != wanted.live.body => {
                let words = format!("change policy {}: rules", entry.name);
                self.note(Change::PutPolicy(wanted), words);
            }
            Some(found) if *found != wanted => {
                self.note(Change::PutPolicy(wanted), format!("change policy {}: description", entry.name));
            }
            Some(_) => {}
        }
        Ok(())
    }

    fn add_provider(
        &mut self,
        entry: &ProviderEntry,
        providers: &mut Vec<Provider>,
        origin: &mut Origin<'_>,
    ) -> Result<(), PlanError> {
        let place = format!("provider `{}`", entry.name);
        let found = providers.iter().position(|provider| provider.name == entry.name);
        let id = found.map_or_else(|| ProviderId::new(origin.now, (origin.entropy)()), |at| providers[at].id);
        let known = found.map(|at| &providers[at]);
        let (wanted, secret) =
            provider(entry, id, known, origin).map_err(|reason| PlanError::Wrong { place, reason })?;
        if let Some(secret) = secret {
            self.secrets.push((wanted.name.clone(), id, secret));
        }
        match found {
            None => {
                self.note(Change::PutProvider(wanted.clone()), format!("add provider {}", entry.name));
                providers.push(wanted);
            }
            Some(at) if providers[at] != wanted => {
                let words = format!("change provider {}: {}", entry.name, difference(&providers[at], &wanted));
                self.note(Change::PutProvider(wanted.clone()), words);
                providers[at] = wanted;
            }
            Some(_) => {}
        }
        Ok(())
    }

    fn add_model(&mut self, entry: &ModelEntry, world: &mut World, origin: &mut Origin<'_>) -> Result<(), PlanError> {
        let place = format!("model `{}`", entry.name);
        let found = world.models.iter().position(|model| model.name == entry.name);
        let old = found.map(|at| &world.models[at]);
        let wanted =
            model(entry, old, &world.providers, origin).map_err(|reason| PlanError::Wrong { place, reason })?;
        match found {
            None => {
                self.note(Change::PutModel(wanted.clone()), format!("add model {}", entry.name));
                world.models.push(wanted);
            }
            Some(at) if world.models[at] != wanted => {
                self.note(Change::PutModel(wanted.clone()), format!("change model {}", entry.name));
                world.models[at] = wanted;
            }
            Some(_) => {}
        }
        Ok(())
    }

    fn add_key(&mut self, entry: &KeyEntry, world: &mut World, origin: &mut Origin<'_>) -> Result<(), PlanError> {
        let place = format!("key `{}`", entry.name);
        let found = world.keys.iter().find(|key| key.name == entry.name).cloned();
        let wanted = virtual_key(entry, found.as_ref(), world, origin);
        let wanted = wanted.map_err(|reason| PlanError::Wrong { place, reason })?;
        let put = Change::PutKey(wanted.clone());
        match &found {
            None => self.note(put, format!("add key {}", entry.name)),
            // A key's text cannot be changed, so another text is another key of the same name.
            Some(found) if found.hash != wanted.hash => {
                let words = format!("replace key {}: its text is another one, and the old one is revoked", entry.name);
                self.changes.push(Change::RevokeKey { id: found.id, at: origin.now });
                self.note(put, words);
            }
            Some(found) if *found != wanted => self.note(put, format!("change key {}", entry.name)),
            Some(_) => {}
        }
        world.keys.retain(|key| key.name != entry.name);
        world.keys.push(wanted);
        Ok(())
    }

    fn prune_budgets(&mut self, setup: &Setup, stored: &Everything, now: Timestamp) {
        let is_named = |name: &String| setup.budgets.iter().any(|entry| entry.name == *name);
        for budget in stored.budgets.iter().filter(|budget| budget.is_active() && !is_named(&budget.name)) {
            let name = if budget.name.is_empty() { budget.id.to_string() } else { budget.name.clone() };
            self.note(Change::ArchiveBudget { id: budget.id, at: now }, format!("archive budget {name}"));
        }
    }

    /// A file that says nothing of policies was written without them in mind.
    fn prune_policies(&mut self, setup: &Setup, stored: &Everything, now: Timestamp) {
        let Some(named) = &setup.policies else { return };
        let is_named = |name: &String| named.iter().any(|entry| entry.name == *name);
        for policy in stored.policies.iter().filter(|policy| policy.is_active() && !is_named(&policy.name)) {
            self.note(Change::ArchivePolicy { id: policy.id, at: now }, format!("archive policy {}", policy.name));
        }
    }

    /// What is in something goes before it. Keys that the file names are elsewhere by now; others go with their owner.
    fn prune_units(&mut self, units: &[Unit], named: &HashSet<UnitId>, now: Timestamp) {
        let parent = |unit: &Unit| units.iter().find(|above| Some(above.id) == unit.parent);
        let depth = |unit: &Unit| std::iter::successors(parent(unit), |above| parent(above)).take(units.len()).count();
        let mut unnamed: Vec<&Unit> = units.iter().filter(|unit| !named.contains(&unit.id)).collect();
        unnamed.sort_by_key(|unit| Reverse(depth(unit)));
        for unit in unnamed {
            let change = Change::ArchiveUnit { id: unit.id, at: now, with_content: true };
            self.note(change, format!("archive {} {}", unit.kind.as_str(), unit.name));
        }
    }

    fn prune_models(&mut self, setup: &Setup, stored: &Everything) {
        let is_named = |name: &String| setup.models.iter().any(|entry| entry.name == *name);
        for model in stored.models.iter().filter(|model| !is_named(&model.name)) {
            self.note(Change::RemoveModel(model.id), format!("remove model {}", model.name));
        }
    }

    fn prune_rest(&mut self, setup: &Setup, stored: &Everything, now: Timestamp) {
        let is_named = |name: &String| setup.providers.iter().any(|entry| entry.name == *name);
        for provider in stored.providers.iter().filter(|provider| !is_named(&provider.name)) {
            let change = Change::RemoveProvider { id: provider.id, with_models: true };
            self.note(change, format!("remove provider {}", provider.name));
            self.forgotten.push(provider.id);
        }
        let is_named = |name: &String| setup.keys.iter().any(|entry| entry.name == *name);
        let is_ours = |key: &&VirtualKey| key.id != stored.playground_key && key.revoked_at.is_none();
        for key in stored.keys.iter().filter(is_ours).filter(|key| !is_named(&key.name)) {
            self.note(Change::RevokeKey { id: key.id, at: now }, format!("revoke key {}", key.name));
        }
    }
}

fn no_twins<'a>(noun: &'static str, names: impl Iterator<Item = &'a String>) -> Result<(), PlanError> {
    let mut seen = HashSet::new();
    for name in names {
        if !seen.insert(name) {
            return Err(PlanError::Twice { noun, name: name.clone() });
        }
    }
    Ok(())
}

fn difference(before: &Provider, after: &Provider) -> String {
    let differing = [
        (before.kind != after.kind, "kind"),
        (before.base_url != after.base_url, "base_url"),
        (before.credential != after.credential, "credential"),
        (before.is_enabled != after.is_enabled, "enabled"),
        (before.region != after.region, "region"),
        (before.keeps_prompts != after.keeps_prompts, "keeps_prompts"),
        (before.pool != after.pool, "pool"),
        (before.dialects != after.dialects, "dialects"),
    ];
    let fields: Vec<_> = differing.iter().filter(|(differs, _)| *differs).map(|(_, field)| *field).collect();
    fields.join(", ")
}

fn budget_difference(before: &Budget, after: &Budget) -> String {
    let differing = [
        (before.scope != after.scope, "what it is set on"),
        (before.each != after.each, "each"),
        (before.measure != after.measure || before.limit != after.limit, "amount"),
        (before.period != after.period, "period"),
        (before.zone != after.zone, "zone"),
        (before.ladder != after.ladder, "steps"),
        (before.carries_over != after.carries_over, "carry_over"),
        (before.is_strict != after.is_strict, "strict"),
        (before.raises != after.raises, "raises"),
    ];
    let fields: Vec<_> = differing.iter().filter(|(differs, _)| *differs).map(|(_, field)| *field).collect();
    fields.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use megarouter_domain::id::{KeyId, OrganizationId};
    use megarouter_store::settings::Organization;

    const NOW: Timestamp = Timestamp::from_micros(1_000_000);
    const SETUP: &str = "
providers:
- {name: local, kind: ollama}
- {name: openai, kind: openai, credential: {store: {env: OPENAI}}}
models:
- name: small
  aliases: [fast]
  deployments:
  - {provider: local, upstream_model: 'qwen3:4b'}
  - {provider: openai, upstream_model: gpt-5-nano, price: {input: 0.05, output: 0.40}}
keys:
- {name: ci, secret: {env: CI}, models: [small]}
";

    fn empty() -> Everything {
        let id = OrganizationId::new(NOW, [0; 10]);
        Everything {
            organization: Organization { id, name: "Home".to_owned(), created_at: NOW },
            providers: vec![],
            models: vec![],
            units: vec![],
            keys: vec![],
            playground_key: KeyId::new(NOW, [0; 10]),
            budgets: vec![],
            policies: vec![],
            preferences: vec![],
            version: 0,
        }
    }

    fn setup(text: &str) -> Setup {
        let mut setup = Setup::parse(text).unwrap();
        setup.fill_in(|name| Some(format!("{name}-secret-text-0123456789"))).unwrap();
        setup
    }

    fn planned(setup: &Setup, stored: &Everything, prune: bool) -> Result<Plan, PlanError> {
        let mut counter = 0_u8;
        let mut entropy = || {
            counter += 1;
            [counter; 10]
        };
        let catalog = megarouter_catalog::embedded();
        plan(setup, stored, prune, &mut Origin { now: NOW, entropy: &mut entropy, catalog: &catalog })
    }

    fn after(plan: Plan, stored: &mut Everything) {
        for change in plan.changes {
            match change {
                Change::PutProvider(provider) => stored.providers.push(provider),
                Change::PutModel(model) => stored.models.push(model),
                Change::PutKey(key) => stored.keys.push(key),
                Change::PutUnit(unit) => stored.units.push(unit),
                Change::PutBudget(budget) => stored.budgets.push(budget),
                Change::PutPolicy(policy) => stored.policies.push(policy),
                Change::RenameOrganization(name) => stored.organization.name = name,
                other => panic!("{other:?}"),
            }
        }
    }

    #[test]
    fn applying_twice_is_as_applying_once() {
        let (setup, mut stored) = (setup(SETUP), empty());
        let plan = planned(&setup, &stored, false).unwrap();
        assert_eq!(plan.words, ["add provider local", "add provider openai", "add model small", "add key ci"]);
        assert_eq!(plan.secrets.len(), 1);
        after(plan, &mut stored);
        let again = planned(&setup, &stored, true).unwrap();
        assert_eq!((again.words, again.changes), (vec![], vec![]));
    }

    #[test]
    fn only_what_differs_changes() {
        let mut stored = empty();
        after(planned(&setup(SETUP), &stored, false).unwrap(), &mut stored);
        let price = stored.models[0].deployments[1].price.clone().unwrap();
        let dearer = setup(&SETUP.replace("0.40", "0.50").replace("kind: ollama", "kind: ollama, enabled: false"));
        let plan = planned(&dearer, &stored, false).unwrap();
        assert_eq!(plan.words, ["change provider local: enabled", "change model small"]);
        let Change::PutModel(model) = &plan.changes[1] else { panic!("{:?}", plan.changes) };
        assert_eq!(model.id, stored.models[0].id);
        assert_ne!(model.deployments[1].price.as_ref().unwrap().id, price.id, "a changed price is a new version");
    }

    #[test]
    fn a_price_that_is_left_out_is_the_catalogues_and_stays_as_refreshes_change_it() {
        let (setup, mut stored) = (setup(&SETUP.replace(", price: {input: 0.05, output: 0.40}", "")), empty());
        after(planned(&setup, &stored, false).unwrap(), &mut stored);
        let deployment = &mut stored.models[0].deployments[1];
        assert_eq!((deployment.max_output_tokens, deployment.can_reason), (Some(128_000), Some(true)));
        let price = deployment.price.as_mut().unwrap();
        assert_eq!(
            (price.tariff.rates.input.to_usd().as_str(), price.source.as_str()),
            ("0.05", "catalogue 2026-11-22 (litellm)")
        );
        price.tariff.rates.input.0 *= 2;
        "catalogue 2027-01-01 (litellm)".clone_into(&mut price.source);
        assert_eq!(planned(&setup, &stored, false).unwrap().words, Vec::<String>::new());
    }

    #[test]
    fn another_text_is_another_key() {
        let mut stored = empty();
        after(planned(&setup(SETUP), &stored, false).unwrap(), &mut stored);
        let plan = planned(&setup(&SETUP.replace("env: CI", "env: OTHER")), &stored, false).unwrap();
        assert!(matches!(plan.changes[..], [Change::RevokeKey { .. }, Change::PutKey(_)]), "{:?}", plan.changes);
    }

    #[test]
    fn pruning_removes_what_is_not_named_and_nothing_else_does() {
        let mut stored = empty();
        after(planned(&setup(SETUP), &stored, false).unwrap(), &mut stored);
        assert!(planned(&Setup::default(), &stored, false).unwrap().words.is_empty());
        let words = planned(&Setup::default(), &stored, true).unwrap().words;
        assert_eq!(words, ["remove model small", "remove provider local", "remove provider openai", "revoke key ci"]);
    }

    const ORGANIZATION: &str = "
organization: {name: Acme}
units:
  departments:
  - name: Product
    teams:
    - name: Search
      members: [{name: Ada, email: ada@example.com, apps: [notebook]}]
      apps: [crawler]
  projects: [Relaunch]
keys:
- {name: ci, secret: {env: CI}, owner: {app: crawler}, project: Relaunch}
budgets:
- {name: Search, team: Search, amount: 14000 USD, zone: Europe/Berlin, notify_at: [50, 80], stop_at: 100,
   raises: [{amount: 1000, until: '2027-01-01T00:00:00Z', reason: launch}]}
- {name: rate, key: ci, amount: 60 requests, period: rolling 1m, stop_at: 100}
- {name: brake, amount: 5 USD, each: session, period: total, stop_at: 100}
";

    #[test]
    fn an_organisation_is_made_with_its_budgets_and_stays_so() {
        let (setup, mut stored) = (setup(ORGANIZATION), empty());
        let plan = planned(&setup, &stored, false).unwrap();
        let expected = [
            "rename the organisation to Acme",
            "add department Product",
            "add team Search to department Product",
            "add member Ada to team Search",
            "add app notebook to member Ada",
            "add app crawler to team Search",
            "add project Relaunch",
            "add key ci",
            "add budget Search",
            "add budget rate",
            "add budget brake",
        ];
        assert_eq!(plan.words, expected);
        after(plan, &mut stored);
        let crawler = stored.units.iter().find(|unit| unit.name == "crawler").unwrap().id;
        assert_eq!(stored.keys[0].owner, Some(crawler));
        assert_eq!(stored.budgets[0].limit, 14_000_000_000_000);
        assert_eq!(stored.budgets[0].raises[0].amount, 1_000_000_000_000);
        let again = planned(&setup, &stored, true).unwrap();
        assert_eq!((again.words, again.changes), (vec![], vec![]));
    }

    #[test]
    fn the_example_can_be_applied() {
        let text = include_str!("../../../../docs/examples/setup.yaml");
        let (setup, mut stored) = (setup(text), empty());
        let plan = planned(&setup, &stored, false).unwrap();
        assert!(plan.words.contains(&"add budget Runaway agents".to_owned()), "{:?}", plan.words);
        after(plan, &mut stored);
        assert_eq!(planned(&setup, &stored, true).unwrap().words, Vec::<String>::new());
        assert!(super::super::places::lines(text).contains_key("budget `CI rate`"));
    }

    const POLICIES: &str = "
policies:
- name: auto
  description: The best for the money
  takes_over: ['gpt-*']
  rules:
  - {name: CI, when: [{who: {keys: [ci]}}, {size: {at_most: 2000}}], strategy: lowest_cost, candidates: [small]}
  - {strategy: learned_utility, settings: {goal: balanced}, bounds: {cost: 0.05}}
";

    #[test]
    fn policies_are_made_changed_and_pruned() {
        let mut stored = empty();
        let text = format!("{SETUP}{POLICIES}");
        let plan = planned(&setup(&text), &stored, false).unwrap();
        assert_eq!(plan.words.last().unwrap(), "add policy auto");
        after(plan, &mut stored);
        stored.policies[0].live.number = 1;
        assert_eq!(planned(&setup(&text), &stored, true).unwrap().words, Vec::<String>::new());
        let cheaper = planned(&setup(&text.replace("cost: 0.05", "cost: 0.04")), &stored, false).unwrap();
        assert_eq!(cheaper.words, ["change policy auto: rules"]);
        let Change::PutPolicy(policy) = &cheaper.changes[0] else { panic!("{:?}", cheaper.changes) };
        assert_eq!((policy.id, policy.live.number), (stored.policies[0].id, 0), "a new version of the same policy");
        assert_eq!(
            planned(&setup(SETUP), &stored, true).unwrap().words,
            Vec::<String>::new(),
            "it says nothing of them"
        );
        let none = planned(&setup(&format!("{SETUP}policies: []\n")), &stored, true).unwrap();
        assert_eq!(none.words, ["archive policy auto"]);
    }

    #[test]
    fn further_credentials_that_are_not_named_stay() {
        let mut stored = empty();
        let pooled = SETUP.replace("kind: openai,", "kind: openai, region: eu, pool: [{name: second, env: SECOND}],");
        after(planned(&setup(&pooled), &stored, false).unwrap(), &mut stored);
        assert_eq!((stored.providers[1].pool.len(), stored.providers[1].region.as_deref()), (1, Some("eu")));
        assert_eq!(planned(&setup(&pooled), &stored, true).unwrap().words, Vec::<String>::new());
        assert_eq!(planned(&setup(SETUP), &stored, true).unwrap().words, Vec::<String>::new());
    }

    #[test]
    fn what_moves_or_goes_is_said() {
        let mut stored = empty();
        after(planned(&setup(ORGANIZATION), &stored, false).unwrap(), &mut stored);
        let other = setup(
            "{units: {teams: [{name: Search}]}, budgets: [{name: Search, team: Search, amount: 1 USD, stop_at: 90}]}",
        );
        let words = planned(&other, &stored, true).unwrap().words;
        let expected = [
            "move team Search to the organisation",
            "archive budget rate",
            "archive budget brake",
            "change budget Search: amount, zone, steps",
            "revoke key ci",
            "archive app notebook",
            "archive member Ada",
            "archive app crawler",
            "archive department Product",
            "archive project Relaunch",
        ];
        assert_eq!(words, expected);
    }

    #[test]
    fn a_setup_that_cannot_be_true_is_refused_with_its_place() {
        let wrong = [
            ("providers: [{name: a, kind: ollama}, {name: a, kind: vllm}]", "named twice"),
            ("providers: [{name: A, kind: ollama}]", "lower-case"),
            ("providers: [{name: a, kind: magic}]", "no kind of provider"),
            ("providers: [{name: a, kind: openai}]", "refuses calls without a credential"),
            ("providers: [{name: a, kind: openai_compatible}]", "needs a base_url"),
            ("providers: [{name: a, kind: azure_openai}]", "`resource` is missing"),
            ("providers: [{name: a, kind: azure_openai, variables: {resource: a/b}}]", "cannot stand there"),
            ("providers: [{name: a, kind: vertex, variables: {project: p}}]", "refuses calls without a credential"),
            ("models: [{name: m, deployments: [{provider: nobody}]}]", "there is no provider `nobody`"),
            ("models: [{name: m, deployments: []}]", "at least one deployment"),
            ("keys: [{name: k, secret: {env: A}, expires_at: soon}]", "expires_at"),
            ("keys: [{name: k, secret: {env: A}, owner: {team: T}}]", "key `k`: owner: there is no team `T`"),
            ("keys: [{name: k, secret: {env: A}, project: P}]", "there is no project `P`"),
            ("units: {teams: [{name: T}, {name: T}]}", "the team `T` is named twice"),
            ("units: {apps: ['']}", "a name has 1 to 100"),
            ("budgets: [{name: b, team: T, amount: 1 USD}]", "budget `b`: there is no team `T`"),
            ("budgets: [{name: b, model: M, amount: 1 USD}]", "there is no model `M`"),
            ("budgets: [{name: b, amount: 1 EUR}]", "14000 USD"),
            ("budgets: [{name: b, amount: 0 USD}]", "more than zero"),
            ("budgets: [{name: b, amount: 1 USD, zone: Mars}]", "no time zone"),
            ("budgets: [{name: b, amount: 1 USD, period: rolling 7s, carry_over: true}]", "carry over"),
            ("budgets: [{name: b, amount: 1 USD, stop_at: 2000}]", "percent"),
            ("policies: [{name: p, rules: []}]", "1 to 200 rules"),
            ("policies: [{name: p, rules: [{strategy: fixed_order, candidates: [m]}]}]", "there is no model `m`"),
            ("policies: [{name: p, rules: [{strategy: magic}]}]", "there is no strategy `magic`"),
            ("policies: [{name: p, rules: [{when: [{who: {teams: [T]}}], strategy: fixed_order}]}]", "no team `T`"),
            ("providers: [{name: a, kind: ollama, pool: [{name: '', env: A}]}]", "pool"),
        ];
        for (text, reason) in wrong {
            let error = planned(&setup(text), &empty(), false).unwrap_err().to_string();
            assert!(error.contains(reason), "{text} gave {error}");
        }
    }
}
