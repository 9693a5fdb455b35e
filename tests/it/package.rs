//! The Debian package that `cargo xtask bundle` makes: what is in it, and that it starts from where it
//! is installed.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::{Path, PathBuf};
use std::process::Command;

use megarouter_tests::program::Install;
use megarouter_tests::webdriver::Window;
use megarouter_tests::xvfb::Xvfb;
use megarouter_tests::{client, tools};

/// The newest package in the target folder.
fn package() -> PathBuf {
    let target = std::env::current_exe().unwrap().ancestors().nth(3).unwrap().to_owned();
    let folder = target.join("release/bundle/deb");
    let packages = std::fs::read_dir(&folder).into_iter().flatten().flatten().map(|entry| entry.path());
    packages
        .filter(|path| path.extension().is_some_and(|extension| extension == "deb"))
        .max_by_key(|path| path.metadata().unwrap().modified().unwrap())
        .unwrap_or_else(|| panic!("no package in {}: run `cargo xtask bundle` first", folder.display()))
}

fn dpkg_deb(arguments: &[&str], package: &Path, rest: &[&Path]) -> String {
    let program = tools::program("dpkg-deb", "dpkg").unwrap();
    tools::output(Command::new(program).args(arguments).arg(package).args(rest)).unwrap()
}

#[test]
#[ignore = "needs the package from `cargo xtask bundle`"]
fn the_package_says_what_it_is_and_brings_both_programs() {
    let package = package();
    let field = |name: &str| dpkg_deb(&["--field"], &package, &[Path::new(name)]).trim().to_owned();
    assert_eq!(field("Package"), "megarouter");
    for name in ["Version", "Maintainer", "Description", "Section"] {
        assert!(!field(name).is_empty() && !field(name).contains("(none)"), "{name}: {}", field(name));
    }
    for library in ["libwebkit2gtk-4.1-0", "libdbus-1-3"] {
        assert!(field("Depends").contains(library), "{library} is not in {}", field("Depends"));
    }
    let contents = dpkg_deb(&["--contents"], &package, &[]);
    for file in ["usr/bin/megarouter", "usr/bin/megarouter-server", ".desktop", ".png"] {
        assert!(contents.lines().any(|line| line.ends_with(file)), "{file} is not in:\n{contents}");
    }
    for line in contents.lines() {
        let (mode, rest) = line.split_once(' ').unwrap();
        assert!(!mode.ends_with('w') && !mode.contains('s'), "{line}: others may write it, or it takes rights");
        // By name or by number, as the bundler writes it.
        assert!(rest.starts_with("root/root ") || rest.starts_with("0/0 "), "{line}: not root's");
    }
}

#[tokio::test]
#[ignore = "needs the package from `cargo xtask bundle`"]
async fn both_programs_start_from_the_package() {
    let folder = tempfile::tempdir().unwrap();
    dpkg_deb(&["--extract"], &package(), &[folder.path()]);
    let install = Install::of(folder.path().join("usr/bin/megarouter-server")).unwrap();
    let program = install.start().unwrap();
    let answer = client::new().get(program.url("/readyz")).send().await.unwrap();
    assert_eq!(answer.status(), 200);
    program.stop().unwrap();

    let display = Xvfb::start().unwrap();
    let desktop = Install::of(folder.path().join("usr/bin/megarouter")).unwrap();
    let window = Window::open_program(&desktop, &display, &[]).await.unwrap();
    window.find("link", "Overview").await.unwrap();
    window.close().await.unwrap();
}
