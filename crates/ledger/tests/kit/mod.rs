//! What several tests of the ledger share: an organisation, its calls and their records.

use std::sync::Arc;
use std::time::Duration;

use megarouter_domain::clock::Timestamp;
use megarouter_domain::id::{
    AttemptId, DeploymentId, KeyId, ModelId, OrganizationId, PriceId, ProviderId, RequestId, UnitId,
};
use megarouter_domain::money::NanoUsdPerMillion;
use megarouter_domain::price::{Rates, Tariff};
use megarouter_domain::record::{Operation, Outcome, UsageRecord};
use megarouter_domain::scope::Scope;
use megarouter_domain::tag::Tag;
use megarouter_domain::unit::{Unit, UnitKind, Units};
use megarouter_domain::usage::Usage;
use megarouter_ledger::engine::Engine;
use megarouter_ledger::entry::{HoldFact, PinnedPrice};

/// 2026-11-22, in the evening.
pub const NOW: Timestamp = Timestamp::from_micros(1_795_381_200_000_000);

/// A call: of whom, through what.
#[derive(Clone, Copy, Debug)]
pub struct Call {
    pub request: RequestId,
    pub attempt: AttemptId,
    /// Which member, and with that which team, key and session.
    pub member: u8,
    pub provider: u8,
    pub model: u8,
    pub started_at: Timestamp,
}

pub fn organization() -> Scope {
    Scope::Organization(OrganizationId::new(NOW, [0; 10]))
}

pub fn team(number: u8) -> UnitId {
    UnitId::new(NOW, [100 + number; 10])
}

pub fn member(number: u8) -> UnitId {
    UnitId::new(NOW, [number; 10])
}

pub fn project() -> UnitId {
    UnitId::new(NOW, [200; 10])
}

pub fn key(number: u8) -> KeyId {
    KeyId::new(NOW, [number; 10])
}

pub fn provider(number: u8) -> ProviderId {
    ProviderId::new(NOW, [number; 10])
}

pub fn model(number: u8) -> ModelId {
    ModelId::new(NOW, [number; 10])
}

pub fn tag(number: u8) -> Tag {
    Tag::new("env", if number == 0 { "test" } else { "live" }).unwrap()
}

/// Every second member names sessions.
pub fn session(member: u8) -> Option<Arc<str>> {
    member.is_multiple_of(2).then(|| Arc::from(format!("session {member}")))
}

/// Two teams, four members, one project.
pub fn units() -> Units {
    let unit = |id, kind, parent| Unit {
        id,
        kind,
        name: id.to_string(),
        parent,
        email: None,
        created_at: NOW,
        archived_at: None,
    };
    let teams = (0..2).map(|number| unit(team(number), UnitKind::Team, None));
    let members = (0..4).map(|number| unit(member(number), UnitKind::Member, Some(team(number % 2))));
    Units::new(teams.chain(members).chain([unit(project(), UnitKind::Project, None)])).unwrap()
}

impl Call {
    pub fn scopes(&self) -> Vec<Scope> {
        let mut scopes = vec![
            organization(),
            Scope::Unit(member(self.member)),
            Scope::Unit(team(self.member % 2)),
            Scope::Key(key(self.member)),
            Scope::Provider(provider(self.provider)),
            Scope::Model(model(self.model)),
            Scope::Tag(tag(self.member % 2)),
        ];
        if self.member == 3 {
            scopes.push(Scope::Unit(project()));
        }
        scopes
    }
}

/// Dollars a million tokens that are no round numbers.
pub fn price() -> PinnedPrice {
    let rates = Rates { input: NanoUsdPerMillion(1_234_567), output: NanoUsdPerMillion(7_654_321), ..Rates::default() };
    PinnedPrice { id: PriceId::new(NOW, [1; 10]), tariff: Arc::new(Tariff::of(rates)) }
}

pub fn tokens(input: u64, output: u64) -> Usage {
    Usage { input: Some(input), output: Some(output), ..Usage::UNREPORTED }
}

/// A hold for at most so many tokens.
pub fn hold_fact(call: Call, input: u64, output: u64, price: Option<PinnedPrice>) -> HoldFact {
    HoldFact {
        attempt_id: call.attempt,
        request_id: call.request,
        key_id: key(call.member),
        deployment_id: DeploymentId::new(NOW, [call.provider; 10]),
        provider_id: provider(call.provider),
        scopes: call.scopes(),
        amount: PinnedPrice::worst_case(price.as_ref(), &tokens(input, output)),
        tokens: input + output,
        session: session(call.member),
        price,
        counted_input: input,
        started_at: call.started_at,
        operation: Operation::ChatCompletions,
        model_asked: "m".into(),
        model: "m".into(),
        provider: "p".into(),
        upstream_model: "u".into(),
        is_streaming: true,
    }
}

/// The record of a request that ends, with what its attempts add up to.
pub fn record(engine: &Engine, call: Call) -> Arc<UsageRecord> {
    let totals = engine.totals(call.request);
    Arc::new(UsageRecord {
        request_id: call.request,
        started_at: call.started_at,
        key_id: key(call.member),
        units: [member(call.member), team(call.member % 2)].into(),
        tags: vec![tag(call.member % 2)],
        session: session(call.member),
        refusal: None,
        operation: Operation::ChatCompletions,
        model_asked: "m".into(),
        model: Some("m".into()),
        provider: None,
        upstream_model: None,
        is_streaming: true,
        status: 200,
        outcome: Outcome::Completed,
        error: None,
        usage: totals.usage,
        usage_source: totals.source,
        cost: totals.cost,
        first_output: None,
        total: Duration::ZERO,
        overhead: None,
        attempts: Vec::new(),
        losses: Vec::new(),
        user_agent: None,
        decision: None,
    })
}
