//! What happened, written down outside of both programs: what was captured, and which receipts were printed. At the
//! end the endpoint's own database is held against it, byte for byte.

use std::collections::BTreeMap;

use rusqlite::{Connection, OpenFlags};
use serde_json::{Value, json};

use crate::{CANARY, Central, Device};

/// What is known of a follow-up.
struct Captured {
    /// Words that only this one has.
    words: String,
    /// Hashes of its files.
    files: Vec<String>,
    receipt: Option<Value>,
}

/// Follow-ups by folio.
#[derive(Default)]
pub struct Ledger {
    captured: BTreeMap<String, Captured>,
}

impl Ledger {
    /// How many were captured.
    pub fn len(&self) -> usize {
        self.captured.len()
    }

    /// Whether none was.
    pub fn is_empty(&self) -> bool {
        self.captured.is_empty()
    }

    /// Words for the next follow-up: no other has them.
    pub fn mark(&self, follow_up: &mut Value, who: &str) -> String {
        let words = format!("{CANARY} {who} {}.", self.captured.len());
        follow_up["internal"]["notes"] = json!(words);
        words
    }

    /// Captures on a device, and writes it down once the device has said that it is saved.
    pub fn capture(
        &mut self,
        device: &Device,
        project: &str,
        mut follow_up: Value,
        files: &[String],
    ) -> String {
        let words = self.mark(&mut follow_up, &device.data.file_name().unwrap_or_default().to_string_lossy());
        let folio = device.capture(project, &follow_up, files);
        self.note(&folio, words, files);
        folio
    }

    /// Writes down what a device said to have saved.
    pub fn note(&mut self, folio: &str, words: String, files: &[String]) {
        let hash = |file: &String| {
            let path = file.rsplit_once(':').map_or(file.as_str(), |(path, _)| path);
            domain::receipt::sha256_hex(&std::fs::read(path).expect("evidence of ours"))
        };
        let files = files.iter().map(hash).collect();
        let before = self.captured.insert(folio.to_owned(), Captured { words, files, receipt: None });
        assert!(before.is_none(), "the folio {folio} was given twice");
    }

    /// Writes down the receipts that a device has. One that was there before is the same byte for byte.
    pub fn print_receipts(&mut self, device: &Device) {
        for row in device.json(&["receipts", "--verify", "--json"]).as_array().expect("a list") {
            let folio = row["folio"].as_str().expect("a folio");
            let known = self.captured.get_mut(folio).unwrap_or_else(|| panic!("{folio} was never captured"));
            assert_eq!(row["valid"], true, "{row}");
            assert_eq!(row["bodyHash"], row["receipt"]["bodyHash"], "{row}");
            let printed = known.receipt.get_or_insert_with(|| row["receipt"].clone());
            assert_eq!(*printed, row["receipt"], "the receipt of {folio} is another now");
        }
    }

    /// Holds the endpoint against it: every follow-up recorded exactly once, with the bytes that were captured and the
    /// hash of its receipt, in the state that is named; nothing else, nothing queued, the history unbroken, every file
    /// there.
    pub fn settle(&self, central: &Central, state: &str) {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY;
        let database =
            Connection::open_with_flags(central.data.join("central.db"), flags).expect("a database");
        let mut select = database
            .prepare(
                "SELECT f.folio, f.state, f.body, o.op_id, o.body_hash FROM operation o
                 LEFT JOIN follow_up f ON f.op_id = o.op_id WHERE o.kind = 'follow_up'",
            )
            .expect("the tables of an endpoint");
        let rows = select
            .query_map([], |row| {
                Ok((row.get::<_, Option<String>>(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?))
            })
            .expect("rows");
        let mut recorded = BTreeMap::new();
        for row in rows {
            let (folio, stands, body, op_id, hash): (_, Option<String>, Option<String>, String, String) =
                row.expect("a row");
            let folio = folio.unwrap_or_else(|| panic!("operation {op_id} made no follow-up"));
            let known = self.captured.get(&folio).unwrap_or_else(|| panic!("{folio} was never captured"));
            assert_eq!(stands.as_deref(), Some(state), "{folio}");
            let body: Value = serde_json::from_str(&body.expect("a body")).expect("JSON");
            assert_eq!(body["content"]["internal"]["notes"], json!(known.words), "{folio}");
            let receipt = known.receipt.as_ref().unwrap_or_else(|| panic!("{folio} has no receipt"));
            assert_eq!(receipt["bodyHash"], json!(hash), "{folio}");
            assert_eq!(receipt["opId"], json!(op_id), "{folio}");
            assert!(recorded.insert(folio.clone(), op_id).is_none(), "{folio} was recorded twice");
            for file in &known.files {
                let path = central.data.join("evidence").join(&file[..2]).join(file);
                let bytes =
                    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
                assert_eq!(domain::receipt::sha256_hex(&bytes), *file);
            }
        }
        let missing: Vec<&String> =
            self.captured.keys().filter(|folio| !recorded.contains_key(*folio)).collect();
        assert!(missing.is_empty(), "captured, and not recorded: {missing:?}");
        let status: Value = serde_json::from_str(&central.ok(&["status", "--json"])).expect("JSON");
        assert_eq!(status["followUps"], json!({state: self.len()}), "once each, and nothing else");
        assert_eq!(status["queued"], 0);
        assert!(central.ok(&["verify"]).ends_with("0 breaks"));
        let devices: Value = serde_json::from_str(&central.ok(&["devices", "--json"])).expect("JSON");
        for device in devices.as_array().expect("a list").iter().filter(|device| device["revoked"] == false) {
            assert_eq!(device["waiting"], json!([]), "{device}");
        }
    }
}
