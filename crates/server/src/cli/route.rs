//! `route score`
//!
//! Works on files alone: no instance is asked, and nothing of an organisation's own is read.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{BufRead as _, BufReader, BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use clap::{Args, Subcommand};
use megarouter_routing::features::{Features, Text};
use megarouter_routing::learnt::{Learnt, Outcome};
use megarouter_routing::predictor::ability::LINES;
use megarouter_routing::predictor::{ModelTraits, Predictor, Task};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::output::note;

/// See what the router makes of prompts.
#[derive(Subcommand)]
pub enum Route {
    /// Score prompts in bulk, so that others can judge the router on data of their own
    Score(Score),
    /// Say where a prompt would go and why; nothing is sent
    Explain(super::explain::Explain),
}

/// Score prompts in bulk.
#[derive(Args)]
pub struct Score {
    /// The prompts: lines of JSON with `id` and `prompt`
    #[arg(long = "in", value_name = "FILE")]
    prompts: PathBuf,
    /// The file to write: lines of JSON with `id`, `need`, `family` and `models`
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// Outcomes to learn from first: lines of JSON with `prompt`, `model` and `score`
    #[arg(long, value_name = "FILE")]
    feedback: Option<PathBuf>,
}

#[derive(Deserialize)]
struct Prompt {
    id: String,
    prompt: String,
}

#[derive(Deserialize)]
struct Said {
    prompt: String,
    model: String,
    score: f32,
}

#[derive(Serialize)]
struct Scored<'a> {
    id: &'a str,
    need: f32,
    family: &'static str,
    models: BTreeMap<&'a str, f32>,
}

impl Score {
    /// Does what was asked.
    pub fn run(self) -> anyhow::Result<ExitCode> {
        let learnt = self.feedback.as_deref().map(learn).transpose()?.unwrap_or_default();
        let count = write_whole(&self.out, |out| score_all(&self.prompts, &learnt, out))?;
        note(&format!("{count} prompts scored, {} outcomes learnt from", learnt.outcomes()));
        Ok(ExitCode::SUCCESS)
    }
}

/// Learns from a file of outcomes, those of one prompt together and the prompts in an order of no meaning.
fn learn(path: &Path) -> anyhow::Result<Learnt> {
    let mut said: Vec<(Vec<u8>, Said)> = Vec::new();
    for_each_line(path, |line: Said| {
        if !(0.0..=1.0).contains(&line.score) {
            bail!("a score is between 0 and 1, not {}", line.score);
        }
        said.push((Sha256::digest(&line.prompt).to_vec(), line));
        Ok(())
    })?;
    said.sort_by(|left, right| (&left.0, &left.1.model).cmp(&(&right.0, &right.1.model)));
    let predictor = Predictor::embedded();
    let mut learnt = Learnt::default();
    let mut last: Option<(&str, Task)> = None;
    for (_, Said { prompt, model, score }) in &said {
        let task = match last.take() {
            Some((seen, task)) if seen == prompt => task,
            _ => task_of(prompt),
        };
        let outcome = Outcome {
            task: &task,
            model: ModelTraits { name: model, ..ModelTraits::default() },
            score: *score,
            weight: 1.0,
        };
        learnt.learn(predictor, &outcome);
        last = Some((prompt, task));
    }
    learnt.refresh();
    Ok(learnt)
}

fn score_all(path: &Path, learnt: &Learnt, out: &mut impl std::io::Write) -> anyhow::Result<u64> {
    let mut count = 0;
    for_each_line(path, |line: Prompt| {
        serde_json::to_writer(&mut *out, &score_one(&line, learnt))?;
        out.write_all(b"\n")?;
        count += 1;
        Ok(())
    })?;
    Ok(count)
}

fn score_one<'a>(prompt: &'a Prompt, learnt: &'a Learnt) -> Scored<'a> {
    let predictor = Predictor::embedded();
    let task = task_of(&prompt.prompt);
    let quality = |name: &'a str| {
        let traits = ModelTraits { name, ..ModelTraits::default() };
        (name, predictor.quality(&task, &traits, learnt).mean)
    };
    let names = LINES.iter().map(|line| line.name).chain(learnt.models());
    Scored {
        id: &prompt.id,
        need: learnt.need(&task),
        family: task.family.as_str(),
        models: names.map(quality).collect(),
    }
}

fn task_of(prompt: &str) -> Task {
    Predictor::embedded().task(&Features::of(&Text { user: prompt, ..Text::default() }))
}

/// Reads lines of JSON one by one; says which line is wrong.
fn for_each_line<Line: DeserializeOwned>(
    path: &Path,
    mut each: impl FnMut(Line) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let file = File::open(path).with_context(|| format!("cannot read {}", path.display()))?;
    for (index, line) in BufReader::new(file).lines().enumerate() {
        let place = || format!("line {} of {}", index + 1, path.display());
        let line = line.with_context(place)?;
        if !line.trim().is_empty() {
            serde_json::from_str(&line).map_err(anyhow::Error::from).and_then(&mut each).with_context(place)?;
        }
    }
    Ok(())
}

/// Writes a file under another name first, so that it is there whole or not at all.
fn write_whole(path: &Path, write: impl FnOnce(&mut BufWriter<File>) -> anyhow::Result<u64>) -> anyhow::Result<u64> {
    let mut name = path.file_name().context("the file to write has no name")?.to_owned();
    name.push(format!(".{}.part", std::process::id()));
    let part = path.with_file_name(name);
    let file = File::create_new(&part).with_context(|| format!("cannot write {}", part.display()))?;
    let mut out = BufWriter::new(file);
    let written = write(&mut out).and_then(|count| {
        out.flush()?;
        fs::rename(&part, path).with_context(|| format!("cannot write {}", path.display()))?;
        Ok(count)
    });
    if written.is_err() {
        // What is half written is of no use; what was wrong is said, not that this failed too.
        let _ = fs::remove_file(&part);
    }
    written
}

#[cfg(test)]
mod tests {
    use super::*;

    fn score(folder: &Path, prompts: &str, feedback: Option<&str>) -> anyhow::Result<String> {
        let file = |name: &str, text: &str| {
            let path = folder.join(name);
            fs::write(&path, text).map(|()| path)
        };
        let out = folder.join("scores.jsonl");
        let feedback = feedback.map(|text| file("outcomes.jsonl", text)).transpose()?;
        Score { prompts: file("prompts.jsonl", prompts)?, out: out.clone(), feedback }.run()?;
        Ok(fs::read_to_string(out)?)
    }

    #[test]
    fn every_prompt_is_scored_in_its_place() {
        let folder = tempfile::tempdir().expect("a folder");
        let written = score(
            folder.path(),
            "{\"id\": \"a\", \"prompt\": \"Prove it.\"}\n\n{\"id\": \"b\", \"prompt\": \"\"}\n",
            None,
        )
        .expect("scores");
        let lines: Vec<serde_json::Value> =
            written.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
        assert_eq!((lines.len(), &lines[0]["id"], &lines[1]["id"]), (2, &"a".into(), &"b".into()));
        let need = lines[0]["need"].as_f64().expect("a number");
        assert!((0.0..=1.0).contains(&need));
        assert!(lines[0]["models"]["gpt-4o"].as_f64() > lines[0]["models"]["llama-3-8b"].as_f64());
    }

    #[test]
    fn models_of_the_outcomes_are_scored_too() {
        let folder = tempfile::tempdir().expect("a folder");
        let outcomes = (0..40).map(|index| format!("{{\"prompt\": \"q{index}\", \"model\": \"ours\", \"score\": 1}}\n{{\"prompt\": \"q{index}\", \"model\": \"theirs\", \"score\": 0}}\n"));
        let written = score(folder.path(), "{\"id\": \"a\", \"prompt\": \"q1\"}", Some(&outcomes.collect::<String>()))
            .expect("scores");
        let line: serde_json::Value = serde_json::from_str(&written).expect("JSON");
        assert!(line["models"]["ours"].as_f64() > line["models"]["theirs"].as_f64());
    }

    #[test]
    fn a_bad_line_is_named_and_nothing_is_left_behind() {
        let folder = tempfile::tempdir().expect("a folder");
        let error =
            score(folder.path(), "{\"id\": \"a\", \"prompt\": \"x\"}\n{\"id\": 3}\n", None).expect_err("a bad line");
        assert!(format!("{error:#}").contains("line 2 of"), "{error:#}");
        let left: Vec<_> = fs::read_dir(folder.path())
            .expect("the folder")
            .map(|entry| entry.expect("an entry").file_name())
            .collect();
        assert_eq!(left, ["prompts.jsonl"]);
        let error = score(folder.path(), "", Some("{\"prompt\": \"x\", \"model\": \"m\", \"score\": 7}"))
            .expect_err("a bad score");
        assert!(format!("{error:#}").contains("between 0 and 1"), "{error:#}");
    }
}
