//! MegaRouter without a window: the proxy, the web UI and the command line.
fn main() {}
