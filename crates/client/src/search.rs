//! Folding of text for search: accents, case and spacing do not count.

/// A text as it is searched: lower case, without accents, words joined by one space.
pub(crate) fn fold(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    for letter in text.chars().flat_map(char::to_lowercase).filter_map(domain::entry::without_accent) {
        let plain = if letter.is_whitespace() { ' ' } else { letter };
        if plain != ' ' || !(folded.is_empty() || folded.ends_with(' ')) {
            folded.push(plain);
        }
    }
    folded.truncate(folded.trim_end().len());
    folded
}

/// `LIKE` patterns, one per word, all of which must match; `\` escapes.
pub(crate) fn patterns(text: &str) -> Vec<String> {
    let escaped = |word: &str| word.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_");
    fold(text).split(' ').filter(|word| !word.is_empty()).map(|word| format!("%{}%", escaped(word))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accents_case_and_spacing_do_not_count() {
        assert_eq!(fold("  Jardín   de NIÑOS "), "jardin de ninos");
        assert_eq!(fold("Jardi\u{301}n"), "jardin");
        assert_eq!(patterns("d1_p1 50%"), ["%d1\\_p1%", "%50\\%%"]);
        assert!(patterns("  ").is_empty());
    }
}
