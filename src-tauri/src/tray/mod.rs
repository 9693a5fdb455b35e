//! The icon in the tray and its menu.
//!
//! A menu only: Linux tells nobody about clicks on the icon. Its lines follow the control API's events, its actions are
//! calls to the same API. A desktop without a tray is fine; everything here is in the window too.

mod events;
mod face;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use http::Method;
use serde_json::{Value, json};
use tauri::menu::{Menu, MenuBuilder, MenuEvent, MenuItem, MenuItemBuilder};
use tauri::tray::{TrayIcon, TrayIconBuilder};
use tauri::{AppHandle, Manager as _};

use crate::backend::Backend;
use crate::host::Clipboard;
use crate::window;
use face::Face;

/// The length of the short pause.
const PAUSE_MINUTES: u32 = 15;

const STATUS: &str = "/api/v1/status";

/// What changes while the program runs.
struct Tray {
    icon: TrayIcon,
    state: MenuItem<tauri::Wry>,
    today: MenuItem<tauri::Wry>,
    pause: MenuItem<tauri::Wry>,
    pause_open: MenuItem<tauri::Wry>,
    resume: MenuItem<tauri::Wry>,
    copy: MenuItem<tauri::Wry>,
    worn: Face,
}

/// Puts the icon into the tray, if there is one, and keeps it true.
pub fn show(app: &AppHandle) {
    // The indicator library is loaded when it is first used, and its binding panics where it is not installed.
    match catch_unwind(AssertUnwindSafe(|| build(app))) {
        Ok(Ok(tray)) => {
            tauri::async_runtime::spawn(follow(app.clone(), tray));
        }
        Ok(Err(error)) => tracing::warn!(%error, "there is no icon in the tray"),
        Err(_) => tracing::warn!("there is no icon in the tray: the system has no library for it"),
    }
}

fn build(app: &AppHandle) -> tauri::Result<Tray> {
    let item = |id: &str, text: &str| MenuItemBuilder::with_id(id, text).build(app);
    let line = |id: &str, text: &str| MenuItemBuilder::with_id(id, text).enabled(false).build(app);
    let face = Face::starting();
    let (state, today) = (line("state", &face.state)?, line("today", &face.today)?);
    let pause = item("pause", &format!("Pause for {PAUSE_MINUTES} min"))?;
    let (pause_open, resume) = (item("pause-open", "Pause until I resume")?, item("resume", "Resume")?);
    let copy = item("copy", "Copy base URL")?;
    let menu: Menu<_> = MenuBuilder::new(app)
        .items(&[&state, &today])
        .separator()
        .items(&[&pause, &pause_open, &resume])
        .separator()
        .items(&[&copy, &item("open", "Open MegaRouter")?])
        .separator()
        .item(&item("quit", "Quit")?)
        .build()?;
    let icon = TrayIconBuilder::with_id("main")
        .icon(face.icon())
        .icon_as_template(cfg!(target_os = "macos"))
        .tooltip("MegaRouter")
        .menu(&menu)
        .on_menu_event(on_menu)
        .build(app)?;
    let tray = Tray { icon, state, today, pause, pause_open, resume, copy, worn: face };
    tray.put_words()?;
    Ok(tray)
}

impl Tray {
    /// Changes what differs: each new icon is a file that the system's tray reads.
    fn wear(&mut self, face: Face) -> tauri::Result<()> {
        if face == self.worn {
            return Ok(());
        }
        let before = std::mem::replace(&mut self.worn, face);
        if self.worn.shape != before.shape {
            self.icon.set_icon_with_as_template(Some(self.worn.icon()), cfg!(target_os = "macos"))?;
        }
        self.put_words()
    }

    fn put_words(&self) -> tauri::Result<()> {
        let face = &self.worn;
        self.state.set_text(&face.state)?;
        self.today.set_text(&face.today)?;
        self.pause.set_enabled(face.can_pause)?;
        self.pause_open.set_enabled(face.can_pause)?;
        self.resume.set_enabled(face.can_resume)?;
        self.copy.set_enabled(face.base_url.is_some())
    }
}

/// Draws each state that the backend reports, until it ends.
async fn follow(app: AppHandle, mut tray: Tray) {
    let backend = Arc::clone(&app.state::<Arc<Backend>>());
    let mut draw = |status: &Value| {
        if let Err(error) = tray.wear(Face::of(status)) {
            tracing::warn!(%error, "the icon in the tray could not be changed");
        }
    };
    if backend.json(Method::GET, STATUS, None).await.is_err() {
        draw(&Value::Null);
    }
    while backend.runs().await {
        match backend.json(Method::GET, STATUS, None).await {
            Ok(status) => draw(&status),
            Err(error) => return tracing::warn!(%error, "the tray cannot read the proxy's state"),
        }
        if let Err(error) = events::follow(&backend, &mut draw).await {
            return tracing::warn!(%error, "the tray no longer follows the proxy's state");
        }
    }
}

#[expect(clippy::needless_pass_by_value, reason = "Tauri hands events over by value")]
fn on_menu(app: &AppHandle, event: MenuEvent) {
    match event.id().as_ref() {
        "open" => window::show(app),
        "quit" => app.exit(0),
        "copy" => act(copy_base_url(app.clone())),
        "pause" => act(change(app.clone(), "pause", Some(json!({ "minutes": PAUSE_MINUTES })))),
        "pause-open" => act(change(app.clone(), "pause", Some(json!({ "minutes": null })))),
        "resume" => act(change(app.clone(), "resume", None)),
        _ => {}
    }
}

/// Does what a menu line says, off the thread that draws.
fn act(action: impl Future<Output = anyhow::Result<()>> + Send + 'static) {
    tauri::async_runtime::spawn(async move {
        if let Err(error) = action.await {
            tracing::warn!(error = format!("{error:#}"), "the tray's menu could not do that");
        }
    });
}

async fn change(app: AppHandle, verb: &str, body: Option<Value>) -> anyhow::Result<()> {
    let backend = app.state::<Arc<Backend>>();
    backend.json(Method::POST, &format!("/api/v1/proxy/{verb}"), body.as_ref()).await?;
    Ok(())
}

async fn copy_base_url(app: AppHandle) -> anyhow::Result<()> {
    let status = app.state::<Arc<Backend>>().json(Method::GET, STATUS, None).await?;
    let url = Face::of(&status).base_url.unwrap_or_default();
    app.state::<Clipboard>().copy(&url).map_err(anyhow::Error::msg)
}
