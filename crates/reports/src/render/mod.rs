//! Documents as files.

mod bars;
mod csv;
mod fonts;
mod png;
mod svg;
mod ticks;

use std::str::FromStr;

use crate::Error;
use crate::document::Document;

/// What a document can be rendered as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Format {
    /// The chart as vectors.
    Svg,
    /// The chart as pixels, at twice the size for dense screens.
    Png,
    /// The table, RFC 4180.
    Csv,
}

/// A text that names no format.
#[derive(Debug, thiserror::Error)]
#[error("`{0}` is no format of a report; use svg, png or csv")]
pub struct UnknownFormat(String);

impl Format {
    /// Every format.
    pub const ALL: &[Self] = &[Self::Svg, Self::Png, Self::Csv];

    /// The stable name, which is also the file name's ending.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Svg => "svg",
            Self::Png => "png",
            Self::Csv => "csv",
        }
    }

    /// The media type of the file.
    pub const fn media_type(self) -> &'static str {
        match self {
            Self::Svg => "image/svg+xml",
            Self::Png => "image/png",
            Self::Csv => "text/csv; charset=utf-8",
        }
    }
}

impl FromStr for Format {
    type Err = UnknownFormat;

    fn from_str(text: &str) -> Result<Self, UnknownFormat> {
        let found = Self::ALL.iter().copied().find(|format| format.as_str() == text);
        found.ok_or_else(|| UnknownFormat(text.to_owned()))
    }
}

/// Renders a document.
///
/// # Errors
/// When drawing fails.
pub fn render(document: &Document, format: Format) -> Result<Vec<u8>, Error> {
    match format {
        Format::Svg => svg::render(&document.chart),
        Format::Png => png::render(&document.chart),
        Format::Csv => Ok(csv::render(&document.table)),
    }
}
