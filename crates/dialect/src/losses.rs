//! What a translation could not carry. Never silent: the client reads it in a header, the usage
//! record keeps it, and a strict key refuses it.

use std::fmt;

pub use megarouter_domain::loss::{Loss, Why};

/// The losses of one translation, each once, in the order they were met.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Losses(Vec<Loss>);

impl Losses {
    /// Notes something that the target has nothing like.
    pub fn unsupported(&mut self, what: &str) {
        self.note(what, Why::Unsupported);
    }

    /// Notes something that became something near it.
    pub fn approximated(&mut self, what: &str) {
        self.note(what, Why::Approximated);
    }

    /// Notes something that only its own dialect understands.
    pub fn foreign(&mut self, what: &str) {
        self.note(what, Why::Foreign);
    }

    /// Notes a field that was not read.
    pub fn unread(&mut self, what: &str) {
        self.note(what, Why::Unread);
    }

    /// Notes a loss, unless it is noted already. Characters that a header cannot carry become `_`.
    pub fn note(&mut self, what: &str, why: Why) {
        let is_plain = |letter: &char| letter.is_ascii_alphanumeric() || matches!(letter, '_' | '.' | '-');
        let what: String = what.chars().take(80).map(|letter| if is_plain(&letter) { letter } else { '_' }).collect();
        let loss = Loss { what, why };
        if !self.0.contains(&loss) {
            self.0.push(loss);
        }
    }

    /// True when nothing was lost.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The losses.
    pub fn iter(&self) -> impl Iterator<Item = &Loss> {
        self.0.iter()
    }

    /// The losses, taken out.
    pub fn into_vec(self) -> Vec<Loss> {
        self.0
    }
}

/// As the header `x-megarouter-losses` says it: `top_k=unsupported, seed=unsupported`.
impl fmt::Display for Losses {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, loss) in self.0.iter().enumerate() {
            let comma = if index == 0 { "" } else { ", " };
            write!(formatter, "{comma}{}={}", loss.what, loss.why.as_str())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_loss_is_told_once_and_fits_a_header() {
        let mut losses = Losses::default();
        losses.unsupported("top_k");
        losses.unsupported("top_k");
        losses.unread("odd\nname: x");
        assert_eq!(losses.to_string(), "top_k=unsupported, odd_name__x=unread");
    }
}
