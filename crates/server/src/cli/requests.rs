//! `requests tail`

use std::process::ExitCode;

use anyhow::{Context as _, bail};
use clap::{Args, Subcommand};
use http_body_util::BodyExt as _;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::door::{Door, parse};
use super::output::{Cost, say};

/// Look at requests.
#[derive(Subcommand)]
pub enum Requests {
    /// The last requests, oldest first
    Tail(Tail),
}

/// The last requests.
#[derive(Args)]
pub struct Tail {
    /// How many
    #[arg(short = 'n', long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=200))]
    lines: u32,
    /// Go on with those to come
    #[arg(short, long)]
    follow: bool,
    /// One JSON object a line
    #[arg(long)]
    json: bool,
}

#[derive(Deserialize)]
struct Page {
    rows: Vec<Box<RawValue>>,
}

#[derive(Deserialize)]
struct Row {
    id: String,
    started_at: String,
    key_name: Option<String>,
    model_asked: String,
    provider: Option<String>,
    status: u16,
    outcome: String,
    usage: Usage,
    cost: Cost,
    total_us: u64,
}

#[derive(Deserialize)]
struct Usage {
    total_input: Option<u64>,
    total_output: Option<u64>,
}

impl Requests {
    pub async fn run(self, door: &mut Door) -> anyhow::Result<ExitCode> {
        let Self::Tail(verb) = self;
        verb.run(door).await
    }
}

impl Tail {
    async fn run(self, door: &mut Door) -> anyhow::Result<ExitCode> {
        // Asked for before the list, so that nothing falls between the two; what is in both is
        // skipped below.
        if self.follow && !door.is_running() {
            bail!("no MegaRouter is running over {}, so no requests will come", door.data_dir().display());
        }
        let page: Page = door.get(&format!("/requests?limit={}", self.lines)).await?;
        let mut last = None;
        for row in page.rows.iter().rev() {
            last = Some(self.show(row.get())?);
        }
        if self.follow {
            self.follow(door, last).await?;
        }
        Ok(ExitCode::SUCCESS)
    }

    async fn follow(&self, door: &mut Door, last: Option<String>) -> anyhow::Result<()> {
        let mut body = door.stream("/events").await?.into_body();
        let mut pending = Vec::new();
        while let Some(frame) = body.frame().await {
            let frame = frame.context("the running MegaRouter ended")?;
            let Ok(bytes) = frame.into_data() else { continue };
            pending.extend_from_slice(&bytes);
            while let Some(end) = memchr::memmem::find(&pending, b"\n\n") {
                let event: Vec<u8> = pending.drain(..end + 2).collect();
                if let Some(row) = request_of(&String::from_utf8_lossy(&event))
                    && last.as_deref() != parse::<Row>(&row).ok().map(|row| row.id).as_deref()
                {
                    self.show(&row)?;
                }
            }
        }
        Ok(())
    }

    /// Writes a row and gives its id.
    fn show(&self, text: &str) -> anyhow::Result<String> {
        let row: Row = parse(text)?;
        if self.json {
            say(text);
            return Ok(row.id);
        }
        let count = |tokens: Option<u64>| tokens.map_or_else(|| "?".to_owned(), |tokens| tokens.to_string());
        say(&format!(
            "{}  {}  {:<12}  {}  {} -> {}  {}/{} tokens  {}  {} ms",
            row.started_at,
            row.status,
            row.outcome,
            row.key_name.as_deref().unwrap_or("-"),
            row.model_asked,
            row.provider.as_deref().unwrap_or("-"),
            count(row.usage.total_input),
            count(row.usage.total_output),
            row.cost.in_words(),
            row.total_us / 1_000,
        ));
        Ok(row.id)
    }
}

/// The row of a `request` event.
fn request_of(event: &str) -> Option<String> {
    let field = |name: &str| event.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
    (field("event:")? == "request").then(|| field("data:").map(str::to_owned))?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_finished_requests_are_shown() {
        assert_eq!(request_of("event: request\ndata: {\"id\":\"1\"}\n\n").as_deref(), Some("{\"id\":\"1\"}"));
        assert_eq!(request_of("event: status\ndata: {}\n\n"), None);
        assert_eq!(request_of(": still here\n\n"), None);
    }
}
