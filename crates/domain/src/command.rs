//! What a window may ask of the client: one list of commands, each a name, a request and a response. The window, the
//! browser used by tests and the command line all go through it; TypeScript bindings are made from it.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use ts_rs::TS;
use uuid::Uuid;

use crate::Finding;
use crate::alert::{Alert, Light};
use crate::conflict::{Conflict, Resolution};
use crate::evidence::MediaType;
use crate::follow_up::{FollowUpState, Percent, Stage, State};
use crate::form::{Form, Values};
use crate::person::PersonCard;
use crate::place::{Bounds, Position};
use crate::problem::Problem;
use crate::project::ProjectState;
use crate::receipt::Receipt;
use crate::wire::{DeviceRow, MunicipalityCard};

mod opinion;
mod rescue;
mod review;
pub use opinion::*;
pub use rescue::*;
pub use review::*;

macro_rules! commands {
    ($($(#[doc = $doc:literal])* $name:ident: $request:ty => $response:ty;)*) => {
        /// Every command by name.
        pub const COMMANDS: &[&str] = &[$(stringify!($name)),*];

        /// One command with its request, as it is read from a name and a payload.
        #[derive(Debug)]
        pub enum Command { $($(#[doc = $doc])* #[expect(non_camel_case_types, reason = "the variant is the name on the wire")] $name($request),)* }

        impl Command {
            /// Reads a command; a payload that is not the expected one is `command_invalid`.
            pub fn read(name: &str, payload: Value) -> Result<Command, Problem> {
                match name {
                    $(stringify!($name) => serde_json::from_value::<$request>(payload).map(Command::$name).map_err(|error| {
                        Problem::new(crate::problem::Code::CommandInvalid).with("name", name).with("detail", error.to_string())
                    }),)*
                    _ => Err(Problem::new(crate::problem::Code::CommandInvalid).with("name", name)),
                }
            }
        }

        /// The map of commands as a TypeScript interface: `Commands["name"]["request" | "response"]`.
        pub fn typescript(config: &ts_rs::Config) -> String {
            let mut text = String::from("export interface Commands {\n");
            $(text.push_str(&format!("  {}: {{ request: {}; response: {} }};\n", stringify!($name), <$request as TS>::name(config), <$response as TS>::name(config)));)*
            text.push_str("}\n");
            text
        }
    };
}

commands! {
    /// Where this equipment stands: to unlock, to enrol, or ready.
    app_state: Nothing => AppState;
    /// Opens the store with its passphrase, or makes it with this one on a first start.
    unlock: Unlock => AppState;
    /// Enrols this equipment with a one-use code.
    enrol: Enrol => AppState;
    /// The projects in scope, searched by folio, title or place.
    projects: ProjectQuery => Vec<ProjectRow>;
    /// One project with its history.
    project: ProjectOf => ProjectDetail;
    /// A page of the list of projects, each with its semáforo and the cause of it.
    project_list: ProjectListQuery => ProjectList;
    /// Projects that became another área's and left the list, until the person has read it.
    departures: Nothing => Vec<Departure>;
    /// The person has read of them.
    departures_seen: Nothing => Done;
    /// The person's follow-ups by state, drafts first.
    tray: Nothing => Tray;
    /// Starts a draft with the form of a stage.
    draft_new: DraftNew => Draft;
    /// Opens a draft.
    draft_open: DraftOf => Draft;
    /// Saves what was typed. Called while typing; answers what is missing or wrong.
    draft_save: DraftSave => Draft;
    /// Puts a draft in the tray of discarded ones, where it stays 30 days.
    draft_discard: DraftOf => Done;
    /// Takes a draft out of the tray of discarded ones.
    draft_restore: DraftOf => Draft;
    /// Earlier states of a draft, newest first.
    draft_versions: DraftOf => DraftVersions;
    /// Makes an earlier state the draft; the state it was in is kept as a version.
    draft_version_restore: DraftVersionOf => Draft;
    /// Marks a draft ready: it is checked, made immutable and queued.
    draft_ready: DraftOf => Sent;
    /// Attaches files by their path (drag and drop, dialog).
    evidence_add_paths: EvidencePaths => Draft;
    /// Attaches bytes (pasted picture, browser), base64.
    evidence_add_bytes: EvidenceBytes => Draft;
    /// Changes type or title of a file.
    evidence_set: EvidenceSet => Draft;
    /// Takes a file out of a draft.
    evidence_remove: EvidenceOf => Draft;
    /// Attaches a file that was taken out of a draft again: its bytes are still here.
    evidence_again: EvidenceSet => Draft;
    /// A small picture of a file, as a data URL.
    evidence_thumbnail: Hash => Thumbnail;
    /// Answers what a photograph offers: its day and its place go into the draft, or do not.
    evidence_answer: PhotoAnswer => Draft;
    /// The conflicts that this equipment is shown, open ones first.
    conflicts: Nothing => Vec<ConflictRow>;
    /// Chooses between two values that disagree; queued like a follow-up.
    choose: Choose => Sent;
    /// Follow-ups that are or were under review; or one follow-up, with what it changes.
    reviews: ReviewsOf => Vec<ReviewRow>;
    /// Accepts, observes, rejects or answers; each is queued like a follow-up, with a result of its own.
    review: ReviewActs => Vec<ReviewSent>;
    /// Starts a draft that corrects a follow-up, with what was sent in it.
    correct: Correct => Draft;
    /// What the person said of the program, with what became of it, and what they began to write.
    opinions: Nothing => Opinions;
    /// Keeps what is being written, so that closing the window loses nothing; a blank text is forgotten.
    opinion_keep: OpinionDraft => Done;
    /// Queues an opinion or a problem; what was being written is done with.
    opinion_send: OpinionNew => Sent;
    /// The queue, the last receipt, the connection.
    status: Nothing => Status;
    /// Sends now.
    send_now: Nothing => Status;
    /// The receipt of a follow-up.
    receipt: FollowUpOf => ReceiptView;
    /// The receipt as a page to print, with its code and its data inside.
    receipt_pdf: FollowUpOf => ReceiptPdf;
    /// The equipment of the municipality and what is still on it (coordination).
    devices: Nothing => Vec<DeviceRow>;
    /// Whether files wait because the connection is metered. Text goes in any case.
    set_text_only: TextOnly => Status;
    /// What can be shown on a map here: the tiles, where the projects are, the colonias.
    map_info: Nothing => MapInfo;
    /// One tile of the map of this equipment.
    map_tile: TileOf => Tile;
    /// Relay by USB: what it would take along, and the last one that was made.
    relay: Nothing => RelayState;
    /// Makes a relay: a sealed file for somebody else to carry.
    relay_export: RelayPath => RelayMade;
    /// Takes a relay of any device to the endpoint and saves the answer beside it.
    relay_upload: RelayPath => RelayCarried;
    /// Reads the answer to a relay of this device.
    relay_import: RelayPath => RelayTaken;

    /// The people of this equipment. Needs no passphrase.
    profiles: Nothing => Vec<ProfileCard>;
    /// Another person sits down: the store that is open is closed, and that of this person waits for its passphrase.
    profile_choose: ProfileOf => AppState;
    /// Nobody works here any more: the store that is open is closed, and somebody chooses who they are.
    profile_leave: Nothing => AppState;
    /// Adds a person with a store of their own, open and to be enrolled; the store that was open is closed.
    profile_add: ProfileAdd => AppState;
    /// Takes a profile that is not open away: it can be brought back. Needs no passphrase.
    profile_remove: ProfileOf => AppState;
    /// Profiles that were taken away.
    profiles_removed: Nothing => Vec<RemovedCard>;
    /// Brings one back.
    profile_bring_back: ProfileOf => AppState;
    /// Deletes one for good, once its days are over.
    profile_delete: ProfileOf => Vec<RemovedCard>;
    /// What a rescue file of a profile would have. Needs no passphrase.
    rescue: RescueOf => RescueState;
    /// Makes a rescue file: what is only in a profile, sealed for the endpoint. Needs no passphrase.
    rescue_export: RescueExport => RescueMade;
    /// Gives the drafts of a rescue back to their author: `borradores.json` of the folder that the endpoint wrote.
    rescue_take_back: RelayPath => RescueTaken;
    /// Another name for the profile that is open.
    profile_rename: ProfileName => AppState;
    /// Closes the store until its passphrase is typed. Nothing is sent or fetched meanwhile.
    lock: Nothing => AppState;
    /// After how long without a key or a pointer the window locks itself.
    set_lock_after: LockAfter => AppState;
    /// Another passphrase for the profile that is open.
    passphrase_change: PassphraseChange => Done;
    /// Makes a recovery code, with the page to print. One made before opens nothing any more.
    recovery_new: Unlock => RecoveryPage;
    /// The person has the code on paper.
    recovery_kept: Nothing => AppState;
    /// Opens the store of a forgotten passphrase with its recovery code, and gives it a new passphrase.
    recover: Recover => AppState;
}

/// Fewest and most minutes without a key or a pointer after which the window may lock itself.
pub const LOCK_MINUTES: std::ops::RangeInclusive<u32> = 1..=240;
/// How many they are until somebody says otherwise.
pub const LOCK_MINUTES_AT_FIRST: u32 = 15;

/// No request.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize, TS)]
pub struct Nothing {}

/// It was done.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize, TS)]
pub struct Done {}

/// Where this equipment stands.
#[expect(
    clippy::large_enum_variant,
    reason = "one is made per question of the window; a box would only hide it"
)]
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case", tag = "stage")]
pub enum AppState {
    /// Several people work here: somebody says who they are.
    Choose {
        /// The people of this equipment.
        profiles: Vec<ProfileCard>,
    },
    /// The store needs its passphrase; `new` when there is no store yet and this one will be made.
    Locked {
        /// No store yet.
        new: bool,
        /// Whose it is; none on an equipment that nobody has used.
        profile: Option<String>,
    },
    /// Open, without a device identity.
    NotEnrolled {
        /// Whose store it is.
        profile: String,
        /// Endpoint written by the administration beside the program, if any.
        server: Option<String>,
    },
    /// Ready to work.
    Ready {
        /// Name of the profile, as it is told from the others on this equipment.
        profile: String,
        /// Minutes without a key or a pointer after which the window locks itself.
        lock_minutes: u32,
        /// Whether a forgotten passphrase could be replaced.
        recovery: RecoveryCode,
        /// Who works here.
        person: PersonCard,
        /// For which municipality.
        municipality: MunicipalityCard,
        /// Central endpoint.
        server: String,
        /// Name of this equipment.
        device: String,
        /// Version of the program.
        version: String,
        /// The day it is in the municipality, `yyyy-mm-dd`.
        today: String,
        /// Stages that can be captured here, with the title of their form.
        forms: Vec<FormCard>,
        /// Document types to choose from when a file is attached.
        document_types: Vec<crate::form::Choice>,
    },
}

/// A form that can be captured.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
pub struct FormCard {
    /// Stage.
    pub stage: Stage,
    /// Title.
    pub title: crate::form::Text,
    /// Version of it that new drafts get.
    pub version: u32,
    /// The fields of its parts that are always open: the columns where many projects are captured at once.
    pub columns: Vec<crate::form::Field>,
}

/// Opens or makes the store.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
pub struct Unlock {
    /// Passphrase, at least 8 characters on a new store.
    pub passphrase: String,
}

/// What a forgotten passphrase would be replaced with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum RecoveryCode {
    /// Nothing: no code was made.
    None,
    /// A code was made, and nobody said that it is on paper.
    Made,
    /// A code is on paper.
    Kept,
}

/// A person of this equipment: what can be said without a passphrase.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct ProfileCard {
    /// Identifier on this equipment.
    pub id: String,
    /// As the person called it.
    pub name: String,
    /// When a window opened it last.
    pub used_at: Option<DateTime<Utc>>,
}

/// Which person of this equipment.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
pub struct ProfileOf {
    /// Identifier.
    pub id: String,
}

/// Adds a person to this equipment.
#[derive(Clone, Serialize, Deserialize, TS)]
pub struct ProfileAdd {
    /// How the others will know whose it is.
    pub name: String,
    /// Passphrase, at least 8 characters.
    pub passphrase: String,
}

/// A name for a profile.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
pub struct ProfileName {
    /// The name.
    pub name: String,
}

/// When a window locks itself.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, TS)]
pub struct LockAfter {
    /// Minutes without a key or a pointer; see [`LOCK_MINUTES`].
    pub minutes: u32,
}

/// Changes a passphrase.
#[derive(Clone, Serialize, Deserialize, TS)]
pub struct PassphraseChange {
    /// The one in force.
    pub old: String,
    /// The next one, at least 8 characters.
    pub new: String,
}

/// Replaces a forgotten passphrase.
#[derive(Clone, Serialize, Deserialize, TS)]
pub struct Recover {
    /// The code, as it is on paper; case, spaces and dashes do not matter.
    pub code: String,
    /// The new passphrase, at least 8 characters.
    pub passphrase: String,
}

/// A recovery code, once: it cannot be shown again.
#[derive(Clone, Serialize, Deserialize, TS)]
pub struct RecoveryPage {
    /// In groups.
    pub code: String,
    /// Proposed name of the page.
    pub name: String,
    /// The page to print, in base64.
    pub base64: String,
}

// Written by hand so that a passphrase or a code never reaches a log.
macro_rules! secret {
    ($($of:ident),*) => {
        $(impl std::fmt::Debug for $of {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.debug_struct(stringify!($of)).finish_non_exhaustive()
            }
        })*
    };
}
secret!(ProfileAdd, PassphraseChange, Recover, RecoveryPage);

/// Enrols this equipment.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
pub struct Enrol {
    /// Address of the central endpoint.
    pub server: String,
    /// One-use code.
    pub code: String,
    /// How people call this equipment; its host name when blank.
    #[serde(default)]
    pub device: String,
}

/// Which projects.
#[derive(Clone, Debug, Default, Serialize, Deserialize, TS)]
pub struct ProjectQuery {
    /// Words to find in folio, title or place; accents and case are ignored. Blank finds all.
    #[serde(default)]
    pub text: String,
}

/// A project in the list.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct ProjectRow {
    /// Folio.
    pub folio: String,
    /// Title.
    pub title: String,
    /// Process of the project, when it has exactly one; else the first.
    pub ocid: String,
    /// District, sector or colonia.
    pub place: Option<String>,
    /// Áreas.
    pub areas: Vec<String>,
    /// Approved budget.
    #[ts(type = "{ amount: number; currency: string } | null")]
    pub budget: Option<Value>,
    /// Physical progress: planned and actual, of the latest follow-up, sent or not.
    pub physical: Option<Percent>,
    /// Financial progress.
    pub financial: Option<Percent>,
    /// Day of the latest visit, `yyyy-mm-dd`.
    pub visited_on: Option<String>,
    /// Follow-ups of this project that were marked ready and are only on this equipment. Drafts are not counted.
    pub waiting: u32,
    /// A draft of this project, the newest.
    pub draft: Option<Uuid>,
    /// Where it is, as far as its releases or what was captured here say.
    pub position: Option<Position>,
}

/// Which page of the list of projects.
#[derive(Clone, Debug, Default, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct ProjectListQuery {
    /// Beginnings of words of folio, title, place or provider, all of which must be there. Blank finds all.
    #[serde(default)]
    pub text: String,
    /// Only with this light.
    #[serde(default)]
    pub light: Option<Light>,
    /// Only in this stage.
    #[serde(default)]
    pub stage: Option<Stage>,
    /// Only of this área.
    #[serde(default)]
    pub area: Option<String>,
    /// Only with something of this equipment.
    #[serde(default)]
    pub here: Option<Here>,
    /// The most urgent first; by folio otherwise.
    #[serde(default)]
    pub urgent: bool,
    /// How many are passed over.
    #[serde(default)]
    pub offset: u32,
    /// How many at most; 100 when it is 0, and never more than 1,000.
    #[serde(default)]
    pub limit: u32,
}

/// What of a project is only on this equipment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum Here {
    /// A draft.
    Draft,
    /// Something marked ready.
    Waiting,
}

/// A page of the list of projects.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct ProjectList {
    /// Rows of the page.
    pub rows: Vec<ListedProject>,
    /// How many match.
    pub total: u32,
    /// How many projects are here at all.
    pub known: u32,
    /// How many with each light, of all that are here.
    pub lights: BTreeMap<String, u32>,
    /// Áreas to choose from.
    pub areas: Vec<String>,
}

/// A project with its light.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct ListedProject {
    /// In the list.
    #[serde(flatten)]
    pub row: ProjectRow,
    /// Stage that it reached.
    pub stage: Option<Stage>,
    /// Semáforo.
    pub light: Light,
    /// Day of the last follow-up, sent or not.
    pub last_on: Option<String>,
    /// Why, most urgent first; none when it is in order.
    pub alerts: Vec<Alert>,
}

/// A project that left the list.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct Departure {
    /// Folio.
    pub folio: String,
    /// Title.
    pub title: String,
    /// When this equipment learned of it.
    pub left_at: DateTime<Utc>,
    /// Own follow-ups on it that are only here and stay: drafts, and what was marked ready.
    pub here: u32,
}

/// Which project.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
pub struct ProjectOf {
    /// Folio.
    pub folio: String,
}

/// One project.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct ProjectDetail {
    /// In the list.
    pub row: ProjectRow,
    /// As the central endpoint knows it.
    pub project: ProjectState,
    /// Compiled release of the process with what is still here laid upon it.
    #[ts(type = "any")]
    pub compiled: Value,
    /// Follow-ups, newest first: own ones on this equipment and those of the área.
    pub follow_ups: Vec<FollowUpRow>,
    /// What is late and why, most urgent first.
    pub alerts: Vec<Alert>,
}

/// A follow-up in a list.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct FollowUpRow {
    /// Identifier; also of its draft.
    pub id: Uuid,
    /// Folio; a draft has it already.
    pub folio: String,
    /// Folio of the project.
    pub project: String,
    /// Title of the project.
    pub title: String,
    /// Stage.
    pub stage: Stage,
    /// State.
    pub state: State,
    /// Day of the visit.
    pub visited_on: Option<String>,
    /// Physical progress.
    pub physical: Option<Percent>,
    /// Financial progress.
    pub financial: Option<Percent>,
    /// When it was captured or last changed.
    pub at: DateTime<Utc>,
    /// Whether it was captured on this equipment.
    pub own: bool,
    /// Fields still missing in a draft.
    pub missing: u32,
    /// Files attached.
    pub files: u32,
    /// Files the central endpoint does not have yet.
    pub files_waiting: u32,
    /// Bytes of those.
    pub bytes_waiting: u64,
    /// Why it could not be sent last time.
    pub problem: Option<Problem>,
    /// What the central endpoint said of it.
    pub central: Option<FollowUpState>,
    /// What was said not to exist. It is internal: only of what was captured here.
    pub lacking: Vec<Lack>,
}

/// A datum that somebody said does not exist.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct Lack {
    /// Title of its field.
    pub field: crate::form::Text,
    /// Why.
    pub reason: crate::form::Text,
}

/// The person's follow-ups.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct Tray {
    /// How many by state (`draft`, `ready`, …).
    pub counts: BTreeMap<String, u32>,
    /// Rows: drafts, then what waits, then what arrived; newest first within each.
    pub rows: Vec<FollowUpRow>,
    /// Discarded drafts that can still be taken back.
    pub discarded: Vec<FollowUpRow>,
    /// What waits for the person, most urgent first.
    pub todo: Vec<Todo>,
    /// District, sector or colonia of the projects that are named here, by folio.
    pub places: BTreeMap<String, String>,
}

/// Why something waits for the person.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum TodoKind {
    /// A follow-up disagrees with another; somebody chooses.
    Conflict,
    /// A follow-up came back with observations.
    Observed,
    /// A project has alerts.
    Alert,
}

/// Something that waits for the person.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct Todo {
    /// Why.
    pub kind: TodoKind,
    /// Folio of the project.
    pub project: String,
    /// Title of the project.
    pub title: String,
    /// The follow-up, where it is about one.
    pub id: Option<Uuid>,
    /// Its folio.
    pub folio: Option<String>,
    /// Days that it has been so; of what is about to end, the days that are left.
    pub days: i64,
    /// Until when it should be attended, `yyyy-mm-dd`.
    pub due: Option<String>,
    /// Light of the project.
    pub light: Light,
    /// The causes, most urgent first; of an observation none: they are with the follow-up.
    pub alerts: Vec<Alert>,
    /// Findings of the central endpoint on the follow-up.
    pub findings: u32,
}

/// Starts a draft.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
pub struct DraftNew {
    /// Folio of the project.
    pub folio: String,
    /// Stage; chooses the form.
    pub stage: Stage,
}

/// Which draft.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
pub struct DraftOf {
    /// Identifier.
    pub id: Uuid,
}

/// What was typed.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
pub struct DraftSave {
    /// Draft.
    pub id: Uuid,
    /// Changed fields only, as typed; a blank value clears the field.
    pub values: Values,
}

/// Why a state of a draft was kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum VersionReason {
    /// After some minutes of typing.
    Typing,
    /// Another session had left it so: the program was closed, or it died.
    Session,
    /// Before several fields, or a long text, were cleared.
    Cleared,
    /// Before a file was taken out.
    File,
    /// Before another version took its place.
    Restored,
}

/// An earlier state of a draft.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct DraftVersion {
    /// Number of the version in its draft, from 1.
    pub number: u32,
    /// When it was the newest for the last time.
    pub saved_at: DateTime<Utc>,
    /// Why it was kept.
    pub reason: VersionReason,
    /// What was typed.
    pub values: Values,
    /// Fields that say something else now.
    pub changed: Vec<String>,
    /// How many files it had.
    pub files: u32,
    /// Whether the files are others now.
    pub files_changed: bool,
}

/// Earlier states of a draft.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
pub struct DraftVersions {
    /// Newest first.
    pub versions: Vec<DraftVersion>,
}

/// Which earlier state.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
pub struct DraftVersionOf {
    /// Draft.
    pub id: Uuid,
    /// Number of the version.
    pub number: u32,
}

/// A finding beside its field.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct FieldFinding {
    /// Field of the form, or none when it is about the whole.
    pub field: Option<String>,
    /// Rule, severity and values.
    #[ts(
        type = "{ pointer: string; rule: string; severity: \"error\" | \"warning\"; params: Record<string, any> }"
    )]
    pub finding: Finding,
}

/// A file of a draft.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct AttachedFile {
    /// SHA-256, hexadecimal.
    pub sha256: String,
    /// Name it had, shown here only.
    pub name: String,
    /// Bytes.
    pub size: u64,
    /// Kind.
    pub media_type: MediaType,
    /// Document type.
    pub document_type: String,
    /// Title.
    pub title: Option<String>,
    /// The photograph as it was chosen, when it was made smaller to be kept.
    pub original: Option<OriginalFile>,
    /// What the photograph says of itself and the draft does not say yet.
    pub offer: Option<PhotoOffer>,
}

/// A photograph before it was made smaller. Its bytes are not kept; whoever has them can show by this hash that they are
/// the ones.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct OriginalFile {
    /// SHA-256, hexadecimal.
    pub sha256: String,
    /// Bytes.
    pub size: u64,
}

/// What a photograph says of itself and a draft has a field for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct PhotoOffer {
    /// Day it was taken, `yyyy-mm-dd`.
    pub date: Option<String>,
    /// Where it was taken, as it would be typed.
    pub place: Option<String>,
}

/// Answers an offer. What is not taken is not offered again.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
pub struct PhotoAnswer {
    /// Draft.
    pub id: Uuid,
    /// File.
    pub sha256: String,
    /// Its day becomes the day of the visit.
    pub date: bool,
    /// Its place becomes the place.
    pub place: bool,
}

/// A draft with everything the form shows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct Draft {
    /// Identifier.
    pub id: Uuid,
    /// Folio it will have.
    pub folio: String,
    /// Project.
    pub project: ProjectRow,
    /// Its form.
    pub form: Form,
    /// As typed.
    pub values: Values,
    /// Value of the last follow-up beside each field that has one, as text.
    pub last: BTreeMap<String, String>,
    /// Day of that last follow-up.
    pub last_on: Option<String>,
    /// How a number, an amount or a day was read, where it was not typed that way.
    pub understood: BTreeMap<String, String>,
    /// A newer version of the form, which new drafts get.
    pub newer_form: Option<u32>,
    /// What is missing or wrong, with the rules of the central endpoint.
    pub findings: Vec<FieldFinding>,
    /// Required fields that are blank.
    pub missing: u32,
    /// Files.
    pub files: Vec<AttachedFile>,
    /// When it was last saved.
    pub saved_at: DateTime<Utc>,
    /// The follow-up that it corrects.
    pub corrects: Option<Corrected>,
}

/// Attaches files by path.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct EvidencePaths {
    /// Draft.
    pub id: Uuid,
    /// Paths chosen by the person.
    pub paths: Vec<String>,
    /// Document type; by content when blank.
    #[serde(default)]
    pub document_type: Option<String>,
}

/// Attaches bytes.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct EvidenceBytes {
    /// Draft.
    pub id: Uuid,
    /// Name to show.
    pub name: String,
    /// Bytes, base64.
    pub base64: String,
    /// Document type; by content when blank.
    #[serde(default)]
    pub document_type: Option<String>,
}

/// Changes type or title of a file.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct EvidenceSet {
    /// Draft.
    pub id: Uuid,
    /// File.
    pub sha256: String,
    /// Document type.
    pub document_type: String,
    /// Title; none when blank.
    #[serde(default)]
    pub title: Option<String>,
}

/// A file of a draft.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
pub struct EvidenceOf {
    /// Draft.
    pub id: Uuid,
    /// File.
    pub sha256: String,
}

/// A file.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
pub struct Hash {
    /// SHA-256, hexadecimal.
    pub sha256: String,
}

/// A small picture.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
pub struct Thumbnail {
    /// `data:image/jpeg;base64,…`, or none for a document.
    pub url: Option<String>,
}

/// A follow-up was queued.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
pub struct Sent {
    /// Its folio.
    pub folio: String,
}

/// A follow-up.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
pub struct FollowUpOf {
    /// Identifier.
    pub id: Uuid,
}

/// A conflict with what this person may do about it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct ConflictRow {
    /// The follow-up that is or was held.
    pub id: Uuid,
    /// Its folio.
    pub folio: String,
    /// Folio of the project.
    pub project: String,
    /// Title of the project.
    pub title: String,
    /// Process.
    pub ocid: String,
    /// State of the follow-up at the central endpoint.
    pub state: State,
    /// The record.
    pub conflict: Conflict,
    /// Names of the authors, by operation, as far as this person may see them.
    #[ts(type = "Record<string, string>")]
    pub names: BTreeMap<Uuid, String>,
    /// What this person may choose now; none when it is closed or a choice is on its way.
    pub may: Vec<Resolution>,
    /// The last choice made on this equipment that is not the one that closed it.
    pub own: Option<OwnChoice>,
}

/// A choice made on this equipment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct OwnChoice {
    /// What was chosen.
    pub resolution: Resolution,
    /// Why.
    pub reason: String,
    /// When.
    pub at: DateTime<Utc>,
    /// `ready` or `parked` while it is only here, `received`, or `rejected`: then the conflict stays open.
    pub state: State,
    /// Why it was rejected.
    #[ts(
        type = "{ pointer: string; rule: string; severity: \"error\" | \"warning\"; params: Record<string, any> }[]"
    )]
    pub findings: Vec<Finding>,
    /// Why it could not be sent last time.
    pub problem: Option<Problem>,
}

/// Chooses between two values that disagree.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
pub struct Choose {
    /// The follow-up that is held.
    pub id: Uuid,
    /// What is chosen for it as a whole.
    pub resolution: Resolution,
    /// Why.
    pub reason: String,
    /// Version of the process that the person had before their eyes.
    pub version: u64,
}

/// Connection with the central endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum Connection {
    /// Not tried since the start.
    Unknown,
    /// A cycle is under way.
    Working,
    /// The last cycle went well.
    Online,
    /// The last cycle failed; see the problem.
    Offline,
}

/// What the status bar says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct Status {
    /// Connection.
    pub connection: Connection,
    /// Why the last cycle failed.
    pub problem: Option<Problem>,
    /// When it will be tried again.
    pub next_attempt: Option<DateTime<Utc>>,
    /// Counts by state.
    pub counts: BTreeMap<String, u32>,
    /// Follow-ups that are only on this equipment: drafts, ready, sending, parked.
    pub here: u32,
    /// Follow-ups and choices sent of all that were marked ready.
    pub received: u32,
    /// Of how many.
    pub marked: u32,
    /// Files received.
    pub files_received: u32,
    /// Of how many.
    pub files: u32,
    /// Bytes of files still to send.
    pub bytes_waiting: u64,
    /// Last receipt.
    pub last_receipt: Option<DateTime<Utc>>,
    /// Last time something came from the central endpoint.
    pub last_pull: Option<DateTime<Utc>>,
    /// Clock of this equipment minus the endpoint's, milliseconds, as last measured.
    pub clock_offset_ms: i64,
    /// Room left on the disk of the store, bytes.
    pub free_bytes: Option<u64>,
    /// What that room is enough for.
    pub room: Room,
    /// The connection is metered: files wait until somebody says otherwise.
    pub text_only: bool,
    /// The copy that a forgotten passphrase would leave.
    #[serde(default)]
    pub rescue: RescueCopy,
}

/// What the room on the disk is enough for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum Room {
    /// For all.
    Enough,
    /// For some photographs: it is time to make room.
    Low,
    /// For text only: photographs are refused.
    TextOnly,
}

/// Whether only text is sent.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, TS)]
pub struct TextOnly {
    /// Files wait.
    pub on: bool,
}

/// What can be shown on a map.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
pub struct MapInfo {
    /// The tiles, if there is a file of them here.
    pub tiles: Option<TilesInfo>,
    /// Why the file that is here cannot be used.
    pub problem: Option<Problem>,
    /// How far the municipality reaches: that of the tiles, or else what the projects span.
    pub bounds: Option<Bounds>,
    /// Colonias, districts or sectors with the middle of their projects.
    pub places: Vec<MapPlace>,
}

/// A file of tiles.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct TilesInfo {
    /// Least zoom.
    pub min_zoom: u8,
    /// Greatest zoom.
    pub max_zoom: u8,
    /// How far they reach.
    pub bounds: Bounds,
    /// Name that the file gives itself.
    pub name: Option<String>,
    /// Whose data they are, as the file says; plain text.
    pub attribution: Option<String>,
}

/// A named place.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
pub struct MapPlace {
    /// As the projects name it.
    pub name: String,
    /// Middle of its projects.
    pub position: Position,
    /// How many of them say where they are.
    pub projects: u32,
}

/// Which tile.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, TS)]
pub struct TileOf {
    /// Zoom.
    pub z: u8,
    /// Column.
    pub x: u32,
    /// Row.
    pub y: u32,
}

/// A vector tile (MVT).
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
pub struct Tile {
    /// Its bytes in base64; none where there is nothing.
    pub base64: Option<String>,
}

/// A receipt and what its verification says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct ReceiptView {
    /// The receipt, if there is one.
    pub receipt: Option<Receipt>,
    /// Whether its signature is the central endpoint's and its hash is that of the follow-up here.
    pub valid: bool,
    /// Hash of the follow-up as it is here.
    pub body_hash: Option<String>,
    /// Receipts that an endpoint gave before it was restored from a backup: evidence of what it had said.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[ts(as = "Option<Vec<Receipt>>", optional)]
    pub earlier: Vec<Receipt>,
}

/// A receipt as a page to print, to be saved where the person says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct ReceiptPdf {
    /// Proposed name.
    pub name: String,
    /// Its bytes in base64.
    pub base64: String,
}

/// Where an operation is on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// It is in the batch that is going out.
    Sending,
    /// The batch came to nothing: it waits, and will be offered again.
    Waiting,
    /// The central endpoint has it, with a receipt.
    Received,
    /// The central endpoint has it and does not accept it; the receipt says so.
    Rejected,
    /// It was not taken; its row says why.
    Refused,
    /// It was set apart, so that the rest goes on.
    Parked,
}

/// What the client tells a window without being asked.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case", rename_all_fields = "camelCase", tag = "event")]
pub enum Event {
    /// The status changed.
    Status {
        /// The new one.
        status: Box<Status>,
    },
    /// Projects or follow-ups changed: lists are asked for again.
    Changed,
    /// An operation came a step further, or back.
    Operation {
        /// Which one.
        op_id: Uuid,
        /// Folio of its follow-up.
        folio: String,
        /// Where it is now.
        step: Step,
    },
    /// Bytes of a file went out. Told when it begins, at most four times a second, and when the last ones are out.
    FileProgress {
        /// File.
        sha256: String,
        /// Bytes sent.
        sent: u64,
        /// Bytes in all.
        size: u64,
    },
    /// Bytes of a relay were written or went out. Told as those of a file are.
    RelayProgress {
        /// Bytes done.
        done: u64,
        /// Bytes in all.
        size: u64,
    },
}

/// A file or a folder, by its path.
#[derive(Clone, Debug, Serialize, Deserialize, TS)]
pub struct RelayPath {
    /// Path.
    pub path: String,
}

/// What a relay would take along now.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct RelayState {
    /// Whether the endpoint takes relays, as far as this equipment knows.
    pub supported: bool,
    /// Operations that wait.
    pub operations: u32,
    /// Files that wait.
    pub files: u32,
    /// Their bytes.
    pub bytes: u64,
    /// The last one that was made here.
    pub last: Option<RelayMade>,
    /// Name that is proposed for the next.
    pub name: String,
}

/// A relay that was made.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct RelayMade {
    /// Where it was saved.
    pub path: String,
    /// SHA-256 of what its device signed: its answer names it.
    pub sha256: String,
    /// When.
    pub made_at: DateTime<Utc>,
    /// Operations in it.
    pub operations: u32,
    /// Files in it.
    pub files: u32,
    /// Files that did not fit: they go with the next.
    pub files_left: u32,
    /// Bytes of the whole.
    pub bytes: u64,
    /// When its answer was read here.
    #[serde(default)]
    pub answered_at: Option<DateTime<Utc>>,
}

/// A relay that was taken to the endpoint.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct RelayCarried {
    /// Where the answer was saved.
    pub path: String,
    /// Bytes of the relay.
    pub bytes: u64,
}

/// What the answer to a relay said.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct RelayTaken {
    /// Operations with a receipt that was verified.
    pub received: u32,
    /// Operations that stay here, for now.
    pub waiting: u32,
    /// Files that the endpoint has, verified.
    pub files: u32,
    /// Why the first that stays does.
    pub problem: Option<Problem>,
}
