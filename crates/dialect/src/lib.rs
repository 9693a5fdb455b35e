//! Wire formats and their usage figures, sans I/O.
