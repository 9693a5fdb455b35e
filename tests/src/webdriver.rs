//! A small W3C WebDriver client for WebKitWebDriver and the real window.
//!
//! Elements are found as a person finds them: by role and accessible name. Waiting is done inside the
//! page, where a change can be observed, not by asking again and again.

use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use base64::Engine as _;
use serde_json::{Value, json};
use tokio::time::timeout;

use crate::program::Install;
use crate::tools;
use crate::xvfb::Xvfb;

const START_LIMIT: Duration = Duration::from_secs(30);
const SCRIPT_LIMIT: Duration = Duration::from_secs(30);
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";
const FIND: &str = include_str!("webdriver/find.js");

/// A window under remote control; it closes when dropped.
pub struct Window {
    driver: Child,
    http: reqwest::Client,
    session_url: String,
}

/// An element of the page.
#[derive(Clone, Debug)]
pub struct Element(String);

impl Window {
    /// Opens the desktop program of `install` on `display`, on its own data folder and free ports, with
    /// further environment variables.
    pub async fn open_program(install: &Install, display: &Xvfb, variables: &[(&str, &str)]) -> Result<Self> {
        let command = install.command(&["--proxy-port", "0"]);
        Self::open(&command, display, variables).await
    }

    /// Starts the driver and, through it, the program of `command`.
    async fn open(program: &Command, display: &Xvfb, variables: &[(&str, &str)]) -> Result<Self> {
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let mut command = Command::new(tools::program("WebKitWebDriver", "webkit2gtk-driver")?);
        command.arg(format!("--port={port}")).env("DISPLAY", display.name());
        // The driver hands its own environment down to the window.
        for (name, value) in program.get_envs() {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        command.envs(variables.iter().copied());
        // Without these the window never offers itself to the driver.
        command.env("TAURI_WEBVIEW_AUTOMATION", "true").env("TAURI_AUTOMATION", "true");
        let driver = command.stdin(Stdio::null()).spawn().context("cannot start WebKitWebDriver")?;
        let mut window = Self { driver, http: http()?, session_url: String::new() };
        let driver_url = format!("http://127.0.0.1:{port}");
        window.wait_for_driver(&driver_url).await?;
        let arguments: Vec<_> = program.get_args().map(|argument| argument.to_string_lossy()).collect();
        let options = json!({"binary": program.get_program().to_string_lossy(), "args": arguments});
        let capabilities = json!({"alwaysMatch": {"webkitgtk:browserOptions": options}});
        // A program that ends at once leaves the driver waiting for ever.
        let session_url = format!("{driver_url}/session");
        let session = window.post_to(&session_url, json!({"capabilities": capabilities}));
        let answer = timeout(START_LIMIT, session).await.context("the window did not open")??;
        let session = answer["sessionId"].as_str().context("the driver gave no session")?;
        window.session_url = format!("{driver_url}/session/{session}");
        let limit = u64::try_from(SCRIPT_LIMIT.as_millis())? + 5_000;
        window.post("timeouts", json!({"script": limit})).await?;
        Ok(window)
    }

    /// Waits until a visible element with this role and accessible name is there.
    pub async fn find(&self, role: &str, name: &str) -> Result<Element> {
        let found = self.wait_in_page("return find(a, b)", role, name).await?;
        let id = found[ELEMENT].as_str().with_context(|| format!("no element came back for {role} {name:?}"))?;
        Ok(Element(id.to_owned()))
    }

    /// Waits until no visible element has this role and accessible name.
    pub async fn wait_until_gone(&self, role: &str, name: &str) -> Result<()> {
        self.wait_in_page("return !find(a, b)", role, name).await.map(drop)
    }

    /// Waits until the page shows this text.
    pub async fn wait_for_text(&self, text: &str) -> Result<()> {
        self.wait_in_page("return document.body.innerText.includes(a)", text, "").await.map(drop)
    }

    /// Finds and clicks.
    pub async fn click(&self, role: &str, name: &str) -> Result<()> {
        let element = self.find(role, name).await?;
        let clicked = self.post(&format!("element/{}/click", element.0), json!({})).await;
        clicked.map(drop).with_context(|| format!("cannot click the {role} {name:?}"))
    }

    /// Finds a text field and types into it, replacing what it held.
    pub async fn fill(&self, name: &str, text: &str) -> Result<()> {
        let element = self.find("textbox", name).await?;
        self.post(&format!("element/{}/clear", element.0), json!({})).await?;
        self.post(&format!("element/{}/value", element.0), json!({"text": text})).await.map(drop)
    }

    /// Runs a script's text in the page and returns its value.
    pub async fn run(&self, script: &str, arguments: Value) -> Result<Value> {
        self.post("execute/sync", json!({"script": script, "args": arguments})).await
    }

    /// The text of the page as a person sees it.
    pub async fn text(&self) -> Result<String> {
        let text = self.run("return document.body.innerText", json!([])).await?;
        Ok(text.as_str().unwrap_or_default().to_owned())
    }

    /// Saves a picture of the window.
    pub async fn screenshot(&self, file: &Path) -> Result<()> {
        let answer = self.http.get(format!("{}/screenshot", self.session_url)).send().await?;
        let value: Value = answer.error_for_status()?.json().await?;
        let encoded = value["value"].as_str().context("no picture came back")?;
        let bytes = base64::engine::general_purpose::STANDARD.decode(encoded)?;
        std::fs::write(file, bytes).with_context(|| format!("cannot write {}", file.display()))
    }

    /// What can be said about the window after a failure: its text, and where its picture is.
    pub async fn state(&self) -> String {
        let picture = std::env::temp_dir().join("megarouter-window.png");
        let saved = match self.screenshot(&picture).await {
            Ok(()) => format!("see {}", picture.display()),
            Err(error) => format!("no picture: {error:#}"),
        };
        let text = self.text().await.unwrap_or_else(|error| format!("nothing: {error:#}"));
        format!("{saved}; the window shows:\n{text}")
    }

    /// The driver's process; the window's processes are below it.
    pub fn process_id(&self) -> u32 {
        self.driver.id()
    }

    /// Closes the window as the driver does and waits for the answer.
    pub async fn close(self) -> Result<()> {
        self.http.delete(&self.session_url).send().await?.error_for_status()?;
        Ok(())
    }

    /// Waits inside the page until `condition`, a function body over `a` and `b`, gives a value.
    async fn wait_in_page(&self, condition: &str, a: &str, b: &str) -> Result<Value> {
        let script = format!("{FIND}\nwaitFor((a, b) => {{ {condition} }}, ...arguments);");
        let limit = u64::try_from(SCRIPT_LIMIT.as_millis())?;
        let answer = self.post("execute/async", json!({"script": script, "args": [a, b, limit]})).await?;
        if answer.is_null() {
            bail!("waited in vain for {condition} with {a:?}, {b:?}; the page shows:\n{}", self.text().await?);
        }
        Ok(answer)
    }

    async fn wait_for_driver(&self, url: &str) -> Result<()> {
        let start = Instant::now();
        // The driver does not say when it listens.
        while self.http.get(format!("{url}/status")).send().await.is_err() {
            anyhow::ensure!(start.elapsed() < START_LIMIT, "WebKitWebDriver does not answer");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Ok(())
    }

    async fn post(&self, path: &str, body: Value) -> Result<Value> {
        self.post_to(&format!("{}/{path}", self.session_url), body).await
    }

    async fn post_to(&self, url: &str, body: Value) -> Result<Value> {
        let answer = self.http.post(url).json(&body).send().await?;
        let is_ok = answer.status().is_success();
        let mut value: Value = answer.json().await?;
        if !is_ok {
            bail!("the driver answered {} to {url} {body}", value["value"]);
        }
        Ok(value["value"].take())
    }
}

/// A client that gives up when the driver does.
fn http() -> Result<reqwest::Client> {
    Ok(crate::client::builder().timeout(SCRIPT_LIMIT * 2).build()?)
}

impl Drop for Window {
    fn drop(&mut self) {
        // The window dies with its driver only when told to: end what is below it as well.
        for process in crate::process::members(self.driver.id()).into_iter().rev() {
            let _already_gone = Command::new("kill").arg(process.to_string()).stderr(Stdio::null()).status();
        }
        let _already_gone = self.driver.kill();
        let _already_gone = self.driver.wait();
    }
}
