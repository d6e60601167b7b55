//! A reader of PMTiles (version 3): one file with all tiles of a map, found through directories.
//!
//! Our own and not the crate `pmtiles`, which is made for reading over a network, with an asynchronous runtime: here it
//! is one file on the same disk, and what matters is that a file from anywhere can neither end the program nor fill its
//! memory. Every length is checked against a limit before a byte is read, every offset against the file.

use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::Path;
use std::sync::Mutex;

use domain::place::Bounds;

/// Bytes of the header.
const HEADER: usize = 127;
/// Largest directory as stored, and the largest it may become.
const DIRECTORY: u64 = 4 * 1024 * 1024;
const DIRECTORY_PLAIN: u64 = 16 * 1024 * 1024;
/// Largest description as stored and as read.
const METADATA: u64 = 1024 * 1024;
/// Largest tile as stored, and the largest it may become.
const TILE: u64 = 2 * 1024 * 1024;
const TILE_PLAIN: u64 = 8 * 1024 * 1024;
/// Directories below directories; the format has three.
const DEPTH: u32 = 4;
/// Greatest zoom of the format.
const MAX_ZOOM: u8 = 26;
/// Kind of the tiles: MVT.
const VECTOR: u8 = 1;

/// Why a file cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum Unreadable {
    /// The disk did not read it.
    #[error("{0}")]
    Io(#[from] std::io::Error),
    /// It is not a file of this kind.
    #[error("not a PMTiles file, version 3")]
    NotTiles,
    /// Its tiles are pictures.
    #[error("its tiles are not vector tiles (kind {0})")]
    NotVector(u8),
    /// It is compressed in a way that is not read here.
    #[error("compression {0} is not read")]
    Compression(u8),
    /// A part of it is larger than what is read, or not inside the file.
    #[error("{0} is too large, or not inside the file")]
    Bounds(&'static str),
    /// A part of it does not make sense.
    #[error("{0} is damaged")]
    Damaged(&'static str),
}

/// What a file is read from.
pub trait Source {
    /// Bytes in all.
    fn size(&self) -> u64;
    /// A range that is inside.
    ///
    /// # Errors
    /// The disk did not read it.
    fn range(&self, start: u64, length: usize) -> std::io::Result<Vec<u8>>;
}

/// A file on a disk.
pub struct Disk(Mutex<File>, u64);

impl Disk {
    /// Opens it.
    ///
    /// # Errors
    /// It is not there, or may not be read.
    pub fn open(path: &Path) -> Result<Disk, Unreadable> {
        let file = File::open(path)?;
        let size = file.metadata()?.len();
        Ok(Disk(Mutex::new(file), size))
    }
}

impl Source for Disk {
    fn size(&self) -> u64 {
        self.1
    }

    fn range(&self, start: u64, length: usize) -> std::io::Result<Vec<u8>> {
        let mut file = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        file.seek(SeekFrom::Start(start))?;
        let mut bytes = vec![0; length];
        file.read_exact(&mut bytes)?;
        Ok(bytes)
    }
}

impl Source for Vec<u8> {
    fn size(&self) -> u64 {
        self.len() as u64
    }

    fn range(&self, start: u64, length: usize) -> std::io::Result<Vec<u8>> {
        let start = usize::try_from(start).ok();
        let range = start.and_then(|start| self.get(start..start.checked_add(length)?));
        range.map(<[u8]>::to_vec).ok_or_else(|| std::io::ErrorKind::UnexpectedEof.into())
    }
}

/// How a part is compressed.
#[derive(Clone, Copy)]
enum Compression {
    None,
    Gzip,
    Zstd,
}

impl Compression {
    fn of(code: u8) -> Result<Compression, Unreadable> {
        match code {
            1 => Ok(Compression::None),
            2 => Ok(Compression::Gzip),
            4 => Ok(Compression::Zstd),
            other => Err(Unreadable::Compression(other)),
        }
    }

    /// The plain bytes, never more than so many.
    fn open(self, bytes: Vec<u8>, most: u64, what: &'static str) -> Result<Vec<u8>, Unreadable> {
        let mut plain = Vec::new();
        // One byte more than allowed tells the largest from what goes on.
        let read = match self {
            Compression::None => return Ok(bytes),
            Compression::Gzip => {
                flate2::read::GzDecoder::new(bytes.as_slice()).take(most + 1).read_to_end(&mut plain)
            }
            Compression::Zstd => zstd::stream::read::Decoder::new(bytes.as_slice())
                .and_then(|decoder| decoder.take(most + 1).read_to_end(&mut plain)),
        };
        match read {
            Err(_) => Err(Unreadable::Damaged(what)),
            Ok(length) if length as u64 > most => Err(Unreadable::Bounds(what)),
            Ok(_) => Ok(plain),
        }
    }
}

/// One line of a directory: tiles from one number on, or a directory below.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Entry {
    tile: u64,
    run: u64,
    offset: u64,
    length: u64,
}

/// A file of tiles.
pub struct Tiles<S> {
    source: S,
    internal: Compression,
    compression: Compression,
    zooms: (u8, u8),
    bounds: Bounds,
    root: Vec<Entry>,
    leaves: u64,
    data: u64,
    about: serde_json::Value,
}

impl<S: Source> Tiles<S> {
    /// Reads the header, the first directory and the description.
    ///
    /// # Errors
    /// It is not such a file, or is damaged.
    pub fn open(source: S) -> Result<Tiles<S>, Unreadable> {
        if source.size() < HEADER as u64 {
            return Err(Unreadable::NotTiles);
        }
        let header = source.range(0, HEADER)?;
        if !header.starts_with(b"PMTiles") || header[7] != 3 {
            return Err(Unreadable::NotTiles);
        }
        let long =
            |at: usize| header[at..at + 8].iter().rev().fold(0u64, |sum, b| (sum << 8) | u64::from(*b));
        let degrees = |at: usize| {
            let bytes = [header[at], header[at + 1], header[at + 2], header[at + 3]];
            f64::from(i32::from_le_bytes(bytes)) / 1e7
        };
        if header[99] != VECTOR {
            return Err(Unreadable::NotVector(header[99]));
        }
        let internal = Compression::of(header[97])?;
        // A writer that does not know says 0; a tile of its own then says what it is, and MVT never begins like gzip.
        let compression = if header[98] == 0 { Compression::None } else { Compression::of(header[98])? };
        let bounds =
            Bounds { west: degrees(102), south: degrees(106), east: degrees(110), north: degrees(114) };
        let sound = (-180.0..=180.0).contains(&bounds.west)
            && (-180.0..=180.0).contains(&bounds.east)
            && (-90.0..=90.0).contains(&bounds.south)
            && (-90.0..=90.0).contains(&bounds.north)
            && bounds.west < bounds.east
            && bounds.south < bounds.north;
        if !sound || header[100] > header[101] || header[101] > MAX_ZOOM {
            return Err(Unreadable::Damaged("the header"));
        }
        let root = part(&source, long(8), long(16), DIRECTORY, "the directory")?;
        let root = directory(&internal.open(root, DIRECTORY_PLAIN, "the directory")?)?;
        // The description is for people: without it the tiles are as good.
        let about = part(&source, long(24), long(32), METADATA, "the description")
            .and_then(|bytes| internal.open(bytes, METADATA, "the description"))
            .ok()
            .and_then(|bytes| serde_json::from_slice(&bytes).ok())
            .unwrap_or_default();
        Ok(Tiles {
            internal,
            compression,
            zooms: (header[100], header[101]),
            bounds,
            root,
            leaves: long(40),
            data: long(56),
            about,
            source,
        })
    }

    /// Least and greatest zoom.
    pub fn zooms(&self) -> (u8, u8) {
        self.zooms
    }

    /// How far the tiles reach.
    pub fn bounds(&self) -> Bounds {
        self.bounds
    }

    /// A text of the description.
    pub fn about(&self, key: &str) -> Option<String> {
        let text = self.about.get(key)?.as_str()?.trim();
        (!text.is_empty()).then(|| text.chars().take(400).collect())
    }

    /// A tile as MVT; none where the file has none.
    ///
    /// # Errors
    /// The file is damaged there.
    pub fn tile(&self, z: u8, x: u32, y: u32) -> Result<Option<Vec<u8>>, Unreadable> {
        let Some(wanted) = number(z, x, y) else { return Ok(None) };
        let mut below: Option<Vec<Entry>> = None;
        for _ in 0..DEPTH {
            let entries = below.as_deref().unwrap_or(&self.root);
            let after = entries.partition_point(|entry| entry.tile <= wanted);
            let Some(entry) = after.checked_sub(1).and_then(|at| entries.get(at)).copied() else {
                return Ok(None);
            };
            if entry.run > 0 {
                if wanted - entry.tile >= entry.run {
                    return Ok(None);
                }
                let start = self.data.checked_add(entry.offset).ok_or(Unreadable::Bounds("a tile"))?;
                let stored = part(&self.source, start, entry.length, TILE, "a tile")?;
                return self.compression.open(stored, TILE_PLAIN, "a tile").map(Some);
            }
            let start = self.leaves.checked_add(entry.offset).ok_or(Unreadable::Bounds("a directory"))?;
            let stored = part(&self.source, start, entry.length, DIRECTORY, "a directory")?;
            below = Some(directory(&self.internal.open(stored, DIRECTORY_PLAIN, "a directory")?)?);
        }
        Err(Unreadable::Damaged("the directory"))
    }
}

/// A part of a file, within a limit and within the file.
fn part(
    source: &impl Source,
    start: u64,
    length: u64,
    most: u64,
    what: &'static str,
) -> Result<Vec<u8>, Unreadable> {
    let inside = start.checked_add(length).is_some_and(|end| end <= source.size());
    match usize::try_from(length) {
        Ok(count) if inside && length <= most => Ok(source.range(start, count)?),
        _ => Err(Unreadable::Bounds(what)),
    }
}

/// Reads a directory: four columns of numbers, the first of which are differences.
fn directory(bytes: &[u8]) -> Result<Vec<Entry>, Unreadable> {
    let mut rest = bytes;
    let damaged = || Unreadable::Damaged("a directory");
    let count = varint(&mut rest).ok_or_else(damaged)?;
    // Each line takes a byte of each column at least: no more lines than that are made room for.
    let count = usize::try_from(count).ok().filter(|count| *count <= rest.len() / 4).ok_or_else(damaged)?;
    let mut entries = vec![Entry { tile: 0, run: 0, offset: 0, length: 0 }; count];
    let mut tile = 0u64;
    for (index, entry) in entries.iter_mut().enumerate() {
        let step = varint(&mut rest).ok_or_else(damaged)?;
        // In order, each once: the search below depends on it.
        tile = tile.checked_add(step).filter(|_| step > 0 || index == 0).ok_or_else(damaged)?;
        entry.tile = tile;
    }
    for entry in &mut entries {
        entry.run = varint(&mut rest).ok_or_else(damaged)?;
    }
    for entry in &mut entries {
        entry.length = varint(&mut rest).filter(|length| *length > 0).ok_or_else(damaged)?;
    }
    let mut end = 0u64;
    for entry in &mut entries {
        // 0: right after the one before.
        entry.offset = match varint(&mut rest).ok_or_else(damaged)? {
            0 => end,
            place => place - 1,
        };
        end = entry.offset.checked_add(entry.length).ok_or_else(damaged)?;
    }
    Ok(entries)
}

fn varint(rest: &mut &[u8]) -> Option<u64> {
    let mut value = 0u64;
    for shift in (0..64).step_by(7) {
        let (byte, after) = rest.split_first()?;
        *rest = after;
        value |= u64::from(byte & 0x7f).checked_shl(shift)?;
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

/// The number of a tile: all of the smaller zooms, then along a Hilbert curve.
pub fn number(z: u8, x: u32, y: u32) -> Option<u64> {
    if z > MAX_ZOOM || u64::from(x.max(y)) >= 1 << z {
        return None;
    }
    let smaller = ((1u64 << (2 * u32::from(z))) - 1) / 3;
    let (mut x, mut y, mut along) = (u64::from(x), u64::from(y), 0u64);
    for level in (0..z).rev() {
        let side = 1u64 << level;
        let (right, down) = (u64::from(x & side > 0), u64::from(y & side > 0));
        along += side * side * ((3 * right) ^ down);
        (x, y) = (x & (side - 1), y & (side - 1));
        if down == 0 {
            if right == 1 {
                (x, y) = (side - 1 - x, side - 1 - y);
            }
            std::mem::swap(&mut x, &mut y);
        }
    }
    Some(smaller + along)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tiles_are_numbered_as_the_format_says() {
        for (z, x, y, wanted) in [
            (0, 0, 0, 0),
            (1, 0, 0, 1),
            (1, 0, 1, 2),
            (1, 1, 1, 3),
            (1, 1, 0, 4),
            (2, 0, 0, 5),
            (12, 3423, 1763, 19_078_479),
        ] {
            assert_eq!(number(z, x, y), Some(wanted), "{z}/{x}/{y}");
        }
        assert_eq!(number(1, 2, 0), None);
        assert_eq!(number(27, 0, 0), None);
        // Every tile of a zoom once.
        let mut all: Vec<u64> =
            (0..32).flat_map(|x| (0..32).map(move |y| number(5, x, y).unwrap())).collect();
        all.sort_unstable();
        assert_eq!(all, (341..341 + 1024).collect::<Vec<_>>());
    }

    #[test]
    fn a_directory_that_lies_makes_no_room() {
        assert!(directory(&[]).is_err());
        // A thousand million lines in six bytes.
        assert!(directory(&[0x80, 0x94, 0xeb, 0xdc, 0x03, 1]).is_err());
        assert!(directory(&[0xff; 11]).is_err());
        let two = [2, 5, 2, 1, 1, 3, 4, 1, 0];
        let entries = directory(&two).unwrap();
        assert_eq!(entries[0], Entry { tile: 5, run: 1, offset: 0, length: 3 });
        assert_eq!(entries[1], Entry { tile: 7, run: 1, offset: 3, length: 4 });
        assert!(directory(&[2, 5, 0, 1, 1, 3, 4, 1, 0]).is_err(), "the same tile twice");
    }
}
