//! Base information: each loaded row becomes a project, its one process and its `planning` release.

use chrono::{DateTime, Utc};
use domain::receipt::{canonical, sha256_hex};
use domain::release::day_at;
use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::accept::{add_release, tombstone};
use crate::endpoint::Endpoint;
use crate::load::BaseRow;
use crate::state::{follow_up_entries, follow_up_streams, project_entries, streams_of};
use crate::store::{Entry, JobKind, Process, Project, Result, Tx};

/// What storing the rows changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Stored {
    /// New projects.
    pub new: u64,
    /// Projects whose row is different from the last load.
    pub changed: u64,
    /// Projects whose row is the same.
    pub same: u64,
}

/// Most entries kept before they are appended: a file of any length is stored in bounded memory.
const FLUSH: usize = 2_000;

/// Stores rows inside one transaction: a load is whole or it is nothing.
pub struct Loader<'a> {
    endpoint: &'a Endpoint,
    tx: &'a dyn Tx,
    now: DateTime<Utc>,
    entries: Vec<Entry>,
    /// What changed so far.
    pub stored: Stored,
}

impl<'a> Loader<'a> {
    /// Begins to store.
    pub fn new(endpoint: &'a Endpoint, tx: &'a dyn Tx) -> Loader<'a> {
        Loader { endpoint, tx, now: endpoint.now(), entries: Vec::new(), stored: Stored::default() }
    }

    /// Stores one row. The same row as last time changes nothing; a different one becomes a further release.
    pub fn put(&mut self, row: &BaseRow) -> Result<()> {
        let digest = digest(row)?;
        let known = self.tx.project(&row.folio)?;
        if known.as_ref().is_some_and(|project| project.base_digest == digest) {
            self.stored.same += 1;
            return Ok(());
        }
        let areas: Vec<String> = match row.area.as_deref().map(str::trim).filter(|area| !area.is_empty()) {
            Some(area) => {
                let id = self.tx.ensure_area(area)?;
                vec![self.tx.area_name(&id)?.unwrap_or_else(|| area.to_owned())]
            }
            None => Vec::new(),
        };
        let before = known.as_ref().map(|project| streams_of(&project.areas)).unwrap_or_default();
        let project = Project {
            folio: row.folio.clone(),
            title: row.title.clone(),
            place: row.place.clone(),
            areas,
            progress: known.as_ref().and_then(|project| project.progress.clone()),
            base_digest: digest,
            published_at: known.as_ref().and_then(|project| project.published_at),
        };
        self.tx.put_project(&project)?;
        let prefix = &self.endpoint.config.municipality.prefix;
        let ocid = format!("{prefix}-{}", row.folio);
        let mut process = match self.tx.process(&ocid)? {
            Some(process) => process,
            None => Process {
                ocid,
                folio: row.folio.clone(),
                version: 0,
                // Before its first release a process knows its buyer: the municipality.
                compiled: self.municipality(),
            },
        };
        self.tx.put_process(&process)?;
        // Only what the list says otherwise than last time: a value that an accepted follow-up corrected meanwhile is
        // not taken back by a list that did not change it.
        let fragment = changed(&self.said_before(&process.ocid)?, &self.planning(row));
        if !fragment.is_empty() {
            add_release(self.tx, self.endpoint, &mut process, fragment, None, self.now)?;
        }
        if known.is_some() {
            self.stored.changed += 1;
        } else {
            self.stored.new += 1;
        }
        self.tx.queue(JobKind::Publish, &project.folio, self.now)?;
        let after = streams_of(&project.areas);
        let left = before.iter().filter(|stream| !after.contains(stream));
        self.entries.extend(left.map(|stream| tombstone(stream, &project.folio)));
        let municipality = &self.endpoint.config.municipality;
        self.entries.extend(project_entries(self.tx, municipality, &project)?);
        if !before.is_empty() && before != after {
            // Whoever carries it on reads what was captured before.
            for stored in self.tx.follow_ups(&project.folio)? {
                // A copy left behind would not change any more: who reads both streams could take it for the latest.
                let now = follow_up_streams(Some(&project), &stored);
                let left = follow_up_streams(known.as_ref(), &stored);
                let left = left.iter().filter(|stream| !now.contains(stream));
                let id = stored.follow_up.id.to_string();
                self.entries.extend(left.map(|stream| tombstone(stream, &id)));
                self.entries.extend(follow_up_entries(municipality, Some(&project), &stored)?);
            }
        }
        if self.entries.len() >= FLUSH {
            self.flush()?;
        }
        Ok(())
    }

    /// What the lists said of a process so far.
    fn said_before(&self, ocid: &str) -> Result<Map<String, Value>> {
        let mut said = Map::new();
        for release in self.tx.releases(ocid)? {
            if release.follow_up.is_none() {
                lay(&mut said, release.fragment);
            }
        }
        Ok(said)
    }

    fn flush(&mut self) -> Result<()> {
        self.tx.append(std::mem::take(&mut self.entries), self.now)?;
        Ok(())
    }

    /// Appends what is left; the caller commits.
    pub fn finish(mut self) -> Result<Stored> {
        self.flush()?;
        Ok(self.stored)
    }

    fn party_id(&self) -> String {
        format!("MX-{}", self.endpoint.config.municipality.id)
    }

    fn municipality(&self) -> Value {
        let name = &self.endpoint.config.municipality.name;
        let id = self.party_id();
        json!({
            "buyer": {"id": id, "name": name},
            "parties": [{"id": id, "name": name, "roles": ["buyer", "procuringEntity"]}],
        })
    }

    /// The base structure of a project (EDCA: planning with project and budget; extensions project and budget).
    fn planning(&self, row: &BaseRow) -> Map<String, Value> {
        let municipality = &self.endpoint.config.municipality;
        let mut planning = json!({"project": {"id": row.folio, "title": row.title}});
        if let Some(url) = &row.url {
            planning["project"]["uri"] = json!(url);
        }
        if let Some(amount) = row.amount {
            let currency = row.currency.as_deref().unwrap_or(&municipality.currency);
            let value = json!({"amount": domain::entry::json_number(amount), "currency": currency});
            planning["project"]["totalValue"] = value.clone();
            planning["budget"] = json!({"description": row.title, "project": row.title, "amount": value});
        }
        let place = row.place.as_deref().map(|place| format!("{} ({place})", row.title));
        let mut fragment = Map::new();
        fragment.insert("title".into(), json!(row.title));
        fragment.insert(
            "description".into(),
            json!(row.description.as_ref().or(place.as_ref()).unwrap_or(&row.title)),
        );
        if let Some(date) = row.date {
            planning["milestones"] = json!([{
                "id": "aprobacion", "title": "Aprobación del proyecto", "type": "preProcurement", "status": "met",
                "dateMet": day_at(date, municipality.offset_minutes),
            }]);
        }
        fragment.insert("planning".into(), planning);
        fragment
    }
}

/// Lays a fragment upon another: objects by key, anything else whole.
fn lay(under: &mut Map<String, Value>, over: Map<String, Value>) {
    for (key, value) in over {
        match (under.get_mut(&key), value) {
            (Some(Value::Object(known)), Value::Object(value)) => lay(known, value),
            (_, value) => {
                under.insert(key, value);
            }
        }
    }
}

/// What a fragment says that is not said already. An amount is told with its currency, never alone.
fn changed(before: &Map<String, Value>, now: &Map<String, Value>) -> Map<String, Value> {
    let mut found = Map::new();
    for (key, value) in now {
        match (before.get(key), value) {
            (Some(known), value) if known == value => {}
            (Some(Value::Object(known)), Value::Object(value)) if !value.contains_key("currency") => {
                let inner = changed(known, value);
                if !inner.is_empty() {
                    found.insert(key.clone(), Value::Object(inner));
                }
            }
            (_, value) => {
                found.insert(key.clone(), value.clone());
            }
        }
    }
    found
}

/// Hash of what a row says, without its place in the file.
fn digest(row: &BaseRow) -> Result<String> {
    let row = BaseRow { row: 0, ..row.clone() };
    Ok(sha256_hex(&canonical(&row)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(value: Value) -> Map<String, Value> {
        value.as_object().cloned().unwrap_or_default()
    }

    #[test]
    fn a_list_says_only_what_it_changed() {
        let before = map(json!({"title": "A", "planning": {"project": {"id": "1", "title": "A"},
            "budget": {"amount": {"amount": 5, "currency": "MXN"}}}}));
        assert!(changed(&before, &before).is_empty());
        let now = map(json!({"title": "A", "planning": {"project": {"id": "1", "title": "A"},
            "budget": {"amount": {"amount": 6, "currency": "MXN"}}}}));
        let said = changed(&before, &now);
        assert_eq!(said, map(json!({"planning": {"budget": {"amount": {"amount": 6, "currency": "MXN"}}}})));
        let mut laid = before;
        lay(&mut laid, said);
        assert_eq!(laid, now);
        assert_eq!(changed(&Map::new(), &now), now);
    }
}
