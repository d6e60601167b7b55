//! Numbers for people: what the pages of the measurements are made of.

use std::fmt::Write as _;
use std::fs;

/// The number in the middle.
pub fn median(numbers: impl IntoIterator<Item = f64>) -> f64 {
    percentile(numbers, 50.0)
}

/// The number below which so many percent are; between two, as far as it goes.
pub fn percentile(numbers: impl IntoIterator<Item = f64>, percent: f64) -> f64 {
    let mut all: Vec<f64> = numbers.into_iter().collect();
    all.sort_by(f64::total_cmp);
    let Some(last) = all.len().checked_sub(1) else { return 0.0 };
    let place = percent / 100.0 * last as f64;
    let below = place.floor() as usize;
    let above = (below + 1).min(last);
    all[below] + (all[above] - all[below]) * (place - below as f64)
}

/// The shortest and the longest.
pub fn spread(numbers: impl IntoIterator<Item = f64>) -> (f64, f64) {
    numbers.into_iter().fold((f64::INFINITY, 0.0), |(least, most), one| (least.min(one), most.max(one)))
}

/// A table in Markdown; the first row is its head. Columns after the first `left` stand to the right.
pub fn table(left: usize, rows: &[Vec<String>]) -> String {
    let mut text = String::new();
    for (index, row) in rows.iter().enumerate() {
        let _ = writeln!(text, "| {} |", row.join(" | "));
        if index == 0 {
            let marks: Vec<&str> =
                (0..row.len()).map(|column| if column < left { "---" } else { "--:" }).collect();
            let _ = writeln!(text, "|{}|", marks.join("|"));
        }
    }
    text.push('\n');
    text
}

/// Seconds to three figures.
pub fn seconds(seconds: f64) -> String {
    format!("{} s", figures(seconds))
}

/// Milliseconds to three figures.
pub fn millis(millis: f64) -> String {
    format!("{} ms", figures(millis))
}

/// A number to three figures.
pub fn figures(number: f64) -> String {
    match number {
        number if number < 1.0 => format!("{number:.3}"),
        number if number < 10.0 => format!("{number:.2}"),
        number if number < 100.0 => format!("{number:.1}"),
        number => thousands(number.round()),
    }
}

/// Bytes as megabytes, one decimal.
pub fn megabytes(bytes: u64) -> String {
    format!("{:.1} MB", bytes as f64 / 1e6)
}

/// 50000 as `50,000`.
pub fn thousands(number: f64) -> String {
    let digits = format!("{number:.0}");
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Processor, cores, memory and system.
pub fn machine() -> String {
    let field = |path: &str, name: &str| {
        let text = fs::read_to_string(path).ok()?;
        let line = text.lines().find(|line| line.starts_with(name))?;
        Some(line.split_once(':')?.1.trim().to_owned())
    };
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let model = field("/proc/cpuinfo", "model name").unwrap_or_else(|| std::env::consts::ARCH.to_owned());
    let memory = field("/proc/meminfo", "MemTotal")
        .and_then(|text| text.split(' ').next()?.parse::<u64>().ok())
        .map(|kibibytes| format!(", {:.0} GB de memoria", kibibytes as f64 * 1024.0 / 1e9));
    format!("{model}, {cores} núcleos{}, {}", memory.unwrap_or_default(), std::env::consts::OS)
}
