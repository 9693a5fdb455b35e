//! Tools, the choice among them, their calls and results.

use megarouter_dialect::canonical::{
    BuiltinKind, CacheMark, Conversation, FunctionTool, Opaque, Part, Role, Tool, ToolCall, ToolChoice, ToolKind,
    ToolResult,
};
use megarouter_domain::dialect::Dialect;
use serde_json::{Value, json};

use super::content::{USUAL_DETAIL, picture};
use super::{Feature, before, said, text};

fn function(name: &str) -> FunctionTool {
    FunctionTool {
        name: name.to_owned(),
        description: Some("Tells the weather.".to_owned()),
        parameters: json!({
            "type": "object", "properties": {"city": {"type": "string"}},
            "required": ["city"], "additionalProperties": false,
        }),
        ..FunctionTool::default()
    }
}

fn offer(conversation: &mut Conversation, choice: Option<ToolChoice>) {
    conversation.tools = vec![Tool::Function(function("look")), Tool::Function(function("listen"))];
    conversation.tool_choice = choice;
}

fn custom(format: Option<Value>) -> Tool {
    Tool::Custom { name: "patch".to_owned(), description: Some("Changes files.".to_owned()), format }
}

fn builtin(kind: BuiltinKind, name: &str) -> Tool {
    Tool::Builtin { dialect: Dialect::OpenAiResponses, kind, name: name.to_owned(), raw: json!({"type": name}) }
}

/// What the tools are. Not to be strict is the same as not to say.
fn tools(conversation: &Conversation) -> String {
    format!("{:?}", conversation.tools).replace("is_strict: Some(false)", "is_strict: None")
}

/// The choice; to say that the model decides is the same as not to say.
fn choice(conversation: &Conversation) -> String {
    let names = conversation.tools.iter().map(|tool| match tool {
        Tool::Function(function) => function.name.as_str(),
        Tool::Custom { name, .. } | Tool::Builtin { name, .. } => name,
    });
    let chosen = match &conversation.tool_choice {
        None | Some(ToolChoice::Auto) => None,
        // One of one.
        Some(ToolChoice::Allowed { names, is_required: true }) if names.len() == 1 => {
            Some(ToolChoice::Named(names[0].clone()))
        }
        Some(choice) => Some(choice.clone()),
    };
    format!("{chosen:?} of {:?}", names.collect::<Vec<_>>())
}

/// Tools and the choice among them.
pub const TOOLS: &[Feature] = &[
    Feature { title: "functions", ask: |conversation| offer(conversation, None), seen: tools },
    Feature {
        title: "function, strict",
        ask: |conversation| {
            let strict = FunctionTool { is_strict: Some(true), ..function("look") };
            conversation.tools = vec![Tool::Function(strict)];
        },
        seen: tools,
    },
    Feature {
        title: "function, strict, with bounds and patterns",
        ask: |conversation| {
            let parameters = json!({
                "type": "object",
                "properties": {"zip": {"type": "string", "pattern": "^[0-9]{5}$"}, "days": {"type": "integer", "maximum": 7}},
                "required": ["zip", "days"], "additionalProperties": false,
            });
            let strict = FunctionTool { is_strict: Some(true), parameters, ..function("look") };
            conversation.tools = vec![Tool::Function(strict)];
        },
        seen: tools,
    },
    Feature {
        title: "function, cache mark",
        ask: |conversation| {
            let marked = FunctionTool { cache: Some(CacheMark::default()), ..function("look") };
            conversation.tools = vec![Tool::Function(marked)];
        },
        seen: tools,
    },
    Feature {
        title: "custom tool (free text)",
        ask: |conversation| conversation.tools = vec![custom(None)],
        seen: tools,
    },
    Feature {
        title: "custom tool with a grammar",
        ask: |conversation| {
            let grammar = json!({"type": "grammar", "syntax": "lark", "definition": "start: \"a\""});
            conversation.tools = vec![custom(Some(grammar))];
        },
        seen: tools,
    },
    Feature {
        title: "search of the web (OpenAI's)",
        ask: |conversation| conversation.tools = vec![builtin(BuiltinKind::WebSearch, "web_search")],
        seen: tools,
    },
    Feature {
        title: "execution of code (OpenAI's)",
        ask: |conversation| conversation.tools = vec![builtin(BuiltinKind::CodeExecution, "code_interpreter")],
        seen: tools,
    },
    Feature {
        title: "another built-in tool (OpenAI's)",
        ask: |conversation| conversation.tools = vec![builtin(BuiltinKind::Other, "file_search")],
        seen: tools,
    },
    Feature {
        title: "search of the web beside functions",
        ask: |conversation| {
            offer(conversation, None);
            conversation.tools.push(builtin(BuiltinKind::WebSearch, "web_search"));
        },
        seen: tools,
    },
    Feature { title: "choice: auto", ask: |conversation| offer(conversation, Some(ToolChoice::Auto)), seen: choice },
    Feature { title: "choice: none", ask: |conversation| offer(conversation, Some(ToolChoice::None)), seen: choice },
    Feature {
        title: "choice: required",
        ask: |conversation| offer(conversation, Some(ToolChoice::Required)),
        seen: choice,
    },
    Feature {
        title: "choice: one by name",
        ask: |conversation| offer(conversation, Some(ToolChoice::Named("look".to_owned()))),
        seen: choice,
    },
    Feature {
        title: "choice: among some, if any",
        ask: |conversation| {
            offer(conversation, Some(ToolChoice::Allowed { names: vec!["look".to_owned()], is_required: false }));
        },
        seen: choice,
    },
    Feature {
        title: "choice: among some, required",
        ask: |conversation| {
            offer(conversation, Some(ToolChoice::Allowed { names: vec!["look".to_owned()], is_required: true }));
        },
        seen: choice,
    },
    Feature {
        title: "no parallel calls",
        ask: |conversation| {
            offer(conversation, None);
            conversation.parallel_tool_calls = Some(false);
        },
        seen: |conversation| format!("{:?}", conversation.parallel_tool_calls),
    },
];

fn call(id: &str, kind: ToolKind) -> ToolCall {
    let (name, arguments) = match kind {
        ToolKind::Function => ("look", r#"{"city":"Rome"}"#),
        ToolKind::Custom => ("patch", "*** Begin"),
    };
    let (id, name, arguments) = (id.to_owned(), name.to_owned(), arguments.to_owned());
    ToolCall { id, name, arguments, kind, signature: None, cache: None }
}

fn result(id: &str) -> ToolResult {
    let parts = vec![text("Sun.")];
    ToolResult { call_id: id.to_owned(), name: None, parts, is_error: false, cache: None }
}

/// The model called, the tools answered, and the person goes on.
fn called(conversation: &mut Conversation, calls: Vec<ToolCall>, results: Vec<ToolResult>) {
    offer(conversation, None);
    if calls.iter().any(|call| call.kind == ToolKind::Custom) {
        conversation.tools.push(custom(None));
    }
    let mut turns = vec![said(Role::Assistant, calls.into_iter().map(Part::ToolCall).collect())];
    if !results.is_empty() {
        turns.push(said(Role::User, results.into_iter().map(Part::ToolResult).collect()));
    }
    before(conversation, turns);
}

/// The calls and results. A result needs no name of its own beside its call's.
fn calls(conversation: &Conversation) -> String {
    let parts = conversation.turns.iter().flat_map(|turn| &turn.parts);
    let found = parts.filter_map(|part| match part {
        Part::ToolCall(call) => Some(format!("{call:?}\n")),
        Part::ToolResult(result) => Some(format!("{:?}\n", ToolResult { name: None, ..result.clone() })),
        _ => None,
    });
    found.collect::<String>().replace(USUAL_DETAIL, "detail: None")
}

/// What tools were called and what they gave.
pub const CALLS: &[Feature] = &[
    Feature {
        title: "call and result",
        ask: |conversation| called(conversation, vec![call("call_1", ToolKind::Function)], vec![result("call_1")]),
        seen: calls,
    },
    Feature {
        title: "parallel calls and results",
        ask: |conversation| {
            let calls = ["call_1", "call_2"].map(|id| call(id, ToolKind::Function));
            called(conversation, calls.to_vec(), ["call_1", "call_2"].map(result).to_vec());
        },
        seen: calls,
    },
    Feature {
        title: "call of a custom tool",
        ask: |conversation| called(conversation, vec![call("call_1", ToolKind::Custom)], vec![result("call_1")]),
        seen: calls,
    },
    Feature {
        title: "arguments that are no object",
        ask: |conversation| {
            let odd = ToolCall { arguments: "[1".to_owned(), ..call("call_1", ToolKind::Function) };
            called(conversation, vec![odd], vec![result("call_1")]);
        },
        seen: calls,
    },
    Feature {
        title: "call with Gemini's signature",
        ask: |conversation| {
            let signature = Opaque { dialect: Dialect::Gemini, kind: "thoughtSignature", content: "c2ln".to_owned() };
            let signed = ToolCall { signature: Some(signature), ..call("call_1", ToolKind::Function) };
            called(conversation, vec![signed], vec![result("call_1")]);
        },
        seen: calls,
    },
    Feature {
        title: "call, cache mark",
        ask: |conversation| {
            let marked = ToolCall { cache: Some(CacheMark::default()), ..call("call_1", ToolKind::Function) };
            called(conversation, vec![marked], vec![result("call_1")]);
        },
        seen: calls,
    },
    Feature {
        title: "result that says the call failed",
        ask: |conversation| {
            let failed = ToolResult { is_error: true, ..result("call_1") };
            called(conversation, vec![call("call_1", ToolKind::Function)], vec![failed]);
        },
        seen: calls,
    },
    Feature {
        title: "result with a picture",
        ask: |conversation| {
            let shown = ToolResult { parts: vec![text("Look:"), Part::Media(picture())], ..result("call_1") };
            called(conversation, vec![call("call_1", ToolKind::Function)], vec![shown]);
        },
        seen: calls,
    },
    Feature {
        title: "result, cache mark",
        ask: |conversation| {
            let marked = ToolResult { cache: Some(CacheMark::default()), ..result("call_1") };
            called(conversation, vec![call("call_1", ToolKind::Function)], vec![marked]);
        },
        seen: calls,
    },
    Feature {
        title: "result without its call",
        ask: |conversation| {
            called(conversation, vec![call("call_1", ToolKind::Function)], vec![result("call_1"), result("call_2")]);
        },
        seen: calls,
    },
    Feature {
        title: "call without a result",
        ask: |conversation| called(conversation, vec![call("call_1", ToolKind::Function)], vec![]),
        seen: calls,
    },
];
