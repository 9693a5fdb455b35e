//! `POST /units/import`

use std::collections::HashMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use megarouter_domain::clock::Timestamp;
use megarouter_domain::id::{Entropy, UnitId};
use megarouter_domain::unit::{Unit, UnitKind};
use megarouter_store::settings::Change;

use super::csv::{self, Row};
use super::roll::Roll;
use super::{ImportAction, ImportRow, UnitImport, UnitImportReport, check};
use crate::configuration::Reread;
use crate::context::Context;
use crate::error::ApiError;
use crate::events::Tag;
use crate::extract::Body;

/// The columns that are read, in the order of [`Columns`].
const COLUMNS: [&str; 4] = ["name", "email", "team", "department"];

/// Reads in a list of people, or tells what that would do. One wrong line, and nothing is done.
#[utoipa::path(post, path = "/units/import", operation_id = "import_units", tag = "organization",
    request_body = UnitImport, responses((status = 200, description = "What it does", body = UnitImportReport)))]
pub async fn import_units(
    State(context): State<Arc<Context>>,
    Body(request): Body<UnitImport>,
) -> Result<Json<UnitImportReport>, ApiError> {
    let people = people(&request.csv).map_err(|reason| not_a_list(&reason))?;
    let (mut report, changes) = planned(&context, context.everything().await?.units, people);
    report.is_applied = report.errors == 0 && !request.is_preview;
    if report.is_applied && !changes.is_empty() {
        context.change(changes, Reread::Nothing, &[Tag::Units]).await?;
    }
    Ok(Json(report))
}

fn planned(context: &Context, units: Vec<Unit>, people: Vec<Person>) -> (UnitImportReport, Vec<Change>) {
    let mut entropy = || context.entropy();
    let mut plan = Plan::new(units, context.now(), &mut entropy);
    let rows: Vec<ImportRow> = people.into_iter().map(|person| plan.add(person)).collect();
    let made = |kind| plan.made.iter().filter(|made| **made == kind).count() as u64;
    let report = UnitImportReport {
        is_applied: false,
        errors: rows.iter().filter(|row| row.action == ImportAction::Error).count() as u64,
        members: made(UnitKind::Member),
        teams: made(UnitKind::Team),
        departments: made(UnitKind::Department),
        rows,
    };
    (report, plan.changes)
}

fn not_a_list(reason: &str) -> ApiError {
    let message = format!("The file could not be read: {reason}. Nothing was changed. Correct it and send it again.");
    ApiError::invalid("import.invalid", message).about("csv")
}

/// A line of the file.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Person {
    line: u64,
    name: String,
    email: Option<String>,
    team: Option<String>,
    department: Option<String>,
}

fn people(text: &str) -> Result<Vec<Person>, String> {
    let mut rows = csv::read(text).map_err(|error| error.to_string())?.into_iter();
    let header = rows.next().ok_or("it is empty")?;
    let columns = columns(&header)?;
    let width = header.values.len();
    rows.map(|row| person(&row, &columns, width)).collect()
}

/// Where each of [`COLUMNS`] is.
type Columns = [Option<usize>; 4];

fn columns(header: &Row) -> Result<Columns, String> {
    let mut columns = [None; 4];
    for (place, title) in header.values.iter().enumerate() {
        let title = title.to_lowercase();
        let known = COLUMNS.iter().position(|column| *column == title);
        let known = known
            .ok_or_else(|| format!("the first line names the column `{title}`; there are {}", COLUMNS.join(", ")))?;
        if columns[known].replace(place).is_some() {
            return Err(format!("the first line names the column `{title}` twice"));
        }
    }
    if columns[0].is_none() { Err("the first line names no column `name`".to_owned()) } else { Ok(columns) }
}

fn person(row: &Row, columns: &Columns, width: usize) -> Result<Person, String> {
    if row.values.len() > width {
        return Err(format!("line {} has more values than the first line has names", row.line));
    }
    let value = |column: usize| {
        let value = columns[column].and_then(|place| row.values.get(place));
        value.filter(|value| !value.is_empty()).cloned()
    };
    Ok(Person {
        line: row.line,
        name: value(0).unwrap_or_default(),
        email: value(1),
        team: value(2),
        department: value(3),
    })
}

/// What a list of people does, line by line.
struct Plan<'a> {
    /// Every unit in use, as it is after the lines so far.
    roll: Roll,
    /// The lines that named a member, by the member.
    lines: HashMap<UnitId, u64>,
    changes: Vec<Change>,
    made: Vec<UnitKind>,
    now: Timestamp,
    entropy: &'a mut dyn FnMut() -> Entropy,
}

impl<'a> Plan<'a> {
    fn new(units: Vec<Unit>, now: Timestamp, entropy: &'a mut dyn FnMut() -> Entropy) -> Self {
        let roll = Roll::new(units);
        Self { roll, lines: HashMap::new(), changes: Vec::new(), made: Vec::new(), now, entropy }
    }

    fn add(&mut self, person: Person) -> ImportRow {
        let (action, detail) = match self.place(&person) {
            Ok((action, detail)) => (action, detail),
            Err(reason) => (ImportAction::Error, Some(reason)),
        };
        let Person { line, name, email, team, department } = person;
        ImportRow { line, name, email, team, department, action, detail }
    }

    fn place(&mut self, person: &Person) -> Result<(ImportAction, Option<String>), String> {
        let name = check::name(&person.name).map_err(|wrong| wrong.to_string())?;
        let email = person.email.as_deref().map(check::email).transpose().map_err(|wrong| wrong.to_string())?;
        let found = self.member(&name, email.as_deref())?;
        if let Some(line) = found.as_ref().and_then(|found| self.lines.get(&found.id)) {
            return Err(format!("line {line} is about the same person; leave one of them out"));
        }
        let mut made = Vec::new();
        let team = self.team(person, &mut made)?;
        let detail = (!made.is_empty()).then(|| format!("Makes {}.", made.join(" and ")));
        let (action, member) = match found {
            None => (ImportAction::Create, self.unit(UnitKind::Member, name, team, email)),
            Some(found) => {
                let team = if person.team.is_some() { team } else { found.parent };
                let email = email.or_else(|| found.email.clone());
                let wanted = Unit { name, parent: team, email, ..found.clone() };
                if wanted == found { (ImportAction::Keep, wanted) } else { (ImportAction::Change, wanted) }
            }
        };
        self.lines.insert(member.id, person.line);
        if action == ImportAction::Create {
            self.made.push(UnitKind::Member);
        }
        if action != ImportAction::Keep {
            self.put(member);
        }
        Ok((action, detail))
    }

    /// The member that a line is about: who has the address, else who has the name.
    fn member(&self, name: &str, email: Option<&str>) -> Result<Option<Unit>, String> {
        let by_email = email.and_then(|email| self.roll.with_email(email));
        let by_name = self.roll.named(UnitKind::Member, name);
        match (by_email, by_name) {
            (Some(by_email), Some(by_name)) if by_email.id != by_name.id => {
                Err(format!("the address is that of `{}`, and another member is called `{name}`", by_email.name))
            }
            (None, Some(by_name)) if email.is_some() && by_name.email.is_some() => {
                Err(format!("a member called `{name}` exists with another address; give one of them another name"))
            }
            (by_email, by_name) => Ok(by_email.or(by_name).cloned()),
        }
    }

    /// The team that a line names, made where it is missing, with its department.
    fn team(&mut self, person: &Person, made: &mut Vec<String>) -> Result<Option<UnitId>, String> {
        let Some(team) = &person.team else {
            let misplaced = || "a member is in a team; name the team in the department".to_owned();
            return if person.department.is_none() { Ok(None) } else { Err(misplaced()) };
        };
        let team = check::name(team).map_err(|wrong| format!("the team: {wrong}"))?;
        if let Some(known) = self.roll.named(UnitKind::Team, &team).cloned() {
            self.check_department(person, &known)?;
            return Ok(Some(known.id));
        }
        let department = match &person.department {
            None => None,
            Some(name) => Some(self.department(name, made)?),
        };
        made.push(format!("the team `{team}`"));
        Ok(Some(self.make(UnitKind::Team, team, department)))
    }

    fn check_department(&self, person: &Person, team: &Unit) -> Result<(), String> {
        let Some(wanted) = &person.department else { return Ok(()) };
        let department = team.parent.and_then(|id| self.roll.get(id));
        match department {
            Some(department) if department.name == *wanted => Ok(()),
            Some(department) => Err(format!("the team `{}` is in the department `{}`", team.name, department.name)),
            None => Err(format!("the team `{}` is in no department; move it first", team.name)),
        }
    }

    fn department(&mut self, name: &str, made: &mut Vec<String>) -> Result<UnitId, String> {
        let name = check::name(name).map_err(|wrong| format!("the department: {wrong}"))?;
        if let Some(known) = self.roll.named(UnitKind::Department, &name) {
            return Ok(known.id);
        }
        made.push(format!("the department `{name}`"));
        Ok(self.make(UnitKind::Department, name, None))
    }

    fn make(&mut self, kind: UnitKind, name: String, parent: Option<UnitId>) -> UnitId {
        let unit = self.unit(kind, name, parent, None);
        let id = unit.id;
        self.made.push(kind);
        self.put(unit);
        id
    }

    fn unit(&mut self, kind: UnitKind, name: String, parent: Option<UnitId>, email: Option<String>) -> Unit {
        let id = UnitId::new(self.now, (self.entropy)());
        Unit { id, kind, name, parent, email, created_at: self.now, archived_at: None }
    }

    fn put(&mut self, unit: Unit) {
        self.changes.push(Change::PutUnit(unit.clone()));
        self.roll.put(unit);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(units: Vec<Unit>, text: &str) -> (Vec<ImportRow>, Vec<Unit>) {
        // Ids of units that are there already are not drawn again.
        let mut seed = u8::try_from(units.len()).unwrap();
        let mut entropy = || {
            seed += 1;
            [seed; 10]
        };
        let mut plan = Plan::new(units.clone(), Timestamp::from_micros(1_000_000), &mut entropy);
        let rows = people(text).unwrap().into_iter().map(|person| plan.add(person)).collect();
        let mut units = units;
        for change in plan.changes {
            let Change::PutUnit(unit) = change else { panic!("{change:?}") };
            units.retain(|known| known.id != unit.id);
            units.push(unit);
        }
        (rows, units)
    }

    fn actions(rows: &[ImportRow]) -> Vec<ImportAction> {
        rows.iter().map(|row| row.action).collect()
    }

    #[test]
    fn columns_come_in_any_order_and_what_is_missing_is_made() {
        let text = "department;TEAM;name;email\nProduct;Search;Ada;ada@example.com\nProduct;Search;Bob;\n;;Cleo;";
        let (rows, units) = plan(vec![], text);
        assert_eq!(actions(&rows), [ImportAction::Create; 3]);
        assert_eq!(rows[0].detail.as_deref(), Some("Makes the department `Product` and the team `Search`."));
        assert_eq!(rows[1].detail, None);
        let kinds: Vec<_> = units.iter().map(|unit| (unit.kind, unit.name.as_str())).collect();
        let expected = [
            (UnitKind::Department, "Product"),
            (UnitKind::Team, "Search"),
            (UnitKind::Member, "Ada"),
            (UnitKind::Member, "Bob"),
            (UnitKind::Member, "Cleo"),
        ];
        assert_eq!(kinds, expected);
        assert_eq!((units[1].parent, units[2].parent, units[4].parent), (Some(units[0].id), Some(units[1].id), None));
    }

    #[test]
    fn a_second_reading_keeps_and_moves() {
        let (_, units) = plan(vec![], "name,email,team\nAda,ada@example.com,Search\nBob,,Search");
        let (rows, units) = plan(units, "name,email,team\nAda L.,ADA@example.com,Ads\nBob,,Search");
        assert_eq!(actions(&rows), [ImportAction::Change, ImportAction::Keep]);
        assert_eq!(units.iter().filter(|unit| unit.kind == UnitKind::Member).count(), 2);
        assert!(units.iter().any(|unit| unit.name == "Ada L."));
    }

    #[test]
    fn each_wrong_line_says_what_is_wrong() {
        let text = "name,email,team,department\nAda,a@example.com,Search,Product\nAda,a@example.com,Search,Product\n\
                    ,,Search,\nBob,bob,,\nCleo,,,Product\nDan,,Search,Sales\nEve,a@example.com,,";
        let (rows, _) = plan(vec![], text);
        let reasons: Vec<_> = rows[1..].iter().map(|row| (row.line, row.detail.as_deref().unwrap())).collect();
        assert!(rows[1..].iter().all(|row| row.action == ImportAction::Error));
        assert_eq!(reasons[0], (3, "line 2 is about the same person; leave one of them out"));
        assert!(reasons[1].1.starts_with("a name has") && reasons[2].1.starts_with("an address is"));
        assert_eq!(reasons[3], (6, "a member is in a team; name the team in the department"));
        assert_eq!(reasons[4], (7, "the team `Search` is in the department `Product`"));
        assert_eq!(reasons[5].1, "line 2 is about the same person; leave one of them out");
    }

    #[test]
    fn a_file_that_is_no_list_is_refused_as_a_whole() {
        for (text, reason) in [
            ("", "it is empty"),
            ("email\na@b.c", "the first line names no column `name`"),
            ("name,name\na,b", "the first line names the column `name` twice"),
            ("name,salary\na,b", "the first line names the column `salary`; there are name, email, team, department"),
            ("name\na,b", "line 2 has more values than the first line has names"),
        ] {
            assert_eq!(people(text).unwrap_err(), reason);
        }
    }
}
