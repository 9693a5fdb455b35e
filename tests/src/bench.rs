//! The benchmark: our proxy, nginx and no proxy at all, side by side in every round.
//!
//! On a shared machine wall times wander, so what counts are processor time per request and ratios and
//! differences within one round; the table gives their median over the rounds. The provider is the
//! mock; what it counted must be on our ledger to the token and the nano-dollar. Start at
//! [`rounds::run`].

pub mod contenders;
pub mod governed;
pub mod hub;
pub mod rounds;
pub mod scenarios;
pub mod table;
pub mod translations;
