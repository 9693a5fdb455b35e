//! A provider that breaks the rules: what its clients see, what it costs, who closes what when.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod floods;
mod leaving;
mod lies;
mod streams;

use megarouter_tests::client;
use megarouter_tests::control::Control;
use megarouter_tests::evil_upstream::{Dialect, EvilUpstream, Play};
use megarouter_tests::program::Program;
use megarouter_tests::world::request_id;
use serde_json::Value;

/// A program before an evil upstream, and a key.
struct Stagehand {
    upstream: EvilUpstream,
    program: Program,
    key: String,
    http: reqwest::Client,
    control: Control,
}

/// An answer and its record.
struct Told {
    status: u16,
    text: String,
    record: Value,
}

impl Stagehand {
    async fn start(arguments: &[&str]) -> Self {
        let upstream = EvilUpstream::start().await.unwrap();
        let (program, key) = upstream.program(arguments).unwrap();
        let control = Control::of(&program.install().data_folder());
        Self { upstream, program, key, http: client::new(), control }
    }

    /// Calls a dialect's model with the play `name`, staged as `play`.
    async fn call(&self, dialect: Dialect, name: &str, play: Play, is_streaming: bool) -> reqwest::Response {
        self.upstream.stage(name, play);
        self.call_staged(dialect, name, is_streaming).await.unwrap()
    }

    async fn call_staged(
        &self,
        dialect: Dialect,
        name: &str,
        is_streaming: bool,
    ) -> reqwest::Result<reqwest::Response> {
        let url = self.program.url(&dialect.path(dialect.model(), is_streaming));
        let body = dialect.request(dialect.model(), name, is_streaming);
        self.http.post(url).bearer_auth(&self.key).json(&body).send().await
    }

    /// Reads an answer to its end, then its record: it is written when the answer has ended.
    async fn read(&self, answer: reqwest::Response) -> Told {
        let id = request_id(answer.headers()).to_owned();
        let status = answer.status().as_u16();
        let text = client::text_of(answer).await;
        Told { status, text, record: self.control.request(&id).await.unwrap() }
    }

    fn verify(&self) {
        let verdict = self.program.install().run(&["ledger", "verify"]).unwrap();
        assert!(verdict.contains("0 unexplained"), "{verdict}");
    }
}
