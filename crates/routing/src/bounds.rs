//! Whether a candidate keeps to a route's bounds. What is not known of it counts as beyond a bound.

use megarouter_domain::money::NanoUsdPerMillion;
use megarouter_domain::policy::Bounds;
use megarouter_domain::price::Tariff;

use crate::candidate::{Candidate, consumed};
use crate::predictor;
use crate::question::Look;

/// An answer so long that only the price of output counts, in tokens: with it, a comparison holds for every
/// length in between.
const LONGEST: u64 = 10_000_000;

/// What the client asked for, to compare with.
#[derive(Clone, Copy)]
pub(crate) enum Asked<'a> {
    /// A policy: there is nothing to compare with.
    Policy,
    /// A model; `None` when its price is not known.
    Model(Option<&'a Tariff>),
}

/// The first bound that a candidate is beyond, by its name in a rule.
pub(crate) fn broken(
    bounds: &Bounds,
    candidate: &Candidate<'_>,
    asked: Asked<'_>,
    look: &Look<'_>,
) -> Option<&'static str> {
    let served = candidate.served;
    let rates = served.tariff().map(|tariff| tariff.rates_for(&consumed(look.question.input_tokens, 0, 0)));
    let within = |price: Option<NanoUsdPerMillion>, most: Option<NanoUsdPerMillion>| {
        most.is_none_or(|most| price.is_some_and(|price| price <= most))
    };
    let in_time =
        |expected: Option<u32>, most: Option<u32>| most.zip(expected).is_none_or(|(most, expected)| expected <= most);
    let is_good = |least| candidate.quality.is_some_and(|quality| predictor::permille(quality.mean) >= least);
    let is_near = || bounds.regions.iter().any(|region| served.region.as_deref() == Some(region.as_str()));
    let is_listed = |names: &[String]| names.iter().any(|name| *name == *served.provider);
    let output_price = rates.map(|rates| {
        rates.reasoning.filter(|_| served.is_reasoning()).map_or(rates.output, |own| own.max(rates.output))
    });
    let checks: [(&'static str, bool); 12] = [
        ("providers", bounds.providers.is_empty() || is_listed(&bounds.providers)),
        ("never_providers", !is_listed(&bounds.never_providers)),
        ("regions", bounds.regions.is_empty() || is_near()),
        ("local_only", !bounds.local_only || served.facts.is_local),
        ("no_retention", !bounds.no_retention || served.keeps_prompts == Some(false)),
        ("input_price", within(rates.map(|rates| rates.input), bounds.input_price)),
        ("output_price", within(output_price, bounds.output_price)),
        ("cost", bounds.cost.is_none_or(|most| candidate.cost.is_some_and(|cost| cost <= most))),
        ("never_dearer", !bounds.never_dearer || is_no_dearer(served.tariff(), asked, look)),
        ("first_output_ms", in_time(candidate.first_output_ms, bounds.first_output_ms)),
        ("total_ms", in_time(candidate.total_ms, bounds.total_ms)),
        ("quality", bounds.quality.is_none_or(is_good)),
    ];
    checks.into_iter().find(|(_, holds)| !holds).map(|(name, _)| name)
}

/// Cost grows with the length of the answer in a straight line, so what costs no more at both ends costs
/// no more for any answer.
fn is_no_dearer(own: Option<&Tariff>, asked: Asked<'_>, look: &Look<'_>) -> bool {
    let Asked::Model(asked) = asked else { return true };
    let (Some(own), Some(asked)) = (own, asked) else { return false };
    let input = look.question.input_tokens;
    [0, LONGEST].into_iter().all(|output| {
        let usage = consumed(input, 0, output);
        own.cost(&usage).zip(asked.cost(&usage)).is_some_and(|(own, asked)| own <= asked)
    })
}
