//! Merging texts gives what merging values gives.

use ocds::json::{self, Style, Writer};
use ocds::merge::{MergeError, Merged, Rules, Warning, compiled, versioned, write_compiled, write_versioned};
use serde_json::Value;

type Write = fn(&Rules, &[json::Json<'_>], &mut Writer) -> Result<Vec<Warning>, MergeError>;
type Merge = fn(&Rules, &[Value]) -> Result<Merged, MergeError>;

/// Asserts that the releases, written in several ways and merged as texts, give the same bytes, warnings and errors as
/// when they are merged as values.
#[track_caller]
pub fn assert_written_alike(rules: &Rules, releases: &[Value]) {
    let styles =
        [(false, false), (true, false), (false, true)].map(|(pretty, ascii)| Style { pretty, ascii });
    let kinds: [(Merge, Write); 2] = [(compiled, write_compiled), (versioned, write_versioned)];
    for read in styles {
        let texts: Vec<String> = releases
            .iter()
            .map(|release| {
                let mut writer = Writer::new(read);
                writer.value(release);
                writer.into_string()
            })
            .collect();
        let read: Vec<_> = texts.iter().map(|text| json::parse(text).expect("JSON").value).collect();
        for (merge, write) in kinds {
            let merged = merge(rules, releases);
            for style in styles {
                let mut writer = Writer::new(style);
                match (write(rules, &read, &mut writer), &merged) {
                    (Ok(warnings), Ok(merged)) => {
                        // The order of the fields as well.
                        assert_eq!(read_again(&writer.into_string()), merged.value.to_string(), "{texts:?}");
                        assert_eq!(warnings, merged.warnings, "{texts:?}");
                    }
                    (Err(error), Err(expected)) => assert_eq!(&error, expected, "{texts:?}"),
                    (written, merged) => panic!("{written:?}, {merged:?}: {texts:?}"),
                }
            }
        }
    }
}

/// A text without what may be written in several ways.
fn read_again(text: &str) -> String {
    json::parse(text).expect("JSON").value.to_value().expect("small numbers").to_string()
}
