//! The socket on Windows: a named pipe.
//!
//! The default access list of a pipe lets its creator and administrators write; other users can at
//! most read, and a request has to be written first.

use std::io;
use std::path::Path;

use tokio::net::windows::named_pipe::{NamedPipeServer, ServerOptions};

use super::place;
use crate::listeners::{Answer, Patience, Stop, serve_connection};

/// A bound control socket.
pub struct Socket {
    waiting: NamedPipeServer,
    name: String,
}

/// The pipe of a data folder.
pub fn pipe_name(data_dir: &Path) -> String {
    format!(r"\\.\pipe\megarouter-{}", place::short_name(data_dir))
}

impl Socket {
    /// Makes the pipe of a data folder; a pipe of that name that somebody else made is an error.
    ///
    /// # Errors
    /// When the pipe exists.
    pub fn bind(data_dir: &Path) -> io::Result<Self> {
        let name = pipe_name(data_dir);
        let waiting = ServerOptions::new().first_pipe_instance(true).reject_remote_clients(true).create(&name)?;
        Ok(Self { waiting, name })
    }

    /// Serves connections until the end.
    pub async fn serve<A: Answer>(self, answer: A, patience: Patience, stop: Stop) {
        let Self { mut waiting, name } = self;
        loop {
            let connected = tokio::select! {
                connected = waiting.connect() => connected,
                () = stop.closing.cancelled() => return,
            };
            let next = match ServerOptions::new().reject_remote_clients(true).create(&name) {
                Ok(next) => next,
                Err(error) => return tracing::error!(%error, "the control pipe cannot accept any more"),
            };
            let stream = std::mem::replace(&mut waiting, next);
            if connected.is_ok() {
                welcome(stream, answer.clone(), patience, &stop);
            }
        }
    }
}

fn welcome<A: Answer>(stream: NamedPipeServer, answer: A, patience: Patience, stop: &Stop) {
    let ending = stop.clone();
    stop.tasks.spawn(serve_connection(stream, None, answer, patience, ending));
}
