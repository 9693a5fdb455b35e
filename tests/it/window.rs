//! The real window.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use megarouter_tests::program::Install;
use megarouter_tests::tools;
use megarouter_tests::webdriver::Window;
use megarouter_tests::xvfb::Xvfb;

#[tokio::test]
async fn smoke() {
    let display = Xvfb::start().unwrap();
    let install = Install::of(tools::our_binary("megarouter").unwrap()).unwrap();
    let window = Window::open_program(&install, &display, &[]).await.unwrap();
    println!("{}", window.text().await.unwrap());
    window.screenshot(std::path::Path::new("/tmp/w/proof-window.png")).await.unwrap();
    window.find("link", "Overview").await.unwrap();
    window.close().await.unwrap();
}
