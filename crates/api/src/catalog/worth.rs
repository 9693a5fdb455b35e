//! One price for input and output, and who does the same for less.

use std::time::Duration;

use megarouter_catalog::Catalog;
use megarouter_domain::catalog::{CatalogModel, Date, Mode};
use megarouter_domain::money::NanoUsdPerMillion;
use megarouter_store::ledger::overview::{Bucket, Question};

use super::{Alternative, Blend};
use crate::context::Context;
use crate::error::ApiError;
use crate::shape::Rate;

/// How far back one's own figures go.
pub(super) const RECENT: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// Three parts of input to one of output, as chats and agents have it at the least.
const USUAL: Blend = Blend { input_percent: 75, output_percent: 25, is_own: false };

/// Fewer tokens say little about the mix to come.
const ENOUGH_TOKENS: u64 = 100_000;

const MOST_ALTERNATIVES: usize = 10;

/// The question about the last 30 days.
pub(crate) fn recently(context: &Context) -> Question {
    let now = context.now();
    Question { from: now.minus(RECENT), to: now, bucket: Some(Bucket::Day), key_id: None, model: None, provider: None }
}

/// The installation's own mix of input and output, when there is enough of it.
pub(crate) async fn blend(context: &Context) -> Result<Blend, ApiError> {
    let sums = context.questions().overview(&recently(context)).await?.current.sums;
    Ok(of_tokens(sums.input_tokens, sums.output_tokens))
}

fn of_tokens(input: u64, output: u64) -> Blend {
    let total = input.saturating_add(output);
    if total < ENOUGH_TOKENS {
        return USUAL;
    }
    let input_percent =
        u64::try_from((u128::from(input) * 100 + u128::from(total / 2)) / u128::from(total)).unwrap_or(0);
    Blend { input_percent, output_percent: 100 - input_percent, is_own: true }
}

impl Blend {
    /// One price for both; `None` for models that do not charge by the token.
    pub(crate) fn of(self, model: &CatalogModel) -> Option<NanoUsdPerMillion> {
        let rates = &model.tariff.as_ref()?.rates;
        if !matches!(model.mode, Mode::Chat | Mode::Completion) {
            return None;
        }
        let part = |rate: NanoUsdPerMillion, percent: u64| u128::from(rate.0) * u128::from(percent);
        let sum = part(rates.input, self.input_percent) + part(rates.output, self.output_percent);
        u64::try_from(sum / 100).ok().filter(|price| *price > 0).map(NanoUsdPerMillion)
    }
}

/// Models that can stand in for another one at a lower price, cheapest first.
pub(super) fn alternatives(
    catalog: &Catalog,
    to: &CatalogModel,
    blend: Blend,
    today: Date,
    is_mine: impl Fn(&str) -> bool,
) -> Vec<Alternative> {
    let Some(price) = blend.of(to) else { return Vec::new() };
    let fits = |model: &&CatalogModel| (&model.kind, &model.id) != (&to.kind, &to.id) && model.can_stand_in_for(to);
    let cheaper = catalog.current(today).filter(fits).filter_map(|model| Some((blend.of(model)?, model)));
    let mut cheaper: Vec<_> = cheaper.filter(|(other, _)| *other < price).collect();
    cheaper.sort_by_key(|(other, _)| *other);
    let alternative = |(blended, model): (NanoUsdPerMillion, &CatalogModel)| Alternative {
        kind: model.kind.to_string(),
        id: model.id.to_string(),
        name: model.name.to_string(),
        maker: model.maker.to_string(),
        blended: Rate(blended),
        saving_percent: 100 - u64::try_from(u128::from(blended.0) * 100 / u128::from(price.0)).unwrap_or(100),
        mine: is_mine(&model.kind),
    };
    cheaper.into_iter().take(MOST_ALTERNATIVES).map(alternative).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_own_mix_counts_when_there_is_enough_of_it() {
        assert_eq!(of_tokens(0, 0), USUAL);
        assert_eq!(of_tokens(90_000, 9_999), USUAL);
        assert_eq!(of_tokens(900_000, 100_000), Blend { input_percent: 90, output_percent: 10, is_own: true });
        assert_eq!(of_tokens(u64::MAX, 1).input_percent, 100);
    }

    #[test]
    fn an_alternative_does_as_much_for_less() {
        let catalog = megarouter_catalog::embedded();
        let today: Date = "2026-11-22".parse().unwrap();
        let model = catalog.find("openai", "gpt-5.1").unwrap();
        let found = alternatives(&catalog, model, USUAL, today, |kind| kind == "groq");
        let price = USUAL.of(model).unwrap();
        assert!(!found.is_empty() && found.len() <= MOST_ALTERNATIVES);
        for other in &found {
            let entry = catalog.find(&other.kind, &other.id).unwrap();
            assert!(other.blended.0 < price && entry.can_stand_in_for(model) && !entry.is_gone(today), "{}", other.id);
            assert_eq!(other.mine, other.kind == "groq");
        }
        assert!(found.is_sorted_by_key(|other| other.blended.0));
    }
}
