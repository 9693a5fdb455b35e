//! Every operation, one line each: the permission it needs and its handler.

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::map_response;
use axum::response::Response;
use http::header::{CACHE_CONTROL, HeaderValue, X_CONTENT_TYPE_OPTIONS};
use http::{Method, StatusCode, Uri};
use utoipa::openapi::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::access::{Permission as P, needs};
use crate::context::Context;
use crate::error::ApiError;
use crate::extract::MAX_BODY_BYTES;
use crate::{
    attempts, budgets, catalog, counterfactual, events, feedback, keys, learnt, ledger, models, nodes, openapi,
    organization, overview, playground, policies, provider_kinds, providers, proxy, radar, replays, reports, requests,
    route, session, settings, status, strategies, units, usage,
};

/// The path all operations are under.
pub const BASE_PATH: &str = "/api/v1";

/// The control API over `context`.
///
/// The transport puts an [`access::Caller`](crate::access::Caller) into the request's extensions when it knows
/// who is calling.
pub fn router(context: Arc<Context>) -> Router {
    let routes = parts().0.fallback(no_such_path).method_not_allowed_fallback(no_such_method);
    routes.layer(DefaultBodyLimit::max(MAX_BODY_BYTES)).layer(map_response(unkept)).with_state(context)
}

/// The router without its state, and the document that describes it.
pub(crate) fn parts() -> (Router<Arc<Context>>, OpenApi) {
    let (router, document) =
        OpenApiRouter::with_openapi(openapi::base()).nest(BASE_PATH, operations()).split_for_parts();
    (router, openapi::complete(document))
}

fn operations() -> OpenApiRouter<Arc<Context>> {
    OpenApiRouter::new()
        .routes(needs(P::SystemRead, routes!(status::show::show_status)))
        .routes(needs(P::SystemRead, routes!(events::stream::stream_events)))
        .routes(needs(P::ProxyControl, routes!(proxy::pause::pause_proxy)))
        .routes(needs(P::ProxyControl, routes!(proxy::resume::resume_proxy)))
        .routes(needs(P::SettingsRead, routes!(settings::show::show_settings)))
        .routes(needs(P::SettingsWrite, routes!(settings::change::change_settings)))
        .routes(needs(P::ProvidersRead, routes!(provider_kinds::list::list_provider_kinds)))
        .routes(needs(P::ProvidersRead, routes!(providers::list::list_providers)))
        .routes(needs(P::ProvidersRead, routes!(providers::health::show_provider_health)))
        .routes(needs(P::ProvidersRead, routes!(providers::show::show_provider)))
        .routes(needs(P::ProvidersWrite, routes!(providers::pool::add_credential)))
        .routes(needs(P::ProvidersWrite, routes!(providers::pool::change_credential)))
        .routes(needs(P::ProvidersWrite, routes!(providers::pool::remove_credential)))
        .routes(needs(P::ProvidersRead, routes!(providers::detect::detect_providers)))
        .routes(needs(P::ProvidersWrite, routes!(providers::create::create_provider)))
        .routes(needs(P::ProvidersWrite, routes!(providers::change::change_provider)))
        .routes(needs(P::ProvidersWrite, routes!(providers::delete::delete_provider)))
        .routes(needs(P::ProvidersWrite, routes!(providers::test::test_provider)))
        .routes(needs(P::ProvidersWrite, routes!(providers::discover::discover_models)))
        .routes(needs(P::ProvidersWrite, routes!(providers::test_draft::test_provider_draft)))
        .routes(needs(P::ModelsRead, routes!(models::list::list_models)))
        .routes(needs(P::ModelsWrite, routes!(models::create::create_model)))
        .routes(needs(P::ModelsWrite, routes!(models::replace::replace_model)))
        .routes(needs(P::ModelsWrite, routes!(models::delete::delete_model)))
        .routes(needs(P::ModelsWrite, routes!(models::adopt::adopt_models)))
        .routes(needs(P::ModelsWrite, routes!(models::adopt_many::adopt_from_catalog)))
        .routes(needs(P::ModelsWrite, routes!(models::reprice::change_deployment)))
        .routes(needs(P::ModelsWrite, routes!(models::retire::retire_model)))
        .routes(needs(P::ModelsRead, routes!(models::users::list_model_users)))
        .routes(needs(P::ModelsRead, routes!(models::prices::list_model_prices)))
        .routes(needs(P::ModelsRead, routes!(catalog::list::list_catalog)))
        .routes(needs(P::ModelsRead, routes!(catalog::show::show_catalog_model)))
        .routes(needs(P::ModelsRead, routes!(catalog::status::show_catalog_status)))
        .routes(needs(P::ModelsWrite, routes!(catalog::refresh::refresh_catalog)))
        .routes(needs(P::KeysRead, routes!(keys::list::list_keys)))
        .routes(needs(P::KeysWrite, routes!(keys::create::create_key)))
        .routes(needs(P::KeysWrite, routes!(keys::change::change_key)))
        .routes(needs(P::KeysWrite, routes!(keys::revoke::revoke_key)))
        .routes(needs(P::OrganizationRead, routes!(units::list::list_units)))
        .routes(needs(P::OrganizationWrite, routes!(units::create::create_unit)))
        .routes(needs(P::OrganizationWrite, routes!(units::change::change_unit)))
        .routes(needs(P::OrganizationWrite, routes!(units::import::import_units)))
        .routes(needs(P::OrganizationWrite, routes!(organization::change::change_organization)))
        .routes(needs(P::BudgetsRead, routes!(budgets::list::list_budgets)))
        .routes(needs(P::BudgetsRead, routes!(budgets::show::show_budget)))
        .routes(needs(P::BudgetsWrite, routes!(budgets::create::create_budget)))
        .routes(needs(P::BudgetsWrite, routes!(budgets::replace::replace_budget)))
        .routes(needs(P::BudgetsWrite, routes!(budgets::archive::archive_budget)))
        .routes(needs(P::BudgetsWrite, routes!(budgets::raise::raise_budget)))
        .routes(needs(P::BudgetsWrite, routes!(budgets::end_raise::end_raise)))
        .routes(needs(P::BudgetsRead, routes!(budgets::course::show_course)))
        .routes(needs(P::BudgetsRead, routes!(budgets::subjects::list_subjects)))
        .routes(needs(P::BudgetsRead, routes!(budgets::simulate::simulate_budget)))
        .routes(needs(P::LedgerRead, routes!(ledger::show::show_ledger)))
        .routes(needs(P::LedgerRead, routes!(ledger::show_verification::show_verification)))
        .routes(needs(P::LedgerWrite, routes!(ledger::verify::verify_ledger)))
        .routes(needs(P::LedgerWrite, routes!(ledger::backup::back_up_ledger)))
        .routes(needs(P::LedgerWrite, routes!(attempts::adjust::adjust_attempt)))
        .routes(needs(P::NodesRead, routes!(nodes::list::list_nodes)))
        .routes(needs(P::NodesWrite, routes!(nodes::release::release_node)))
        .routes(needs(P::UsageRead, routes!(usage::show::show_usage)))
        .routes(needs(P::UsageRead, routes!(requests::list::list_requests)))
        .routes(needs(P::UsageRead, routes!(requests::show::show_request)))
        .routes(needs(P::UsageRead, routes!(overview::show::show_overview)))
        .routes(needs(P::UsageRead, routes!(reports::list::list_reports)))
        .routes(needs(P::UsageRead, routes!(reports::render::render_report)))
        .routes(needs(P::PlaygroundUse, routes!(playground::chat::chat_in_playground)))
        .routes(needs(P::Public, routes!(session::open::open_session)))
        .routes(needs(P::Public, routes!(openapi::show_openapi)))
        .merge(routing())
}

/// How requests are routed, what that saved, and what was learnt.
fn routing() -> OpenApiRouter<Arc<Context>> {
    OpenApiRouter::new()
        .routes(needs(P::PoliciesRead, routes!(strategies::list::list_strategies)))
        .routes(needs(P::PoliciesRead, routes!(policies::list::list_policies)))
        .routes(needs(P::PoliciesRead, routes!(policies::show::show_policy)))
        .routes(needs(P::PoliciesWrite, routes!(policies::create::create_policy)))
        .routes(needs(P::PoliciesWrite, routes!(policies::replace::replace_policy)))
        .routes(needs(P::PoliciesWrite, routes!(policies::archive::archive_policy)))
        .routes(needs(P::PoliciesRead, routes!(policies::versions::list_policy_versions)))
        .routes(needs(P::PoliciesWrite, routes!(policies::activate::activate_policy_version)))
        .routes(needs(P::PoliciesWrite, routes!(policies::start_trial::start_policy_trial)))
        .routes(needs(P::PoliciesWrite, routes!(policies::end_trial::end_policy_trial)))
        .routes(needs(P::RoutingRead, routes!(route::explain::explain_route)))
        .routes(needs(P::PoliciesRead, routes!(policies::simulate::simulate_policy)))
        .routes(needs(P::PoliciesRead, routes!(policies::read::read_policy_text)))
        .routes(needs(P::PoliciesRead, routes!(policies::write::write_policy_text)))
        .routes(needs(P::PoliciesRead, routes!(policies::diff::compare_policies)))
        .routes(needs(P::ModelsRead, routes!(radar::show::show_radar)))
        .routes(needs(P::ModelsWrite, routes!(radar::replace::replace_retiring)))
        .routes(needs(P::UsageRead, routes!(counterfactual::period::show_counterfactual)))
        .routes(needs(P::UsageRead, routes!(counterfactual::request::show_request_counterfactual)))
        .routes(needs(P::BodiesRead, routes!(requests::body::show_request_body)))
        .routes(needs(P::FeedbackWrite, routes!(feedback::give::give_feedback)))
        .routes(needs(P::FeedbackWrite, routes!(feedback::vote::vote)))
        .routes(needs(P::FeedbackRead, routes!(feedback::list::list_feedback)))
        .routes(needs(P::ReplaysRead, routes!(replays::list::list_replays)))
        .routes(needs(P::ReplaysRead, routes!(replays::show::show_replay)))
        .routes(needs(P::ReplaysWrite, routes!(replays::start::start_replay)))
        .routes(needs(P::ReplaysWrite, routes!(replays::vote::vote_in_replay)))
        .routes(needs(P::ReplaysWrite, routes!(replays::stop::stop_replay)))
        .routes(needs(P::ReplaysWrite, routes!(replays::promote::promote_candidate)))
        .routes(needs(P::ReplaysWrite, routes!(replays::promote::revert_promotion)))
        .routes(needs(P::RoutingRead, routes!(learnt::report::show_router_report)))
        .routes(needs(P::RoutingRead, routes!(learnt::show::show_learnt)))
        .routes(needs(P::RoutingWrite, routes!(learnt::reset::reset_learnt)))
        .routes(needs(P::RoutingRead, routes!(learnt::export::export_learnt)))
        .routes(needs(P::RoutingWrite, routes!(learnt::import::import_learnt)))
}

/// Keeps answers out of every cache, and a browser from guessing what they are: some hold a new
/// key, all are out of date at once.
async fn unkept(mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

async fn no_such_path(uri: Uri) -> ApiError {
    let message = format!(
        "There is no {} in this API. Nothing was done. See {BASE_PATH}/openapi.json for what there is.",
        uri.path()
    );
    ApiError::new(StatusCode::NOT_FOUND, "path.not_found", message)
}

async fn no_such_method(method: Method, uri: Uri) -> ApiError {
    let message = format!(
        "{} does not take {method}. Nothing was done. See {BASE_PATH}/openapi.json for what it takes.",
        uri.path()
    );
    ApiError::new(StatusCode::METHOD_NOT_ALLOWED, "method.not_allowed", message)
}
