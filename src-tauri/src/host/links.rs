//! Opens web addresses in the system's browser.

use tauri::Url;

/// Opens an address of the web outside of the window. The page has shown its host before.
#[tauri::command(async)]
pub fn open_external(url: &str) -> Result<(), String> {
    open::that_detached(checked(url)?.as_str()).map_err(|error| format!("the browser could not be opened: {error}"))
}

/// Only what a browser shows safely: `https`, or `http` on this machine, without a user name in front of the host, which
/// can be made to look like another host.
fn checked(url: &str) -> Result<Url, String> {
    let refused = |why: &str| format!("this address is not opened: {why}");
    let parsed = Url::parse(url).map_err(|error| refused(&error.to_string()))?;
    let host = parsed.host_str().filter(|host| !host.is_empty()).ok_or_else(|| refused("it names no host"))?;
    let is_local = matches!(host, "localhost" | "127.0.0.1" | "[::1]");
    match parsed.scheme() {
        "https" => {}
        "http" if is_local => {}
        _ => return Err(refused("only https addresses are")),
    }
    if !parsed.username().is_empty() || parsed.password().is_some() {
        return Err(refused("it has a user name in it"));
    }
    Ok(parsed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn opens_web_addresses() {
        for good in [
            "https://platform.openai.com/api-keys",
            "http://localhost:11434/",
            "http://127.0.0.1:1234",
            "http://[::1]:8080/x",
        ] {
            assert!(checked(good).is_ok(), "{good}");
        }
    }

    #[test]
    fn refuses_everything_else() {
        for bad in [
            "http://example.com/",
            "file:///etc/passwd",
            "javascript:alert(1)",
            "data:text/html,x",
            "https://openai.com@evil.example/",
            "https://user:secret@example.com/",
            "http://localhost.evil.example/",
            "smb://host/share",
            "megarouter://x",
            "-oProxyCommand=x",
            "https://",
            "",
        ] {
            assert!(checked(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn what_is_opened_has_no_raw_control_characters() {
        let opened = checked("https://example.com/\u{1b}\nx y").unwrap();
        assert!(opened.as_str().chars().all(|letter| letter.is_ascii_graphic()), "{opened}");
    }
}
