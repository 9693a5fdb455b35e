//! What a person writes about a policy, checked and turned into the domain's.

use std::collections::HashMap;

use megarouter_domain::clock::Timestamp;
use megarouter_domain::id::OrganizationId;
use megarouter_domain::model::Model;
use megarouter_domain::policy::{Body, Condition, Policy, PolicyError, Version};
use megarouter_domain::provider::{Credential, Provider, Target};
use megarouter_domain::snapshot::{Parts, Snapshot};
use megarouter_routing::check::CheckError;
use megarouter_store::settings::Everything;

use super::names::Names;
use super::{PolicyBody, PolicyProblem, text};
use crate::context::Context;
use crate::error::ApiError;

/// The longest text of a policy, in bytes.
const MOST_BYTES: usize = 256 * 1024;
/// The longest description and note, in characters.
const LONGEST_LINE: usize = 500;

/// What a policy is to say, with the text it was written as.
pub(crate) struct Said {
    /// What it says.
    pub body: Body,
    /// The text, with its comments.
    pub text: Option<String>,
}

/// The names of a configuration.
pub(crate) fn names(everything: &Everything) -> Names<'_> {
    Names { units: &everything.units, keys: &everything.keys }
}

/// Reads what a policy is to say, from one form or both.
///
/// # Errors
/// When neither is there, one cannot be read, or they differ.
pub(crate) fn said(
    everything: &Everything,
    body: Option<PolicyBody>,
    text: Option<String>,
    old: Option<&str>,
) -> Result<Option<Said>, ApiError> {
    let names = names(everything);
    let body = body.map(Body::try_from).transpose()?;
    let Some(text) = text else {
        let Some(body) = body else { return Ok(None) };
        let text = old.map(|old| text::text(&body, Some(old), names));
        return Ok(Some(Said { body, text }));
    };
    let read = read(&text, names)?;
    if body.is_some_and(|body| body != read) {
        let message = "The text and the form say different things. Nothing was changed. Send one of the two.";
        return Err(ApiError::invalid("policy.contradictory", message).about("text"));
    }
    Ok(Some(Said { body: read, text: Some(text) }))
}

/// The same where there must be something.
pub(crate) fn required(said: Option<Said>) -> Result<Said, ApiError> {
    said.ok_or_else(|| {
        let message = "It is not said what the policy says. Nothing was changed. Send `body` or `text`.";
        ApiError::invalid("request.invalid", message).about("body")
    })
}

fn read(text: &str, names: Names<'_>) -> Result<Body, ApiError> {
    if text.len() > MOST_BYTES {
        let message = format!("The text is longer than {} KiB. Nothing was changed. Shorten it.", MOST_BYTES / 1024);
        return Err(ApiError::invalid("policy.invalid", message).about("text"));
    }
    text::parse(text, names).map_err(|problem| {
        let line = problem.line.map(|line| format!("Line {line}: ")).unwrap_or_default();
        ApiError::invalid("policy.invalid", format!("{line}{} Nothing was changed.", problem.message)).about("text")
    })
}

/// A new version; the store counts it.
pub(super) fn version(said: Said, note: Option<String>, now: Timestamp) -> Result<Version, ApiError> {
    let note = line(note.unwrap_or_default(), "note")?;
    Ok(Version { number: 0, body: said.body, text: said.text, note, made_at: now })
}

/// A line of text about a policy.
pub(super) fn line(text: String, field: &str) -> Result<String, ApiError> {
    if text.chars().count() <= LONGEST_LINE && !text.chars().any(char::is_control) {
        return Ok(text);
    }
    let message = format!("It is one line of at most {LONGEST_LINE} characters. Nothing was changed. Shorten it.");
    Err(ApiError::invalid("policy.invalid", message).about(field))
}

/// Refuses a policy that cannot be put in force.
pub(crate) fn policy(context: &Context, everything: &Everything, policy: &Policy) -> Result<(), ApiError> {
    policy.check()?;
    let bodies = std::iter::once(&policy.live).chain(policy.trial.as_ref().map(|trial| &trial.version));
    for version in bodies {
        let found = problems(context, everything, &version.body, version.text.as_deref());
        if let Some(problem) = found.into_iter().find(|problem| problem.is_error) {
            let line = problem.line.map(|line| format!("Line {line}: ")).unwrap_or_default();
            let message = format!("{line}{} Nothing was changed.", problem.message);
            let field = if version.text.is_some() { "text" } else { "body" };
            return Err(ApiError::invalid("policy.invalid", message).about(field));
        }
    }
    Ok(())
}

/// What is wrong with a policy that can be read, and what is odd.
pub(super) fn problems(
    context: &Context,
    everything: &Everything,
    body: &Body,
    text: Option<&str>,
) -> Vec<PolicyProblem> {
    let places = text.map(text::Places::of);
    let problem = |rule: Option<usize>, condition: Option<usize>, said: &str, is_error: bool| {
        let index = rule.and_then(|rule| rule.checked_sub(1));
        let (line, column) = places.as_ref().and_then(|places| places.find(index, condition)).unzip();
        let rule = rule.map(|rule| rule as u64);
        PolicyProblem { line, column, rule, message: as_sentence(said), is_error }
    };
    let mut problems = match megarouter_routing::check::check(body, &context.gateway.snapshot()) {
        Ok(odd) => odd.iter().map(|odd| problem(Some(odd.rule), None, &odd.message, false)).collect(),
        Err(wrong) => {
            wrong.iter().map(|wrong| problem(rule_of(wrong), None, &wrong.to_string(), true)).collect::<Vec<_>>()
        }
    };
    for (rule, condition, id) in unknown(everything, body) {
        let said = format!("rule {rule}: there is no unit and no key with the id {id}; take it out");
        problems.push(problem(Some(rule), Some(condition), &said, true));
    }
    problems
}

/// Whether a policy makes sense with these providers and models, which need not be in force yet.
///
/// # Errors
/// The first thing that is wrong with it.
pub fn works_with(
    body: &Body,
    organization: OrganizationId,
    providers: &[Provider],
    models: &[Model],
) -> Result<(), String> {
    let target =
        |provider: &Provider| Target { provider: provider.clone(), credential: Credential::None, pool: vec![] };
    let snapshot = Snapshot::new(Parts {
        organization,
        organization_name: "".into(),
        units: vec![],
        budgets: vec![],
        keys: vec![],
        targets: providers.iter().map(target).collect(),
        models: models.to_vec(),
        facts: HashMap::new(),
        policies: vec![],
    });
    let snapshot = snapshot.map_err(|error| error.to_string())?;
    let wrong = megarouter_routing::check::check(body, &snapshot).err().unwrap_or_default();
    wrong.first().map_or(Ok(()), |wrong| Err(wrong.to_string()))
}

/// Units and keys that there are not, with the rule from 1 and the condition from 0.
fn unknown(everything: &Everything, body: &Body) -> Vec<(usize, usize, String)> {
    let names = names(everything);
    let mut unknown = Vec::new();
    for (rule, it) in body.rules.iter().enumerate() {
        for (condition, it) in it.when.iter().enumerate() {
            let Condition::Who { units, keys } = it else { continue };
            let units = units.iter().filter(|id| names.unit_with(**id).is_none()).map(ToString::to_string);
            let keys = keys.iter().filter(|id| names.key_with(**id).is_none()).map(ToString::to_string);
            unknown.extend(units.chain(keys).map(|id| (rule + 1, condition, id)));
        }
    }
    unknown
}

const fn rule_of(error: &CheckError) -> Option<usize> {
    match error {
        CheckError::Rule { rule, .. }
        | CheckError::Policy(PolicyError::Rule { rule, .. } | PolicyError::Unreached { rule }) => Some(*rule),
        CheckError::Policy(PolicyError::Name | PolicyError::Rules | PolicyError::NoLast | PolicyError::Percent) => None,
    }
}

fn as_sentence(said: &str) -> String {
    let mut letters = said.chars();
    letters.next().into_iter().flat_map(char::to_uppercase).chain(letters).chain(['.']).collect()
}
