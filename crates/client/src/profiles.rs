//! Several people on one machine: each has a folder with a store, a passphrase and an enrolment of their own. The first
//! profile is the data folder itself, as it was before there were others; the rest are in `perfiles/{id}/`. Of a profile
//! only the name that the person gave is in clear, and when a window opened it last.

pub(crate) mod removed;

use std::fs::File;
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use domain::clock::Clock;
use domain::problem::{Code, Problem};
use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::{keys, restrict, store};

const FOLDER: &str = "perfiles";
const CARD: &str = "perfil.json";
/// Held while a profile is made, so that two programs do not make the same one.
const LOCK: &str = "lock";
/// Longest name, characters.
const MAX_NAME: usize = 60;
/// Name of a store of before there were profiles.
const FIRST: &str = "Perfil 1";

/// A profile of a data folder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Profile {
    /// As the person called it.
    pub name: String,
    /// Where its store is.
    pub folder: PathBuf,
    /// When a window opened it last.
    pub used_at: Option<DateTime<Utc>>,
}

#[derive(Serialize, Deserialize)]
struct Card {
    name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    used_at: Option<DateTime<Utc>>,
}

/// The profiles of a data folder, the first one first and the others by name. None where nothing was ever made.
///
/// # Errors
/// The folder cannot be read.
pub fn list(data: &Path) -> Result<Vec<Profile>, Problem> {
    removed::finish(data)?;
    Ok(found(data)?)
}

fn found(data: &Path) -> Result<Vec<Profile>, Error> {
    let mut others = Vec::new();
    let folder = data.join(FOLDER);
    match std::fs::read_dir(&folder) {
        Ok(entries) => {
            for entry in entries {
                let folder = entry.map_err(Error::io(&folder))?.path();
                // Without its card it was not finished, and has nothing inside.
                if folder.join(CARD).is_file() {
                    others.push(profile(folder));
                }
            }
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        Err(error) => return Err(Error::io(folder)(error)),
    }
    others.sort_by_key(|profile| (plain(&profile.name), profile.folder.clone()));
    if is_used(data)? {
        others.insert(0, profile(data.to_owned()));
    }
    Ok(others)
}

/// Whether the data folder itself is somebody's.
fn is_used(data: &Path) -> Result<bool, Error> {
    Ok(data.join(CARD).is_file() || keys::exist(data)? || store::exists(data)?)
}

fn profile(folder: PathBuf) -> Profile {
    let card = card(&folder);
    let used_at = card.as_ref().and_then(|card| card.used_at);
    Profile { name: card.map_or_else(|| FIRST.to_owned(), |card| card.name), folder, used_at }
}

fn card(folder: &Path) -> Option<Card> {
    serde_json::from_slice(&std::fs::read(folder.join(CARD)).ok()?).ok()
}

fn write_card(folder: &Path, card: &Card) -> Result<(), Error> {
    keys::write_atomically(&folder.join(CARD), &serde_json::to_vec(card)?)
}

/// The name of the profile in a folder. One that cannot be read has that of the first: a name is never a reason not to
/// open a store.
pub(crate) fn name_of(folder: &Path) -> String {
    name_on_card(folder).unwrap_or_else(|| FIRST.to_owned())
}

/// The name that a person gave, if one did.
pub(crate) fn name_on_card(folder: &Path) -> Option<String> {
    card(folder).map(|card| card.name)
}

/// A window opened the profile of a folder.
pub(crate) fn used(folder: &Path, now: DateTime<Utc>) -> Result<(), Error> {
    write_card(folder, &Card { name: name_of(folder), used_at: Some(now) })
}

/// The data folder that a profile is of: its own, or the one that has it among others.
pub(crate) fn data_folder(folder: &Path) -> &Path {
    let below = folder.parent().filter(|parent| parent.file_name().is_some_and(|name| name == FOLDER));
    below.and_then(Path::parent).unwrap_or(folder)
}

/// The folder of a profile, by its name; case and accents do not matter.
///
/// # Errors
/// `profile_unknown`.
pub fn find(data: &Path, name: &str) -> Result<PathBuf, Problem> {
    let known = list(data)?.into_iter().find(|profile| plain(&profile.name) == plain(name));
    known
        .map(|profile| profile.folder)
        .ok_or_else(|| Problem::new(Code::ProfileUnknown).with("name", name.trim()))
}

/// The folder of a profile, which is made if there is none with this name: the data folder itself when it is nobody's
/// yet, else one below it.
///
/// # Errors
/// `profile_name_invalid`, `store_in_use` while another program makes one, `folder_read_only`, `disk_full`.
pub fn make(data: &Path, name: &str, clock: &dyn Clock) -> Result<PathBuf, Problem> {
    Ok(made(data, name, clock)?)
}

fn made(data: &Path, name: &str, clock: &dyn Clock) -> Result<PathBuf, Error> {
    let name = valid(name)?;
    removed::finish(data)?;
    let _lock = one_at_a_time(data)?;
    if let Some(known) = found(data)?.into_iter().find(|profile| plain(&profile.name) == plain(&name)) {
        return Ok(known.folder);
    }
    make_new(data, name, clock)
}

/// The folder of a new profile: another of the same name is not given to somebody else.
///
/// # Errors
/// As [`make`], and `profile_name_taken`.
pub(crate) fn add(data: &Path, name: &str, clock: &dyn Clock) -> Result<PathBuf, Error> {
    let name = valid(name)?;
    removed::finish(data)?;
    let _lock = one_at_a_time(data)?;
    is_free(data, &name, None)?;
    make_new(data, name, clock)
}

/// Another name for the profile of a folder.
///
/// # Errors
/// `profile_name_invalid`, `profile_name_taken`.
pub(crate) fn rename(folder: &Path, name: &str) -> Result<(), Error> {
    let name = valid(name)?;
    let data = data_folder(folder);
    let _lock = one_at_a_time(data)?;
    is_free(data, &name, Some(folder))?;
    write_card(folder, &Card { name, used_at: card(folder).and_then(|card| card.used_at) })
}

/// Takes back a profile that came to nothing: it has its name, and no key and no store.
pub(crate) fn unmake(folder: &Path) {
    let empty = matches!((keys::exist(folder), store::exists(folder)), (Ok(false), Ok(false)));
    if empty && let Err(error) = std::fs::remove_file(folder.join(CARD)) {
        tracing::warn!(%error, "a profile without a store stays");
    }
}

fn valid(name: &str) -> Result<String, Error> {
    let name = name.split_whitespace().collect::<Vec<_>>().join(" ");
    if plain(&name).is_empty() || name.chars().count() > MAX_NAME || name.chars().any(char::is_control) {
        return Err(Problem::new(Code::ProfileNameInvalid).with("limit", MAX_NAME).into());
    }
    Ok(name)
}

fn is_free(data: &Path, name: &str, own: Option<&Path>) -> Result<(), Error> {
    let taken = found(data)?
        .into_iter()
        .find(|profile| plain(&profile.name) == plain(name) && Some(profile.folder.as_path()) != own);
    match taken {
        Some(other) => Err(Problem::new(Code::ProfileNameTaken).with("name", other.name).into()),
        None => Ok(()),
    }
}

fn one_at_a_time(data: &Path) -> Result<File, Error> {
    std::fs::create_dir_all(data).map_err(Error::io(data))?;
    restrict(data)?;
    let below = data.join(FOLDER);
    std::fs::create_dir_all(&below).map_err(Error::io(&below))?;
    restrict(&below)?;
    let path = below.join(LOCK);
    let lock =
        File::options().create(true).truncate(false).write(true).open(&path).map_err(Error::io(&path))?;
    lock.lock().map_err(Error::io(&path))?;
    Ok(lock)
}

fn make_new(data: &Path, name: String, clock: &dyn Clock) -> Result<PathBuf, Error> {
    let folder = if is_used(data)? {
        let below = data.join(FOLDER);
        let folder = below.join(domain::random::id(clock.now()).to_string());
        std::fs::create_dir(&folder).map_err(Error::io(&folder))?;
        restrict(&folder)?;
        folder
    } else {
        data.to_owned()
    };
    write_card(&folder, &Card { name, used_at: None })?;
    Ok(folder)
}

/// A name as it is compared.
fn plain(name: &str) -> String {
    name.trim().to_lowercase().chars().filter_map(domain::entry::without_accent).collect()
}
