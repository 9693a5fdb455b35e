//! Writes `crates/catalog/data` and `docs/MODELS.md` from the sources' files; `cargo xtask gen
//! catalogue` calls it.
//!
//! `catalogue ROOT SOURCES LITELLM MODELS_DEV...`: the root of the checkout, a JSON list of what the files
//! are in their order, then the files.
#![expect(clippy::print_stdout, reason = "prints what a person should look at")]

use std::collections::BTreeMap;
use std::error::Error;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs};

use megarouter_catalog::reading::Edition;
use megarouter_catalog::{Catalog, Editions, litellm, merge, models_dev, overrides, to_lines};
use megarouter_domain::catalog::{CatalogModel, Date, Source};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<PathBuf> = env::args_os().skip(1).map(PathBuf::from).collect();
    let [root, sources, files @ ..] = &arguments[..] else {
        return Err("say where the checkout, the list of sources and the files are".into());
    };
    let sources: Vec<Source> = serde_json::from_str(&fs::read_to_string(sources)?)?;
    let today = sources.iter().map(|source| source.date).max().ok_or("there is no source")?;
    let mut editions = Vec::new();
    for (file, source) in files.iter().zip(sources) {
        let text = fs::read_to_string(file)?;
        let read = if &*source.id == litellm::ID { litellm::read } else { models_dev::read };
        editions.push(read(&text, source)?);
    }
    let (litellm, models_dev) = editions.split_first().ok_or("there is no file")?;
    let catalog = merge(Editions { overrides: &overrides::embedded(), litellm, models_dev });
    write_lines(&root.join("crates/catalog/data"), &catalog)?;
    fs::write(root.join("docs/MODELS.md"), summary(&catalog, today))?;
    tell(&editions, &catalog, today);
    Ok(())
}

/// One file a kind of provider, and one for the sources.
fn write_lines(data: &Path, catalog: &Catalog) -> Result<(), Box<dyn Error>> {
    let models = data.join("models");
    if models.exists() {
        fs::remove_dir_all(&models)?;
    }
    fs::create_dir_all(&models)?;
    let mut lines = to_lines(catalog).into_iter();
    let header: BTreeMap<String, Vec<Source>> = serde_json::from_str(&lines.next().unwrap_or_default())?;
    fs::write(data.join("sources.json"), serde_json::to_string_pretty(&header)? + "\n")?;
    let mut files = BTreeMap::<&str, String>::new();
    for (model, line) in catalog.models().iter().zip(lines) {
        writeln!(files.entry(&model.kind).or_default(), "{line}")?;
    }
    for (kind, text) in files {
        fs::write(models.join(format!("{kind}.jsonl")), text)?;
    }
    Ok(())
}

/// The catalogue in figures, and what needs a person's eye.
fn summary(catalog: &Catalog, today: Date) -> String {
    let mut text = String::from(
        "# Models\n\nThe catalogue that comes with the program, in figures. `cargo xtask gen catalogue` writes this page \
         and the lines in `crates/catalog/data/models`, from the editions below.\n\n\
         | source | edition | date | licence | SHA-256 |\n| --- | --- | --- | --- | --- |\n",
    );
    for source in catalog.sources() {
        let sha256 = source.sha256.get(..16).map_or_else(String::new, |start| format!("`{start}…`"));
        let Source { name, version, date, licence, url, .. } = source;
        let _ = writeln!(text, "| [{name}]({url}) | {version} | {date} | {licence} | {sha256} |");
    }
    let current: Vec<_> = catalog.current(today).collect();
    let hidden = catalog.models().len() - current.len();
    let _ = writeln!(
        text,
        "\n{} models of {} makers at {} kinds of providers; {hidden} more are past their shutdown date and hidden.\n\n\
         | kind | models | with a price | hidden | sources differ |\n| --- | --: | --: | --: | --: |",
        current.len(),
        catalog.makers(),
        catalog.kinds(),
    );
    let mut kinds = BTreeMap::<&str, Vec<&CatalogModel>>::new();
    catalog.models().iter().for_each(|model| kinds.entry(&model.kind).or_default().push(model));
    for (kind, models) in kinds {
        let count = |fits: &dyn Fn(&&&CatalogModel) -> bool| models.iter().filter(fits).count();
        let _ = writeln!(
            text,
            "| {kind} | {} | {} | {} | {} |",
            count(&|model| !model.is_gone(today)),
            count(&|model| !model.is_gone(today) && model.tariff.is_some()),
            count(&|model| model.is_gone(today)),
            count(&|model| !model.is_gone(today) && !model.disagreements.is_empty()),
        );
    }
    text.push_str("\n## Prices on which the sources differ\n\nUS dollars per million tokens; the first is in use.\n\n");
    text.push_str("| kind | model | figure | values |\n| --- | --- | --- | --- |\n");
    for model in current {
        for it in model.disagreements.iter().filter(|it| it.figure.starts_with("price")) {
            let values: Vec<_> = it.values.iter().map(|said| format!("{} {}", said.value, said.source)).collect();
            let _ = writeln!(text, "| {} | {} | {} | {} |", model.kind, model.id, it.figure, values.join(", "));
        }
    }
    text
}

fn tell(editions: &[Edition], catalog: &Catalog, today: Date) {
    for edition in editions {
        let source = &edition.source;
        println!(
            "{} {}: {} models, {} unreadable",
            source.id,
            source.version,
            edition.readings.len(),
            edition.unreadable.len()
        );
        for reason in &edition.unreadable {
            println!("  {reason}");
        }
    }
    let mut figures = BTreeMap::<&str, usize>::new();
    for it in catalog.current(today).flat_map(|model| &model.disagreements) {
        *figures.entry(&it.figure).or_default() += 1;
    }
    println!("{} models, {} current; sources differ on:", catalog.models().len(), catalog.current(today).count());
    for (figure, count) in figures {
        println!("  {figure}: {count}");
    }
    let mut unpriced = BTreeMap::<&str, Vec<String>>::new();
    for model in catalog.current(today).filter(|model| model.tariff.is_none()) {
        let name = format!("{} {}", model.kind, model.id);
        model.notes.iter().for_each(|note| unpriced.entry(note).or_default().push(name.clone()));
    }
    for (note, models) in unpriced {
        println!("no price for {}: {note}\n  {}", models.len(), models.join(", "));
    }
}
