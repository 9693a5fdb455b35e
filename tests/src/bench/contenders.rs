//! What is measured: the mock alone, nginx before it, MegaRouter before it.

use std::io::{BufRead as _, BufReader};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use serde::Deserialize;
use tempfile::TempDir;

use super::scenarios;
use crate::client;
use crate::conformance;
use crate::mock_provider::Totals;
use crate::program::{Install, Program};
use crate::tools;
use crate::world::{PRICE, PROVIDER};

const START_LIMIT: Duration = Duration::from_secs(10);

/// The mock provider as a process of its own, so that its processor time is its own.
pub struct MockProcess {
    process: Child,
    base_url: String,
    _folder: TempDir,
}

#[derive(Deserialize)]
struct MockReady {
    base_url: String,
}

impl MockProcess {
    /// Starts it with the scripts of all scenarios.
    pub fn start() -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let file = folder.path().join("scripts.json");
        std::fs::write(&file, serde_json::to_vec(&scenarios::scripts())?)?;
        let mut process = Command::new(tools::our_binary("mock-provider")?)
            .arg("--scripts")
            .arg(&file)
            .stdout(Stdio::piped())
            .spawn()?;
        let mut line = String::new();
        BufReader::new(process.stdout.take().context("the mock has no output")?).read_line(&mut line)?;
        let ready: MockReady = serde_json::from_str(&line)?;
        Ok(Self { process, base_url: ready.base_url, _folder: folder })
    }

    /// Its base URL.
    pub fn base_url(&self) -> &str {
        &self.base_url
    }

    /// Its address.
    pub fn address(&self) -> Result<SocketAddr> {
        let address = self.base_url.trim_start_matches("http://").trim_end_matches("/v1");
        address.parse().context("the mock names no address")
    }

    /// What it counted.
    pub async fn totals(&self) -> Result<Totals> {
        let url = format!("http://{}/mock/totals", self.address()?);
        Ok(client::new().get(url).send().await?.json().await?)
    }
}

impl Drop for MockProcess {
    fn drop(&mut self) {
        end(&mut self.process);
    }
}

/// nginx as a plain reverse proxy with pooled connections and a buffered access log: close to what a
/// machine can do.
pub struct Nginx {
    process: Child,
    address: SocketAddr,
    _folder: TempDir,
}

impl Nginx {
    /// Starts it before `upstream` on a free port.
    pub fn start(upstream: SocketAddr) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let address = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?;
        let file = folder.path().join("nginx.conf");
        std::fs::write(&file, nginx_configuration(upstream, address))?;
        let process = Command::new(tools::program("nginx", "nginx")?)
            .arg("-p")
            .arg(folder.path())
            .arg("-c")
            .arg(&file)
            .args(["-e", "error.log"])
            .stderr(Stdio::null())
            .spawn()?;
        let nginx = Self { process, address, _folder: folder };
        wait_for(address)?;
        Ok(nginx)
    }

    /// Where it listens.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its process; the workers are below it.
    pub fn process_id(&self) -> u32 {
        self.process.id()
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        // The master ends its workers when asked; killed, it would leave them behind.
        let _already_gone = Command::new("kill").arg(self.process.id().to_string()).stderr(Stdio::null()).status();
        let _already_gone = self.process.wait();
    }
}

fn nginx_configuration(upstream: SocketAddr, address: SocketAddr) -> String {
    let paths: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .map(|name| format!("  {name}_temp_path {name}_temp;\n"))
        .concat();
    format!(
        "daemon off;
worker_processes 2;
pid nginx.pid;
events {{ worker_connections 4096; }}
http {{
{paths}  log_format line '$msec $status $request_time $bytes_sent';
  access_log access.log line buffer=64k flush=5s;
  keepalive_requests 10000000;
  upstream provider {{ server {upstream}; keepalive 1024; keepalive_requests 10000000; }}
  server {{
    listen {address} backlog=2048;
    client_body_buffer_size 256k;
    location / {{
      proxy_pass http://provider;
      proxy_http_version 1.1;
      proxy_set_header Connection '';
      proxy_buffering off;
    }}
  }}
}}
"
    )
}

/// MegaRouter with a key and every model priced, and how long it took to answer for the first time.
pub struct OurProgram {
    /// The running program.
    pub program: Program,
    /// The key.
    pub key: String,
    /// From the start of the process to the first answer.
    pub cold_start: Duration,
}

impl OurProgram {
    /// Starts it before the mock.
    pub fn start(mock: &MockProcess) -> Result<Self> {
        let mut setup = conformance::setup(mock.base_url().trim_end_matches("/v1")).provider(PROVIDER, mock.base_url());
        for model in scenarios::scripts().keys() {
            setup = setup.model(model, &[PROVIDER], PRICE.0, PRICE.1);
        }
        let install = Install::new()?;
        install.apply(&setup)?;
        let key = install.create_key("bench")?;
        let start = Instant::now();
        let program = install.start_as(&[], &[conformance::CREDENTIAL])?;
        wait_for(program.proxy())?;
        Ok(Self { program, key, cold_start: start.elapsed() })
    }
}

#[expect(clippy::disallowed_methods, reason = "a foreign program does not say when it listens")]
fn wait_for(address: SocketAddr) -> Result<()> {
    let start = Instant::now();
    while TcpStream::connect(address).is_err() {
        ensure!(start.elapsed() < START_LIMIT, "nothing listens on {address}");
        std::thread::sleep(Duration::from_millis(2));
    }
    Ok(())
}

fn end(process: &mut Child) {
    let _already_gone = process.kill();
    let _already_gone = process.wait();
}
