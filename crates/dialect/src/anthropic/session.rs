//! The session that Claude Code writes into the `user_id` of a request's metadata.
//!
//! Since 2.1.78 that is an object written as text, `{"device_id":…,"account_uuid":…,"session_id":…}`;
//! before it was `user_…_account_…_session_…`. Since 2.1.86 a header says the same
//! (coder/aibridge#241, ding113/claude-code-hub#939, read 2026-11-22).

use serde::Deserialize;

use crate::fields::Fields;

/// Longer texts are not looked at.
const LONGEST_USER_ID: usize = 1_000;
/// What stands before the session in the older form.
const MARK: &str = "_session_";

#[derive(Deserialize)]
struct Metadata {
    #[serde(default)]
    user_id: Option<String>,
}

#[derive(Deserialize)]
struct UserId {
    session_id: String,
}

/// The session; `None` where the client names none.
pub fn session(fields: &Fields<'_>) -> Option<String> {
    let metadata: Metadata = serde_json::from_str(fields.present("metadata")?.value).ok()?;
    let user_id = metadata.user_id.filter(|user_id| user_id.len() <= LONGEST_USER_ID)?;
    if user_id.starts_with('{') {
        return serde_json::from_str(&user_id).ok().map(|user: UserId| user.session_id);
    }
    user_id.rsplit_once(MARK).map(|(_, session)| session.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_name_the_session_and_other_texts_name_none() {
        let found = |user_id: &str| {
            let body = serde_json::json!({"metadata": {"user_id": user_id}}).to_string();
            session(&Fields::read(body.as_bytes()).unwrap())
        };
        assert_eq!(found("user_a1_account__session_57a1").as_deref(), Some("57a1"));
        assert_eq!(found(r#"{"device_id":"d","account_uuid":"","session_id":"54c1"}"#).as_deref(), Some("54c1"));
        for nothing in ["somebody", r#"{"device_id":"d"}"#, "{", ""] {
            assert_eq!(found(nothing), None, "{nothing}");
        }
        assert_eq!(session(&Fields::read(br#"{"metadata":null}"#).unwrap()), None);
    }
}
