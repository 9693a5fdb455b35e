use std::collections::BTreeSet;

use megarouter_domain::catalog::{Figure, Mode};

use super::*;
use crate::testing::{edition, priced};

/// The day on which the embedded catalogue was made.
const MADE: &str = "2026-11-22";

#[test]
fn the_embedded_catalogue_knows_the_models_of_many_makers() {
    let catalog = embedded();
    let current: Vec<_> = catalog.current(MADE.parse().unwrap()).collect();
    let priced = current.iter().filter(|model| model.tariff.is_some()).count();
    let makers: BTreeSet<_> = current.iter().map(|model| &*model.maker).collect();
    assert!(current.len() >= 1_500, "{} current models", current.len());
    assert!(priced >= 1_200, "{priced} of them with a price");
    assert!(makers.len() >= 40, "{} makers", makers.len());
    let chat = current.iter().filter(|model| model.mode == Mode::Chat && model.tariff.is_some());
    let names: BTreeSet<_> = chat.map(|model| &*model.name).collect();
    assert!(names.len() >= 300, "{} names", names.len());
    for mode in Mode::ALL {
        assert!(current.iter().any(|model| model.mode == *mode), "none for {}", mode.as_str());
    }
}

#[test]
fn the_embedded_catalogue_says_where_each_figure_comes_from() {
    let catalog = embedded();
    let ids: BTreeSet<_> = catalog.sources().iter().map(|source| &*source.id).collect();
    for source in catalog.sources() {
        assert!(source.url.starts_with("https://") && !source.licence.is_empty(), "{}", source.id);
    }
    for model in catalog.models() {
        let name = format!("{} {}", model.kind, model.id);
        assert!(!model.provenance.is_empty() || !model.notes.is_empty(), "{name}");
        assert!(model.provenance.iter().all(|it| ids.contains(&*it.source)), "{name}");
        let has = |figure| model.provenance.iter().any(|it| it.figure == figure);
        assert_eq!(model.tariff.is_some(), has(Figure::Price), "{name}");
        assert!(model.disagreements.iter().all(|it| it.values.len() == 2), "{name}");
    }
}

#[test]
fn well_known_prices_are_those_of_the_providers_pages() {
    // Read in LiteLLM 1.109.1 and models.dev of 2026-08-18, where both agree.
    let catalog = embedded();
    for (kind, id, input, output) in [
        ("openai", "gpt-5.1", "1.25", "10"),
        ("anthropic", "claude-sonnet-5", "2", "10"),
        ("gemini", "gemini-2.5-pro", "1.25", "10"),
    ] {
        let model = catalog.find(kind, id).unwrap_or_else(|| panic!("{kind} {id}"));
        let rates = model.tariff.as_ref().unwrap().rates;
        assert_eq!((rates.input.to_usd().as_str(), rates.output.to_usd().as_str()), (input, output), "{id}");
    }
}

#[test]
fn a_successor_is_named_by_its_provider_and_known() {
    let catalog = embedded();
    let successors: Vec<_> = catalog.models().iter().filter_map(|it| Some((it, it.replacement.as_deref()?))).collect();
    assert!(!successors.is_empty());
    for (model, successor) in successors {
        let successor = catalog.find(&model.kind, successor).unwrap_or_else(|| panic!("{successor}"));
        let said = model.provenance.iter().find(|it| it.figure == Figure::Replacement).unwrap();
        assert!(!successor.is_gone(said.date), "{}", successor.id);
        assert!(!["litellm", "models.dev"].contains(&&*said.source), "a page of the provider");
    }
}

#[test]
fn packing_loses_nothing_and_gives_the_same_bytes() {
    let catalog = embedded();
    let packed = pack(&catalog);
    assert_eq!(unpack(&packed).unwrap(), catalog);
    assert_eq!(pack(&catalog), packed);
}

#[test]
fn damaged_bytes_are_refused() {
    let packed = pack(&merge_of(&["m"]));
    assert!(matches!(unpack(&packed[..packed.len() / 2]), Err(UnpackError::Damaged(_))));
    assert!(matches!(unpack(b"no archive"), Err(UnpackError::Damaged(_))));
}

#[test]
fn finds_ids_as_providers_list_them() {
    let catalog = embedded();
    let exact = catalog.find("gemini", "gemini-2.5-pro").unwrap();
    assert_eq!(catalog.find("gemini", "models/gemini-2.5-pro"), Some(exact));
    assert_eq!(catalog.find("gemini", "Gemini-2.5-Pro"), Some(exact));
    assert!(catalog.find("azure_deployments", "gpt-5.1").is_some(), "another way to the same models");
    assert_eq!(catalog.find("openai", "gemini-2.5-pro"), None);
    assert_eq!(catalog.find("nobody", "gpt-5.1"), None);
}

#[test]
fn a_catalogue_that_shrank_is_unfit() {
    let (large, small) = (merge_of(&["a", "b", "c", "d"]), merge_of(&["a", "b"]));
    assert_eq!(large.check_against(&small), Ok(()));
    let error = small.check_against(&large).unwrap_err();
    assert_eq!((error.before, error.after), (4, 2));
}

fn merge_of(ids: &[&str]) -> Catalog {
    let litellm = edition("litellm", ids.iter().map(|id| (*id, priced("1", "2"))).collect());
    merge(Editions { overrides: &[], litellm: &litellm, models_dev: &[] })
}
