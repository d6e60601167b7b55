//! Files of a follow-up: read, recognised by content, really decoded and hashed before anything is kept.

use std::io::{Cursor, Read as _};
use std::path::Path;

use base64::Engine as _;
use chrono::{DateTime, Utc};
use domain::command::{OriginalFile, Room, Thumbnail};
use domain::evidence::{CHUNK_BYTES, MAX_BYTES, MAX_FILES, MediaType, PhotoSize};
use domain::follow_up::Stage;
use domain::problem::{Code, Problem};
use domain::receipt::sha256_hex;
use image::{DynamicImage, ImageDecoder as _, ImageFormat, ImageReader, Limits};

use crate::error::Error;
use crate::store::files::{self, StoredFile};
use crate::store::{Store, drafts};

pub(crate) mod photo;

use photo::Facts;

/// Most pixels of a photograph.
const MAX_PIXELS: u64 = 25_000_000;
/// Room that stays for text: a photograph is refused before it takes the last of the disk.
const RESERVE: u64 = 50 * 1024 * 1024;
/// Below this somebody is told, while there is still time to make room.
pub(crate) const WARN: u64 = 500 * 1024 * 1024;
/// Longest side of a thumbnail.
const THUMBNAIL: u32 = 320;

/// A file that may be attached.
pub(crate) struct Checked {
    pub(crate) file: StoredFile,
    pub(crate) bytes: Vec<u8>,
    /// The photograph as it was chosen, when a smaller one takes its place.
    pub(crate) original: Option<OriginalFile>,
    /// What the photograph says of itself.
    pub(crate) facts: Facts,
}

/// Reads a file that somebody chose, never more than the limit.
pub(crate) fn read(path: &Path, size: PhotoSize) -> Result<Checked, Error> {
    let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
    let unreadable = |error: std::io::Error| {
        Problem::new(Code::FileUnreadable)
            .with("file", path.display().to_string())
            .with("detail", error.to_string())
    };
    let file = std::fs::File::open(path).map_err(unreadable)?;
    let length = file.metadata().map_err(unreadable)?.len();
    if length > MAX_BYTES {
        return Err(too_large(&name, length).into());
    }
    let mut bytes = Vec::with_capacity(length as usize);
    // One byte more than allowed, because the file can grow while it is read.
    file.take(MAX_BYTES + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    check(&name, bytes, size)
}

/// Recognises bytes by their content; a photograph must decode, whole, and is brought to a size.
pub(crate) fn check(name: &str, bytes: Vec<u8>, size: PhotoSize) -> Result<Checked, Error> {
    let length = bytes.len() as u64;
    if length > MAX_BYTES {
        return Err(too_large(name, length).into());
    }
    let not_readable =
        |found: &str| Problem::new(Code::EvidenceNotReadable).with("file", name).with("found", found);
    let Some(media_type) = MediaType::sniff(&bytes) else {
        return Err(not_readable(if bytes.is_empty() { "empty" } else { "other" }).into());
    };
    let mut facts = Facts::default();
    let mut small = None;
    if media_type.is_image() {
        let picture = decode(&bytes, media_type).map_err(not_readable)?;
        let metadata = photo::metadata(&bytes);
        facts = metadata.as_ref().map(Facts::of).unwrap_or_default();
        small = photo::smaller(&picture, size, metadata.as_ref(), bytes.len());
    }
    let chosen = OriginalFile { sha256: sha256_hex(&bytes), size: length };
    let name = name.to_owned();
    Ok(match small {
        None => {
            let file = StoredFile { sha256: chosen.sha256, size: length, media_type, name };
            Checked { file, bytes, original: None, facts }
        }
        Some(small) => {
            let (sha256, size) = (sha256_hex(&small), small.len() as u64);
            let file = StoredFile { sha256, size, media_type: MediaType::Jpeg, name };
            Checked { file, bytes: small, original: Some(chosen), facts }
        }
    })
}

fn too_large(name: &str, bytes: u64) -> Problem {
    Problem::new(Code::EvidenceTooLarge).with("file", name).with("bytes", bytes).with("limitBytes", MAX_BYTES)
}

/// Decodes a photograph as a camera held it; the reason it cannot be decoded otherwise.
fn decode(bytes: &[u8], media_type: MediaType) -> Result<DynamicImage, &'static str> {
    let format = match media_type {
        MediaType::Jpeg => ImageFormat::Jpeg,
        MediaType::Png => ImageFormat::Png,
        MediaType::Webp => ImageFormat::WebP,
        MediaType::Pdf => return Err("pdf"),
    };
    let mut reader = ImageReader::with_format(Cursor::new(bytes), format);
    let mut limits = Limits::default();
    // Eight bytes a pixel is the widest format these kinds have.
    limits.max_alloc = Some(MAX_PIXELS * 8 + 64 * 1024 * 1024);
    reader.limits(limits);
    let mut decoder = reader.into_decoder().map_err(|_| "broken_image")?;
    let (width, height) = decoder.dimensions();
    if u64::from(width) * u64::from(height) > MAX_PIXELS {
        return Err("too_many_pixels");
    }
    let orientation = decoder.orientation().unwrap_or(image::metadata::Orientation::NoTransforms);
    let mut picture = DynamicImage::from_decoder(decoder).map_err(|_| "broken_image")?;
    picture.apply_orientation(orientation);
    Ok(picture)
}

/// Keeps the bytes, and returns when they are on the disk. The row that names them is written by the caller, later.
pub(crate) fn keep(store: &Store, free: Option<u64>, checked: &Checked) -> Result<(), Error> {
    if let Some(free) = free
        && free < checked.file.size + RESERVE
    {
        let needed = checked.file.size + RESERVE - free;
        return Err(Problem::new(Code::RoomForTextOnly)
            .with("file", checked.file.name.clone())
            .with("freeBytes", free)
            .with("neededBytes", needed)
            .into());
    }
    store.blobs(|blobs| files::put_bytes(blobs, &checked.file.sha256, &checked.bytes))
}

/// Attaches checked files to a draft: bytes first, then, in one transaction, the rows that name them.
pub(crate) fn attach(
    store: &Store,
    free: Option<u64>,
    draft: uuid::Uuid,
    checked: &[(Checked, String)],
    now: DateTime<Utc>,
) -> Result<(), Error> {
    let here = store.read(|c| drafts::files(c, draft))?;
    let is_new = |file: &StoredFile| !here.iter().any(|known| known.sha256 == file.sha256);
    let new: Vec<&StoredFile> =
        checked.iter().map(|(checked, _)| &checked.file).filter(|f| is_new(f)).collect();
    if let Some(file) = new.get(MAX_FILES.saturating_sub(here.len())) {
        return Err(too_many(&file.name).into());
    }
    for (checked, _) in checked {
        keep(store, free, checked)?;
    }
    store.write(|tx| {
        for (checked, document_type) in checked {
            files::insert(tx, checked, now)?;
            drafts::attach(tx, draft, &checked.file.sha256, document_type)?;
        }
        drafts::touch(tx, draft, now)
    })
}

/// A follow-up has as many files as it may.
pub(crate) fn too_many(name: &str) -> Problem {
    Problem::new(Code::EvidenceTooMany).with("file", name).with("limit", MAX_FILES)
}

/// What is usual for a file, as a proposal: what its name says, or else what is attached at that stage.
fn usual(stage: Stage, file: &StoredFile) -> &'static str {
    // The first that is in the name decides: the narrower ones go first.
    const NAMES: [(&str, &str); 20] = [
        ("convenio", "contractAmendment"),
        ("fianza", "contractGuarantees"),
        ("garantia", "contractGuarantees"),
        ("finiquito", "settlement"),
        ("entrega", "physicalReception"),
        ("recepcion", "physicalReception"),
        ("suspension", "suspensionNotice"),
        ("estimacion", "financialProgressReport"),
        ("factura", "financialProgressReport"),
        ("fallo", "awardNotice"),
        ("apertura", "openingOfProposals"),
        ("aclaracion", "clarifications"),
        ("convocatoria", "tenderNotice"),
        ("bases", "biddingDocuments"),
        ("anexo tecnico", "technicalSpecifications"),
        ("especificacion", "technicalSpecifications"),
        ("mercado", "marketStudies"),
        ("requisicion", "request"),
        ("solicitud", "request"),
        ("contrato", "contractSigned"),
    ];
    if file.media_type.is_image() {
        return "illustration";
    }
    let name = crate::search::fold(&file.name).replace(['_', '-', '.'], " ");
    let by_name = NAMES.iter().find(|(word, _)| name.contains(word)).map(|(_, kind)| *kind);
    by_name.unwrap_or(match stage {
        Stage::Planning => "projectPlan",
        Stage::Tender => "tenderNotice",
        Stage::Award => "awardNotice",
        Stage::Contract => "contractSigned",
        Stage::Implementation => "physicalProgressReport",
        Stage::Closure => "physicalReception",
    })
}

/// The document type as given, or the usual one; it must be in the codelist.
pub(crate) fn document_type(given: Option<&str>, stage: Stage, checked: &Checked) -> Result<String, Error> {
    let usual = usual(stage, &checked.file);
    let chosen = given.map(str::trim).filter(|text| !text.is_empty()).unwrap_or(usual);
    known_type(&checked.file.name, chosen)?;
    Ok(chosen.to_owned())
}

/// Whether a document type is in the codelist.
pub(crate) fn known_type(name: &str, document_type: &str) -> Result<(), Error> {
    if ocds::codelist::get("documentType").is_some_and(|list| list.contains(document_type)) {
        return Ok(());
    }
    Err(Problem::new(Code::EvidenceTypeUnknown).with("file", name).with("type", document_type).into())
}

/// Attaches a file that was taken out of a draft again: its bytes are still here.
pub(crate) fn attach_again(
    store: &Store,
    draft: uuid::Uuid,
    sha256: &str,
    document_type: &str,
    title: Option<&str>,
) -> Result<(), Error> {
    store.write(|tx| {
        let Some(file) = files::get(tx, sha256)? else {
            return Err(Problem::new(Code::NotFound).into());
        };
        known_type(&file.name, document_type)?;
        drafts::get(tx, draft)?;
        let here = drafts::files(tx, draft)?;
        if here.len() >= MAX_FILES && here.iter().all(|known| known.sha256 != sha256) {
            return Err(too_many(&file.name).into());
        }
        drafts::attach(tx, draft, sha256, document_type)?;
        drafts::describe(tx, draft, sha256, document_type, title)
    })
}

/// A small picture of a kept file; none for a document.
pub(crate) fn thumbnail(store: &Store, sha256: &str) -> Result<Thumbnail, Error> {
    let Some(file) = store.read(|connection| files::get(connection, sha256))? else {
        return Err(Problem::new(Code::NotFound).into());
    };
    if !file.media_type.is_image() {
        return Ok(Thumbnail { url: None });
    }
    let bytes = store.blobs(|blobs| files::get_range(blobs, sha256, 0, file.size.max(CHUNK_BYTES as u64)))?;
    let Ok(picture) = decode(&bytes, file.media_type) else {
        return Ok(Thumbnail { url: None });
    };
    let mut jpeg = Cursor::new(Vec::new());
    let small = picture.thumbnail(THUMBNAIL, THUMBNAIL).to_rgb8();
    if small.write_to(&mut jpeg, ImageFormat::Jpeg).is_err() {
        return Ok(Thumbnail { url: None });
    }
    let text = base64::engine::general_purpose::STANDARD.encode(jpeg.into_inner());
    Ok(Thumbnail { url: Some(format!("data:image/jpeg;base64,{text}")) })
}

/// What the room on the disk is enough for. Not to know is no reason to refuse anything.
pub(crate) fn room(free: Option<u64>) -> Room {
    match free {
        Some(free) if free < RESERVE => Room::TextOnly,
        Some(free) if free < WARN => Room::Low,
        _ => Room::Enough,
    }
}

/// Room left where a folder is.
pub(crate) fn free_bytes(dir: &Path) -> Option<u64> {
    fs4::available_space(dir).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn photo(width: u32, height: u32) -> Vec<u8> {
        let mut bytes = Cursor::new(Vec::new());
        DynamicImage::new_rgb8(width, height).write_to(&mut bytes, ImageFormat::Jpeg).unwrap();
        bytes.into_inner()
    }

    fn found(bytes: Vec<u8>) -> String {
        match check("f", bytes, PhotoSize::default()) {
            Ok(_) => "ok".to_owned(),
            Err(error) => Problem::from(error).params["found"].as_str().unwrap().to_owned(),
        }
    }

    #[test]
    fn what_is_not_a_photograph_or_a_pdf_is_refused_by_content() {
        assert_eq!(found(photo(40, 30)), "ok");
        assert_eq!(found(b"%PDF-1.7\n...".to_vec()), "ok");
        assert_eq!(found(Vec::new()), "empty");
        assert_eq!(found(b"<svg xmlns='http://www.w3.org/2000/svg'/>".to_vec()), "other");
        let mut cut = photo(400, 300);
        cut.truncate(60);
        assert_eq!(found(cut), "broken_image");
        assert_eq!(found(b"\x89PNG\r\n\x1a\nnot a picture".to_vec()), "broken_image");
    }

    #[test]
    fn a_picture_that_would_fill_memory_is_refused_before_it_is_decoded() {
        // A PNG header that announces 60,000 × 60,000 pixels.
        let mut bytes = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR".to_vec();
        bytes.extend_from_slice(&60_000u32.to_be_bytes());
        bytes.extend_from_slice(&60_000u32.to_be_bytes());
        bytes.extend_from_slice(&[8, 2, 0, 0, 0, 0, 0, 0, 0]);
        assert_ne!(found(bytes), "ok");
    }

    #[test]
    fn a_type_is_proposed_from_the_name_or_else_from_the_stage_and_is_in_the_list() {
        let file = |name: &str, media_type| StoredFile {
            sha256: String::new(),
            size: 1,
            media_type,
            name: name.to_owned(),
        };
        let pdf = |stage, name: &str| usual(stage, &file(name, MediaType::Pdf));
        assert_eq!(pdf(Stage::Implementation, "reporte.pdf"), "physicalProgressReport");
        assert_eq!(pdf(Stage::Implementation, "Estimación_03.pdf"), "financialProgressReport");
        assert_eq!(pdf(Stage::Contract, "Convenio modificatorio al contrato.pdf"), "contractAmendment");
        assert_eq!(pdf(Stage::Closure, "ACTA DE ENTREGA-RECEPCIÓN.PDF"), "physicalReception");
        assert_eq!(usual(Stage::Tender, &file("fallo.jpg", MediaType::Jpeg)), "illustration");
        let list = ocds::codelist::get("documentType").unwrap();
        for stage in Stage::ALL {
            assert!(list.contains(pdf(stage, "x")), "{stage:?}");
        }
        for name in ["fianza", "finiquito", "suspensión", "apertura", "aclaraciones", "convocatoria", "bases"]
        {
            assert!(list.contains(pdf(Stage::Tender, name)), "{name}");
        }
        for name in ["anexo técnico", "estudio de mercado", "requisición", "contrato", "fallo", "factura"] {
            assert!(list.contains(pdf(Stage::Tender, name)), "{name}");
        }
    }
}
