//! What runs on this machine and what lies in its environment.

use std::collections::HashSet;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::join_all;

use super::LIST_LIMIT;
use crate::address::BaseUrl;
use crate::catalog::{self, Detection, Kind, ListShape};
use crate::client::Client;

/// How long a server on this machine may take to show itself.
const DETECTION_TIMEOUT: Duration = Duration::from_millis(300);

/// A model server found on this machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DetectedServer {
    /// Its record.
    pub kind: &'static str,
    /// The name people know it by.
    pub name: &'static str,
    /// Its base URL.
    pub base_url: String,
    /// Its models.
    pub models: Vec<String>,
}

/// A credential that lies in the environment. Its value is never read here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EnvironmentCredential {
    /// The record of the provider it is for.
    pub kind: &'static str,
    /// The provider's name.
    pub name: &'static str,
    /// The variable.
    pub variable: &'static str,
}

/// Finds the model servers that answer on their usual ports of this machine.
pub async fn detect_local(client: &Client) -> Vec<DetectedServer> {
    let local = catalog::ALL.iter().filter_map(|kind| Some((kind, kind.detection?)));
    let looks = local.map(|(kind, detection)| detect(client, kind, detection, detection.port));
    join_all(looks).await.into_iter().flatten().collect()
}

/// Tells which providers' credentials lie in the environment of this program.
pub fn environment() -> Vec<EnvironmentCredential> {
    credentials_in(|variable| std::env::var_os(variable).is_some_and(|value| !value.is_empty()))
}

fn credentials_in(is_set: impl Fn(&str) -> bool) -> Vec<EnvironmentCredential> {
    let of_kind = |kind: &'static Kind| {
        kind.credential_variables.iter().map(|variable| EnvironmentCredential {
            kind: kind.id,
            name: kind.name,
            variable,
        })
    };
    let mut offered = HashSet::new();
    let of_use = catalog::ALL.iter().filter(|kind| kind.retired_on.is_none());
    // Two kinds of one maker read the same variable; the first is the one for most.
    of_use.flat_map(of_kind).filter(|found| is_set(found.variable) && offered.insert(found.variable)).collect()
}

async fn detect(client: &Client, kind: &'static Kind, detection: Detection, port: u16) -> Option<DetectedServer> {
    tokio::time::timeout(DETECTION_TIMEOUT, recognise(client, kind, detection, port)).await.ok().flatten()
}

async fn recognise(client: &Client, kind: &'static Kind, detection: Detection, port: u16) -> Option<DetectedServer> {
    let base = BaseUrl::parse(&format!("http://127.0.0.1:{port}/v1")).ok()?;
    let shown = read_public(client, &base, detection.path).await?;
    if !shown.windows(detection.mark.len()).any(|window| window == detection.mark.as_bytes()) {
        return None;
    }
    let list = read_public(client, &base, "/v1/models").await?;
    let models = ListShape::OpenAi.read(&list)?.into_iter().map(|model| model.id).collect();
    Some(DetectedServer { kind: kind.id, name: kind.name, base_url: base.as_str().to_owned(), models })
}

async fn read_public(client: &Client, base: &BaseUrl, path: &str) -> Option<Bytes> {
    let response = client.look(base, path, DETECTION_TIMEOUT).await.ok()?;
    if !response.status.is_success() {
        return None;
    }
    response.body.read_all(LIST_LIMIT).await.ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::ClientOptions;
    use crate::scripted::{Act, LIST, Scripted, json};

    fn client() -> Client {
        Client::new(&ClientOptions::default()).unwrap()
    }

    #[tokio::test]
    async fn a_local_server_is_recognised_by_its_answer() {
        let kind = catalog::kind("llamacpp").unwrap();
        let detection = kind.detection.unwrap();
        let mut server =
            Scripted::start(vec![Act::Answer(json("200 OK", LIST)), Act::Answer(json("200 OK", LIST))]).await;
        let found = detect(&client(), kind, detection, server.port).await.unwrap();
        assert_eq!((found.kind, found.models.len()), ("llamacpp", 2));
        assert_eq!(found.base_url, format!("http://127.0.0.1:{}/v1", server.port));
        assert!(!server.next_request().await.to_ascii_lowercase().contains("authorization"));
    }

    #[tokio::test]
    async fn another_server_on_the_port_is_not_taken_for_it() {
        let kind = catalog::kind("llamacpp").unwrap();
        let detection = kind.detection.unwrap();
        let other = Scripted::start(vec![Act::Answer(json("200 OK", r#"{"data":[{"id":"x"}]}"#))]).await;
        assert_eq!(detect(&client(), kind, detection, other.port).await, None);
        let silent = Scripted::start(vec![Act::AnswerAndHold(String::new())]).await;
        assert_eq!(detect(&client(), kind, detection, silent.port).await, None);
    }

    #[test]
    fn a_variable_is_offered_for_one_kind_that_still_exists() {
        let found = credentials_in(|_| true);
        let variables: HashSet<_> = found.iter().map(|found| found.variable).collect();
        assert_eq!(variables.len(), found.len());
        assert!(found.iter().all(|found| catalog::kind(found.kind).unwrap().retired_on.is_none()));
        let azure = found.iter().find(|found| found.variable == "AZURE_OPENAI_API_KEY").unwrap();
        assert_eq!(azure.kind, "azure_openai");
    }

    #[test]
    fn only_variables_that_are_set_are_named() {
        let found = credentials_in(|variable| variable == "GROQ_API_KEY");
        assert_eq!(found, [EnvironmentCredential { kind: "groq", name: "Groq", variable: "GROQ_API_KEY" }]);
    }
}
