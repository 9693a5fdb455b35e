//! Amazon Bedrock's `Converse`.
