//! Coding agents, each doing a task on its own: it is told to write a file, calls its own tool for it,
//! and hands the result back.
//!
//! What the model says is scripted by the mock provider, in a dialect that is not the agent's own, so
//! that everything an agent sends and expects goes through a translation. Start at [`run`].

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};

use crate::conformance::{self, UPSTREAMS};
use crate::mock_provider::MockProvider;
use crate::tools;

/// An agent that takes longer is stuck.
const LIMIT: Duration = Duration::from_secs(180);
const FILE: &str = "made.txt";
const CONTENT: &str = "made by an agent: Grüße, 世界";

/// An agent.
pub struct Agent {
    /// Its name and version.
    pub name: &'static str,
    /// The upstream dialect that is its own.
    pub own: &'static str,
    /// What the model says to its prompt, given the file to write.
    says: fn(&Path) -> Value,
    /// Its command line.
    command: fn(&Task<'_>) -> Result<Command>,
}

/// Every agent.
pub const ALL: [Agent; 6] = [
    Agent {
        name: "Claude Code 2.1.197",
        own: "anthropic",
        says: |file| call("Write", &json!({"file_path": file, "content": CONTENT})),
        command: claude,
    },
    Agent {
        name: "Codex 0.169.0",
        own: "responses",
        says: |_| call("exec_command", &json!({"cmd": shell()})),
        command: codex,
    },
    Agent {
        name: "Gemini CLI 0.61.0",
        own: "gemini",
        says: |file| call("write_file", &json!({"file_path": file, "content": CONTENT})),
        command: gemini,
    },
    Agent {
        name: "opencode 1.18.33",
        own: "chat",
        says: |file| call("write", &json!({"filePath": file, "content": CONTENT})),
        command: opencode,
    },
    Agent {
        name: "Qwen Code 0.15.10",
        own: "chat",
        says: |file| call("write_file", &json!({"file_path": file, "content": CONTENT})),
        command: qwen,
    },
    Agent {
        name: "aider 0.86.2",
        own: "chat",
        says: |_| json!({"say": format!("{FILE}\n```\n{CONTENT}\n```\n")}),
        command: aider,
    },
];

/// One run of one agent.
struct Task<'a> {
    /// The program's URL, without a path.
    url: &'a str,
    key: &'a str,
    model: &'a str,
    prompt: &'a str,
    /// Where it works; empty but for what the agent needs.
    project: &'a Path,
    /// Its home, of its own.
    home: &'a Path,
}

/// Lets every agent do its task on every upstream, foreign ones first, and returns a line for each.
pub async fn run() -> Result<Vec<String>> {
    let mock = MockProvider::start().await?;
    let (program, key) = conformance::start(&mock)?;
    let url = program.url("");
    let mut lines = Vec::new();
    for agent in &ALL {
        let (own, foreign): (Vec<&str>, Vec<&str>) =
            UPSTREAMS.iter().map(|(upstream, _)| *upstream).partition(|upstream| *upstream == agent.own);
        for upstream in foreign.into_iter().chain(own) {
            let start = Instant::now();
            let calls = mock.calls().len();
            work(agent, &url, &key, &format!("up-{upstream}"))
                .await
                .with_context(|| format!("{} on {upstream}", agent.name))?;
            let (calls, seconds) = (mock.calls().len() - calls, start.elapsed().as_secs_f64());
            lines.push(format!("{:<20} on {upstream:<10} did its task in {calls} calls, {seconds:.1} s", agent.name));
        }
    }
    Ok(lines)
}

async fn work(agent: &Agent, url: &str, key: &str, model: &str) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let (project, home) = (folder.path().join("project"), folder.path().join("home"));
    fs::create_dir_all(&project)?;
    fs::create_dir_all(&home)?;
    let file = project.join(FILE);
    let prompt = format!("Write the file. [mock {}]", (agent.says)(&file));
    let mut command = (agent.command)(&Task { url, key, model, prompt: &prompt, project: &project, home: &home })?;
    let output = tokio::time::timeout(
        LIMIT,
        tokio::process::Command::from(command_in(&mut command, &project, &home)).kill_on_drop(true).output(),
    );
    let output = output.await.context("it did not end in time")??;
    let said = format!("{}\n{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    ensure!(output.status.success(), "it ended with {}: {said}", output.status);
    let written = fs::read_to_string(&file).with_context(|| format!("it wrote no file: {said}"))?;
    ensure!(written.trim() == CONTENT, "it wrote {written:?}: {said}");
    Ok(())
}

/// The command in its folder, with nothing of the caller's settings.
fn command_in(command: &mut Command, project: &Path, home: &Path) -> Command {
    let mut clean = Command::new(command.get_program());
    clean.args(command.get_args()).current_dir(project).stdin(Stdio::null()).env_clear();
    clean.env("PATH", std::env::var_os("PATH").unwrap_or_default()).env("HOME", home).env("PWD", project);
    clean.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    clean
}

/// A step of the loop that calls one tool.
fn call(name: &str, args: &Value) -> Value {
    json!({"steps": [[{"name": name, "args": args}]]})
}

fn shell() -> String {
    format!("printf '%s' '{CONTENT}' > {FILE}")
}

fn packages() -> Result<PathBuf> {
    Ok(tools::node_programs("agents")?.join("node_modules"))
}

fn script(path: &str) -> Result<Command> {
    let mut command = Command::new(tools::node()?);
    command.arg(packages()?.join(path));
    Ok(command)
}

fn claude(task: &Task<'_>) -> Result<Command> {
    let mut command = Command::new(packages()?.join("@anthropic-ai/claude-code-linux-x64/claude"));
    command.args([
        "-p",
        task.prompt,
        "--model",
        task.model,
        "--permission-mode",
        "acceptEdits",
        "--allowedTools",
        "Write",
    ]);
    command.env("ANTHROPIC_BASE_URL", task.url).env("ANTHROPIC_API_KEY", task.key);
    command.env("CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC", "1").env("DISABLE_AUTOUPDATER", "1");
    Ok(command)
}

fn codex(task: &Task<'_>) -> Result<Command> {
    let settings = format!(
        "model = \"{}\"\nmodel_provider = \"here\"\n[model_providers.here]\nname = \"here\"\nbase_url = \"{}/v1\"\nwire_api = \"responses\"\nenv_key = \"HERE_KEY\"\n",
        task.model, task.url
    );
    fs::write(task.home.join("config.toml"), settings)?;
    let mut command = script("@openai/codex/bin/codex.js")?;
    // The sandbox needs more of the kernel than a container gives.
    command.args(["exec", "--skip-git-repo-check", "--sandbox", "danger-full-access", task.prompt]);
    command.env("CODEX_HOME", task.home).env("HERE_KEY", task.key);
    Ok(command)
}

fn gemini(task: &Task<'_>) -> Result<Command> {
    let settings = json!({
        "security": {"auth": {"selectedType": "gemini-api-key"}, "folderTrust": {"enabled": false}},
        "privacy": {"usageStatisticsEnabled": false}, "general": {"disableAutoUpdate": true},
    });
    fs::create_dir_all(task.home.join(".gemini"))?;
    fs::write(task.home.join(".gemini/settings.json"), settings.to_string())?;
    let mut command = script("@google/gemini-cli/bundle/gemini.js")?;
    command.args(["--model", task.model, "--approval-mode", "yolo", "-p", task.prompt]);
    command.env("GOOGLE_GEMINI_BASE_URL", task.url).env("GEMINI_API_KEY", task.key);
    command.env("GEMINI_CLI_TRUST_WORKSPACE", "true");
    Ok(command)
}

fn opencode(task: &Task<'_>) -> Result<Command> {
    let settings = json!({
        "autoupdate": false, "share": "disabled", "permission": {"edit": "allow"},
        "provider": {"here": {
            "npm": "@ai-sdk/openai-compatible", "name": "here",
            "options": {"baseURL": format!("{}/v1", task.url), "apiKey": task.key}, "models": {task.model: {"name": task.model}},
        }},
    });
    fs::write(task.project.join("opencode.json"), settings.to_string())?;
    let mut command = Command::new(packages()?.join("opencode-linux-x64/bin/opencode"));
    command.args(["run", "-m", &format!("here/{}", task.model), task.prompt]);
    command.env("OPENCODE_DISABLE_MODELS_FETCH", "1").env("OPENCODE_DISABLE_LSP_DOWNLOAD", "1");
    Ok(command)
}

fn qwen(task: &Task<'_>) -> Result<Command> {
    let mut command = script("@qwen-code/qwen-code/cli.js")?;
    command.args(["--auth-type", "openai", "--yolo", "-p", task.prompt]);
    command
        .env("OPENAI_BASE_URL", format!("{}/v1", task.url))
        .env("OPENAI_API_KEY", task.key)
        .env("OPENAI_MODEL", task.model);
    Ok(command)
}

fn aider(task: &Task<'_>) -> Result<Command> {
    fs::write(task.project.join(FILE), "old\n")?;
    let python = tools::python_with(&tools::crate_folder().join("agents/aider.txt"), "aider")?;
    let mut command = Command::new(python.with_file_name("aider"));
    command.args(["--model", &format!("openai/{}", task.model), "--edit-format", "whole", "--message", task.prompt]);
    command.args(["--no-git", "--yes-always", "--no-check-update", "--no-show-model-warnings", "--analytics-disable"]);
    command.arg(FILE);
    command.env("OPENAI_API_BASE", format!("{}/v1", task.url)).env("OPENAI_API_KEY", task.key);
    // Without it aider waits for a price list that no test should fetch.
    command.env("LITELLM_LOCAL_MODEL_COST_MAP", "True");
    Ok(command)
}
