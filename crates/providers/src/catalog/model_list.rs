//! How providers list their models.

use serde::Deserialize;
use serde::de::IgnoredAny;

/// Where a provider lists its models, and how the list looks.
#[derive(Clone, Copy, Debug)]
pub struct ModelList {
    /// The path with its leading slash; may hold a query.
    pub path: &'static str,
    /// Whether the path begins at the origin and not below the base URL.
    pub at_root: bool,
    /// Another base URL that only the list is at, with the variables of the record's own.
    pub base_url: Option<&'static str>,
    /// How the list looks.
    pub shape: ListShape,
}

/// How a list of models looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ListShape {
    /// `{"data":[{"id":…}]}` or the bare array: OpenAI's, Anthropic's and what took after them.
    OpenAi,
    /// `{"models":[{"name":"models/…","inputTokenLimit":…}]}`: Gemini's.
    Gemini,
    /// `{"models":[{"name":…,"context_length":…}]}`: Cohere's.
    Cohere,
    /// `{"modelSummaries":[{"modelId":…}]}`: Amazon Bedrock's.
    Bedrock,
    /// `{"publisherModels":[{"name":"publishers/google/models/…"}]}`: Vertex AI's.
    Vertex,
    /// `{"result":[{"name":…}]}`: Cloudflare's.
    Cloudflare,
}

/// A model in a provider's list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DiscoveredModel {
    /// The provider's own id.
    pub id: String,
    /// How many tokens its context holds; `None` when the list does not say.
    pub context_tokens: Option<u64>,
    /// The most tokens of one answer; `None` when the list does not say.
    pub max_output_tokens: Option<u64>,
    /// The name for a person; `None` when the list has only the id.
    pub display_name: Option<String>,
}

impl ModelList {
    /// OpenAI's list.
    pub(crate) const OPENAI: Self = Self { path: "/models", at_root: false, base_url: None, shape: ListShape::OpenAi };

    /// The same list at a path from the origin.
    pub(crate) const fn rooted(self, path: &'static str) -> Self {
        Self { path, at_root: true, ..self }
    }

    /// The list at another path.
    pub(crate) const fn at(self, path: &'static str) -> Self {
        Self { path, ..self }
    }

    /// The list in another shape.
    pub(crate) const fn shaped(self, shape: ListShape) -> Self {
        Self { shape, ..self }
    }
}

impl ListShape {
    /// Reads a list; `None` when it has not this shape.
    pub fn read(self, body: &[u8]) -> Option<Vec<DiscoveredModel>> {
        let listed = match self {
            Self::OpenAi => serde_json::from_slice::<Lists>(body)
                .ok()
                .and_then(|lists| lists.data)
                .or_else(|| serde_json::from_slice::<Vec<Listed>>(body).ok()),
            Self::Gemini | Self::Cohere => serde_json::from_slice::<Lists>(body).ok()?.models,
            Self::Bedrock => serde_json::from_slice::<Lists>(body).ok()?.model_summaries,
            Self::Vertex => serde_json::from_slice::<Lists>(body).ok()?.publisher_models,
            Self::Cloudflare => serde_json::from_slice::<Lists>(body).ok()?.result,
        };
        listed?.into_iter().map(|model| model.discovered(self)).collect()
    }
}

/// The arrays that hold models, whatever the shape.
#[derive(Deserialize)]
struct Lists {
    data: Option<Vec<Listed>>,
    models: Option<Vec<Listed>>,
    #[serde(rename = "modelSummaries")]
    model_summaries: Option<Vec<Listed>>,
    #[serde(rename = "publisherModels")]
    publisher_models: Option<Vec<Listed>>,
    result: Option<Vec<Listed>>,
}

/// One model as providers write it. The members that are not text or numbers where they should be
/// are passed over: a list must not fail for a figure that nobody needs.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Listed {
    id: Option<Text>,
    name: Option<Text>,
    #[serde(rename = "modelId")]
    model_id: Option<Text>,
    #[serde(rename = "modelName")]
    model_name: Option<Text>,
    display_name: Option<Text>,
    #[serde(rename = "displayName")]
    camel_display_name: Option<Text>,
    // OpenRouter, Together, Cohere, SiliconFlow, xAI.
    context_length: Option<Count>,
    // Groq.
    context_window: Option<Count>,
    // Mistral, Ollama's cousins.
    max_context_length: Option<Count>,
    // vLLM.
    max_model_len: Option<Count>,
    // Anthropic.
    max_input_tokens: Option<Count>,
    max_tokens: Option<Count>,
    // Groq, Cerebras.
    max_completion_tokens: Option<Count>,
    max_output_tokens: Option<Count>,
    // Gemini.
    #[serde(rename = "inputTokenLimit")]
    input_token_limit: Option<Count>,
    #[serde(rename = "outputTokenLimit")]
    output_token_limit: Option<Count>,
    top_provider: Option<Limits>,
    limits: Option<Limits>,
    meta: Option<Limits>,
}

/// Limits in an object of their own.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Limits {
    // OpenRouter.
    max_completion_tokens: Option<Count>,
    // GitHub Models.
    max_input_tokens: Option<Count>,
    max_output_tokens: Option<Count>,
    // llama.cpp.
    n_ctx: Option<Count>,
    n_ctx_train: Option<Count>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Count {
    Number(u64),
    Other(IgnoredAny),
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Text {
    Text(String),
    Other(IgnoredAny),
}

impl Listed {
    fn discovered(self, shape: ListShape) -> Option<DiscoveredModel> {
        let (id, person) = match shape {
            ListShape::OpenAi => (text(self.id), text(self.display_name).or_else(|| text(self.name))),
            ListShape::Gemini | ListShape::Vertex => {
                let path = text(self.name)?;
                (path.rsplit('/').next().map(str::to_owned), text(self.camel_display_name))
            }
            ListShape::Cohere | ListShape::Cloudflare => (text(self.name), None),
            ListShape::Bedrock => (text(self.model_id), text(self.model_name)),
        };
        let id = id.filter(|id| !id.is_empty())?;
        let (top, limits, meta) =
            (self.top_provider.unwrap_or_default(), self.limits.unwrap_or_default(), self.meta.unwrap_or_default());
        let context = [
            self.context_length,
            self.context_window,
            self.max_context_length,
            self.max_model_len,
            self.max_input_tokens,
            self.input_token_limit,
            limits.max_input_tokens,
            meta.n_ctx,
            meta.n_ctx_train,
        ];
        let output = [
            self.max_completion_tokens,
            self.max_output_tokens,
            self.output_token_limit,
            top.max_completion_tokens,
            limits.max_output_tokens,
            self.max_tokens,
        ];
        Some(DiscoveredModel {
            context_tokens: first(context),
            max_output_tokens: first(output),
            display_name: person.filter(|person| *person != id && !person.is_empty()),
            id,
        })
    }
}

fn text(text: Option<Text>) -> Option<String> {
    match text? {
        Text::Text(text) => Some(text),
        Text::Other(_) => None,
    }
}

/// The first count that says something; a limit of 0 is none.
fn first<const COUNT: usize>(counts: [Option<Count>; COUNT]) -> Option<u64> {
    counts.into_iter().flatten().find_map(|count| match count {
        Count::Number(number) if number > 0 => Some(number),
        Count::Number(_) | Count::Other(_) => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// id, context, output, name
    fn read(shape: ListShape, body: &str) -> (String, Option<u64>, Option<u64>, Option<String>) {
        let mut models = shape.read(body.as_bytes()).unwrap();
        assert_eq!(models.len(), 1, "{body}");
        let model = models.remove(0);
        (model.id, model.context_tokens, model.max_output_tokens, model.display_name)
    }

    fn found(id: &str, context: u64, output: u64, name: &str) -> (String, Option<u64>, Option<u64>, Option<String>) {
        let known = |count| (count > 0).then_some(count);
        (id.to_owned(), known(context), known(output), (!name.is_empty()).then(|| name.to_owned()))
    }

    #[test]
    fn every_shape_is_read_with_its_limits() {
        use ListShape as Shape;
        for (shape, body, expected) in [
            (Shape::OpenAi, r#"{"object":"list","data":[{"id":"gpt-5","object":"model"}]}"#, found("gpt-5", 0, 0, "")),
            (
                Shape::OpenAi,
                r#"{"data":[{"id":"a/b","name":"B","context_length":8,"top_provider":{"max_completion_tokens":4}}]}"#,
                found("a/b", 8, 4, "B"),
            ),
            (Shape::OpenAi, r#"[{"id":"t","display_name":"T","context_length":8}]"#, found("t", 8, 0, "T")),
            (
                Shape::OpenAi,
                r#"[{"id":"openai/x","name":"X","limits":{"max_input_tokens":9,"max_output_tokens":3}}]"#,
                found("openai/x", 9, 3, "X"),
            ),
            (
                Shape::OpenAi,
                r#"{"data":[{"id":"g","context_window":8,"max_completion_tokens":2}]}"#,
                found("g", 8, 2, ""),
            ),
            (
                Shape::OpenAi,
                r#"{"data":[{"type":"model","id":"c","display_name":"C","max_input_tokens":200000,"max_tokens":64000}],"has_more":false}"#,
                found("c", 200_000, 64_000, "C"),
            ),
            (Shape::OpenAi, r#"{"models":[],"data":[{"id":"l","meta":{"n_ctx_train":32}}]}"#, found("l", 32, 0, "")),
            (Shape::OpenAi, r#"{"data":[{"id":"v","max_model_len":16}]}"#, found("v", 16, 0, "")),
            (
                Shape::Gemini,
                r#"{"models":[{"name":"models/g","displayName":"G","inputTokenLimit":5,"outputTokenLimit":3}]}"#,
                found("g", 5, 3, "G"),
            ),
            (Shape::Cohere, r#"{"models":[{"name":"command","context_length":7}]}"#, found("command", 7, 0, "")),
            (
                Shape::Bedrock,
                r#"{"modelSummaries":[{"modelId":"amazon.nova","modelName":"Nova"}]}"#,
                found("amazon.nova", 0, 0, "Nova"),
            ),
            (
                Shape::Vertex,
                r#"{"publisherModels":[{"name":"publishers/google/models/gemini"}]}"#,
                found("gemini", 0, 0, ""),
            ),
            (Shape::Cloudflare, r#"{"success":true,"result":[{"id":"7","name":"@cf/m"}]}"#, found("@cf/m", 0, 0, "")),
        ] {
            assert_eq!(read(shape, body), expected, "{body}");
        }
    }

    #[test]
    fn odd_figures_do_not_spoil_a_list() {
        let body = r#"{"data":[{"id":"a","name":null,"context_length":"much","max_tokens":-1,"limits":{}}]}"#;
        assert_eq!(read(ListShape::OpenAi, body), found("a", 0, 0, ""));
    }

    #[test]
    fn what_is_no_list_is_told() {
        for body in ["", "<html>", "{}", r#"{"data":null}"#, r#"{"data":[{"object":"model"}]}"#, "[1]"] {
            assert_eq!(ListShape::OpenAi.read(body.as_bytes()), None, "{body}");
        }
        assert_eq!(ListShape::OpenAi.read(br#"{"data":[]}"#), Some(vec![]));
    }
}
