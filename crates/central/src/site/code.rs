//! A QR code as SVG, drawn here: nothing is asked of anybody to show one.

use qrcode::{Color, EcLevel, QrCode};

/// Path of the dark modules and the side of the picture, quiet zone included. None where the text is too long.
pub fn code(text: &str) -> Option<(String, usize)> {
    const QUIET: usize = 4;
    let code = QrCode::with_error_correction_level(text, EcLevel::M).ok()?;
    let side = code.width();
    let mut path = String::new();
    for (at, _) in code.to_colors().iter().enumerate().filter(|(_, color)| **color == Color::Dark) {
        let (x, y) = (at % side + QUIET, at / side + QUIET);
        path.push_str(&format!("M{x} {y}h1v1h-1z"));
    }
    Some((path, side + 2 * QUIET))
}
