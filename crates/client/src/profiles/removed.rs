//! Profiles that somebody took away. They stay whole in `quitados/{id}/`, closed with their passphrase as before, and can
//! be brought back; after some days a person may delete them. Never the program by itself: only its own clock could tell
//! it when, and that may be years ahead of the work that it would delete.

use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use domain::command::RemovedCard;
use domain::problem::{Code, Problem};
use serde::{Deserialize, Serialize};

use super::{Card, card, found, name_of, one_at_a_time, plain, write_card};
use crate::error::Error;
use crate::{keys, restrict, take};

const FOLDER: &str = "quitados";
const NOTE: &str = "quitado.json";
/// Ending of the name of one that is being deleted.
const GOING: &str = ".borrar";
/// Days until one may be deleted.
const DAYS: i64 = 30;
/// What is a profile's of the data folder, which has other things too. The keys go first and the database last: a move
/// that was cut leaves a database without keys, which no program opens or replaces.
const FIRST_TO_GO: &str = "keys.json";
const LAST_TO_GO: &str = "device.db";
const OWN: [&str; 4] = ["perfil.json", "passphrase.json", "recovery.json", "rescate"];
const OWN_BEGINNINGS: [&str; 2] = ["device.db", "evidence.db"];

#[derive(Serialize, Deserialize)]
struct Note {
    name: String,
    removed_at: DateTime<Utc>,
    /// Its files are still on their way from the data folder.
    #[serde(default)]
    moving: bool,
}

fn note(folder: &Path) -> Option<Note> {
    serde_json::from_slice(&std::fs::read(folder.join(NOTE)).ok()?).ok()
}

fn write_note(folder: &Path, note: &Note) -> Result<(), Error> {
    keys::write_atomically(&folder.join(NOTE), &serde_json::to_vec(note)?)
}

/// Those that are there, newest first.
pub(crate) fn list(data: &Path, now: DateTime<Utc>) -> Vec<RemovedCard> {
    let entries = std::fs::read_dir(data.join(FOLDER)).into_iter().flatten().flatten();
    let card = |folder: PathBuf| {
        let id = folder.file_name()?.to_str().filter(|name| !name.ends_with(GOING))?.to_owned();
        let Note { name, removed_at, .. } = note(&folder)?;
        let days_left = u32::try_from(days_left(removed_at, now)).unwrap_or(0);
        Some(RemovedCard { id, name, removed_at, days_left })
    };
    let mut cards: Vec<RemovedCard> = entries.filter_map(|entry| card(entry.path())).collect();
    cards.sort_by_key(|card| std::cmp::Reverse((card.removed_at, card.id.clone())));
    cards
}

fn days_left(removed_at: DateTime<Utc>, now: DateTime<Utc>) -> i64 {
    (DAYS - (now - removed_at).num_days()).clamp(0, DAYS)
}

/// The folder of one, looked up and never made of what was asked.
fn of(data: &Path, id: &str, now: DateTime<Utc>) -> Result<(PathBuf, RemovedCard), Error> {
    let known = list(data, now).into_iter().find(|card| card.id == id);
    let known = known.ok_or_else(|| Problem::new(Code::ProfileUnknown).with("name", id))?;
    Ok((data.join(FOLDER).join(id), known))
}

/// Takes a profile away.
///
/// # Errors
/// `store_in_use` while a program has it, `folder_read_only`, `disk_full`; then it stays.
pub(crate) fn remove(data: &Path, folder: &Path, now: DateTime<Utc>) -> Result<(), Error> {
    let _lock = one_at_a_time(data)?;
    let held = take(folder)?;
    let below = data.join(FOLDER);
    std::fs::create_dir_all(&below).map_err(Error::io(&below))?;
    restrict(&below)?;
    let target = below.join(domain::random::id(now).to_string());
    let mut note = Note { name: name_of(folder), removed_at: now, moving: folder == data };
    if note.moving {
        std::fs::create_dir(&target).map_err(Error::io(&target))?;
        restrict(&target)?;
        write_note(&target, &note)?;
        carry(data, &target)?;
        note.moving = false;
        return write_note(&target, &note);
    }
    // One that was not moved after all is not taken away: only its place tells.
    write_note(folder, &note)?;
    drop(held);
    std::fs::rename(folder, &target).map_err(Error::io(folder))
}

/// Moves what is a profile's out of the data folder. Done again it goes on where it was cut.
fn carry(data: &Path, target: &Path) -> Result<(), Error> {
    let entries = std::fs::read_dir(data).map_err(Error::io(data))?.flatten();
    let mut names: Vec<String> = entries.filter_map(|entry| entry.file_name().into_string().ok()).collect();
    names.retain(|name| {
        name == FIRST_TO_GO
            || OWN.contains(&name.as_str())
            || OWN_BEGINNINGS.iter().any(|beginning| name.starts_with(beginning))
    });
    names.sort_by_key(|name| match name.as_str() {
        FIRST_TO_GO => 0,
        LAST_TO_GO => 2,
        _ => 1,
    });
    for name in names {
        let from = data.join(&name);
        std::fs::rename(&from, target.join(&name)).map_err(Error::io(&from))?;
    }
    Ok(())
}

/// Ends a move that was cut, before anybody looks at who is here.
pub(crate) fn finish(data: &Path) -> Result<(), Error> {
    let cut = || {
        let entries = std::fs::read_dir(data.join(FOLDER)).into_iter().flatten().flatten();
        let mut folders = entries.map(|entry| entry.path());
        folders.find(|folder| note(folder).is_some_and(|note| note.moving))
    };
    if cut().is_none() {
        return Ok(());
    }
    let _lock = one_at_a_time(data)?;
    let _held = take(data)?;
    // Another program may have ended it meanwhile.
    if let Some(target) = cut()
        && let Some(note) = note(&target)
    {
        carry(data, &target)?;
        write_note(&target, &Note { moving: false, ..note })?;
    }
    Ok(())
}

/// Brings one back, as one among others: a profile is the same wherever its folder is. Under another name when somebody
/// has its own by now.
///
/// # Errors
/// `profile_unknown`, `folder_read_only`.
pub(crate) fn bring_back(data: &Path, id: &str, now: DateTime<Utc>) -> Result<(), Error> {
    let _lock = one_at_a_time(data)?;
    let (folder, removed) = of(data, id, now)?;
    let others: Vec<String> = found(data)?.iter().map(|profile| plain(&profile.name)).collect();
    let mut name = removed.name.clone();
    for n in 2.. {
        if !others.contains(&plain(&name)) {
            break;
        }
        name = format!("{} ({n})", removed.name);
    }
    let used_at = card(&folder).and_then(|card| card.used_at);
    write_card(&folder, &Card { name, used_at })?;
    let target = data.join(super::FOLDER).join(id);
    std::fs::rename(&folder, &target).map_err(Error::io(&folder))?;
    if let Err(error) = std::fs::remove_file(target.join(NOTE)) {
        tracing::warn!(%error, "the note of a profile that was brought back stays");
    }
    Ok(())
}

/// Deletes one for good.
///
/// # Errors
/// `removed_too_recently`, `profile_unknown`, `folder_read_only`.
pub(crate) fn delete(data: &Path, id: &str, now: DateTime<Utc>) -> Result<(), Error> {
    let _lock = one_at_a_time(data)?;
    let (folder, removed) = of(data, id, now)?;
    if removed.days_left > 0 {
        let problem = Problem::new(Code::RemovedTooRecently).with("name", removed.name);
        return Err(problem.with("days", removed.days_left).into());
    }
    let going = folder.with_file_name(format!("{id}{GOING}"));
    std::fs::rename(&folder, &going).map_err(Error::io(&folder))?;
    // Also what an earlier deletion that was cut left.
    for entry in std::fs::read_dir(data.join(FOLDER)).into_iter().flatten().flatten() {
        if entry.file_name().to_str().is_some_and(|name| name.ends_with(GOING)) {
            let path = entry.path();
            std::fs::remove_dir_all(&path).map_err(Error::io(&path))?;
        }
    }
    Ok(())
}
