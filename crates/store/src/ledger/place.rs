//! Where a ledger is: a file of this node, or a node's part of the database that a hub shares.

use std::path::{Path, PathBuf};

use megarouter_domain::id::LedgerId;

use crate::backend::postgres::HubPool;
use crate::backend::{self, Upgrade};
use crate::db::Db;
use crate::error::Error;
use crate::ledger::SCHEMA;
use crate::row::{Reading, values};

/// Where a ledger is.
#[derive(Clone, Debug)]
pub(crate) enum Place {
    /// `ledger.db` in a folder; its node is 0.
    Folder(PathBuf),
    /// A node's part of the hub's database.
    Hub { pool: HubPool, node: i64, id: LedgerId },
}

const ADD: &str = "INSERT INTO ledgers (node, ledger_id, archived_lsn, archived_link, retired_lsn, instant, is_derived)
    VALUES ($1, $2, 0, $3, 0, 0, 1) ON CONFLICT (node) DO NOTHING";

impl Place {
    pub(crate) fn node(&self) -> i64 {
        match self {
            Self::Folder(_) => 0,
            Self::Hub { node, .. } => *node,
        }
    }

    /// The folder, when it is one.
    pub(crate) fn folder(&self) -> Option<&Path> {
        match self {
            Self::Folder(dir) => Some(dir),
            Self::Hub { .. } => None,
        }
    }

    /// A connection that writes, and how to undo the upgrade that it may have needed.
    pub(crate) async fn open(&self) -> Result<(Db<'static>, Upgrade), Error> {
        match self {
            Self::Folder(dir) => backend::open_with_undo(dir, &SCHEMA).await,
            Self::Hub { pool, node, id } => {
                let mut db = pool.work().await?;
                add_node(&mut db, *node, *id).await?;
                Ok((db, Upgrade::None))
            }
        }
    }

    /// A connection that reads for as long as it takes.
    pub(crate) async fn open_for_reading(&self) -> Result<Db<'static>, Error> {
        match self {
            Self::Folder(dir) => backend::open_for_reading(dir, &SCHEMA).await,
            Self::Hub { pool, .. } => pool.work().await,
        }
    }
}

/// The number of a node stands for one ledger, for good.
async fn add_node(db: &mut Db<'_>, node: i64, id: LedgerId) -> Result<(), Error> {
    db.execute(ADD, values![node, id.as_uuid(), vec![0_u8; 32]]).await?;
    let row = db.fetch_one("SELECT node, ledger_id FROM ledgers WHERE node = $1", values![node]).await?;
    let found = LedgerId::from_uuid(Reading::new("ledgers", "node", &row).uuid("ledger_id")?);
    if found == id { Ok(()) } else { Err(Error::OtherLedger { node, found }) }
}
