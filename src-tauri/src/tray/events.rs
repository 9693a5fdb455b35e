//! Reads the control API's stream of events for the ones about the program's state.

use anyhow::{Result, anyhow, ensure};
use bytes::Bytes;
use http::Request;
use http_body_util::BodyExt as _;
use serde_json::Value;

use crate::backend::Backend;

/// Calls `on_status` with each reported state until the stream ends, which it does with the backend.
pub async fn follow(backend: &Backend, mut on_status: impl FnMut(&Value)) -> Result<()> {
    let response = backend.call(Request::get("/api/v1/events").body(Bytes::new())?).await?;
    ensure!(response.status().is_success(), "the events were refused: {}", response.status());
    let mut body = response.into_body();
    let mut lines = Lines::default();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| anyhow!("{error}"))?;
        if let Some(bytes) = frame.data_ref() {
            lines.read(bytes, &mut on_status);
        }
    }
    Ok(())
}

/// The lines of an event stream that came so far.
#[derive(Default)]
struct Lines {
    rest: Vec<u8>,
    is_status: bool,
}

impl Lines {
    fn read(&mut self, bytes: &[u8], on_status: &mut impl FnMut(&Value)) {
        self.rest.extend_from_slice(bytes);
        while let Some(end) = self.rest.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = self.rest.drain(..=end).collect();
            self.line(String::from_utf8_lossy(&line).trim_end(), on_status);
        }
    }

    /// Our own API writes an event's name before its data, and the data in one line.
    fn line(&mut self, line: &str, on_status: &mut impl FnMut(&Value)) {
        if let Some(name) = line.strip_prefix("event:") {
            self.is_status = name.trim() == "status";
        } else if let Some(data) = line.strip_prefix("data:").filter(|_| self.is_status)
            && let Ok(status) = serde_json::from_str(data.trim())
        {
            on_status(&status);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_states_however_the_stream_is_cut() {
        let stream = b": hello\n\nevent: request\ndata: {\"id\":1}\n\nevent: status\ndata: {\"n\":1}\n\nevent: status\ndata: {\"n\":2}\n\n";
        for size in 1..stream.len() {
            let (mut lines, mut found) = (Lines::default(), Vec::new());
            for piece in stream.chunks(size) {
                lines.read(piece, &mut |status: &Value| found.push(status["n"].as_i64()));
            }
            assert_eq!(found, [Some(1), Some(2)], "pieces of {size} bytes");
        }
    }
}
