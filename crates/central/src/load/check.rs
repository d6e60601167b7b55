//! The rules of a row.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::hash::{BuildHasher, RandomState};

use chrono::NaiveDate;
use rust_decimal::Decimal;
use serde_json::{Map, Value, json};

use super::mapping::{Layout, Mapping};
use super::value::{self, AmountFault, DateFault};
use super::{BaseRow, Field, LoadError, RowError, Summary};

/// Longest title, in characters.
pub const MAX_TITLE: usize = 500;
/// Longest place, área.
pub const MAX_TEXT: usize = 500;
/// Longest description.
pub const MAX_DESCRIPTION: usize = 20_000;
/// Longest web address.
pub const MAX_URL: usize = 2_000;
/// Largest amount.
pub const MAX_AMOUNT: u64 = 1_000_000_000_000;
/// Most data rows of a list. It also bounds what is remembered of each folio.
pub const ROWS_AT_MOST: u64 = 1_000_000;
/// How much of a wrong value is shown, in characters.
pub const VALUE_SHOWN: usize = 120;

/// Every rule of a row.
pub const ROW_RULES: [&str; 18] = [
    "folio-missing",
    "folio-format",
    "folio-duplicate",
    "title-missing",
    "title-too-long",
    "text-too-long",
    "amount-format",
    "amount-negative",
    "amount-not-finite",
    "amount-too-large",
    "currency-format",
    "currency-mismatch",
    "date-format",
    "url-format",
    "row-too-short",
    "row-too-long",
    "text-encoding",
    "cell-error",
];

/// A cell, wherever it comes from.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Cell<'a> {
    /// Nothing.
    Empty,
    /// Text, perhaps blank.
    Text(Cow<'a, str>),
    /// A number of a workbook.
    Number(f64),
    /// A day of a workbook, and how to show it; the day is absent when it is only a time or no day at all.
    Date(Option<NaiveDate>, String),
    /// An error of a workbook: `#REF!`.
    Error(String),
}

impl Cell<'_> {
    pub fn is_blank(&self) -> bool {
        match self {
            Cell::Empty => true,
            Cell::Text(text) => trim(text).is_empty(),
            _ => false,
        }
    }

    /// What the cell says, for people.
    pub fn shown(&self) -> Cow<'_, str> {
        match self {
            Cell::Empty => Cow::Borrowed(""),
            Cell::Text(text) => Cow::Borrowed(trim(text)),
            Cell::Number(number) => Cow::Owned(value::text_of_number(*number)),
            Cell::Date(_, shown) | Cell::Error(shown) => Cow::Borrowed(shown),
        }
    }
}

/// Blanks, and characters nobody sees, which come along when cells are copied from a page.
fn trim(text: &str) -> &str {
    text.trim_matches(|ch: char| {
        ch.is_whitespace() || matches!(ch, '\u{feff}' | '\u{200b}'..='\u{200f}' | '\u{2060}')
    })
}

/// Checks the rows of one file, in order.
pub(super) struct Checker<'m> {
    mapping: &'m Mapping,
    layout: Layout,
    /// Folios seen, as hashes: a list of a million rows takes some tens of megabytes however long its folios. Two
    /// folios with the same hash would be reported as one, which has never been seen and loses nothing.
    seen: HashMap<u64, u64>,
    hasher: RandomState,
    good: u64,
    bad: u64,
    at_most: u64,
}

/// What is being gathered of one row.
struct Draft<'c> {
    row: u64,
    headers: &'c [String],
    errors: Vec<RowError>,
}

impl Draft<'_> {
    fn error(&mut self, column: Option<usize>, shown: &str, rule: &str, params: Value) {
        let params = match params {
            Value::Object(params) => params,
            _ => Map::new(),
        };
        self.errors.push(RowError {
            row: self.row,
            column: column.and_then(|index| self.headers.get(index)).cloned().unwrap_or_default(),
            value: value::cut(shown, VALUE_SHOWN),
            rule: rule.to_owned(),
            params,
        });
    }
}

impl<'m> Checker<'m> {
    /// Lays a mapping over the headers of a file.
    pub fn new(mapping: &'m Mapping, headers: &[String]) -> Result<Self, LoadError> {
        let layout = mapping.layout(headers)?;
        Ok(Checker {
            mapping,
            layout,
            seen: HashMap::new(),
            hasher: RandomState::new(),
            good: 0,
            bad: 0,
            at_most: ROWS_AT_MOST,
        })
    }

    /// The headers of the file.
    pub fn headers(&self) -> &[String] {
        &self.layout.headers
    }

    /// Checks a row of delimited text, which has a cell for every header. Nothing comes of a blank row.
    pub fn delimited_row(&mut self, row: u64, cells: &[Cell<'_>]) -> Result<Option<Checked>, LoadError> {
        if cells.iter().all(Cell::is_blank) {
            return Ok(None);
        }
        let expected = self.layout.headers.len();
        let params = json!({"expected": expected, "found": cells.len()});
        let mut draft = Draft { row, headers: &self.layout.headers, errors: Vec::new() };
        if cells.len() < expected {
            draft.error(Some(cells.len()), "", "row-too-short", params);
        } else if let Some(extra) = cells[expected..].iter().find(|cell| !cell.is_blank()) {
            draft.error(None, &extra.shown(), "row-too-long", params);
        }
        let errors = draft.errors;
        if errors.is_empty() {
            return self.row(row, cells);
        }
        self.counted()?;
        self.bad += 1;
        Ok(Some(Err(errors)))
    }

    /// Checks a row; cells that are not there are blank. Nothing comes of a row that is blank under the headers.
    pub fn row(&mut self, row: u64, cells: &[Cell<'_>]) -> Result<Option<Checked>, LoadError> {
        if cells.iter().take(self.layout.headers.len()).all(Cell::is_blank) {
            return Ok(None);
        }
        self.counted()?;
        let checked = self.check(row, cells);
        match &checked {
            Ok(_) => self.good += 1,
            Err(_) => self.bad += 1,
        }
        Ok(Some(checked))
    }

    fn counted(&self) -> Result<(), LoadError> {
        if self.good + self.bad >= self.at_most {
            return Err(LoadError::too_large("rows", self.at_most));
        }
        Ok(())
    }

    /// What was read; an error if it was nothing.
    pub fn finish(self) -> Result<Summary, LoadError> {
        let Layout { headers, unused, .. } = self.layout;
        if self.good + self.bad == 0 {
            return Err(LoadError::NoRows { mapping: self.mapping.name.clone(), headers });
        }
        Ok(Summary {
            mapping: self.mapping.name.clone(),
            mapping_version: self.mapping.version,
            headers,
            unused,
            rows: self.good + self.bad,
            good: self.good,
            bad: self.bad,
            encoding: None,
            delimiter: None,
            sheet: None,
        })
    }

    fn check(&mut self, row: u64, cells: &[Cell<'_>]) -> Checked {
        let mut draft = Draft { row, headers: &self.layout.headers, errors: Vec::new() };
        let mut fields: BTreeMap<Field, String> = BTreeMap::new();
        let (mut amount, mut claimed, mut date) = (None, None, None);
        for (index, field) in &self.layout.columns {
            let cell = cells.get(*index).unwrap_or(&Cell::Empty);
            let at = Some(*index);
            let shown = cell.shown();
            if cell.is_blank() {
                match field {
                    Field::Folio => draft.error(at, "", "folio-missing", json!({})),
                    Field::Title => draft.error(at, "", "title-missing", json!({})),
                    _ => {}
                }
                continue;
            }
            if let Cell::Error(_) = cell {
                draft.error(at, &shown, "cell-error", json!({}));
                continue;
            }
            if let Some(reason) = unreadable(&shown) {
                draft.error(at, &shown, "text-encoding", json!({"reason": reason}));
                continue;
            }
            match field {
                Field::Amount => {
                    (amount, claimed) = read_amount(&mut draft, *index, cell, self.mapping.numbers);
                }
                Field::Date => date = read_date(&mut draft, *index, cell),
                _ => {
                    if let Some(text) = read_text(&mut draft, *index, *field, cell) {
                        fields.insert(*field, text);
                    }
                }
            }
        }
        if let Some(folio) = fields.get(&Field::Folio) {
            // A folio becomes a folder and part of an address, where some systems do not tell upper from lower case.
            let hash = self.hasher.hash_one(folio.to_ascii_lowercase());
            let first = *self.seen.entry(hash).or_insert(row);
            if first != row {
                let at = self.layout.columns.iter().find(|(_, field)| *field == Field::Folio);
                draft.error(
                    at.map(|(index, _)| *index),
                    folio,
                    "folio-duplicate",
                    json!({"firstRow": first}),
                );
            }
        }
        let currency = match amount {
            None => None,
            Some(_) => {
                currency(&mut draft, &self.layout, self.mapping, fields.get(&Field::Currency), claimed)
            }
        };
        if !draft.errors.is_empty() {
            let place =
                |error: &RowError| self.layout.headers.iter().position(|header| *header == error.column);
            draft.errors.sort_by_key(place);
            return Err(draft.errors);
        }
        let mut take = |field: Field| fields.remove(&field);
        Ok(BaseRow {
            row,
            folio: take(Field::Folio).unwrap_or_default(),
            title: take(Field::Title).unwrap_or_default(),
            description: take(Field::Description),
            place: take(Field::Place),
            area: take(Field::Area),
            amount,
            currency,
            url: take(Field::Url),
            date,
        })
    }
}

/// A row, or all of its errors.
pub(super) type Checked = Result<BaseRow, Vec<RowError>>;

/// Whether a text lost characters, or has some that no text has.
fn unreadable(text: &str) -> Option<&'static str> {
    text.chars().find_map(|ch| match ch {
        '\u{fffd}' => Some("replacement"),
        '\n' | '\r' | '\t' => None,
        // U+0085 among them: in Windows-1252 it is `…`, so here it can only come from a wrong decoding.
        ch if ch.is_control() => Some("control"),
        _ => None,
    })
}

fn read_text(draft: &mut Draft<'_>, index: usize, field: Field, cell: &Cell<'_>) -> Option<String> {
    let shown = cell.shown();
    let at = Some(index);
    let too_long = |limit: usize| {
        let length = shown.chars().count();
        (length > limit).then(|| json!({"limit": limit, "length": length}))
    };
    match field {
        Field::Folio => {
            // A spreadsheet turns `1-3` into a day, which would even pass as a folio.
            let reason = match cell {
                Cell::Date(..) => "date-cell",
                _ if shown.chars().count() > domain::project::MAX_FOLIO => "length",
                _ => "characters",
            };
            if reason == "date-cell" || !domain::project::is_folio(&shown) {
                let params = json!({"reason": reason, "limit": domain::project::MAX_FOLIO});
                draft.error(at, &shown, "folio-format", params);
                return None;
            }
        }
        Field::Title => {
            if let Some(params) = too_long(MAX_TITLE) {
                draft.error(at, &shown, "title-too-long", params);
                return None;
            }
            return Some(on_one_line(&shown));
        }
        Field::Description => {
            if let Some(params) = too_long(MAX_DESCRIPTION) {
                draft.error(at, &shown, "text-too-long", params);
                return None;
            }
            return Some(shown.replace("\r\n", "\n").replace('\r', "\n"));
        }
        Field::Place | Field::Area => {
            if let Some(params) = too_long(MAX_TEXT) {
                draft.error(at, &shown, "text-too-long", params);
                return None;
            }
            return Some(on_one_line(&shown));
        }
        Field::Currency => {
            let code = shown.to_uppercase();
            if !value::is_currency(&code) {
                draft.error(at, &shown, "currency-format", json!({}));
                return None;
            }
            return Some(code);
        }
        Field::Url => {
            if shown.chars().count() > MAX_URL || !value::is_url(&shown) {
                draft.error(at, &shown, "url-format", json!({"limit": MAX_URL}));
                return None;
            }
        }
        Field::Amount | Field::Date => return None,
    }
    Some(shown.into_owned())
}

/// Line breaks and tabs become a blank; everything else stays as written.
fn on_one_line(text: &str) -> String {
    text.replace("\r\n", " ").replace(['\n', '\r', '\t'], " ")
}

fn read_amount(
    draft: &mut Draft<'_>,
    index: usize,
    cell: &Cell<'_>,
    numbers: super::Numbers,
) -> (Option<Decimal>, Option<&'static str>) {
    let shown = cell.shown();
    let read = match cell {
        Cell::Number(number) => value::amount_of_number(*number).map(|amount| (amount, None)),
        Cell::Text(_) => value::amount(&shown, numbers),
        _ => Err(AmountFault::Format),
    };
    let (rule, params) = match read {
        Ok((amount, _)) if amount.is_sign_negative() && !amount.is_zero() => ("amount-negative", json!({})),
        Ok((amount, _)) if amount > Decimal::from(MAX_AMOUNT) => {
            ("amount-too-large", json!({"limit": MAX_AMOUNT}))
        }
        Ok((amount, claimed)) => return (Some(amount.abs()), claimed),
        Err(AmountFault::Format) => ("amount-format", json!({"reason": "format"})),
        Err(AmountFault::Ambiguous) => ("amount-format", json!({"reason": "ambiguous"})),
        Err(AmountFault::NotFinite) => ("amount-not-finite", json!({})),
        Err(AmountFault::TooLarge) => ("amount-too-large", json!({"limit": MAX_AMOUNT})),
    };
    draft.error(Some(index), &shown, rule, params);
    (None, None)
}

fn read_date(draft: &mut Draft<'_>, index: usize, cell: &Cell<'_>) -> Option<NaiveDate> {
    let shown = cell.shown();
    let read = match cell {
        Cell::Date(Some(date), _) => value::in_range(*date),
        Cell::Text(_) => value::date(&shown),
        // A number without the format of a day may be anything.
        _ => Err(DateFault::Format),
    };
    let reason = match read {
        Ok(date) => return Some(date),
        Err(DateFault::Format) => "format",
        Err(DateFault::NoSuchDay) => "no-such-day",
        Err(DateFault::Range) => "range",
    };
    draft.error(Some(index), &shown, "date-format", json!({"reason": reason}));
    None
}

/// The currency of an amount. A cell of its own says it, then the sign beside the number, then the mapping. A sign
/// may not contradict the cell, nor a mapping whose list has no such column.
fn currency(
    draft: &mut Draft<'_>,
    layout: &Layout,
    mapping: &Mapping,
    stated: Option<&String>,
    claimed: Option<&'static str>,
) -> Option<String> {
    let by_row = mapping.columns.values().any(|field| *field == Field::Currency);
    let expected = if by_row { stated } else { mapping.currency.as_ref() };
    match (expected, claimed) {
        (Some(expected), Some(claimed)) if expected != claimed => {
            let at =
                layout.columns.iter().find(|(_, field)| *field == Field::Amount).map(|(index, _)| *index);
            draft.error(at, claimed, "currency-mismatch", json!({"expected": expected, "found": claimed}));
            None
        }
        (_, Some(claimed)) => Some(claimed.to_owned()),
        (_, None) => stated.or(mapping.currency.as_ref()).cloned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_has_so_many_rows_and_no_more() {
        let mapping = Mapping::named("basico").unwrap();
        let mut checker = Checker::new(&mapping, &["folio".to_owned(), "titulo".to_owned()]).unwrap();
        checker.at_most = 2;
        let cells = [Cell::Text(Cow::Borrowed("A")), Cell::Text(Cow::Borrowed("t"))];
        assert!(matches!(checker.delimited_row(2, &cells), Ok(Some(Ok(_)))));
        // One with errors counts, one that is blank does not.
        assert!(matches!(checker.delimited_row(3, &cells[..1]), Ok(Some(Err(_)))));
        assert_eq!(checker.delimited_row(4, &[Cell::Empty]), Ok(None));
        assert_eq!(checker.delimited_row(5, &cells), Err(LoadError::too_large("rows", 2)));
        assert_eq!(checker.delimited_row(5, &cells[..1]), Err(LoadError::too_large("rows", 2)));
    }
}
