//! A catalogue as compressed bytes: a line with the sources, then a line a model.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};

use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use megarouter_domain::catalog::Source;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::Catalog;
use crate::line::{Line, Shared};

/// More than any catalogue has unpacked; what claims to be larger is not unpacked.
const LIMIT: u64 = 64 << 20;

/// The first line.
#[derive(Serialize, Deserialize)]
pub(crate) struct Header {
    /// Where everything else comes from.
    pub(crate) sources: Vec<Source>,
}

/// The bytes are no catalogue.
#[derive(Debug, Error)]
pub enum UnpackError {
    /// They cannot be unpacked.
    #[error("the catalogue cannot be unpacked")]
    Damaged(#[from] std::io::Error),
    /// A line is not what it should be.
    #[error("line {number} of the catalogue cannot be read")]
    Line {
        /// Which, from 1 on.
        number: usize,
        /// Why.
        #[source]
        error: serde_json::Error,
    },
    /// There is nothing.
    #[error("the catalogue is empty")]
    Empty,
}

/// A catalogue as text: the header and one line of JSON a model.
pub fn to_lines(catalog: &Catalog) -> Vec<String> {
    let mut lines = vec![json(&Header { sources: catalog.sources().to_vec() })];
    lines.extend(catalog.models().iter().map(|model| json(&Line::of(model))));
    lines
}

/// Packs a catalogue.
pub fn pack(catalog: &Catalog) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    let written = to_lines(catalog).iter().try_for_each(|line| writeln!(encoder, "{line}"));
    written.and_then(|()| encoder.finish()).expect("memory takes every byte")
}

/// Unpacks a catalogue, one line at a time.
///
/// # Errors
/// When the bytes are no catalogue.
pub fn unpack(bytes: &[u8]) -> Result<Catalog, UnpackError> {
    let mut reader = BufReader::new(GzDecoder::new(bytes).take(LIMIT));
    let (mut header, mut models, mut shared) = (None::<Header>, Vec::new(), Shared::default());
    let mut line = String::new();
    for number in 1.. {
        line.clear();
        if reader.read_line(&mut line)? == 0 {
            break;
        }
        let wrong = |error| UnpackError::Line { number, error };
        match &header {
            None => header = Some(serde_json::from_str(&line).map_err(wrong)?),
            Some(header) => {
                let line: Line = serde_json::from_str(&line).map_err(wrong)?;
                models.push(line.into_model(&header.sources, &mut shared));
            }
        }
    }
    models.shrink_to_fit();
    Ok(Catalog::new(header.ok_or(UnpackError::Empty)?.sources, models))
}

fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("names and numbers are always JSON")
}
