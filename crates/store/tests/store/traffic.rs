//! Traffic for tests: requests as the gateway would account for them.

use std::sync::Arc;
use std::time::Duration;

use megarouter_domain::clock::Timestamp;
use megarouter_domain::code::Code;
use megarouter_domain::id::{
    AttemptId, DeploymentId, KeyId, ModelId, OrganizationId, PriceId, ProviderId, RequestId, UnitId,
};
use megarouter_domain::money::{NanoUsd, NanoUsdPerMillion};
use megarouter_domain::price::{Cost, Rates, Tariff};
use megarouter_domain::record::{AttemptRecord, Operation, Outcome, UsageRecord};
use megarouter_domain::scope::Scope;
use megarouter_domain::tag::Tag;
use megarouter_domain::usage::{Usage, UsageSource};
use megarouter_ledger::engine::Engine;
use megarouter_ledger::entry::{Entry, HoldFact, PinnedPrice, Resolution};

/// 2026-11-22T12:00:00Z.
pub const NOON: Timestamp = Timestamp::from_micros(1_795_348_800_000_000);

pub fn key(seed: u8) -> KeyId {
    KeyId::new(NOON, [seed; 10])
}

pub fn provider(seed: u8) -> ProviderId {
    ProviderId::new(NOON, [seed; 10])
}

pub fn model(name: &str) -> ModelId {
    ModelId::new(NOON, [u8::try_from(name.len()).unwrap(); 10])
}

pub fn unit(seed: u8) -> UnitId {
    UnitId::new(NOON, [seed; 10])
}

pub fn organization() -> Scope {
    Scope::Organization(OrganizationId::new(NOON, [0; 10]))
}

/// What distinguishes one request from the next.
#[derive(Clone, Debug)]
pub struct Call {
    pub number: u16,
    pub at: Timestamp,
    pub key: u8,
    pub provider: u8,
    pub model: &'static str,
    pub is_priced: bool,
    pub outcome: Outcome,
    pub status: u16,
    pub total: Duration,
    /// Nearest first.
    pub units: Vec<u8>,
    pub tags: Vec<Tag>,
    pub session: Option<&'static str>,
}

impl Call {
    pub fn new(number: u16, at: Timestamp) -> Self {
        let total = Duration::from_millis(100);
        let outcome = Outcome::Completed;
        Self {
            number,
            at,
            key: 1,
            provider: 1,
            model: "gpt-5",
            is_priced: true,
            outcome,
            status: 200,
            total,
            units: vec![],
            tags: vec![],
            session: None,
        }
    }

    fn entropy(&self) -> [u8; 10] {
        let mut entropy = [0; 10];
        // The first bits of the random part are taken by the version and the variant.
        entropy[8..].copy_from_slice(&self.number.to_be_bytes());
        entropy
    }

    pub fn request_id(&self) -> RequestId {
        RequestId::new(self.at, self.entropy())
    }

    pub fn attempt_id(&self) -> AttemptId {
        AttemptId::new(self.at, self.entropy())
    }

    fn unit_ids(&self) -> Vec<UnitId> {
        self.units.iter().copied().map(unit).collect()
    }

    fn scopes(&self) -> Vec<Scope> {
        let mut scopes = vec![organization(), Scope::Key(key(self.key)), Scope::Provider(provider(self.provider))];
        scopes.push(Scope::Model(model(self.model)));
        scopes.extend(self.unit_ids().into_iter().map(Scope::Unit));
        scopes.extend(self.tags.iter().cloned().map(Scope::Tag));
        scopes
    }

    pub fn hold(&self, engine: &mut Engine) -> Entry {
        let rates = Rates {
            input: NanoUsdPerMillion(2_000_000_000),
            output: NanoUsdPerMillion(8_000_000_000),
            ..Rates::default()
        };
        let price = self
            .is_priced
            .then(|| PinnedPrice { id: PriceId::new(NOON, [1; 10]), tariff: Arc::new(Tariff::of(rates)) });
        let fact = HoldFact {
            attempt_id: self.attempt_id(),
            request_id: self.request_id(),
            key_id: key(self.key),
            deployment_id: DeploymentId::new(NOON, [self.provider; 10]),
            provider_id: provider(self.provider),
            scopes: self.scopes(),
            amount: PinnedPrice::worst_case(
                price.as_ref(),
                &Usage { input: Some(1_000), output: Some(1_000), ..Usage::UNREPORTED },
            ),
            tokens: 0,
            session: self.session.map(Arc::from),
            price,
            counted_input: 900,
            started_at: self.at,
            operation: Operation::ChatCompletions,
            model_asked: self.model.into(),
            model: self.model.into(),
            provider: format!("provider-{}", self.provider).into(),
            upstream_model: format!("upstream-{}", self.model).into(),
            is_streaming: true,
        };
        engine.hold(fact, self.at).expect("no cap is set")
    }

    pub fn settle(&self, engine: &mut Engine) -> Entry {
        let usage = Usage { input: Some(500), cached_read: Some(400), output: Some(100), ..Usage::UNREPORTED };
        let (cost, overage) = (Cost::Unknown, NanoUsd::ZERO);
        let resolution = Resolution::Settled { usage, source: UsageSource::Reported, cost, overage };
        engine.resolve(self.attempt_id(), resolution, self.at.plus(self.total)).expect("the hold is open")
    }

    pub fn finish(&self, engine: &mut Engine) -> Entry {
        let totals = engine.totals(self.request_id());
        let error = (self.outcome == Outcome::Failed).then_some(Code::UpstreamError);
        let attempt = AttemptRecord {
            attempt_id: self.attempt_id(),
            deployment_id: DeploymentId::new(NOON, [self.provider; 10]),
            provider_id: provider(self.provider),
            provider: format!("provider-{}", self.provider).into(),
            upstream_model: format!("upstream-{}", self.model).into(),
            dialect: None,
            started_after: Duration::from_micros(50),
            first_output: Some(Duration::from_millis(20)),
            duration: self.total,
            status: Some(200),
            error,
            detail: None,
            upstream_request_id: Some("req_1".into()),
            credential_id: None,
            purpose: None,
        };
        let record = UsageRecord {
            request_id: self.request_id(),
            started_at: self.at,
            key_id: key(self.key),
            units: self.unit_ids().into(),
            tags: self.tags.clone(),
            session: self.session.map(Arc::from),
            refusal: None,
            operation: Operation::ChatCompletions,
            model_asked: self.model.into(),
            model: Some(self.model.into()),
            provider: Some(format!("provider-{}", self.provider).into()),
            upstream_model: Some(format!("upstream-{}", self.model).into()),
            is_streaming: true,
            status: self.status,
            outcome: self.outcome,
            error,
            usage: totals.usage,
            usage_source: totals.source,
            cost: totals.cost,
            first_output: Some(Duration::from_millis(20)),
            total: self.total,
            overhead: Some(Duration::from_micros(50)),
            attempts: vec![attempt],
            losses: Vec::new(),
            user_agent: Some("test/1".into()),
            decision: None,
        };
        engine.finish(Arc::new(record), self.at.plus(self.total))
    }

    /// All three entries.
    pub fn run(&self, engine: &mut Engine) -> Vec<Entry> {
        vec![self.hold(engine), self.settle(engine), self.finish(engine)]
    }
}
