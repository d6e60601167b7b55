//! Examples for `--help`. A test reads them out of there and runs them, each in a folder with the files it names.
//!
//! A command begins two spaces from the margin and goes on after a backslash; `#` says what it is for.

pub const CHECK: &str = "\
Examples:
  ocds check package.json
  # Sentences in English; every ocid has this prefix
  ocds check --lang en --prefix ocds-abc123 releases.jsonl records.json
  # Each finding with its place, for programs
  ocds check --format json releases.jsonl.gz > findings.json
  # What another program writes, without a file in between
  cat package.json | ocds check";

pub const COMPILE: &str = "\
Examples:
  ocds compile releases.jsonl > compiled.jsonl
  # A record package, with what the release packages say about themselves
  ocds compile --package --versioned package.json \\
    --uri https://example.org/records.json \\
    --published-date 2026-05-01T00:00:00Z > made.json
  # Read once, in little memory: the releases of each process follow one another
  ocds compile --grouped releases.jsonl.zst | head -n 1
  # Releases inside the answer of a service
  ocds compile --root-path results.item answer.json --pretty";

pub const PACKAGE: &str = "\
Examples:
  ocds package releases releases.jsonl --fake > made.json
  ocds package records records.jsonl --fake > made.json";

pub const PACKAGE_RELEASES: &str = "\
Examples:
  ocds package releases releases.jsonl \\
    --uri https://example.org/1.json \\
    --published-date 2026-05-01T00:00:00Z \\
    --publisher-name 'Municipio de Ejemplo' > made.json
  # Several packages, one per line, of at most a thousand releases each
  ocds package releases --fake --size 1000 releases.jsonl.gz > made.jsonl
  # Several packages become one
  cat package.json package.json | ocds package releases --fake --pretty";

pub const PACKAGE_RECORDS: &str = "\
Examples:
  ocds package records records.jsonl --fake > made.json
  # Large record packages become smaller ones
  ocds package records --fake --size 1 records.json > made.jsonl";

pub const FLATTEN: &str = "\
Examples:
  # A workbook with a sheet per table, titles in Spanish
  ocds flatten package.json --xlsx releases.xlsx
  # CSV files for programs, in a new folder
  ocds flatten releases.jsonl.gz --csv tables --paths --no-bom
  # Only how things stand now
  ocds compile releases.jsonl | ocds flatten --lang en --csv compiled";

pub const OC4IDS: &str = "\
Examples:
  ocds oc4ids releases.jsonl --prefix oc4ids-abc123 --fake > made.json
  # What the projects themselves know wins over what their processes say
  ocds oc4ids records.json --data projects.json --prefix oc4ids-abc123 \\
    --release-url 'https://example.org/{ocid}/{id}.json' \\
    --uri https://example.org/projects.json \\
    --publisher-name 'Municipio de Ejemplo' --pretty > made.json";

pub const COVERAGE: &str = "\
Examples:
  ocds coverage package.json
  # In how many processes, instead of releases, is each field filled?
  ocds compile releases.jsonl | ocds coverage --format csv > fields.csv
  # What nobody fills
  ocds coverage --all --lang en records.json | grep ' 0.0 %'";
