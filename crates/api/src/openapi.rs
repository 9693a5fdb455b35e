//! The API's own description.
//!
//! The document is made from the operations' attributes in [`crate::router`]. Its committed form,
//! `openapi.json` beside this crate's manifest, is what the UI's client is generated from; a test
//! keeps the two the same, and
//! `cargo run -p megarouter-api --example openapi > crates/api/openapi.json` updates it.

use axum::Json;
use utoipa::openapi::path::Operation;
use utoipa::openapi::response::ResponseBuilder;
use utoipa::openapi::schema::{AdditionalProperties, ArrayItems, Components, Object, Schema};
use utoipa::openapi::{Content, InfoBuilder, OpenApi, OpenApiBuilder, Ref, RefOr};

use crate::error::{ErrorBody, ErrorDetail};
use crate::{budgets, events, router};

/// The finished document.
pub fn document() -> OpenApi {
    router::parts().1
}

/// The finished document as it is committed: indented JSON with a line end.
pub fn to_json() -> String {
    let mut text = document().to_pretty_json().unwrap_or_default();
    text.push('\n');
    text
}

/// Gives this document.
#[utoipa::path(get, path = "/openapi.json", operation_id = "show_openapi", tag = "system",
    responses((status = 200, description = "The OpenAPI document", content_type = "application/json")))]
pub async fn show_openapi() -> Json<OpenApi> {
    Json(document())
}

/// The document without operations.
pub(crate) fn base() -> OpenApi {
    let info = InfoBuilder::new()
        .title("MegaRouter control API")
        .version("1")
        .description(Some("Configuration, figures and live state of one MegaRouter installation."))
        .build();
    OpenApiBuilder::new().info(info).build()
}

/// Completes what the attributes leave out: the error answer of every operation, the shapes of
/// events, and that every field of an answer is always there.
pub(crate) fn complete(mut document: OpenApi) -> OpenApi {
    let components = document.components.get_or_insert_with(Components::new);
    add_schema::<ErrorBody>(components);
    add_schema::<ErrorDetail>(components);
    add_schema::<budgets::BudgetAlert>(components);
    add_schema::<events::Changed>(components);
    add_schema::<events::Tag>(components);
    components.schemas.values_mut().for_each(require_all);
    for item in document.paths.paths.values_mut() {
        let operations = [&mut item.get, &mut item.put, &mut item.post, &mut item.delete, &mut item.patch];
        operations.into_iter().flatten().for_each(add_error_answer);
    }
    document
}

fn add_schema<T: utoipa::ToSchema>(components: &mut Components) {
    components.schemas.insert(T::name().into_owned(), T::schema());
}

fn add_error_answer(operation: &mut Operation) {
    let body = Content::new(Some(RefOr::<Schema>::Ref(Ref::from_schema_name("ErrorBody"))));
    let answer = ResponseBuilder::new().description("Refused or failed").content("application/json", body).build();
    operation.responses.responses.insert("default".to_owned(), RefOr::T(answer));
}

/// Marks all fields of an answer's shape as required: answers say `null`, they leave nothing out.
/// The shapes of requests are those that allow no further fields; their optional fields stay so.
fn require_all(schema: &mut RefOr<Schema>) {
    let RefOr::T(schema) = schema else { return };
    match schema {
        Schema::Object(object) => require_fields(object),
        Schema::Array(array) => {
            if let ArrayItems::RefOrSchema(items) = &mut array.items {
                require_all(items);
            }
        }
        Schema::OneOf(choice) => choice.items.iter_mut().for_each(require_all),
        Schema::AllOf(parts) => parts.items.iter_mut().for_each(require_all),
        Schema::AnyOf(choice) => choice.items.iter_mut().for_each(require_all),
        _ => {}
    }
}

fn require_fields(object: &mut Object) {
    let is_request = matches!(object.additional_properties.as_deref(), Some(AdditionalProperties::FreeForm(false)));
    if is_request {
        return;
    }
    object.required = object.properties.keys().cloned().collect();
    object.properties.values_mut().for_each(require_all);
}

#[cfg(test)]
mod tests {
    use std::collections::{HashMap, HashSet};
    use std::path::{Path, PathBuf};

    use super::*;

    const UPDATE: &str = "cargo run -p megarouter-api --example openapi > crates/api/openapi.json";

    #[test]
    fn the_committed_document_is_that_of_the_code() {
        let committed = include_str!("../openapi.json");
        assert!(committed == to_json(), "openapi.json is out of date; update it with\n  {UPDATE}");
    }

    /// Of two shapes with one name, the document would silently have only one.
    #[test]
    fn no_two_shapes_share_a_name() {
        let mut names = HashMap::new();
        for file in sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src")) {
            let text = std::fs::read_to_string(&file).unwrap();
            for name in shapes(&text) {
                let other = names.insert(name.clone(), file.clone());
                assert!(
                    other.is_none(),
                    "`{name}` is in {file:?} and {other:?}; give one another name with schema(as)"
                );
            }
        }
        assert!(names.len() > 100, "{}", names.len());
    }

    fn sources(dir: &Path) -> Vec<PathBuf> {
        let entries = std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
        let files = entries.flat_map(|path| if path.is_dir() { sources(&path) } else { vec![path] });
        files.filter(|path| path.extension().is_some_and(|end| end == "rs")).collect()
    }

    /// The names of the shapes that a source makes.
    fn shapes(text: &str) -> Vec<String> {
        let mut lines = text.lines().map(str::trim);
        let mut names = Vec::new();
        while let Some(line) = lines.next() {
            if !(line.starts_with("#[derive(") && line.contains("ToSchema")) {
                continue;
            }
            let mut name = None;
            for line in lines.by_ref() {
                if let Some((_, renamed)) = line.split_once("schema(as = ") {
                    name = renamed.split([')', ',']).next().map(str::to_owned);
                }
                let item = line.strip_prefix("pub struct ").or_else(|| line.strip_prefix("pub enum "));
                if let Some(item) = item {
                    let own = item.split(|end: char| !end.is_alphanumeric()).next().unwrap_or_default();
                    names.extend(name.or_else(|| Some(own.to_owned())).filter(|name| !name.is_empty()));
                    break;
                }
            }
        }
        names
    }

    #[test]
    fn every_operation_is_described() {
        let document = document();
        let mut ids = HashSet::new();
        for (path, item) in &document.paths.paths {
            let operations = [&item.get, &item.put, &item.post, &item.delete, &item.patch];
            for operation in operations.into_iter().flatten() {
                let id = operation.operation_id.clone().unwrap_or_default();
                assert!(!id.is_empty() && ids.insert(id.clone()), "{path}: the id `{id}` is empty or taken");
                assert!(operation.summary.as_ref().is_some_and(|text| text.ends_with('.')), "{id} has no summary");
                assert_eq!(operation.tags.as_ref().map(Vec::len), Some(1), "{id} has one tag");
                assert!(operation.responses.responses.contains_key("default"), "{id} has no error answer");
            }
        }
        assert_eq!(ids.len(), 104);
    }
}
