use bytes::Bytes;
use megarouter_domain::dialect::Dialect;

use super::*;
use crate::dialects;
use crate::request::PathFacts;

fn own(texts: &[&str]) -> String {
    let quoted: Vec<_> = texts.iter().map(|text| serde_json::Value::from(*text).to_string()).collect();
    own_words(&quoted.iter().map(String::as_str).collect::<Vec<_>>())
}

fn glance(dialect: Dialect, body: &str) -> Glance {
    let path = PathFacts { model: Some("m"), ..PathFacts::default() };
    dialects::parse_request(dialect, &path, Bytes::copy_from_slice(body.as_bytes())).unwrap().glance()
}

fn needs(glance: &Glance) -> Vec<Need> {
    glance.needs.iter().collect()
}

#[test]
fn what_programs_put_in_is_left_out() {
    let reminder = "<system-reminder>\nBe brief.\n</system-reminder>";
    assert_eq!(own(&[reminder, "Fix <the> bug."]), "Fix <the> bug.");
    assert_eq!(own(&[&format!("Fix it.{reminder} Now.")]), "Fix it.\nNow.");
    assert_eq!(own(&[reminder]), "");
    assert_eq!(own(&["a <context without end"]), "a <context without end");
    assert_eq!(own(&["Is a<tools>b</tools> 2 < 3?"]), "Is a\n2 < 3?");
}

#[test]
fn of_a_long_text_the_beginning_and_the_end_are_kept() {
    for words in [10_000, 500_000] {
        let text = own(&[&format!("First. {} Last.", "\u{e9}t\u{e9} ".repeat(words))]);
        let mut glance = Glance::default();
        glance.keep(text);
        assert!(glance.text.len() <= MOST_TEXT, "{}", glance.text.len());
        assert!(glance.text.starts_with("First.") && glance.text.ends_with("Last."));
    }
}

#[test]
fn a_long_block_is_left_out_though_its_end_is_not_seen() {
    let instructions = format!("<user_instructions>{}</user_instructions>", "word ".repeat(100_000));
    assert_eq!(own(&[&instructions, "Go on"]), "Go on");
}

#[test]
fn a_coding_agents_request_is_its_users_words_and_not_its_tools() {
    let seen = glance(Dialect::Anthropic, include_str!("../fixtures/anthropic/request_agent.json"));
    assert!(seen.text.ends_with("Fix the typo in a.txt"), "{}", seen.text);
    assert!(!seen.text.contains("agent that edits"), "{}", seen.text);
    assert_eq!((seen.tools, needs(&seen)), (2, vec![Need::Tools, Need::Reasoning, Need::WebSearch]));
}

#[test]
fn what_claude_code_puts_into_a_turn_is_not_the_users() {
    let body = |more: &str| {
        format!(
            r#"{{"model":"m","max_tokens":9,"system":"You are an agent.","tools":[{{"name":"Read","input_schema":{{}}}}],
            "messages":[{{"role":"user","content":[
              {{"type":"text","text":"<system-reminder>\nAs you answer, use this context:\n# CLAUDE.md\n</system-reminder>"}},
              {{"type":"text","text":"Why does \"make\" fail?"}}]}},
            {{"role":"assistant","content":[{{"type":"tool_use","id":"t","name":"Read","input":{{"type":"image"}}}}]}},
            {{"role":"user","content":[{{"type":"tool_result","tool_use_id":"t","content":"no rule to make"}},
              {{"type":"text","text":"<system-reminder>Keep a list.</system-reminder>"}}]}}{more}]}}"#
        )
    };
    let seen = glance(Dialect::Anthropic, &body(""));
    assert_eq!(seen.text, "Why does \"make\" fail?");
    assert_eq!((seen.turns, needs(&seen)), (3, vec![Need::Tools]), "a tool's arguments are no picture");
    let shown = r#",{"role":"assistant","content":"ok"},{"role":"user","content":[{"type":"tool_result","tool_use_id":"u",
        "content":[{"type":"image","source":{"type":"base64","media_type":"image/png","data":""}}]}]}"#;
    let later = glance(Dialect::Anthropic, &body(shown));
    assert_eq!((later.text.as_str(), needs(&later)), ("Why does \"make\" fail?", vec![Need::Images, Need::Tools]));
    assert_ne!(later.fingerprint, seen.fingerprint, "the next step is not the same again");
    assert_eq!(glance(Dialect::Anthropic, &body("")).fingerprint, seen.fingerprint);
}

#[test]
fn codex_says_what_it_needs_and_its_user_says_thanks() {
    let seen = glance(Dialect::OpenAiResponses, include_str!("../fixtures/openai_responses/codex_request.json"));
    assert_eq!((seen.text.as_str(), seen.tools, seen.turns), ("Thanks", 3, 11));
    assert_eq!(needs(&seen), [Need::Images, Need::Tools, Need::Reasoning, Need::WebSearch]);
    assert_eq!(seen.cache_key.as_deref(), Some("019aa-session"));
    let plain = glance(
        Dialect::OpenAiResponses,
        r#"{"model":"m","input":[{"role":"user","content":[{"type":"input_text","text":"<environment_context>\n<cwd>/a</cwd>\n</environment_context>"}]},{"role":"user","content":"Rename x"}],"reasoning":{"effort":"none"},"tools":[]}"#,
    );
    assert_eq!((plain.text.as_str(), needs(&plain)), ("Rename x", vec![]));
    let text =
        glance(Dialect::OpenAiResponses, r#"{"model":"m","input":"a\nb","text":{"format":{"type":"json_schema"}}}"#);
    assert_eq!((text.text.as_str(), needs(&text)), ("a\nb", vec![Need::Schema]));
}

#[test]
fn a_chat_needs_what_its_parts_and_fields_say() {
    let with = |fields: &str, part: &str| {
        let body = format!(
            r#"{{"model":"m","messages":[{{"role":"system","content":"Be brief"}},
            {{"role":"user","content":[{{"type":"text","text":"What is it?"}}{part}]}},{{"role":"assistant","content":"?"}}]{fields}}}"#
        );
        glance(Dialect::OpenAiChat, &body)
    };
    for (fields, part, need) in [
        ("", r#",{"type":"image_url","image_url":{"url":"data:image/png;base64,AA"}}"#, Some(Need::Images)),
        ("", r#",{"type":"input_audio","input_audio":{"data":"AA","format":"wav"}}"#, Some(Need::Audio)),
        ("", r#",{"type":"file","file":{"file_id":"f"}}"#, Some(Need::Documents)),
        (r#","tools":[{"type":"function","function":{"name":"f"}}]"#, "", Some(Need::Tools)),
        (r#","response_format":{"type":"json_schema","json_schema":{}}"#, "", Some(Need::Schema)),
        (r#","response_format":{"type":"json_object"}"#, "", None),
        (r#","reasoning_effort":"high""#, "", Some(Need::Reasoning)),
        (r#","reasoning_effort":"none","tools":[],"modalities":["text"]"#, "", None),
        (r#","web_search_options":{}"#, "", Some(Need::WebSearch)),
        (r#","web_search_options":null"#, "", None),
        (r#","web_search_options":{"search_context_size":"low"}"#, "", Some(Need::WebSearch)),
        (r#","modalities":["text","audio"]"#, "", Some(Need::AudioOutput)),
        (r#","modalities":["image"]"#, "", Some(Need::ImageOutput)),
    ] {
        let seen = with(fields, part);
        assert_eq!(seen.text, "What is it?");
        assert_eq!(needs(&seen), need.into_iter().collect::<Vec<_>>(), "{fields}{part}");
    }
}

#[test]
fn gemini_is_read_in_both_spellings() {
    for (fields, expected) in [
        (
            r#""contents":{"parts":[{"text":"Hi"},{"inline_data":{"mime_type":"application/pdf","data":""}}]}"#,
            Need::Documents,
        ),
        (
            r#""contents":[{"parts":{"text":"Hi"}},{"role":"model","parts":[{"inlineData":{"mimeType":"image/png"}}]}]"#,
            Need::Images,
        ),
        (
            r#""contents":[{"parts":[{"text":"Hi"}]}],"tools":[{"google_search":{}},{"functionDeclarations":[]}]"#,
            Need::WebSearch,
        ),
        (r#""contents":[{"parts":[{"text":"Hi"}]}],"tools":{"functionDeclarations":[{"name":"f"}]}"#, Need::Tools),
        (
            r#""contents":[{"parts":[{"text":"Hi"}]}],"generationConfig":{"response_schema":{"type":"OBJECT"}}"#,
            Need::Schema,
        ),
        (
            r#""contents":[{"parts":[{"text":"Hi"}]}],"generationConfig":{"responseModalities":["IMAGE"]}"#,
            Need::ImageOutput,
        ),
        (
            r#""contents":[{"parts":[{"text":"Hi"}]}],"generationConfig":{"thinkingConfig":{"thinkingBudget":9}}"#,
            Need::Reasoning,
        ),
    ] {
        let seen = glance(Dialect::Gemini, &format!("{{{fields}}}"));
        assert_eq!((seen.text.as_str(), needs(&seen)), ("Hi", vec![expected]), "{fields}");
    }
}

#[test]
fn any_body_that_is_taken_can_be_looked_at() {
    for (dialect, body) in [
        (
            Dialect::OpenAiChat,
            r#"{"model":"m","messages":[1,null,"x",{"role":5,"content":{"a":[]}},{"content":[[],{"text":3}]}]}"#,
        ),
        (
            Dialect::Anthropic,
            r#"{"model":"m","max_tokens":1,"messages":[{"role":"user","content":[{"type":"document"},7]}]}"#,
        ),
        (Dialect::Gemini, r#"{"contents":[{"parts":[3,{"text":null}]}],"tools":7}"#),
    ] {
        assert_eq!(glance(dialect, body).text, "");
    }
}
