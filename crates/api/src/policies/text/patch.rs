//! Writing into a text that somebody wrote, without touching what did not change.
//!
//! Works on lines, for the usual layout: `rules:` with one item for each rule, one line or more for each
//! field. A rule that is in the text already is taken over with the comments above it; of one that is
//! changed, the lines of the fields that differ are written anew.

use super::entry::{BodyEntry, RuleEntry};
use super::places::Places;
use super::write::{fields, rule_text, words};

/// A rule in the text.
struct Block<'a> {
    /// The comments above it.
    head: Vec<&'a str>,
    /// Its own lines.
    lines: Vec<&'a str>,
    says: RuleEntry,
    is_taken: bool,
}

/// The old text with what the new entry says; `None` when it has another layout.
pub(super) fn patch(old: &str, new: &BodyEntry) -> Option<String> {
    let said: BodyEntry = serde_saphyr::from_str(old).ok()?;
    let lines: Vec<&str> = old.lines().collect();
    let start = lines.iter().position(|line| line.trim_end() == "rules:")?;
    let firsts = first_lines(old, &lines)?;
    let end = end_of_rules(&lines, *firsts.last()?);
    let mut blocks = blocks(&lines, start, &firsts, end, said.rules)?;
    let indent = " ".repeat(indent_of(lines.get(*firsts.first()?)?));
    let mut text = head(&lines[..start], &said.takes_over, new);
    text.push_str("rules:\n");
    for (index, rule) in new.rules.iter().enumerate() {
        text.push_str(&write_rule(rule, index, &mut blocks, &indent));
    }
    text.extend(lines[end..].iter().map(|line| format!("{line}\n")));
    Some(text)
}

/// The comments at the beginning of a text.
pub(super) fn leading_comments(text: &str) -> String {
    let comments = text.lines().take_while(|line| line.trim_start().starts_with('#'));
    comments.map(|line| format!("{line}\n")).collect()
}

/// The line that each rule begins with, from 0; its item must begin with a dash.
fn first_lines(old: &str, lines: &[&str]) -> Option<Vec<usize>> {
    let places = Places::of(old);
    let at = |line: u64| usize::try_from(line).ok()?.checked_sub(1);
    let firsts: Vec<usize> = places.rule_lines().map(at).collect::<Option<_>>()?;
    let begins = |line: &usize| lines.get(*line).is_some_and(|line| line.trim_start().starts_with("- "));
    (!firsts.is_empty() && firsts.iter().all(begins)).then_some(firsts)
}

/// The first line after the last rule: one that is no comment and no further in than a key of the policy.
fn end_of_rules(lines: &[&str], last: usize) -> usize {
    let is_outside = |line: &&str| !line.trim().is_empty() && !line.starts_with([' ', '#', '-']);
    lines[last + 1..].iter().position(is_outside).map_or(lines.len(), |past| last + 1 + past)
}

fn blocks<'a>(
    lines: &[&'a str],
    start: usize,
    firsts: &[usize],
    end: usize,
    rules: Vec<RuleEntry>,
) -> Option<Vec<Block<'a>>> {
    let mut blocks = Vec::new();
    let mut from = start + 1;
    for (index, says) in rules.into_iter().enumerate() {
        let first = *firsts.get(index)?;
        let next = firsts.get(index + 1).copied().unwrap_or(end);
        // Comments and empty lines right above the next rule are the next one's.
        let is_between = |line: &&&str| line.trim().is_empty() || line.trim_start().starts_with('#');
        let own = lines.get(first..next)?;
        let above = if next == end { 0 } else { own.iter().rev().take_while(is_between).count() };
        let (own, _) = own.split_at(own.len() - above);
        blocks.push(Block { head: lines.get(from..first)?.to_vec(), lines: own.to_vec(), says, is_taken: false });
        from = next - above;
    }
    Some(blocks)
}

/// What stands before the rules, with the names taken over as they are to be.
fn head(lines: &[&str], said: &[String], new: &BodyEntry) -> String {
    let mut text = String::new();
    let wanted = format!("takes_over: {}\n", words(&new.takes_over));
    let is_same = said == new.takes_over;
    let mut is_written = is_same;
    let mut is_skipping = false;
    for line in lines {
        let is_field = line.starts_with("takes_over:");
        is_skipping = !is_same && (is_field || (is_skipping && line.starts_with([' ', '-'])));
        if is_field && !is_same && !new.takes_over.is_empty() {
            text.push_str(&wanted);
            is_written = true;
        }
        if !is_skipping {
            text.push_str(line);
            text.push('\n');
        }
    }
    if !is_written && !new.takes_over.is_empty() {
        text.push_str(&wanted);
    }
    text
}

/// The text of a rule: from the same one, from the one of its name, from the one at its place, or anew.
fn write_rule(rule: &RuleEntry, index: usize, blocks: &mut [Block<'_>], indent: &str) -> String {
    let same = blocks.iter().position(|block| !block.is_taken && block.says == *rule);
    let named = || blocks.iter().position(|it| !it.is_taken && !rule.name.is_empty() && it.says.name == rule.name);
    let placed = || blocks.get(index).filter(|block| !block.is_taken).map(|_| index);
    let Some(block) = same.or_else(named).or_else(placed).and_then(|at| blocks.get_mut(at)) else {
        return rule_text(rule, indent);
    };
    block.is_taken = true;
    let head: String = block.head.iter().map(|line| format!("{line}\n")).collect();
    if block.says == *rule {
        let lines: String = block.lines.iter().map(|line| format!("{line}\n")).collect();
        return head + &lines;
    }
    head + &merged(block, rule, indent)
}

/// A changed rule: the old lines of the fields that say the same, new ones of the others.
fn merged(block: &Block<'_>, rule: &RuleEntry, indent: &str) -> String {
    let inner = format!("{indent}  ");
    let (old, new) = (fields(&block.says, &inner), fields(rule, &inner));
    let value = |list: &[(&'static str, String)], name: &str| {
        list.iter().find(|(known, _)| *known == name).map(|(_, lines)| lines.clone())
    };
    let mut written: Vec<String> = Vec::new();
    let mut done: Vec<&str> = Vec::new();
    for (name, lines) in pieces(&block.lines, &inner) {
        let Some(name) = name else {
            written.push(lines);
            continue;
        };
        let wanted = value(&new, &name);
        match wanted {
            Some(wanted) if value(&old, &name).as_ref() != Some(&wanted) => written.push(wanted),
            Some(_) => written.push(lines),
            None => {}
        }
        done.extend(new.iter().map(|(known, _)| *known).filter(|known| *known == name));
    }
    written.extend(new.iter().filter(|(name, _)| !done.contains(name)).map(|(_, lines)| lines.clone()));
    let text: String = written.concat();
    // Whatever field comes first carries the dash.
    let Some(dash) = text.lines().position(|line| !line.trim().is_empty() && !line.trim_start().starts_with('#'))
    else {
        return text;
    };
    let with_dash = |(index, line): (usize, &str)| {
        if index == dash { format!("{indent}- {}\n", line.trim_start()) } else { format!("{line}\n") }
    };
    text.lines().enumerate().map(with_dash).collect()
}

/// A rule's lines by field, with the dash taken away; comments between two fields are pieces of their own.
fn pieces(lines: &[&str], inner: &str) -> Vec<(Option<String>, String)> {
    let mut pieces: Vec<(Option<String>, String)> = Vec::new();
    for (index, line) in lines.iter().enumerate() {
        let line = if index == 0 {
            format!("{inner}{}", line.trim_start().trim_start_matches("- ").trim_start())
        } else {
            (*line).to_owned()
        };
        let own = line.strip_prefix(inner).filter(|rest| !rest.starts_with([' ', '-']));
        let is_comment = line.trim_start().starts_with('#');
        match own.filter(|_| !is_comment).and_then(|rest| rest.split_once(':')) {
            Some((name, _)) => pieces.push((Some(name.to_owned()), line + "\n")),
            None if own.is_some() || line.trim().is_empty() || pieces.is_empty() => pieces.push((None, line + "\n")),
            None => {
                if let Some((_, text)) = pieces.last_mut() {
                    text.push_str(&line);
                    text.push('\n');
                }
            }
        }
    }
    pieces
}

fn indent_of(line: &str) -> usize {
    line.len() - line.trim_start().len()
}
