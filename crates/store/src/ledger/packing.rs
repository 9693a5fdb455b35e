//! Entries in fewer bytes: a body is compressed by itself, with a dictionary that knows the names of its
//! fields, and comes back to the byte.
//!
//! The dictionary is part of the format: another one needs another mark, and this one stays.

use std::fmt;
use std::io::Cursor;

use zstd::bulk::{Compressor, Decompressor};
use zstd::zstd_safe::compress_bound;

/// What entries look like. Never changed: packed bodies are read with it for good.
static DICTIONARY: &[u8] = include_bytes!("packing/first.dictionary");

/// The first byte of a body packed with [`DICTIONARY`].
const MARK: u8 = 1;

/// Beyond this, in bytes, a body is stored as it is.
const LONGEST: u32 = 1 << 20;

/// Below one, where it takes a quarter of the default level's time for a quarter more bytes: every request
/// packs three bodies.
const LEVEL: i32 = -1;

/// What stands before the packed bytes: the mark and the length of the body.
const HEAD: usize = 5;

/// Packs bodies.
pub(crate) struct Packer {
    compressor: Compressor<'static>,
    /// Used again for each body.
    buffer: Vec<u8>,
}

/// Unpacks bodies.
pub(crate) struct Unpacker(Decompressor<'static>);

impl Packer {
    pub(crate) fn new() -> Self {
        let mut compressor = Compressor::with_dictionary(LEVEL, DICTIONARY).expect("memory for the dictionary");
        // The chain of hashes covers the body, and its length stands before it.
        compressor.include_checksum(false).expect("every version knows it");
        compressor.include_contentsize(false).expect("every version knows it");
        Self { compressor, buffer: Vec::new() }
    }

    /// The packed body; `None` for one that is to be stored as it is.
    pub(crate) fn pack(&mut self, body: &str) -> Option<Vec<u8>> {
        let length = u32::try_from(body.len()).ok().filter(|length| *length <= LONGEST)?;
        self.buffer.clear();
        self.buffer.reserve(HEAD + compress_bound(body.len()));
        self.buffer.push(MARK);
        self.buffer.extend_from_slice(&length.to_le_bytes());
        let mut rest = Cursor::new(&mut self.buffer);
        rest.set_position(HEAD as u64);
        self.compressor.compress_to_buffer(body.as_bytes(), &mut rest).ok()?;
        (self.buffer.len() < body.len()).then(|| self.buffer.clone())
    }
}

impl Unpacker {
    pub(crate) fn new() -> Self {
        Self(Decompressor::with_dictionary(DICTIONARY).expect("memory for the dictionary"))
    }

    /// The body that was packed.
    ///
    /// # Errors
    /// When the bytes are not what [`Packer`] made, in words.
    pub(crate) fn unpack(&mut self, bytes: &[u8]) -> Result<String, &'static str> {
        let (head, packed) = bytes.split_at_checked(HEAD).ok_or("the packed body is cut off")?;
        if head[0] != MARK {
            return Err("a newer version packed the body");
        }
        let length = u32::from_le_bytes([head[1], head[2], head[3], head[4]]);
        if length > LONGEST {
            return Err("the packed body says that it is longer than any");
        }
        let body = self.0.decompress(packed, length as usize).map_err(|_| "the packed body is damaged")?;
        String::from_utf8(body).map_err(|_| "the packed body is no text")
    }
}

impl fmt::Debug for Packer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Packer")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn every_body_comes_back(body in "(\\{\"lsn\":[0-9]{1,9},\"fact\":\\{\"kind\":\"hold\"){0,3}\\PC{0,400}") {
            if let Some(packed) = Packer::new().pack(&body) {
                prop_assert!(packed.len() < body.len());
                prop_assert_eq!(Unpacker::new().unpack(&packed).unwrap(), body);
            }
        }

        #[test]
        fn no_bytes_do_harm(bytes in proptest::collection::vec(any::<u8>(), 0..200), marked: bool) {
            let mut bytes = bytes;
            if marked && !bytes.is_empty() {
                bytes[0] = MARK;
            }
            let _ = Unpacker::new().unpack(&bytes);
        }
    }
}
