//! The statements about opinions.

use std::collections::HashMap;

use rusqlite::{Row, params};
use uuid::Uuid;

use super::{Result, SqliteTx, json, parse, parse_time, parse_uuid, time};
use crate::store::{Opinions, StoredOpinion, StoredStep};

const OPINION: &str = "SELECT op_id, device_id, person_id, area_id, app_version, body, captured_at, recorded_at \
     FROM opinion WHERE municipality_id = ?1";

/// The columns as text, before they are parsed outside of rusqlite's closures.
type Text = [String; 8];

fn text(row: &Row<'_>) -> rusqlite::Result<Text> {
    Ok([
        row.get(0)?,
        row.get(1)?,
        row.get(2)?,
        row.get(3)?,
        row.get(4)?,
        row.get(5)?,
        row.get(6)?,
        row.get(7)?,
    ])
}

fn opinion_of(
    [op_id, device_id, person_id, area_id, app_version, body, captured_at, recorded_at]: Text,
    steps: Vec<StoredStep>,
) -> Result<StoredOpinion> {
    Ok(StoredOpinion {
        opinion: parse(&body)?,
        op_id: parse_uuid(&op_id)?,
        device_id: parse_uuid(&device_id)?,
        person_id,
        area_id,
        app_version,
        captured_at: parse_time(&captured_at)?,
        recorded_at: parse_time(&recorded_at)?,
        steps,
    })
}

fn step_of((person_id, step): (Option<String>, String)) -> Result<StoredStep> {
    Ok(StoredStep { step: parse(&step)?, person_id })
}

impl SqliteTx<'_> {
    fn one_opinion(&self, column: &str, value: &str) -> Result<Option<StoredOpinion>> {
        let sql = format!("{OPINION} AND {column} = ?2");
        let Some(found) = self.one(&sql, params![self.m(), value], text)? else {
            return Ok(None);
        };
        let opinion = opinion_of(found, Vec::new())?;
        let steps = self.all(
            "SELECT person_id, step FROM opinion_step WHERE municipality_id = ?1 AND opinion_id = ?2 ORDER BY n",
            params![self.m(), opinion.opinion.id.to_string()],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )?;
        let steps = steps.into_iter().map(step_of).collect::<Result<_>>()?;
        Ok(Some(StoredOpinion { steps, ..opinion }))
    }
}

impl Opinions for SqliteTx<'_> {
    fn add_opinion(&self, stored: &StoredOpinion) -> Result<()> {
        self.run(
            "INSERT INTO opinion (municipality_id, id, op_id, device_id, person_id, area_id, folio, app_version, body,
                                  captured_at, recorded_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
            params![
                self.m(),
                stored.opinion.id.to_string(),
                stored.op_id.to_string(),
                stored.device_id.to_string(),
                stored.person_id,
                stored.area_id,
                stored.opinion.folio(),
                stored.app_version,
                json(&stored.opinion)?,
                time(stored.captured_at),
                time(stored.recorded_at),
            ],
        )?;
        Ok(())
    }

    fn add_opinion_step(&self, id: Uuid, stored: &StoredStep) -> Result<()> {
        self.run(
            "INSERT INTO opinion_step (municipality_id, opinion_id, n, person_id, step)
             SELECT ?1, ?2, count(*) + 1, ?3, ?4 FROM opinion_step WHERE municipality_id = ?1 AND opinion_id = ?2",
            params![self.m(), id.to_string(), stored.person_id, json(&stored.step)?],
        )?;
        Ok(())
    }

    fn opinion(&self, id: Uuid) -> Result<Option<StoredOpinion>> {
        self.one_opinion("id", &id.to_string())
    }

    fn opinion_by_folio(&self, folio: &str) -> Result<Option<StoredOpinion>> {
        self.one_opinion("folio", folio)
    }

    fn opinions(&self) -> Result<Vec<StoredOpinion>> {
        let mut steps: HashMap<String, Vec<StoredStep>> = HashMap::new();
        let rows = self.all(
            "SELECT opinion_id, person_id, step FROM opinion_step WHERE municipality_id = ?1 ORDER BY opinion_id, n",
            params![self.m()],
            |row| Ok((row.get::<_, String>(0)?, (row.get(1)?, row.get(2)?))),
        )?;
        for (opinion, step) in rows {
            steps.entry(opinion).or_default().push(step_of(step)?);
        }
        let sql = format!("{OPINION} ORDER BY recorded_at, id");
        let rows = self.all(&sql, params![self.m()], text)?;
        rows.into_iter()
            .map(|row| {
                let mut opinion = opinion_of(row, Vec::new())?;
                opinion.steps = steps.remove(&opinion.opinion.id.to_string()).unwrap_or_default();
                Ok(opinion)
            })
            .collect()
    }
}
