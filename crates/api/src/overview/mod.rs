//! Spend, requests, tokens and latency over time.

pub mod show;
