//! What a photograph says of itself, and how it is made smaller.
//!
//! The *original* is what is kept, sent and named by the receipt: a photograph over the municipality's size becomes a
//! smaller one the moment it is attached, and the camera's file is not kept. Its hash is: whoever has that file can show
//! that it is the one. The smaller one carries day and place as its metadata and nothing else of the camera's.

use std::io::Cursor;

use chrono::NaiveDate;
use domain::evidence::PhotoSize;
use domain::place::Position;
use exif::{Exif, Field, In, Tag, Value};
use image::codecs::jpeg::JpegEncoder;
use image::imageops::FilterType;
use image::{DynamicImage, ImageEncoder as _};

/// What a photograph says of itself.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Facts {
    /// Day it was taken, by the camera's clock.
    pub(crate) taken_on: Option<NaiveDate>,
    /// Where it was taken.
    pub(crate) taken_in: Option<Position>,
}

/// The metadata of a photograph, if it has any that can be read.
pub(crate) fn metadata(bytes: &[u8]) -> Option<Exif> {
    exif::Reader::new().read_from_container(&mut Cursor::new(bytes)).ok()
}

impl Facts {
    /// Reads them. What a camera without a fix writes (zero, zero) is no place, and its first day of all is no day.
    pub(crate) fn of(metadata: &Exif) -> Facts {
        let angle = |angle: Tag, sign: Tag, negative: u8| {
            let Value::Rational(parts) = &metadata.get_field(angle, In::PRIMARY)?.value else { return None };
            let [degrees, minutes, seconds] = parts.get(..3)? else { return None };
            let value = degrees.to_f64() + minutes.to_f64() / 60.0 + seconds.to_f64() / 3600.0;
            let sign = ascii(metadata.get_field(sign, In::PRIMARY)?)?.first().copied()?;
            value.is_finite().then_some(if sign.eq_ignore_ascii_case(&negative) { -value } else { value })
        };
        let place = || {
            let latitude = angle(Tag::GPSLatitude, Tag::GPSLatitudeRef, b'S')?;
            let longitude = angle(Tag::GPSLongitude, Tag::GPSLongitudeRef, b'W')?;
            let place = Position::new(latitude, longitude);
            (place.is_on_earth() && (latitude != 0.0 || longitude != 0.0)).then_some(place)
        };
        let day = |tag: Tag| {
            let day = exif::DateTime::from_ascii(ascii(metadata.get_field(tag, In::PRIMARY)?)?).ok()?;
            NaiveDate::from_ymd_opt(day.year.into(), day.month.into(), day.day.into())
                .filter(|_| day.year > 1990)
        };
        Facts {
            taken_on: day(Tag::DateTimeOriginal)
                .or_else(|| day(Tag::DateTimeDigitized))
                .or_else(|| day(Tag::DateTime)),
            taken_in: place(),
        }
    }
}

fn ascii(field: &Field) -> Option<&[u8]> {
    match &field.value {
        Value::Ascii(texts) => texts.first().map(Vec::as_slice),
        _ => None,
    }
}

/// A smaller JPEG of a picture whose longest side is over the size; none if it is not, or if nothing is won by it.
pub(crate) fn smaller(
    picture: &DynamicImage,
    size: PhotoSize,
    metadata: Option<&Exif>,
    bytes: usize,
) -> Option<Vec<u8>> {
    let size = size.within_bounds();
    if picture.width().max(picture.height()) <= size.longest {
        return None;
    }
    let small = picture.resize(size.longest, size.longest, FilterType::Triangle).to_rgb8();
    let mut jpeg = Vec::new();
    let mut encoder = JpegEncoder::new_with_quality(&mut jpeg, size.quality);
    if let Some(kept) = metadata.and_then(day_and_place) {
        // Without it the photograph is as good; it was read already.
        let _ = encoder.set_exif_metadata(kept);
    }
    encoder.write_image(&small, small.width(), small.height(), image::ExtendedColorType::Rgb8).ok()?;
    (jpeg.len() < bytes).then_some(jpeg)
}

/// Day and place as metadata of their own: no camera, no owner, no thumbnail, and no orientation, which is in the pixels.
fn day_and_place(metadata: &Exif) -> Option<Vec<u8>> {
    const KEPT: [Tag; 6] = [
        Tag::DateTimeOriginal,
        Tag::OffsetTimeOriginal,
        Tag::GPSLatitudeRef,
        Tag::GPSLatitude,
        Tag::GPSLongitudeRef,
        Tag::GPSLongitude,
    ];
    let fields: Vec<&Field> =
        KEPT.into_iter().filter_map(|tag| metadata.get_field(tag, In::PRIMARY)).collect();
    if fields.is_empty() {
        return None;
    }
    let mut writer = exif::experimental::Writer::new();
    for field in fields {
        writer.push_field(field);
    }
    let mut kept = Cursor::new(Vec::new());
    writer.write(&mut kept, false).ok()?;
    Some(kept.into_inner())
}
