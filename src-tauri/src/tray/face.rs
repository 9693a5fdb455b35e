//! What the tray shows for a state of the program.

use serde_json::Value;
use tauri::image::Image;
use tauri::include_image;

/// The icon and the words.
#[derive(Debug, PartialEq)]
pub struct Face {
    /// Which icon.
    pub shape: Shape,
    /// The first line: the proxy's state.
    pub state: String,
    /// The second line: what today cost.
    pub today: String,
    /// Whether there is something to pause.
    pub can_pause: bool,
    /// Whether there is something to resume.
    pub can_resume: bool,
    /// What to put into an app.
    pub base_url: Option<String>,
}

/// The four icons differ by shape, not only by colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    On,
    Paused,
    Warning,
    Off,
}

impl Face {
    /// Before the backend answered.
    pub fn starting() -> Self {
        Self::without_proxy(Shape::Off, "Starting")
    }

    /// For the control API's status; `null` stands for a backend that does not run.
    pub fn of(status: &Value) -> Self {
        let proxy = &status["proxy"];
        let today = format!("Today {}", cost(&status["today"]["cost"]));
        let base_url = proxy["base_url"].as_str().map(str::to_owned);
        let address = proxy["addresses"][0].as_str().unwrap_or_default();
        let is_limping = status["ledger"]["state"] == "unavailable";
        match proxy["state"].as_str() {
            Some("running") if is_limping => Self {
                today,
                base_url,
                can_pause: true,
                ..Self::without_proxy(Shape::Warning, "Refusing requests: the ledger cannot be written")
            },
            Some("running") => Self {
                shape: Shape::On,
                state: format!("On, {address}"),
                today,
                can_pause: true,
                can_resume: false,
                base_url,
            },
            Some("paused") => Self {
                shape: Shape::Paused,
                state: paused(proxy["paused_until"].as_str()),
                today,
                can_pause: false,
                can_resume: true,
                base_url,
            },
            Some(_) => Self { today, ..Self::without_proxy(Shape::Off, "Off: the proxy cannot listen") },
            None => Self::without_proxy(Shape::Off, "Off: MegaRouter could not start"),
        }
    }

    fn without_proxy(shape: Shape, state: &str) -> Self {
        let (state, today) = (state.to_owned(), "Today: no figures yet".to_owned());
        Self { shape, state, today, can_pause: false, can_resume: false, base_url: None }
    }

    /// The picture of this state.
    pub fn icon(&self) -> Image<'static> {
        match self.shape {
            Shape::On => include_image!("icons/tray/on.png"),
            Shape::Paused => include_image!("icons/tray/paused.png"),
            Shape::Warning => include_image!("icons/tray/warning.png"),
            Shape::Off => include_image!("icons/tray/off.png"),
        }
    }
}

/// The status has RFC 3339 in UTC; hours and minutes are enough for a pause.
fn paused(until: Option<&str>) -> String {
    match until.and_then(|time| time.split_once('T')).and_then(|(_, time)| time.get(..5)) {
        Some(time) => format!("Paused until {time} UTC"),
        None => "Paused until you resume".to_owned(),
    }
}

/// A cost with its state: an unknown one is not zero.
fn cost(cost: &Value) -> String {
    let nano = cost["amount"].as_str().and_then(|amount| amount.parse::<i64>().ok());
    match (cost["state"].as_str(), nano) {
        (Some("unknown"), _) | (_, None) => "unknown".to_owned(),
        (Some("estimated"), Some(nano)) => format!("about {}", dollars(nano)),
        (_, Some(nano)) => dollars(nano),
    }
}

/// Nano-USD as dollars: cents from a cent on, four decimals below, both rounded half up.
fn dollars(nano: i64) -> String {
    let rounded = |unit: i64| nano.saturating_add(unit / 2) / unit;
    if nano == 0 || nano >= 10_000_000 {
        let cents = rounded(10_000_000);
        format!("${}.{:02}", cents / 100, cents % 100)
    } else {
        let parts = rounded(100_000);
        format!("${}.{:04}", parts / 10_000, parts % 10_000)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn status(state: &str, ledger: &str) -> Value {
        json!({
            "proxy": { "state": state, "addresses": ["127.0.0.1:4180"], "base_url": "http://127.0.0.1:4180/v1",
                       "paused_until": "2026-11-22T14:05:00.000000Z", "error": null },
            "ledger": { "state": ledger },
            "today": { "cost": { "state": "exact", "amount": "41200000000" }, "requests": 7 },
        })
    }

    #[test]
    fn each_state_has_its_shape() {
        assert_eq!(Face::of(&status("running", "ok")).shape, Shape::On);
        assert_eq!(Face::of(&status("paused", "ok")).shape, Shape::Paused);
        assert_eq!(Face::of(&status("running", "unavailable")).shape, Shape::Warning);
        assert_eq!(Face::of(&status("failed", "ok")).shape, Shape::Off);
        assert_eq!(Face::of(&Value::Null).shape, Shape::Off);
    }

    #[test]
    fn says_where_it_listens_and_what_today_cost() {
        let face = Face::of(&status("running", "ok"));
        assert_eq!(face.state, "On, 127.0.0.1:4180");
        assert_eq!(face.today, "Today $41.20");
        assert_eq!(face.base_url.as_deref(), Some("http://127.0.0.1:4180/v1"));
    }

    #[test]
    fn offers_what_can_be_done() {
        let running = Face::of(&status("running", "ok"));
        assert!(running.can_pause && !running.can_resume);
        let paused = Face::of(&status("paused", "ok"));
        assert!(!paused.can_pause && paused.can_resume);
        assert_eq!(paused.state, "Paused until 14:05 UTC");
    }

    #[test]
    fn an_unknown_cost_is_not_shown_as_nothing() {
        assert_eq!(cost(&json!({ "state": "unknown", "amount": "0" })), "unknown");
        assert_eq!(cost(&Value::Null), "unknown");
        assert_eq!(cost(&json!({ "state": "estimated", "amount": "3100000" })), "about $0.0031");
        assert_eq!(cost(&json!({ "state": "exact", "amount": "0" })), "$0.00");
    }
}
