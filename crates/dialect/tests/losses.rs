//! Nothing is lost in silence: whatever a client says reaches the provider, or there is a loss.

#[path = "../examples/losses/features/mod.rs"]
mod features;

use bytes::Bytes;
use features::{COLUMNS, Column, Feature, GROUPS};
use megarouter_dialect::canonical::Conversation;
use megarouter_dialect::dialects;
use megarouter_dialect::losses::Losses;
use megarouter_dialect::request::{PathFacts, Thinking};
use megarouter_domain::dialect::Dialect;

const THINKING: [Thinking; 5] =
    [Thinking::Unknown, Thinking::None, Thinking::Effort, Thinking::Budget, Thinking::Adaptive];

/// What arrives in another way than the reader of the target's requests would take it for.
const OTHERWISE: &[(Dialect, &str, &str)] = &[
    (Dialect::Gemini, "function, strict", "the mode VALIDATED says it for all functions"),
    (Dialect::Gemini, "as the model thinks fit (adaptive)", "Gemini 3 does unless told how much to think"),
    (Dialect::BedrockConverse, "stream", "the path says it"),
    (Dialect::BedrockConverse, "class of service: auto", "it is the default"),
    (Dialect::BedrockConverse, "choice: none", "no tools are offered"),
    (Dialect::BedrockConverse, "effort: none", "Claude does not think unless told to"),
];

/// True where a feature need not be looked for: it arrives otherwise, or not to think is asked of what
/// cannot.
fn is_fine(dialect: Dialect, feature: &Feature, thinking: Thinking) -> bool {
    OTHERWISE.iter().any(|(target, title, _)| (*target, *title) == (dialect, feature.title))
        || (thinking == Thinking::None && feature.title == "effort: none")
}

fn features() -> impl Iterator<Item = &'static Feature> {
    GROUPS.iter().flat_map(|group| group.features)
}

fn asked(feature: &Feature) -> Conversation {
    let mut conversation = features::plain();
    (feature.ask)(&mut conversation);
    conversation
}

/// What is written of a conversation, and what is told to be lost.
fn written(column: &Column, thinking: Thinking, conversation: &Conversation) -> (Bytes, Losses) {
    let mut losses = Losses::default();
    let body = dialects::write_request(column.dialect, conversation, &column.target(thinking), &mut losses);
    (body, losses)
}

/// What the target's own reader makes of a body.
fn read(dialect: Dialect, conversation: &Conversation, body: &Bytes) -> Conversation {
    let path = PathFacts { model: Some("m"), is_streaming: conversation.is_streaming, is_sse: true };
    let request = dialects::parse_request(dialect, &path, body.clone()).expect("what is written can be parsed");
    request.read().unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(body)))
}

#[test]
fn whatever_is_asked_for_arrives_or_is_told_to_be_lost() {
    let mut silent = vec![];
    for column in COLUMNS.iter().filter(|column| column.dialect != Dialect::BedrockConverse) {
        for (feature, thinking) in features().flat_map(|feature| THINKING.map(|thinking| (feature, thinking))) {
            let conversation = asked(feature);
            let (body, losses) = written(column, thinking, &conversation);
            let arrived = read(column.dialect, &conversation, &body);
            let (sent, seen) = ((feature.seen)(&conversation), (feature.seen)(&arrived));
            if losses.is_empty() && sent != seen && !is_fine(column.dialect, feature, thinking) {
                let body = String::from_utf8_lossy(&body);
                silent
                    .push(format!("{}, {}, {thinking:?}:\n  {sent}\n  {seen}\n  {body}", column.title, feature.title));
            }
        }
    }
    assert!(silent.is_empty(), "lost in silence:\n{}", silent.join("\n"));
}

/// Nobody reads Bedrock's requests, so it is asked only whether there is something more.
#[test]
fn whatever_is_asked_of_bedrock_changes_the_request_or_is_told_to_be_lost() {
    let bedrock = COLUMNS.iter().filter(|column| column.dialect == Dialect::BedrockConverse);
    let mut silent = vec![];
    for (column, feature) in bedrock.flat_map(|column| features().map(move |feature| (column, feature))) {
        for thinking in THINKING {
            let (before, _) = written(column, thinking, &features::plain());
            let (after, losses) = written(column, thinking, &asked(feature));
            if losses.is_empty() && before == after && !is_fine(column.dialect, feature, thinking) {
                silent.push(format!("{}, {thinking:?}", feature.title));
            }
        }
    }
    assert!(silent.is_empty(), "lost in silence:\n{}", silent.join("\n"));
}

#[test]
fn a_plain_conversation_loses_nothing_anywhere() {
    for (column, thinking) in COLUMNS.iter().flat_map(|column| THINKING.map(|thinking| (column, thinking))) {
        let (_, losses) = written(column, thinking, &features::plain());
        assert!(losses.is_empty(), "{}: {losses}", column.title);
    }
}

#[test]
fn every_feature_has_a_title_of_its_own() {
    let mut titles: Vec<&str> = features().map(|feature| feature.title).collect();
    titles.sort_unstable();
    titles.windows(2).for_each(|pair| assert_ne!(pair[0], pair[1]));
    assert!(GROUPS.iter().all(|group| !group.title.is_empty()));
    for (_, otherwise, _) in OTHERWISE {
        assert!(titles.contains(otherwise), "{otherwise}");
    }
    assert!(
        GROUPS.iter().any(|group| group.is_about_thinking)
            && COLUMNS.iter().all(|column| column.thinking != Thinking::None)
    );
}
