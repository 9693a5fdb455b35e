//! Starts, sets up and ends `megarouter-server` as a script would.

use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use serde::Deserialize;
use serde_json::Value;
use tempfile::TempDir;

use crate::setup::Setup;
use crate::tools;

const STOP_LIMIT: Duration = Duration::from_secs(40);

/// A data folder with a program that may or may not be running on it.
#[derive(Clone)]
pub struct Install {
    folder: Arc<TempDir>,
    data: PathBuf,
    binary: PathBuf,
}

/// A running `megarouter-server serve`; it is killed when dropped.
pub struct Program {
    install: Install,
    process: Child,
    ready: ReadyLine,
}

/// The line that `serve` prints when it is ready.
#[derive(Clone, Debug, Deserialize)]
pub struct ReadyLine {
    /// The URLs of the proxy.
    pub proxy: Vec<String>,
    /// The URLs of the control API and the web app.
    pub web: Vec<String>,
    /// The one-time link of the web app.
    pub signin: Option<String>,
    /// The process.
    pub pid: u32,
}

impl Install {
    /// A new, empty data folder for the program built with these tests.
    pub fn new() -> Result<Self> {
        Self::of(tools::our_binary("megarouter-server")?)
    }

    /// A new, empty data folder for another binary.
    pub fn of(binary: PathBuf) -> Result<Self> {
        let folder = tempfile::tempdir().context("no temporary folder")?;
        Ok(Self { data: folder.path().join("data"), folder: Arc::new(folder), binary })
    }

    /// The same install with its data folder reached by another path.
    #[must_use]
    pub fn seen_at(&self, data: PathBuf) -> Self {
        Self { data, ..self.clone() }
    }

    /// The data folder.
    pub fn data_folder(&self) -> PathBuf {
        self.data.clone()
    }

    /// A path for a file beside the data folder.
    pub fn scratch(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A command line of the program on this data folder; nothing of the caller's settings reaches it.
    pub fn command(&self, arguments: &[&str]) -> Command {
        self.command_under(&[], arguments)
    }

    fn command_under(&self, below: &[&str], arguments: &[&str]) -> Command {
        let mut command = match below {
            [] => Command::new(&self.binary),
            [program, rest @ ..] => {
                let mut command = Command::new(program);
                command.args(rest).arg(&self.binary);
                command
            }
        };
        command.args(arguments).arg("--data-dir").arg(self.data_folder());
        for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("MEGAROUTER_")) {
            command.env_remove(name);
        }
        // No session bus: secrets go to the encrypted file, whatever the machine has.
        command.env_remove("DBUS_SESSION_BUS_ADDRESS").stdin(Stdio::null());
        command
    }

    /// Runs a verb to its end and returns what it printed.
    pub fn run(&self, arguments: &[&str]) -> Result<String> {
        tools::output(&mut self.command(arguments))
    }

    /// Runs a verb that must fail and returns what it said.
    pub fn run_refused(&self, arguments: &[&str]) -> Result<String> {
        let output = self.command(arguments).output()?;
        ensure!(!output.status.success(), "{arguments:?} did not fail: {}", String::from_utf8_lossy(&output.stdout));
        Ok(String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned())
    }

    /// Writes a setup file and applies it.
    pub fn apply(&self, setup: &Setup) -> Result<String> {
        let file = self.scratch("setup.yaml");
        std::fs::write(&file, setup.to_text())?;
        self.run(&["apply", "--file", &file.to_string_lossy()])
    }

    /// Creates a key for all models and returns its text.
    pub fn create_key(&self, name: &str) -> Result<String> {
        self.create_key_for(name, &[])
    }

    /// Creates a key for some models (none: for all) and returns its text.
    pub fn create_key_for(&self, name: &str, models: &[&str]) -> Result<String> {
        let mut arguments = vec!["key", "create", name, "--json"];
        for model in models {
            arguments.extend(["--model", model]);
        }
        let created: Value = serde_json::from_str(&self.run(&arguments)?)?;
        created["secret"].as_str().map(str::to_owned).context("no secret in the created key")
    }

    /// Starts the program on free ports and waits until it is ready.
    pub fn start(&self) -> Result<Program> {
        self.start_as(&[], &[])
    }

    /// The same with further arguments and environment variables.
    pub fn start_as(&self, arguments: &[&str], variables: &[(&str, &str)]) -> Result<Program> {
        self.start_under(&[], arguments, variables)
    }

    /// The same below another program, given with its arguments, that ends by becoming ours.
    pub fn start_under(&self, below: &[&str], arguments: &[&str], variables: &[(&str, &str)]) -> Result<Program> {
        let mut command = self.command_under(below, &["serve", "--proxy-port", "0", "--web-port", "0"]);
        self.spawn(command.args(arguments).envs(variables.iter().copied()))
    }

    fn spawn(&self, command: &mut Command) -> Result<Program> {
        let mut process = command.stdout(Stdio::piped()).spawn().context("cannot start the program")?;
        let output = process.stdout.take().context("the program has no output")?;
        let mut line = String::new();
        BufReader::new(output).read_line(&mut line)?;
        let ready = serde_json::from_str(&line).with_context(|| format!("the program did not get ready: {line:?}"))?;
        Ok(Program { install: self.clone(), process, ready })
    }
}

impl Program {
    /// A new install with this setup, started.
    pub fn start(setup: &Setup) -> Result<Self> {
        Self::start_with(setup, &[])
    }

    /// The same with further arguments for `serve`.
    pub fn start_with(setup: &Setup, arguments: &[&str]) -> Result<Self> {
        let install = Install::new()?;
        install.apply(setup)?;
        install.start_as(arguments, &[])
    }

    /// Its data folder and command line.
    pub const fn install(&self) -> &Install {
        &self.install
    }

    /// What it printed when it was ready.
    pub const fn ready_line(&self) -> &ReadyLine {
        &self.ready
    }

    /// Where the proxy listens, on IPv4.
    ///
    /// # Panics
    /// When it said no such address.
    pub fn proxy(&self) -> SocketAddr {
        let addresses = self.ready.proxy.iter().filter_map(|url| url.strip_prefix("http://")?.parse().ok());
        addresses.into_iter().find(SocketAddr::is_ipv4).expect("the proxy listens on IPv4")
    }

    /// A URL of the proxy.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.proxy())
    }

    /// The id of its process.
    pub fn process_id(&self) -> u32 {
        self.process.id()
    }

    /// Kills it as a power cut would, without a chance to tidy up.
    pub fn kill(mut self) -> Result<Install> {
        self.process.kill()?;
        self.process.wait()?;
        Ok(self.install.clone())
    }

    /// Asks it to stop and waits until it has, in good order.
    #[expect(clippy::disallowed_methods, reason = "the standard library waits for a process only without a limit")]
    pub fn stop(mut self) -> Result<Install> {
        tools::run(Command::new("kill").arg(self.process.id().to_string()))?;
        let start = Instant::now();
        loop {
            if let Some(status) = self.process.try_wait()? {
                ensure!(status.success(), "the program stopped with {status}");
                return Ok(self.install.clone());
            }
            ensure!(start.elapsed() < STOP_LIMIT, "the program does not stop");
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _already_gone = self.process.kill();
        let _already_gone = self.process.wait();
    }
}
