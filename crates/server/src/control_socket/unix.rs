//! The socket on Unix.

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use rustix::process::geteuid;
use tokio::net::{UnixListener, UnixStream};

use super::place;
use crate::listeners::{Answer, Patience, Stop, serve_connection};

/// A bound control socket; its file is removed when dropped.
pub struct Socket {
    listener: UnixListener,
    path: PathBuf,
}

impl Socket {
    /// Binds the socket of a data folder. Whoever calls this holds the folder's lock, so a socket
    /// that is already there is a leftover.
    ///
    /// # Errors
    /// When the folder cannot be written.
    pub fn bind(data_dir: &Path) -> io::Result<Self> {
        let path = place::choose(data_dir)?;
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let listener = UnixListener::bind(&path)?;
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600))?;
        Ok(Self { listener, path })
    }

    /// Serves connections of our own user until the end.
    pub async fn serve<A: Answer>(self, answer: A, patience: Patience, stop: Stop) {
        loop {
            let accepted = tokio::select! {
                accepted = self.listener.accept() => accepted,
                () = stop.closing.cancelled() => return,
            };
            match accepted {
                Ok((stream, _)) if is_ours(&stream) => welcome(stream, answer.clone(), patience, &stop),
                Ok(_) => tracing::warn!("another user tried to use the control socket and was refused"),
                Err(error) => {
                    tracing::warn!(%error, "the control socket cannot accept at the moment");
                    tokio::time::sleep(std::time::Duration::from_millis(100)).await;
                }
            }
        }
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        // The next start removes what could not be removed now.
        let _ = fs::remove_file(&self.path);
    }
}

fn is_ours(stream: &UnixStream) -> bool {
    stream.peer_cred().is_ok_and(|peer| peer.uid() == geteuid().as_raw())
}

fn welcome<A: Answer>(stream: UnixStream, answer: A, patience: Patience, stop: &Stop) {
    let ending = stop.clone();
    stop.tasks.spawn(serve_connection(stream, None, answer, patience, ending));
}
