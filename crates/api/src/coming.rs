//! Operations whose shapes are settled and that the router does not have yet.

use std::sync::Arc;

use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::access::{Permission as P, needs};
use crate::attempts::{Adjust, Adjusted};
use crate::budgets::{Budget, BudgetDraft, BudgetSubjects, Course, NewRaise, Simulate, Simulation};
use crate::context::Context;
use crate::ledger::{Backup, LedgerStatus, Verification};
use crate::nodes::{Node, NodeList};
use crate::organization::OrganizationChange;
use crate::units::{NewUnit, Organization, OrganizationTree, Unit, UnitChange, UnitImport, UnitImportReport};
use crate::usage::{UsageQuery, UsageTable};

pub(crate) fn operations() -> OpenApiRouter<Arc<Context>> {
    OpenApiRouter::new()
        .routes(needs(P::OrganizationRead, routes!(list_units)))
        .routes(needs(P::OrganizationWrite, routes!(create_unit)))
        .routes(needs(P::OrganizationWrite, routes!(change_unit)))
        .routes(needs(P::OrganizationWrite, routes!(import_units)))
        .routes(needs(P::OrganizationWrite, routes!(change_organization)))
        .routes(needs(P::BudgetsRead, routes!(list_budgets)))
        .routes(needs(P::BudgetsRead, routes!(show_budget)))
        .routes(needs(P::BudgetsWrite, routes!(create_budget)))
        .routes(needs(P::BudgetsWrite, routes!(replace_budget)))
        .routes(needs(P::BudgetsWrite, routes!(archive_budget)))
        .routes(needs(P::BudgetsWrite, routes!(raise_budget)))
        .routes(needs(P::BudgetsWrite, routes!(end_raise)))
        .routes(needs(P::BudgetsRead, routes!(show_course)))
        .routes(needs(P::BudgetsRead, routes!(list_subjects)))
        .routes(needs(P::BudgetsRead, routes!(simulate_budget)))
        .routes(needs(P::UsageRead, routes!(show_usage)))
        .routes(needs(P::LedgerRead, routes!(show_ledger)))
        .routes(needs(P::LedgerWrite, routes!(verify_ledger)))
        .routes(needs(P::LedgerRead, routes!(show_verification)))
        .routes(needs(P::LedgerWrite, routes!(back_up_ledger)))
        .routes(needs(P::LedgerWrite, routes!(adjust_attempt)))
        .routes(needs(P::NodesRead, routes!(list_nodes)))
        .routes(needs(P::NodesWrite, routes!(release_node)))
}

/// Gives the organisation and everything in it.
#[utoipa::path(get, path = "/units", operation_id = "list_units", tag = "organization",
    responses((status = 200, description = "The organisation", body = OrganizationTree)))]
async fn list_units() {}

/// Makes a unit.
#[utoipa::path(post, path = "/units", operation_id = "create_unit", tag = "organization", request_body = NewUnit,
    responses((status = 201, description = "The new unit", body = Unit)))]
async fn create_unit() {}

/// Renames, moves, archives or restores a unit.
#[utoipa::path(patch, path = "/units/{id}", operation_id = "change_unit", tag = "organization",
    params(("id" = String, Path, description = "The unit's id")), request_body = UnitChange,
    responses((status = 200, description = "The unit", body = Unit)))]
async fn change_unit() {}

/// Reads in a list of people, or tells what that would do.
#[utoipa::path(post, path = "/units/import", operation_id = "import_units", tag = "organization",
    request_body = UnitImport, responses((status = 200, description = "What it does", body = UnitImportReport)))]
async fn import_units() {}

/// Renames the organisation.
#[utoipa::path(patch, path = "/organization", operation_id = "change_organization", tag = "organization",
    request_body = OrganizationChange, responses((status = 200, description = "The organisation", body = Organization)))]
async fn change_organization() {}

/// Lists budgets, those that are exhausted first at the top; archived ones last.
#[utoipa::path(get, path = "/budgets", operation_id = "list_budgets", tag = "budgets",
    responses((status = 200, description = "All budgets", body = Vec<Budget>)))]
async fn list_budgets() {}

/// Gives one budget.
#[utoipa::path(get, path = "/budgets/{id}", operation_id = "show_budget", tag = "budgets",
    params(("id" = String, Path, description = "The budget's id")),
    responses((status = 200, description = "The budget", body = Budget)))]
async fn show_budget() {}

/// Makes a budget. What was used in its window before counts.
#[utoipa::path(post, path = "/budgets", operation_id = "create_budget", tag = "budgets", request_body = BudgetDraft,
    responses((status = 201, description = "The new budget", body = Budget)))]
async fn create_budget() {}

/// Replaces a budget; its raises stay.
#[utoipa::path(put, path = "/budgets/{id}", operation_id = "replace_budget", tag = "budgets",
    params(("id" = String, Path, description = "The budget's id")), request_body = BudgetDraft,
    responses((status = 200, description = "The budget", body = Budget)))]
async fn replace_budget() {}

/// Ends a budget for good; its history stays.
#[utoipa::path(delete, path = "/budgets/{id}", operation_id = "archive_budget", tag = "budgets",
    params(("id" = String, Path, description = "The budget's id")),
    responses((status = 200, description = "The budget", body = Budget)))]
async fn archive_budget() {}

/// Increases a budget for a time.
#[utoipa::path(post, path = "/budgets/{id}/raises", operation_id = "raise_budget", tag = "budgets",
    params(("id" = String, Path, description = "The budget's id")), request_body = NewRaise,
    responses((status = 201, description = "The budget", body = Budget)))]
async fn raise_budget() {}

/// Ends a temporary increase at once, or takes back one to come.
#[utoipa::path(delete, path = "/budgets/{id}/raises/{raise}", operation_id = "end_raise", tag = "budgets",
    params(("id" = String, Path, description = "The budget's id"),
        ("raise" = String, Path, description = "The increase's id")),
    responses((status = 200, description = "The budget", body = Budget)))]
async fn end_raise() {}

/// Gives the use of a budget in the course of its window, and where it is going.
#[utoipa::path(get, path = "/budgets/{id}/course", operation_id = "show_course", tag = "budgets",
    params(("id" = String, Path, description = "The budget's id")),
    responses((status = 200, description = "Its course", body = Course)))]
async fn show_course() {}

/// Lists the accounts of a budget that has one for each part of its scope.
#[utoipa::path(get, path = "/budgets/{id}/subjects", operation_id = "list_subjects", tag = "budgets",
    params(("id" = String, Path, description = "The budget's id")),
    responses((status = 200, description = "Its accounts", body = BudgetSubjects)))]
async fn list_subjects() {}

/// Tells what a budget would have done to recorded traffic; changes nothing.
#[utoipa::path(post, path = "/budgets/simulate", operation_id = "simulate_budget", tag = "budgets",
    request_body = Simulate, responses((status = 200, description = "What it would have done", body = Simulation)))]
async fn simulate_budget() {}

/// Adds up usage by one or two dimensions.
#[utoipa::path(get, path = "/usage", operation_id = "show_usage", tag = "requests", params(UsageQuery),
    responses((status = 200, description = "Usage", body = UsageTable)))]
async fn show_usage() {}

/// Gives the state of the ledger.
#[utoipa::path(get, path = "/ledger", operation_id = "show_ledger", tag = "ledger",
    responses((status = 200, description = "Its state", body = LedgerStatus)))]
async fn show_ledger() {}

/// Begins a self-check of all money, or gives the one that is under way.
#[utoipa::path(post, path = "/ledger/verify", operation_id = "verify_ledger", tag = "ledger",
    responses((status = 202, description = "It is under way", body = Verification)))]
async fn verify_ledger() {}

/// Gives the last self-check; `null` when none was made since the program started.
#[utoipa::path(get, path = "/ledger/verify", operation_id = "show_verification", tag = "ledger",
    responses((status = 200, description = "The last one", body = Option<Verification>)))]
async fn show_verification() {}

/// Copies the ledger and checks the copy.
#[utoipa::path(post, path = "/ledger/backup", operation_id = "back_up_ledger", tag = "ledger",
    responses((status = 201, description = "The copy", body = Backup)))]
async fn back_up_ledger() {}

/// Corrects what a finished call cost; both figures stay on the ledger.
#[utoipa::path(post, path = "/attempts/{id}/adjust", operation_id = "adjust_attempt", tag = "ledger",
    params(("id" = String, Path, description = "The attempt's id")), request_body = Adjust,
    responses((status = 200, description = "The correction", body = Adjusted)))]
async fn adjust_attempt() {}

/// Lists the nodes that share a hub.
#[utoipa::path(get, path = "/nodes", operation_id = "list_nodes", tag = "system",
    responses((status = 200, description = "The nodes", body = NodeList)))]
async fn list_nodes() {}

/// Gives the shares of budgets of a node that is away back to the others.
#[utoipa::path(post, path = "/nodes/{id}/release", operation_id = "release_node", tag = "system",
    params(("id" = u64, Path, description = "The node's number")),
    responses((status = 200, description = "The node", body = Node)))]
async fn release_node() {}
