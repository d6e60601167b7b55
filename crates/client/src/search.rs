//! Folding of text for search: accents, case and spacing do not count; words are found by their beginnings.

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

/// A folio as it is found: by its pieces («d1 p1»), by all of it without what separates them («d1p1»), and its numbers
/// without the zeros that lead them («107» of «S4-0107»).
pub(crate) fn folio(folio: &str) -> String {
    let pieces: Vec<&str> = words(folio).collect();
    let mut text = pieces.join(" ");
    if pieces.len() > 1 {
        text.push(' ');
        text.push_str(&pieces.concat());
    }
    for piece in pieces {
        let plain = piece.trim_start_matches('0');
        if plain.len() < piece.len() && !plain.is_empty() && piece.bytes().all(|byte| byte.is_ascii_digit()) {
            text.push(' ');
            text.push_str(plain);
        }
    }
    text
}

/// The expression of the text index that every word of a text begins something; none for a text without words.
pub(crate) fn expression(text: &str) -> Option<String> {
    let folded = fold(text);
    // Letters and digits alone: nothing in it can be read as an operator.
    let words: Vec<String> = words(&folded).map(|word| format!("\"{word}\"*")).collect();
    (!words.is_empty()).then(|| words.join(" "))
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|letter: char| !letter.is_alphanumeric()).filter(|word| !word.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accents_case_and_spacing_do_not_count() {
        assert_eq!(fold("  Jardín   de NIÑOS "), "jardin de ninos");
        assert_eq!(fold("Jardi\u{301}n"), "jardin");
        assert_eq!(expression("d1_P1 50%").as_deref(), Some("\"d1\"* \"p1\"* \"50\"*"));
        assert_eq!(expression("a\" OR b*").as_deref(), Some("\"a\"* \"or\"* \"b\"*"));
        assert!(expression("  ").is_none() && expression("·*\"()").is_none());
    }

    #[test]
    fn a_folio_is_found_by_its_pieces() {
        assert_eq!(folio("d1_p1"), "d1 p1 d1p1");
        assert_eq!(folio("PP-2023-S4-0107"), "PP 2023 S4 0107 PP2023S40107 107");
        assert_eq!(folio("7744"), "7744");
    }
}
