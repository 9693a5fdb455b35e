//! Reading rows as domain types.
