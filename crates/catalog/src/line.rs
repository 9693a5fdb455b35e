//! A model as one line of JSON: what is kept in `data/`, what is embedded, and what a refresh keeps.
//!
//! Made to be read in a diff: prices are US dollars per million, and nothing that is not known stands
//! there.

use std::collections::BTreeMap;
use std::sync::Arc;

use megarouter_domain::catalog::{
    CatalogModel, Date, Disagreement, Feature, Figure, Modality, Mode, Provenance, Quality, Set, Source, Statement,
    Status,
};
use megarouter_domain::money::NanoUsdPerMillion;
use megarouter_domain::price::{Rates, Tariff, Tier};
use megarouter_domain::usage::ServiceTier;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A price as text, e.g. `0.125`.
#[derive(Clone, Copy)]
struct Usd(NanoUsdPerMillion);

/// Rates by the names of the classes.
type Prices = BTreeMap<String, Usd>;

/// One line.
#[derive(Serialize, Deserialize)]
pub(crate) struct Line {
    kind: Arc<str>,
    id: Box<str>,
    name: Box<str>,
    maker: Arc<str>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    family: Option<Arc<str>>,
    mode: Mode,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    price: Option<Prices>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    tiers: Vec<TierLine>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    context: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    max_output: Option<u64>,
    #[serde(default)]
    input: Set<Modality>,
    #[serde(default)]
    output: Set<Modality>,
    #[serde(default, skip_serializing_if = "Set::is_empty")]
    features: Set<Feature>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    knowledge: Option<Date>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    released: Option<Date>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    shuts_down: Option<Date>,
    #[serde(default, skip_serializing_if = "is_current")]
    status: Status,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    replacement: Option<Box<str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    open_weights: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    page: Option<Arc<str>>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    notes: Vec<Arc<str>>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    quality: Vec<Quality>,
    /// Figures by the source that states them.
    from: BTreeMap<Arc<str>, Vec<Figure>>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    disagreements: Vec<DisagreementLine>,
}

#[derive(Serialize, Deserialize)]
struct TierLine {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    service: Option<ServiceTier>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    above_input_tokens: Option<u64>,
    price: Prices,
}

#[derive(Serialize, Deserialize)]
struct DisagreementLine {
    figure: Arc<str>,
    /// Source and value; the first is in use.
    values: Vec<(Arc<str>, Box<str>)>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn is_current(status: &Status) -> bool {
    *status == Status::Current
}

impl Line {
    pub(crate) fn of(model: &CatalogModel) -> Self {
        let tariff = model.tariff.as_ref();
        let mut from = BTreeMap::<_, Vec<Figure>>::new();
        for provenance in &model.provenance {
            from.entry(Arc::clone(&provenance.source)).or_default().push(provenance.figure);
        }
        Self {
            kind: Arc::clone(&model.kind),
            id: model.id.clone(),
            name: model.name.clone(),
            maker: Arc::clone(&model.maker),
            family: model.family.clone(),
            mode: model.mode,
            price: tariff.map(|tariff| prices(&tariff.rates)),
            tiers: tariff.map(|tariff| tariff.tiers.iter().map(TierLine::of).collect()).unwrap_or_default(),
            context: model.context_tokens,
            max_output: model.max_output_tokens,
            input: model.input,
            output: model.output,
            features: model.features,
            knowledge: model.knowledge,
            released: model.released,
            shuts_down: model.shuts_down,
            status: model.status,
            replacement: model.replacement.clone(),
            open_weights: model.open_weights,
            page: model.page.clone(),
            notes: model.notes.clone(),
            quality: model.quality.clone(),
            from,
            disagreements: model.disagreements.iter().map(DisagreementLine::of).collect(),
        }
    }

    /// The model; what is said by a source that is not listed is said by nobody, and left out.
    pub(crate) fn into_model(self, sources: &[Source], shared: &mut Shared) -> CatalogModel {
        let date = |id: &str| sources.iter().find(|source| &*source.id == id).map(|source| source.date);
        let provenance = self.from.into_iter().filter_map(|(source, figures)| Some((date(&source)?, source, figures)));
        let mut provenance: Vec<Provenance> = provenance
            .flat_map(|(date, source, figures)| {
                let source = shared.text(&source);
                figures.into_iter().map(move |figure| Provenance { figure, source: Arc::clone(&source), date })
            })
            .collect();
        provenance.sort_by_key(|provenance| provenance.figure);
        let tiers = self.tiers;
        CatalogModel {
            kind: shared.text(&self.kind),
            id: self.id,
            name: self.name,
            maker: shared.text(&self.maker),
            family: self.family.map(|family| shared.text(&family)),
            mode: self.mode,
            tariff: self.price.map(|price| Tariff {
                rates: rates(&price),
                tiers: tiers.into_iter().map(TierLine::into_tier).collect(),
            }),
            context_tokens: self.context,
            max_output_tokens: self.max_output,
            input: self.input,
            output: self.output,
            features: self.features,
            knowledge: self.knowledge,
            released: self.released,
            shuts_down: self.shuts_down,
            status: self.status,
            replacement: self.replacement,
            open_weights: self.open_weights,
            page: self.page.map(|page| shared.text(&page)),
            notes: self.notes.iter().map(|note| shared.text(note)).collect(),
            quality: self.quality,
            provenance,
            disagreements: self.disagreements.into_iter().map(|line| line.into_disagreement(&date, shared)).collect(),
        }
    }
}

impl TierLine {
    fn of(tier: &Tier) -> Self {
        Self { service: tier.service, above_input_tokens: tier.above_input_tokens, price: prices(&tier.rates) }
    }

    fn into_tier(self) -> Tier {
        Tier { service: self.service, above_input_tokens: self.above_input_tokens, rates: rates(&self.price) }
    }
}

impl DisagreementLine {
    fn of(disagreement: &Disagreement) -> Self {
        let values = disagreement.values.iter().map(|said| (Arc::clone(&said.source), said.value.clone()));
        Self { figure: Arc::clone(&disagreement.figure), values: values.collect() }
    }

    fn into_disagreement(self, date: &impl Fn(&str) -> Option<Date>, shared: &mut Shared) -> Disagreement {
        let values = self.values.into_iter().filter_map(|(source, value)| {
            Some(Statement { date: date(&source)?, source: shared.text(&source), value })
        });
        Disagreement { values: values.collect(), figure: shared.text(&self.figure) }
    }
}

/// The classes with their names, as stored.
fn classes(rates: &mut Rates) -> [(&'static str, &mut Option<NanoUsdPerMillion>); 13] {
    [
        ("cached_read", &mut rates.cached_read),
        ("cache_write", &mut rates.cache_write),
        ("cache_write_1h", &mut rates.cache_write_1h),
        ("reasoning", &mut rates.reasoning),
        ("audio_input", &mut rates.audio_input),
        ("audio_output", &mut rates.audio_output),
        ("image_input", &mut rates.image_input),
        ("image_output", &mut rates.image_output),
        ("image", &mut rates.image),
        ("audio_ms", &mut rates.audio_ms),
        ("character", &mut rates.character),
        ("search", &mut rates.search),
        ("request", &mut rates.request),
    ]
}

fn prices(rates: &Rates) -> Prices {
    let mut copy = *rates;
    let said = classes(&mut copy).into_iter().filter_map(|(name, rate)| Some((name.to_owned(), Usd((*rate)?))));
    let mut prices: Prices = said.collect();
    for (name, rate) in [("input", rates.input), ("output", rates.output)] {
        if rate.0 != 0 {
            prices.insert(name.to_owned(), Usd(rate));
        }
    }
    prices
}

fn rates(prices: &Prices) -> Rates {
    let of = |name: &str| prices.get(name).map(|price| price.0);
    let mut rates =
        Rates { input: of("input").unwrap_or_default(), output: of("output").unwrap_or_default(), ..Rates::default() };
    for (name, rate) in classes(&mut rates) {
        *rate = of(name);
    }
    rates
}

impl Serialize for Usd {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0.to_usd())
    }
}

impl<'de> Deserialize<'de> for Usd {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        NanoUsdPerMillion::parse_usd(&text).map(Self).map_err(serde::de::Error::custom)
    }
}

/// Texts that many models have in common, kept once.
#[derive(Default)]
pub(crate) struct Shared(std::collections::HashSet<Arc<str>>);

impl Shared {
    pub(crate) fn text(&mut self, text: &str) -> Arc<str> {
        if let Some(known) = self.0.get(text) {
            return Arc::clone(known);
        }
        let text: Arc<str> = text.into();
        self.0.insert(Arc::clone(&text));
        text
    }
}
