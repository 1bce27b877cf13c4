//! Pictures: valid PNG files of the asked size, a mosaic of a few colours that the
//! drawing alone decides. A flat palette keeps a megapixel at a few kilobytes.

use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;

/// Tiles a side.
const TILES: u32 = 8;
/// Colours of one picture.
const COLOURS: usize = 6;

/// The PNG file of this size, in pixels, that a number stands for.
pub(crate) fn picture(width: u32, height: u32, transparent: bool, number: u64) -> Vec<u8> {
    let mut rng = ChaCha8Rng::seed_from_u64(number);
    let palette: Vec<u8> = (0..COLOURS * 3).map(|_| rng.random()).collect();
    let tiles: Vec<u8> = (0..TILES * TILES).map(|_| rng.random_range(0..COLOURS as u8)).collect();
    let row = |y: u32| -> Vec<u8> {
        (0..width)
            .map(|x| tile(&tiles, x * TILES / width.max(1), y * TILES / height.max(1)))
            .collect()
    };
    let mut pixels = Vec::with_capacity(width as usize * height as usize);
    for y in 0..height {
        pixels.extend(row(y));
    }
    encode(width, height, palette, transparent, &pixels).unwrap_or_default()
}

fn tile(tiles: &[u8], column: u32, row: u32) -> u8 {
    tiles.get((row * TILES + column) as usize).copied().unwrap_or_default()
}

fn encode(
    width: u32,
    height: u32,
    palette: Vec<u8>,
    transparent: bool,
    pixels: &[u8],
) -> Result<Vec<u8>, png::EncodingError> {
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, width, height);
    encoder.set_color(png::ColorType::Indexed);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.set_compression(png::Compression::Fast);
    encoder.set_palette(palette);
    if transparent {
        // The first colour is the background.
        encoder.set_trns(vec![0]);
    }
    let mut writer = encoder.write_header()?;
    writer.write_image_data(pixels)?;
    writer.finish()?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_is_a_png_of_its_size_and_small() {
        for (width, height) in [(1024, 1024), (1024, 1536), (256, 256)] {
            let file = picture(width, height, width == 256, 7);
            let decoder = png::Decoder::new(std::io::Cursor::new(&file));
            let reader = decoder.read_info().unwrap();
            assert_eq!((reader.info().width, reader.info().height), (width, height));
            assert!(file.len() < 64 << 10, "{}", file.len());
        }
        assert_eq!(picture(64, 64, false, 1), picture(64, 64, false, 1));
        assert_ne!(picture(64, 64, false, 1), picture(64, 64, false, 2));
    }
}
