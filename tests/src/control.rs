//! The control API, over the socket in the data folder.

use std::collections::HashSet;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

/// How long a finished request may take to become visible.
const ROW_LIMIT: Duration = Duration::from_secs(5);

/// A client of a running program's control API.
pub struct Control {
    http: reqwest::Client,
}

impl Control {
    /// For the program that runs on this data folder.
    ///
    /// # Panics
    /// When the client cannot be built.
    pub fn of(data_folder: &Path) -> Self {
        let builder = crate::client::builder().unix_socket(data_folder.join("control.sock"));
        Self { http: builder.build().expect("the HTTP client can be built") }
    }

    /// `GET /api/v1PATH`.
    pub async fn get(&self, path: &str) -> Result<Value> {
        self.send(self.http.get(url(path))).await
    }

    /// `POST /api/v1PATH` with a JSON body.
    pub async fn post(&self, path: &str, body: &Value) -> Result<Value> {
        self.send(self.http.post(url(path)).json(body)).await
    }

    /// A finished request with its attempts; waits until it is written.
    pub async fn request(&self, id: &str) -> Result<Value> {
        let start = Instant::now();
        loop {
            let answer = self.http.get(url(&format!("/requests/{id}"))).send().await?;
            if answer.status().is_success() {
                return answer.json().await.context("the record is no JSON");
            }
            if start.elapsed() > ROW_LIMIT {
                bail!("no record of the request {id}: {}", answer.text().await?);
            }
            // The record is committed with the next group, up to 50 ms after the request's end.
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// All requests, newest first, over all pages.
    pub async fn requests(&self) -> Result<Vec<Value>> {
        self.requests_not_in(&HashSet::new()).await
    }

    /// The requests, newest first, up to the first page that holds nothing but `known` ids; those are
    /// left out.
    pub async fn requests_not_in(&self, known: &HashSet<String>) -> Result<Vec<Value>> {
        let mut rows = Vec::new();
        let mut cursor = String::new();
        loop {
            let mut page = self.get(&format!("/requests?limit=200{cursor}")).await?;
            let Value::Array(found) = page["rows"].take() else { bail!("no rows in {page}") };
            let is_old = |row: &Value| row["id"].as_str().is_some_and(|id| known.contains(id));
            let all = found.len();
            let new: Vec<Value> = found.into_iter().filter(|row| !is_old(row)).collect();
            let is_all_known = all > 0 && new.is_empty();
            rows.extend(new);
            match page["next_cursor"].as_str() {
                Some(next) if !is_all_known => cursor = format!("&cursor={next}"),
                _ => return Ok(rows),
            }
        }
    }

    /// Waits until as many requests are on record, and returns them, newest first.
    pub async fn requests_once_there_are(&self, count: usize) -> Result<Vec<Value>> {
        let start = Instant::now();
        loop {
            let rows = self.requests().await?;
            if rows.len() >= count {
                return Ok(rows);
            }
            anyhow::ensure!(start.elapsed() < ROW_LIMIT, "{} of {count} requests are on record: {rows:#?}", rows.len());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    async fn send(&self, request: reqwest::RequestBuilder) -> Result<Value> {
        let answer = request.send().await?;
        let status = answer.status();
        let text = answer.text().await?;
        if !status.is_success() {
            bail!("the control API answered {status}: {text}");
        }
        if text.is_empty() {
            return Ok(Value::Null);
        }
        serde_json::from_str(&text).with_context(|| format!("no JSON: {text}"))
    }
}

fn url(path: &str) -> String {
    format!("http://localhost/api/v1{path}")
}
