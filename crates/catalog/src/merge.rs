//! Several sources as one catalogue.
//!
//! LiteLLM's figures are the base for what is counted and paid; models.dev knows names, content and
//! dates better. Where both state a figure and differ, the one in use is the base's, and both are kept
//! as a disagreement: nothing is averaged. Prices that are a hundred times apart cannot both be of this
//! model, so neither is used.

use std::collections::BTreeSet;
use std::sync::Arc;

use megarouter_domain::catalog::{
    CatalogModel, Disagreement, Feature, Figure, Modality, Mode, Provenance, Set, Statement, Status,
};
use megarouter_domain::money::NanoUsdPerMillion;
use megarouter_domain::price::Tariff;

use crate::makers;
use crate::reading::{Edition, Key, Reading};
use crate::{Catalog, line::Shared};

/// Prices that differ by this factor are not of the same model.
const TOO_FAR: u64 = 100;

const TOO_FAR_NOTE: &str = "The sources' prices are a hundred times apart, so none is used. Look at the provider's page \
                            and set it by hand.";
const ZERO_NOTE: &str = "One source gives a price of zero and no other agrees. It may be free or not known, so no price is \
                         used.";

/// The editions to merge.
#[derive(Clone, Copy, Debug)]
pub struct Editions<'a> {
    /// Looked up by a person; before all others.
    pub overrides: &'a [Edition],
    /// LiteLLM's map.
    pub litellm: &'a Edition,
    /// models.dev, newest first. Older ones only add what newer ones leave out.
    pub models_dev: &'a [Edition],
}

/// What is said of one model, in the order of precedence for counted and paid figures.
struct Said<'a> {
    overrides: Vec<(&'a Edition, &'a Reading)>,
    base: Option<(&'a Edition, &'a Reading)>,
    others: Vec<(&'a Edition, &'a Reading)>,
}

/// A model in the making.
struct Draft<'a> {
    said: &'a Said<'a>,
    provenance: Vec<Provenance>,
    disagreements: Vec<Disagreement>,
    notes: Vec<Arc<str>>,
}

/// Makes one catalogue.
pub fn merge(editions: Editions<'_>) -> Catalog {
    let newest = editions.models_dev.first();
    let listed = [Some(editions.litellm), newest].into_iter().flatten();
    let keys: BTreeSet<&Key> = listed.flat_map(|edition| edition.readings.keys()).collect();
    let mut shared = Shared::default();
    let models = keys.into_iter().map(|key| one(key, &editions.of(key), &mut shared));
    // A name about which nobody says anything is of no use.
    let models = models.filter(is_known).collect();
    let all = editions.overrides.iter().chain([editions.litellm]).chain(editions.models_dev);
    Catalog::new(all.map(|edition| edition.source.clone()).collect(), models)
}

impl<'a> Editions<'a> {
    fn of(&self, key: &Key) -> Said<'a> {
        let find = |edition: &'a Edition| edition.readings.get(key).map(|reading| (edition, reading));
        Said {
            overrides: self.overrides.iter().filter_map(find).collect(),
            base: find(self.litellm),
            others: self.models_dev.iter().filter_map(find).collect(),
        }
    }
}

fn one((kind, id): &Key, said: &Said<'_>, shared: &mut Shared) -> CatalogModel {
    let mut draft = Draft { said, provenance: Vec::new(), disagreements: Vec::new(), notes: Vec::new() };
    let mode = said.counted().find_map(|(_, reading)| reading.mode).unwrap_or(Mode::Chat);
    let (input, output) = draft.modalities(mode);
    let name = draft.take(Figure::Name, said.described(), |reading| reading.name.clone());
    let family = said.described().find_map(|(_, reading)| reading.family.clone());
    let mut model = CatalogModel {
        kind: shared.text(kind),
        id: id.as_str().into(),
        name: name.unwrap_or_else(|| last_part(id).to_owned()).into(),
        maker: shared.text(makers::maker(kind, id)),
        family: family.map(|family| shared.text(&family)),
        mode,
        tariff: draft.tariff(id, mode),
        context_tokens: draft.context(),
        max_output_tokens: draft.max_output(),
        input,
        output,
        features: draft.features(),
        knowledge: draft.take(Figure::Knowledge, said.described(), |reading| reading.knowledge),
        released: draft.take(Figure::Released, said.described(), |reading| reading.released),
        shuts_down: draft.take(Figure::ShutsDown, said.counted(), |reading| reading.shuts_down),
        status: draft.status(id),
        replacement: draft
            .take(Figure::Replacement, said.counted(), |reading| reading.replacement.as_deref().map(Into::into)),
        open_weights: draft.take(Figure::OpenWeights, said.described(), |reading| reading.open_weights),
        page: said.counted().find_map(|(_, reading)| reading.page.as_deref()).map(|page| shared.text(page)),
        notes: Vec::new(),
        quality: Vec::new(),
        provenance: Vec::new(),
        disagreements: Vec::new(),
    };
    let notes = said.counted().flat_map(|(_, reading)| &reading.notes).map(|note| shared.text(note));
    model.notes = notes.collect();
    model.notes.append(&mut draft.notes);
    model.provenance = draft.provenance;
    model.provenance.sort_by_key(|provenance| provenance.figure);
    model.disagreements = draft.disagreements;
    model
}

impl<'a> Said<'a> {
    /// Who is asked for what is counted and paid, in order.
    fn counted(&self) -> impl Iterator<Item = (&'a Edition, &'a Reading)> {
        self.overrides.iter().chain(&self.base).chain(&self.others).copied()
    }

    /// Who is asked for names, content and dates, in order.
    fn described(&self) -> impl Iterator<Item = (&'a Edition, &'a Reading)> {
        self.overrides.iter().chain(&self.others).chain(&self.base).copied()
    }

    /// The two sources that are compared: the base and the newest edition of the other.
    fn compared(&self) -> Option<[(&'a Edition, &'a Reading); 2]> {
        Some([self.base?, *self.others.first()?])
    }
}

impl<'a> Draft<'a> {
    /// The first that is stated, with a note of who states it.
    fn take<T>(
        &mut self,
        figure: Figure,
        mut said: impl Iterator<Item = (&'a Edition, &'a Reading)>,
        of: impl Fn(&Reading) -> Option<T>,
    ) -> Option<T> {
        let (edition, value) = said.find_map(|(edition, reading)| Some((edition, of(reading)?)))?;
        self.note(figure, edition);
        Some(value)
    }

    fn note(&mut self, figure: Figure, edition: &Edition) {
        let (source, date) = (Arc::clone(&edition.source.id), edition.source.date);
        self.provenance.push(Provenance { figure, source, date });
    }

    fn differ(&mut self, figure: &str, values: [(&Edition, String); 2]) {
        let statement = |(edition, value): (&Edition, String)| Statement {
            source: Arc::clone(&edition.source.id),
            date: edition.source.date,
            value: value.into(),
        };
        let values = values.into_iter().map(statement).collect();
        self.disagreements.push(Disagreement { figure: figure.into(), values });
    }

    fn tariff(&mut self, id: &str, mode: Mode) -> Option<Tariff> {
        if let Some(tariff) = self.take(Figure::Price, self.said.overrides.iter().copied(), |it| it.tariff.clone()) {
            return Some(tariff);
        }
        let is_too_far = self.compare_prices();
        let said: Vec<_> = self.said.base.iter().chain(&self.said.others).copied().collect();
        let priced = said.iter().find(|(_, reading)| reading.tariff.as_ref().is_some_and(|tariff| !tariff.is_free()));
        if is_too_far {
            self.notes.push(TOO_FAR_NOTE.into());
            return None;
        }
        if let Some((edition, reading)) = priced {
            self.note(Figure::Price, edition);
            return reading.tariff.clone();
        }
        let mut free = said.iter().filter(|(_, reading)| reading.tariff.is_some());
        let (edition, reading) = free.next()?;
        let agree = self.said.base.is_some() && free.next().is_some();
        if !(agree || mode == Mode::Moderation || id.ends_with(":free")) {
            self.notes.push(ZERO_NOTE.into());
            return None;
        }
        self.note(Figure::Price, edition);
        reading.tariff.clone()
    }

    /// Notes where the sources' prices differ; true when they are too far apart to be used.
    fn compare_prices(&mut self) -> bool {
        let Some([(base, first), (other, second)]) = self.said.compared() else { return false };
        let (Some(one), Some(two)) = (&first.tariff, &second.tariff) else { return false };
        let rates = [
            ("price.input", Some(one.rates.input), Some(two.rates.input)),
            ("price.output", Some(one.rates.output), Some(two.rates.output)),
            ("price.cached_read", one.rates.cached_read, two.rates.cached_read),
        ];
        let mut is_too_far = false;
        for (figure, one, two) in rates {
            let (Some(one), Some(two)) = (one, two) else { continue };
            if one != two {
                self.differ(figure, [(base, one.to_usd()), (other, two.to_usd())]);
                is_too_far |= figure != "price.cached_read" && are_too_far(one, two);
            }
        }
        is_too_far
    }

    /// LiteLLM states the longest input, models.dev the whole context and at times the longest input.
    fn context(&mut self) -> Option<u64> {
        let is_override = |(_, reading): &&(&Edition, &Reading)| reading.context_tokens.is_some();
        if let Some((edition, reading)) = self.said.overrides.iter().find(is_override) {
            self.note(Figure::Context, edition);
            return reading.context_tokens;
        }
        let base = self.said.base.and_then(|(edition, reading)| Some((edition, reading, reading.input_tokens?)));
        let other = self.said.others.iter().find_map(|(edition, it)| Some((*edition, *it, it.context_tokens?)));
        match (base, other) {
            (Some((edition, reading, input)), Some((other, said, whole))) => {
                let with_output = reading.max_output_tokens.map(|output| input + output);
                if input == whole || said.input_tokens == Some(input) || with_output == Some(whole) {
                    self.note(Figure::Context, other);
                    return Some(whole);
                }
                self.differ("context", [(edition, input.to_string()), (other, whole.to_string())]);
                self.note(Figure::Context, edition);
                Some(input)
            }
            (Some((edition, _, tokens)), None) | (None, Some((edition, _, tokens))) => {
                self.note(Figure::Context, edition);
                Some(tokens)
            }
            (None, None) => None,
        }
    }

    fn max_output(&mut self) -> Option<u64> {
        if let Some([(base, first), (other, second)]) = self.said.compared()
            && let (Some(one), Some(two)) = (first.max_output_tokens, second.max_output_tokens)
            && one != two
        {
            self.differ("max_output", [(base, one.to_string()), (other, two.to_string())]);
        }
        self.take(Figure::MaxOutput, self.said.counted(), |reading| reading.max_output_tokens)
    }

    fn features(&mut self) -> Set<Feature> {
        let mut all = Set::EMPTY;
        let newest = self.said.others.first();
        for (edition, reading) in self.said.base.iter().chain(newest).copied() {
            if !reading.features.is_empty() {
                self.note(Figure::Features, edition);
                all = all.with(reading.features);
            }
        }
        all
    }

    fn modalities(&mut self, mode: Mode) -> (Set<Modality>, Set<Modality>) {
        let said = self.said.described();
        let of = |reading: &Reading| (!reading.input.is_empty()).then_some((reading.input, reading.output));
        let (mut input, mut output) = self.take(Figure::Modalities, said, of).unwrap_or_default();
        let (takes, gives) = usual(mode);
        input = input.with(takes);
        if output.is_empty() || matches!(mode, Mode::Chat | Mode::Completion) {
            output = output.with(gives);
        }
        (input, output)
    }

    fn status(&mut self, id: &str) -> Status {
        let is_preview = ["preview", "-beta", "-exp"].iter().any(|word| id.contains(word));
        let named = if is_preview { Status::Preview } else { Status::Current };
        self.take(Figure::Status, self.said.described(), |reading| reading.status).unwrap_or(named)
    }
}

/// What a model of this mode takes and gives at least.
fn usual(mode: Mode) -> (Set<Modality>, Set<Modality>) {
    let set = |modality| Set::from_iter([modality]);
    match mode {
        Mode::Chat | Mode::Completion => (set(Modality::Text), set(Modality::Text)),
        Mode::Image => (set(Modality::Text), set(Modality::Image)),
        Mode::Speech => (set(Modality::Text), set(Modality::Audio)),
        Mode::Transcription => (set(Modality::Audio), set(Modality::Text)),
        Mode::Embedding | Mode::Moderation | Mode::Rerank => (set(Modality::Text), Set::EMPTY),
    }
}

/// Zero against something says that one of them does not know, which is no matter of size.
fn are_too_far(one: NanoUsdPerMillion, two: NanoUsdPerMillion) -> bool {
    let (low, high) = (one.0.min(two.0), one.0.max(two.0));
    low != 0 && high / low >= TOO_FAR
}

fn is_known(model: &CatalogModel) -> bool {
    !(model.provenance.is_empty() && model.disagreements.is_empty() && model.notes.is_empty())
}

fn last_part(id: &str) -> &str {
    id.rsplit('/').next().unwrap_or(id)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{edition, priced};

    fn merged(litellm: Vec<(&'static str, Reading)>, models_dev: Vec<(&'static str, Reading)>) -> Catalog {
        let (litellm, models_dev) = (edition("litellm", litellm), [edition("models.dev", models_dev)]);
        merge(Editions { overrides: &[], litellm: &litellm, models_dev: &models_dev })
    }

    fn disagreements(model: &CatalogModel) -> Vec<(String, Vec<String>)> {
        let value = |said: &Statement| said.value.to_string();
        let of = |it: &Disagreement| (it.figure.to_string(), it.values.iter().map(value).collect());
        model.disagreements.iter().map(of).collect()
    }

    #[test]
    fn the_base_is_used_and_the_difference_kept() {
        let catalog = merged(vec![("m", priced("1", "2"))], vec![("m", priced("1", "2.5"))]);
        let model = catalog.find("openai", "m").unwrap();
        assert_eq!(model.tariff.as_ref().unwrap().rates.output.to_usd(), "2");
        assert_eq!(disagreements(model), [("price.output".to_owned(), vec!["2".to_owned(), "2.5".to_owned()])]);
        let price = model.provenance.iter().find(|it| it.figure == Figure::Price).unwrap();
        assert_eq!((&*price.source, price.date.to_string()), ("litellm", "2026-11-22".to_owned()));
    }

    #[test]
    fn prices_a_hundred_times_apart_are_not_used() {
        let catalog = merged(vec![("m", priced("1", "2"))], vec![("m", priced("0.01", "2"))]);
        let model = catalog.find("openai", "m").unwrap();
        assert_eq!(model.tariff, None);
        assert_eq!((model.notes.len(), model.disagreements.len()), (1, 1));
    }

    #[test]
    fn a_zero_counts_only_when_it_is_sure() {
        let zero = || priced("0", "0");
        let catalog = merged(
            vec![("one", zero()), ("both", zero()), ("other", zero()), ("some:free", zero())],
            vec![("both", zero()), ("other", priced("1", "2"))],
        );
        let tariff = |id| catalog.find("openai", id).unwrap().tariff.as_ref().map(|tariff| tariff.rates.input.to_usd());
        assert_eq!(tariff("one"), None);
        assert_eq!(tariff("both"), Some("0".to_owned()));
        assert_eq!(tariff("other"), Some("1".to_owned()), "who states a price knows more than who states none");
        assert_eq!(tariff("some:free"), Some("0".to_owned()));
    }

    #[test]
    fn a_context_without_the_output_is_no_disagreement() {
        let base = Reading { input_tokens: Some(272_000), max_output_tokens: Some(128_000), ..Reading::default() };
        let of = |context_tokens| Reading { context_tokens: Some(context_tokens), ..Reading::default() };
        let catalog = merged(
            vec![("a", base.clone()), ("b", base)],
            vec![("a", of(400_000)), ("b", of(300_000)), ("c", of(5)), ("d", Reading::default())],
        );
        let context = |id| catalog.find("openai", id).map(|model| (model.context_tokens, model.disagreements.len()));
        assert_eq!(context("a"), Some((Some(400_000), 0)));
        assert_eq!(context("b"), Some((Some(272_000), 1)));
        assert_eq!(context("c"), Some((Some(5), 0)), "who stands in one source only is listed too");
        assert_eq!(context("d"), None, "nobody says anything");
    }

    #[test]
    fn older_editions_add_figures_and_no_models_and_overrides_go_first() {
        let (litellm, new) = (edition("litellm", vec![("m", priced("1", "2"))]), edition("models.dev", vec![]));
        let dated = Reading { released: "2026-01-02".parse().ok(), ..Reading::default() };
        let old = edition("models.dev 2026-05", vec![("m", dated.clone()), ("gone", dated)]);
        let page = edition("page", vec![("m", Reading { replacement: Some("n".to_owned()), ..priced("9", "9") })]);
        let catalog = merge(Editions { overrides: &[page], litellm: &litellm, models_dev: &[new, old] });
        assert!(catalog.find("openai", "gone").is_none());
        let model = catalog.find("openai", "m").unwrap();
        assert_eq!(model.released.unwrap().to_string(), "2026-01-02");
        assert_eq!(model.tariff.as_ref().unwrap().rates.input.to_usd(), "9");
        assert_eq!(model.replacement.as_deref(), Some("n"));
    }
}
