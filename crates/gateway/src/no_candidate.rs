//! What a client is told when nothing is left that may serve its request: what ruled each candidate out,
//! and what to do about it.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

use megarouter_domain::access::Principal;
use megarouter_domain::catalog::Member as _;
use megarouter_domain::code::Code;
use megarouter_domain::decision::{Considered, Decision, Removal};
use megarouter_domain::facts::Need;

use crate::render::Failure;
use crate::route;

/// The most models that are named for one reason.
const MOST_NAMED: usize = 4;

/// The failure of a request whose candidates were all ruled out.
pub fn failure(asked: &str, decision: &Decision, principal: &Principal) -> Failure {
    let removed = || decision.candidates.iter().filter_map(|candidate| candidate.removed.as_ref());
    let is_access = |removal: &Removal| *removal == Removal::Access;
    if removed().next().is_some() && removed().all(is_access) {
        return route::forbidden(Code::ModelForbidden, asked, principal);
    }
    let code = if removed().any(|removal| *removal == Removal::Budget) && removed().all(is_about_access_or_money) {
        Code::BudgetExceeded
    } else {
        Code::ModelUnavailable
    };
    Failure { retry_after: retry_after(decision), ..Failure::new(code, message(asked, decision)) }
}

const fn is_about_access_or_money(removal: &Removal) -> bool {
    matches!(removal, Removal::Access | Removal::Budget)
}

/// When the first of those that rest may be tried again.
fn retry_after(decision: &Decision) -> Option<Duration> {
    let rest = |candidate: &Considered| match candidate.removed {
        Some(Removal::Resting { for_ms } | Removal::RateLimited { for_ms }) => Some(for_ms),
        _ => None,
    };
    decision.candidates.iter().filter_map(rest).min().map(|millis| Duration::from_millis(millis.into()))
}

fn message(asked: &str, decision: &Decision) -> String {
    let mut text = match &decision.rule {
        Some(rule) if rule.name.is_empty() => {
            format!("Rule {} of the policy `{}` leaves no model for this request", rule.index, rule.policy)
        }
        Some(rule) => format!(
            "Rule {} (\"{}\") of the policy `{}` leaves no model for this request",
            rule.index, rule.name, rule.policy
        ),
        None => format!("Nothing can serve the model `{asked}` for this request"),
    };
    let mut reasons: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    let mut advice: Vec<&str> = vec![];
    for candidate in &decision.candidates {
        let Some(removal) = &candidate.removed else { continue };
        if *removal == Removal::Access {
            // What a key may not use is not told apart from what there is not.
            continue;
        }
        let models = reasons.entry(reason(removal, candidate)).or_default();
        if !models.contains(&&*candidate.model) {
            models.push(&candidate.model);
        }
        let what = to_do(removal);
        if !advice.contains(&what) {
            advice.push(what);
        }
    }
    let mut separator = ": ";
    for (reason, models) in &reasons {
        let named: Vec<_> = models.iter().take(MOST_NAMED).map(|model| format!("`{model}`")).collect();
        let more = models.len().saturating_sub(MOST_NAMED);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        // Writing to a text cannot fail.
        let _ = write!(text, "{separator}{}{more} {reason}", named.join(", "));
        separator = "; ";
    }
    if reasons.is_empty() {
        text.push_str(": it has no candidates. Add models to the rule, or connect a provider.");
        return text;
    }
    let _ = write!(text, ". To go on, {}.", advice.join(", or "));
    text
}

/// What ruled it out, as the rest of a sentence that begins with models' names.
fn reason(removal: &Removal, candidate: &Considered) -> String {
    match removal {
        Removal::Access => "not for this key".to_owned(),
        Removal::Purpose => "made for something else".to_owned(),
        Removal::Lacks { need } => format!("without {}", lacking(*need)),
        Removal::Context { tokens } => format!("too small for {tokens} tokens"),
        Removal::Bound { name } => format!("beyond the bound `{name}`"),
        Removal::Budget => "dearer than what the budgets leave".to_owned(),
        Removal::Unusable => format!("not usable at `{}`: switched off, or without its credential", candidate.provider),
        Removal::Resting { .. } => format!("resting at `{}` after failures", candidate.provider),
        Removal::RateLimited { .. } => format!("at the rate limit of `{}`", candidate.provider),
        Removal::Retired => "ended by its provider".to_owned(),
        Removal::Outranked => "not wanted by the strategy".to_owned(),
    }
}

/// What it would have to have, e.g. `tools`.
fn lacking(need: Need) -> String {
    match need {
        Need::Schema => "answers by a schema".to_owned(),
        Need::WebSearch => "search of the web".to_owned(),
        Need::AudioOutput => "sound as an answer".to_owned(),
        Need::ImageOutput => "pictures as an answer".to_owned(),
        other => other.as_str().replace('_', " "),
    }
}

const fn to_do(removal: &Removal) -> &'static str {
    match removal {
        Removal::Access => "have the key allowed to use more models",
        Removal::Purpose | Removal::Lacks { .. } => "add a model to the rule that can do this",
        Removal::Context { .. } => "send less, or add a model with a larger context",
        Removal::Bound { .. } => "relax the bound, or add a model that keeps to it",
        Removal::Budget => "ask for less, use a cheaper model, or have the limit raised",
        Removal::Unusable => "see to the provider under Providers",
        Removal::Resting { .. } | Removal::RateLimited { .. } => "try again shortly, or add another provider",
        Removal::Retired => "replace the model",
        Removal::Outranked => "add models to the rule",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use megarouter_domain::clock::Timestamp;
    use megarouter_domain::decision::RuleRecord;
    use megarouter_domain::id::{DeploymentId, KeyId, PolicyId, ProviderId};
    use megarouter_domain::key::{ModelAccess, VirtualKey};

    const AT: Timestamp = Timestamp::from_micros(1_000_000);

    fn principal() -> Principal {
        let key = VirtualKey {
            id: KeyId::new(AT, [1; 10]),
            name: "laptop".to_owned(),
            owner: None,
            project: None,
            hint: String::new(),
            hash: None,
            models: ModelAccess::All,
            is_strict: false,
            created_at: AT,
            expires_at: None,
            revoked_at: None,
        };
        Principal { key: key.into() }
    }

    fn removed(model: &str, removal: Removal) -> Considered {
        Considered {
            model: model.into(),
            provider: "p".into(),
            provider_id: ProviderId::new(AT, [1; 10]),
            deployment_id: DeploymentId::new(AT, [1; 10]),
            cost: None,
            quality: None,
            quality_deviation: None,
            first_output_ms: None,
            total_ms: None,
            availability: None,
            score: None,
            removed: Some(removal),
        }
    }

    fn told(candidates: Vec<Considered>) -> Failure {
        let rule = RuleRecord {
            policy_id: PolicyId::new(AT, [1; 10]),
            policy: "auto".into(),
            version: 3,
            index: 2,
            name: "Nights".into(),
        };
        failure("auto", &Decision { rule: Some(rule), candidates, ..Decision::default() }, &principal())
    }

    #[test]
    fn each_reason_is_told_once_with_what_to_do() {
        let bound = || Removal::Bound { name: "never_dearer".into() };
        let failure = told(vec![
            removed("a", bound()),
            removed("b", Removal::Lacks { need: Need::Images }),
            removed("c", bound()),
            removed("a", bound()),
        ]);
        assert_eq!(failure.code, Code::ModelUnavailable);
        assert_eq!(
            failure.message,
            "Rule 2 (\"Nights\") of the policy `auto` leaves no model for this request: `a`, `c` beyond the bound \
             `never_dearer`; `b` without images. To go on, relax the bound, or add a model that keeps to it, or add a \
             model to the rule that can do this."
        );
    }

    #[test]
    fn access_and_money_have_codes_of_their_own() {
        assert_eq!(told(vec![removed("a", Removal::Access)]).code, Code::ModelForbidden);
        assert_eq!(told(vec![removed("a", Removal::Access), removed("b", Removal::Budget)]).code, Code::BudgetExceeded);
        assert_eq!(told(vec![]).code, Code::ModelUnavailable);
        let mixed = told(vec![removed("hidden", Removal::Access), removed("b", Removal::Retired)]);
        assert!(!mixed.message.contains("hidden") && mixed.message.contains("`b` ended"), "{}", mixed.message);
        let resting = told(vec![removed("a", Removal::Resting { for_ms: 2_000 })]);
        assert_eq!(resting.retry_after, Some(Duration::from_secs(2)));
    }
}
