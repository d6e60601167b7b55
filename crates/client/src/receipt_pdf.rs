//! A receipt as one page to print, made here without a network: folio, hashes, a code to scan, and the receipt itself
//! inside as a file, so that the page can be verified years later (`sync.md`, Receipts).

use std::io::Write as _;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::FixedOffset;
use domain::problem::{Code, Problem};
use domain::receipt::{Receipt, Verdict};
use domain::wire::OperationKind;
use lopdf::content::{Content, Operation};
use lopdf::{Dictionary, Document, Object, Stream, dictionary};
use qrcode::{Color, EcLevel, QrCode};
use rusqlite::Connection;
use uuid::Uuid;

use crate::error::Error;
use crate::session::{self, Identity};
use crate::store::{Store, base, outbox};

/// Name of the file inside the page.
const INSIDE: &str = "acuse.json";
/// Largest file that is read to be verified.
const MAX_FILE: u64 = 4 * 1024 * 1024;
/// Letter, as it is printed in Mexico: points.
pub(crate) const PAGE: (f32, f32) = (612.0, 792.0);
pub(crate) const MARGIN: f32 = 54.0;
/// Hashes of files that fit on the page; all of them are in the file inside.
const FILES: usize = 12;

/// The page of the receipt of a follow-up.
///
/// # Errors
/// `not_found` when there is no such follow-up, or no receipt of it yet.
pub(crate) fn page(store: &Store, id: Uuid) -> Result<Page, Error> {
    store.read(|connection| {
        let queued = outbox::of_record(connection, id)?.ok_or(Code::NotFound)?;
        let receipt = queued.receipt.ok_or(Code::NotFound)?;
        draw(connection, &session::enrolled(connection)?, &queued.project, &receipt)
    })
}

/// The pages of every receipt of this equipment, of follow-ups and of choices. Not of opinions, which are of no project.
pub(crate) fn pages(store: &Store) -> Result<Vec<Page>, Error> {
    store.read(|connection| {
        let identity = session::enrolled(connection)?;
        let all = outbox::receipts(connection)?;
        all.iter()
            .filter(|(_, _, operation, _)| operation.kind != OperationKind::Opinion)
            .map(|(_, project, _, receipt)| draw(connection, &identity, project, receipt))
            .collect()
    })
}

/// Name for the file, and its bytes.
type Page = (String, Vec<u8>);

fn draw(
    connection: &Connection,
    identity: &Identity,
    project: &str,
    receipt: &Receipt,
) -> Result<Page, Error> {
    let title = base::project(connection, project)?.map(|project| project.title).unwrap_or_default();
    let at = receipt.body.recorded_at;
    let zone = FixedOffset::east_opt(identity.municipality.offset_minutes * 60);
    let when = zone.map_or_else(
        || at.format("%d/%m/%Y %H:%M:%S UTC").to_string(),
        |zone| at.with_timezone(&zone).format("%d/%m/%Y %H:%M:%S").to_string(),
    );
    let sheet = Sheet {
        municipality: &identity.municipality.name,
        public_url: &identity.municipality.public_url,
        project: format!("{project} · {title}"),
        when,
        receipt,
    };
    let bytes = sheet.draw().map_err(|error| {
        tracing::error!(%error, "the page of a receipt");
        Problem::new(Code::Fault)
    })?;
    // A choice has the folio of the follow-up it is about: the number in the history tells them apart.
    Ok((format!("acuse-{}-{}.pdf", receipt.body.folio, receipt.body.seq), bytes))
}

/// The receipt in a file: one of ours in PDF, or the receipt itself in JSON.
///
/// # Errors
/// `file_unreadable` when it cannot be opened or there is no receipt in it.
pub(crate) fn read(path: &Path) -> Result<Receipt, Error> {
    let unreadable = |detail: String| {
        Problem::new(Code::FileUnreadable).with("file", path.display().to_string()).with("detail", detail)
    };
    let size = std::fs::metadata(path).map_err(|error| unreadable(error.to_string()))?.len();
    if size > MAX_FILE {
        return Err(unreadable(format!("{size} bytes")).into());
    }
    let bytes = std::fs::read(path).map_err(|error| unreadable(error.to_string()))?;
    let inside = if bytes.starts_with(b"%PDF-") {
        let document = Document::load_mem(&bytes).map_err(|error| unreadable(error.to_string()))?;
        attached(&document).ok_or_else(|| unreadable(INSIDE.to_owned()))?
    } else {
        bytes
    };
    serde_json::from_slice(&inside).map_err(|error| unreadable(error.to_string()).into())
}

/// The file inside a PDF. A program that stored the page again may have compressed it.
fn attached(document: &Document) -> Option<Vec<u8>> {
    document.objects.values().find_map(|object| {
        let stream = object.as_stream().ok()?;
        let kind = stream.dict.get(b"Type").and_then(Object::as_name).ok()?;
        if kind != b"EmbeddedFile" {
            return None;
        }
        Some(stream.decompressed_content().unwrap_or_else(|_| stream.content.clone()))
    })
}

/// What the code says: the address of the page that verifies, with the receipt behind `#`, so that no server is told
/// which receipt somebody looks at. Squeezed, because a code with fewer squares is read from worse paper.
fn address(public_url: &str, json: &[u8]) -> std::io::Result<String> {
    let mut squeezed = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::best());
    squeezed.write_all(json)?;
    Ok(format!(
        "{}/verificar/#{}",
        public_url.trim_end_matches('/'),
        URL_SAFE_NO_PAD.encode(squeezed.finish()?)
    ))
}

struct Sheet<'a> {
    municipality: &'a str,
    public_url: &'a str,
    project: String,
    when: String,
    receipt: &'a Receipt,
}

impl Sheet<'_> {
    fn draw(&self) -> Result<Vec<u8>, Box<dyn std::error::Error>> {
        let json = serde_json::to_vec(self.receipt)?;
        let body = &self.receipt.body;
        let mut ink = Ink { operations: Vec::new(), y: PAGE.1 - MARGIN };
        ink.text("F1", 10.0, self.municipality, 14.0);
        ink.text("F2", 20.0, &format!("Acuse de recibo {}", body.folio), 26.0);
        for line in wrapped(&self.project, 84) {
            ink.text("F1", 11.0, &line, 15.0);
        }
        ink.y -= 10.0;
        let verdict = match body.verdict {
            Verdict::Received => "Recibido: está en la bitácora del municipio",
            Verdict::Rejected => "Rechazado: está en la bitácora, con los motivos que se informaron",
        };
        ink.pair("Estado", &[verdict], "F1");
        ink.pair("Registrado el", &[&self.when], "F1");
        ink.pair("Número en la bitácora", &[&format!("{} ({})", body.seq, body.stream)], "F1");
        ink.pair("Huella del seguimiento (SHA-256)", &[&body.body_hash], "F3");
        let mut files: Vec<&str> = body.evidence.iter().take(FILES).map(String::as_str).collect();
        let more = format!(
            "y {} más, en el archivo que este PDF lleva dentro",
            body.evidence.len().saturating_sub(FILES)
        );
        if body.evidence.len() > FILES {
            files.push(&more);
        }
        if files.is_empty() {
            files.push("Sin archivos");
        }
        ink.pair(&format!("Huella de cada archivo ({})", body.evidence.len()), &files, "F3");
        ink.pair("Cadena de la bitácora", &[&body.chain], "F3");
        ink.pair("Llave del municipio", &[&body.key_id], "F3");
        let (first, second) = body_halves(&self.receipt.signature);
        ink.pair("Firma (Ed25519)", &[first, second], "F3");
        let code = QrCode::with_error_correction_level(address(self.public_url, &json)?, EcLevel::L).ok();
        let size = 190.0;
        ink.y -= 12.0;
        let top = ink.y;
        if let Some(code) = &code {
            ink.code(code, MARGIN, top - size, size);
        }
        let beside = MARGIN + size + 16.0;
        ink.y = top - 12.0;
        let how: [&str; 3] = [
            if code.is_some() {
                "El código lleva el acuse completo a la página de verificación del municipio. El acuse viaja después del signo #: \
                 ningún servidor se entera de cuál se revisa."
            } else {
                "Este acuse nombra tantos archivos que no cabe en un código: se verifica con el archivo."
            },
            "Sin red: «avance-device receipts --verify» con este PDF. El acuse va dentro como archivo (acuse.json).",
            "Si alguien cambia una sola letra del acuse, la firma deja de coincidir.",
        ];
        for sentence in how {
            for line in wrapped(sentence, 52) {
                ink.text_at("F1", 9.5, beside, &line, 13.0);
            }
            ink.y -= 5.0;
        }
        assemble(ink.operations, Some(&json), &format!("Acuse de recibo {}", body.folio))
    }
}

/// A hexadecimal text in two lines.
fn body_halves(text: &str) -> (&str, &str) {
    text.split_at_checked(text.len() / 2).unwrap_or((text, ""))
}

/// The page with its fonts, the ones that every reader of PDF has, and the receipt, where there is one, as a file inside.
pub(crate) fn assemble(
    operations: Vec<Operation>,
    json: Option<&[u8]>,
    title: &str,
) -> Result<Vec<u8>, Box<dyn std::error::Error>> {
    let mut document = Document::with_version("1.7");
    let pages = document.new_object_id();
    let mut fonts = Dictionary::new();
    for (name, face) in [("F1", "Helvetica"), ("F2", "Helvetica-Bold"), ("F3", "Courier")] {
        let font = dictionary! {
            "Type" => "Font", "Subtype" => "Type1", "BaseFont" => face, "Encoding" => "WinAnsiEncoding",
        };
        fonts.set(name, document.add_object(font));
    }
    let content = document.add_object(Stream::new(dictionary! {}, Content { operations }.encode()?));
    let page = document.add_object(dictionary! {
        "Type" => "Page",
        "Parent" => pages,
        "Contents" => content,
        "Resources" => dictionary! { "Font" => fonts },
        "MediaBox" => vec![0.into(), 0.into(), PAGE.0.into(), PAGE.1.into()],
    });
    document.objects.insert(
        pages,
        Object::Dictionary(dictionary! { "Type" => "Pages", "Kids" => vec![page.into()], "Count" => 1 }),
    );
    let mut catalog = dictionary! {
        "Type" => "Catalog",
        "Pages" => pages,
        "Lang" => Object::string_literal("es-MX"),
        "ViewerPreferences" => dictionary! { "DisplayDocTitle" => true },
    };
    if let Some(json) = json {
        let kind = Object::Name(b"application/json".to_vec());
        let file = Stream::new(dictionary! { "Type" => "EmbeddedFile", "Subtype" => kind }, json.to_vec());
        let file = document.add_object(file.with_compression(false));
        let named = document.add_object(dictionary! {
            "Type" => "Filespec",
            "F" => Object::string_literal(INSIDE),
            "UF" => Object::string_literal(INSIDE),
            "EF" => dictionary! { "F" => file },
            "AFRelationship" => "Source",
        });
        catalog.set("AF", vec![named.into()]);
        catalog.set(
            "Names",
            dictionary! {
                "EmbeddedFiles" => dictionary! { "Names" => vec![Object::string_literal(INSIDE), named.into()] },
            },
        );
    }
    let catalog = document.add_object(catalog);
    document.trailer.set("Root", catalog);
    let info = document.add_object(dictionary! { "Title" => lopdf::text_string(title) });
    document.trailer.set("Info", info);
    document.compress();
    let mut bytes = Vec::new();
    document.save_to(&mut bytes)?;
    Ok(bytes)
}

/// What is drawn so far, and where the next line goes, from the foot of the page.
pub(crate) struct Ink {
    pub(crate) operations: Vec<Operation>,
    pub(crate) y: f32,
}

impl Ink {
    fn push(&mut self, operator: &str, operands: Vec<Object>) {
        self.operations.push(Operation::new(operator, operands));
    }

    pub(crate) fn text(&mut self, font: &str, size: f32, text: &str, advance: f32) {
        self.text_at(font, size, MARGIN, text, advance);
    }

    fn text_at(&mut self, font: &str, size: f32, x: f32, text: &str, advance: f32) {
        self.y -= advance;
        self.push("BT", Vec::new());
        self.push("Tf", vec![font.into(), size.into()]);
        self.push("Td", vec![x.into(), self.y.into()]);
        self.push("Tj", vec![Object::String(win_ansi(text), lopdf::StringFormat::Literal)]);
        self.push("ET", Vec::new());
    }

    /// A name in bold over its values.
    pub(crate) fn pair(&mut self, name: &str, values: &[&str], font: &str) {
        self.text("F2", 9.0, name, 15.0);
        let size = if font == "F3" { 9.0 } else { 10.0 };
        for value in values.iter().filter(|value| !value.is_empty()) {
            self.text(font, size, value, 12.0);
        }
    }

    /// A code of squares, with the margin that scanners need.
    fn code(&mut self, code: &QrCode, x: f32, y: f32, size: f32) {
        const QUIET: usize = 4;
        let width = code.width();
        let side = size / (width + 2 * QUIET) as f32;
        self.push("rg", vec![0.into(), 0.into(), 0.into()]);
        for (at, _) in code.to_colors().iter().enumerate().filter(|(_, color)| **color == Color::Dark) {
            let (row, column) = (at / width + QUIET, at % width + QUIET);
            let left = x + column as f32 * side;
            let foot = y + size - (row + 1) as f32 * side;
            self.push("re", vec![left.into(), foot.into(), side.into(), side.into()]);
        }
        self.push("f", Vec::new());
    }
}

/// Lines of at most so many characters, broken between words.
pub(crate) fn wrapped(text: &str, most: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= most => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    // A title may be as long as somebody made it; the page is one.
    if lines.len() > 4 {
        lines.truncate(4);
        lines.extend(["…".to_owned()]);
    }
    lines
}

/// Text as the standard fonts have it (PDF 1.7, annex D.2). What they do not have is a question mark: the true text is
/// in the application.
fn win_ansi(text: &str) -> Vec<u8> {
    text.chars()
        .map(|ch| match ch {
            '€' => 0x80,
            '…' => 0x85,
            '‘' => 0x91,
            '’' => 0x92,
            '“' => 0x93,
            '”' => 0x94,
            '•' => 0x95,
            '–' => 0x96,
            '—' => 0x97,
            ' '..='~' | '\u{a0}'..='\u{ff}' => u8::try_from(u32::from(ch)).unwrap_or(b'?'),
            _ => b'?',
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::DateTime;
    use domain::receipt::ReceiptBody;
    use ed25519_dalek::SigningKey;

    fn receipt(files: usize) -> Receipt {
        let body = ReceiptBody {
            op_id: Uuid::from_u128(7),
            folio: "S-00000-00007".into(),
            body_hash: "ab".repeat(32),
            evidence: (0..files).map(|n| format!("{n:064x}")).collect(),
            stream: "area:obras".into(),
            seq: 3,
            chain: "cd".repeat(32),
            recorded_at: DateTime::UNIX_EPOCH,
            key_id: "0123456789abcdef".into(),
            verdict: Verdict::Received,
        };
        Receipt::sign(body, &SigningKey::from_bytes(&[7; 32])).expect("a receipt")
    }

    fn drawn(receipt: &Receipt) -> Vec<u8> {
        let sheet = Sheet {
            municipality: "Municipio de muestra – Ñ",
            public_url: "https://pp.example.org/",
            project: format!("P-1 · {}", "Título largo ".repeat(40)),
            when: "01/01/1970 00:00:00".into(),
            receipt,
        };
        sheet.draw().expect("a page")
    }

    #[test]
    fn what_is_inside_the_page_is_the_receipt_and_any_change_shows() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("acuse.pdf");
        let key = hex::encode(SigningKey::from_bytes(&[7; 32]).verifying_key().as_bytes());
        for files in [0, 1, 12, 13, 60] {
            let receipt = receipt(files);
            let mut bytes = drawn(&receipt);
            std::fs::write(&path, &bytes).expect("written");
            let read_back = read(&path).unwrap_or_else(|_| panic!("a receipt of {files} files"));
            assert_eq!(read_back, receipt);
            assert!(read_back.verify(&key).is_ok());
            let document = Document::load_mem(&bytes).expect("a PDF");
            assert_eq!(document.get_pages().len(), 1);
            // One digit of the hash, in the file inside.
            let place = bytes.windows(6).position(|window| window == b"ababab").expect("the hash, as it is");
            bytes[place] = b'0';
            std::fs::write(&path, &bytes).expect("written");
            assert!(
                read(&path).is_ok_and(|forged| forged.verify(&key).is_err()),
                "a forged receipt of {files} files"
            );
        }
    }

    #[test]
    fn what_is_no_receipt_is_said() {
        let folder = tempfile::tempdir().expect("a folder");
        for (name, bytes) in [
            ("a.pdf", b"%PDF-1.7\nnothing".as_slice()),
            ("b.json", b"{}"),
            ("c.txt", b""),
            ("d.pdf", b"%PDF-"),
        ] {
            let path = folder.path().join(name);
            std::fs::write(&path, bytes).expect("written");
            let problem = Problem::from(read(&path).expect_err(name));
            assert_eq!(problem.code, Code::FileUnreadable, "{name}");
        }
        assert!(read(&folder.path().join("none")).is_err());
    }

    #[test]
    fn the_code_takes_the_receipt_to_the_page_that_verifies() {
        let receipt = receipt(3);
        let json = serde_json::to_vec(&receipt).expect("JSON");
        let address = address("https://pp.example.org/", &json).expect("an address");
        let squeezed = address.strip_prefix("https://pp.example.org/verificar/#").expect("the page");
        let squeezed = URL_SAFE_NO_PAD.decode(squeezed).expect("base64");
        let mut back = Vec::new();
        std::io::copy(&mut flate2::read::DeflateDecoder::new(squeezed.as_slice()), &mut back)
            .expect("deflate");
        assert_eq!(back, json);
    }

    #[test]
    fn letters_of_spanish_are_in_the_fonts() {
        assert_eq!(win_ansi("áÑ¿«ü»·–"), [0xe1, 0xd1, 0xbf, 0xab, 0xfc, 0xbb, 0xb7, 0x96]);
        assert_eq!(win_ansi("漢\n"), b"??");
    }
}
