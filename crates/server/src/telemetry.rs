//! Logging: to standard error, without secrets, and never in the way.
//!
//! Lines are written by a thread of their own through a bounded queue; when nobody reads standard
//! error, lines are dropped and requests go on.

use std::io::{self, Write};

use tracing_appender::non_blocking::{NonBlocking, NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::util::{SubscriberInitExt as _, TryInitError};

use crate::config::{Config, LogFormat};
use crate::redact::redact;

/// Writes what is still queued when dropped.
#[must_use = "lines are lost when it is dropped early"]
pub struct Telemetry {
    _queue: WorkerGuard,
}

/// Starts logging and makes a panic log its place, never its payload: a payload may quote a request.
///
/// # Errors
/// When logging was already started.
pub fn start(config: &Config) -> Result<Telemetry, TryInitError> {
    let (writer, queue) = NonBlockingBuilder::default().lossy(true).thread_name("log").finish(io::stderr());
    let filter = EnvFilter::try_new(&config.log_level).unwrap_or_else(|_| EnvFilter::new("info"));
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_ansi(false);
    match config.log_format {
        LogFormat::Text => builder.with_writer(move || Redacting::new(writer.clone())).finish().try_init()?,
        LogFormat::Json => builder.json().with_writer(move || Redacting::new(writer.clone())).finish().try_init()?,
    }
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        tracing::error!(%place, "a task panicked; this is a fault in MegaRouter");
    }));
    Ok(Telemetry { _queue: queue })
}

/// One event's line, redacted as a whole before it is queued.
struct Redacting {
    line: Vec<u8>,
    queue: NonBlocking,
}

impl Redacting {
    fn new(queue: NonBlocking) -> Self {
        Self { line: Vec::new(), queue }
    }
}

impl Write for Redacting {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.line.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for Redacting {
    fn drop(&mut self) {
        let line = String::from_utf8_lossy(&self.line);
        // The queue refuses only at the end of the program; a log line is not worth a failure.
        let _ = self.queue.write_all(redact(&line).as_bytes());
    }
}
