//! Load on all nodes at once, and the count of what came of it.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, Result};
use serde_json::{Value, json};

use super::Cluster;
use crate::client;
use crate::sse::Stream;

/// A client that was refused waits so long before it asks again.
const PAUSE: Duration = Duration::from_millis(20);

/// What came of a load.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Requests that were answered whole.
    pub answered: u64,
    /// Those refused since a budget is used up.
    pub exceeded: u64,
    /// Those refused since the node could not ask for more of a budget.
    pub unavailable: u64,
    /// Everything else, by what it was.
    pub others: BTreeMap<String, u64>,
}

/// Clients that ask until they are told to end.
pub struct Traffic {
    tally: Arc<Mutex<Tally>>,
    is_ending: Arc<AtomicBool>,
    tasks: Vec<tokio::task::JoinHandle<()>>,
}

/// Streams that were open at some moment, still being read.
pub struct OpenStreams(Vec<tokio::task::JoinHandle<Stream>>);

impl Traffic {
    /// Starts so many clients for each node that ask for `models` in turn with this key.
    pub fn start(cluster: &Cluster, key: &str, models: &'static [&'static str], clients: usize) -> Self {
        let tally = Arc::<Mutex<Tally>>::default();
        let is_ending = Arc::<AtomicBool>::default();
        let http = client::new();
        let urls = cluster.nodes.iter().map(|node| format!("{}/v1/chat/completions", node.proxy));
        let tasks = urls
            .flat_map(|url| (0..clients).map(move |number| (url.clone(), number)))
            .map(|(url, number)| {
                let (tally, is_ending) = (Arc::clone(&tally), Arc::clone(&is_ending));
                let request = http.post(url).bearer_auth(key);
                tokio::spawn(async move {
                    for turn in number.. {
                        if is_ending.load(Ordering::Relaxed) {
                            return;
                        }
                        let is_answered = ask(&request, models[turn % models.len()], &tally).await;
                        if !is_answered {
                            tokio::time::sleep(PAUSE).await;
                        }
                    }
                })
            })
            .collect();
        Self { tally, is_ending, tasks }
    }

    /// What came of it so far.
    pub fn tally(&self) -> Tally {
        lock(&self.tally).clone()
    }

    /// Ends it and says what came of it.
    pub async fn end(self) -> Result<Tally> {
        self.is_ending.store(true, Ordering::Relaxed);
        for task in self.tasks {
            task.await?;
        }
        Ok(lock(&self.tally).clone())
    }
}

impl OpenStreams {
    /// Opens a stream of `model` on every node.
    pub async fn open(cluster: &Cluster, key: &str, model: &str) -> Result<Self> {
        let mut streams = Vec::new();
        for node in &cluster.nodes {
            let request = client::new().post(format!("{}/v1/chat/completions", node.proxy)).bearer_auth(key);
            // The first lease of a node may be a moment late, as its client is told.
            let mut opened = None;
            super::until("a stream opens", Duration::from_secs(5), async || {
                let request = request.try_clone().context("a request that can be sent again")?;
                let answer = request.json(&body(model, true)).send().await?;
                let is_open = answer.status() == 200;
                opened = is_open.then_some(answer);
                Ok(is_open)
            })
            .await?;
            streams.extend(opened.map(|answer| tokio::spawn(Stream::read(answer))));
        }
        Ok(Self(streams))
    }

    /// How many of them ended otherwise than whole.
    pub async fn aborted(self) -> Result<usize> {
        let mut aborted = 0;
        for stream in self.0 {
            aborted += usize::from(!stream.await?.is_done);
        }
        Ok(aborted)
    }
}

/// A request of which the worst case is known: a hundred tokens of output.
pub fn body(model: &str, is_streaming: bool) -> Value {
    json!({
        "model": model, "max_tokens": 100, "stream": is_streaming, "messages": [{"role": "user", "content": "Hi"}],
    })
}

async fn ask(request: &reqwest::RequestBuilder, model: &str, tally: &Mutex<Tally>) -> bool {
    let Some(request) = request.try_clone() else { return false };
    let answer = match request.json(&body(model, false)).send().await {
        Ok(answer) => answer,
        Err(error) => {
            *lock(tally).others.entry(format!("no answer: {error}")).or_default() += 1;
            return false;
        }
    };
    let status = answer.status().as_u16();
    let text = client::text_of(answer).await;
    let mut tally = lock(tally);
    match status {
        200 if text.contains("total_tokens") => tally.answered += 1,
        429 if text.contains("budget.exceeded") => tally.exceeded += 1,
        429 if text.contains("budget.unavailable") => tally.unavailable += 1,
        status => *tally.others.entry(format!("{status}: {}", &text[..text.len().min(200)])).or_default() += 1,
    }
    status == 200
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
