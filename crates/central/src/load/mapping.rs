//! Which header is which field, as data: one TOML file per kind of list.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;
use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

use super::LoadError;

/// What a column becomes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Field {
    /// Folio of the project.
    Folio,
    /// Title.
    Title,
    /// Description.
    Description,
    /// District, sector, zone or colonia.
    Place,
    /// Name of the área.
    Area,
    /// Amount.
    Amount,
    /// Currency of the amount (ISO 4217).
    Currency,
    /// Public page.
    Url,
    /// Day of publication or approval.
    Date,
}

/// How the list writes numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Numbers {
    /// `1,234.56`
    Mx,
    /// `1.234,56`
    Eu,
    /// Either, told apart as [`domain::entry::amount`] does.
    #[default]
    Auto,
}

/// A mapping of headers to fields.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mapping {
    /// Its name.
    pub name: String,
    /// Its version; a changed mapping is another version.
    pub version: u32,
    /// Currency of the amounts (ISO 4217), where the row does not say it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub currency: Option<String>,
    /// How numbers are written. Cells that are numbers in a workbook need no such thing.
    #[serde(default)]
    pub numbers: Numbers,
    /// Headers without which the list is another one.
    #[serde(default)]
    pub required: Vec<String>,
    /// Headers known and not used.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ignored: Vec<String>,
    /// Header to field. Several headers may name one field; a file may have only one of them.
    pub columns: BTreeMap<String, Field>,
}

/// A mapping laid over the headers of a file.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Layout {
    /// Headers, without the blank ones at the end.
    pub headers: Vec<String>,
    /// Index of the column and its field, in the order of the file.
    pub columns: Vec<(usize, Field)>,
    /// Headers that nothing takes.
    pub unused: Vec<String>,
}

/// Largest mapping file; a mapping is some twenty lines.
const MAX_FILE: u64 = 64 * 1024;

static READY: LazyLock<Vec<Mapping>> = LazyLock::new(|| {
    let files = [
        include_str!("../../mappings/basico.toml"),
        include_str!("../../mappings/durango.toml"),
        include_str!("../../mappings/consul-web.toml"),
    ];
    // The files are part of the program and a test reads them all.
    files.iter().filter_map(|text| Mapping::parse("ready", text).ok()).collect()
});

impl Mapping {
    /// The mappings that come with the program.
    pub fn ready() -> &'static [Mapping] {
        &READY
    }

    /// A ready mapping by its name, or the one in a `.toml` file.
    pub fn named(name_or_file: &str) -> Result<Mapping, LoadError> {
        let wanted = fold(name_or_file);
        if let Some(mapping) = Self::ready().iter().find(|mapping| fold(&mapping.name) == wanted) {
            return Ok(mapping.clone());
        }
        let path = Path::new(name_or_file);
        if !path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("toml")) {
            return Err(LoadError::MappingUnknown {
                name: name_or_file.to_owned(),
                known: Self::ready().iter().map(|mapping| mapping.name.clone()).collect(),
            });
        }
        let mut text = String::new();
        std::fs::File::open(path)
            .and_then(|file| file.take(MAX_FILE).read_to_string(&mut text))
            .map_err(|error| LoadError::opening(path, &error))?;
        Self::parse(name_or_file, &text)
    }

    /// The ready mapping that fits these headers; the one that uses most of them, if several do.
    pub fn matching(headers: &[String]) -> Option<&'static Mapping> {
        let mut best: Option<(usize, &'static Mapping)> = None;
        for mapping in Self::ready() {
            let used = mapping.used(headers);
            if mapping.missing(headers).is_empty() && best.is_none_or(|(most, _)| used > most) {
                best = Some((used, mapping));
            }
        }
        best.map(|(_, mapping)| mapping)
    }

    /// Reads a mapping; `label` names it in errors.
    pub fn parse(label: &str, text: &str) -> Result<Mapping, LoadError> {
        let invalid = |detail: String| LoadError::MappingInvalid { name: label.to_owned(), detail };
        let mapping: Mapping = toml::from_str(text).map_err(|error| invalid(error.message().to_owned()))?;
        if mapping.name.trim().is_empty() {
            return Err(invalid("name is blank".to_owned()));
        }
        for (field, name) in [(Field::Folio, "folio"), (Field::Title, "title")] {
            if !mapping.columns.values().any(|other| *other == field) {
                return Err(invalid(format!("no column is the {name}")));
            }
        }
        let mut seen = BTreeMap::new();
        for header in mapping.columns.keys() {
            if let Some(other) = seen.insert(fold(header), header) {
                return Err(invalid(format!("columns {other:?} and {header:?} are the same")));
            }
        }
        if let Some(header) = mapping.required.iter().find(|header| !seen.contains_key(&fold(header))) {
            return Err(invalid(format!("required column {header:?} is not among the columns")));
        }
        match &mapping.currency {
            Some(code) if !super::value::is_currency(code) => {
                Err(invalid(format!("{code:?} is not a currency of ISO 4217")))
            }
            _ => Ok(mapping),
        }
    }

    /// How many of its columns these headers have.
    fn used(&self, headers: &[String]) -> usize {
        headers.iter().filter(|header| self.field(header).is_some()).count()
    }

    /// The required headers that are not there.
    fn missing(&self, headers: &[String]) -> Vec<String> {
        let there: Vec<String> = headers.iter().map(|header| fold(header)).collect();
        let gone = |header: &&String| !there.contains(&fold(header));
        self.required.iter().filter(gone).cloned().collect()
    }

    fn field(&self, header: &str) -> Option<Field> {
        let wanted = fold(header);
        self.columns.iter().find(|(name, _)| fold(name) == wanted).map(|(_, field)| *field)
    }

    /// Lays the mapping over the headers of a file.
    pub(super) fn layout(&self, headers: &[String]) -> Result<Layout, LoadError> {
        let width = headers.iter().rposition(|header| !fold(header).is_empty()).map_or(0, |last| last + 1);
        let headers: Vec<String> = headers[..width].iter().map(|header| header.trim().to_owned()).collect();
        let missing = self.missing(&headers);
        if !missing.is_empty() {
            return Err(LoadError::MissingColumns { mapping: self.name.clone(), columns: missing, headers });
        }
        let mut columns: Vec<(usize, Field)> = Vec::new();
        let mut unused = Vec::new();
        let mut seen: BTreeMap<String, usize> = BTreeMap::new();
        for (index, header) in headers.iter().enumerate() {
            let folded = fold(header);
            if folded.is_empty() {
                continue;
            }
            let field = self.field(header);
            let same = seen
                .insert(folded.clone(), index)
                .or_else(|| columns.iter().find(|(_, other)| field == Some(*other)).map(|(other, _)| *other));
            if let Some(other) = same {
                return Err(LoadError::DuplicateColumns {
                    columns: vec![headers[other].clone(), header.clone()],
                });
            }
            match field {
                Some(field) => columns.push((index, field)),
                None if self.ignored.iter().any(|name| fold(name) == folded) => {}
                None => unused.push(header.clone()),
            }
        }
        // `required` need not name them; without them no row is a project.
        for field in [Field::Folio, Field::Title] {
            if !columns.iter().any(|(_, other)| *other == field) {
                let names = self.columns.iter().filter(|(_, other)| **other == field);
                return Err(LoadError::MissingColumns {
                    mapping: self.name.clone(),
                    columns: names.map(|(name, _)| name.clone()).collect(),
                    headers,
                });
            }
        }
        Ok(Layout { headers, columns, unused })
    }
}

/// The first of these rows that is a header row, and its mapping.
pub(super) fn find_header<'m>(
    rows: &[Vec<String>],
    wanted: Option<&'m Mapping>,
) -> Option<(usize, &'m Mapping)> {
    rows.iter().enumerate().find_map(|(index, headers)| match wanted {
        Some(mapping) => mapping.missing(headers).is_empty().then_some((index, mapping)),
        None => Mapping::matching(headers).map(|mapping| (index, mapping)),
    })
}

/// What to say when no row is a header row: `rows` are the first of the file.
pub(super) fn no_header(rows: &[Vec<String>], wanted: Option<&Mapping>) -> LoadError {
    let named = |row: &&Vec<String>| row.iter().any(|header| !fold(header).is_empty());
    let first = rows.iter().find(named);
    let likely = match wanted {
        // Rows before the header have none of its columns; the first wins a tie.
        Some(mapping) => rows.iter().filter(named).rev().max_by_key(|row| mapping.used(row)),
        // Titles before the header fill one cell.
        None => rows.iter().find(|row| row.iter().filter(|header| !fold(header).is_empty()).count() > 1),
    };
    let Some(headers) = likely.or(first) else {
        return LoadError::Empty;
    };
    let width = headers.iter().rposition(|header| !fold(header).is_empty()).map_or(0, |last| last + 1);
    let headers: Vec<String> = headers.iter().take(width).map(|header| shown(header)).collect();
    match wanted {
        Some(mapping) => LoadError::MissingColumns {
            mapping: mapping.name.clone(),
            columns: mapping.missing(&headers),
            headers,
        },
        None => LoadError::NoMapping { headers },
    }
}

/// How many of the columns of the mapping, or of the best ready one, a row of headers has.
pub(super) fn likeness(headers: &[String], wanted: Option<&Mapping>) -> usize {
    match wanted {
        Some(mapping) => mapping.used(headers),
        None => Mapping::ready().iter().map(|mapping| mapping.used(headers)).max().unwrap_or(0),
    }
}

fn shown(header: &str) -> String {
    super::value::cut(header.trim(), super::VALUE_SHOWN)
}

/// A header without case, accents, surrounding blanks or punctuation: `" Título "` is `titulo`, and `Importe web`
/// is `importe_web`.
pub(super) fn fold(header: &str) -> String {
    let mut folded = String::with_capacity(header.len());
    for plain in header.chars().flat_map(char::to_lowercase).filter_map(domain::entry::without_accent) {
        if plain.is_alphanumeric() {
            folded.push(plain);
        } else if !folded.is_empty() && !folded.ends_with('_') {
            folded.push('_');
        }
    }
    folded.truncate(folded.trim_end_matches('_').len());
    folded
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn every_ready_mapping_is_read_and_written_back() {
        let names: Vec<&str> = Mapping::ready().iter().map(|mapping| mapping.name.as_str()).collect();
        assert_eq!(names, ["basico", "durango", "consul-web"]);
        for mapping in Mapping::ready() {
            let text = toml::to_string(mapping).unwrap();
            assert_eq!(&Mapping::parse("again", &text).unwrap(), mapping);
            assert_eq!(&Mapping::named(&mapping.name).unwrap(), mapping);
        }
    }

    #[test]
    fn headers_match_whatever_their_case_accents_and_blanks() {
        for spelling in [
            "FOLIO|TÍTULO",
            " folio | Título ",
            "Folio|titulo",
            "folio|ti\u{301}tulo",
            "\u{feff}folio|titulo",
        ] {
            let found = Mapping::matching(&headers(&spelling.split('|').collect::<Vec<_>>()));
            assert_eq!(found.map(|mapping| mapping.name.as_str()), Some("basico"), "{spelling}");
        }
        assert_eq!(fold("Importe  web"), "importe_web");
        assert!(Mapping::matching(&headers(&["project_id", "district_id", "name", "cost"])).is_none());
        assert!(Mapping::matching(&[]).is_none());
    }

    #[test]
    fn a_header_twice_or_two_for_one_field_is_refused() {
        let mapping = Mapping::named("basico").unwrap();
        for names in [&["folio", "titulo", "FOLIO"][..], &["folio", "titulo", "notas", "Notas "]] {
            let error = mapping.layout(&headers(names)).unwrap_err();
            assert_eq!(error.rule(), "load-duplicate-columns", "{names:?}");
        }
        let text = "name='x'\nversion=1\n[columns]\na='folio'\nb='title'\nc='title'";
        let mapping = Mapping::parse("x", text).unwrap();
        assert!(mapping.layout(&headers(&["a", "c"])).is_ok());
        assert_eq!(
            mapping.layout(&headers(&["a", "b", "c"])),
            Err(LoadError::DuplicateColumns { columns: headers(&["b", "c"]) })
        );
        assert!(matches!(mapping.layout(&headers(&["a"])), Err(LoadError::MissingColumns { .. })));
    }

    #[test]
    fn blank_headers_at_the_end_are_dropped_and_strangers_are_told() {
        let layout = Mapping::named("consul-web").unwrap().layout(&headers(&[
            "propuesta_id",
            "titulo_web",
            "zona_web",
            "importe_web",
            "",
            "pagina_web",
            "apoyos",
            " ",
            "",
        ]));
        let layout = layout.unwrap();
        assert_eq!(layout.headers.len(), 7);
        assert_eq!(layout.unused, ["apoyos"]);
    }

    #[test]
    fn what_is_not_a_mapping_is_refused() {
        for text in [
            "",
            "name = 'x'",
            "name='x'\nversion=1\n[columns]\na='folio'",
            "name='x'\nversion=1\nrequired=['z']\n[columns]\na='folio'\nb='title'",
            "name='x'\nversion=1\ncurrency='PESOS'\n[columns]\na='folio'\nb='title'",
            "name='x'\nversion=1\nother=1\n[columns]\na='folio'\nb='title'",
            "name='x'\nversion=1\n[columns]\na='folio'\nb='title'\n'B '='place'",
            "name='x'\nversion=1\n[columns]\na='folio'\nb='nothing'",
            "name=' '\nversion=1\n[columns]\na='folio'\nb='title'",
        ] {
            let error = Mapping::parse("x.toml", text).unwrap_err();
            assert_eq!(error.rule(), "load-mapping-invalid", "{text}");
        }
        assert!(
            matches!(Mapping::named("otro"), Err(LoadError::MappingUnknown { known, .. }) if known.len() == 3)
        );
        assert!(matches!(Mapping::named("no-such-file.toml"), Err(LoadError::NotFound { .. })));
    }
}
