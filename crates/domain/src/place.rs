//! A place on the ground: how people type it, where a release carries it, and how far a municipality reaches.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use ts_rs::TS;

/// How the place of a follow-up was found. Stays inside (`placeMethod`).
pub const METHODS: &[&str] = &["typed", "map", "colonia", "photo"];

/// A point (WGS 84, degrees).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, TS)]
pub struct Position {
    /// North is positive.
    pub latitude: f64,
    /// East is positive.
    pub longitude: f64,
}

impl Position {
    /// The point of two numbers, rounded to a tenth of a metre: more would only look exact.
    pub fn new(latitude: f64, longitude: f64) -> Position {
        let round = |degrees: f64| (degrees * 1e6).round() / 1e6;
        Position { latitude: round(latitude), longitude: round(longitude) }
    }

    /// Reads what a person typed or pasted: `25.6579, -100.4023`, `25°39'28" N 100°24'08" O`, `25,6579; -100,4023`.
    /// The numbers as they are: [`Position::is_on_earth`] says whether they can be a place.
    pub fn read(text: &str) -> Option<Position> {
        let mut angles = Angles::default();
        let plain = plain(text)?;
        let mut rest = plain.chars().peekable();
        while let Some(ch) = rest.next() {
            match ch {
                '0'..='9' | '.' => {
                    let mut number = String::from(ch);
                    while let Some(next) = rest.next_if(|next| next.is_ascii_digit() || *next == '.') {
                        number.push(next);
                    }
                    angles.number(number.parse().ok()?);
                }
                '-' => angles.minus()?,
                '+' | ' ' => {}
                '°' | '\'' => angles.mark(true)?,
                '"' => angles.mark(false)?,
                ',' | ';' | '/' => angles.open = false,
                'N' | 'S' | 'E' | 'W' => angles.letter(ch),
                _ => return None,
            }
        }
        angles.position()
    }

    /// As it is typed: latitude, longitude.
    pub fn text(&self) -> String {
        format!("{}, {}", self.latitude, self.longitude)
    }

    /// Whether there is such a place.
    pub fn is_on_earth(&self) -> bool {
        (-90.0..=90.0).contains(&self.latitude) && (-180.0..=180.0).contains(&self.longitude)
    }

    /// The same numbers the other way round.
    #[must_use]
    pub fn swapped(&self) -> Position {
        Position { latitude: self.longitude, longitude: self.latitude }
    }

    /// Metres to another point, good enough within a municipality.
    pub fn metres_to(&self, other: &Position) -> f64 {
        let north = (self.latitude - other.latitude) * 111_320.0;
        let east = (self.longitude - other.longitude) * 111_320.0 * self.latitude.to_radians().cos();
        north.hypot(east)
    }

    /// As GeoJSON, which is how a location carries it: longitude first.
    pub fn geometry(&self) -> Value {
        json!({"type": "Point", "coordinates": [self.longitude, self.latitude]})
    }

    /// The point of a geometry: its only one, or the middle of its extent.
    pub fn of_geometry(geometry: &Value) -> Option<Position> {
        let mut extent: Option<Bounds> = None;
        let mut depth = 0;
        gather(geometry.get("coordinates")?, &mut depth, &mut extent);
        extent.map(|extent| extent.centre())
    }

    /// Where a process says that its project is: `planning.project.locations`, else where its items are delivered.
    pub fn of_release(release: &Value) -> Option<Position> {
        let of = |locations: Option<&Value>, key: &str| {
            let list = locations.and_then(Value::as_array)?;
            list.iter().find_map(|item| {
                let location = if key.is_empty() { item } else { item.get(key)? };
                Position::of_geometry(location.get("geometry")?)
            })
        };
        let items = |section: &Value| of(section.get("items"), "deliveryLocation");
        let lists = ["awards", "contracts"].into_iter().filter_map(|name| release.get(name)?.as_array());
        of(release.pointer("/planning/project/locations"), "")
            .or_else(|| release.get("tender").and_then(items))
            .or_else(|| lists.flatten().find_map(items))
    }
}

/// Every point of nested coordinates; nesting beyond what GeoJSON has, and what is not a point of the earth, is passed
/// over.
fn gather(coordinates: &Value, depth: &mut u32, extent: &mut Option<Bounds>) {
    let Some(list) = coordinates.as_array().filter(|_| *depth < 4) else { return };
    if let [longitude, latitude, ..] = list.as_slice()
        && let (Some(longitude), Some(latitude)) = (longitude.as_f64(), latitude.as_f64())
    {
        let point = Position { latitude, longitude };
        if point.is_on_earth() {
            let bounds = extent.get_or_insert(Bounds::around(point));
            bounds.take(point);
        }
        return;
    }
    *depth += 1;
    for inner in list {
        gather(inner, depth, extent);
    }
    *depth -= 1;
}

/// A rectangle of the map (degrees).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, TS)]
pub struct Bounds {
    /// Least longitude.
    pub west: f64,
    /// Least latitude.
    pub south: f64,
    /// Greatest longitude.
    pub east: f64,
    /// Greatest latitude.
    pub north: f64,
}

impl Bounds {
    /// Only this point.
    pub fn around(point: Position) -> Bounds {
        let Position { latitude, longitude } = point;
        Bounds { west: longitude, south: latitude, east: longitude, north: latitude }
    }

    /// Grows to hold a point.
    pub fn take(&mut self, point: Position) {
        self.west = self.west.min(point.longitude);
        self.east = self.east.max(point.longitude);
        self.south = self.south.min(point.latitude);
        self.north = self.north.max(point.latitude);
    }

    /// Larger by so many degrees on each side.
    #[must_use]
    pub fn wider(&self, degrees: f64) -> Bounds {
        Bounds {
            west: self.west - degrees,
            south: self.south - degrees,
            east: self.east + degrees,
            north: self.north + degrees,
        }
    }

    /// Whether a point is inside.
    pub fn hold(&self, point: &Position) -> bool {
        (self.west..=self.east).contains(&point.longitude)
            && (self.south..=self.north).contains(&point.latitude)
    }

    /// Its middle.
    pub fn centre(&self) -> Position {
        Position::new((self.south + self.north) / 2.0, (self.west + self.east) / 2.0)
    }
}

/// Upper case, with one sign for each meaning: degrees, minutes, seconds, minus, decimal point; Oeste is W.
fn plain(text: &str) -> Option<String> {
    if text.len() > 200 {
        return None;
    }
    let mut upper = text.trim().to_uppercase();
    for word in ["LATITUDE", "LONGITUDE", "LATITUD", "LONGITUD", "LONG", "LAT", "LON", "LNG", "GRADOS"] {
        upper = upper.replace(word, " ");
    }
    upper = upper.replace("''", "\"").replace("′′", "\"");
    let mut plain: Vec<char> = upper
        .chars()
        .map(|ch| match ch {
            'º' | '˚' | '᾽' => '°',
            '′' | '’' | '‘' | '´' | '`' => '\'',
            '″' | '”' | '“' => '"',
            '−' | '–' => '-',
            'O' => 'W',
            ':' | '(' | ')' | '=' | '\u{a0}' | '\u{202f}' | '\t' | '\n' => ' ',
            other => other,
        })
        .collect();
    // A comma is a decimal mark where no point is: between digits, once in each of two numbers.
    let between_digits = |at: usize| {
        at > 0
            && plain[at] == ','
            && plain[at - 1].is_ascii_digit()
            && plain.get(at + 1).is_some_and(char::is_ascii_digit)
    };
    let commas: Vec<usize> = (0..plain.len()).filter(|at| plain[*at] == ',').collect();
    let decimal = commas.iter().copied().filter(|at| between_digits(*at)).collect::<Vec<_>>();
    if !plain.contains(&'.') && decimal.len() == 2 && commas.len() <= 3 {
        for at in decimal {
            plain[at] = '.';
        }
    }
    Some(plain.into_iter().collect())
}

/// The two angles of a position, as they are read.
#[derive(Default)]
struct Angles {
    list: Vec<Angle>,
    /// The next number goes on with the same angle: a sign of degrees or minutes was last.
    open: bool,
    /// A sign of minus was last.
    negative: bool,
    /// A letter was before any number: letters lead.
    leading: Option<bool>,
    /// The letter that leads the next angle.
    next: Option<char>,
}

#[derive(Default)]
struct Angle {
    parts: Vec<f64>,
    negative: bool,
    letter: Option<char>,
}

impl Angles {
    fn number(&mut self, number: f64) {
        self.leading.get_or_insert(false);
        let goes_on = self.open && !self.negative && self.next.is_none();
        match self.list.last_mut() {
            Some(angle) if goes_on => angle.parts.push(number),
            _ => self.list.push(Angle {
                parts: vec![number],
                negative: std::mem::take(&mut self.negative),
                letter: self.next.take(),
            }),
        }
        self.open = false;
    }

    fn minus(&mut self) -> Option<()> {
        (!std::mem::replace(&mut self.negative, true)).then_some(())
    }

    fn mark(&mut self, goes_on: bool) -> Option<()> {
        self.open = goes_on;
        (!self.list.is_empty()).then_some(())
    }

    fn letter(&mut self, letter: char) {
        self.open = false;
        if *self.leading.get_or_insert(true) {
            self.next = Some(letter);
        } else if let Some(angle) = self.list.last_mut() {
            angle.letter = Some(letter);
        }
    }

    fn position(self) -> Option<Position> {
        let [first, second] = self.list.as_slice() else { return None };
        let is_east = |angle: &Angle| angle.letter.map(|letter| matches!(letter, 'E' | 'W'));
        let (latitude, longitude) = match (is_east(first), is_east(second)) {
            (Some(true), Some(true)) | (Some(false), Some(false)) => return None,
            (Some(true), _) | (_, Some(false)) => (second, first),
            _ => (first, second),
        };
        Some(Position::new(latitude.degrees()?, longitude.degrees()?))
    }
}

impl Angle {
    fn degrees(&self) -> Option<f64> {
        let (degrees, rest) = self.parts.split_first()?;
        if rest.len() > 2 || rest.iter().any(|part| *part >= 60.0) || *degrees > 360.0 {
            return None;
        }
        let parts = rest.iter().zip([60.0, 3600.0]).map(|(part, of)| part / of).sum::<f64>();
        let negative = self.negative || matches!(self.letter, Some('S' | 'W'));
        Some((degrees + parts) * if negative { -1.0 } else { 1.0 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn coordinates_as_people_write_them() {
        for text in [
            "25.6579, -100.4023",
            "25.6579 -100.4023",
            "25.6579,-100.4023",
            "(25.6579; -100.4023)",
            "25,6579; -100,4023",
            "25,6579, -100,4023",
            "25,6579 −100,4023",
            "25.6579 N, 100.4023 W",
            "25.6579° N 100.4023° O",
            "N 25.6579 O 100.4023",
            "100.4023 O, 25.6579 N",
            "25°39'28.44\" N 100°24'08.28\" O",
            "25º39′28.44″N, 100º24′08.28″W",
            "25° 39' 28.44'' n, 100° 24' 8.28'' o",
            "25°39.474' N 100°24.138' O",
            "Latitud: 25.6579 Longitud: -100.4023",
        ] {
            let read = Position::read(text).unwrap_or_else(|| panic!("{text}"));
            assert_eq!(read, Position::new(25.6579, -100.4023), "{text}");
            assert!(read.is_on_earth());
            assert_eq!(Position::read(&read.text()), Some(read));
        }
        for text in [
            "",
            "25.6579",
            "25.6579, -100.4023, 4",
            "a, b",
            "25 N 100 N",
            "25°61' N 100° O",
            "--25, 3",
            "25.6.5, 100",
            "° 25 100",
            "S-25 O100 E2",
        ] {
            assert_eq!(Position::read(text), None, "{text}");
        }
    }

    #[test]
    fn what_was_typed_the_other_way_round_is_known_where_it_cannot_be() {
        let typed = Position::read("-100.4023, 25.6579").unwrap();
        assert!(!typed.is_on_earth());
        assert_eq!(typed.swapped(), Position::new(25.6579, -100.4023));
    }

    #[test]
    fn a_release_says_where_it_is() {
        let point = |lon: f64, lat: f64| json!({"geometry": {"type": "Point", "coordinates": [lon, lat]}});
        let at = Position::new(25.6, -100.4);
        assert_eq!(
            Position::of_release(&json!({"planning": {"project": {"locations": [{}, point(-100.4, 25.6)]}}})),
            Some(at)
        );
        let item = json!({"items": [{"id": "1"}, {"id": "2", "deliveryLocation": point(-100.4, 25.6)}]});
        assert_eq!(Position::of_release(&json!({"tender": item})), Some(at));
        assert_eq!(Position::of_release(&json!({"contracts": [{"id": "c"}, item]})), Some(at));
        let area =
            json!({"type": "Polygon", "coordinates": [[[-100.5, 25.5], [-100.3, 25.5], [-100.4, 25.7]]]});
        assert_eq!(Position::of_geometry(&area), Some(at));
        for odd in [
            json!(null),
            json!({"coordinates": [900, 1]}),
            json!({"coordinates": "x"}),
            json!({"coordinates": []}),
        ] {
            assert_eq!(Position::of_geometry(&odd), None, "{odd}");
        }
    }

    proptest! {
        #[test]
        fn typed_places_never_panic(text in "\\PC{0,40}") {
            let _ = Position::read(&text);
        }

        #[test]
        fn what_is_written_is_read_back(latitude in -90.0f64..90.0, longitude in -180.0f64..180.0) {
            let point = Position::new(latitude, longitude);
            prop_assert_eq!(Position::read(&point.text()), Some(point));
        }
    }
}
