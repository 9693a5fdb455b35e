//! Counting tokens without a tokenizer, for holds and for answers whose usage never came.
//!
//! Byte-pair vocabularies average about four bytes of English text a token; code and other scripts
//! take fewer bytes a token, so a tenth is added. A hold made from this is replaced by the
//! provider's own figure; a figure that stays is marked as estimated.

use std::fmt;

use serde::de::{Deserialize, DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// What one image, sound or file counts as. Providers charge between 85 and some thousand tokens for
/// an image by its size, which cannot be known without decoding it.
pub const MEDIA_TOKENS: u64 = 1_000;

/// Tokens that a provider adds round each message.
pub const MESSAGE_TOKENS: u64 = 4;

/// Members whose value is media, not text.
const MEDIA: [&str; 9] =
    ["image_url", "input_audio", "file", "file_data", "video_url", "audio", "inlineData", "inline_data", "fileData"];

/// Tokens for so many bytes of text: a quarter, and a tenth of that.
pub fn tokens(bytes: u64) -> u64 {
    bytes.saturating_mul(11).div_ceil(40)
}

/// Text and media found in a JSON value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Content {
    /// Bytes of text in strings.
    pub text_bytes: u64,
    /// Images, sounds, files.
    pub media: u64,
}

impl Content {
    /// What it counts as.
    pub fn tokens(self) -> u64 {
        tokens(self.text_bytes).saturating_add(self.media.saturating_mul(MEDIA_TOKENS))
    }
}

/// Counts the strings of a JSON text. One that cannot be read to its end (half a surrogate pair, a
/// number beyond all bounds) counts by all of its bytes, so that no text counts as less than it is.
pub fn content(text: &str) -> Content {
    let mut found = Content::default();
    let mut deserializer = serde_json::Deserializer::from_str(text);
    if Counter(&mut found).deserialize(&mut deserializer).is_err() {
        return Content { text_bytes: text.len() as u64, media: 0 };
    }
    found
}

struct Counter<'a>(&'a mut Content);

impl<'de> DeserializeSeed<'de> for Counter<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Counter<'_> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("any value")
    }

    fn visit_str<E>(self, text: &str) -> Result<(), E> {
        self.0.text_bytes = self.0.text_bytes.saturating_add(text.len() as u64);
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        while items.next_element_seed(Counter(self.0))?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(IsMedia(is_media)) = map.next_key()? {
            if is_media {
                map.next_value::<IgnoredAny>()?;
                self.0.media = self.0.media.saturating_add(1);
            } else {
                map.next_value_seed(Counter(self.0))?;
            }
        }
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }
}

/// Whether a member's name is one of [`MEDIA`], decided without keeping the name.
struct IsMedia(bool);

impl<'de> Deserialize<'de> for IsMedia {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct NameVisitor;
        impl Visitor<'_> for NameVisitor {
            type Value = IsMedia;
            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a name")
            }
            fn visit_str<E>(self, name: &str) -> Result<IsMedia, E> {
                Ok(IsMedia(MEDIA.contains(&name)))
            }
        }
        deserializer.deserialize_str(NameVisitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_counts_and_media_does_not_count_by_its_bytes() {
        let image = "A".repeat(100_000);
        let text = format!(
            r#"[{{"role":"user","content":[{{"type":"text","text":"what is this?"}},{{"type":"image_url","image_url":{{"url":"data:image/png;base64,{image}"}}}}]}}]"#
        );
        let expected = ("user".len() + "text".len() + "what is this?".len() + "image_url".len()) as u64;
        assert_eq!(content(&text), Content { text_bytes: expected, media: 1 });
    }

    #[test]
    fn a_token_is_four_bytes_and_a_tenth_more() {
        assert_eq!(tokens(0), 0);
        assert_eq!(tokens(1), 1);
        assert_eq!(tokens(4_000), 1_100);
    }
}
