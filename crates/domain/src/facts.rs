//! What is known of a deployment beyond what a person configured: what its model takes and does.

use serde::{Deserialize, Serialize};

use crate::catalog::{Date, Feature, Member, Modality, Mode, Set};

/// Facts about a deployment's model, from the catalogue and the provider's own list.
///
/// An empty set or a `None` means "not known", and then nothing is ruled out by it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// What it is called for.
    pub mode: Option<Mode>,
    /// The most tokens of input and output together.
    pub context_tokens: Option<u64>,
    /// The most tokens of one answer.
    pub max_output_tokens: Option<u64>,
    /// What it takes.
    pub input: Set<Modality>,
    /// What it gives.
    pub output: Set<Modality>,
    /// What it does.
    pub features: Set<Feature>,
    /// The day it was published.
    pub released: Option<Date>,
    /// The day it goes away.
    pub shuts_down: Option<Date>,
    /// Whether it runs on this machine or next to it, and charges nothing.
    pub is_local: bool,
}

/// Something that a request needs of a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Need {
    /// It has pictures.
    Images,
    /// It has sound.
    Audio,
    /// It has PDF files.
    Documents,
    /// It has video.
    Video,
    /// It brings tools.
    Tools,
    /// It wants an answer that keeps to a JSON schema.
    Schema,
    /// It asks for thinking.
    Reasoning,
    /// It asks the provider to search the web.
    WebSearch,
    /// It wants sound as an answer.
    AudioOutput,
    /// It wants pictures as an answer.
    ImageOutput,
}

impl Member for Need {
    const ALL: &'static [Self] = &[
        Self::Images,
        Self::Audio,
        Self::Documents,
        Self::Video,
        Self::Tools,
        Self::Schema,
        Self::Reasoning,
        Self::WebSearch,
        Self::AudioOutput,
        Self::ImageOutput,
    ];

    fn as_str(self) -> &'static str {
        match self {
            Self::Images => "images",
            Self::Audio => "audio",
            Self::Documents => "documents",
            Self::Video => "video",
            Self::Tools => "tools",
            Self::Schema => "schema",
            Self::Reasoning => "reasoning",
            Self::WebSearch => "web_search",
            Self::AudioOutput => "audio_output",
            Self::ImageOutput => "image_output",
        }
    }
}

impl Facts {
    /// The first of a request's needs that the model is known not to meet.
    ///
    /// Thinking is never missing: a model that cannot think answers without.
    pub fn missing(&self, needs: Set<Need>) -> Option<Need> {
        needs.iter().find(|need| !self.may_meet(*need))
    }

    fn may_meet(&self, need: Need) -> bool {
        let takes = |modality| self.input.is_empty() || self.input.contains(modality);
        let gives = |modality| self.output.is_empty() || self.output.contains(modality);
        let does = |feature| self.features.abilities().is_empty() || self.features.contains(feature);
        match need {
            Need::Images => takes(Modality::Image),
            Need::Audio => takes(Modality::Audio),
            Need::Documents => takes(Modality::Pdf) || takes(Modality::Image),
            Need::Video => takes(Modality::Video),
            Need::Tools => does(Feature::Tools),
            Need::Schema => does(Feature::StructuredOutput),
            Need::WebSearch => does(Feature::WebSearch),
            Need::AudioOutput => gives(Modality::Audio),
            Need::ImageOutput => gives(Modality::Image),
            Need::Reasoning => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_known_lack_is_missing() {
        let needs: Set<Need> = [Need::Images, Need::Tools].into_iter().collect();
        assert_eq!(Facts::default().missing(needs), None);
        let text_only = Facts { input: [Modality::Text].into_iter().collect(), ..Facts::default() };
        assert_eq!(text_only.missing(needs), Some(Need::Images));
        let toolless = Facts { features: [Feature::StructuredOutput].into_iter().collect(), ..Facts::default() };
        assert_eq!(toolless.missing(needs), Some(Need::Tools));
    }
}
