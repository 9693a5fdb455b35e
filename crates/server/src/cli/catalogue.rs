//! `catalogue list`, `catalogue show`, `catalogue refresh`, `catalogue status`

use std::process::ExitCode;

use clap::{Args, Subcommand};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;

use super::door::{Door, parse};
use super::output::{note, say, table};

/// Look up what is known of models: prices, limits, abilities, dates.
#[derive(Subcommand)]
pub enum Catalogue {
    /// List models that are served, of every kind of provider
    List(List),
    /// Say everything about one model, and who says so
    Show(Show),
    /// Fetch the catalogue anew from its public sources
    Refresh(Json),
    /// Say what the catalogue was made of, and when it is refreshed
    Status(Json),
}

/// Which models to list.
#[derive(Args)]
pub struct List {
    /// Only those with this in id, name, maker or family
    search: Option<String>,
    /// Only of providers of this kind, such as openai
    #[arg(long)]
    kind: Option<String>,
    /// Only called for this: chat, embedding, image, speech, ...
    #[arg(long)]
    mode: Option<String>,
    /// Only what configured providers could serve
    #[arg(long)]
    mine: bool,
    /// Answer in JSON
    #[arg(long)]
    json: bool,
}

/// Which model to show.
#[derive(Args)]
pub struct Show {
    /// The kind of its provider, such as openai
    kind: String,
    /// The provider's own id of it
    id: String,
    /// Answer in JSON
    #[arg(long)]
    json: bool,
}

/// How to answer.
#[derive(Args)]
pub struct Json {
    /// Answer in JSON
    #[arg(long)]
    json: bool,
}

#[derive(Deserialize)]
struct Listed {
    models: Vec<Model>,
    hidden: u64,
}

#[derive(Deserialize)]
struct Model {
    kind: String,
    id: String,
    name: String,
    maker: String,
    mode: String,
    price: Option<Glance>,
    context: Option<u64>,
    max_output: Option<u64>,
    features: Vec<String>,
    released: Option<String>,
    shuts_down: Option<String>,
}

#[derive(Deserialize)]
struct Glance {
    input: String,
    output: String,
    per_unit: Option<UnitPrice>,
}

#[derive(Deserialize)]
struct UnitPrice {
    unit: String,
    rate: String,
}

#[derive(Deserialize)]
struct Detail {
    #[serde(flatten)]
    model: Model,
    page: Option<String>,
    replacement: Option<String>,
    notes: Vec<String>,
    provenance: Vec<Provenance>,
    disagreement_list: Vec<Disagreement>,
    alternatives: Vec<Alternative>,
}

#[derive(Deserialize)]
struct Provenance {
    figure: String,
    source: String,
    date: String,
}

#[derive(Deserialize)]
struct Disagreement {
    figure: String,
    values: Vec<Value>,
}

#[derive(Deserialize)]
struct Value {
    source: String,
    value: String,
}

#[derive(Deserialize)]
struct Alternative {
    kind: String,
    id: String,
    blended: String,
    saving_percent: u64,
}

#[derive(Deserialize)]
struct Status {
    origin: String,
    models: u64,
    makers: u64,
    disagreements: u64,
    sources: Vec<Source>,
    refresh: Option<bool>,
    last_success: Option<String>,
    last_error: Option<String>,
    next_attempt: Option<String>,
    prices_changed: u64,
    prices_held_back: u64,
}

#[derive(Deserialize)]
struct Source {
    name: String,
    version: String,
    date: String,
}

impl Catalogue {
    pub async fn run(self, door: &mut Door) -> anyhow::Result<ExitCode> {
        match self {
            Self::List(verb) => verb.run(door).await,
            Self::Show(verb) => verb.run(door).await,
            Self::Refresh(verb) => verb.tell(&door.post_text("/catalog/refresh", &()).await?),
            Self::Status(verb) => verb.tell(&door.get_text("/catalog/status").await?),
        }
    }
}

impl List {
    async fn run(self, door: &mut Door) -> anyhow::Result<ExitCode> {
        let answer = door.get_text(&format!("/catalog?{}", self.query())).await?;
        if self.json {
            say(&answer);
            return Ok(ExitCode::SUCCESS);
        }
        let Listed { models, hidden } = parse(&answer)?;
        let rows: Vec<_> = models.iter().map(row).collect();
        table(&["KIND", "MODEL", "MAKER", "FOR", "CONTEXT", "USD PER MILLION IN / OUT"], &rows);
        note(&format!("{} models; {hidden} are not served any more and left out", rows.len()));
        Ok(ExitCode::SUCCESS)
    }

    fn query(&self) -> String {
        let asked = [("q", &self.search), ("kind", &self.kind), ("mode", &self.mode)];
        let mut parts: Vec<String> = asked
            .into_iter()
            .filter_map(|(name, text)| Some(format!("{name}={}", encoded(text.as_deref()?))))
            .collect();
        parts.extend(self.mine.then(|| "mine=true".to_owned()));
        parts.join("&")
    }
}

impl Show {
    async fn run(self, door: &mut Door) -> anyhow::Result<ExitCode> {
        let path = format!("/catalog/model?kind={}&id={}", encoded(&self.kind), encoded(&self.id));
        let answer = door.get_text(&path).await?;
        if self.json {
            say(&answer);
            return Ok(ExitCode::SUCCESS);
        }
        let detail: Detail = parse(&answer)?;
        for (label, text) in facts(&detail) {
            say(&format!("{label:<12}{text}"));
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl Json {
    fn tell(&self, answer: &str) -> anyhow::Result<ExitCode> {
        if self.json {
            say(answer);
            return Ok(ExitCode::SUCCESS);
        }
        let status: Status = parse(answer)?;
        say(&format!(
            "{} models of {} makers, {}; the sources differ on {}",
            status.models, status.makers, status.origin, status.disagreements
        ));
        for source in &status.sources {
            say(&format!("  {} {} of {}", source.name, source.version, source.date));
        }
        say(match status.refresh {
            Some(true) => "refreshed once a day",
            Some(false) => "not refreshed by itself",
            None => "not refreshed by itself: nobody was asked yet",
        });
        let moments = [
            ("last refresh", status.last_success),
            ("next refresh", status.next_attempt),
            ("last failure", status.last_error),
        ];
        for (label, text) in moments.into_iter().filter_map(|(label, text)| Some((label, text?))) {
            say(&format!("{label}: {text}"));
        }
        if status.prices_changed + status.prices_held_back > 0 {
            say(&format!(
                "prices changed: {}; held back for a person: {}",
                status.prices_changed, status.prices_held_back
            ));
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn row(model: &Model) -> Vec<String> {
    let context = model.context.map_or_else(|| "?".to_owned(), |tokens| tokens.to_string());
    vec![model.kind.clone(), model.id.clone(), model.maker.clone(), model.mode.clone(), context, price(model)]
}

fn price(model: &Model) -> String {
    match &model.price {
        None => "unknown".to_owned(),
        Some(Glance { per_unit: Some(UnitPrice { unit, rate }), .. }) => format!("{rate} by the {unit}"),
        Some(Glance { input, output, .. }) => format!("{input} / {output}"),
    }
}

fn facts(detail: &Detail) -> Vec<(&'static str, String)> {
    let model = &detail.model;
    let tokens = |count: Option<u64>| count.map_or_else(|| "unknown".to_owned(), |count| format!("{count} tokens"));
    let mut facts = vec![
        ("model", format!("{} ({} {})", model.name, model.kind, model.id)),
        ("maker", model.maker.clone()),
        ("for", model.mode.clone()),
        ("price", format!("{} USD per million", price(model))),
        ("context", tokens(model.context)),
        ("max output", tokens(model.max_output)),
        ("can", model.features.join(", ")),
    ];
    let dates = [
        ("released", &model.released),
        ("shuts down", &model.shuts_down),
        ("replacement", &detail.replacement),
        ("page", &detail.page),
    ];
    facts.extend(dates.into_iter().filter_map(|(label, text)| Some((label, text.clone()?))));
    facts.extend(detail.notes.iter().map(|text| ("note", text.clone())));
    let said = |it: &Provenance| ("source", format!("{}: {} of {}", it.figure, it.source, it.date));
    facts.extend(detail.provenance.iter().map(said));
    let differ = |it: &Disagreement| {
        let values: Vec<_> = it.values.iter().map(|value| format!("{} {}", value.source, value.value)).collect();
        ("differs", format!("{}: {}", it.figure, values.join(", ")))
    };
    facts.extend(detail.disagreement_list.iter().map(differ));
    let cheaper = |it: &Alternative| {
        ("cheaper", format!("{} {} at {} blended ({} % less)", it.kind, it.id, it.blended, it.saving_percent))
    };
    facts.extend(detail.alternatives.iter().map(cheaper));
    facts
}

fn encoded(text: &str) -> String {
    utf8_percent_encode(text, NON_ALPHANUMERIC).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_search_cannot_break_out_of_its_place() {
        let list = List {
            search: Some("gpt 5&kind=x".to_owned()),
            kind: Some("openai".to_owned()),
            mode: None,
            mine: true,
            json: false,
        };
        assert_eq!(list.query(), "q=gpt%205%26kind%3Dx&kind=openai&mine=true");
    }
}
