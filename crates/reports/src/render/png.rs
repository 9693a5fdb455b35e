//! Charts as PNG.

use plotters::backend::BitMapBackend;
use plotters::drawing::IntoDrawingArea as _;

use super::bars::{self, Canvas, HEIGHT, WIDTH};
use crate::Error;
use crate::document::BarChart;

/// Pixels to a unit of the layout, for dense screens.
const SCALE: u32 = 2;

/// The bitmap backend takes the middle of the line's full height, which lies above the digits'.
const MIDDLE_DROP: i32 = 5;

pub fn render(chart: &BarChart) -> Result<Vec<u8>, Error> {
    let size = (WIDTH * SCALE, HEIGHT * SCALE);
    let mut pixels = vec![255; size.0 as usize * size.1 as usize * 3];
    {
        let area = BitMapBackend::with_buffer(&mut pixels, size).into_drawing_area();
        bars::draw(&Canvas::new(&area, SCALE, MIDDLE_DROP), chart)?;
    }
    encode(&pixels, size).map_err(|error| Error::Drawing(error.to_string()))
}

fn encode(pixels: &[u8], (width, height): (u32, u32)) -> Result<Vec<u8>, png::EncodingError> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, width, height);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    let mut writer = encoder.write_header()?;
    writer.write_image_data(pixels)?;
    writer.finish()?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use megarouter_domain::money::NanoUsd;

    use super::*;
    use crate::document::Bar;

    #[test]
    fn draws_text_and_bars_at_twice_the_size() {
        let bar = |amount| Bar { label: "1 Jan".to_owned(), amount: NanoUsd(amount), is_incomplete: false };
        let chart = BarChart { title: "A title".to_owned(), notes: vec![], bars: vec![bar(5), bar(9)] };
        let bytes = render(&chart).unwrap();
        let mut reader = png::Decoder::new(bytes.as_slice()).read_info().unwrap();
        let mut pixels = vec![0; reader.output_buffer_size()];
        let frame = reader.next_frame(&mut pixels).unwrap();
        assert_eq!((frame.width, frame.height), (WIDTH * SCALE, HEIGHT * SCALE));
        let has = |color: [u8; 3]| pixels.chunks_exact(3).any(|pixel| pixel == color);
        assert!(has([0x00, 0x72, 0xb2]), "no bar");
        assert!(has([0x12, 0x16, 0x1d]), "no text");
    }
}
