//! Reads one request from a connection.

use std::io::{Error, ErrorKind};

use bytes::{Bytes, BytesMut};
use serde::Deserialize;
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;

const MAX_HEADERS: usize = 100;

/// A request as it arrived.
pub(crate) struct Request {
    pub method: String,
    pub path: String,
    pub headers: Vec<(String, String)>,
    pub body: Bytes,
}

/// What the mock must know of a body; everything else in it is kept as bytes only.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct Asked {
    pub model: String,
    pub stream: bool,
    pub stream_options: Option<StreamOptions>,
    pub input: Option<Input>,
    pub encoding_format: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct StreamOptions {
    pub include_usage: bool,
}

/// What embeddings are made of.
#[derive(Deserialize)]
#[serde(untagged)]
pub(crate) enum Input {
    One(String),
    Many(Vec<String>),
}

impl Request {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    pub(crate) fn asked(&self) -> Result<Asked, serde_json::Error> {
        serde_json::from_slice(&self.body)
    }
}

impl Asked {
    pub(super) fn wants_usage(&self) -> bool {
        self.stream_options.as_ref().is_some_and(|options| options.include_usage)
    }

    pub(super) fn inputs(&self) -> Vec<&str> {
        match &self.input {
            Some(Input::One(text)) => vec![text],
            Some(Input::Many(texts)) => texts.iter().map(String::as_str).collect(),
            None => Vec::new(),
        }
    }
}

/// Reads the next request; `None` when the peer closed the connection between two requests.
/// `buffer` holds what was read too much, for the next time.
pub(crate) async fn read(stream: &mut TcpStream, buffer: &mut BytesMut) -> std::io::Result<Option<Request>> {
    let (mut request, length) = loop {
        if let Some(head) = parse_head(buffer)? {
            break head;
        }
        if stream.read_buf(buffer).await? == 0 {
            return if buffer.is_empty() { Ok(None) } else { Err(ErrorKind::UnexpectedEof.into()) };
        }
    };
    request.body = match length {
        Length::Known(length) => read_sized(stream, buffer, length).await?,
        Length::Chunked => read_chunked(stream, buffer).await?,
    };
    Ok(Some(request))
}

enum Length {
    Known(usize),
    Chunked,
}

fn parse_head(buffer: &mut BytesMut) -> std::io::Result<Option<(Request, Length)>> {
    let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
    let mut parsed = httparse::Request::new(&mut headers);
    let httparse::Status::Complete(end) = parsed.parse(buffer).map_err(Error::other)? else { return Ok(None) };
    let request = Request {
        method: parsed.method.unwrap_or_default().to_owned(),
        path: parsed.path.unwrap_or_default().to_owned(),
        headers: parsed
            .headers
            .iter()
            .map(|header| (header.name.to_ascii_lowercase(), String::from_utf8_lossy(header.value).into_owned()))
            .collect(),
        body: Bytes::new(),
    };
    let _head = buffer.split_to(end);
    let length = if request.header("transfer-encoding").is_some() {
        Length::Chunked
    } else {
        let declared = request.header("content-length").unwrap_or("0");
        Length::Known(declared.parse().map_err(Error::other)?)
    };
    Ok(Some((request, length)))
}

async fn read_sized(stream: &mut TcpStream, buffer: &mut BytesMut, length: usize) -> std::io::Result<Bytes> {
    while buffer.len() < length {
        if stream.read_buf(buffer).await? == 0 {
            return Err(ErrorKind::UnexpectedEof.into());
        }
    }
    Ok(buffer.split_to(length).freeze())
}

async fn read_chunked(stream: &mut TcpStream, buffer: &mut BytesMut) -> std::io::Result<Bytes> {
    let mut body = BytesMut::new();
    loop {
        let (line_end, size) = loop {
            match httparse::parse_chunk_size(buffer).map_err(|_| Error::other("bad chunk size"))? {
                httparse::Status::Complete((end, size)) => break (end, usize::try_from(size).map_err(Error::other)?),
                httparse::Status::Partial if stream.read_buf(buffer).await? == 0 => {
                    return Err(ErrorKind::UnexpectedEof.into());
                }
                httparse::Status::Partial => {}
            }
        };
        let _size_line = buffer.split_to(line_end);
        // Data and the line end after it; no client of ours sends trailers.
        body.extend_from_slice(&read_sized(stream, buffer, size + 2).await?[..size]);
        if size == 0 {
            return Ok(body.freeze());
        }
    }
}
