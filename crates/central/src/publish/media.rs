//! The published copy of a file: photographs re-encoded without metadata, PDFs without their information dictionary.
//! The original stays private.

use std::io::Cursor;

use anyhow::{Context, Result, bail};
use domain::evidence::MediaType;
use domain::seeded::{self, Bug};
use image::{DynamicImage, ImageDecoder, ImageReader, Limits};

/// Longest side of a published photograph, pixels.
const LONGEST: u32 = 2048;
/// Most pixels decoded on one side; with the allocation limit below this stays under 25 megapixels.
const MAX_SIDE: u32 = 12_000;
/// Most bytes a decoder may take: 25 megapixels of four bytes, twice.
const MAX_ALLOC: u64 = 25_000_000 * 8;

/// Makes the published copy.
///
/// # Errors
/// The file is not what it says it is, or is larger than what is accepted.
pub fn published_copy(bytes: &[u8], kind: MediaType) -> Result<Vec<u8>> {
    if MediaType::sniff(bytes) != Some(kind) {
        bail!("the bytes are not {}", kind.as_str());
    }
    if seeded::is(Bug::OriginalPublished) {
        return Ok(bytes.to_vec());
    }
    if kind.is_image() { photograph(bytes) } else { document(bytes) }
}

fn photograph(bytes: &[u8]) -> Result<Vec<u8>> {
    let mut reader = ImageReader::new(Cursor::new(bytes)).with_guessed_format()?;
    let mut limits = Limits::default();
    limits.max_image_width = Some(MAX_SIDE);
    limits.max_image_height = Some(MAX_SIDE);
    limits.max_alloc = Some(MAX_ALLOC);
    reader.limits(limits);
    let mut decoder = reader.into_decoder()?;
    // The position of the camera is in the metadata that is about to go: it is applied to the pixels first.
    let orientation = decoder.orientation()?;
    let mut image = DynamicImage::from_decoder(decoder)?;
    image.apply_orientation(orientation);
    if image.width() > LONGEST || image.height() > LONGEST {
        image = image.resize(LONGEST, LONGEST, image::imageops::FilterType::Triangle);
    }
    let mut out = Vec::new();
    let encoder = image::codecs::jpeg::JpegEncoder::new_with_quality(&mut out, 82);
    image.to_rgb8().write_with_encoder(encoder)?;
    Ok(out)
}

fn document(bytes: &[u8]) -> Result<Vec<u8>> {
    let mut document = lopdf::Document::load_mem(bytes).context("the PDF cannot be read")?;
    if document.is_encrypted() {
        bail!("the PDF is protected with a password");
    }
    document.trailer.remove(b"Info");
    for object in document.objects.values_mut() {
        scrub(object);
    }
    document.prune_objects();
    let mut out = Vec::new();
    document.save_to(&mut out).context("the PDF cannot be written")?;
    Ok(out)
}

/// Removes, at any depth, XMP packets, what programs leave for themselves, attached files, the authors of annotations,
/// and anything that acts by itself. Photographs inside keep their pixels and lose their metadata.
fn scrub(object: &mut lopdf::Object) {
    const GONE: [&[u8]; 11] = [
        b"Metadata",
        b"PieceInfo",
        b"OpenAction",
        b"AA",
        b"A",
        b"JS",
        b"JavaScript",
        b"EmbeddedFiles",
        b"AF",
        b"EF",
        b"LastModified",
    ];
    match object {
        lopdf::Object::Array(items) => items.iter_mut().for_each(scrub),
        lopdf::Object::Dictionary(dictionary) => scrub_dictionary(dictionary, &GONE),
        lopdf::Object::Stream(stream) => {
            scrub_dictionary(&mut stream.dict, &GONE);
            if stream
                .dict
                .get(b"Filter")
                .and_then(lopdf::Object::as_name)
                .is_ok_and(|name| name == b"DCTDecode")
                && let Some(plain) = without_metadata(&stream.content)
            {
                stream.set_content(plain);
            }
        }
        _ => {}
    }
}

fn scrub_dictionary(dictionary: &mut lopdf::Dictionary, gone: &[&[u8]]) {
    for key in gone {
        dictionary.remove(key);
    }
    // /T is the author of an annotation, and the name of a form field elsewhere.
    let annotation =
        dictionary.get(b"Type").and_then(lopdf::Object::as_name).is_ok_and(|name| name == b"Annot");
    if annotation {
        dictionary.remove(b"T");
    }
    for (_, value) in dictionary.iter_mut() {
        scrub(value);
    }
}

/// A JPEG without its APP1–APP13, APP15 and comment segments: where programs write positions, names and thumbnails.
/// APP0 and APP14 say how to read the colours and stay. None if it is not a whole JPEG: then it is left alone.
fn without_metadata(jpeg: &[u8]) -> Option<Vec<u8>> {
    let mut out = jpeg.get(..2).filter(|start| *start == [0xFF, 0xD8])?.to_vec();
    let mut at = 2;
    loop {
        let marker = *jpeg.get(at + 1).filter(|_| jpeg[at] == 0xFF)?;
        // The scan: from here to the end there are pixels only.
        if marker == 0xDA {
            out.extend_from_slice(&jpeg[at..]);
            return Some(out);
        }
        let length = usize::from(u16::from_be_bytes([*jpeg.get(at + 2)?, *jpeg.get(at + 3)?]));
        let segment = jpeg.get(at..at + 2 + length)?;
        if !matches!(marker, 0xE1..=0xED | 0xEF | 0xFE) {
            out.extend_from_slice(segment);
        }
        at += 2 + length;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_photograph_loses_its_metadata_and_keeps_its_size() {
        let picture = DynamicImage::new_rgb8(40, 20);
        let mut jpeg = Vec::new();
        picture.write_to(&mut Cursor::new(&mut jpeg), image::ImageFormat::Jpeg).unwrap();
        // An APP1 segment with a position that must not survive, right after the start of the image.
        let secret = b"Exif\0\0GPS 25.6579,-100.4037 canario";
        let mut tagged = jpeg[..2].to_vec();
        tagged.extend([0xFF, 0xE1]);
        tagged.extend(u16::try_from(secret.len() + 2).unwrap().to_be_bytes());
        tagged.extend(secret);
        tagged.extend(&jpeg[2..]);
        let out = published_copy(&tagged, MediaType::Jpeg).unwrap();
        assert!(!out.windows(7).any(|window| window == b"canario"));
        let again = image::load_from_memory(&out).unwrap();
        assert_eq!((again.width(), again.height()), (40, 20));
    }

    /// A part of a PNG: length, name, bytes, and the sum that says that they are whole.
    fn chunk(name: &[u8; 4], bytes: &[u8]) -> Vec<u8> {
        let mut sum = u32::MAX;
        for byte in name.iter().chain(bytes) {
            sum ^= u32::from(*byte);
            for _ in 0..8 {
                sum = if sum & 1 == 1 { (sum >> 1) ^ 0xEDB8_8320 } else { sum >> 1 };
            }
        }
        let mut chunk = u32::try_from(bytes.len()).unwrap().to_be_bytes().to_vec();
        chunk.extend_from_slice(name);
        chunk.extend_from_slice(bytes);
        chunk.extend((!sum).to_be_bytes());
        chunk
    }

    #[test]
    fn no_kind_of_photograph_is_published_with_what_programs_write_into_it() {
        let picture = DynamicImage::new_rgb8(40, 20);
        let plain = |format| {
            let mut bytes = Cursor::new(Vec::new());
            picture.write_to(&mut bytes, format).unwrap();
            bytes.into_inner()
        };
        // JPEG: Exif with a position and a thumbnail, XMP, IPTC, a comment.
        let mut jpeg = vec![0xFF, 0xD8];
        let parts: [(u8, &[u8]); 4] = [
            (0xE1, b"Exif\0\0MM\0*\0\0\0\x08\0\0 GPS 25.65 canario \xFF\xD8 canario \xFF\xD9"),
            (0xE1, b"http://ns.adobe.com/xap/1.0/\0<x:xmpmeta>canario</x:xmpmeta>"),
            (0xED, b"Photoshop 3.0\08BIM canario"),
            (0xFE, b"canario"),
        ];
        for (marker, bytes) in parts {
            jpeg.extend([0xFF, marker]);
            jpeg.extend(u16::try_from(bytes.len() + 2).unwrap().to_be_bytes());
            jpeg.extend_from_slice(bytes);
        }
        jpeg.extend(&plain(image::ImageFormat::Jpeg)[2..]);
        // PNG: text, XMP and Exif, after the header.
        let png = plain(image::ImageFormat::Png);
        let (head, rest) = png.split_at(33);
        let mut written = head.to_vec();
        written.extend(chunk(b"tEXt", b"Author\0canario"));
        written.extend(chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0canario"));
        written.extend(chunk(b"eXIf", b"MM\0*\0\0\0\x08\0\0canario"));
        written.extend_from_slice(rest);
        // WebP: further parts after the picture.
        let mut webp = plain(image::ImageFormat::WebP);
        for name in [b"EXIF", b"XMP "] {
            webp.extend_from_slice(name);
            webp.extend(8u32.to_le_bytes());
            webp.extend_from_slice(b"canario ");
        }
        let length = u32::try_from(webp.len() - 8).unwrap();
        webp[4..8].copy_from_slice(&length.to_le_bytes());

        let says = |bytes: &[u8]| bytes.windows(7).any(|window| window == b"canario");
        for (bytes, kind) in [(jpeg, MediaType::Jpeg), (written, MediaType::Png), (webp, MediaType::Webp)] {
            assert!(says(&bytes), "{kind:?}");
            let out = published_copy(&bytes, kind).unwrap_or_else(|error| panic!("{kind:?}: {error:#}"));
            assert!(!says(&out) && !out.windows(4).any(|window| window == b"Exif"), "{kind:?}");
            assert_eq!(image::load_from_memory(&out).unwrap().width(), 40);
        }
    }

    #[test]
    fn what_is_not_a_photograph_is_refused() {
        assert!(published_copy(b"<svg/>", MediaType::Png).is_err());
        assert!(published_copy(b"\x89PNG\r\n\x1a\nnot really", MediaType::Png).is_err());
        assert!(published_copy(b"", MediaType::Png).is_err());
    }

    #[test]
    fn a_document_loses_its_author() {
        let mut document = lopdf::Document::with_version("1.5");
        let info =
            document.add_object(lopdf::dictionary! {"Author" => lopdf::Object::string_literal("canario")});
        // Inline in the catalogue, in an annotation, and inside a scanned page.
        let names = lopdf::dictionary! {"EmbeddedFiles" => lopdf::Object::string_literal("canario")};
        let note = lopdf::dictionary! {"Type" => "Annot", "T" => lopdf::Object::string_literal("canario")};
        let annotations = vec![lopdf::Object::Dictionary(note)];
        let mut scan = vec![0xFF, 0xD8, 0xFF, 0xE1, 0, 9];
        scan.extend(b"canario");
        scan.extend([0xFF, 0xDA, 0, 2, 1, 2, 3, 0xFF, 0xD9]);
        let scan =
            lopdf::Stream::new(lopdf::dictionary! {"Subtype" => "Image", "Filter" => "DCTDecode"}, scan);
        let scan = document.add_object(scan);
        let pages = document.add_object(
            lopdf::dictionary! {"Type" => "Pages", "Kids" => Vec::<lopdf::Object>::new(), "Count" => 0},
        );
        let root = document.add_object(lopdf::dictionary! {
            "Type" => "Catalog", "Pages" => pages, "Names" => names, "Annots" => annotations, "Scan" => scan
        });
        document.trailer.set("Root", root);
        document.trailer.set("Info", info);
        let mut bytes = Vec::new();
        document.save_to(&mut bytes).unwrap();
        assert!(bytes.windows(7).any(|window| window == b"canario"));
        let out = published_copy(&bytes, MediaType::Pdf).unwrap();
        assert!(!out.windows(7).any(|window| window == b"canario"));
        assert!(lopdf::Document::load_mem(&out).is_ok());
    }
}
