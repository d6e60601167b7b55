//! The map of a municipality without a network: a file of tiles that the administration drops in, read where it is.
//!
//! The file is `mapa.pmtiles` in the folder of this equipment, or beside the program for everybody who uses it; or
//! wherever `AVANCE_MAP` says. Without one there is still a map: of points.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use base64::Engine as _;
use domain::command::{MapInfo, MapPlace, Tile, TileOf, TilesInfo};
use domain::place::{Bounds, Position};
use domain::problem::{Code, Problem};

use crate::error::Error;
use crate::profiles;
use crate::store::{Store, projects};

pub mod pmtiles;

use pmtiles::{Disk, Tiles};

/// Name of the file.
pub const NAME: &str = "mapa.pmtiles";
/// Names what the variable is called that says where the file is.
const VARIABLE: &str = "AVANCE_MAP";

/// The file of tiles, once it was opened.
#[derive(Default)]
pub(crate) struct Map(Mutex<Option<Opened>>);

struct Opened {
    path: PathBuf,
    /// Another file in its place is opened anew.
    stamp: (u64, Option<SystemTime>),
    tiles: Result<Arc<Tiles<Disk>>, Problem>,
}

/// Where a file of tiles is looked for.
fn places(dir: &Path) -> Vec<PathBuf> {
    if let Some(path) = std::env::var_os(VARIABLE).filter(|path| !path.is_empty()) {
        return vec![path.into()];
    }
    let beside = std::env::current_exe().ok().and_then(|program| Some(program.parent()?.join(NAME)));
    // The administration drops one file for everybody who works on this equipment.
    let shared = Some(profiles::data_folder(dir)).filter(|data| *data != dir).map(|data| data.join(NAME));
    std::iter::once(dir.join(NAME)).chain(shared).chain(beside).collect()
}

impl Map {
    /// The tiles, if there is a file of them; why not, if it cannot be read.
    fn tiles(&self, dir: &Path) -> Option<Result<Arc<Tiles<Disk>>, Problem>> {
        let found = places(dir).into_iter().find_map(|path| {
            let metadata = std::fs::metadata(&path).ok().filter(std::fs::Metadata::is_file)?;
            Some((path, (metadata.len(), metadata.modified().ok())))
        });
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some((path, stamp)) = found else {
            *kept = None;
            return None;
        };
        if let Some(opened) = &*kept
            && opened.path == path
            && opened.stamp == stamp
        {
            return Some(opened.tiles.clone());
        }
        let tiles = Disk::open(&path)
            .and_then(Tiles::open)
            .map(Arc::new)
            .map_err(|error| {
                Problem::new(Code::MapUnreadable)
                    .with("file", path.display().to_string())
                    .with("detail", error.to_string())
            })
            .inspect_err(|problem| tracing::warn!(%problem, "map"));
        *kept = Some(Opened { path, stamp, tiles: tiles.clone() });
        Some(tiles)
    }

    /// How far the tiles reach.
    pub(crate) fn bounds(&self, dir: &Path) -> Option<Bounds> {
        self.tiles(dir)?.ok().map(|tiles| tiles.bounds())
    }

    /// One tile.
    pub(crate) fn tile(&self, dir: &Path, of: TileOf) -> Result<Tile, Error> {
        let Some(tiles) = self.tiles(dir) else { return Ok(Tile { base64: None }) };
        let bytes = tiles?.tile(of.z, of.x, of.y).map_err(|error| {
            Problem::new(Code::MapUnreadable).with("file", NAME).with("detail", error.to_string())
        })?;
        Ok(Tile { base64: bytes.map(|bytes| base64::engine::general_purpose::STANDARD.encode(bytes)) })
    }

    /// What can be shown.
    pub(crate) fn info(&self, dir: &Path, store: &Store) -> Result<MapInfo, Error> {
        let (tiles, problem) = match self.tiles(dir) {
            None => (None, None),
            Some(Ok(tiles)) => (
                Some(TilesInfo {
                    min_zoom: tiles.zooms().0,
                    max_zoom: tiles.zooms().1,
                    bounds: tiles.bounds(),
                    name: tiles.about("name"),
                    attribution: tiles.about("attribution").map(|text| without_markup(&text)),
                }),
                None,
            ),
            Some(Err(problem)) => (None, Some(problem)),
        };
        let (span, places) = store.read(|c| Ok((projects::span(c)?, colonias(c)?)))?;
        Ok(MapInfo { bounds: tiles.as_ref().map(|tiles| tiles.bounds).or(span), tiles, problem, places })
    }
}

/// The places that projects name, each in the middle of its projects that say where they are.
fn colonias(connection: &rusqlite::Connection) -> Result<Vec<MapPlace>, Error> {
    let mut sums: std::collections::BTreeMap<String, (f64, f64, u32)> = Default::default();
    for (_, card) in projects::all(connection, "")? {
        if let (Some(name), Some(position)) = (card.place.as_deref().map(str::trim), card.position)
            && !name.is_empty()
        {
            let sum = sums.entry(name.to_owned()).or_default();
            *sum = (sum.0 + position.latitude, sum.1 + position.longitude, sum.2 + 1);
        }
    }
    let middle = |(name, (latitude, longitude, projects)): (String, (f64, f64, u32))| {
        let count = f64::from(projects);
        MapPlace { name, position: Position::new(latitude / count, longitude / count), projects }
    };
    Ok(sums.into_iter().map(middle).collect())
}

/// A text without its tags: files of tiles write their attribution as HTML, and nothing of theirs becomes markup here.
fn without_markup(html: &str) -> String {
    let mut text = String::new();
    let mut inside = false;
    for ch in html.chars() {
        match ch {
            '<' => inside = true,
            '>' if inside => inside = false,
            _ if !inside => text.push(ch),
            _ => {}
        }
    }
    let text = text.replace("&copy;", "©").replace("&amp;", "&");
    text.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(200).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whose_data_they_are_is_plain_text() {
        let html = "<a href=\"https://x\">Protomaps</a> &copy;  <b>OSM</b><script>a()</script>";
        assert_eq!(without_markup(html), "Protomaps © OSMa()");
        assert_eq!(without_markup(&"x".repeat(900)).len(), 200);
        assert_eq!(without_markup("a < b"), "a");
    }
}
