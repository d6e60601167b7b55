//! Counts of passed and failed, read from what the test runners print.

use crate::json::Json;

/// How many passed and failed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Passed.
    pub passed: u64,
    /// Failed, timed out or not started.
    pub failed: u64,
}

impl Tally {
    /// One check that is not made of tests.
    pub fn one(passed: bool) -> Tally {
        if passed { Tally { passed: 1, failed: 0 } } else { Tally { passed: 0, failed: 1 } }
    }

    /// Adds another count.
    pub fn add(&mut self, other: Tally) {
        self.passed += other.passed;
        self.failed += other.failed;
    }

    /// Counts the failure of a runner that named no failed test: it fell before or after them.
    #[must_use]
    pub fn unless(mut self, went_well: bool) -> Tally {
        if !went_well && self.failed == 0 {
            self.failed = 1;
        }
        self
    }

    /// `Summary [   4.2s] 12/14 tests run: 11 passed (1 slow), 1 failed, 2 skipped`, of cargo-nextest.
    pub fn nextest(line: &str) -> Option<Tally> {
        let (_, counts) = plain(line).split_once("run: ").map(|(a, b)| (a.to_owned(), b.to_owned()))?;
        if !line.contains("Summary") {
            return None;
        }
        let mut tally = Tally::default();
        for part in counts.split(',') {
            // The parenthesis (`1 slow`) says more of the same tests.
            let part = part.split('(').next().unwrap_or_default().trim();
            let Some((number, word)) = part.split_once(' ') else {
                continue;
            };
            let number: u64 = number.parse().unwrap_or_default();
            match word {
                "passed" => tally.passed += number,
                "skipped" => {}
                _ => tally.failed += number,
            }
        }
        Some(tally)
    }

    /// `test result: FAILED. 3 passed; 1 failed; 0 ignored; …`, of cargo's own runner.
    pub fn libtest(line: &str) -> Option<Tally> {
        let line = plain(line);
        let (_, counts) = line.strip_prefix("test result:")?.split_once(". ")?;
        let count = |word: &str| {
            counts
                .split("; ")
                .find_map(|part| part.strip_suffix(word)?.trim().parse().ok())
                .unwrap_or_default()
        };
        Some(Tally { passed: count("passed"), failed: count("failed") })
    }

    /// The report of vitest.
    pub fn vitest(report: &str) -> Option<Tally> {
        let report = Json::parse(report)?;
        let count = |key: &str| report.get(key).and_then(Json::number);
        Some(Tally { passed: count("numPassedTests")?, failed: count("numFailedTests")? })
    }
}

/// A line without the colours of a terminal.
fn plain(line: &str) -> String {
    let mut text = String::new();
    let mut characters = line.chars();
    while let Some(character) = characters.next() {
        if character == '\u{1b}' {
            characters.by_ref().find(char::is_ascii_alphabetic);
        } else {
            text.push(character);
        }
    }
    text.trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn summaries_are_read() {
        let read = |line| Tally::nextest(line).map(|tally| (tally.passed, tally.failed));
        assert_eq!(read("     Summary [   0.012s] 3 tests run: 3 passed, 0 skipped"), Some((3, 0)));
        assert_eq!(
            read(
                "\u{1b}[31;1m     Summary\u{1b}[0m [ 4.2s] 12/14 tests run: 9 passed (1 slow), 2 failed, 1 timed out, 2 skipped"
            ),
            Some((9, 3))
        );
        assert_eq!(read("        PASS [   0.004s] ocds merge::tests::summary_run: x"), None);
        let read = |line| Tally::libtest(line).map(|tally| (tally.passed, tally.failed));
        assert_eq!(
            read(
                "test result: ok. 5 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.00s"
            ),
            Some((5, 0))
        );
        assert_eq!(
            read("test result: FAILED. 4 passed; 11 failed; 0 ignored; 0 measured; 0 filtered out"),
            Some((4, 11))
        );
        assert_eq!(read("test tests::result ... ok"), None);
        let report = r#"{"numTotalTests": 4, "numPassedTests": 3, "numFailedTests": 1, "success": false}"#;
        assert_eq!(Tally::vitest(report), Some(Tally { passed: 3, failed: 1 }));
        assert_eq!(Tally::vitest("{}"), None);
    }

    #[test]
    fn a_runner_that_falls_is_a_failure() {
        assert_eq!(Tally::default().unless(false).failed, 1);
        assert_eq!(Tally { passed: 1, failed: 2 }.unless(false).failed, 2);
        assert_eq!(Tally { passed: 1, failed: 0 }.unless(true).failed, 0);
    }
}
