//! The language of the terminal: what the program says to whoever runs it. Screens have their own words; here are only
//! the sentences of the command line.

use crate::load::Lang;

/// English when the environment says so, Spanish otherwise.
pub fn lang() -> Lang {
    let set = |name: &&str| std::env::var(name).ok().filter(|value| !value.is_empty());
    let named = ["LC_ALL", "LC_MESSAGES", "LANG"].iter().find_map(set);
    if named.is_some_and(|name| name.to_lowercase().starts_with("en")) { Lang::En } else { Lang::Es }
}

/// The sentence in that language.
pub fn say(es: impl Into<String>, en: impl Into<String>) -> String {
    match lang() {
        Lang::Es => es.into(),
        Lang::En => en.into(),
    }
}
