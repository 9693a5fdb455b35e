//! The official SDKs and two frameworks, case by case, in every client dialect against every upstream
//! dialect.
//!
//! The cases are in `sdk/python/conformance` and `sdk/node`; this runs them and counts. Straight against
//! the mock provider they prove the mock: what it says is what the SDKs understand. Through the program
//! they prove the program. Start at [`run`].

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::process::Command;

use anyhow::{Context as _, Result};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::mock_provider::{MockProvider, VENDOR_CREDENTIAL};
use crate::program::{Install, Program};
use crate::setup::Setup;
use crate::tools;
use crate::world::PRICE;

/// The clients' names in the suites, and the upstream dialect that is their own.
pub const CLIENTS: [(&str, &str); 13] = [
    ("chat", "chat"),
    ("responses", "responses"),
    ("messages", "anthropic"),
    ("gemini", "gemini"),
    ("langchain-chat", "chat"),
    ("langchain-responses", "responses"),
    ("langchain-messages", "anthropic"),
    ("langchain-gemini", "gemini"),
    ("ai-chat", "chat"),
    ("ai-compatible", "chat"),
    ("ai-responses", "responses"),
    ("ai-messages", "anthropic"),
    ("ai-gemini", "gemini"),
];

/// The upstream dialects and the model that the mock serves in each. OpenAI's own models keep their
/// thoughts to themselves in chat; the one here is an open one.
pub const UPSTREAMS: [(&str, &str); 4] = [
    ("chat", "open-mock"),
    ("responses", "gpt-mock"),
    ("anthropic", "claude-sonnet-4-6"),
    ("gemini", "gemini-3-flash-preview"),
];

/// Further models, of other generations: what they take differs in how they think and call tools.
const VARIANTS: [(&str, &str); 3] =
    [("anthropic", "claude-opus-5"), ("anthropic", "claude-haiku-4-5"), ("gemini", "gemini-2.5-flash")];

/// Parts of the names of the cases that are run for those.
const VARIED_CASES: [&str; 6] = ["plain", "stream", "tool", "reasoning", "thinking", "sampling"];

/// Embedding models, by upstream.
const EMBEDDING_MODELS: [(&str, &str); 2] = [("chat", "text-embedding-3-small"), ("gemini", "gemini-embedding-001")];

/// The environment variable that the program reads the mock's credential from, and the credential.
pub const CREDENTIAL: (&str, &str) = ("MOCK_CREDENTIAL", VENDOR_CREDENTIAL);

/// What one case came to.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Row {
    /// `python` or `node`.
    pub runtime: String,
    /// The client, one of [`CLIENTS`].
    pub client: String,
    /// The upstream dialect, one of [`UPSTREAMS`].
    pub upstream: String,
    /// The model as the client named it.
    pub model: String,
    /// The case.
    pub case: String,
    /// `passed`, `failed` or `skipped`.
    pub outcome: String,
    /// Why it failed or was skipped.
    #[serde(default)]
    pub detail: String,
    /// How long it took, in milliseconds.
    pub ms: u64,
}

/// Where the suites are pointed at.
#[derive(Clone, Debug)]
pub struct Plan {
    base_url: String,
    key: String,
    mock_url: String,
    is_direct: bool,
    targets: Vec<Target>,
}

/// A client on an upstream.
#[derive(Clone, Debug, Serialize)]
struct Target {
    client: &'static str,
    upstream: &'static str,
    /// As the client names it.
    model: String,
    /// Parts of names of the cases to run; none for all.
    cases: &'static [&'static str],
}

impl Plan {
    /// Every client against the mock's own form of its dialect.
    pub fn direct(mock: &MockProvider) -> Self {
        let targets = CLIENTS.iter().flat_map(|(client, own)| {
            let models = UPSTREAMS.iter().filter(move |(upstream, _)| upstream == own);
            models.map(|(upstream, model)| Target { client, upstream, model: (*model).to_owned(), cases: &[] })
        });
        Self {
            base_url: mock.root_url(),
            key: VENDOR_CREDENTIAL.to_owned(),
            mock_url: mock.root_url(),
            is_direct: true,
            targets: targets.collect(),
        }
    }

    /// Every client against every upstream, through a program of [`start`].
    pub fn through(program: &Program, key: &str, mock: &MockProvider) -> Self {
        let targets = CLIENTS.iter().flat_map(|(client, _)| {
            let main = UPSTREAMS.iter().map(move |(upstream, _)| Target {
                client,
                upstream,
                model: public_model(upstream),
                cases: &[],
            });
            let varied = VARIANTS.iter().filter(move |(upstream, _)| is_varied(client, upstream));
            main.chain(varied.map(move |(upstream, model)| Target {
                client,
                upstream,
                model: public_model(model),
                cases: &VARIED_CASES,
            }))
        });
        Self {
            base_url: program.url(""),
            key: key.to_owned(),
            mock_url: mock.root_url(),
            is_direct: false,
            targets: targets.collect(),
        }
    }

    fn settings(&self) -> Value {
        json!({
            "base_url": self.base_url,
            "key": self.key,
            "mock_url": self.mock_url,
            "is_direct": self.is_direct,
            "embedding_models": BTreeMap::from(EMBEDDING_MODELS),
            "targets": self.targets,
        })
    }
}

/// Translations are what varies; in its own dialect a client must know its model itself.
fn is_varied(client: &str, upstream: &str) -> bool {
    CLIENTS[..4].iter().any(|(name, own)| *name == client && *own != upstream)
}

fn public_model(name: &str) -> String {
    format!("up-{name}")
}

/// Starts a program before the mock, with a provider for each upstream dialect, and makes a key.
pub fn start(mock: &MockProvider) -> Result<(Program, String)> {
    let install = Install::new()?;
    install.apply(&setup(&mock.root_url()))?;
    let key = install.create_key("conformance")?;
    let program = install.start_as(&[], &[CREDENTIAL])?;
    Ok((program, key))
}

/// A provider for each upstream dialect of the mock at `root_url`, with a model `up-DIALECT` each. They
/// need [`CREDENTIAL`] in the program's environment.
pub fn setup(root_url: &str) -> Setup {
    let kinds = [
        ("chat", "openai_compatible", "/v1", json!([])),
        ("responses", "openai_compatible", "/v1", json!(["openai_responses"])),
        ("anthropic", "anthropic_compatible", "/v1", json!([])),
        ("gemini", "gemini_compatible", "/v1beta", json!([])),
    ];
    let mut setup = Setup::new();
    for (name, kind, path, dialects) in kinds {
        setup = setup.provider_with(json!({
            "name": name, "kind": kind, "base_url": format!("{root_url}{path}"), "dialects": dialects,
            "credential": {"env": CREDENTIAL.0},
        }));
    }
    let deployment = |provider: &str, model: &str| json!([{"provider": provider, "upstream_model": model, "price": {"input": PRICE.0, "output": PRICE.1}}]);
    for (upstream, model) in UPSTREAMS {
        setup = setup.model_with(json!({"name": public_model(upstream), "deployments": deployment(upstream, model)}));
    }
    for (upstream, model) in VARIANTS {
        setup = setup.model_with(json!({"name": public_model(model), "deployments": deployment(upstream, model)}));
    }
    for (upstream, model) in EMBEDDING_MODELS {
        setup = setup.model_with(json!({"name": model, "deployments": deployment(upstream, model)}));
    }
    setup
}

/// Runs both suites at once.
pub fn run(plan: &Plan) -> Result<Vec<Row>> {
    let settings = plan.settings().to_string();
    let scripts = tools::crate_folder().join("sdk/python/conformance");
    let mut python = Command::new(tools::python()?);
    python.arg(scripts.join("run.py")).env("PYTHONDONTWRITEBYTECODE", "1").env("LANGSMITH_TRACING", "false");
    let mut node = Command::new(tools::node()?);
    node.arg(tools::node_package("sdk/node")?.join("run.mjs"));
    std::thread::scope(|scope| {
        let suites = [&mut python, &mut node].map(|command| scope.spawn(|| suite(command, &settings)));
        let mut rows = Vec::new();
        for suite in suites {
            rows.extend(suite.join().map_err(|_| anyhow::anyhow!("a suite's thread ended early"))??);
        }
        Ok(rows)
    })
}

fn suite(command: &mut Command, settings: &str) -> Result<Vec<Row>> {
    for name in ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"] {
        command.env_remove(name);
    }
    let output = tools::output(command.env("CONFORMANCE", settings))?;
    let lines = output.lines().filter(|line| line.starts_with('{'));
    lines.map(|line| serde_json::from_str(line).with_context(|| format!("no result: {line}"))).collect()
}

/// A table of what passed, by client and upstream: `passed/counted`, and what was skipped after a `+`.
pub fn table(rows: &[Row]) -> String {
    let mut text = format!("{:<28}", "client, runtime");
    for (upstream, _) in UPSTREAMS {
        let _infallible = write!(text, " {upstream:>12}");
    }
    let mut clients: Vec<(&str, &str)> = rows.iter().map(|row| (row.client.as_str(), row.runtime.as_str())).collect();
    clients.sort_unstable();
    clients.dedup();
    for (client, runtime) in clients {
        let name = format!("{client}, {runtime}");
        let _infallible = write!(text, "\n{name:<28}");
        for (upstream, _) in UPSTREAMS {
            let own = |row: &&Row| row.client == client && row.runtime == runtime && row.upstream == upstream;
            let _infallible = write!(text, " {:>12}", cell(&rows.iter().filter(own).collect::<Vec<_>>()));
        }
    }
    let _infallible = write!(text, "\n{:<28} {}", "all", cell(&rows.iter().collect::<Vec<_>>()));
    text
}

fn cell(rows: &[&Row]) -> String {
    let count = |outcome: &str| rows.iter().filter(|row| row.outcome == outcome).count();
    let (passed, failed, skipped) = (count("passed"), count("failed"), count("skipped"));
    match (passed + failed, skipped) {
        (0, _) => String::from("-"),
        (counted, 0) => format!("{passed}/{counted}"),
        (counted, skipped) => format!("{passed}/{counted} +{skipped}"),
    }
}

/// What failed, a line each.
pub fn failures(rows: &[Row]) -> Vec<String> {
    let line = |row: &Row| format!("{} {} -> {} {}: {}", row.runtime, row.client, row.model, row.case, row.detail);
    rows.iter().filter(|row| row.outcome == "failed").map(line).collect()
}
