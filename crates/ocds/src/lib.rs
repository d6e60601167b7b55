//! The Open Contracting Data Standard (OCDS 1.1.5) as a library: merging, checking and packaging releases.
//!
//! A **release** says what became known about a contracting process (`ocid`) at one moment; a **record** holds all
//! the releases of a process and the compiled release they add up to. Everything here works on
//! [`serde_json::Value`], so fields this library does not know are kept.
//!
//! ```
//! use ocds::{check, merge, package, tag};
//! use serde_json::json;
//!
//! let mut release = json!({
//!     "ocid": "ocds-abc123-PP-2026-0107", "id": "ocds-abc123-PP-2026-0107-1-0123456789ab",
//!     "date": "2026-03-02T17:00:00.000Z", "tag": [], "initiationType": "tender", "language": "es",
//!     "title": "Rehabilitación de banquetas",
//!     "parties": [{"id": "MX-EJ", "name": "Municipio de Ejemplo", "roles": ["buyer"]}],
//!     "buyer": {"id": "MX-EJ", "name": "Municipio de Ejemplo"},
//!     "planning": {"project": {"id": "PP-2026-0107", "title": "Rehabilitación de banquetas"},
//!                  "budget": {"amount": {"amount": 1250000, "currency": "MXN"}}}
//! });
//! release["tag"] = json!(tag::derive(&release, None));
//! assert_eq!(release["tag"], json!(["planning"]));
//!
//! let now = "2026-03-02T18:00:00Z".parse().unwrap();
//! let findings = check::release(&release, &check::Context { prefix: Some("ocds-abc123"), earlier: &[], now });
//! assert_eq!(findings, []);
//!
//! let record = package::record(merge::Rules::profile(), &[release], false).unwrap();
//! assert_eq!(record["compiledRelease"]["planning"]["project"]["id"], "PP-2026-0107");
//! ```
//!
//! | module | |
//! |---|---|
//! | [`json`] | JSON as it was written: reading, writing, what is odd about a text |
//! | [`stream`] | releases and records from files of any size, by process, on all processors |
//! | [`schema`] | the embedded schemas, the profile, validation |
//! | [`codelist`] | codes with Spanish and English titles |
//! | [`merge`] | compiled and versioned releases |
//! | [`check`](mod@check) | the schema, then the rules: findings without prose |
//! | [`tag`] | release tags from what a release contains |
//! | [`package`] | release packages, records, record packages |
//! | [`flatten`] | tables: CSV files, a workbook |
//! | [`coverage`] | which fields are filled, how often |
//! | [`oc4ids`] | OC4IDS project packages from records and project data |
//! | [`ident`], [`value`] | identifiers, dates and money |

pub mod check;
pub mod codelist;
pub mod coverage;
pub mod flatten;
pub mod ident;
pub mod json;
pub mod merge;
pub mod oc4ids;
pub mod package;
pub mod schema;
pub mod stream;
pub mod tag;
pub mod value;
