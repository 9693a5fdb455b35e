//! What a provider serves, and at which paths.

use megarouter_domain::dialect::Dialect;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::Auth;

/// What stays as it is in a path: the unreserved characters of RFC 3986 and `@`, which Vertex AI's
/// model ids hold.
const IN_PATH: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b'@');

/// An operation that a provider can serve.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Serves {
    /// Conversations in a dialect.
    Conversation(Dialect),
    /// Counting the input tokens of a conversation in a dialect.
    CountTokens(Dialect),
    /// OpenAI's legacy text completions.
    Completions,
    /// Vectors of texts.
    Embeddings(EmbeddingsShape),
    /// Images from a text, as OpenAI's `/images/generations`.
    Images,
    /// Changed images, as OpenAI's `/images/edits`.
    ImageEdits,
    /// Sound from a text, as OpenAI's `/audio/speech`.
    Speech,
    /// Text from sound, as OpenAI's `/audio/transcriptions`.
    Transcriptions,
    /// English text from sound, as OpenAI's `/audio/translations`.
    Translations,
    /// Judgements of harm, as OpenAI's `/moderations`.
    Moderations,
    /// Documents by relevance, in the shape of Cohere and Jina.
    Rerank,
}

impl Serves {
    /// The word for it; a conversation's is its dialect's.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Conversation(dialect) => dialect.as_str(),
            Self::CountTokens(_) => "count_tokens",
            Self::Completions => "completions",
            Self::Embeddings(_) => "embeddings",
            Self::Images => "images",
            Self::ImageEdits => "image_edits",
            Self::Speech => "speech",
            Self::Transcriptions => "transcriptions",
            Self::Translations => "translations",
            Self::Moderations => "moderations",
            Self::Rerank => "rerank",
        }
    }
}

/// How embeddings are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum EmbeddingsShape {
    /// As OpenAI's `/embeddings`.
    OpenAi,
    /// As Gemini's `batchEmbedContents`.
    Gemini,
}

/// One path of a provider.
#[derive(Clone, Copy, Debug)]
pub struct Endpoint {
    /// What it serves.
    pub serves: Serves,
    /// The path with its leading slash; `{model}` in it stands for the model. May hold a query.
    pub path: &'static str,
    /// The path for an answer as a stream, where that is another.
    pub stream_path: Option<&'static str>,
    /// Whether the path begins at the origin and not below the base URL.
    pub at_root: bool,
    /// False where the model is named by the path alone and refused in the body.
    pub model_is_in_body: bool,
    /// Members of the body that the provider needs, with their JSON values.
    pub added: &'static [(&'static str, &'static str)],
    /// Which of the provider's models it serves; `None` for all.
    pub models: Option<fn(&str) -> bool>,
    /// How the credential is sent, where that differs from the provider's other paths.
    pub auth: Option<Auth>,
    /// Whether only some servers of the kind have it: it is used where the organisation says so.
    pub is_optional: bool,
}

impl Endpoint {
    pub(crate) const CHAT: Self = Self::of(Serves::Conversation(Dialect::OpenAiChat), "/chat/completions");
    pub(crate) const RESPONSES: Self = Self::of(Serves::Conversation(Dialect::OpenAiResponses), "/responses");
    pub(crate) const MESSAGES: Self = Self::of(Serves::Conversation(Dialect::Anthropic), "/messages");
    pub(crate) const COUNT_TOKENS: Self = Self::of(Serves::CountTokens(Dialect::Anthropic), "/messages/count_tokens");
    pub(crate) const COMPLETIONS: Self = Self::of(Serves::Completions, "/completions");
    pub(crate) const EMBEDDINGS: Self = Self::of(Serves::Embeddings(EmbeddingsShape::OpenAi), "/embeddings");
    pub(crate) const IMAGES: Self = Self::of(Serves::Images, "/images/generations");
    pub(crate) const IMAGE_EDITS: Self = Self::of(Serves::ImageEdits, "/images/edits");
    pub(crate) const SPEECH: Self = Self::of(Serves::Speech, "/audio/speech");
    pub(crate) const TRANSCRIPTIONS: Self = Self::of(Serves::Transcriptions, "/audio/transcriptions");
    pub(crate) const TRANSLATIONS: Self = Self::of(Serves::Translations, "/audio/translations");
    pub(crate) const MODERATIONS: Self = Self::of(Serves::Moderations, "/moderations");
    pub(crate) const RERANK: Self = Self::of(Serves::Rerank, "/rerank");
    pub(crate) const GEMINI: Self = Self {
        stream_path: Some("/models/{model}:streamGenerateContent?alt=sse"),
        model_is_in_body: false,
        ..Self::of(Serves::Conversation(Dialect::Gemini), "/models/{model}:generateContent")
    };
    pub(crate) const GEMINI_COUNT: Self = Self {
        model_is_in_body: false,
        ..Self::of(Serves::CountTokens(Dialect::Gemini), "/models/{model}:countTokens")
    };
    pub(crate) const GEMINI_EMBEDDINGS: Self = Self {
        model_is_in_body: false,
        ..Self::of(Serves::Embeddings(EmbeddingsShape::Gemini), "/models/{model}:batchEmbedContents")
    };

    /// A path below the base URL that serves every model, named in the body.
    pub(crate) const fn of(serves: Serves, path: &'static str) -> Self {
        Self {
            serves,
            path,
            stream_path: None,
            at_root: false,
            model_is_in_body: true,
            added: &[],
            models: None,
            auth: None,
            is_optional: false,
        }
    }

    /// The same where only some servers of the kind have it.
    pub(crate) const fn optional(self) -> Self {
        Self { is_optional: true, ..self }
    }

    /// The same operation at a path from the origin.
    pub(crate) const fn rooted(self, path: &'static str) -> Self {
        Self { path, at_root: true, ..self }
    }

    /// The same for some models only.
    pub(crate) const fn only(self, models: fn(&str) -> bool) -> Self {
        Self { models: Some(models), ..self }
    }

    /// The same with the credential sent in another way.
    pub(crate) const fn with_auth(self, auth: Auth) -> Self {
        Self { auth: Some(auth), ..self }
    }

    /// True when it serves this model of the provider.
    pub fn serves_model(&self, upstream_model: &str) -> bool {
        self.models.is_none_or(|serves| serves(upstream_model))
    }

    /// The path for a call, with the model filled in and percent-encoded.
    pub fn path_for(&self, upstream_model: &str, is_streaming: bool) -> String {
        let path = self.stream_path.filter(|_| is_streaming).unwrap_or(self.path);
        if !path.contains("{model}") {
            return path.to_owned();
        }
        path.replace("{model}", &utf8_percent_encode(upstream_model, IN_PATH).to_string())
    }

    /// The dialect of the conversations it serves; `None` when it serves something else.
    pub const fn conversation(&self) -> Option<Dialect> {
        match self.serves {
            Serves::Conversation(dialect) => Some(dialect),
            _ => None,
        }
    }

    /// The dialect of its conversations; `None` for other operations.
    pub const fn dialect(&self) -> Option<Dialect> {
        match self.serves {
            Serves::Conversation(dialect) | Serves::CountTokens(dialect) => Some(dialect),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_model_cannot_leave_its_place_in_the_path() {
        let path = |model| Endpoint::GEMINI.path_for(model, false);
        assert_eq!(path("gemini-2.5-pro"), "/models/gemini-2.5-pro:generateContent");
        assert_eq!(path("a/../b?c#d"), "/models/a%2F..%2Fb%3Fc%23d:generateContent");
        assert_eq!(path("claude@1:x"), "/models/claude@1%3Ax:generateContent");
        assert_eq!(Endpoint::GEMINI.path_for("m", true), "/models/m:streamGenerateContent?alt=sse");
        assert_eq!(Endpoint::CHAT.path_for("a/b", true), "/chat/completions");
    }
}
