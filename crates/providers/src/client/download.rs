//! Reading a public file: no credential, no redirect, a limit of size and time.

use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_ENCODING, ETAG, HeaderValue, IF_NONE_MATCH};
use http::{HeaderMap, StatusCode};
use url::Url;

use super::{Client, UpstreamBody};
use crate::address::{BaseUrl, BaseUrlError};
use crate::errors::{self, CallError};

/// Longer tags are not kept; they are not asked for again either.
const LONGEST_ETAG: usize = 256;

/// A file as its server has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Download {
    /// It is the one that the tag names.
    Unchanged,
    /// It is another one.
    Changed {
        /// The whole file.
        body: Bytes,
        /// Names this edition of it, if the server gives it a name.
        etag: Option<String>,
    },
}

impl Client {
    /// Reads a file unless it is still the edition that `etag` names. `timeout` is for all of it.
    ///
    /// # Errors
    /// When the address may not be dialled, no answer came in time, the status is not 200 or 304, or the
    /// file has more than `limit` bytes.
    pub async fn download(
        &self,
        address: &str,
        etag: Option<&str>,
        limit: usize,
        timeout: Duration,
    ) -> Result<Download, CallError> {
        let base = BaseUrl::parse(address)?;
        let url = Url::parse(base.as_str()).map_err(|_| BaseUrlError::Malformed)?;
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT, HeaderValue::from_static("application/json, text/plain;q=0.5"));
        if let Some(etag) = etag.and_then(|etag| HeaderValue::from_str(etag).ok()) {
            headers.insert(IF_NONE_MATCH, etag);
        }
        let work = self.read_file(self.http.get(url).headers(headers), limit);
        tokio::time::timeout(timeout, work).await.unwrap_or(Err(CallError::FirstByteTimeout))
    }

    async fn read_file(&self, request: reqwest::RequestBuilder, limit: usize) -> Result<Download, CallError> {
        let response = request.send().await.map_err(|error| errors::of_http(&error))?;
        let (head, inner) = http::Response::<reqwest::Body>::from(response).into_parts();
        if head.status == StatusCode::NOT_MODIFIED {
            return Ok(Download::Unchanged);
        }
        if head.status != StatusCode::OK {
            return Err(CallError::Unacceptable(format!("its status is {}", head.status.as_u16())));
        }
        if head.headers.get(CONTENT_ENCODING).is_some_and(|encoding| encoding != "identity") {
            return Err(CallError::Unacceptable("it is packed although that was not asked for".to_owned()));
        }
        let etag = head.headers.get(ETAG).and_then(|etag| etag.to_str().ok()).filter(|etag| etag.len() <= LONGEST_ETAG);
        let etag = etag.map(str::to_owned);
        Ok(Download::Changed { body: UpstreamBody { inner }.read_all(limit).await?, etag })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::ClientOptions;
    use crate::scripted::{Act, Scripted};

    const PATIENCE: Duration = Duration::from_secs(20);

    fn answer(head: &str, body: &str) -> Act {
        Act::AnswerAndClose(format!(
            "HTTP/1.1 {head}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
            body.len()
        ))
    }

    async fn read(act: Act, etag: Option<&str>, limit: usize) -> (Result<Download, CallError>, String) {
        let mut server = Scripted::start(vec![act]).await;
        let client = Client::new(&ClientOptions::default()).unwrap();
        let address = format!("http://127.0.0.1:{}/list.json", server.port);
        let found = client.download(&address, etag, limit, PATIENCE).await;
        (found, server.next_request().await)
    }

    #[tokio::test]
    async fn a_file_comes_with_the_name_of_its_edition() {
        let (found, request) = read(answer("200 OK\r\netag: \"two\"", "{}"), Some("\"one\""), 2).await;
        assert_eq!(found.unwrap(), Download::Changed { body: "{}".into(), etag: Some("\"two\"".to_owned()) });
        let request = request.to_ascii_lowercase();
        assert!(request.starts_with("get /list.json ") && request.contains("if-none-match: \"one\""), "{request}");
        assert!(!request.contains("authorization"), "{request}");
    }

    #[tokio::test]
    async fn the_same_edition_is_not_read_again() {
        assert_eq!(read(answer("304 Not Modified", ""), Some("\"one\""), 2).await.0.unwrap(), Download::Unchanged);
    }

    #[tokio::test]
    async fn what_is_too_large_or_elsewhere_or_packed_is_refused() {
        for act in [
            answer("200 OK", "{ }"),
            answer("302 Found\r\nlocation: http://127.0.0.1:9/other", ""),
            answer("200 OK\r\ncontent-encoding: gzip", "{}"),
            answer("500 Internal Server Error", "{}"),
        ] {
            let found = read(act, None, 2).await.0;
            assert!(matches!(found, Err(CallError::Unacceptable(_))), "{found:?}");
        }
    }

    #[tokio::test]
    async fn plain_http_to_the_world_is_not_dialled() {
        let client = Client::new(&ClientOptions::default()).unwrap();
        let found = client.download("http://example.com/list.json", None, 2, PATIENCE).await;
        assert!(matches!(found, Err(CallError::Address(BaseUrlError::Insecure))), "{found:?}");
    }
}
