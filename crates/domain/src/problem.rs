//! What can go wrong, as a closed list: somebody acts on each code. Prose is made where it is shown.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use ts_rs::TS;

macro_rules! codes {
    ($($(#[doc = $doc:literal])* $name:ident = $text:literal, $status:literal, $retry:ident;)*) => {
        /// The closed list of problem codes. The word on the wire is the snake_case name.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, TS)]
        pub enum Code { $($(#[doc = $doc])* #[serde(rename = $text)] $name,)* }

        impl Code {
            /// Every code.
            pub const ALL: &'static [Code] = &[$(Code::$name),*];
            /// The word on the wire.
            pub fn as_str(self) -> &'static str { match self { $(Code::$name => $text),* } }
            /// HTTP status when it leaves the central endpoint.
            pub fn status(self) -> u16 { match self { $(Code::$name => $status),* } }
            /// When trying again makes sense.
            pub fn retry(self) -> Retry { match self { $(Code::$name => Retry::$retry),* } }
        }
    };
}

/// When trying again makes sense.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum Retry {
    /// By itself, later.
    Later,
    /// After the person or the administration mended something.
    AfterFix,
    /// Never: the request itself is wrong.
    Never,
}

codes! {
    /// The body is not JSON, or not the JSON that was expected. params: detail.
    MalformedRequest = "malformed_request", 400, Never;
    /// No valid access token. The device signs a nonce again.
    Unauthenticated = "unauthenticated", 401, Later;
    /// The device was revoked or is not known. The person asks for a new code.
    DeviceRevoked = "device_revoked", 401, AfterFix;
    /// The role may not do this. params: action.
    Forbidden = "forbidden", 403, AfterFix;
    /// No such route or record.
    NotFound = "not_found", 404, Never;
    /// The route exists, the method does not.
    MethodNotAllowed = "method_not_allowed", 405, Never;
    /// The enrolment code does not exist. params: code.
    CodeUnknown = "code_unknown", 404, AfterFix;
    /// The enrolment code was used by another device. params: usedAt.
    CodeUsed = "code_used", 409, AfterFix;
    /// The enrolment code expired. params: expiredAt.
    CodeExpired = "code_expired", 410, AfterFix;
    /// Operations are missing before this one. params: last.
    Gap = "gap", 409, Later;
    /// Another copy of this device used the same sequence number. params: clientSeq.
    DeviceForked = "device_forked", 409, AfterFix;
    /// The same operation id with another body. params: opId.
    OpIdReused = "op_id_reused", 422, Never;
    /// This program does not know this kind of operation. params: opId.
    KindUnknown = "kind_unknown", 422, AfterFix;
    /// The body is over the limit. params: limitBytes.
    TooLarge = "too_large", 413, Never;
    /// The compressed body cannot be read.
    BrokenCompression = "broken_compression", 400, Never;
    /// The bytes that arrived are not those that were sent.
    BodyDamaged = "body_damaged", 400, Later;
    /// This program is too old for the endpoint. params: minimum.
    UpgradeRequired = "upgrade_required", 426, AfterFix;
    /// Too many requests. params: retryAfterSeconds.
    TooManyRequests = "too_many_requests", 429, Later;
    /// The endpoint could not do it now; nothing was recorded.
    Unavailable = "unavailable", 503, Later;
    /// A fault nobody foresaw. params: reportId.
    Fault = "fault", 500, Later;

    /// The endpoint was restored from a backup that does not have the project (yet). params: folio.
    ProjectLost = "project_lost", 409, AfterFix;
    /// The endpoint was restored from a backup, and the follow-up that a choice is about is not back (yet). params: folio.
    FollowUpLost = "follow_up_lost", 409, Later;
    /// The project is of another área now: nothing was recorded, it may come back. params: folio.
    OutOfScope = "out_of_scope", 403, AfterFix;
    /// The project is not known here. params: folio.
    ProjectUnknown = "project_unknown", 404, AfterFix;
    /// The project has several processes; one must be named. params: ocids.
    ProcessAmbiguous = "process_ambiguous", 422, AfterFix;
    /// The process is not one of this project. params: ocid.
    ProcessUnknown = "process_unknown", 422, AfterFix;
    /// The follow-up has errors. params: findings.
    HasErrors = "has_errors", 422, AfterFix;
    /// The draft does not exist (any more). params: id.
    DraftUnknown = "draft_unknown", 404, Never;
    /// The follow-up file is not one. params: file, detail.
    FollowUpFileInvalid = "follow_up_file_invalid", 422, AfterFix;
    /// The file cannot be read. params: file, detail.
    FileUnreadable = "file_unreadable", 422, AfterFix;
    /// The evidence is not a photograph or a PDF. params: file, found.
    EvidenceNotReadable = "evidence_not_readable", 422, AfterFix;
    /// The evidence is over the limit. params: file, bytes, limitBytes.
    EvidenceTooLarge = "evidence_too_large", 413, AfterFix;
    /// The follow-up has as many files as it may. params: file, limit.
    EvidenceTooMany = "evidence_too_many", 413, AfterFix;
    /// The document type is not one of the list. params: file, type.
    EvidenceTypeUnknown = "evidence_type_unknown", 422, AfterFix;
    /// The bytes do not have the announced hash. params: expected, found.
    EvidenceHashMismatch = "evidence_hash_mismatch", 422, Later;

    /// There is no open conflict of a follow-up with this folio. params: folio.
    ConflictUnknown = "conflict_unknown", 404, AfterFix;
    /// A choice on this follow-up is already on its way. params: folio.
    ChoiceWaiting = "choice_waiting", 409, Later;
    /// What stands changed while the person chose. params: folio.
    ChoiceOutdated = "choice_outdated", 409, AfterFix;
    /// A choice needs a reason, within a length. params: limit.
    ReasonNeeded = "reason_needed", 422, AfterFix;
    /// Something decided or answered about this follow-up is already on its way. params: folio.
    ReviewWaiting = "review_waiting", 409, Later;
    /// Somebody said something while the person decided. params: folio.
    ReviewOutdated = "review_outdated", 409, AfterFix;
    /// The follow-up cannot be decided like this any more. params: folio.
    ReviewClosed = "review_closed", 409, AfterFix;
    /// Nobody reviews their own capture. params: folio.
    ReviewOwn = "review_own", 403, Never;
    /// The follow-up is not in a state in which another takes its place. params: folio.
    CorrectionClosed = "correction_closed", 409, AfterFix;
    /// An opinion lacks its kind, its text within a length, or how much a problem is in the way. params: limit.
    OpinionIncomplete = "opinion_incomplete", 422, AfterFix;

    /// This folder has no enrolled device yet.
    NotEnrolled = "not_enrolled", 412, AfterFix;
    /// This folder already has an enrolled device. params: person.
    AlreadyEnrolled = "already_enrolled", 409, Never;
    /// A passphrase is needed to open the store.
    PassphraseNeeded = "passphrase_needed", 401, AfterFix;
    /// The passphrase is not the one of this store. params: retryAfterSeconds, once several were wrong.
    PassphraseWrong = "passphrase_wrong", 401, AfterFix;
    /// The passphrase is too short. params: minimum.
    PassphraseTooShort = "passphrase_too_short", 422, AfterFix;
    /// What was typed is not a recovery code: a character is missing or another. It does not count as an attempt.
    RecoveryMistyped = "recovery_mistyped", 422, AfterFix;
    /// The recovery code is not the one of this store. params: retryAfterSeconds.
    RecoveryWrong = "recovery_wrong", 401, AfterFix;
    /// Too soon after a wrong recovery code. params: retryAfterSeconds.
    RecoveryWait = "recovery_wait", 429, Later;
    /// No recovery code was made for this store.
    RecoveryNone = "recovery_none", 404, AfterFix;
    /// There is no profile with this name on this machine. params: name.
    ProfileUnknown = "profile_unknown", 404, AfterFix;
    /// The name of a profile is blank, too long or unreadable. params: limit.
    ProfileNameInvalid = "profile_name_invalid", 422, AfterFix;
    /// Too soon after several wrong passphrases. params: retryAfterSeconds.
    PassphraseWait = "passphrase_wait", 429, Later;
    /// Another person of this machine has this name. params: name.
    ProfileNameTaken = "profile_name_taken", 409, AfterFix;
    /// The keyring is locked: the key exists but cannot be read now.
    KeyringLocked = "keyring_locked", 401, AfterFix;
    /// Another window or command has this store open.
    StoreInUse = "store_in_use", 409, Later;
    /// The store could not be read and was set aside whole. params: path.
    StoreSetAside = "store_set_aside", 500, AfterFix;
    /// There is no room left for photographs; text still has some. params: file, freeBytes, neededBytes.
    RoomForTextOnly = "room_for_text_only", 507, AfterFix;
    /// The disk is full. params: freeBytes.
    DiskFull = "disk_full", 507, AfterFix;
    /// The disk did not read or keep what was asked of it.
    DiskFailing = "disk_failing", 500, AfterFix;
    /// The folder cannot be written. params: path.
    FolderReadOnly = "folder_read_only", 403, AfterFix;
    /// The central endpoint did not answer. params: server, detail.
    ServerUnreachable = "server_unreachable", 503, Later;
    /// Something answered that is not the central endpoint. params: server.
    ServerNotOurs = "server_not_ours", 502, Later;
    /// A receipt does not verify. params: opId.
    ReceiptInvalid = "receipt_invalid", 502, AfterFix;
    /// The history received does not follow from the one that is here. params: detail.
    HistoryBroken = "history_broken", 502, AfterFix;
    /// What was sent has made no progress. params: seconds, waiting.
    NoProgress = "no_progress", 504, Later;
    /// The address of the endpoint is not one. params: server.
    ServerAddressInvalid = "server_address_invalid", 422, AfterFix;
    /// The endpoint (as far as this device knows) takes no relays. params: server.
    RelayUnsupported = "relay_unsupported", 422, AfterFix;
    /// There is nothing to take on a relay.
    RelayEmpty = "relay_empty", 409, AfterFix;
    /// The file is not a relay or its answer, or it is not whole, or it was changed. params: file, detail.
    RelayUnreadable = "relay_unreadable", 422, AfterFix;
    /// The relay was sealed for another endpoint. params: file.
    RelayForeign = "relay_foreign", 422, AfterFix;
    /// The device that made the relay was revoked, or is not known. params: file.
    RelayRefused = "relay_refused", 403, AfterFix;
    /// The relay is over the limit. params: file, bytes, limitBytes.
    RelayTooLarge = "relay_too_large", 413, AfterFix;
    /// The answer to a relay belongs to another device, or to an earlier enrolment of this one. params: file.
    RelayNotYours = "relay_not_yours", 422, AfterFix;
    /// There is no rescue copy of a profile: nothing was captured in it, or its endpoint takes none. params: name.
    RescueNone = "rescue_none", 404, AfterFix;
    /// The rescue copy of a profile is damaged. params: file.
    RescueUnreadable = "rescue_unreadable", 422, AfterFix;
    /// A profile that was taken away is not deleted so soon. params: name, days.
    RemovedTooRecently = "removed_too_recently", 409, Later;
    /// The file of the map is not one that can be read. params: file, detail.
    MapUnreadable = "map_unreadable", 422, AfterFix;
    /// The command does not exist or its payload is not the expected one. params: name, detail.
    CommandInvalid = "command_invalid", 400, Never;
}

/// One problem: a code with the values a sentence needs. Travels as `application/problem+json` (RFC 9457, `type`
/// and `title` are derived from the code) and as the error of a command.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct Problem {
    /// What it is.
    pub code: Code,
    /// Values for the sentence.
    #[serde(default)]
    #[ts(type = "Record<string, any>")]
    pub params: Map<String, Value>,
    /// When trying again makes sense.
    pub retry: Retry,
}

impl Problem {
    /// A problem without values.
    pub fn new(code: Code) -> Problem {
        Problem { code, params: Map::new(), retry: code.retry() }
    }

    /// The same problem with one more value.
    #[must_use]
    pub fn with(mut self, key: &str, value: impl Into<Value>) -> Problem {
        self.params.insert(key.to_owned(), value.into());
        self
    }

    /// How long whoever answered asked to be left alone, if they did.
    pub fn retry_after(&self) -> Option<std::time::Duration> {
        self.params.get("retryAfterSeconds").and_then(Value::as_u64).map(std::time::Duration::from_secs)
    }
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.code.as_str())?;
        for (key, value) in &self.params {
            write!(f, " {key}={value}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Problem {}
