//! Charts as SVG.

use plotters::backend::SVGBackend;
use plotters::drawing::IntoDrawingArea as _;

use super::bars::{self, Canvas, HEIGHT, WIDTH};
use crate::Error;
use crate::document::BarChart;

pub fn render(chart: &BarChart) -> Result<Vec<u8>, Error> {
    let mut text = String::new();
    {
        let area = SVGBackend::with_string(&mut text, (WIDTH, HEIGHT)).into_drawing_area();
        bars::draw(&Canvas::new(&area, 1, 0), chart)?;
    }
    Ok(with_accessible_title(&text, &chart.title).into_bytes())
}

/// Gives the picture its title for screen readers; the drawing library has no way to.
fn with_accessible_title(svg: &str, title: &str) -> String {
    let escaped = title.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    let described = format!("<svg role=\"img\" aria-label=\"{}\" ", escaped.replace('"', "&quot;"));
    svg.replacen("<svg ", &described, 1)
}
