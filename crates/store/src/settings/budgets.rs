//! Budgets with their temporary increases. Owns the tables `budgets` and `raises`.

use std::collections::HashMap;

use megarouter_domain::budget::{Budget, Raise};
use megarouter_domain::clock::Timestamp;
use megarouter_domain::id::{BudgetId, KeyId, ModelId, OrganizationId, ProviderId, RaiseId};
use megarouter_domain::scope::Scope;
use megarouter_domain::unit::UnitKind;
use uuid::Uuid;

use crate::db::Db;
use crate::error::Error;
use crate::row::{Reading, Row, values};
use crate::settings::{ChangeError, Noun, units};

pub(super) async fn load(db: &mut Db<'_>) -> Result<Vec<Budget>, Error> {
    let mut raises = load_raises(db).await?;
    let rows = db.fetch_all("SELECT * FROM budgets ORDER BY created_at, id", values![]).await?;
    let with_raises = |row: &Row| {
        let budget = read(row)?;
        Ok(Budget { raises: raises.remove(&budget.id).unwrap_or_default(), ..budget })
    };
    rows.iter().map(with_raises).collect()
}

/// A budget, archived or not, without its raises.
pub(crate) async fn find(db: &mut Db<'_>, id: BudgetId) -> Result<Option<Budget>, Error> {
    let row = db.fetch_optional("SELECT * FROM budgets WHERE id = $1", values![id.as_uuid()]).await?;
    row.as_ref().map(read).transpose()
}

/// Adds a budget, or replaces the one with its id.
pub(super) async fn put(db: &mut Db<'_>, budget: &Budget) -> Result<(), ChangeError> {
    if budget.is_active() {
        check_name(db, budget).await?;
        check_scope(db, &budget.scope).await?;
    }
    Ok(write(db, budget).await?)
}

/// Ends a budget; one that was ended before keeps its time.
pub(super) async fn archive(db: &mut Db<'_>, id: BudgetId, at: Timestamp) -> Result<(), ChangeError> {
    let text = "UPDATE budgets SET archived_at = coalesce(archived_at, $1) WHERE id = $2";
    if db.execute(text, values![at.as_micros(), id.as_uuid()]).await? == 0 {
        return Err(ChangeError::NotFound { noun: Noun::Budget, id: id.to_string() });
    }
    Ok(())
}

/// Writes a budget as it is, unchecked.
pub(super) async fn write(db: &mut Db<'_>, budget: &Budget) -> Result<(), Error> {
    let text = "INSERT INTO budgets
            (id, name, scope, each, measure, most, period, zone, carries_over, is_strict, ladder,
             created_at, archived_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
        ON CONFLICT (id) DO UPDATE SET
            name = excluded.name, scope = excluded.scope, each = excluded.each, measure = excluded.measure,
            most = excluded.most, period = excluded.period, zone = excluded.zone,
            carries_over = excluded.carries_over, is_strict = excluded.is_strict, ladder = excluded.ladder,
            archived_at = excluded.archived_at";
    let mut values = values![budget.id.as_uuid(), budget.name.as_str()];
    values.json(&budget.scope).name_option(budget.each.as_ref()).name(&budget.measure).count(budget.limit);
    values.json(&budget.period).put(budget.zone.to_string()).put(budget.carries_over).put(budget.is_strict);
    values.json(&budget.ladder).put(budget.created_at.as_micros());
    values.put(budget.archived_at.map(Timestamp::as_micros));
    db.execute(text, values).await?;
    db.execute("DELETE FROM raises WHERE budget_id = $1", values![budget.id.as_uuid()]).await?;
    for raise in &budget.raises {
        write_raise(db, budget.id, raise).await?;
    }
    Ok(())
}

async fn write_raise(db: &mut Db<'_>, id: BudgetId, raise: &Raise) -> Result<(), Error> {
    let text = "INSERT INTO raises (id, budget_id, amount, starts_at, ends_at, reason) VALUES ($1, $2, $3, $4, $5, $6)";
    let mut values = values![raise.id.as_uuid(), id.as_uuid()];
    values.count(raise.amount).put(raise.from.as_micros()).put(raise.until.as_micros()).put(raise.reason.as_str());
    db.execute(text, values).await?;
    Ok(())
}

async fn check_name(db: &mut Db<'_>, budget: &Budget) -> Result<(), ChangeError> {
    let text = "SELECT name FROM budgets WHERE name = $1 AND name <> '' AND id <> $2 AND archived_at IS NULL";
    let taken: Option<String> = db.fetch_value(text, values![budget.name.as_str(), budget.id.as_uuid()]).await?;
    let Some(by) = taken else { return Ok(()) };
    Err(ChangeError::NameTaken { noun: Noun::Budget, field: "name", name: by.clone(), by })
}

/// Refuses a scope that does not exist, or is out of use.
async fn check_scope(db: &mut Db<'_>, scope: &Scope) -> Result<(), ChangeError> {
    let (text, noun, id): (&'static str, Noun, Uuid) = match scope {
        Scope::Tag(_) => return Ok(()),
        Scope::Unit(id) => return units::check_in_use(db, *id, UnitKind::ALL).await,
        Scope::Organization(id) => {
            ("SELECT name FROM organization WHERE id = $1", Noun::Organization, OrganizationId::as_uuid(*id))
        }
        Scope::Key(id) => {
            ("SELECT name FROM keys WHERE id = $1 AND revoked_at IS NULL", Noun::Key, KeyId::as_uuid(*id))
        }
        Scope::Provider(id) => ("SELECT name FROM providers WHERE id = $1", Noun::Provider, ProviderId::as_uuid(*id)),
        Scope::Model(id) => {
            ("SELECT name FROM model_names WHERE model_id = $1 AND position = 0", Noun::Model, ModelId::as_uuid(*id))
        }
    };
    let found: Option<String> = db.fetch_value(text, values![id]).await?;
    found.map(|_| ()).ok_or_else(|| ChangeError::NotFound { noun, id: id.to_string() })
}

async fn load_raises(db: &mut Db<'_>) -> Result<HashMap<BudgetId, Vec<Raise>>, Error> {
    let mut raises = HashMap::<BudgetId, Vec<Raise>>::new();
    for row in &db.fetch_all("SELECT * FROM raises ORDER BY starts_at, id", values![]).await? {
        let reading = Reading::new("raises", "id", row);
        let raise = Raise {
            id: RaiseId::from_uuid(reading.uuid("id")?),
            amount: reading.count("amount")?,
            from: Timestamp::from_micros(reading.get("starts_at")?),
            until: Timestamp::from_micros(reading.get("ends_at")?),
            reason: reading.get("reason")?,
        };
        raises.entry(BudgetId::from_uuid(reading.uuid("budget_id")?)).or_default().push(raise);
    }
    Ok(raises)
}

/// A budget without its raises.
fn read(row: &Row) -> Result<Budget, Error> {
    let reading = Reading::new("budgets", "id", row);
    Ok(Budget {
        id: BudgetId::from_uuid(reading.uuid("id")?),
        name: reading.get("name")?,
        scope: reading.json("scope")?,
        each: reading.name_option("each")?,
        measure: reading.name("measure")?,
        limit: reading.count("most")?,
        period: reading.json("period")?,
        zone: reading.parse("zone")?,
        carries_over: reading.get("carries_over")?,
        is_strict: reading.get("is_strict")?,
        ladder: reading.json("ladder")?,
        raises: Vec::new(),
        created_at: Timestamp::from_micros(reading.get("created_at")?),
        archived_at: reading.get::<Option<i64>>("archived_at")?.map(Timestamp::from_micros),
    })
}
