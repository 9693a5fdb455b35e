//! Generates load and says what came of it.
//!
//! Closed loop: each connection sends its next request when it has its answer. Open loop: requests fall
//! due at a fixed rate whatever the answers do; one that could not be sent in time is timed from the
//! moment it was due, so that waiting is not hidden. Only whole, right answers count as answered.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use bytes::Bytes;
use http::{Request, Uri};
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::time::{sleep_until, timeout};

use crate::process;

/// A request that takes longer counts as an error.
const REQUEST_LIMIT: Duration = Duration::from_secs(30);

/// What to send, how fast and how long.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Where to; plain HTTP.
    pub url: Uri,
    /// The bearer token.
    pub key: String,
    /// The request's body.
    pub body: Bytes,
    /// Further headers.
    pub headers: Vec<(&'static str, &'static str)>,
    /// Text that a whole answer ends with or holds last; its absence is an error.
    pub end_mark: &'static str,
    /// Text whose arrival is the first output.
    pub first_mark: &'static str,
    /// How requests follow each other.
    pub pace: Pace,
    /// Sent but not counted.
    pub warm_up: Duration,
    /// Counted.
    pub duration: Duration,
    /// Processes whose trees' processor time is measured over the counted time.
    pub watched: Vec<u32>,
}

/// How requests follow each other.
#[derive(Clone, Copy, Debug)]
pub enum Pace {
    /// As fast as `connections` get their answers.
    Closed {
        /// Connections in use at once.
        connections: u32,
    },
    /// At a fixed rate.
    Open {
        /// Requests a second.
        per_second: u32,
        /// Most connections in use at once.
        connections: u32,
    },
}

/// What came of it.
#[derive(Debug, Default)]
pub struct Report {
    /// Whole, right answers in the counted time.
    pub answered: u64,
    /// Everything else, by what went wrong.
    pub errors: BTreeMap<String, u64>,
    /// From sending to the last byte.
    pub latency: Times,
    /// From sending to the first output.
    pub first_output: Times,
    /// Processor seconds of the watched trees.
    pub cpu_seconds: Vec<f64>,
    /// All requests sent, warm-up and stragglers included, that were answered whole and right.
    pub answered_in_all: u64,
}

/// Measured times in microseconds.
#[derive(Debug, Default)]
pub struct Times(Vec<u32>);

impl Times {
    /// The time that `share` (0 to 1) of all times do not exceed, in milliseconds; not a number when
    /// there are none.
    pub fn percentile_ms(&self, share: f64) -> f64 {
        let mut sorted = self.0.clone();
        sorted.sort_unstable();
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            clippy::cast_precision_loss,
            reason = "an index of a share"
        )]
        let index = (sorted.len() as f64 * share).ceil() as usize;
        sorted.get(index.saturating_sub(1)).map_or(f64::NAN, |micros| f64::from(*micros) / 1_000.0)
    }

    fn add(&mut self, time: Duration) {
        self.0.push(u32::try_from(time.as_micros()).unwrap_or(u32::MAX));
    }
}

impl Report {
    /// Processor milliseconds per answered request of the `index`th watched tree.
    pub fn cpu_ms_per_request(&self, index: usize) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "counts of one run")]
        let answered = self.answered as f64;
        self.cpu_seconds.get(index).map_or(f64::NAN, |seconds| seconds * 1_000.0 / answered)
    }

    fn merge(&mut self, other: Self) {
        self.answered += other.answered;
        self.answered_in_all += other.answered_in_all;
        self.latency.0.extend(other.latency.0);
        self.first_output.0.extend(other.first_output.0);
        for (error, count) in other.errors {
            *self.errors.entry(error).or_default() += count;
        }
    }
}

/// Runs a plan to its end.
pub async fn run(plan: Plan) -> Result<Report> {
    let start = Instant::now();
    let clock = Clock { start, counted: start + plan.warm_up, end: start + plan.warm_up + plan.duration };
    let plan = Arc::new(plan);
    let due = Arc::new(AtomicU32::new(0));
    let (Pace::Closed { connections } | Pace::Open { connections, .. }) = plan.pace;
    let workers: Vec<_> =
        (0..connections).map(|_| tokio::spawn(worker(Arc::clone(&plan), Arc::clone(&due), clock))).collect();
    sleep_until(clock.counted.into()).await;
    let before: Vec<f64> = plan.watched.iter().map(|root| process::cpu_seconds(*root)).collect();
    sleep_until(clock.end.into()).await;
    let after: Vec<f64> = plan.watched.iter().map(|root| process::cpu_seconds(*root)).collect();
    let mut report = Report::default();
    for worker in workers {
        report.merge(worker.await.context("a load worker failed")?);
    }
    report.cpu_seconds = before.into_iter().zip(after).map(|(before, after)| after - before).collect();
    Ok(report)
}

#[derive(Clone, Copy)]
struct Clock {
    start: Instant,
    counted: Instant,
    end: Instant,
}

async fn worker(plan: Arc<Plan>, due: Arc<AtomicU32>, clock: Clock) -> Report {
    let mut report = Report::default();
    let mut connection = None;
    while let Some(late_since) = next_turn(&plan, &due, clock).await {
        let sent = Instant::now();
        let result = timeout(REQUEST_LIMIT, exchange(&plan, &mut connection)).await;
        let is_counted = sent >= clock.counted && Instant::now() <= clock.end + Duration::from_secs(2);
        let error = match result {
            Ok(Ok(first)) => {
                report.answered_in_all += 1;
                if is_counted {
                    report.answered += 1;
                    report.latency.add(late_since.unwrap_or(sent).elapsed());
                    report.first_output.add(first.duration_since(sent));
                }
                continue;
            }
            Ok(Err(error)) => format!("{error:#}"),
            Err(_) => "no answer in time".to_owned(),
        };
        connection = None;
        *report.errors.entry(error).or_default() += 1;
    }
    report
}

/// Waits for the next request's turn; `None` at the end. The inner time is when a late one was due.
async fn next_turn(plan: &Plan, due: &AtomicU32, clock: Clock) -> Option<Option<Instant>> {
    let Pace::Open { per_second, .. } = plan.pace else {
        return (Instant::now() < clock.end).then_some(None);
    };
    let turn = due.fetch_add(1, Ordering::Relaxed);
    let at = clock.start + Duration::from_secs(1) * turn / per_second;
    if at >= clock.end {
        return None;
    }
    if at <= Instant::now() {
        return Some(Some(at));
    }
    sleep_until(at.into()).await;
    Some(None)
}

type Connection = Option<SendRequest<Full<Bytes>>>;

/// Sends one request and reads its answer; returns when the first output came.
async fn exchange(plan: &Plan, connection: &mut Connection) -> Result<Instant> {
    let sender = match connection.as_mut().filter(|sender| !sender.is_closed()) {
        Some(sender) => sender,
        None => connection.insert(connect(&plan.url).await?),
    };
    sender.ready().await.context("not ready")?;
    let answer = sender.send_request(request(plan)?).await.context("no answer")?;
    anyhow::ensure!(answer.status() == 200, "status {}", answer.status().as_u16());
    let mut body = answer.into_body();
    let mut text = Vec::new();
    let mut first = None;
    while let Some(frame) = body.frame().await {
        if let Ok(data) = frame.context("cut")?.into_data() {
            text.extend_from_slice(&data);
            if first.is_none() && contains(&text, plan.first_mark) {
                first = Some(Instant::now());
            }
        }
    }
    anyhow::ensure!(contains_at_end(&text, plan.end_mark), "an answer without its end");
    first.context("an answer without output")
}

async fn connect(url: &Uri) -> Result<SendRequest<Full<Bytes>>> {
    let authority = url.authority().context("the URL names no host")?;
    let stream = TcpStream::connect(authority.as_str()).await.context("cannot connect")?;
    stream.set_nodelay(true)?;
    let (sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    tokio::spawn(connection);
    Ok(sender)
}

fn request(plan: &Plan) -> Result<Request<Full<Bytes>>> {
    let authority = plan.url.authority().context("the URL names no host")?;
    let request = Request::post(plan.url.path_and_query().context("the URL has no path")?.as_str());
    Ok(plan
        .headers
        .iter()
        .fold(request, |request, (name, value)| request.header(*name, *value))
        .header("host", authority.as_str())
        .header("authorization", format!("Bearer {}", plan.key))
        .header("content-type", "application/json")
        .body(Full::new(plan.body.clone()))?)
}

fn contains(text: &[u8], mark: &str) -> bool {
    text.windows(mark.len()).any(|window| window == mark.as_bytes())
}

fn contains_at_end(text: &[u8], mark: &str) -> bool {
    let tail = text.len().saturating_sub(800);
    contains(&text[tail..], mark)
}
