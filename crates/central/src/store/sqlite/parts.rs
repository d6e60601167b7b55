//! Statements for files that are made of many processes.

use rusqlite::params;

use super::{Result, SqliteTx, natural, number, parse, parse_time, time};
use crate::store::PublishedFile;
use crate::store::parts::{Loose, MadeFile, Part, PartKind, Parts, Run};

/// Releases that are public and have no part: by the month of each.
const LOOSE_RELEASES: &str = "SELECT r.ocid, r.sequence, substr(r.date, 1, 7), length(CAST(r.body AS BLOB)) FROM release r
     WHERE r.municipality_id = ?1 AND r.published_at IS NOT NULL AND NOT EXISTS (SELECT 1 FROM part_member p
       WHERE p.municipality_id = r.municipality_id AND p.part = ?2 AND p.ocid = r.ocid AND p.sequence = r.sequence)
     ORDER BY r.date, r.ocid, r.sequence";
/// Processes that are public and have no part: by the year of their first release.
const LOOSE_PROCESSES: &str = "SELECT r.ocid, 0, substr(r.date, 1, ?3), 0 FROM release r
     WHERE r.municipality_id = ?1 AND r.sequence = 1 AND r.published_at IS NOT NULL AND NOT EXISTS
       (SELECT 1 FROM part_member p
        WHERE p.municipality_id = r.municipality_id AND p.part = ?2 AND p.ocid = r.ocid AND p.sequence = 0)
     ORDER BY r.date, r.ocid";
const PARTS: &str =
    "SELECT p.period, p.n, COUNT(DISTINCT p.ocid || ' ' || p.sequence), SUM(p.bytes), COUNT(r.sequence),
       COALESCE(MAX(r.date), '1970-01-01T00:00:00.000Z')
     FROM part_member p LEFT JOIN release r ON r.municipality_id = p.municipality_id AND r.ocid = p.ocid
       AND (p.sequence = 0 OR r.sequence = p.sequence) AND r.published_at IS NOT NULL
     WHERE p.municipality_id = ?1 AND p.part = ?2 GROUP BY p.period, p.n ORDER BY p.period, p.n";
const FILES: &str =
    "SELECT f.path, f.kind, f.ocid, f.sha256, f.changed, f.count, f.bytes FROM published_file f";
const RUNS: &str = "SELECT n, finished_at, note FROM run WHERE municipality_id = ?1";

impl Parts for SqliteTx<'_> {
    fn loose(&self, kind: PartKind) -> Result<Vec<Loose>> {
        let read = |row: &rusqlite::Row<'_>| {
            Ok(Loose {
                ocid: row.get(0)?,
                sequence: natural(row.get(1)?),
                period: row.get(2)?,
                bytes: natural(row.get(3)?),
            })
        };
        match kind {
            PartKind::Releases => self.all(LOOSE_RELEASES, params![self.m(), kind.as_str()], read),
            PartKind::Records => self.all(LOOSE_PROCESSES, params![self.m(), kind.as_str(), 4], read),
            PartKind::Catalog => self.all(LOOSE_PROCESSES, params![self.m(), kind.as_str(), 0], read),
        }
    }

    fn parts(&self, kind: PartKind) -> Result<Vec<Part>> {
        let rows = self.all(PARTS, params![self.m(), kind.as_str()], |row| {
            let numbers: [i64; 4] = [row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?];
            Ok((row.get::<_, String>(0)?, numbers.map(natural), row.get::<_, String>(5)?))
        })?;
        rows.into_iter()
            .map(|(period, [n, members, bytes, releases], latest)| {
                let latest = parse_time(&latest)?;
                Ok(Part { period, n, members, bytes, releases, latest })
            })
            .collect()
    }

    fn put_in_part(&self, kind: PartKind, loose: &Loose, n: u64) -> Result<()> {
        let Loose { ocid, sequence, period, bytes } = loose;
        self.run(
            "INSERT INTO part_member (municipality_id, part, ocid, sequence, period, n, bytes)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT DO NOTHING",
            params![self.m(), kind.as_str(), ocid, number(*sequence), period, number(n), number(*bytes)],
        )?;
        Ok(())
    }

    fn catalog_part(&self, ocid: &str) -> Result<Option<u64>> {
        self.one(
            "SELECT n FROM part_member WHERE municipality_id = ?1 AND part = 'catalog' AND ocid = ?2 AND sequence = 0",
            params![self.m(), ocid],
            |row| Ok(natural(row.get(0)?)),
        )
    }

    fn releases_of_part(&self, part: &Part, each: &mut dyn FnMut(&str) -> bool) -> Result<()> {
        let mut statement = self.connection()?.prepare_cached(
            "SELECT r.body FROM part_member p JOIN release r
               ON r.municipality_id = p.municipality_id AND r.ocid = p.ocid AND r.sequence = p.sequence
             WHERE p.municipality_id = ?1 AND p.part = 'releases' AND p.period = ?2 AND p.n = ?3
             ORDER BY r.date, r.ocid, r.sequence",
        )?;
        let mut rows = statement.query(params![self.m(), part.period, number(part.n)])?;
        while let Some(row) = rows.next()? {
            if !each(row.get_ref(0)?.as_str().map_err(rusqlite::Error::from)?) {
                break;
            }
        }
        Ok(())
    }

    fn processes_of_part(&self, kind: PartKind, part: &Part) -> Result<Vec<String>> {
        self.all(
            "SELECT ocid FROM part_member WHERE municipality_id = ?1 AND part = ?2 AND period = ?3 AND n = ?4
             ORDER BY rowid",
            params![self.m(), kind.as_str(), part.period, number(part.n)],
            |row| row.get(0),
        )
    }

    fn files_of_part(&self, n: u64) -> Result<Vec<PublishedFile>> {
        let sql = format!(
            "{FILES} JOIN part_member p ON p.municipality_id = f.municipality_id AND p.ocid = f.ocid
             WHERE p.municipality_id = ?1 AND p.part = 'catalog' AND p.n = ?2 ORDER BY f.path"
        );
        self.all(&sql, params![self.m(), number(n)], file_text)?.into_iter().map(file_of).collect()
    }

    fn files_of_process(&self, ocid: &str) -> Result<Vec<PublishedFile>> {
        let sql = format!("{FILES} WHERE f.municipality_id = ?1 AND f.ocid = ?2 ORDER BY f.path");
        self.all(&sql, params![self.m(), ocid], file_text)?.into_iter().map(file_of).collect()
    }

    fn made_files(&self) -> Result<Vec<MadeFile>> {
        let rows = self.all(
            "SELECT name, path, kind, sha256, changed, made_of, count, bytes FROM made_file
             WHERE municipality_id = ?1 ORDER BY name",
            params![self.m()],
            |row| {
                let texts: [String; 6] =
                    [row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?, row.get(5)?];
                Ok((texts, row.get::<_, i64>(6)?, row.get::<_, i64>(7)?))
            },
        )?;
        rows.into_iter()
            .map(|([name, path, kind, sha256, changed, made_of], count, bytes)| {
                let changed = parse_time(&changed)?;
                let (count, bytes) = (natural(count), natural(bytes));
                Ok(MadeFile { name, path, kind, count, bytes, sha256, changed, made_of })
            })
            .collect()
    }

    fn put_made_file(&self, file: &MadeFile) -> Result<()> {
        self.run(
            "INSERT INTO made_file (municipality_id, name, path, kind, count, bytes, sha256, changed, made_of)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
             ON CONFLICT (municipality_id, name) DO UPDATE SET path = excluded.path, kind = excluded.kind,
               count = excluded.count, bytes = excluded.bytes, sha256 = excluded.sha256, changed = excluded.changed,
               made_of = excluded.made_of",
            params![
                self.m(),
                file.name,
                file.path,
                file.kind,
                number(file.count),
                number(file.bytes),
                file.sha256,
                time(file.changed),
                file.made_of
            ],
        )?;
        Ok(())
    }

    fn forget_made_file(&self, name: &str) -> Result<()> {
        self.run("DELETE FROM made_file WHERE municipality_id = ?1 AND name = ?2", params![self.m(), name])?;
        Ok(())
    }

    fn last_change(&self) -> Result<Option<Run>> {
        let sql = format!("{RUNS} AND json_array_length(note, '$.projects') > 0 ORDER BY n DESC LIMIT 1");
        self.one(&sql, params![self.m()], run_text)?.map(run_of).transpose()
    }

    fn runs(&self, limit: usize) -> Result<Vec<Run>> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let sql = format!("{RUNS} ORDER BY n DESC LIMIT ?2");
        self.all(&sql, params![self.m(), limit], run_text)?.into_iter().map(run_of).collect()
    }
}

fn run_text(row: &rusqlite::Row<'_>) -> rusqlite::Result<(i64, String, String)> {
    Ok((row.get(0)?, row.get(1)?, row.get(2)?))
}

fn run_of((n, at, note): (i64, String, String)) -> Result<Run> {
    Ok(Run { n: natural(n), at: parse_time(&at)?, note: parse(&note)? })
}

type FileText = ([String; 5], [i64; 2]);

fn file_text(row: &rusqlite::Row<'_>) -> rusqlite::Result<FileText> {
    let texts = [row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?];
    Ok((texts, [row.get(5)?, row.get(6)?]))
}

fn file_of(([path, kind, ocid, sha256, changed], numbers): FileText) -> Result<PublishedFile> {
    let [count, bytes] = numbers.map(natural);
    Ok(PublishedFile { path, kind, ocid, count, bytes, sha256, changed: parse_time(&changed)? })
}
