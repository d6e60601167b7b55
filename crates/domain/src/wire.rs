//! What travels between device and central endpoint (`sync.md`). `tests/wire_format.rs` keeps a snapshot of every
//! type here: changing the wire is a visible act.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use ts_rs::TS;
use uuid::Uuid;

use crate::Finding;
use crate::alert::Thresholds;
use crate::history::{Change, Head};
use crate::person::PersonCard;
use crate::problem::Problem;
use crate::receipt::Receipt;

/// Version of the protocol. The endpoint accepts pending operations of every earlier one.
pub const PROTOCOL: u32 = 1;
/// Version of the schema of a follow-up.
pub const SCHEMA: u32 = 1;
/// Most operations in one push.
pub const MAX_OPERATIONS: usize = 200;
/// Most bytes of one push as it travels (zstd).
pub const MAX_COMPRESSED: usize = 1024 * 1024;
/// Most bytes of one push after decompression.
pub const MAX_RAW: usize = 8 * 1024 * 1024;
/// Most changes in one page of a pull.
pub const MAX_CHANGES: usize = 500;
/// Bytes of a snapshot that one request gives; the last piece is shorter.
pub const SNAPSHOT_PIECE: usize = 256 * 1024;
/// Most bytes of a snapshot as it travels: a device holds it whole until its hash is checked.
pub const MAX_SNAPSHOT: u64 = 64 * 1024 * 1024;
/// Most bytes of a snapshot after decompression; they are read line by line.
pub const MAX_SNAPSHOT_RAW: u64 = 1024 * 1024 * 1024;
/// Stream that every device of a municipality reads.
pub const COMMON: &str = "common";
/// Stream of the capture forms. Not the common one: a device from before forms travelled could not read its page, and it
/// cannot pass over one number of a chain. It is given to whoever asks with `forms=true`.
pub const FORMS: &str = "forms";
/// What the name of a stream of opinions begins with; see [`opinions_stream`].
const OPINIONS: &str = "opinions:";
/// Stream of the rescue files that were opened ([`crate::rescue::RescueOpened`]). No device reads it.
pub const RESCUES: &str = "rescues";
/// Answered by `GET /api/v1/health`: tells the endpoint from a login page that says 200 to everything.
pub const SERVICE: &str = "avance-central";

/// Header with the SHA-256 (hexadecimal) of a body as it travels, in both directions. Without it a bit that turned on
/// the way could be recorded under the operation's id, and then the true bytes never again: an id is recorded once. It
/// is optional, so that a device from before it is still served. Not HTTP's `Content-Digest`: the chunks of a file
/// carry theirs in hexadecimal too.
pub const BODY_SHA256: &str = "x-body-sha256";

/// Header with which the endpoint asks devices to look less often: `interval=SECONDS` between two looks when nothing
/// waits on them. On the answers of push and pull. Not `Retry-After`: that refuses, and is for everything.
pub const SYNC_HINT: &str = "sync-hint";
/// Bounds of that interval, seconds: whoever answers in the endpoint's place must neither hurry a device nor silence it.
pub const SYNC_HINT_BOUNDS: std::ops::RangeInclusive<u64> = 30..=15 * 60;

/// The value of a [`SYNC_HINT`].
pub fn sync_hint(seconds: u64) -> String {
    format!("interval={seconds}")
}

/// The interval that a [`SYNC_HINT`] asks for, within its bounds; none when it is not understood. Words of a later
/// version beside it are passed over.
pub fn read_sync_hint(text: &str) -> Option<u64> {
    let mut words = text.split(',').filter_map(|word| word.trim().strip_prefix("interval="));
    let seconds: u64 = words.next()?.trim().parse().ok()?;
    Some(seconds.clamp(*SYNC_HINT_BOUNDS.start(), *SYNC_HINT_BOUNDS.end()))
}

/// Stream of an área.
pub fn area_stream(area_id: &str) -> String {
    format!("area:{area_id}")
}

/// Stream of what became of the opinions of a person ([`crate::opinion::OpinionState`]). One for each person: nobody
/// reads what became of somebody else's. It is given to its person when they ask with `opinions=true`; a device of
/// before could not read its page.
pub fn opinions_stream(person_id: &str) -> String {
    format!("{OPINIONS}{person_id}")
}

/// Whether a stream is one of opinions: it is nobody's but its person's, and nothing of it is public.
pub fn is_opinions(stream: &str) -> bool {
    stream.starts_with(OPINIONS)
}

/// `GET /api/v1/health`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Health {
    /// Always [`SERVICE`].
    pub service: String,
    /// Version of the program.
    pub version: String,
    /// Protocol it speaks.
    pub protocol: u32,
    /// Its clock.
    pub now: DateTime<Utc>,
}

/// `POST /api/v1/enrol`: the code and the device's own public key. The same code with the same key gives the same
/// answer again, so a lost reply burns nothing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EnrolRequest {
    /// One-use code, as typed.
    pub code: String,
    /// Ed25519 public key, hexadecimal.
    pub public_key: String,
    /// How people call the device.
    pub device_name: String,
    /// Version of the program.
    pub app_version: String,
    /// Protocol.
    pub protocol: u32,
}

/// Answer to an enrolment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EnrolAnswer {
    /// Identifier of the device.
    pub device_id: Uuid,
    /// Whom it belongs to.
    pub person: PersonCard,
    /// Which municipality.
    pub municipality: MunicipalityCard,
    /// Key with which receipts are signed (Ed25519 public key, hexadecimal).
    pub server_key: String,
    /// Changes when a backup is restored.
    pub server_epoch: Uuid,
}

/// What a device knows of the municipality; also a record of the common stream.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct MunicipalityCard {
    /// Identifier that leads every key.
    pub id: String,
    /// Name.
    pub name: String,
    /// OCDS prefix.
    pub prefix: String,
    /// Whether the prefix was registered (`ocds-000000` was not).
    pub prefix_registered: bool,
    /// Currency of amounts (ISO 4217).
    pub currency: String,
    /// Offset of legal time from UTC, minutes.
    pub offset_minutes: i32,
    /// Address of the public site, without a final `/`.
    pub public_url: String,
    /// To what size photographs are brought.
    #[serde(default)]
    pub photo: crate::evidence::PhotoSize,
    /// From when on something is said to be late. Absent when it is as it comes.
    #[serde(default, skip_serializing_if = "Thresholds::are_those_it_comes_with")]
    #[ts(as = "Option<Thresholds>", optional)]
    pub alerts: Thresholds,
    /// Key with which devices seal what only the endpoint may open (X25519 public key, hexadecimal). An endpoint of an
    /// earlier version says none, and takes no relays.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub sealing_key: Option<String>,
}

/// One version of a capture form; a record of the stream [`FORMS`], named `{id}/{version}`. A version never changes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FormState {
    /// Identifier of the form.
    pub id: String,
    /// Version.
    pub version: u32,
    /// The file, as `schemas/capture` has them.
    pub source: Value,
}

impl FormState {
    /// Under which name it is a record.
    pub fn record_id(&self) -> String {
        format!("{}/{}", self.id, self.version)
    }
}

/// `POST /api/v1/auth/nonce`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NonceRequest {
    /// Device.
    pub device_id: Uuid,
}

/// Something to sign; one use, five minutes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NonceAnswer {
    /// Hexadecimal.
    pub nonce: String,
}

/// `POST /api/v1/auth/token`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TokenRequest {
    /// Device.
    pub device_id: Uuid,
    /// The nonce that was given.
    pub nonce: String,
    /// Ed25519 signature over [`nonce_bytes`], hexadecimal.
    pub signature: String,
}

/// The bytes a device signs: purpose, device and nonce, so that a signature is good for nothing else.
pub fn nonce_bytes(device_id: Uuid, nonce: &str) -> Vec<u8> {
    format!("avance-abierto token {device_id} {nonce}").into_bytes()
}

/// An opaque access token.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TokenAnswer {
    /// Sent as `Authorization: Bearer`.
    pub token: String,
    /// When it ends.
    pub expires_at: DateTime<Utc>,
    /// Clock of the endpoint: the device measures its offset.
    pub now: DateTime<Utc>,
}

/// What an operation does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OperationKind {
    /// Body is a [`crate::follow_up::FollowUp`].
    FollowUp,
    /// Body is a [`Placeholder`]: it consumes the number of an operation that could not be processed.
    Placeholder,
    /// Body is a [`crate::conflict::ConflictChoice`]; the record is the follow-up that is held.
    Choice,
    /// Body is a [`crate::review::ReviewAct`]; the record is the follow-up it is about.
    Review,
    /// Body is a [`crate::opinion::Opinion`]; the record is the opinion.
    Opinion,
    /// A kind of a later version. It is refused alone and stays on its device; without this word the whole batch
    /// could not be read.
    #[serde(other)]
    Unknown,
}

impl OperationKind {
    /// The word on the wire and in databases.
    pub fn as_str(self) -> &'static str {
        match self {
            OperationKind::FollowUp => "follow_up",
            OperationKind::Placeholder => "placeholder",
            OperationKind::Choice => "choice",
            OperationKind::Review => "review",
            OperationKind::Opinion => "opinion",
            OperationKind::Unknown => "unknown",
        }
    }
}

/// Stands for an operation that is parked and will be offered again under a later number.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Placeholder {
    /// The operation that is parked.
    pub parked: Uuid,
    /// Hash of its body.
    pub body_hash: String,
}

/// What an operation was based on.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Base {
    /// Releases of the process the device knew.
    pub server_version: u64,
    /// Own earlier operations on the same process that the device had not seen accepted.
    #[serde(default)]
    pub after: Vec<Uuid>,
    /// Epoch of the endpoint in which it had them. After a restore the same number of releases may be others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub epoch: Option<Uuid>,
}

/// One operation of a device (`sync.md`, Objects).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Operation {
    /// UUIDv7 made on the device.
    pub op_id: Uuid,
    /// Contiguous per device, from 1.
    pub client_seq: u64,
    /// Kind.
    pub kind: OperationKind,
    /// Record it makes.
    pub record_id: Uuid,
    /// What it was based on.
    pub base: Base,
    /// Sixteen random bytes, hexadecimal.
    pub salt: String,
    /// Body; its canonical form is hashed with the salt.
    pub body: Value,
    /// Device clock at capture: a claim.
    pub captured_at: DateTime<Utc>,
    /// Offset of the device's time zone from UTC at capture, minutes.
    pub tz_offset_minutes: i32,
    /// Device clock minus endpoint clock as last measured, milliseconds.
    pub clock_offset_ms: i64,
    /// Version of the body's schema.
    pub schema: u32,
    /// Hash of every file of the body.
    #[serde(default)]
    pub evidence: Vec<String>,
}

impl Operation {
    /// The folio people speak, of what it makes or is about.
    pub fn folio(&self) -> String {
        match self.kind {
            OperationKind::Opinion => crate::opinion::folio(self.record_id),
            _ => crate::follow_up::folio(self.record_id),
        }
    }
}

/// What a device says of itself at each contact, so that the coordination sees what is still out.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DeviceReport {
    /// Version of the program.
    pub app_version: String,
    /// Follow-ups still on the device after this contact: folio and state, never content.
    pub waiting: Vec<Waiting>,
    /// Device clock minus endpoint clock, milliseconds.
    pub clock_offset_ms: i64,
    /// Room left on its disk, bytes.
    #[serde(default)]
    pub free_bytes: Option<u64>,
}

/// A follow-up that is still on a device.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct Waiting {
    /// Folio of the follow-up.
    pub folio: String,
    /// Folio of the project.
    pub project: String,
    /// State on the device.
    pub state: crate::follow_up::State,
}

/// `POST /api/v1/sync/push`, body zstd-compressed (`Content-Encoding: zstd`) or plain.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PushRequest {
    /// Protocol of the device.
    pub protocol: u32,
    /// Epoch the device knows.
    pub server_epoch: Uuid,
    /// The device's report.
    pub report: DeviceReport,
    /// Up to [`MAX_OPERATIONS`], in order; none is a report alone.
    pub operations: Vec<Operation>,
}

/// Answer to a push: one result per operation, in order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PushAnswer {
    /// Epoch of the endpoint.
    pub server_epoch: Uuid,
    /// Its clock.
    pub now: DateTime<Utc>,
    /// Results.
    pub results: Vec<PushResult>,
}

/// What became of one operation. Stored with the operation and given again byte for byte.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", rename_all_fields = "camelCase", tag = "outcome")]
pub enum PushResult {
    /// Recorded, with a signed receipt. A rejected follow-up is recorded too: its receipt says so and its findings
    /// are beside it.
    Recorded {
        /// Operation.
        op_id: Uuid,
        /// The receipt.
        receipt: Box<Receipt>,
        /// Errors and warnings.
        findings: Vec<Finding>,
    },
    /// The number was consumed by a placeholder.
    Placed {
        /// Operation.
        op_id: Uuid,
    },
    /// Not recorded. The operation stays on the device.
    Refused {
        /// Operation.
        op_id: Uuid,
        /// Why.
        problem: Problem,
    },
}

impl PushResult {
    /// The operation it speaks of.
    pub fn op_id(&self) -> Uuid {
        match self {
            PushResult::Recorded { op_id, .. }
            | PushResult::Placed { op_id }
            | PushResult::Refused { op_id, .. } => *op_id,
        }
    }
}

/// `GET /api/v1/sync/pull?cursor=&snapshots=`: one page. With `snapshots=true` a device says that it can begin a stream
/// from a [`Snapshot`]; one that does not say so is given every change.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PullAnswer {
    /// Epoch of the endpoint.
    pub server_epoch: Uuid,
    /// Its clock.
    pub now: DateTime<Utc>,
    /// Whom the device belongs to now.
    pub person: PersonCard,
    /// Streams in scope; any other is purged from the device, except the person's own unsent operations.
    pub scope: Vec<String>,
    /// Changes, per stream in sequence.
    pub changes: Vec<Change>,
    /// Names of the authors of conflicts in these changes, by operation; only for who may see names. Beside the
    /// changes and not in them: what is in a stream is read by everybody of an área and is never taken out.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub names: BTreeMap<Uuid, String>,
    /// Head of each stream in scope as the endpoint has it.
    pub heads: BTreeMap<String, Head>,
    /// Opaque; names this page's end. Given back with the next pull.
    pub cursor: String,
    /// Whether another page is ready.
    pub has_more: bool,
    /// State to begin a stream from, in place of its changes up to there: then there are no changes in this page, and
    /// its cursor is good once the snapshot is here. Absent when the changes tell everything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub snapshot: Option<Snapshot>,
}

/// The state of every record of a stream at one number, in place of all that led there. Its bytes are zstd over JSON
/// Lines, each the last [`Change`] of a record, in the order of their numbers; they are fetched in pieces
/// ([`SNAPSHOT_PIECE`]) from `GET /api/v1/sync/snapshot/{sha256}/{n}` and never change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Snapshot {
    /// Stream.
    pub stream: String,
    /// Where it stands: what follows is checked against this chain.
    pub head: Head,
    /// SHA-256 of its bytes as they travel, hexadecimal; also its name.
    pub sha256: String,
    /// Bytes as they travel.
    pub bytes: u64,
    /// Bytes after decompression.
    pub raw_bytes: u64,
    /// Records in it.
    pub records: u64,
}

/// `POST /api/v1/evidence`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EvidenceOffer {
    /// SHA-256 of the whole file, hexadecimal.
    pub sha256: String,
    /// Bytes.
    pub size: u64,
    /// IANA media type.
    pub media_type: String,
}

/// Answer to an offer of evidence.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", rename_all_fields = "camelCase", tag = "state")]
pub enum EvidenceAnswer {
    /// The endpoint has the file, verified.
    Have,
    /// Send the chunks that are not there yet: `PUT /api/v1/evidence/{upload_id}/{n}`, from 0.
    Upload {
        /// Names the upload.
        upload_id: String,
        /// Bytes per chunk.
        chunk_size: u64,
        /// Chunks already there.
        there: Vec<u64>,
    },
}

/// One device as the coordination sees it (`GET /api/v1/devices`, `avance-central devices --json`).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct DeviceRow {
    /// Identifier.
    pub device_id: Uuid,
    /// How people call it.
    pub device: String,
    /// Person.
    pub person: String,
    /// Role.
    pub role: crate::person::Role,
    /// Área.
    pub area: String,
    /// Follow-ups it said it still holds.
    pub waiting: Vec<Waiting>,
    /// Last time it spoke to the endpoint.
    pub last_contact: Option<DateTime<Utc>>,
    /// Last receipt given to it.
    pub last_receipt: Option<DateTime<Utc>>,
    /// Its clock minus the endpoint's, milliseconds.
    pub clock_offset_ms: i64,
    /// Version of its program.
    pub app_version: String,
    /// Room left, bytes.
    pub free_bytes: Option<u64>,
    /// Whether it was revoked.
    pub revoked: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hint_is_read_within_its_bounds_or_not_at_all() {
        for (text, seconds) in [
            (sync_hint(120).as_str(), Some(120)),
            ("interval=1", Some(30)),
            ("interval=999999999", Some(900)),
            ("load=3, interval=60", Some(60)),
            (" interval= 45 ", Some(45)),
            ("", None),
            ("interval=", None),
            ("interval=-5", None),
            ("60", None),
            ("interval=soon", None),
        ] {
            assert_eq!(read_sync_hint(text), seconds, "«{text}»");
        }
    }
}
