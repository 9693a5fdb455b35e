//! The SQL stores: settings and the ledger's journal with its projections.
