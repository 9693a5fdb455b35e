//! Every change of the configuration stands in the ledger's chain before it is so.

use megarouter_ledger::entry::Lsn;
use serde_json::json;

use crate::kit::Kit;

#[tokio::test]
async fn a_change_is_noted_with_what_was_before() {
    let kit = Kit::start().await;
    let team = kit.unit("team", "Search", None).await;
    let (key, secret) = kit.key("app", Some(&team)).await;
    kit.call("PATCH", &format!("/units/{team}"), Some(json!({"name": "Find"}))).await;
    kit.call("POST", &format!("/keys/{key}/revoke"), None).await;
    kit.call("PATCH", "/settings", Some(json!({"unknown_price": "free"}))).await;
    let notes = kit.context.ledger.notes(Lsn(0)).await.unwrap();
    let words: Vec<_> = notes.iter().map(|(_, note)| (&*note.action, &*note.summary)).collect();
    let expected = [
        ("unit.put", "add team Search"),
        ("key.put", "add key app"),
        ("unit.put", "change team Find"),
        ("key.revoke", "revoke key app"),
        ("setting.put", "add setting unknown_price"),
    ];
    assert_eq!(words, expected);
    let renamed = &notes[2].1;
    assert_eq!((&*renamed.object, &*renamed.by), (team.as_str(), "owner"));
    assert!(renamed.before.as_ref().unwrap().contains("Search") && renamed.after.as_ref().unwrap().contains("Find"));
    let all = format!("{notes:?}");
    assert!(!all.contains(&secret) && !all.contains("hash"), "no secret, and nothing made from one");
}

#[tokio::test]
async fn a_refused_change_is_taken_back_in_the_chain() {
    let kit = Kit::start().await;
    kit.unit("team", "Search", None).await;
    assert_eq!(kit.refused("POST", "/units", json!({"kind": "team", "name": "Search"})).await.1, "unit.name_taken");
    let notes = kit.context.ledger.notes(Lsn(0)).await.unwrap();
    let actions: Vec<_> = notes.iter().map(|(_, note)| &*note.action).collect();
    assert_eq!(actions, ["unit.put", "unit.put", "change.abandoned"]);
    kit.context.settle_changes().await.unwrap();
    assert_eq!(kit.context.ledger.notes(Lsn(0)).await.unwrap().len(), 3, "nothing is left to settle");
}

#[tokio::test]
async fn what_a_dead_run_only_intended_is_settled_at_the_start() {
    let kit = Kit::start().await;
    kit.unit("team", "Search", None).await;
    // A run that dies here has written the intent and not the setting.
    let applied = kit.context.ledger.notes(Lsn(0)).await.unwrap();
    let intent = kit.context.gateway.books().note((*applied[0].1).clone());
    kit.context.gateway.books().until_durable(intent).await.unwrap();
    for _ in 0..2 {
        kit.context.settle_changes().await.unwrap();
        let notes = kit.context.ledger.notes(Lsn(0)).await.unwrap();
        let last = &notes[2].1;
        assert_eq!((notes.len(), &*last.action, &*last.object), (3, "change.abandoned", intent.0.to_string().as_str()));
    }
}
