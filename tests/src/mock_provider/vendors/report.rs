//! What the mock tells of its calls over HTTP, for tests in other languages.
//!
//! `GET /mock/calls/MARK` waits until a call whose body holds MARK has ended and answers with every
//! such call; a call that never comes is an empty list after the limit.

use std::time::{Duration, Instant, SystemTime};

use serde_json::{Value, json};

use crate::mock_provider::State;
use crate::mock_provider::answer::{Answer, whole};
use crate::mock_provider::calls::{Call, End};

const LIMIT: Duration = Duration::from_secs(4);
const PREFIX: &str = "/mock/calls/";

/// Answers a question about calls; `None` for other paths.
pub(in crate::mock_provider) async fn report(state: &State, path: &str) -> Option<Answer> {
    let mark = path.strip_prefix(PREFIX)?;
    let mut changed = state.changed.subscribe();
    let ended = async {
        loop {
            let calls = marked(state, mark);
            if !calls.is_empty() && calls.iter().all(|call| call.end.is_some()) {
                return calls;
            }
            if changed.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    };
    let calls = match tokio::time::timeout(LIMIT, ended).await {
        Ok(calls) => calls,
        Err(_) => marked(state, mark),
    };
    Some(whole(200, &calls.iter().map(told).collect::<Value>(), None))
}

fn marked(state: &State, mark: &str) -> Vec<Call> {
    let books = state.books();
    let holds = |call: &&Call| call.body.windows(mark.len()).any(|window| window == mark.as_bytes());
    books.calls.iter().filter(holds).cloned().collect()
}

fn told(call: &Call) -> Value {
    let headers: serde_json::Map<String, Value> =
        call.headers.iter().map(|(name, value)| (name.clone(), json!(value))).collect();
    json!({
        "path": call.path,
        "headers": headers,
        "body": serde_json::from_slice::<Value>(&call.body).unwrap_or(Value::Null),
        "status": call.status,
        "arrived_ms": milliseconds(call.at),
        "closed_ms": call.closed_at().map(milliseconds),
        "end": match call.end {
            None => "open",
            Some(End::Answered) => "answered",
            Some(End::Cut) => "cut",
            Some(End::PeerClosed(_)) => "peer_closed",
        },
        "answer": String::from_utf8_lossy(&call.answer),
    })
}

/// A moment in milliseconds since 1970, as clients of other languages count.
fn milliseconds(at: Instant) -> u64 {
    let then = SystemTime::now().checked_sub(at.elapsed()).unwrap_or(SystemTime::UNIX_EPOCH);
    let since = then.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
