//! The command line's way to the control API: through the socket of the running instance, or in
//! process when none is running.

use anyhow::{Context as _, bail};
use axum::body::Body;
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::BodyExt as _;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

use crate::config::Config;
use crate::control_socket::{Client, ConnectError};
use crate::instance::{Instance, Purpose};

/// The path that the control API is under.
const BASE: &str = megarouter_api::router::BASE_PATH;

/// The way to the control API.
pub struct Door {
    way: Way,
    data_dir: PathBuf,
}

enum Way {
    Running(Client),
    Own(Box<Instance>),
}

#[derive(Deserialize)]
struct ErrorBody {
    error: ErrorDetail,
}

#[derive(Deserialize)]
struct ErrorDetail {
    message: String,
}

impl Door {
    /// Finds the running instance, or opens the stores when none is running.
    pub async fn open(config: Config) -> anyhow::Result<Self> {
        let data_dir = config.data_dir.clone();
        let way = match Client::connect(&data_dir).await {
            Ok(client) => Way::Running(client),
            Err(ConnectError::NotRunning) => {
                Way::Own(Box::new(Box::pin(Instance::start(config, Purpose::Command)).await?))
            }
            Err(error) => return Err(error.into()),
        };
        Ok(Self { way, data_dir })
    }

    /// The way to an instance that is running.
    pub fn of_running(client: Client, data_dir: PathBuf) -> Self {
        Self { way: Way::Running(client), data_dir }
    }

    /// True when an instance is running, which events can come from.
    pub fn is_running(&self) -> bool {
        matches!(self.way, Way::Running(_))
    }

    /// The data folder.
    pub fn data_dir(&self) -> &std::path::Path {
        &self.data_dir
    }

    /// Gets something from the control API, as the text of its JSON.
    pub async fn get_text(&mut self, path: &str) -> anyhow::Result<String> {
        text(self.call(Method::GET, &format!("{BASE}{path}"), None).await?).await
    }

    /// Gets something from the control API.
    pub async fn get<T: DeserializeOwned>(&mut self, path: &str) -> anyhow::Result<T> {
        parse(&self.get_text(path).await?)
    }

    /// Gets a file.
    pub async fn get_bytes(&mut self, path: &str) -> anyhow::Result<Bytes> {
        bytes(self.call(Method::GET, &format!("{BASE}{path}"), None).await?).await
    }

    /// Gets a stream of events.
    pub async fn stream(&mut self, path: &str) -> anyhow::Result<Response<Body>> {
        self.call(Method::GET, &format!("{BASE}{path}"), None).await
    }

    /// Posts to the control API and gives the text of the answer's JSON.
    pub async fn post_text(&mut self, path: &str, body: &impl Serialize) -> anyhow::Result<String> {
        self.post_owner_text(&format!("{BASE}{path}"), body).await
    }

    /// Sends something to the control API by another method and gives the text of the answer's JSON.
    pub async fn send_text(&mut self, method: Method, path: &str, body: &impl Serialize) -> anyhow::Result<String> {
        let body = serde_json::to_vec(body).context("the request cannot be written")?;
        text(self.call(method, &format!("{BASE}{path}"), Some(body.into())).await?).await
    }

    /// Posts to one of the owner's own paths and gives the text of the answer's JSON.
    pub async fn post_owner_text(&mut self, path: &str, body: &impl Serialize) -> anyhow::Result<String> {
        let body = serde_json::to_vec(body).context("the request cannot be written")?;
        text(self.call(Method::POST, path, Some(body.into())).await?).await
    }

    /// Posts to one of the owner's own paths and gives the answer as it comes.
    pub async fn post_owner(&mut self, path: &str, body: &impl Serialize) -> anyhow::Result<Response<Body>> {
        let body = serde_json::to_vec(body).context("the request cannot be written")?;
        self.call(Method::POST, path, Some(body.into())).await
    }

    /// Ends an instance that was opened for the moment.
    pub async fn close(self) {
        if let Way::Own(instance) = self.way {
            instance.shutdown().await;
        }
    }

    async fn call(&mut self, method: Method, path: &str, body: Option<Bytes>) -> anyhow::Result<Response<Body>> {
        let mut request = Request::builder().method(method).uri(path);
        if body.is_some() {
            request = request.header(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        }
        let request = request.body(body.unwrap_or_default()).context("not a path that can be called")?;
        let response = match &mut self.way {
            Way::Running(client) => client.call(request).await?.map(Body::new),
            Way::Own(instance) => instance.call(request).await,
        };
        if response.status().is_success() { Ok(response) } else { Err(refusal(response).await) }
    }
}

/// Reads an answer's JSON.
pub fn parse<T: DeserializeOwned>(text: &str) -> anyhow::Result<T> {
    serde_json::from_str(text).context("the answer could not be read; is the running MegaRouter of another version?")
}

async fn bytes(response: Response<Body>) -> anyhow::Result<Bytes> {
    Ok(response.into_body().collect().await.context("the answer was cut short")?.to_bytes())
}

async fn text(response: Response<Body>) -> anyhow::Result<String> {
    String::from_utf8(bytes(response).await?.to_vec()).context("the answer is not text")
}

async fn refusal(response: Response<Body>) -> anyhow::Error {
    let status = response.status();
    match read_refusal(response, status).await {
        Ok(message) => anyhow::anyhow!(message),
        Err(error) => error,
    }
}

async fn read_refusal(response: Response<Body>, status: StatusCode) -> anyhow::Result<String> {
    match serde_json::from_str::<ErrorBody>(&text(response).await?) {
        Ok(body) => Ok(body.error.message),
        Err(_) => bail!("the call was answered with {status}"),
    }
}
