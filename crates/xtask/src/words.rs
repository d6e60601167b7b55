//! What is said to the person at the terminal: Spanish, or English where the environment says so.

use std::sync::OnceLock;

/// Whether messages are in English.
fn english() -> bool {
    static ENGLISH: OnceLock<bool> = OnceLock::new();
    *ENGLISH.get_or_init(|| {
        let language = ["LC_ALL", "LC_MESSAGES", "LANG"]
            .iter()
            .find_map(|name| std::env::var(name).ok().filter(|value| !value.is_empty()))
            .unwrap_or_default();
        language.starts_with("en")
    })
}

/// One of two sentences.
pub fn either<T>(es: T, en: T) -> T {
    if english() { en } else { es }
}

/// Builds a sentence in the language of the terminal: Spanish first, then English.
macro_rules! text {
    ($es:literal, $en:literal $(, $($rest:tt)*)?) => {
        $crate::words::either(format!($es $(, $($rest)*)?), format!($en $(, $($rest)*)?))
    };
}

/// Prints a sentence in the language of the terminal.
macro_rules! say {
    ($($all:tt)*) => { println!("{}", $crate::words::text!($($all)*)) };
}

pub(crate) use {say, text};
