//! `report`

use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use clap::{Args, ValueEnum};
use serde::Deserialize;

use super::door::{Door, parse};
use super::output::{pour, say, table};

/// Write a report.
#[derive(Args)]
pub struct Report {
    /// Which; left out, they are listed
    #[arg(value_name = "REPORT")]
    name: Option<String>,
    /// Its form
    #[arg(long, value_enum, default_value_t = Format::Csv)]
    format: Format,
    /// From when on, such as 2026-11-01T00:00:00Z
    #[arg(long, value_name = "TIME")]
    from: Option<String>,
    /// Until when
    #[arg(long, value_name = "TIME")]
    to: Option<String>,
    /// The file to write; left out, standard output
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Answer in JSON when listing
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, ValueEnum)]
enum Format {
    Csv,
    Svg,
    Png,
}

#[derive(Deserialize)]
struct Listed {
    id: String,
    title: String,
    formats: Vec<String>,
}

impl Report {
    pub async fn run(self, door: &mut Door) -> anyhow::Result<ExitCode> {
        let Some(report) = &self.name else { return self.list(door).await };
        let bytes = door.get_bytes(&self.path(report)).await?;
        match &self.output {
            Some(path) => fs::write(path, &bytes).with_context(|| format!("cannot write {}", path.display()))?,
            None => pour(&bytes).context("the report cannot be written")?,
        }
        Ok(ExitCode::SUCCESS)
    }

    async fn list(&self, door: &mut Door) -> anyhow::Result<ExitCode> {
        let answer = door.get_text("/reports").await?;
        if self.json {
            say(&answer);
            return Ok(ExitCode::SUCCESS);
        }
        let row = |report: Listed| vec![report.id, report.title, report.formats.join(", ")];
        let rows: Vec<_> = parse::<Vec<Listed>>(&answer)?.into_iter().map(row).collect();
        table(&["REPORT", "WHAT", "FORMATS"], &rows);
        Ok(ExitCode::SUCCESS)
    }

    fn path(&self, report: &str) -> String {
        let format = match self.format {
            Format::Csv => "csv",
            Format::Svg => "svg",
            Format::Png => "png",
        };
        // Times hold nothing that needs escaping but the plus of an offset.
        let range = [("from", &self.from), ("to", &self.to)];
        let written =
            range.iter().filter_map(|(name, time)| Some(format!("{name}={}", time.as_ref()?.replace('+', "%2B"))));
        let query = written.collect::<Vec<_>>().join("&");
        format!("/reports/{report}.{format}{}{query}", if query.is_empty() { "" } else { "?" })
    }
}
