//! The one font family of charts, so that they look the same on every machine.

use std::sync::Once;

use plotters::style::{FontStyle, register_font};

/// The family's name, as SVG viewers see it too.
pub const FAMILY: &str = "Inter, system-ui, sans-serif";

static REGULAR: &[u8] = include_bytes!("../../fonts/Inter-Regular.otf");
static SEMI_BOLD: &[u8] = include_bytes!("../../fonts/Inter-SemiBold.otf");

/// Makes the fonts known to the drawing library; does so once.
pub fn register() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        for (style, bytes) in [(FontStyle::Normal, REGULAR), (FontStyle::Bold, SEMI_BOLD)] {
            // The bytes are part of the program and the tests draw with them. Were they bad, drawing
            // would fail with an error of its own.
            let _ = register_font(FAMILY, style, bytes);
        }
    });
}
