//! A running MegaRouter: configuration, listeners, jobs and the command line.
