//! Anthropic's messages.
//!
//! [`request`] reads a client's body and splices the upstream's, [`scan`] watches an answer of the
//! same dialect as it flows, [`decode`] and [`encode`] translate one, [`answer`] does all three for
//! an answer that came whole. [`write`](mod@write) makes a request for a provider that speaks
//! Anthropic out of any conversation. [`usage`] owns the arithmetic of token figures, [`error`],
//! [`models`] and [`count`] render what a client sees when no provider answers.
//!
//! Names of fields, their meanings and their limits are those of Anthropic's API reference and of
//! its official SDK for Python (2.12.0), both read 2026-11-22, unless a line says otherwise.

mod blocks;
mod carry;
mod effort;
mod events;
mod glance;
mod read;
mod session;

pub mod answer;
pub mod count;
pub mod decode;
pub mod encode;
pub mod error;
pub mod models;
pub mod request;
pub mod scan;
pub mod usage;
pub mod write;

#[cfg(test)]
mod tests;
