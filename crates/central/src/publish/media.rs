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
