//! The proxy: one request's way from accept to settle.
