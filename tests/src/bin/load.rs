//! The load generator as a program of its own.

use std::time::Duration;

use anyhow::Result;
use clap::Parser;
use megarouter_tests::client;
use megarouter_tests::load::{self, Pace, Plan};

/// Sends chat requests to an OpenAI-compatible API and prints what came of it.
#[derive(Parser)]
struct Arguments {
    /// The URL of chat completions, e.g. `http://127.0.0.1:4180/v1/chat/completions`.
    url: http::Uri,
    /// The key to send.
    #[arg(long, env = "OPENAI_API_KEY", hide_env_values = true)]
    key: String,
    /// The model to ask for.
    #[arg(long, default_value = megarouter_tests::mock_provider::DEFAULT_MODEL)]
    model: String,
    /// Connections in use at once.
    #[arg(long, default_value_t = 64)]
    connections: u32,
    /// Requests a second; without it each connection sends as soon as it has its answer.
    #[arg(long)]
    per_second: Option<u32>,
    /// Seconds that count.
    #[arg(long, default_value_t = 5)]
    seconds: u64,
    /// Seconds before those.
    #[arg(long, default_value_t = 1)]
    warm_up: u64,
    /// Asks for streams.
    #[arg(long)]
    stream: bool,
    /// A process whose tree's processor time is measured.
    #[arg(long)]
    watch: Vec<u32>,
}

#[tokio::main]
async fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let Arguments { connections, stream, .. } = arguments;
    let body = if stream { client::stream_body(&arguments.model, true) } else { client::chat_body(&arguments.model) };
    let plan = Plan {
        url: arguments.url,
        key: arguments.key,
        body: body.to_string().into(),
        headers: Vec::new(),
        first_mark: "content",
        end_mark: if stream { "data: [DONE]" } else { "total_tokens" },
        pace: match arguments.per_second {
            Some(per_second) => Pace::Open { per_second, connections },
            None => Pace::Closed { connections },
        },
        warm_up: Duration::from_secs(arguments.warm_up),
        duration: Duration::from_secs(arguments.seconds),
        watched: arguments.watch,
    };
    print(&load::run(plan).await?);
    Ok(())
}

#[expect(clippy::print_stdout, reason = "the report is what the program is for")]
fn print(report: &load::Report) {
    println!("answered {}", report.answered);
    for (error, count) in &report.errors {
        println!("error    {count} x {error}");
    }
    for (name, times) in [("latency", &report.latency), ("first   ", &report.first_output)] {
        let [p50, p95, p99] = [0.5, 0.95, 0.99].map(|share| times.percentile_ms(share));
        println!("{name}  p50 {p50:.3} ms, p95 {p95:.3} ms, p99 {p99:.3} ms");
    }
    for (index, seconds) in report.cpu_seconds.iter().enumerate() {
        println!("cpu      {seconds:.2} s, {:.4} ms a request", report.cpu_ms_per_request(index));
    }
}
