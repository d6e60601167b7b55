//! What a laptop does, without a window: an encrypted store, capture with and without a network, and synchronisation
//! with the central endpoint. [`Client`] is the only door to the store of a person; [`People`] lets several take turns.
//!
//! | module | |
//! |---|---|
//! | `store` | the two encrypted databases: all SQL |
//! | `keys` | the database key and what wraps it |
//! | `profiles`, `people` | several people on one machine: a folder and a store for each; who sits at the window |
//! | `capture`, `evidence` | drafts, files, and the moment a draft becomes an operation |
//! | `receipt_pdf` | a receipt as a page to print, and out of it again |
//! | `versions`, `duplicates` | earlier states of a draft; whether it says what was already said
//! | `choose` | conflicts, and the choice that ends one |
//! | `review` | what waits for the coordination, what was observed, corrections |
//! | `opinion` | what the person says of the program, and what became of it |
//! | `map` | tiles of a file on this disk, and where the projects are |
//! | `export` | what is only here, as files |
//! | `relay` | what waits, in a sealed file that somebody else carries |
//! | `rescue` | what is only here, sealed beside the store: a forgotten passphrase does not lose it |
//! | `view` | the base with what is still here laid upon it |
//! | `outside` | what is passed in: clock, network, disk |
//! | `session`, `sync` | enrolment and tokens; plan, engine, scheduler, transport |
//! | `command`, `events` | what a window asks, what it is told |

mod capture;
mod choose;
mod command;
mod duplicates;
mod error;
mod events;
mod evidence;
mod export;
mod keys;
pub mod map;
mod opinion;
mod outside;
mod people;
pub mod profiles;
mod receipt_pdf;
mod recovery_pdf;
mod relay;
pub mod rescue;
mod review;
mod search;
mod session;
mod store;
mod sync;
mod versions;
mod view;

use std::fs::{File, TryLockError};
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use domain::clock::Clock;
use domain::command::{AppState, Command, Event, ReceiptView, Sent, Status};
use domain::follow_up::FollowUpFile;
use domain::problem::{Code, Problem};
use domain::receipt::Receipt;
use serde_json::Value;
use tokio::sync::{Notify, broadcast};
use tokio::task::AbortHandle;

pub use crate::keys::Cost as KeyCost;
pub use crate::outside::Outside;
pub use crate::people::People;
pub use crate::sync::wire::{Answered, Asked, Broken, Exchange, Wire};

use crate::error::Error;
use crate::store::{Store, meta};
use crate::sync::link::Link;
use crate::sync::transport::Transport;

pub use crate::export::Unsent;

/// Takes a relay to an endpoint and saves the answer beside it. Needs no store: whoever carries it need not be enrolled.
///
/// # Errors
/// `relay_unreadable`, `relay_foreign`, `relay_refused`, `relay_too_large`, `relay_unsupported`, and what the way there
/// says. What arrived already is not sent again.
pub async fn carry_relay(
    server: &str,
    path: &Path,
    say: impl Fn(u64, u64),
) -> Result<domain::command::RelayCarried, Problem> {
    relay::carry(&Transport::new(server, None)?, path, say).await
}

/// Version of the program, as it is told to the endpoint.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// One folder of one person on one device. Cheap to clone; the folder is released when the last clone is dropped.
#[derive(Clone)]
pub struct Client {
    inner: Arc<Inner>,
    keeper: Arc<Keeper>,
}

/// What the modules of this crate share.
pub(crate) struct Inner {
    dir: PathBuf,
    clock: Arc<dyn Clock>,
    outside: Outside,
    lock: Mutex<Option<File>>,
    store: RwLock<Option<Arc<Store>>>,
    events: events::Events,
    link: Link,
    tokens: session::Tokens,
    transport: Mutex<Option<(String, Transport)>>,
    /// Taken by the cycle that runs.
    turn: tokio::sync::Mutex<()>,
    /// Ends the wait of the scheduler.
    wake: Notify,
    map: map::Map,
    rescue: rescue::Keeping,
    /// Somebody closed it: the keyring is not asked, or it would be open again at once.
    by_hand: AtomicBool,
}

/// Ends the background work when the last [`Client`] is dropped. The work itself holds [`Inner`], never this.
struct Keeper {
    inner: Arc<Inner>,
    background: Mutex<Option<AbortHandle>>,
}

impl Drop for Keeper {
    fn drop(&mut self) {
        if let Some(task) = self.background.get_mut().unwrap_or_else(PoisonError::into_inner).take() {
            task.abort();
        }
        // The task ends at its next await; whoever opens the folder next must not have to wait for that.
        *self.inner.store.write().unwrap_or_else(PoisonError::into_inner) = None;
        self.inner.lock.lock().unwrap_or_else(PoisonError::into_inner).take();
    }
}

impl Client {
    /// Closes the store before the program ends: the background stops, and what a thread is writing is waited for (two
    /// seconds at most), because the end of a process takes the cipher from under whoever still uses it.
    pub fn close(&self) {
        self.shut();
    }

    /// Says whether nobody uses the store any more.
    fn shut(&self) -> bool {
        let background = self.keeper.background.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(task) = background {
            task.abort();
        }
        rescue::refresh_at_the_end(&self.inner);
        let store = self.inner.store.write().unwrap_or_else(PoisonError::into_inner).take();
        let Some(store) = store else { return true };
        for _ in 0..200 {
            if Arc::strong_count(&store) == 1 {
                return true;
            }
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
        false
    }

    /// Closes the store until its passphrase is given. What is being sent stops where it is, and nothing is sent or
    /// fetched meanwhile: the key is not in memory.
    pub fn lock(&self) {
        let ran = self.in_background();
        self.only_by_hand();
        self.shut();
        self.inner.tokens.clear();
        self.inner.link.rest();
        if ran {
            self.start_background();
        }
    }

    /// From now on only a passphrase opens it, even where there is a keyring.
    pub(crate) fn only_by_hand(&self) {
        self.inner.by_hand.store(true, Ordering::Relaxed);
    }

    /// Closes the store and lets the folder go, also while a command that is under way still has this client.
    pub(crate) fn leave(&self) {
        if self.shut() {
            self.inner.lock.lock().unwrap_or_else(PoisonError::into_inner).take();
        }
    }

    /// Takes the folder, making it if needed. The store stays closed until [`Client::unlock`].
    ///
    /// # Errors
    /// `store_in_use` when another process has the folder, `folder_read_only`, `disk_full`.
    pub fn open(dir: &Path, clock: Arc<dyn Clock>) -> Result<Client, Problem> {
        Client::open_with(dir, Outside::machine(clock))
    }

    /// The same with what is outside of it passed in.
    ///
    /// # Errors
    /// As [`Client::open`].
    pub fn open_with(dir: &Path, outside: Outside) -> Result<Client, Problem> {
        let lock = take(dir)?;
        let inner = Arc::new(Inner {
            dir: dir.to_owned(),
            clock: Arc::clone(&outside.clock),
            outside,
            lock: Mutex::new(Some(lock)),
            store: RwLock::new(None),
            events: events::Events::default(),
            link: Link::default(),
            tokens: session::Tokens::default(),
            transport: Mutex::new(None),
            turn: tokio::sync::Mutex::new(()),
            wake: Notify::new(),
            map: map::Map::default(),
            rescue: rescue::Keeping::default(),
            by_hand: AtomicBool::new(false),
        });
        let keeper = Keeper { inner: Arc::clone(&inner), background: Mutex::new(None) };
        Ok(Client { inner, keeper: Arc::new(keeper) })
    }

    /// Opens the store, or makes it on a first start. Without a passphrase the system's keyring is asked.
    ///
    /// # Errors
    /// `passphrase_needed`, `passphrase_wrong`, `passphrase_too_short`, `keyring_locked`; `store_set_aside` when the
    /// store could not be read: it was renamed, and unlocking again starts an empty one with the same key.
    pub fn unlock(&self, passphrase: Option<&str>) -> Result<AppState, Problem> {
        self.unlock_with(passphrase).map_err(|error| self.inner.problem(error))
    }

    pub(crate) fn unlock_with(&self, passphrase: Option<&str>) -> Result<AppState, Error> {
        let inner = &*self.inner;
        {
            let mut place = inner.store.write().unwrap_or_else(PoisonError::into_inner);
            if place.is_none() {
                let key = match (keys::exist(&inner.dir)?, store::exists(&inner.dir)?, passphrase) {
                    // Only where there is nothing yet: any other key would make the database unreadable for ever.
                    (false, false, Some(passphrase)) => {
                        keys::create(&inner.dir, passphrase, inner.outside.key_cost)?
                    }
                    (false, false, None) => return Err(Code::PassphraseNeeded.into()),
                    // Without its keys.json a database stays as it is; opening says which file is missing.
                    _ => keys::open(&inner.dir, passphrase, inner.clock.now())?,
                };
                *place = Some(Arc::new(Store::open(&inner.dir, key, inner.clock.now(), &inner.outside)?));
            }
        }
        inner.wake.notify_one();
        self.app_state()
    }

    /// Makes a recovery code after the passphrase, and gives it with the page to print. One made before opens nothing
    /// any more.
    ///
    /// # Errors
    /// `passphrase_wrong`; `passphrase_needed` while the store is closed.
    pub fn new_recovery_code(
        &self,
        passphrase: &str,
    ) -> Result<(zeroize::Zeroizing<String>, Vec<u8>), Problem> {
        let make = || -> Result<_, Error> {
            let inner = &*self.inner;
            let identity = inner.store()?.read(session::identity)?;
            let now = inner.clock.now();
            let code = keys::recovery::make(&inner.dir, passphrase, inner.outside.key_cost, now)?;
            inner.store()?.write(|tx| meta::remove(tx, meta::RECOVERY_KEPT))?;
            let page =
                recovery_pdf::page(&code, &profiles::name_of(&inner.dir), identity.as_ref(), inner.moment())?;
            Ok((code, page))
        };
        make().map_err(|error| self.inner.problem(error))
    }

    /// The person has the recovery code on paper: nobody asks for it any more.
    ///
    /// # Errors
    /// `recovery_none`; `passphrase_needed` while the store is closed.
    pub fn recovery_code_kept(&self) -> Result<(), Problem> {
        let keep = || -> Result<_, Error> {
            let inner = &*self.inner;
            let store = inner.store()?;
            if !keys::recovery::exists(&inner.dir)? {
                return Err(Code::RecoveryNone.into());
            }
            store.write(|tx| meta::set(tx, meta::RECOVERY_KEPT, &true))
        };
        keep().map_err(|error| self.inner.problem(error))
    }

    /// Opens the store of a forgotten passphrase with its recovery code, and gives it a new passphrase.
    ///
    /// # Errors
    /// `recovery_mistyped`, `recovery_wrong`, `recovery_wait`, `recovery_none`, `passphrase_too_short`; nothing changes
    /// then.
    pub fn recover(&self, code: &str, passphrase: &str) -> Result<AppState, Problem> {
        let inner = &*self.inner;
        keys::recovery::renew(&inner.dir, code, passphrase, inner.outside.key_cost, inner.clock.now())
            .map_err(|error| inner.problem(error))?;
        self.unlock(Some(passphrase))
    }

    /// Another passphrase for the store of this folder.
    ///
    /// # Errors
    /// `passphrase_wrong`, `passphrase_too_short`; nothing changes then.
    pub fn change_passphrase(&self, old: &str, new: &str) -> Result<(), Problem> {
        let inner = &*self.inner;
        keys::change_passphrase(&inner.dir, old, new, inner.outside.key_cost, inner.clock.now())
            .map_err(|error| inner.problem(error))
    }

    /// Runs a command of [`domain::command::COMMANDS`] by its name.
    ///
    /// # Errors
    /// `command_invalid`, and what each command says.
    pub async fn call(&self, name: &str, payload: Value) -> Result<Value, Problem> {
        self.run(Command::read(name, payload)?).await
    }

    /// Runs a command.
    pub(crate) async fn run(&self, command: Command) -> Result<Value, Problem> {
        command::run(self, command).await.map_err(|error| self.inner.problem(error))
    }

    /// Listens to what changes.
    pub fn events(&self) -> broadcast::Receiver<Event> {
        self.inner.events.listen()
    }

    /// Starts the scheduler on the current runtime, once. It ends when the last clone of this client is dropped.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    pub fn start_background(&self) {
        let mut background = self.keeper.background.lock().unwrap_or_else(PoisonError::into_inner);
        if background.is_none() {
            let inner = Arc::clone(&self.inner);
            let task = tokio::spawn(async move {
                tokio::join!(sync::scheduler::run(Arc::clone(&inner)), rescue::run(inner));
            });
            *background = Some(task.abort_handle());
        }
    }

    pub(crate) fn in_background(&self) -> bool {
        self.keeper.background.lock().unwrap_or_else(PoisonError::into_inner).is_some()
    }

    /// Runs one cycle: offer, fetch, send files.
    ///
    /// # Errors
    /// Why it failed; nothing that is here is lost by it.
    pub async fn sync_once(&self) -> Result<Status, Problem> {
        sync::engine::run(&self.inner).await.map_err(|error| self.inner.problem(error))?;
        self.status()
    }

    /// The queue and the connection, without a network.
    ///
    /// # Errors
    /// `passphrase_needed` while the store is closed.
    pub fn status(&self) -> Result<Status, Problem> {
        self.inner.status().map_err(|error| self.inner.problem(error))
    }

    /// Sends text only for as long as this client is open: files wait, whatever the equipment is set to.
    pub fn send_text_only(&self) {
        self.inner.link.send_text_only();
    }

    /// How much moved between this client and the endpoint since it was opened. Only ever grows: a watcher compares.
    pub fn moved(&self) -> u64 {
        self.inner.link.moved()
    }

    /// Captures a follow-up from a file and its evidence: `(path, document type)`.
    ///
    /// # Errors
    /// `has_errors` with its findings, `project_unknown`, `process_…`, `evidence_…`, `file_unreadable`; nothing is kept then.
    pub fn capture_file(
        &self,
        project_folio: &str,
        file: FollowUpFile,
        evidence: &[(PathBuf, String)],
    ) -> Result<Sent, Problem> {
        let inner = &*self.inner;
        let capture = || {
            let free = inner.free_bytes();
            capture::capture_file(&*inner.store()?, free, inner.moment(), project_folio, file, evidence)
        };
        let sent = capture().map_err(|error| inner.problem(error))?;
        inner.wake.notify_one();
        inner.say(Event::Changed);
        inner.say_status();
        Ok(sent)
    }

    /// Every receipt of this device with its verification, newest first: `(folio, project, receipt)`. That of a choice
    /// has the folio of the follow-up it is about.
    ///
    /// # Errors
    /// `passphrase_needed` while the store is closed.
    pub fn receipts(&self) -> Result<Vec<(String, String, ReceiptView)>, Problem> {
        let receipts = || command::receipts(&*self.inner.store()?);
        receipts().map_err(|error| self.inner.problem(error))
    }

    /// Saves every receipt of this device as a page to print, one file each, and says of each whether it was written: a
    /// file that is there already stays.
    ///
    /// # Errors
    /// `folder_read_only`, `disk_full`; `passphrase_needed` while the store is closed.
    pub fn save_receipts(&self, folder: &Path) -> Result<Vec<(PathBuf, bool)>, Problem> {
        let save = || -> Result<_, Error> {
            std::fs::create_dir_all(folder).map_err(Error::io(folder))?;
            let store = self.inner.store()?;
            receipt_pdf::pages(&store)?
                .into_iter()
                .map(|(name, bytes)| {
                    let path = folder.join(name);
                    let written = match File::create_new(&path) {
                        Ok(mut file) => file.write_all(&bytes).map(|()| true),
                        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(false),
                        Err(error) => Err(error),
                    };
                    Ok((path.clone(), written.map_err(Error::io(&path))?))
                })
                .collect()
        };
        save().map_err(|error| self.inner.problem(error))
    }

    /// The receipt in a file (the page to print, or JSON), and whether it is the endpoint's of this device.
    ///
    /// # Errors
    /// `file_unreadable` when there is no receipt in it; `passphrase_needed` while the store is closed.
    pub fn receipt_in(&self, path: &Path) -> Result<(Receipt, bool), Problem> {
        let read = || -> Result<_, Error> {
            let receipt = receipt_pdf::read(path)?;
            let key = self.inner.store()?.read(session::enrolled)?.server_key;
            let valid = receipt.verify(&key).is_ok();
            Ok((receipt, valid))
        };
        read().map_err(|error| self.inner.problem(error))
    }
}

impl Inner {
    /// The open store.
    fn store(&self) -> Result<Arc<Store>, Error> {
        let store = self.store.read().unwrap_or_else(PoisonError::into_inner);
        store.clone().ok_or_else(|| Code::PassphraseNeeded.into())
    }

    fn is_enrolled(&self) -> bool {
        self.store().and_then(|store| store.read(session::identity)).is_ok_and(|identity| identity.is_some())
    }

    /// The transport to an address; one connection pool is kept for it.
    fn transport(&self, server: &str) -> Result<Transport, Error> {
        let mut kept = self.transport.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((address, transport)) = &*kept
            && address == server
        {
            return Ok(transport.clone());
        }
        let transport = Transport::new(server, self.outside.wire.clone())?;
        *kept = Some((server.to_owned(), transport.clone()));
        Ok(transport)
    }

    /// How long the endpoint asked to be left alone between two looks when nothing waits here.
    fn hint(&self) -> Option<std::time::Duration> {
        let kept = self.transport.lock().unwrap_or_else(PoisonError::into_inner);
        kept.as_ref().and_then(|(_, transport)| transport.hint())
    }

    fn moment(&self) -> capture::Moment {
        let captured_at = self.clock.now();
        capture::Moment {
            captured_at,
            tz_offset_minutes: capture::tz_offset_minutes(captured_at),
            map: self.map.bounds(&self.dir),
        }
    }

    fn tz_offset_minutes(&self) -> i32 {
        self.moment().tz_offset_minutes
    }

    /// Room left where the folder is.
    fn free_bytes(&self) -> Option<u64> {
        (self.outside.free_bytes)(&self.dir)
    }

    fn status(&self) -> Result<Status, Error> {
        let free = self.free_bytes();
        let status = self.store()?.read(|connection| view::status(connection, &self.link, free))?;
        Ok(Status { rescue: rescue::copy(self), ..status })
    }

    fn say(&self, event: Event) {
        self.events.say(event);
    }

    fn say_status(&self) {
        if self.events.is_heard()
            && let Ok(status) = self.status()
        {
            self.events.say(Event::Status { status: Box::new(status) });
        }
    }

    /// What a person is told, with the room that is left where that is the reason.
    fn problem(&self, error: Error) -> Problem {
        let problem = Problem::from(error);
        let path = self.dir.display().to_string();
        match (problem.code, self.free_bytes()) {
            (Code::DiskFull, Some(free)) if !problem.params.contains_key("freeBytes") => {
                problem.with("freeBytes", free)
            }
            (Code::FolderReadOnly, _) if !problem.params.contains_key("path") => problem.with("path", path),
            _ => problem,
        }
    }
}

/// Takes the folder. The lock is the system's: a process that was killed leaves none behind, whatever files it left.
fn take(dir: &Path) -> Result<File, Error> {
    std::fs::create_dir_all(dir).map_err(Error::io(dir))?;
    restrict(dir)?;
    let path = dir.join("lock");
    let file =
        File::options().create(true).truncate(false).write(true).open(&path).map_err(Error::io(dir))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => {
            Err(Problem::new(Code::StoreInUse).with("path", dir.display().to_string()).into())
        }
        Err(TryLockError::Error(error)) => Err(Error::io(&path)(error)),
    }
}

/// Nobody else of this machine needs to list the folder. Encryption does not depend on it.
#[cfg(unix)]
fn restrict(dir: &Path) -> Result<(), Error> {
    use std::os::unix::fs::PermissionsExt as _;
    let metadata = std::fs::metadata(dir).map_err(Error::io(dir))?;
    let is_empty = std::fs::read_dir(dir).map_err(Error::io(dir))?.next().is_none();
    // Only a folder of our own making: an existing one keeps the permissions somebody gave it.
    if is_empty && metadata.permissions().mode() & 0o077 != 0 {
        std::fs::set_permissions(dir, std::fs::Permissions::from_mode(0o700)).map_err(Error::io(dir))?;
    }
    Ok(())
}

#[cfg(not(unix))]
fn restrict(_dir: &Path) -> Result<(), Error> {
    Ok(())
}
