//! Reports as tables and their renderings.
