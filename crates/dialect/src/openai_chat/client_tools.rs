//! Calls of tools that the provider knows by another name or kind than the client.

use serde_json::Value;

use super::write::CUSTOM_INPUT;
use crate::canonical::{ToolCall, ToolKind};
use crate::request::{ClientTool, Echo};

/// The call as the client knows it.
pub fn as_client_knows_it(mut call: ToolCall, echo: &Echo) -> ToolCall {
    let Some(tool) = echo.tools.get(&call.name) else { return call };
    if is_turned(tool, call.kind) {
        call.arguments = input_of(call.arguments);
        call.kind = ToolKind::Custom;
    }
    call.name.clone_from(&tool.name);
    call
}

/// True for a tool that takes free text at the client and was a function at the provider.
pub fn is_turned(tool: &ClientTool, kind: ToolKind) -> bool {
    tool.kind == ToolKind::Custom && kind == ToolKind::Function
}

/// The free text within the arguments of the function that stood for a custom tool; all of them where
/// the model did not keep to the schema.
pub fn input_of(arguments: String) -> String {
    match serde_json::from_str::<Value>(&arguments) {
        Ok(Value::Object(mut members)) => match members.remove(CUSTOM_INPUT) {
            Some(Value::String(input)) => input,
            _ => arguments,
        },
        Ok(Value::String(input)) => input,
        _ => arguments,
    }
}
