//! Which deployments to try, and in what order.
