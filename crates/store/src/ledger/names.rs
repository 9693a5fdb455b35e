//! Small numbers for what rows repeat: whom a request is charged to, what served it, its tags.
//!
//! Each has its table, which only grows. The numbers are those of one node.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::Arc;

use megarouter_domain::id::{DeploymentId, KeyId, ModelId, ProviderId, UnitId};
use megarouter_domain::record::UsageRecord;
use megarouter_domain::scope::Scope;
use megarouter_domain::tag::Tag;
use megarouter_ledger::entry::HoldFact;

use crate::db::Db;
use crate::error::Error;
use crate::row::{Values, values};

/// With more of one kind than this, all of it are forgotten and looked up again: clients choose tags.
const MOST_KNOWN: usize = 50_000;

/// How many places in the organisation are remembered of one key: it moves now and then.
const MOST_OF_KEY: usize = 16;

/// A model or a provider that is none.
const NONE: &[u8] = &[];

/// The numbers of one node, as far as they are known here.
#[derive(Debug)]
pub(crate) struct Names {
    node: i64,
    attributions: HashMap<KeyId, Vec<(Vec<UnitId>, i64)>>,
    series: HashMap<(i64, Arc<str>, Arc<str>), i64>,
    routes: HashMap<(i64, ProviderId, Option<ModelId>, DeploymentId), i64>,
    tags: HashMap<Tag, i64>,
}

impl Names {
    pub(crate) fn of(node: i64) -> Self {
        Self {
            node,
            attributions: HashMap::new(),
            series: HashMap::new(),
            routes: HashMap::new(),
            tags: HashMap::new(),
        }
    }

    /// What a finished request is counted by.
    pub(crate) async fn series(&mut self, db: &mut Db<'_>, record: &UsageRecord) -> Result<i64, Error> {
        let attribution = self.attribution(db, record.key_id, record.units.iter().copied()).await?;
        let key = (attribution, record.model.clone().unwrap_or_default(), record.provider.clone().unwrap_or_default());
        self.series_of(db, key).await
    }

    /// The same for a request of which only a hold is left.
    pub(crate) async fn series_of_hold(&mut self, db: &mut Db<'_>, hold: &HoldFact) -> Result<i64, Error> {
        let attribution = self.attribution(db, hold.key_id, units_of_hold(hold)).await?;
        self.series_of(db, (attribution, Arc::clone(&hold.model), Arc::clone(&hold.provider))).await
    }

    /// What a call is counted by.
    pub(crate) async fn route(&mut self, db: &mut Db<'_>, hold: &HoldFact) -> Result<i64, Error> {
        let attribution = self.attribution(db, hold.key_id, units_of_hold(hold)).await?;
        let key = (attribution, hold.provider_id, model_of_hold(hold), hold.deployment_id);
        if let Some(id) = self.routes.get(&key) {
            return Ok(*id);
        }
        let model = key.2.map_or_else(|| NONE.to_vec(), |id| id.as_uuid().as_bytes().to_vec());
        let content = values![key.0, key.1.as_uuid(), model, key.3.as_uuid()];
        let id = find_or_add(
            db,
            self.node,
            content,
            [
                "SELECT id FROM routes WHERE node = $1 AND attribution = $2 AND provider_id = $3 AND model_id = $4
                     AND deployment_id = $5",
                "INSERT INTO routes (node, attribution, provider_id, model_id, deployment_id, id)
                 VALUES ($1, $2, $3, $4, $5, (SELECT coalesce(max(id), 0) + 1 FROM routes WHERE node = $1))",
            ],
        )
        .await?;
        Ok(remember(&mut self.routes, key, id))
    }

    /// The number of a tag; from 1 on.
    pub(crate) async fn tag(&mut self, db: &mut Db<'_>, tag: &Tag) -> Result<i64, Error> {
        if let Some(id) = self.tags.get(tag) {
            return Ok(*id);
        }
        let content = values![Arc::clone(&tag.name), Arc::clone(&tag.value)];
        let id = find_or_add(
            db,
            self.node,
            content,
            [
                "SELECT id FROM tags WHERE node = $1 AND name = $2 AND value = $3",
                "INSERT INTO tags (node, name, value, id)
                 VALUES ($1, $2, $3, (SELECT coalesce(max(id), 0) + 1 FROM tags WHERE node = $1))",
            ],
        )
        .await?;
        Ok(remember(&mut self.tags, tag.clone(), id))
    }

    async fn attribution(
        &mut self,
        db: &mut Db<'_>,
        key_id: KeyId,
        units: impl Iterator<Item = UnitId> + Clone,
    ) -> Result<i64, Error> {
        let known = self.attributions.get(&key_id).into_iter().flatten();
        let mut same = known.filter(|(known, _)| known.iter().copied().eq(units.clone()));
        if let Some((_, id)) = same.next() {
            return Ok(*id);
        }
        let units: Vec<UnitId> = units.collect();
        let content = values![key_id.as_uuid(), units_text(&units)];
        let id = find_or_add(
            db,
            self.node,
            content,
            [
                "SELECT id FROM attributions WHERE node = $1 AND key_id = $2 AND units = $3",
                "INSERT INTO attributions (node, key_id, units, id)
                 VALUES ($1, $2, $3, (SELECT coalesce(max(id), 0) + 1 FROM attributions WHERE node = $1))",
            ],
        )
        .await?;
        if self.attributions.len() > MOST_KNOWN {
            self.attributions.clear();
        }
        let of_key = self.attributions.entry(key_id).or_default();
        if of_key.len() > MOST_OF_KEY {
            of_key.clear();
        }
        of_key.push((units, id));
        Ok(id)
    }

    async fn series_of(&mut self, db: &mut Db<'_>, key: (i64, Arc<str>, Arc<str>)) -> Result<i64, Error> {
        if let Some(id) = self.series.get(&key) {
            return Ok(*id);
        }
        let content = values![key.0, Arc::clone(&key.1), Arc::clone(&key.2)];
        let id = find_or_add(
            db,
            self.node,
            content,
            [
                "SELECT id FROM series WHERE node = $1 AND attribution = $2 AND model = $3 AND provider = $4",
                "INSERT INTO series (node, attribution, model, provider, id)
                 VALUES ($1, $2, $3, $4, (SELECT coalesce(max(id), 0) + 1 FROM series WHERE node = $1))",
            ],
        )
        .await?;
        Ok(remember(&mut self.series, key, id))
    }
}

/// Units as their column has them.
pub(crate) fn units_text(units: &[UnitId]) -> String {
    let ids: Vec<String> = units.iter().map(UnitId::to_string).collect();
    ids.join(" ")
}

/// The model whose scope a hold charges.
pub(crate) fn model_of_hold(hold: &HoldFact) -> Option<ModelId> {
    hold.scopes.iter().find_map(|scope| if let Scope::Model(id) = scope { Some(*id) } else { None })
}

fn units_of_hold(hold: &HoldFact) -> impl Iterator<Item = UnitId> + Clone {
    hold.scopes.iter().filter_map(|scope| if let Scope::Unit(id) = scope { Some(*id) } else { None })
}

/// Looks a content up, and gives it the next number when it has none. The one writer of a node makes
/// them, so no two of them race.
async fn find_or_add(
    db: &mut Db<'_>,
    node: i64,
    content: Values,
    [find, add]: [&'static str; 2],
) -> Result<i64, Error> {
    let mut with_node = values![node];
    with_node.append(content);
    if let Some(id) = db.fetch_value(find, with_node.clone()).await? {
        return Ok(id);
    }
    db.execute(add, with_node.clone()).await?;
    db.fetch_value(find, with_node).await?.ok_or(Error::Database(sqlx::Error::RowNotFound))
}

fn remember<K: Eq + Hash>(known: &mut HashMap<K, i64>, key: K, id: i64) -> i64 {
    if known.len() > MOST_KNOWN {
        known.clear();
    }
    known.insert(key, id);
    id
}
