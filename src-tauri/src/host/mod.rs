//! What the page may ask of the desktop: the commands that `ui/src/lib/host.tauri.ts` calls.
//!
//! The page is treated as hostile (it shows what models write): no command gives a secret back, starts a program of the
//! page's choice or writes where the page says. A new command also needs its name in `build.rs` and in the capability.
#![expect(clippy::needless_pass_by_value, reason = "Tauri hands arguments over by value")]

mod calls;
mod clipboard;
mod links;
mod program;
mod streams;

pub use clipboard::Clipboard;
pub use streams::Streams;

/// All commands.
pub fn commands() -> impl Fn(tauri::ipc::Invoke) -> bool + Send + Sync + 'static {
    tauri::generate_handler![
        calls::api_bytes,
        calls::api_call,
        clipboard::copy_private,
        clipboard::copy_text,
        links::open_external,
        program::host_info,
        program::restart_app,
        program::restart_in_safe_graphics,
        streams::api_cancel,
        streams::api_stream,
    ]
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    /// A command that is registered but not granted cannot be called; one that is granted but forgotten here is a hole
    /// waiting for its code.
    #[test]
    fn commands_are_registered_prepared_and_granted_alike() {
        let handler = include_str!("mod.rs").split("generate_handler![").nth(1).unwrap().split(']').next().unwrap();
        let registered: BTreeSet<&str> =
            handler.split(',').filter_map(|path| path.trim().rsplit_once("::")).map(|it| it.1).collect();

        let commands =
            include_str!("../../build.rs").split("COMMANDS: &[&str] = &[").nth(1).unwrap().split(']').next().unwrap();
        let prepared: BTreeSet<&str> = commands.split('"').skip(1).step_by(2).collect();

        let capability: serde_json::Value = serde_json::from_str(include_str!("../../capabilities/main.json")).unwrap();
        let permissions = capability["permissions"].as_array().unwrap().iter().filter_map(|it| it.as_str());
        let granted: Vec<String> = permissions.map(|it| it.trim_start_matches("allow-").replace('-', "_")).collect();

        assert_eq!(registered, prepared);
        assert_eq!(registered, granted.iter().map(String::as_str).collect());
    }
}
