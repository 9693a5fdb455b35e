//! Bar charts, drawn the same way whatever the file format.
//!
//! The layout is in units of [`WIDTH`] x [`HEIGHT`]; a [`Canvas`] turns them into pixels. Widths of
//! text are measured, so that no label is cut or runs into its neighbour.

use megarouter_domain::money::NanoUsd;
use plotters::coord::Shift;
use plotters::drawing::DrawingArea;
use plotters::element::{Circle, PathElement, Rectangle};
use plotters::prelude::DrawingBackend;
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{Color as _, FontDesc, FontFamily, FontStyle, RGBColor, ShapeStyle, TextStyle};

use super::{fonts, ticks};
use crate::Error;
use crate::document::{Bar, BarChart};

/// The picture's width in units.
pub const WIDTH: u32 = 960;
/// The picture's height in units.
pub const HEIGHT: u32 = 480;

const MARGIN: i32 = 24;
const TITLE_SIZE: i32 = 18;
const TEXT_SIZE: i32 = 13;
const LABEL_GAP: i32 = 12;
const WIDEST_BAR: i32 = 48;

// The light theme's colours: files are looked at on paper and in mails.
const BACKGROUND: RGBColor = RGBColor(0xff, 0xff, 0xff);
const TEXT: RGBColor = RGBColor(0x12, 0x16, 0x1d);
const QUIET_TEXT: RGBColor = RGBColor(0x5d, 0x67, 0x78);
const LINE: RGBColor = RGBColor(0xd5, 0xda, 0xe3);
const BASE_LINE: RGBColor = RGBColor(0x74, 0x81, 0x96);
const BAR: RGBColor = RGBColor(0x00, 0x72, 0xb2);
const WARNING: RGBColor = RGBColor(0x8f, 0x5a, 0x00);

/// A drawing area with a number of pixels to a unit.
pub struct Canvas<'a, DB: DrawingBackend> {
    area: &'a DrawingArea<DB, Shift>,
    scale: i32,
    middle_drop: i32,
}

/// Where the bars are, in units.
struct Plot {
    left: i32,
    right: i32,
    top: i32,
    bottom: i32,
    highest: NanoUsd,
    bars: usize,
}

/// Draws a chart over the whole area.
pub fn draw<DB: DrawingBackend>(canvas: &Canvas<'_, DB>, chart: &BarChart) -> Result<(), Error> {
    fonts::register();
    canvas.area.fill(&BACKGROUND).map_err(failed)?;
    let top = draw_heading(canvas, chart)?;
    let highest = chart.bars.iter().map(|bar| bar.amount).max().unwrap_or_default();
    let axis = ticks::money_axis(highest);
    let plot = layout(canvas, chart, &axis, top)?;
    draw_money_axis(canvas, &plot, &axis)?;
    draw_bars(canvas, &plot, &chart.bars)?;
    draw_labels(canvas, &plot, &chart.bars)?;
    canvas.area.present().map_err(failed)
}

/// Draws title and notes; gives where they end.
fn draw_heading<DB: DrawingBackend>(canvas: &Canvas<'_, DB>, chart: &BarChart) -> Result<i32, Error> {
    canvas.text(&chart.title, (MARGIN, MARGIN), &canvas.bold(), (HPos::Left, VPos::Top))?;
    let mut y = MARGIN + TITLE_SIZE + 10;
    for note in &chart.notes {
        canvas.text(note, (MARGIN, y), &canvas.plain(QUIET_TEXT), (HPos::Left, VPos::Top))?;
        y += TEXT_SIZE + 6;
    }
    Ok(y)
}

fn layout<DB: DrawingBackend>(
    canvas: &Canvas<'_, DB>,
    chart: &BarChart,
    axis: &[(NanoUsd, String)],
    top: i32,
) -> Result<Plot, Error> {
    let widest = widest(canvas, axis.iter().map(|(_, label)| label.as_str()))?;
    Ok(Plot {
        left: MARGIN + widest + LABEL_GAP,
        right: units(WIDTH) - MARGIN,
        top: top + 20,
        bottom: units(HEIGHT) - MARGIN - TEXT_SIZE - LABEL_GAP,
        highest: axis.last().map_or(NanoUsd(1), |(amount, _)| *amount),
        bars: chart.bars.len().max(1),
    })
}

fn draw_money_axis<DB: DrawingBackend>(
    canvas: &Canvas<'_, DB>,
    plot: &Plot,
    axis: &[(NanoUsd, String)],
) -> Result<(), Error> {
    for (amount, label) in axis {
        let y = plot.y(*amount);
        let color = if amount.is_positive() { LINE } else { BASE_LINE };
        canvas.line((plot.left, y), (plot.right, y), color)?;
        let beside = (plot.left - LABEL_GAP, y);
        canvas.text(label, beside, &canvas.plain(QUIET_TEXT), (HPos::Right, VPos::Center))?;
    }
    Ok(())
}

fn draw_bars<DB: DrawingBackend>(canvas: &Canvas<'_, DB>, plot: &Plot, bars: &[Bar]) -> Result<(), Error> {
    for (index, bar) in bars.iter().enumerate() {
        let (left, right) = plot.bar_edges(index);
        let top = plot.y(bar.amount);
        if bar.amount.is_positive() {
            // A known amount is never invisible, however small beside the others.
            canvas.rectangle((left, top.min(plot.bottom - 1)), (right, plot.bottom), BAR)?;
        }
        if bar.is_incomplete {
            canvas.ring((plot.center(index), top - 10), WARNING)?;
        }
    }
    Ok(())
}

/// Draws every n-th label, so that they do not touch.
fn draw_labels<DB: DrawingBackend>(canvas: &Canvas<'_, DB>, plot: &Plot, bars: &[Bar]) -> Result<(), Error> {
    let needed = widest(canvas, bars.iter().map(|bar| bar.label.as_str()))? + LABEL_GAP;
    let every = (needed * count(plot.bars) + plot.width() - 1) / plot.width().max(1);
    let every = usize::try_from(every.max(1)).unwrap_or(1);
    for (index, bar) in bars.iter().enumerate().step_by(every) {
        let below = (plot.center(index), plot.bottom + LABEL_GAP);
        canvas.text(&bar.label, below, &canvas.plain(QUIET_TEXT), (HPos::Center, VPos::Top))?;
    }
    Ok(())
}

fn widest<'a, DB: DrawingBackend>(
    canvas: &Canvas<'_, DB>,
    labels: impl Iterator<Item = &'a str>,
) -> Result<i32, Error> {
    labels.map(|label| canvas.width_of(label)).try_fold(0, |widest, width| Ok(widest.max(width?)))
}

impl Plot {
    fn width(&self) -> i32 {
        self.right - self.left
    }

    fn y(&self, amount: NanoUsd) -> i32 {
        let height = i128::from(self.bottom - self.top);
        let rise = height * i128::from(amount.0.max(0)) / i128::from(self.highest.0.max(1));
        self.bottom - i32::try_from(rise).unwrap_or(0)
    }

    fn slot(&self, index: usize) -> (i32, i32) {
        let edge = |index: usize| self.left + self.width() * count(index) / count(self.bars);
        (edge(index), edge(index + 1))
    }

    fn center(&self, index: usize) -> i32 {
        let (left, right) = self.slot(index);
        i32::midpoint(left, right)
    }

    fn bar_edges(&self, index: usize) -> (i32, i32) {
        let (left, right) = self.slot(index);
        let width = ((right - left) * 7 / 10).clamp(1, WIDEST_BAR);
        let start = i32::midpoint(left, right) - width / 2;
        (start, start + width)
    }
}

impl<'a, DB: DrawingBackend> Canvas<'a, DB> {
    /// A canvas over a drawing area, with a number of pixels to a unit. A text that is anchored at
    /// its middle is drawn `middle_drop` pixels lower: backends differ in what they call the middle.
    pub fn new(area: &'a DrawingArea<DB, Shift>, scale: u32, middle_drop: i32) -> Self {
        Self { area, scale: units(scale), middle_drop }
    }

    fn at(&self, (x, y): (i32, i32)) -> (i32, i32) {
        (x * self.scale, y * self.scale)
    }

    fn bold(&self) -> TextStyle<'static> {
        self.style(TITLE_SIZE, FontStyle::Bold, TEXT)
    }

    fn plain(&self, color: RGBColor) -> TextStyle<'static> {
        self.style(TEXT_SIZE, FontStyle::Normal, color)
    }

    fn style(&self, size: i32, style: FontStyle, color: RGBColor) -> TextStyle<'static> {
        // The library counts a font's size from its lowest to its highest point: 1.24 em.
        let size = f64::from(size * self.scale) * 1.24;
        let font = FontDesc::new(FontFamily::Name(fonts::FAMILY), size, style);
        TextStyle { color: color.to_backend_color(), ..TextStyle::from(font) }
    }

    fn width_of(&self, text: &str) -> Result<i32, Error> {
        let (width, _) = self.area.estimate_text_size(text, &self.plain(TEXT)).map_err(failed)?;
        Ok(units(width) / self.scale)
    }

    fn text(&self, text: &str, at: (i32, i32), style: &TextStyle<'_>, anchor: (HPos, VPos)) -> Result<(), Error> {
        let style = style.pos(Pos::new(anchor.0, anchor.1));
        let (x, y) = self.at(at);
        let drop = if matches!(anchor.1, VPos::Center) { self.middle_drop } else { 0 };
        self.area.draw_text(text, &style, (x, y + drop)).map_err(failed)
    }

    fn line(&self, from: (i32, i32), to: (i32, i32), color: RGBColor) -> Result<(), Error> {
        let style = ShapeStyle::from(&color).stroke_width(self.scale.unsigned_abs());
        self.area.draw(&PathElement::new(vec![self.at(from), self.at(to)], style)).map_err(failed)
    }

    fn rectangle(&self, from: (i32, i32), to: (i32, i32), color: RGBColor) -> Result<(), Error> {
        self.area.draw(&Rectangle::new([self.at(from), self.at(to)], color.filled())).map_err(failed)
    }

    fn ring(&self, center: (i32, i32), color: RGBColor) -> Result<(), Error> {
        let style = ShapeStyle::from(&color).stroke_width(2 * self.scale.unsigned_abs());
        self.area.draw(&Circle::new(self.at(center), 4 * self.scale, style)).map_err(failed)
    }
}

fn units(number: u32) -> i32 {
    i32::try_from(number).unwrap_or(i32::MAX)
}

fn count(number: usize) -> i32 {
    i32::try_from(number).unwrap_or(i32::MAX)
}

fn failed(error: impl std::fmt::Display) -> Error {
    Error::Drawing(error.to_string())
}
