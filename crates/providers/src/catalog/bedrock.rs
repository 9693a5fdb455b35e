//! Amazon Bedrock by its Converse API.

use megarouter_domain::dialect::Dialect;

use super::{Auth, Cancel, Endpoint, Kind, ListShape, ModelList, Serves, Variable};

pub const KIND: Kind = Kind {
    id: "bedrock",
    name: "Amazon Bedrock",
    base_url: "https://bedrock-runtime.{region}.amazonaws.com",
    variables: &[REGION],
    // Private endpoints and the partitions of China and the government have hosts of their own. A
    // signing key never leaves this machine.
    base_url_is_fixed: false,
    auth: Auth::SigV4 { service: "bedrock" },
    credential_variables: &["AWS_BEARER_TOKEN_BEDROCK"],
    key_prefixes: &["ABSK", "bedrock-api-key-"],
    endpoints: &[
        // OpenAI's newer models answer in its own dialect too, gpt-oss in chat only
        // (docs.aws.amazon.com/bedrock/latest/userguide/inference-responses-api.html, read 2026-11-22).
        Endpoint::of(Serves::Conversation(Dialect::OpenAiResponses), "/openai/v1/responses").only(has_responses),
        Endpoint {
            stream_path: Some("/model/{model}/converse-stream"),
            model_is_in_body: false,
            ..Endpoint::of(Serves::Conversation(Dialect::BedrockConverse), "/model/{model}/converse")
        },
        Endpoint::of(Serves::Conversation(Dialect::OpenAiChat), "/openai/v1/chat/completions").only(is_openai),
    ],
    model_list: Some(ModelList {
        path: "/foundation-models",
        at_root: false,
        base_url: Some("https://bedrock.{region}.amazonaws.com"),
        shape: ListShape::Bedrock,
    }),
    usage_note: Some(
        "Converse's stream ends with a `metadata` event that has the usage; inputTokens leaves cached ones out.",
    ),
    error_note: Some("The class is in the header `x-amzn-errortype`, the text in `message`; a slow model is a 424."),
    cancel: Cancel::BillsFull,
    docs_url: "https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html",
    note: Some(
        "Many models answer only by the id of an inference profile, such as eu.anthropic.claude-sonnet-4-5-20250929-v1:0, which the list does not show.",
    ),
    docs_date: "2026-11-22",
    ..Kind::HOSTED
};

pub const REGION: Variable = Variable {
    name: "region",
    label: "Region",
    hint: "The AWS region, such as us-east-1 or eu-central-1.",
    default: Some("us-east-1"),
    choices: &[],
};

fn is_openai(model: &str) -> bool {
    model.starts_with("openai.")
}

fn has_responses(model: &str) -> bool {
    is_openai(model) && !model.contains("gpt-oss")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_models_id_stays_one_part_of_the_path() {
        let endpoint = KIND.endpoint(Serves::Conversation(Dialect::BedrockConverse), "x").unwrap();
        assert_eq!(
            endpoint.path_for("eu.amazon.nova-lite-v1:0", true),
            "/model/eu.amazon.nova-lite-v1%3A0/converse-stream"
        );
        let profile = "arn:aws:bedrock:eu-west-1:1:inference-profile/x";
        assert!(endpoint.path_for(profile, false).ends_with("inference-profile%2Fx/converse"));
    }

    #[test]
    fn the_list_is_at_the_control_plane_of_the_same_region() {
        let base_url = KIND.fill(|_| Some("eu-west-1")).unwrap();
        let list = KIND.model_list.and_then(|list| list.base_url).unwrap();
        assert_eq!(KIND.fill_from(&base_url, list).unwrap(), "https://bedrock.eu-west-1.amazonaws.com");
    }
}
