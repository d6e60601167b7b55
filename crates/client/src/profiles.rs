//! Several people on one machine: each has a folder with a store, a passphrase and an enrolment of their own. The first
//! profile is the data folder itself, as it was before there were others; the rest are in `perfiles/{id}/`. Of a profile
//! only the name that the person gave is in clear.

use std::fs::File;
use std::path::{Path, PathBuf};

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
}

#[derive(Serialize, Deserialize)]
struct Card {
    name: String,
}

/// The profiles of a data folder, the first one first and the others by name. None where nothing was ever made.
///
/// # Errors
/// The folder cannot be read.
pub fn list(data: &Path) -> Result<Vec<Profile>, Problem> {
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
                    others.push(Profile { name: name_of(&folder), folder });
                }
            }
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        Err(error) => return Err(Error::io(folder)(error)),
    }
    others.sort_by_key(|profile| (plain(&profile.name), profile.folder.clone()));
    if is_used(data)? {
        others.insert(0, Profile { name: name_of(data), folder: data.to_owned() });
    }
    Ok(others)
}

/// Whether the data folder itself is somebody's.
fn is_used(data: &Path) -> Result<bool, Error> {
    Ok(data.join(CARD).is_file() || keys::exist(data)? || store::exists(data)?)
}

/// The name of the profile in a folder. One that cannot be read has that of the first: a name is never a reason not to
/// open a store.
pub(crate) fn name_of(folder: &Path) -> String {
    let card = std::fs::read(folder.join(CARD)).ok();
    let card = card.and_then(|bytes| serde_json::from_slice::<Card>(&bytes).ok());
    card.map_or_else(|| FIRST.to_owned(), |card| card.name)
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
    let name = name.split_whitespace().collect::<Vec<_>>().join(" ");
    if plain(&name).is_empty() || name.chars().count() > MAX_NAME || name.chars().any(char::is_control) {
        return Err(Problem::new(Code::ProfileNameInvalid).with("limit", MAX_NAME).into());
    }
    std::fs::create_dir_all(data).map_err(Error::io(data))?;
    restrict(data)?;
    let below = data.join(FOLDER);
    std::fs::create_dir_all(&below).map_err(Error::io(&below))?;
    restrict(&below)?;
    let path = below.join(LOCK);
    let lock =
        File::options().create(true).truncate(false).write(true).open(&path).map_err(Error::io(&path))?;
    lock.lock().map_err(Error::io(&path))?;
    if let Some(known) = found(data)?.into_iter().find(|profile| plain(&profile.name) == plain(&name)) {
        return Ok(known.folder);
    }
    let folder = if is_used(data)? {
        let folder = below.join(domain::random::id(clock.now()).to_string());
        std::fs::create_dir(&folder).map_err(Error::io(&folder))?;
        restrict(&folder)?;
        folder
    } else {
        data.to_owned()
    };
    keys::write_atomically(&folder.join(CARD), &serde_json::to_vec(&Card { name })?)?;
    Ok(folder)
}

/// A name as it is compared.
fn plain(name: &str) -> String {
    name.trim().to_lowercase().chars().filter_map(domain::entry::without_accent).collect()
}
