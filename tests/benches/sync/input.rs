//! What is sent and fetched: lists of projects, follow-ups, photographs. The same again for the same numbers.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Result;
use domain::wire::Operation;
use image::{ImageFormat, RgbImage};
use journeys::proxy::Dice;
use journeys::raw::RawDevice;
use journeys::{Central, with_contract};
use serde_json::json;

/// Size of the text of a follow-up, bytes.
pub const FOLLOW_UP: usize = 1024;
/// Size of a photograph, bytes.
pub const PHOTOGRAPH: usize = 2_000_000;

const WORDS: [&str; 24] = [
    "avance",
    "obra",
    "banqueta",
    "lámina",
    "visita",
    "reporte",
    "cemento",
    "pendiente",
    "calle",
    "vecinos",
    "entrega",
    "retraso",
    "lluvia",
    "cuadrilla",
    "medidor",
    "drenaje",
    "revisión",
    "plazo",
    "material",
    "tramo",
    "parque",
    "luminaria",
    "firma",
    "acta",
];

fn prose(dice: &mut Dice, length: usize) -> String {
    let mut text = String::new();
    while text.len() < length {
        let _ = write!(text, "{} {} ", WORDS[dice.below(WORDS.len())], dice.below(1000));
    }
    let end = (0..=length).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
    text.truncate(end);
    // What was cut inside of a letter is made up for.
    text + &".".repeat(length - end)
}

/// Folio of a project of [`list`].
pub fn folio(number: usize) -> String {
    format!("d{}_p{number}", number % 20)
}

/// A list of so many projects, as a municipality would load it.
pub fn list(path: &Path, count: usize) -> Result<()> {
    let mut dice = Dice::new(5);
    let mut text = String::from("folio,titulo,descripcion,area,lugar,monto,moneda,fecha\n");
    for number in 0..count {
        let (title, words) = (WORDS[number % WORDS.len()], prose(&mut dice, 120));
        let amount = 50_000 + dice.below(900_000);
        writeln!(
            text,
            "{},Proyecto de {title} {number},{words},,Distrito {},{amount},MXN,",
            folio(number),
            number % 20
        )?;
    }
    Ok(fs::write(path, text)?)
}

/// Loads a list into a data folder that nobody serves, and empties the queue of publication: what is measured is not
/// to compete with the first publication of everything.
pub fn load(central: &Central, count: usize) -> Result<()> {
    let list_path = central.data.with_extension("csv");
    fs::create_dir_all(&central.data)?;
    list(&list_path, count)?;
    central.ok(&["load", list_path.to_str().unwrap_or_default()]);
    let database = rusqlite::Connection::open(central.data.join("central.db"))?;
    database.execute("DELETE FROM job", [])?;
    Ok(())
}

/// A follow-up of [`FOLLOW_UP`] bytes: a contract with its award, its supplier and a milestone, progress, and notes.
pub fn follow_up(device: &RawDevice, seq: usize, project: usize) -> Operation {
    let mut dice = Dice::new((seq * 100_000 + project) as u64);
    let mut content = with_contract(&format!("C-{project}"), 100_000 + seq as u32, (seq % 101) as u8);
    let make = |content: &serde_json::Value| device.operation(seq as u64, &folio(project), content);
    content["internal"]["notes"] = json!("");
    let bare = make(&content).body.to_string().len();
    // A field that is empty is not written at all: with it come its name and its marks.
    let marks = {
        content["internal"]["notes"] = json!("-");
        make(&content).body.to_string().len() - bare - 1
    };
    content["internal"]["notes"] = json!(prose(&mut dice, FOLLOW_UP.saturating_sub(bare + marks)));
    make(&content)
}

/// So many photographs of [`PHOTOGRAPH`] bytes each. The picture is small and the rest is what a camera writes beside
/// it: it must really decode on both sides, and decoding large pictures is not what is measured.
pub fn photographs(folder: &Path, count: usize) -> Result<Vec<PathBuf>> {
    fs::create_dir_all(folder)?;
    let mut dice = Dice::new(8);
    let mut made = Vec::new();
    for number in 0..count {
        let picture = RgbImage::from_fn(160, 120, |x, y| image::Rgb([number as u8, x as u8, y as u8]));
        let mut jpeg = Vec::new();
        picture.write_to(&mut std::io::Cursor::new(&mut jpeg), ImageFormat::Jpeg)?;
        let mut whole = jpeg[..2].to_vec();
        let mut room = PHOTOGRAPH - jpeg.len();
        while room > 0 {
            // Marker, length with itself, and what it carries; the last leaves room for none or for a whole one.
            let mut size = room.min(65_537);
            if room - size < 5 && room > size {
                size -= 5;
            }
            whole.extend([0xFF, 0xEF]);
            whole.extend(u16::try_from(size - 2)?.to_be_bytes());
            whole.extend((4..size).map(|_| dice.below(256) as u8));
            room -= size;
        }
        whole.extend(&jpeg[2..]);
        let path = folder.join(format!("foto-{number:03}.jpg"));
        fs::write(&path, whole)?;
        made.push(path);
    }
    Ok(made)
}

/// Copies a folder with everything in it.
pub fn copy(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}
