//! Bedrock's error object.

use serde_json::Value;

use crate::errors::UpstreamErrorBody;

/// Reads an error body; `None` when it is none.
///
/// The class is in the header `x-amzn-errortype`, and with some services in `__type` too, behind the
/// name of the service.
pub fn parse(body: &[u8]) -> Option<UpstreamErrorBody> {
    let value: Value = serde_json::from_slice(body).ok()?;
    from_value(&value, None)
}

/// Reads an error of a class that is known from elsewhere.
pub fn from_value(value: &Value, class: Option<&str>) -> Option<UpstreamErrorBody> {
    let text = |name: &str| value[name].as_str().map(str::to_owned);
    let message = text("message").or_else(|| text("Message")).or_else(|| text("originalMessage"))?;
    let class = class.or_else(|| value["__type"].as_str());
    let kind = class.map(|class| class.rsplit('#').next().unwrap_or(class).to_owned());
    let code = value["originalStatusCode"].as_u64().map(|status| status.to_string());
    Some(UpstreamErrorBody { message, kind, code, param: None })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_are_read_with_and_without_their_class() {
        let error = parse(br#"{"message":"Input is too long for requested model."}"#).unwrap();
        assert!(error.is_context_length() && error.kind.is_none());
        let error =
            parse(br#"{"__type":"com.amazon.coral.availability#ThrottlingException","Message":"slow"}"#).unwrap();
        assert_eq!((error.kind.as_deref(), error.message.as_str()), (Some("ThrottlingException"), "slow"));
        assert_eq!(parse(b"<html>"), None);
        assert_eq!(parse(b"{}"), None);
    }
}
