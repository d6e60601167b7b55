//! Evidence: what is attached to a follow-up, known by its content and never by its name.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// Largest file accepted, bytes.
pub const MAX_BYTES: u64 = 25 * 1024 * 1024;
/// Most files of one follow-up.
pub const MAX_FILES: usize = 50;
/// Size of an upload chunk, bytes.
pub const CHUNK_BYTES: usize = 1024 * 1024;

/// The kinds of file accepted. Everything else (SVG, HTML, office files) can carry programs and is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, TS)]
pub enum MediaType {
    /// JPEG photograph.
    #[serde(rename = "image/jpeg")]
    Jpeg,
    /// PNG image.
    #[serde(rename = "image/png")]
    Png,
    /// WebP image.
    #[serde(rename = "image/webp")]
    Webp,
    /// PDF document.
    #[serde(rename = "application/pdf")]
    Pdf,
}

impl MediaType {
    /// Recognises the kind by its first bytes.
    pub fn sniff(bytes: &[u8]) -> Option<MediaType> {
        if bytes.starts_with(&[0xFF, 0xD8, 0xFF]) {
            Some(MediaType::Jpeg)
        } else if bytes.starts_with(b"\x89PNG\r\n\x1a\n") {
            Some(MediaType::Png)
        } else if bytes.len() >= 12 && bytes.starts_with(b"RIFF") && &bytes[8..12] == b"WEBP" {
            Some(MediaType::Webp)
        } else if bytes.starts_with(b"%PDF-") {
            Some(MediaType::Pdf)
        } else {
            None
        }
    }

    /// IANA media type.
    pub fn as_str(self) -> &'static str {
        match self {
            MediaType::Jpeg => "image/jpeg",
            MediaType::Png => "image/png",
            MediaType::Webp => "image/webp",
            MediaType::Pdf => "application/pdf",
        }
    }

    /// Reads an IANA media type.
    pub fn parse(text: &str) -> Option<MediaType> {
        [MediaType::Jpeg, MediaType::Png, MediaType::Webp, MediaType::Pdf]
            .into_iter()
            .find(|kind| kind.as_str() == text)
    }

    /// Whether it is a photograph (it can be re-encoded without metadata).
    pub fn is_image(self) -> bool {
        !matches!(self, MediaType::Pdf)
    }
}

/// A file as the follow-up names it. The name it had on the device is not here: it may hold personal data.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct EvidenceRef {
    /// SHA-256 of the bytes, hexadecimal.
    pub sha256: String,
    /// Bytes.
    pub size: u64,
    /// Kind, by content.
    pub media_type: MediaType,
    /// `documentType` of the OCDS (open codelist, with the Mexican codes).
    pub document_type: String,
    /// Title people read; made from the type when the person writes none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub title: Option<String>,
    /// SHA-256 of the photograph as it was chosen, when what is sent is a smaller one made from it on the device.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub reduced_from: Option<String>,
}

/// To what size a photograph is brought when it is attached. The municipality says it; this much if it says nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct PhotoSize {
    /// Longest side, pixels.
    pub longest: u32,
    /// Quality of the JPEG, 1–100.
    pub quality: u8,
}

impl PhotoSize {
    /// Longest sides that can be asked for: from what a screen shows to what a camera makes.
    pub const SIDES: std::ops::RangeInclusive<u32> = 640..=12_000;
    /// Qualities that can be asked for: below, signs on a photograph cannot be read.
    pub const QUALITIES: std::ops::RangeInclusive<u8> = 40..=100;

    /// Within what can be asked for, whoever asks.
    #[must_use]
    pub fn within_bounds(self) -> PhotoSize {
        PhotoSize {
            longest: self.longest.clamp(*PhotoSize::SIDES.start(), *PhotoSize::SIDES.end()),
            quality: self.quality.clamp(*PhotoSize::QUALITIES.start(), *PhotoSize::QUALITIES.end()),
        }
    }
}

impl Default for PhotoSize {
    fn default() -> PhotoSize {
        // As large as the published copy, which is made from it.
        PhotoSize { longest: 2048, quality: 85 }
    }
}

/// Whether a text is the hash of a file: 64 lower-case hexadecimal digits. Hashes become file names.
pub fn is_sha256(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_known_by_content() {
        assert_eq!(MediaType::sniff(b"%PDF-1.7\n"), Some(MediaType::Pdf));
        assert_eq!(MediaType::sniff(&[0xFF, 0xD8, 0xFF, 0xE0]), Some(MediaType::Jpeg));
        assert_eq!(MediaType::sniff(b"<svg xmlns="), None);
        assert_eq!(MediaType::sniff(b""), None);
        for kind in [MediaType::Jpeg, MediaType::Png, MediaType::Webp, MediaType::Pdf] {
            assert_eq!(MediaType::parse(kind.as_str()), Some(kind));
        }
        assert!(!is_sha256("../../etc/passwd"));
        assert!(is_sha256(&"0f".repeat(32)));
    }
}
