//! A scripted HTTP server on the loopback, for tests: raw bytes, so that it can also answer wrongly.

use std::sync::Arc;

use megarouter_domain::clock::Timestamp;
use megarouter_domain::id::ProviderId;
use megarouter_domain::provider::{Credential, CredentialSource, Provider, Target};
use megarouter_domain::secret::Secret;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;

/// What the server does after it read a request.
pub enum Act {
    /// Sends this, then reads the next request of the same connection.
    Answer(String),
    /// Sends this, then closes.
    AnswerAndClose(String),
    /// Sends this, then waits until the client closes.
    AnswerAndHold(String),
}

/// Something that happened at the server.
#[derive(Debug, PartialEq, Eq)]
pub enum Seen {
    /// A client connected.
    Connected,
    /// A request came: head and body.
    Request(String),
    /// The client closed its side.
    Closed,
}

/// A server that plays its acts in order, over as many connections as come.
pub struct Scripted {
    pub port: u16,
    seen: mpsc::UnboundedReceiver<Seen>,
}

impl Scripted {
    pub async fn start(acts: Vec<Act>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (tell, seen) = mpsc::unbounded_channel();
        tokio::spawn(async move {
            let mut acts = acts.into_iter();
            while let Ok((stream, _)) = listener.accept().await {
                let _ = tell.send(Seen::Connected);
                play(stream, &mut acts, &tell).await;
            }
        });
        Self { port, seen }
    }

    /// Waits for the next thing that happens.
    pub async fn next(&mut self) -> Seen {
        self.seen.recv().await.unwrap()
    }

    /// Waits for the next request.
    pub async fn next_request(&mut self) -> String {
        loop {
            if let Seen::Request(request) = self.next().await {
                return request;
            }
        }
    }

    /// Everything that happened and was not asked for yet.
    pub fn so_far(&mut self) -> Vec<Seen> {
        std::iter::from_fn(|| self.seen.try_recv().ok()).collect()
    }

    /// A provider at this server.
    pub fn target(&self) -> Target {
        target(&format!("http://127.0.0.1:{}/v1", self.port))
    }
}

async fn play(mut stream: TcpStream, acts: &mut impl Iterator<Item = Act>, tell: &mpsc::UnboundedSender<Seen>) {
    while let Some(request) = read_request(&mut stream).await {
        let _ = tell.send(Seen::Request(request));
        let (text, stays_open) = match acts.next() {
            Some(Act::Answer(text)) => (text, true),
            Some(Act::AnswerAndHold(text)) => {
                let _ = stream.write_all(text.as_bytes()).await;
                let _ = stream.read(&mut [0; 64]).await;
                break;
            }
            Some(Act::AnswerAndClose(text)) => (text, false),
            None => (String::new(), false),
        };
        let _ = stream.write_all(text.as_bytes()).await;
        if !stays_open {
            return;
        }
    }
    let _ = tell.send(Seen::Closed);
}

async fn read_request(stream: &mut TcpStream) -> Option<String> {
    let mut request = vec![];
    loop {
        let text = String::from_utf8_lossy(&request).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.to_ascii_lowercase().lines().find_map(|line| {
                line.strip_prefix("content-length:").and_then(|value| value.trim().parse::<usize>().ok())
            });
            if body.len() >= length.unwrap_or(0) {
                return Some(text);
            }
        }
        let mut buffer = [0; 4096];
        match stream.read(&mut buffer).await {
            Ok(0) | Err(_) => return None,
            Ok(count) => request.extend_from_slice(&buffer[..count]),
        }
    }
}

/// A model list as llama.cpp gives it.
pub const LIST: &str = r#"{"object":"list","data":[{"id":"a","object":"model","owned_by":"llamacpp"},{"id":"b"}]}"#;

/// A whole answer with a JSON body.
pub fn json(status: &str, body: &str) -> String {
    let length = body.len();
    format!("HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}")
}

/// A provider with the credential `sk-canary`.
pub fn target(base_url: &str) -> Target {
    let provider = Provider {
        id: ProviderId::new(Timestamp::from_micros(0), [0; 10]),
        name: "test".to_owned(),
        kind: "openai_compatible".to_owned(),
        base_url: base_url.to_owned(),
        credential: CredentialSource::Stored,
        dialects: vec![],
        is_enabled: true,
        region: None,
        keeps_prompts: None,
        pool: vec![],
    };
    Target { provider, credential: Credential::Ready(Arc::new(Secret::new("sk-canary".to_owned()))), pool: vec![] }
}
