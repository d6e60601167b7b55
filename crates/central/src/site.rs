//! The public pages: templates checked when compiled, readable without JavaScript, at 360 pixels and on paper.

use std::path::PathBuf;

use anyhow::Result;
use askama::Template;
use chrono::{DateTime, FixedOffset, NaiveDate, Utc};
use rust_decimal::Decimal;
use serde_json::Value;

use crate::endpoint::Endpoint;

mod code;
pub mod data;
mod index;
mod project;
pub mod runs;
mod stage;

pub use index::Listed;
pub use project::page as project_page;

/// What every page says of itself.
struct Frame {
    municipality: String,
    registered: bool,
    prefix: String,
    license: String,
    policy: String,
    data_at: String,
    /// Number of the run that made the page.
    run: u64,
    /// Way to the root: `../../` from a project's page, so that the site also works from a folder.
    root: String,
    /// Address of the page; empty where nobody would share it.
    address: String,
    /// The page in a sentence.
    about: String,
    /// Address of a picture of it.
    picture: Option<String>,
}

impl Frame {
    fn new(endpoint: &Endpoint, now: DateTime<Utc>, run: u64, root: &str) -> Frame {
        let municipality = &endpoint.config.municipality;
        Frame {
            municipality: municipality.name.clone(),
            registered: municipality.prefix_registered,
            prefix: municipality.prefix.clone(),
            license: endpoint.config.license.clone(),
            policy: endpoint.config.policy_url.clone(),
            data_at: moment(now, municipality.offset_minutes),
            run,
            root: root.to_owned(),
            address: String::new(),
            about: String::new(),
            picture: None,
        }
    }
}

#[derive(Template)]
#[template(path = "verify.html")]
struct VerifyPage {
    frame: Frame,
    /// Public key of the endpoint, hexadecimal.
    key: String,
}

#[derive(Template)]
#[template(path = "policy.html")]
struct PolicyPage {
    frame: Frame,
}

/// The pages that name everything: lists of projects, dictionary, policy, style sheet. The index comes last.
///
/// # Errors
/// If a template cannot be written.
pub fn common_pages(
    endpoint: &Endpoint,
    listed: &[Listed],
    now: DateTime<Utc>,
    run: u64,
) -> Result<Vec<(PathBuf, String)>> {
    let mut pages = vec![
        (PathBuf::from("estilo.css"), include_str!("../templates/estilo.css").to_owned()),
        (
            PathBuf::from("politica-de-publicacion/index.html"),
            PolicyPage { frame: Frame::new(endpoint, now, run, "../") }.render()?,
        ),
        (
            PathBuf::from("verificar/index.html"),
            VerifyPage { frame: Frame::new(endpoint, now, run, "../"), key: endpoint.public_key() }
                .render()?,
        ),
        (PathBuf::from("verificar/verificar.js"), include_str!("../templates/verificar.js").to_owned()),
        data::dictionary(endpoint, now, run)?,
    ];
    pages.extend(index::pages(endpoint, listed, now, run)?);
    Ok(pages)
}

/// JSON inside of a page: nothing in it ends the element that it is in.
fn in_script(value: &Value) -> String {
    value.to_string().replace('<', "\\u003c")
}

/// What of a page says something: a page that differs in its foot alone, when it was made and by which run, is the same.
pub fn substance(page: &str) -> &str {
    page.split_once("<footer").map_or(page, |(body, _)| body)
}

fn decimal(value: &Value) -> Option<Decimal> {
    domain::entry::decimal(&value.as_number()?.to_string())
}

fn money(value: &Value) -> String {
    match decimal(&value["amount"]) {
        Some(amount) => format_money(amount, value["currency"].as_str().unwrap_or("MXN")),
        None => String::new(),
    }
}

/// `$1,234.50 MXN`: the way amounts are written in Mexico; other currencies by their code.
fn format_money(amount: Decimal, currency: &str) -> String {
    let text = format!("{:.2}", amount.round_dp(2));
    let (whole, cents) = text.split_once('.').unwrap_or((&text, "00"));
    let (sign, digits) = whole.strip_prefix('-').map_or(("", whole), |digits| ("−", digits));
    let mut grouped = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index) % 3 == 0 {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    let symbol = if currency == "MXN" { "$" } else { "" };
    format!("{sign}{symbol}{grouped}.{cents} {currency}")
}

fn percent(value: Decimal) -> String {
    format!("{} %", value.round_dp(1).normalize())
}

const MONTHS: [&str; 12] =
    ["ene", "feb", "mar", "abr", "may", "jun", "jul", "ago", "sep", "oct", "nov", "dic"];

fn day(date: NaiveDate) -> String {
    use chrono::Datelike;
    let month = MONTHS.get(date.month0() as usize).copied().unwrap_or_default();
    format!("{} {month} {}", date.day(), date.year())
}

/// A date of OCDS as a day: the one it is at its own offset.
fn date_text(value: &Value) -> String {
    let parsed = value.as_str().and_then(|text| DateTime::parse_from_rfc3339(text).ok());
    parsed.map(|at| day(at.date_naive())).unwrap_or_default()
}

fn moment(at: DateTime<Utc>, offset_minutes: i32) -> String {
    match FixedOffset::east_opt(offset_minutes * 60) {
        Some(zone) => {
            let local = at.with_timezone(&zone);
            format!("{}, {}", day(local.date_naive()), local.format("%H:%M"))
        }
        None => day(at.date_naive()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_as_they_are_written_in_mexico() {
        assert_eq!(format_money(Decimal::new(123_456_750, 2), "MXN"), "$1,234,567.50 MXN");
        assert_eq!(format_money(Decimal::from(999), "EUR"), "999.00 EUR");
        assert_eq!(in_script(&serde_json::json!("</script>")), "\"\\u003c/script>\"");
        assert_eq!(substance("<p>1</p><footer>2"), substance("<p>1</p><footer>3"));
        assert_eq!(percent(Decimal::new(3330, 2)), "33.3 %");
        assert_eq!(day(NaiveDate::from_ymd_opt(2026, 3, 12).unwrap()), "12 mar 2026");
        assert_eq!(date_text(&serde_json::json!("2026-03-12T00:00:00-06:00")), "12 mar 2026");
    }
}
