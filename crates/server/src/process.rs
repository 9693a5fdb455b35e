//! What the program asks of the operating system for itself, once, at start.

/// Keeps other users out of every file made from here on, keeps secrets out of core dumps, and
/// raises the number of open files to what the system allows: a connection is one file, and a
/// stream through the proxy is two connections.
#[cfg(unix)]
pub fn prepare() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit, umask};
    umask(rustix::fs::Mode::RWXG | rustix::fs::Mode::RWXO);
    let no_core = Rlimit { current: Some(0), maximum: getrlimit(Resource::Core).maximum };
    let files = getrlimit(Resource::Nofile);
    let raised = Rlimit { current: files.maximum, maximum: files.maximum };
    for (resource, limit) in [(Resource::Core, no_core), (Resource::Nofile, raised)] {
        if let Err(error) = setrlimit(resource, limit) {
            tracing::warn!(%error, ?resource, "a limit of the process could not be set");
        }
    }
}

/// Nothing to ask: files inherit the access list of the user's profile.
#[cfg(not(unix))]
pub fn prepare() {}
