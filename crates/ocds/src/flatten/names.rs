//! Names of files and sheets.

use std::collections::HashSet;

/// Excel's limit for the name of a sheet, in UTF-16 units; our names are ASCII.
pub(super) const SHEET_NAME: usize = 31;
/// Keeps a path within what file systems take.
const FILE_NAME: usize = 80;

/// Names that differ by more than case, which Windows and Excel do not see.
#[derive(Debug, Default)]
pub(super) struct Names {
    taken: HashSet<String>,
}

impl Names {
    pub(super) fn new<const N: usize>(reserved: [&str; N]) -> Names {
        Names { taken: reserved.map(str::to_owned).into() }
    }

    /// The name, or one like it that is free, of at most so many bytes. It is taken from then on.
    pub(super) fn take(&mut self, name: &str, limit: usize) -> String {
        let mut candidate = name.to_owned();
        let mut number = 2;
        while !self.taken.insert(candidate.to_ascii_lowercase()) {
            candidate = with_end(name, &format!("~{number}"), limit);
            number += 1;
        }
        candidate
    }
}

/// A name with something after it, and its own end cut so that the whole fits.
pub(super) fn with_end(name: &str, end: &str, limit: usize) -> String {
    let room = limit.saturating_sub(end.len());
    format!("{}{end}", name.get(..room).unwrap_or(name))
}

/// The path of an array as the name of a file, without its ending: ASCII letters, digits, `_` and `-`. Nothing in
/// it can lead to another folder or is a device of Windows.
pub(super) fn file_name(path: &str) -> String {
    let mut name: String = path
        .replace("~1", "/")
        .chars()
        .map(|letter| if letter.is_ascii_alphanumeric() || letter == '-' { letter } else { '_' })
        .take(FILE_NAME)
        .collect();
    let lower = name.to_ascii_lowercase();
    let is_port = (lower.starts_with("com") || lower.starts_with("lpt")) && lower.len() == 4;
    if name.is_empty() || is_port || matches!(lower.as_str(), "con" | "prn" | "aux" | "nul") {
        name.push('_');
    }
    name
}

/// A name short enough for a sheet: letters are taken from the end of the longest word, the last, which says what is
/// in the table, counting as shorter than it is. `contracts_implementation_transactions` is
/// `contracts_implemen_transactions`.
pub(super) fn sheet_name(name: &str) -> String {
    let mut words: Vec<&str> = name.split('_').collect();
    let last = words.len() - 1;
    loop {
        let joined = words.join("_");
        if joined.len() <= SHEET_NAME {
            return joined;
        }
        let weight = |(at, word): &(usize, &&str)| word.len() * if *at == last { 2 } else { 3 };
        let Some((at, word)) = words.iter().enumerate().max_by_key(weight).filter(|(_, word)| word.len() > 1)
        else {
            return with_end(&joined, "", SHEET_NAME);
        };
        words[at] = &word[..word.len() - 1];
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_sheets_fit() {
        for (name, expected) in [
            ("tender_items", "tender_items"),
            ("contracts_implementation_transactions", "contracts_implemen_transactions"),
            ("contracts_implementation_milestones_documents", "contrac_implem_milest_documents"),
            ("tender_items_additionalClassifications", "tender_items_additionalClassifi"),
        ] {
            let short = sheet_name(name);
            assert!(short.len() <= SHEET_NAME, "{short}");
            assert_eq!(short, expected);
        }
        let long = "a_".repeat(60);
        assert_eq!(sheet_name(&long).len(), SHEET_NAME);
        assert_eq!(sheet_name(&"x".repeat(80)).len(), SHEET_NAME);
        assert_eq!(sheet_name(""), "");
    }

    #[test]
    fn names_of_files_lead_nowhere_else() {
        for (path, expected) in [
            ("contracts/implementation/transactions", "contracts_implementation_transactions"),
            ("../../etc/passwd", "______etc_passwd"),
            ("C:\\x\0", "C__x_"),
            ("NUL", "NUL_"),
            ("com1", "com1_"),
            ("descripción", "descripci_n"),
            ("", "_"),
        ] {
            assert_eq!(file_name(path), expected);
        }
    }

    #[test]
    fn names_differ_by_more_than_case() {
        let mut names = Names::new(["diccionario"]);
        assert_eq!(names.take("Diccionario", 31), "Diccionario~2");
        assert_eq!(names.take("items", 31), "items");
        assert_eq!(names.take("ITEMS", 31), "ITEMS~2");
        assert_eq!(names.take("items", 6), "item~2");
    }
}
