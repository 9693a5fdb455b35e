//! `serve`

use std::process::ExitCode;

use anyhow::Context as _;
use serde::Serialize;

use super::output::say;
use crate::config::Config;
use crate::instance::{Instance, Purpose};
use crate::program::VERSION;
use crate::{process, telemetry};

/// The line that says the instance is ready.
#[derive(Serialize)]
struct Announcement<'a> {
    ready: bool,
    version: &'a str,
    proxy: Vec<String>,
    web: &'a [String],
    signin: Option<&'a str>,
    data_dir: String,
    pid: u32,
}

/// Runs until the program is asked to stop.
pub async fn run(config: Config) -> anyhow::Result<ExitCode> {
    let _telemetry = telemetry::start(&config).context("logging cannot start")?;
    process::prepare();
    let data_dir = config.data_dir.display().to_string();
    let stop = StopSignal::listen()?;
    let instance = Instance::start(config, Purpose::Serve).await?;
    let listening = instance.listening();
    let announcement = Announcement {
        ready: true,
        version: VERSION,
        proxy: listening.addresses.iter().map(|address| format!("http://{address}")).collect(),
        web: instance.web_addresses(),
        signin: instance.signin_link(),
        data_dir,
        pid: std::process::id(),
    };
    say(&serde_json::to_string(&announcement)?);
    stop.wait().await;
    tracing::info!("stopping: requests under way may end");
    if !instance.shutdown().await {
        tracing::warn!("requests were cut off because they outlasted the grace");
    }
    Ok(ExitCode::SUCCESS)
}

#[cfg(unix)]
struct StopSignal {
    terminate: tokio::signal::unix::Signal,
    interrupt: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl StopSignal {
    /// Listens from here on, so that a signal during the start is not lost.
    fn listen() -> anyhow::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }

    async fn wait(mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

#[cfg(not(unix))]
struct StopSignal;

#[cfg(not(unix))]
impl StopSignal {
    fn listen() -> anyhow::Result<Self> {
        Ok(Self)
    }

    async fn wait(self) {
        // Without a signal to wait for, the program runs until it is ended.
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}
