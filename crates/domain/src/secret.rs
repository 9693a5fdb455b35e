//! A value that must not be printed.

use std::fmt;

use zeroize::Zeroizing;

/// A secret text: a provider's credential, or a new virtual key on its way to its owner.
///
/// It cannot be printed, compared or serialised, and is wiped from memory when dropped. The only
/// way to read it is [`Secret::expose`], so that each place that does can be found.
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Takes ownership of the text.
    pub fn new(text: String) -> Self {
        Self(Zeroizing::new(text))
    }

    /// The text itself; for the dialer and the stores only.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// True when there is nothing but white space.
    pub fn is_blank(&self) -> bool {
        self.0.trim().is_empty()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Secret")
    }
}
