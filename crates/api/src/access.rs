//! Who may call which operation.
//!
//! A transport that has established who is calling (the window itself, the owner of the control
//! socket's peer process, the holder of a web session) puts a [`Caller`] on the request; the router
//! states the [`Permission`] of each operation; `needs` compares the two before anything else of
//! the operation runs. A request without a caller may only call what is [`Permission::Public`].

use std::fmt;
use std::sync::Arc;

use axum::extract::Request;
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use utoipa::openapi::extensions::Extensions;
use utoipa_axum::router::{UtoipaMethodRouter, UtoipaMethodRouterExt as _};

use crate::context::Context;
use crate::error::ApiError;

/// What an operation asks of its caller: `resource:action`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Permission {
    /// Nothing: the operation establishes who is calling, or tells nothing about the installation.
    Public,
    /// `system:read`: state, events.
    SystemRead,
    /// `proxy:control`: pause and resume.
    ProxyControl,
    /// `settings:read`.
    SettingsRead,
    /// `settings:write`.
    SettingsWrite,
    /// `providers:read`.
    ProvidersRead,
    /// `providers:write`: add, change, remove, and test with a credential.
    ProvidersWrite,
    /// `models:read`.
    ModelsRead,
    /// `models:write`.
    ModelsWrite,
    /// `keys:read`.
    KeysRead,
    /// `keys:write`.
    KeysWrite,
    /// `organization:read`: departments, teams, projects, members and apps.
    OrganizationRead,
    /// `organization:write`: make, move, rename and archive them.
    OrganizationWrite,
    /// `budgets:read`: budgets and where they stand.
    BudgetsRead,
    /// `budgets:write`.
    BudgetsWrite,
    /// `ledger:read`: the ledger's state and checks.
    LedgerRead,
    /// `ledger:write`: check it, copy it, correct what calls cost.
    LedgerWrite,
    /// `nodes:read`: the nodes of a hub.
    NodesRead,
    /// `nodes:write`: take away what a lost node holds.
    NodesWrite,
    /// `usage:read`: requests, figures and reports.
    UsageRead,
    /// `policies:read`: policies, their versions, simulations.
    PoliciesRead,
    /// `policies:write`: make, change, try and archive policies.
    PoliciesWrite,
    /// `routing:read`: why requests go where they go, and how good the router is.
    RoutingRead,
    /// `routing:write`: reset or replace what the router learnt.
    RoutingWrite,
    /// `feedback:read`: what was said of answers.
    FeedbackRead,
    /// `feedback:write`: rate answers.
    FeedbackWrite,
    /// `bodies:read`: the text of requests and answers, where it is kept.
    BodiesRead,
    /// `replays:read`: runs of the replay lab.
    ReplaysRead,
    /// `replays:write`: start and stop them, vote, promote; that spends money.
    ReplaysWrite,
    /// `playground:use`: spend money through the built-in key.
    PlaygroundUse,
}

/// Who is calling, as a transport established it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Caller {
    role: Role,
}

/// A named set of permissions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    /// Whoever owns a local installation is its administrator.
    Owner,
}

impl Caller {
    /// The owner of this installation.
    pub const OWNER: Self = Self { role: Role::Owner };

    /// True when the caller's role holds the permission.
    pub const fn may(self, _permission: Permission) -> bool {
        match self.role {
            Role::Owner => true,
        }
    }
}

impl Permission {
    /// The stable name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Public => "public",
            Self::SystemRead => "system:read",
            Self::ProxyControl => "proxy:control",
            Self::SettingsRead => "settings:read",
            Self::SettingsWrite => "settings:write",
            Self::ProvidersRead => "providers:read",
            Self::ProvidersWrite => "providers:write",
            Self::ModelsRead => "models:read",
            Self::ModelsWrite => "models:write",
            Self::KeysRead => "keys:read",
            Self::KeysWrite => "keys:write",
            Self::OrganizationRead => "organization:read",
            Self::OrganizationWrite => "organization:write",
            Self::BudgetsRead => "budgets:read",
            Self::BudgetsWrite => "budgets:write",
            Self::LedgerRead => "ledger:read",
            Self::LedgerWrite => "ledger:write",
            Self::NodesRead => "nodes:read",
            Self::NodesWrite => "nodes:write",
            Self::UsageRead => "usage:read",
            Self::PoliciesRead => "policies:read",
            Self::PoliciesWrite => "policies:write",
            Self::RoutingRead => "routing:read",
            Self::RoutingWrite => "routing:write",
            Self::FeedbackRead => "feedback:read",
            Self::FeedbackWrite => "feedback:write",
            Self::BodiesRead => "bodies:read",
            Self::ReplaysRead => "replays:read",
            Self::ReplaysWrite => "replays:write",
            Self::PlaygroundUse => "playground:use",
        }
    }
}

impl fmt::Display for Permission {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// Puts the check for `permission` before an operation and writes it into its documentation as
/// `x-permission`.
pub(crate) fn needs(
    permission: Permission,
    (schemas, mut paths, method_router): UtoipaMethodRouter<Arc<Context>>,
) -> UtoipaMethodRouter<Arc<Context>> {
    for item in paths.paths.values_mut() {
        let operations = [&mut item.get, &mut item.put, &mut item.post, &mut item.delete, &mut item.patch];
        for operation in operations.into_iter().flatten() {
            let stated = Extensions::builder().add("x-permission", permission.as_str()).build();
            operation.extensions = Some(stated);
        }
    }
    (schemas, paths, method_router).layer(from_fn(move |request: Request, next: Next| check(permission, request, next)))
}

async fn check(permission: Permission, request: Request, next: Next) -> Response {
    if permission == Permission::Public {
        return next.run(request).await;
    }
    match request.extensions().get::<Caller>() {
        None => nobody().into_response(),
        Some(caller) if !caller.may(permission) => forbidden(permission).into_response(),
        Some(_) => next.run(request).await,
    }
}

fn nobody() -> ApiError {
    let message = "This call carries no valid session. MegaRouter does not know who is asking. \
                   Sign in again: `megarouter-server signin-link` prints a link.";
    ApiError::new(StatusCode::UNAUTHORIZED, "session.missing", message)
}

fn forbidden(permission: Permission) -> ApiError {
    let message = format!(
        "This call needs the permission {permission}. Your role does not hold it. Ask an administrator for it."
    );
    ApiError::new(StatusCode::FORBIDDEN, "permission.missing", message)
}
