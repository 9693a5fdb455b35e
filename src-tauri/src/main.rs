//! The desktop program `megarouter`.
#![cfg_attr(all(windows, not(debug_assertions)), windows_subsystem = "windows")]

fn main() -> std::process::ExitCode {
    megarouter_desktop::main()
}
