//! Prices that deployments take from the catalogue, and how those are told from prices of people.

use megarouter_domain::catalog::{CatalogModel, Figure};
use megarouter_domain::price::Tariff;

/// How the source of a price begins that follows the catalogue.
const MARK: &str = "catalogue ";

/// A model's tariff and the source to keep beside it; `None` when the catalogue has no price.
pub fn of(model: &CatalogModel) -> Option<(Tariff, String)> {
    let tariff = model.tariff.clone()?;
    let said = model.provenance.iter().find(|provenance| provenance.figure == Figure::Price)?;
    Some((tariff, format!("{MARK}{} ({})", said.date, said.source)))
}

/// True for the source of a price that follows the catalogue.
pub fn is_source(source: &str) -> bool {
    source.starts_with(MARK)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_price_says_that_it_follows_the_catalogue() {
        let catalog = crate::embedded();
        let (tariff, source) = of(catalog.find("openai", "gpt-5.1").unwrap()).unwrap();
        assert_eq!((tariff.rates.input.to_usd().as_str(), source.as_str()), ("1.25", "catalogue 2026-11-22 (litellm)"));
        assert!(is_source(&source) && !is_source("set by hand"));
    }
}
