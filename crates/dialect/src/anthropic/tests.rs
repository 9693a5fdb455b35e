//! Fixtures and properties over the whole dialect.
