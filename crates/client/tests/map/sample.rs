//! Makes the sample: a municipality of straight streets that does not exist, in the layers of a Protomaps basemap.

use std::io::Write as _;

use client::map::pmtiles::number;
use serde_json::json;

/// West, south, east, north.
const BOUNDS: [f64; 4] = [-100.43, 25.63, -100.37, 25.68];
const ZOOMS: (u8, u8) = (10, 14);
const EXTENT: f64 = 4096.0;
const NAME: &str = "Municipio de muestra (inventado)";

/// Where a point is on the whole map of a zoom, in tiles.
fn project(lon: f64, lat: f64, z: u8) -> (f64, f64) {
    let side = f64::from(1u32 << z);
    let sine = lat.to_radians().sin();
    let down = 0.5 - ((1.0 + sine) / (1.0 - sine)).ln() / (4.0 * std::f64::consts::PI);
    ((lon / 360.0 + 0.5) * side, down * side)
}

/// Every tile that the sample has.
pub fn tiles() -> Vec<(u8, u32, u32)> {
    let [west, south, east, north] = BOUNDS;
    (ZOOMS.0..=ZOOMS.1)
        .flat_map(|z| {
            let (left, top) = project(west, north, z);
            let (right, bottom) = project(east, south, z);
            (left as u32..=right as u32)
                .flat_map(move |x| (top as u32..=bottom as u32).map(move |y| (z, x, y)))
        })
        .collect()
}

/// A thing on the map: layer, kind, name, how it is drawn, its points.
struct Thing {
    layer: &'static str,
    tags: Vec<(&'static str, String)>,
    kind: Kind,
    points: Vec<(f64, f64)>,
    from: u8,
}

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Point = 1,
    Line = 2,
    Area = 3,
}

fn things() -> Vec<Thing> {
    let [west, south, east, north] = BOUNDS;
    let rectangle = |w: f64, s: f64, e: f64, n: f64| vec![(w, n), (e, n), (e, s), (w, s)];
    let mut all = vec![Thing {
        layer: "earth",
        tags: vec![("kind", "earth".into())],
        kind: Kind::Area,
        points: rectangle(west - 0.4, south - 0.4, east + 0.4, north + 0.4),
        from: 0,
    }];
    let mut area = |layer, kind: &str, points| {
        all.push(Thing { layer, tags: vec![("kind", kind.into())], kind: Kind::Area, points, from: 0 });
    };
    area("landuse", "park", rectangle(-100.407, 25.651, -100.399, 25.657));
    area("landuse", "park", rectangle(-100.385, 25.668, -100.381, 25.672));
    area("landuse", "school", rectangle(-100.415, 25.664, -100.412, 25.667));
    area("landuse", "hospital", rectangle(-100.392, 25.645, -100.389, 25.648));
    area("water", "lake", rectangle(-100.3785, 25.636, -100.374, 25.640));
    let mut line = |kind: &str, name: String, points, from| {
        let tags = vec![("kind", kind.to_owned()), ("name", name)];
        all.push(Thing { layer: "roads", tags, kind: Kind::Line, points, from });
    };
    for (n, lon) in (0..).zip((0..16).map(|n| west + 0.004 * f64::from(n))) {
        let (kind, from) = if n % 5 == 2 { ("major_road", 10) } else { ("minor_road", 13) };
        line(kind, format!("Calle Inventada {}", n + 1), vec![(lon, south), (lon, north)], from);
    }
    for (n, lat) in (0..).zip((0..13).map(|n| south + 0.004 * f64::from(n))) {
        let (kind, from) = if n % 4 == 2 { ("major_road", 10) } else { ("minor_road", 13) };
        line(kind, format!("Avenida Ficticia {}", n + 1), vec![(west, lat), (east, lat)], from);
    }
    let slope = vec![(west, 25.633), (-100.41, 25.641), (-100.39, 25.66), (east, 25.677)];
    line("highway", "Carretera de Muestra".into(), slope, 10);
    for (name, lon, lat) in [
        ("Colonia Ejemplo", -100.414, 25.672),
        ("Colonia Modelo", -100.386, 25.652),
        ("Colonia Ensayo", -100.412, 25.642),
    ] {
        let tags = vec![("kind", "locality".into()), ("name", name.into())];
        all.push(Thing { layer: "places", tags, kind: Kind::Point, points: vec![(lon, lat)], from: 12 });
    }
    all
}

/// The whole file.
pub fn file() -> Vec<u8> {
    let things = things();
    let tiles: Vec<_> = tiles().into_iter().map(|(z, x, y)| (z, x, y, tile(&things, z, x, y))).collect();
    write(&tiles, ZOOMS, NAME, false)
}

/// One tile (MVT 2.1): only what touches it, cut a little outside of it.
fn tile(things: &[Thing], z: u8, x: u32, y: u32) -> Vec<u8> {
    let mut bytes = Vec::new();
    for layer in ["earth", "landuse", "water", "roads", "places"] {
        let (mut keys, mut values): (Vec<&str>, Vec<&str>) = Default::default();
        let mut features = Vec::new();
        for thing in things.iter().filter(|thing| thing.layer == layer && z >= thing.from) {
            let points: Vec<(f64, f64)> = thing
                .points
                .iter()
                .map(|(lon, lat)| {
                    let (across, down) = project(*lon, *lat, z);
                    ((across - f64::from(x)) * EXTENT, (down - f64::from(y)) * EXTENT)
                })
                .collect();
            let Some(points) = cut(points, thing.kind) else { continue };
            let mut tags = Vec::new();
            for (key, value) in &thing.tags {
                tags.extend([place(&mut keys, key), place(&mut values, value)]);
            }
            let mut feature = Vec::new();
            packed(&mut feature, 2, &tags);
            varint(&mut feature, 3 << 3);
            varint(&mut feature, thing.kind as u64);
            packed(&mut feature, 4, &geometry(&points, thing.kind));
            features.push(feature);
        }
        if features.is_empty() {
            continue;
        }
        let mut inner = Vec::new();
        field(&mut inner, 1, layer.as_bytes());
        features.iter().for_each(|feature| field(&mut inner, 2, feature));
        keys.iter().for_each(|key| field(&mut inner, 3, key.as_bytes()));
        for value in values {
            let mut text = Vec::new();
            field(&mut text, 1, value.as_bytes());
            field(&mut inner, 4, &text);
        }
        varint(&mut inner, 5 << 3);
        varint(&mut inner, EXTENT as u64);
        varint(&mut inner, 15 << 3);
        varint(&mut inner, 2);
        field(&mut bytes, 3, &inner);
    }
    bytes
}

/// What is near the tile. Corners are moved to its margin: rectangles and nearly straight lines stay what they are.
fn cut(points: Vec<(f64, f64)>, kind: Kind) -> Option<Vec<(i64, i64)>> {
    const MARGIN: f64 = 256.0;
    let inside = |value: f64| (-MARGIN..=EXTENT + MARGIN).contains(&value);
    let overlap = |of: fn(&(f64, f64)) -> f64| {
        let least = points.iter().map(of).fold(f64::MAX, f64::min);
        let most = points.iter().map(of).fold(f64::MIN, f64::max);
        most >= -MARGIN && least <= EXTENT + MARGIN
    };
    if !overlap(|point| point.0) || !overlap(|point| point.1) {
        return None;
    }
    if kind == Kind::Point {
        let (x, y) = points[0];
        return (inside(x) && inside(y)).then(|| vec![(x as i64, y as i64)]);
    }
    // A slanted line must keep its slope: it is not moved, only kept whole.
    let slanted = kind == Kind::Line && points.len() > 2;
    let near = |value: f64| if slanted { value } else { value.clamp(-MARGIN, EXTENT + MARGIN) };
    Some(points.iter().map(|(x, y)| (near(*x).round() as i64, near(*y).round() as i64)).collect())
}

fn place<'a>(list: &mut Vec<&'a str>, word: &'a str) -> u64 {
    let at = list.iter().position(|known| *known == word).unwrap_or_else(|| {
        list.push(word);
        list.len() - 1
    });
    at as u64
}

fn geometry(points: &[(i64, i64)], kind: Kind) -> Vec<u64> {
    let zigzag = |value: i64| ((value << 1) ^ (value >> 63)) as u64;
    let (mut commands, mut before) = (Vec::new(), (0, 0));
    for (index, point) in points.iter().enumerate() {
        match index {
            0 => commands.push(1 | (1 << 3)),
            1 => commands.push(2 | ((points.len() as u64 - 1) << 3)),
            _ => {}
        }
        commands.extend([zigzag(point.0 - before.0), zigzag(point.1 - before.1)]);
        before = *point;
    }
    if kind == Kind::Area {
        commands.push(7 | (1 << 3));
    }
    commands
}

fn varint(bytes: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        bytes.push((value as u8) | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
}

fn field(bytes: &mut Vec<u8>, number: u64, inner: &[u8]) {
    varint(bytes, (number << 3) | 2);
    varint(bytes, inner.len() as u64);
    bytes.extend_from_slice(inner);
}

fn packed(bytes: &mut Vec<u8>, number: u64, values: &[u64]) {
    let mut inner = Vec::new();
    values.iter().for_each(|value| varint(&mut inner, *value));
    field(bytes, number, &inner);
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn directory(entries: &[(u64, u64, u64, u64)]) -> Vec<u8> {
    let mut bytes = Vec::new();
    varint(&mut bytes, entries.len() as u64);
    let mut before = 0;
    for (tile, ..) in entries {
        varint(&mut bytes, tile - before);
        before = *tile;
    }
    entries.iter().for_each(|(_, run, ..)| varint(&mut bytes, *run));
    entries.iter().for_each(|(_, _, _, length)| varint(&mut bytes, *length));
    entries.iter().for_each(|(_, _, offset, _)| varint(&mut bytes, offset + 1));
    gzip(&bytes)
}

/// A PMTiles file, version 3, of these tiles; with directories of 50 below the first one if `leaves`.
pub fn write(tiles: &[(u8, u32, u32, Vec<u8>)], zooms: (u8, u8), name: &str, leaves: bool) -> Vec<u8> {
    let mut sorted: Vec<(u64, &Vec<u8>)> =
        tiles.iter().map(|(z, x, y, bytes)| (number(*z, *x, *y).unwrap(), bytes)).collect();
    sorted.sort();
    let (mut data, mut entries) = (Vec::new(), Vec::new());
    for (tile, bytes) in sorted {
        let pressed = gzip(bytes);
        entries.push((tile, 1, data.len() as u64, pressed.len() as u64));
        data.extend(pressed);
    }
    let mut below = Vec::new();
    if leaves {
        let mut above = Vec::new();
        for part in entries.chunks(50) {
            let leaf = directory(part);
            above.push((part[0].0, 0, below.len() as u64, leaf.len() as u64));
            below.extend(leaf);
        }
        entries = above;
    }
    let root = directory(&entries);
    let layers = ["earth", "landuse", "water", "roads", "places"].map(|id| json!({"id": id, "fields": {}}));
    let attribution = "Mapa <b>inventado</b> para practicar";
    let about = json!({"name": name, "attribution": attribution, "vector_layers": layers});
    let about = gzip(about.to_string().as_bytes());
    let parts = [root, about, below, data];
    let mut bytes = b"PMTiles\x03".to_vec();
    let mut offset = 127u64;
    for part in &parts {
        bytes.extend(offset.to_le_bytes());
        bytes.extend((part.len() as u64).to_le_bytes());
        offset += part.len() as u64;
    }
    for _ in 0..3 {
        bytes.extend((tiles.len() as u64).to_le_bytes());
    }
    bytes.extend([1, 2, 2, 1, zooms.0, zooms.1]);
    let degrees = |value: f64| ((value * 1e7).round() as i32).to_le_bytes();
    BOUNDS.iter().for_each(|value| bytes.extend(degrees(*value)));
    bytes.push(13);
    bytes.extend(degrees((BOUNDS[0] + BOUNDS[2]) / 2.0));
    bytes.extend(degrees((BOUNDS[1] + BOUNDS[3]) / 2.0));
    parts.iter().for_each(|part| bytes.extend(part));
    bytes
}
