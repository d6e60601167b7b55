//! Everything that is kept: one trait, so that the decisions above it know no database. All SQL is behind it.
//!
//! A transaction is synchronous: what is decided in it is decided on rows that are locked, and the same code runs on
//! every database. Handlers call it from a blocking thread.

use chrono::{DateTime, Utc};
use domain::conflict::Conflict;
use domain::follow_up::{FollowUp, Held, State};
use domain::history::{Change, ChangeKind, Head};
use domain::person::{PersonCard, Role};
use domain::project::LatestProgress;
use domain::review::Review;
use domain::wire::{Base, DeviceReport, DeviceRow, Waiting};
use domain::{Finding, receipt};
use serde_json::{Map, Value};
use uuid::Uuid;

mod opinions;
pub mod parts;
pub mod sqlite;

pub use opinions::{Opinions, StoredOpinion, StoredStep};

/// Why the database could not do it. Every one of them rolls the transaction back.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database.
    #[error("database: {0}")]
    Database(String),
    /// What is stored is not what it should be.
    #[error("stored data cannot be read: {0}")]
    Corrupt(String),
    /// A file of evidence.
    #[error("evidence: {0}")]
    File(String),
    /// The disk is full.
    #[error("no room left for the database")]
    Full,
    /// Its file cannot be opened to write.
    #[error("the database cannot be written")]
    ReadOnly,
    /// Bytes that have no canonical form.
    #[error(transparent)]
    Bytes(#[from] receipt::ReceiptError),
}

/// Result of the store.
pub type Result<T> = std::result::Result<T, StoreError>;

/// A person in the register.
#[derive(Clone, Debug, PartialEq)]
pub struct Person {
    /// As devices see them.
    pub card: PersonCard,
    /// Identifier of the área.
    pub area_id: String,
}

/// A one-use enrolment code, by its hash.
#[derive(Clone, Debug, PartialEq)]
pub struct Enrolment {
    /// For whom.
    pub person_id: String,
    /// Until when.
    pub expires_at: DateTime<Utc>,
    /// When it was used.
    pub used_at: Option<DateTime<Utc>>,
    /// By which device.
    pub device_id: Option<Uuid>,
}

/// An enrolled device.
#[derive(Clone, Debug, PartialEq)]
pub struct Device {
    /// Identifier.
    pub id: Uuid,
    /// Whom it belongs to.
    pub person_id: String,
    /// Its public key, hexadecimal.
    pub public_key: String,
    /// Last `client_seq` recorded.
    pub last_seq: u64,
    /// When it was revoked.
    pub revoked_at: Option<DateTime<Utc>>,
}

/// A project as stored.
#[derive(Clone, Debug, PartialEq)]
pub struct Project {
    /// Folio.
    pub folio: String,
    /// Title.
    pub title: String,
    /// District, sector or colonia.
    pub place: Option<String>,
    /// Names of its áreas.
    pub areas: Vec<String>,
    /// Latest accepted progress.
    pub progress: Option<LatestProgress>,
    /// Hash of the loaded row: the same row changes nothing.
    pub base_digest: String,
    /// When its page was first published.
    pub published_at: Option<DateTime<Utc>>,
}

/// A contracting process as stored.
#[derive(Clone, Debug, PartialEq)]
pub struct Process {
    /// OCDS identifier.
    pub ocid: String,
    /// Project.
    pub folio: String,
    /// Number of releases.
    pub version: u64,
    /// Compiled release.
    pub compiled: Value,
}

/// A release as stored: immutable.
#[derive(Clone, Debug, PartialEq)]
pub struct Release {
    /// Process.
    pub ocid: String,
    /// Number in its process, from 1.
    pub sequence: u64,
    /// Identifier.
    pub id: String,
    /// `date`.
    pub date: DateTime<Utc>,
    /// What was captured, without stamp.
    pub fragment: Map<String, Value>,
    /// As published.
    pub body: Value,
    /// The follow-up it came from; none for base information.
    pub follow_up: Option<Uuid>,
    /// When it was published.
    pub published_at: Option<DateTime<Utc>>,
}

/// A follow-up as stored.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredFollowUp {
    /// What was captured. Its content holds internal notes: never publish it as a whole.
    pub follow_up: FollowUp,
    /// Operation that brought it.
    pub op_id: Uuid,
    /// Device it came from.
    pub device_id: Uuid,
    /// Author.
    pub person_id: String,
    /// Área of the author.
    pub area_id: String,
    /// State.
    pub state: State,
    /// Why it waits.
    pub held: Option<Held>,
    /// What it was based on.
    pub base: Base,
    /// When the device says it was captured.
    pub captured_at: DateTime<Utc>,
    /// When it was recorded here.
    pub recorded_at: DateTime<Utc>,
    /// When it was accepted or refused.
    pub decided_at: Option<DateTime<Utc>>,
    /// Errors and warnings.
    pub findings: Vec<Finding>,
    /// Where and with whom it disagrees, or did, with what was chosen.
    pub conflict: Option<Conflict>,
    /// Its review; none while nobody has to look at it.
    pub review: Option<Review>,
    /// The release it became.
    pub release_id: Option<String>,
}

/// An operation that was recorded, with the answer that was given.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredOperation {
    /// Operation.
    pub op_id: Uuid,
    /// Device.
    pub device_id: Uuid,
    /// Its number on the device.
    pub client_seq: u64,
    /// Kind, as on the wire.
    pub kind: String,
    /// Hash of the body.
    pub body_hash: String,
    /// The answer, as JSON text: given again byte for byte.
    pub answer: String,
}

/// What is known of a file.
#[derive(Clone, Debug, PartialEq)]
pub struct Evidence {
    /// SHA-256, hexadecimal.
    pub sha256: String,
    /// Bytes.
    pub size: u64,
    /// IANA media type.
    pub media_type: String,
    /// When its bytes were verified.
    pub verified_at: Option<DateTime<Utc>>,
}

/// A follow-up that names a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EvidenceUser {
    /// The follow-up.
    pub follow_up: Uuid,
    /// Its author.
    pub person_id: String,
    /// Bytes it says the file has.
    pub size: u64,
}

/// Work for the background.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Job {
    /// What.
    pub kind: JobKind,
    /// On what: a follow-up's id, a project's folio.
    pub key: String,
    /// Failed attempts.
    pub attempts: u32,
}

/// Longest time until a job that failed is tried again, in seconds.
pub const LONGEST_WAIT: i64 = 3_600;

/// What a job does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JobKind {
    /// Decide a received follow-up.
    Accept,
    /// Publish a project.
    Publish,
}

impl JobKind {
    /// The word in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            JobKind::Accept => "accept",
            JobKind::Publish => "publish",
        }
    }
}

/// A file the catalogue names.
#[derive(Clone, Debug, PartialEq)]
pub struct PublishedFile {
    /// Path from the root of the public site.
    pub path: String,
    /// `release` or `record`.
    pub kind: String,
    /// Process.
    pub ocid: String,
    /// Releases or records in it.
    pub count: u64,
    /// Bytes.
    pub bytes: u64,
    /// SHA-256 of the bytes, hexadecimal.
    pub sha256: String,
    /// When it was written.
    pub changed: DateTime<Utc>,
}

/// An entry to be appended to a stream.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Stream.
    pub stream: String,
    /// Kind of the record.
    pub kind: ChangeKind,
    /// Which record.
    pub record_id: String,
    /// Its full state.
    pub state: Value,
}

/// The database of one municipality.
pub trait Store: Send + Sync + 'static {
    /// Begins a transaction that may write. Only one runs at a time on the rows it touches; dropping it undoes it.
    fn begin(&self) -> Result<Box<dyn Tx + '_>>;
    /// Begins a transaction that only reads, on a state that does not change under it.
    fn read(&self) -> Result<Box<dyn Tx + '_>>;
}

/// One transaction.
pub trait Tx: Opinions + parts::Parts {
    /// Makes it durable. Returning means that it is on the disk.
    fn commit(self: Box<Self>) -> Result<()>;

    /// Marks a place in it, to which what follows can be taken back. One at a time.
    fn mark(&self) -> Result<()>;
    /// What was done since the mark stays, if the transaction does.
    fn keep(&self) -> Result<()>;
    /// What was done since the mark is undone. An error: there is no mark any more, because the database undid more
    /// than that by itself.
    fn take_back(&self) -> Result<()>;

    /// A value of the endpoint itself (epoch, schema marks).
    fn meta(&self, key: &str) -> Result<Option<String>>;
    /// Sets one.
    fn set_meta(&self, key: &str, value: &str) -> Result<()>;

    /// Makes an área if it is new; gives its identifier.
    fn ensure_area(&self, name: &str) -> Result<String>;
    /// Name of an área.
    fn area_name(&self, id: &str) -> Result<Option<String>>;

    /// Adds a person.
    fn add_person(&self, person: &Person, now: DateTime<Utc>) -> Result<()>;
    /// A person.
    fn person(&self, id: &str) -> Result<Option<Person>>;
    /// Everybody, by área and name.
    fn people(&self) -> Result<Vec<Person>>;
    /// Notes that a person finished the training.
    fn set_trained(&self, id: &str) -> Result<()>;
    /// Whether there is somebody with this name, role and área.
    fn person_named(&self, name: &str, role: Role, area_id: &str) -> Result<Option<String>>;

    /// Keeps the hash of a code.
    fn add_code(
        &self,
        code_hash: &str,
        person_id: &str,
        now: DateTime<Utc>,
        expires: DateTime<Utc>,
    ) -> Result<()>;
    /// A code by its hash.
    fn code(&self, code_hash: &str) -> Result<Option<Enrolment>>;
    /// Marks a code as used.
    fn use_code(&self, code_hash: &str, device_id: Uuid, now: DateTime<Utc>) -> Result<()>;

    /// Enrols a device.
    fn add_device(&self, device: &Device, name: &str, app_version: &str, now: DateTime<Utc>) -> Result<()>;
    /// A device; locks its row until the transaction ends.
    fn device(&self, id: Uuid) -> Result<Option<Device>>;
    /// Revokes a device; gives whether there was one.
    fn revoke_device(&self, id: Uuid, now: DateTime<Utc>) -> Result<bool>;
    /// Keeps what a device said of itself.
    fn report_device(&self, id: Uuid, report: &DeviceReport, now: DateTime<Utc>) -> Result<()>;
    /// Notes that a device spoke.
    fn contact_device(&self, id: Uuid, now: DateTime<Utc>) -> Result<()>;
    /// Notes the last number and receipt of a device.
    fn advance_device(&self, id: Uuid, last_seq: u64, receipt: bool, now: DateTime<Utc>) -> Result<()>;
    /// Every device with whom it belongs to and what it still holds.
    fn devices(&self) -> Result<Vec<DeviceRow>>;

    /// Keeps a nonce.
    fn add_nonce(&self, nonce: &str, device_id: Uuid, expires: DateTime<Utc>) -> Result<()>;
    /// Takes a nonce: it is gone after this. Gives whether it was there and fresh.
    fn take_nonce(&self, nonce: &str, device_id: Uuid, now: DateTime<Utc>) -> Result<bool>;
    /// Keeps the hash of a token and forgets what expired.
    fn add_token(
        &self,
        token_hash: &str,
        device_id: Uuid,
        now: DateTime<Utc>,
        expires: DateTime<Utc>,
    ) -> Result<()>;
    /// Whose token it is, if it is valid.
    fn token(&self, token_hash: &str, now: DateTime<Utc>) -> Result<Option<Uuid>>;

    /// A project.
    fn project(&self, folio: &str) -> Result<Option<Project>>;
    /// Every project, by folio.
    fn projects(&self) -> Result<Vec<Project>>;
    /// Adds or replaces a project.
    fn put_project(&self, project: &Project) -> Result<()>;
    /// The processes of a project, by ocid.
    fn processes(&self, folio: &str) -> Result<Vec<Process>>;
    /// A process; locks its row until the transaction ends.
    fn process(&self, ocid: &str) -> Result<Option<Process>>;
    /// The ocid of each process of a project and how many releases it has: what a process is at a number never changes.
    fn versions(&self, folio: &str) -> Result<Vec<(String, u64)>>;
    /// Adds or replaces a process.
    fn put_process(&self, process: &Process) -> Result<()>;

    /// Adds a release. One with the same number or id is an error: effects happen once.
    fn add_release(&self, release: &Release) -> Result<()>;
    /// The releases of a process, oldest first.
    fn releases(&self, ocid: &str) -> Result<Vec<Release>>;
    /// Marks the releases of a process up to a number as published.
    fn mark_published(&self, ocid: &str, up_to: u64, now: DateTime<Utc>) -> Result<()>;

    /// Adds a follow-up with the files it needs.
    fn add_follow_up(&self, follow_up: &StoredFollowUp) -> Result<()>;
    /// Replaces state, reasons and release of a follow-up.
    fn update_follow_up(&self, follow_up: &StoredFollowUp) -> Result<()>;
    /// A follow-up.
    fn follow_up(&self, id: Uuid) -> Result<Option<StoredFollowUp>>;
    /// A follow-up by its operation.
    fn follow_up_of_op(&self, op_id: Uuid) -> Result<Option<StoredFollowUp>>;
    /// A follow-up by its folio.
    fn follow_up_by_folio(&self, folio: &str) -> Result<Option<StoredFollowUp>>;
    /// The follow-ups of a project, oldest first.
    fn follow_ups(&self, project: &str) -> Result<Vec<StoredFollowUp>>;
    /// Whether a project has a follow-up in a state.
    fn any_follow_up(&self, project: &str, state: State) -> Result<bool>;
    /// The follow-ups of a process that are in conflict.
    fn in_conflict(&self, ocid: &str) -> Result<Vec<Uuid>>;
    /// Received follow-ups of a person that wait for another of their own.
    fn waiting_after(&self, person_id: &str) -> Result<Vec<Uuid>>;
    /// Received follow-ups that wait for somebody to review them.
    fn waiting_for_review(&self) -> Result<Vec<Uuid>>;
    /// Every received follow-up of a person.
    fn received_of(&self, person_id: &str) -> Result<Vec<Uuid>>;
    /// How many follow-ups are in each state.
    fn counts(&self) -> Result<std::collections::BTreeMap<String, u64>>;

    /// An operation by its id.
    fn operation(&self, op_id: Uuid) -> Result<Option<StoredOperation>>;
    /// Records an operation with its answer.
    fn add_operation(&self, operation: &StoredOperation, now: DateTime<Utc>) -> Result<()>;

    /// Appends entries, each stream in its order, and gives the position of each. The heads are taken last in the
    /// transaction, in sorted order of stream: call it once, at the end.
    fn append(&self, entries: Vec<Entry>, now: DateTime<Utc>) -> Result<Vec<Head>>;
    /// Head of a stream.
    fn head(&self, stream: &str) -> Result<Head>;
    /// Every stream.
    fn streams(&self) -> Result<Vec<String>>;
    /// Changes of a stream after a number.
    fn changes(&self, stream: &str, after: u64, limit: usize) -> Result<Vec<Change>>;
    /// The last change of every record that is in a stream at a number, in the order of the numbers, one by one until
    /// `each` says that it is enough.
    fn latest(&self, stream: &str, at: u64, each: &mut dyn FnMut(Change) -> bool) -> Result<()>;

    /// A file.
    fn evidence(&self, sha256: &str) -> Result<Option<Evidence>>;
    /// Announces a file, or says whether it is verified.
    fn put_evidence(&self, evidence: &Evidence) -> Result<()>;
    /// Follow-ups that name a file.
    fn evidence_users(&self, sha256: &str) -> Result<Vec<EvidenceUser>>;
    /// Files of a follow-up that are not here: how many, how many bytes.
    fn missing_files(&self, follow_up: Uuid) -> Result<(u32, u64)>;

    /// Queues a job; one that is queued already stays one, with its attempts at zero.
    fn queue(&self, kind: JobKind, key: &str, now: DateTime<Utc>) -> Result<()>;
    /// Jobs whose time has come, oldest first. A time farther away than any that is ever given was set by a clock that
    /// was ahead, and is not waited for.
    fn jobs(&self, kind: JobKind, now: DateTime<Utc>, limit: usize) -> Result<Vec<Job>>;
    /// How many jobs there are, whenever their time comes.
    fn queued(&self) -> Result<u64>;
    /// Takes a job off the queue.
    fn finish_job(&self, kind: JobKind, key: &str) -> Result<()>;
    /// Keeps why a job failed, and when to try it again.
    fn fail_job(&self, kind: JobKind, key: &str, error: &str, again: DateTime<Utc>) -> Result<()>;

    /// What the catalogue names, by path.
    fn published_files(&self) -> Result<Vec<PublishedFile>>;
    /// Adds a file to the catalogue. A record takes the place of the earlier one of its process: the earlier file
    /// stays where it is, the catalogue names the present one.
    fn put_published_file(&self, file: &PublishedFile) -> Result<()>;

    /// Every file whose bytes were verified, by hash.
    fn evidence_files(&self) -> Result<Vec<Evidence>>;
    /// Values of the endpoint itself whose key begins with `prefix`, by key; the keys without it.
    fn metas(&self, prefix: &str) -> Result<Vec<(String, String)>>;
    /// What is here came out of a backup: a new epoch begins. How far each process had come is kept under the epoch
    /// that ended, and every session is over.
    fn begin_epoch(&self, ended: Uuid, epoch: Uuid, now: DateTime<Utc>) -> Result<()>;
    /// How many releases of a process, of those a device knew in an epoch that ended, were in the backup.
    fn known_in(&self, ended: Uuid, ocid: &str) -> Result<u64>;

    /// Adds the note of a run; gives its number.
    fn add_run(&self, note: &Value, now: DateTime<Utc>) -> Result<u64>;
}

/// What a device row says is still out.
pub fn waiting_of(text: &str) -> Result<Vec<Waiting>> {
    serde_json::from_str(text).map_err(|error| StoreError::Corrupt(format!("waiting: {error}")))
}
