//! The people of one equipment, who take turns at one window. Of all their stores at most one is open: that of whoever
//! sits there.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use chrono::{DateTime, Utc};
use domain::clock::Clock;
use domain::command::{AppState, Command, Event, Nothing, ProfileCard, RemovedCard};
use domain::problem::{Code, Problem};
use serde::Serialize;
use serde_json::Value;
use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;
use tokio::task::AbortHandle;

use crate::error::Error;
use crate::profiles::{self, Profile, removed};
use crate::{Client, Outside, events, keys, rescue};

/// Identifier of the profile that is the data folder itself; the others have the name of their folder.
const FIRST: &str = "primero";

/// An equipment with its people: what a window holds. Cheap to clone.
#[derive(Clone)]
pub struct People {
    inner: Arc<Shared>,
}

struct Shared {
    data: PathBuf,
    outside: Outside,
    /// Whoever sits at the window; none while somebody chooses.
    current: RwLock<Option<Sitting>>,
    /// Taken by whoever sits down or gets up.
    turn: tokio::sync::Mutex<()>,
    events: events::Events,
    background: AtomicBool,
}

/// A person at the window.
struct Sitting {
    client: Client,
    folder: PathBuf,
    /// Hands their events on: aborted first, so that nothing of theirs reaches who comes next.
    telling: AbortHandle,
}

impl Drop for Sitting {
    fn drop(&mut self) {
        self.telling.abort();
    }
}

impl People {
    /// Takes the data folder. Where only one person works, their store is taken at once and waits for its passphrase;
    /// where there are several, somebody chooses first.
    ///
    /// # Errors
    /// As [`Client::open`].
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    pub fn open(data: &Path, clock: Arc<dyn Clock>) -> Result<People, Problem> {
        People::open_with(data, Outside::machine(clock))
    }

    /// The same with what is outside of it passed in.
    ///
    /// # Errors
    /// As [`Client::open`].
    pub fn open_with(data: &Path, outside: Outside) -> Result<People, Problem> {
        let shared = Shared {
            data: data.to_owned(),
            outside,
            current: RwLock::new(None),
            turn: tokio::sync::Mutex::new(()),
            events: events::Events::default(),
            background: AtomicBool::new(false),
        };
        let people = People { inner: Arc::new(shared) };
        let known = profiles::list(data)?;
        if let [] | [_] = known.as_slice() {
            let folder = known.into_iter().next().map_or_else(|| data.to_owned(), |one| one.folder);
            people.sit(&folder)?;
        }
        Ok(people)
    }

    /// Opens the store of the only person of this equipment; where there are several, somebody chooses first.
    ///
    /// # Errors
    /// As [`Client::unlock`]; `passphrase_needed` where there are several.
    pub fn unlock(&self, passphrase: Option<&str>) -> Result<AppState, Problem> {
        let client = self.client()?;
        let state = client.unlock(passphrase)?;
        self.came_in(&state);
        Ok(state)
    }

    /// Runs a command of [`domain::command::COMMANDS`] by its name.
    ///
    /// # Errors
    /// As [`Client::call`].
    pub async fn call(&self, name: &str, payload: Value) -> Result<Value, Problem> {
        match Command::read(name, payload)? {
            Command::profiles(Nothing {}) => self.aside(|people| people.cards()).await,
            Command::profile_choose(of) => self.turned(move |people| people.choose(&of.id)).await,
            Command::profile_leave(Nothing {}) => self.turned(People::leave).await,
            Command::profile_add(new) => {
                self.turned(move |people| people.add(&new.name, &new.passphrase)).await
            }
            Command::profile_remove(of) => self.turned(move |people| people.remove(&of.id)).await,
            Command::profile_bring_back(of) => self.turned(move |people| people.bring_back(&of.id)).await,
            Command::profile_delete(of) => self.aside(move |people| people.delete(&of.id)).await,
            Command::profiles_removed(Nothing {}) => self.aside(|people| Ok(people.removed())).await,
            Command::rescue(of) => {
                self.aside(move |people| {
                    Ok(rescue::state(&people.up_to_date(of.id.as_deref())?, people.now()))
                })
                .await
            }
            Command::rescue_export(what) => {
                self.aside(move |people| {
                    let folder = people.up_to_date(what.id.as_deref())?;
                    rescue::export(&folder, Path::new(&what.path), people.now())
                })
                .await
            }
            Command::app_state(Nothing {}) if self.client().is_err() => {
                self.aside(|people| people.choosing()).await
            }
            command @ (Command::unlock(_) | Command::recover(_)) => {
                let answer = self.client()?.run(command).await?;
                let people = self.clone();
                let noted = move || {
                    // Only to know whether it was opened: what is not read stays locked.
                    if answer["stage"] != "locked" {
                        people.used();
                    }
                    answer
                };
                tokio::task::spawn_blocking(noted).await.map_err(|error| Error::from(error).into())
            }
            command => self.client()?.run(command).await,
        }
    }

    /// Listens to what changes for whoever sits at the window.
    pub fn events(&self) -> broadcast::Receiver<Event> {
        self.inner.events.listen()
    }

    /// Starts the scheduler of whoever sits at the window, now and after each change.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    pub fn start_background(&self) {
        self.inner.background.store(true, Ordering::Relaxed);
        if let Ok(client) = self.client() {
            client.start_background();
        }
    }

    /// Closes the store before the program ends.
    pub fn close(&self) {
        if let Ok(client) = self.client() {
            client.close();
        }
    }

    /// Work that waits for the disk, outside of the threads that wait for the network.
    async fn aside<T: Serialize + Send + 'static>(
        &self,
        work: impl FnOnce(&People) -> Result<T, Problem> + Send + 'static,
    ) -> Result<Value, Problem> {
        let people = self.clone();
        let done = tokio::task::spawn_blocking(move || work(&people)).await.map_err(Error::from)??;
        serde_json::to_value(done).map_err(|error| Error::from(error).into())
    }

    /// The same, one at a time: who sits there changes.
    async fn turned(
        &self,
        work: impl FnOnce(&People) -> Result<AppState, Problem> + Send + 'static,
    ) -> Result<Value, Problem> {
        let _turn = self.inner.turn.lock().await;
        self.aside(work).await
    }

    fn client(&self) -> Result<Client, Problem> {
        let current = self.inner.current.read().unwrap_or_else(PoisonError::into_inner);
        current
            .as_ref()
            .map(|sitting| sitting.client.clone())
            .ok_or_else(|| Problem::new(Code::PassphraseNeeded))
    }

    fn cards(&self) -> Result<Vec<ProfileCard>, Problem> {
        Ok(profiles::list(&self.inner.data)?.into_iter().map(|profile| self.card(profile)).collect())
    }

    fn card(&self, profile: Profile) -> ProfileCard {
        ProfileCard { id: self.id(&profile.folder), name: profile.name, used_at: profile.used_at }
    }

    fn id(&self, folder: &Path) -> String {
        if folder == self.inner.data {
            return FIRST.to_owned();
        }
        folder.file_name().unwrap_or_default().to_string_lossy().into_owned()
    }

    fn choosing(&self) -> Result<AppState, Problem> {
        Ok(AppState::Choose { profiles: self.cards()? })
    }

    /// The folder is looked up, never made of what was asked.
    fn folder(&self, id: &str) -> Result<PathBuf, Problem> {
        let known = profiles::list(&self.inner.data)?;
        let found = known.into_iter().find(|profile| self.id(&profile.folder) == id);
        found.map(|profile| profile.folder).ok_or_else(|| Problem::new(Code::ProfileUnknown).with("name", id))
    }

    fn choose(&self, id: &str) -> Result<AppState, Problem> {
        let folder = self.folder(id)?;
        self.get_up();
        let client = self.sit(&folder)?;
        client.only_by_hand();
        client.app_state().map_err(Problem::from)
    }

    fn leave(&self) -> Result<AppState, Problem> {
        self.get_up();
        self.choosing()
    }

    fn add(&self, name: &str, passphrase: &str) -> Result<AppState, Problem> {
        keys::long_enough(passphrase).map_err(Problem::from)?;
        let folder = profiles::add(&self.inner.data, name, &*self.inner.outside.clock)?;
        let opened = || -> Result<_, Problem> {
            self.get_up();
            let client = self.sit(&folder)?;
            client.only_by_hand();
            client.unlock(Some(passphrase))
        };
        let state = opened().inspect_err(|_| profiles::unmake(&folder))?;
        self.used();
        Ok(state)
    }

    fn now(&self) -> DateTime<Utc> {
        self.inner.outside.clock.now()
    }

    /// The folder of a profile, or of whoever sits there, with a rescue copy of what is in it now where it is open.
    fn up_to_date(&self, id: Option<&str>) -> Result<PathBuf, Problem> {
        let sitting = {
            let current = self.inner.current.read().unwrap_or_else(PoisonError::into_inner);
            current.as_ref().map(|sitting| (sitting.client.clone(), sitting.folder.clone()))
        };
        let folder = match (id, &sitting) {
            (Some(id), _) => self.folder(id)?,
            (None, Some((_, folder))) => folder.clone(),
            (None, None) => return Err(Problem::new(Code::ProfileUnknown).with("name", "")),
        };
        if let Some((client, _)) = sitting.filter(|(_, sitting)| *sitting == folder) {
            rescue::refresh(&client.inner);
        }
        Ok(folder)
    }

    /// Takes a profile away. That of whoever sits there is in use: its folder is held.
    fn remove(&self, id: &str) -> Result<AppState, Problem> {
        removed::remove(&self.inner.data, &self.folder(id)?, self.now())?;
        self.choosing()
    }

    fn removed(&self) -> Vec<RemovedCard> {
        removed::list(&self.inner.data, self.now())
    }

    fn bring_back(&self, id: &str) -> Result<AppState, Problem> {
        removed::bring_back(&self.inner.data, id, self.now())?;
        self.choosing()
    }

    fn delete(&self, id: &str) -> Result<Vec<RemovedCard>, Problem> {
        removed::delete(&self.inner.data, id, self.now())?;
        Ok(self.removed())
    }

    /// Whoever sits there gets up: their store is closed, and what was being sent stops where it is.
    fn get_up(&self) {
        let sitting = self.inner.current.write().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(sitting) = sitting {
            let client = sitting.client.clone();
            drop(sitting);
            client.leave();
        }
    }

    /// Somebody sits down; their store is taken and stays closed.
    fn sit(&self, folder: &Path) -> Result<Client, Problem> {
        let client = Client::open_with(folder, self.inner.outside.clone())?;
        let telling = tokio::spawn(tell(client.events(), Arc::downgrade(&self.inner))).abort_handle();
        if self.inner.background.load(Ordering::Relaxed) {
            client.start_background();
        }
        let sitting = Sitting { client: client.clone(), folder: folder.to_owned(), telling };
        *self.inner.current.write().unwrap_or_else(PoisonError::into_inner) = Some(sitting);
        Ok(client)
    }

    fn came_in(&self, state: &AppState) {
        if !matches!(state, AppState::Locked { .. } | AppState::Choose { .. }) {
            self.used();
        }
    }

    /// Notes the day. A disk that does not take it is no reason not to open.
    fn used(&self) {
        let current = self.inner.current.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(sitting) = &*current
            && let Err(error) = profiles::used(&sitting.folder, self.inner.outside.clock.now())
        {
            tracing::warn!(%error, "when a profile was used last");
        }
    }
}

/// Hands events on until the client is gone.
async fn tell(mut from: broadcast::Receiver<Event>, to: std::sync::Weak<Shared>) {
    loop {
        let event = match from.recv().await {
            Ok(event) => event,
            // Some were lost: the page reads everything again.
            Err(RecvError::Lagged(_)) => Event::Changed,
            Err(RecvError::Closed) => return,
        };
        let Some(to) = to.upgrade() else { return };
        to.events.say(event);
    }
}
