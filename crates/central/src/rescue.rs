//! Rescue files: what was only in a store whose passphrase is lost ([`domain::rescue`]). What had been marked ready goes
//! through the same push as if its device had come, its files through the same verification; drafts are nobody's to send
//! but their author's, and are written as files to be captured again ([`write`]).
//!
//! The whole is read before anything is done, and done twice it has the effect of once: of a push, because the operations
//! are the device's own; of the drafts, because they are only ever written into a new folder.

mod write;

use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use domain::evidence::CHUNK_BYTES;
use domain::follow_up::{FollowUp, folio};
use domain::history::ChangeKind;
use domain::problem::{Code, Problem};
use domain::receipt::sha256_hex;
use domain::rescue::{FORMAT, MAX_TEXT, Packed, Part, RescueFile, RescueOpened, RescueText};
use domain::seal::{FOOT, Foot, Kind, Opener, SealError};
use domain::wire::{
    EvidenceAnswer, EvidenceOffer, MAX_OPERATIONS, Operation, OperationKind, PROTOCOL, PushRequest,
    PushResult, RESCUES,
};
use uuid::Uuid;

use crate::auth::Actor;
use crate::endpoint::Endpoint;
use crate::problem::Failure;
use crate::store::{Device, Entry, StoreError};
use crate::strict;
use crate::sync::{evidence, push as pushing};

/// Why a rescue file is not opened. Nothing was done then.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// It is another kind of file.
    #[error("not a rescue file")]
    NotOne,
    /// It was cut or changed.
    #[error("cut or changed")]
    Broken,
    /// It was sealed for another endpoint.
    #[error("sealed for another endpoint")]
    Foreign,
    /// Its device was never enrolled here.
    #[error("device {0} is not known")]
    UnknownDevice(Uuid),
    /// It is of a later version of the program.
    #[error("format {0}")]
    Newer(u32),
    /// There is something where its drafts would be written.
    #[error("{} is not empty", .0.display())]
    Occupied(PathBuf),
    /// The endpoint could not do it now: what was recorded stays, and it is opened again.
    #[error("{0}")]
    Later(Problem),
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The disk.
    #[error(transparent)]
    Disk(#[from] std::io::Error),
}

impl From<SealError> for Refusal {
    fn from(error: SealError) -> Refusal {
        match error {
            SealError::NotOne => Refusal::NotOne,
            SealError::OtherKey => Refusal::Foreign,
            SealError::Broken => Refusal::Broken,
            SealError::Disk(error) => of_reading(error),
        }
    }
}

/// Pieces that do not open are told as invalid data by what reads them.
fn of_reading(error: std::io::Error) -> Refusal {
    match error.kind() {
        std::io::ErrorKind::InvalidData | std::io::ErrorKind::UnexpectedEof => Refusal::Broken,
        _ => Refusal::Disk(error),
    }
}

/// A rescue file that is whole, for this endpoint, and of a device of its own.
pub struct Rescue {
    file: File,
    packed: Packed,
    text: RescueText,
    device: Device,
    actor: Actor,
    /// When it was opened before.
    before: Option<RescueOpened>,
}

/// What a rescue file has, or what became of it.
#[derive(Debug, Default)]
pub struct Outcome {
    /// Follow-ups, choices and reviews that this recorded, or would.
    pub recorded: u32,
    /// Those that the endpoint had already.
    pub already: u32,
    /// Those that it does not take, with the reason: they are written beside the drafts. The folio is that of the
    /// follow-up they are about.
    pub refused: Vec<(String, Problem)>,
    /// Files of what was recorded that the endpoint has now.
    pub files: u32,
    /// Names of files that are not in the rescue, or are damaged in it.
    pub missing: Vec<String>,
    /// Drafts.
    pub drafts: u32,
    /// Where drafts and what was refused were written.
    pub folder: Option<PathBuf>,
}

impl Rescue {
    /// Reads a rescue file and changes nothing.
    ///
    /// # Errors
    /// [`Refusal`].
    pub fn read(endpoint: &Endpoint, path: &Path) -> Result<Rescue, Refusal> {
        let mut file = File::open(path)?;
        let packed = Packed::read(&mut file)?;
        let foot = foot(&mut file, packed.text)?;
        let mut opener = opener(endpoint, &mut file, packed.text, &foot)?;
        // What is not for this endpoint is said to be, and not to be of an unknown device: that one follows from it.
        let tx = endpoint.store.read()?;
        let device = tx.device(foot.device)?.ok_or(Refusal::UnknownDevice(foot.device))?;
        let person = tx.person(&device.person_id)?.ok_or(Refusal::UnknownDevice(foot.device))?;
        foot.verify(&device.public_key).map_err(|_| Refusal::Broken)?;
        let mut small = Vec::new();
        opener.read_to_end(&mut small).map_err(of_reading)?;
        let text = read_text(&small)?;
        if text.device_id != device.id {
            return Err(Refusal::Broken);
        }
        if text.municipality != endpoint.config.municipality.id {
            return Err(Refusal::Foreign);
        }
        let mut before = None;
        tx.latest(RESCUES, tx.head(RESCUES)?.seq, &mut |change| {
            if change.record_id == packed.sha256 {
                before = serde_json::from_value(change.state).ok();
            }
            before.is_none()
        })?;
        let actor = Actor { device_id: device.id, person };
        Ok(Rescue { file, packed, text, device, actor, before })
    }

    /// What is in it.
    pub fn text(&self) -> &RescueText {
        &self.text
    }

    /// Name of the person whose work it is.
    pub fn person(&self) -> &str {
        &self.actor.person.card.name
    }

    /// When it was opened before, if it was.
    pub fn before(&self) -> Option<&RescueOpened> {
        self.before.as_ref()
    }

    /// Whether its device was revoked: then nothing of it is recorded by itself.
    pub fn is_revoked(&self) -> bool {
        self.device.revoked_at.is_some()
    }

    /// What opening it would do.
    ///
    /// # Errors
    /// The database.
    pub fn foresee(&self, endpoint: &Endpoint) -> Result<Outcome, Refusal> {
        let tx = endpoint.store.read()?;
        let mut outcome = Outcome { drafts: self.drafts(), ..Outcome::default() };
        for operation in self.text.operations.iter().filter(|operation| is_somebodys(operation)) {
            if tx.operation(operation.op_id)?.is_some() {
                outcome.already += 1;
            } else if self.is_revoked() {
                outcome.refused.push((folio(operation.record_id), Problem::new(Code::DeviceRevoked)));
            } else {
                outcome.recorded += 1;
            }
        }
        for apart in &self.text.apart {
            outcome.refused.push(self.set_apart(apart));
        }
        let here = |file: &&RescueFile| self.part(file).is_none();
        outcome.missing = self.text.files.iter().filter(here).map(|file| file.name.clone()).collect();
        Ok(outcome)
    }

    fn drafts(&self) -> u32 {
        u32::try_from(self.text.drafts.len()).unwrap_or(u32::MAX)
    }

    fn set_apart(&self, apart: &domain::rescue::RescueApart) -> (String, Problem) {
        let problem = apart.problem.clone().unwrap_or_else(|| Problem::new(Code::Gap));
        (folio(apart.operation.record_id), problem)
    }

    fn part(&self, file: &RescueFile) -> Option<Part> {
        self.packed.pieces.iter().find(|part| part.name == file.piece).copied()
    }

    /// Records what was marked ready and writes the rest into a new folder.
    ///
    /// # Errors
    /// [`Refusal`]. What was recorded by then stays, and opening it again goes on.
    pub fn open(mut self, endpoint: &Endpoint, to: &Path) -> Result<Outcome, Refusal> {
        if std::fs::read_dir(to).is_ok_and(|mut entries| entries.next().is_some()) || to.is_file() {
            return Err(Refusal::Occupied(to.to_owned()));
        }
        let mut outcome = Outcome { drafts: self.drafts(), ..Outcome::default() };
        let mut refused = self.record(endpoint, &mut outcome)?;
        self.take_files(endpoint, &mut outcome)?;
        for apart in &self.text.apart {
            outcome.refused.push(self.set_apart(apart));
            refused.push(apart.operation.clone());
        }
        let refused: Vec<FollowUp> = refused
            .into_iter()
            .filter(|operation| operation.kind == OperationKind::FollowUp)
            .filter_map(|operation| serde_json::from_value(operation.body).ok())
            .collect();
        if !self.text.drafts.is_empty() || !refused.is_empty() {
            self.write(endpoint, &refused, to, &mut outcome)?;
            outcome.folder = Some(to.to_owned());
        }
        outcome.missing.sort();
        outcome.missing.dedup();
        self.note(endpoint, &outcome, refused.len())?;
        Ok(outcome)
    }

    /// Pushes what was marked ready, as the device would. Gives what was not taken.
    fn record(&self, endpoint: &Endpoint, outcome: &mut Outcome) -> Result<Vec<Operation>, Refusal> {
        let mut refused = Vec::new();
        let known = {
            let tx = endpoint.store.read()?;
            let mut known = Vec::new();
            for operation in &self.text.operations {
                if tx.operation(operation.op_id)?.is_some() {
                    known.push(operation.op_id);
                }
            }
            known
        };
        for some in self.text.operations.chunks(MAX_OPERATIONS) {
            let results = if self.is_revoked() {
                // Whoever has a device that was revoked must not be able to speak through it by a detour.
                let problem = Problem::new(Code::DeviceRevoked);
                some.iter().map(|one| refusal(one, &problem)).collect()
            } else {
                self.push(endpoint, some)?
            };
            for (operation, result) in some.iter().zip(results).filter(|(one, _)| is_somebodys(one)) {
                let was_known = known.contains(&operation.op_id);
                match result {
                    PushResult::Refused { .. } if was_known => outcome.already += 1,
                    PushResult::Refused { problem, .. } => {
                        outcome.refused.push((folio(operation.record_id), problem));
                        refused.push(operation.clone());
                    }
                    _ if was_known => outcome.already += 1,
                    _ => outcome.recorded += 1,
                }
            }
        }
        Ok(refused)
    }

    fn push(&self, endpoint: &Endpoint, some: &[Operation]) -> Result<Vec<PushResult>, Refusal> {
        let request = PushRequest {
            protocol: PROTOCOL,
            server_epoch: endpoint.epoch,
            report: self.text.report.clone(),
            operations: some.to_vec(),
        };
        match pushing::push(endpoint, &self.actor, request) {
            Ok(answer) => Ok(answer.results),
            Err(Failure(problem)) => {
                let problem = for_good(problem)?;
                Ok(some.iter().map(|one| refusal(one, &problem)).collect())
            }
        }
    }

    /// Gives the endpoint the files of what it recorded.
    fn take_files(&mut self, endpoint: &Endpoint, outcome: &mut Outcome) -> Result<(), Refusal> {
        if self.is_revoked() {
            return Ok(());
        }
        for file in self.text.files.clone() {
            let offer = EvidenceOffer {
                sha256: file.sha256.clone(),
                size: file.size,
                media_type: file.media_type.as_str().to_owned(),
            };
            let there = match evidence::offer(endpoint, &self.actor, &offer) {
                Ok(EvidenceAnswer::Have) => {
                    outcome.files += 1;
                    continue;
                }
                Ok(EvidenceAnswer::Upload { there, .. }) => there,
                // Only a draft names it.
                Err(Failure(problem)) if problem.code == Code::NotFound => continue,
                Err(Failure(problem)) => {
                    tracing::warn!(%problem, file = file.sha256, "a file of a rescue was not taken");
                    outcome.missing.push(file.name);
                    for_good(problem)?;
                    continue;
                }
            };
            if self.send(endpoint, &file, &there)? {
                outcome.files += 1;
            } else {
                outcome.missing.push(file.name);
            }
        }
        Ok(())
    }

    /// Says whether the file arrived, verified.
    fn send(&mut self, endpoint: &Endpoint, file: &RescueFile, there: &[u64]) -> Result<bool, Refusal> {
        let actor = self.actor.clone();
        let took = |answer: Result<(), Failure>| match answer {
            Ok(()) => Ok(true),
            Err(Failure(problem)) => for_good(problem).map(|_| false),
        };
        let Some(mut from) = self.bytes(endpoint, file)? else { return Ok(false) };
        for n in 0..file.size.div_ceil(CHUNK_BYTES as u64) {
            let mut chunk = Vec::new();
            match (&mut from).take(CHUNK_BYTES as u64).read_to_end(&mut chunk).map_err(of_reading) {
                Ok(_) => {}
                Err(Refusal::Broken) => return Ok(false),
                Err(other) => return Err(other),
            }
            let digest = sha256_hex(&chunk);
            if !there.contains(&n)
                && !took(evidence::chunk(endpoint, &actor, &file.sha256, n, &digest, &chunk))?
            {
                return Ok(false);
            }
        }
        took(evidence::complete(endpoint, &actor, &file.sha256))
    }

    /// What opens the piece of a file; none when it is not there, or damaged. Its device must have signed it too.
    fn bytes(&mut self, endpoint: &Endpoint, file: &RescueFile) -> Result<Option<Opener<Piece>>, Refusal> {
        let Some(part) = self.part(file) else { return Ok(None) };
        let opened = foot(&mut self.file, part).and_then(|foot| {
            if foot.device != self.device.id || foot.verify(&self.device.public_key).is_err() {
                return Err(Refusal::Broken);
            }
            opener(endpoint, &mut self.file, part, &foot)
        });
        match opened {
            Ok(opened) => Ok(Some(opened)),
            Err(Refusal::Disk(error)) => Err(Refusal::Disk(error)),
            Err(_) => Ok(None),
        }
    }

    /// The entry of the history.
    fn note(&self, endpoint: &Endpoint, outcome: &Outcome, refused: usize) -> Result<(), Refusal> {
        let now = endpoint.now();
        let count = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
        let opened = RescueOpened {
            device_id: self.device.id,
            made_at: self.text.made_at,
            opened_at: now,
            operations: count(self.text.operations.iter().filter(|one| is_somebodys(one)).count()),
            recorded: outcome.recorded + outcome.already,
            files: outcome.files,
            drafts: outcome.drafts.saturating_add(count(refused)),
        };
        let state = serde_json::to_value(&opened).map_err(std::io::Error::from)?;
        let entry = Entry {
            stream: RESCUES.to_owned(),
            kind: ChangeKind::Rescue,
            record_id: self.packed.sha256.clone(),
            state,
        };
        let tx = endpoint.store.begin()?;
        tx.append(vec![entry], now)?;
        tx.commit()?;
        tracing::info!(device = %self.device.id, rescue = self.packed.sha256, "rescue opened");
        Ok(())
    }
}

/// Placeholders are nobody's.
fn is_somebodys(operation: &Operation) -> bool {
    operation.kind != OperationKind::Placeholder
}

fn refusal(operation: &Operation, problem: &Problem) -> PushResult {
    PushResult::Refused { op_id: operation.op_id, problem: problem.clone() }
}

/// What only says that this endpoint could not do it now ends the opening: it is opened again.
fn for_good(problem: Problem) -> Result<Problem, Refusal> {
    match problem.code {
        Code::Unavailable | Code::Fault | Code::TooManyRequests => Err(Refusal::Later(problem)),
        _ => Ok(problem),
    }
}

/// One part of the file. They share its position: one is read to its end before the next is begun.
type Piece = std::io::Take<BufReader<File>>;

fn part_of(file: &mut File, part: Part) -> Result<Piece, Refusal> {
    file.seek(SeekFrom::Start(part.start))?;
    Ok(BufReader::new(file.try_clone()?).take(part.size))
}

fn foot(file: &mut File, part: Part) -> Result<Foot, Refusal> {
    // That it is no sealed file says that the whole is none of ours.
    Foot::read(part_of(file, part)?, Kind::Rescue, part.size).map_err(|error| match error {
        SealError::NotOne => Refusal::Broken,
        other => other.into(),
    })
}

fn opener(endpoint: &Endpoint, file: &mut File, part: Part, foot: &Foot) -> Result<Opener<Piece>, Refusal> {
    debug_assert!(foot.size + FOOT as u64 == part.size);
    let from = part_of(file, part)?;
    Ok(Opener::begin(from, Kind::Rescue, foot.size, &endpoint.opening_key())?)
}

fn read_text(small: &[u8]) -> Result<RescueText, Refusal> {
    let mut raw = Vec::new();
    let decoder = zstd::stream::read::Decoder::new(small).map_err(|_| Refusal::Broken)?;
    decoder.take(MAX_TEXT + 1).read_to_end(&mut raw).map_err(|_| Refusal::Broken)?;
    if raw.len() as u64 > MAX_TEXT {
        return Err(Refusal::Broken);
    }
    // As strictly as what is pushed: it is signed, and nobody looked at it before.
    let value = strict::parse(&raw).map_err(|_| Refusal::Broken)?;
    // Before the rest: a later format may have another shape.
    if let Some(format) = value["format"].as_u64().filter(|format| *format > u64::from(FORMAT)) {
        return Err(Refusal::Newer(u32::try_from(format).unwrap_or(u32::MAX)));
    }
    serde_json::from_value(value).map_err(|error| {
        tracing::warn!(%error, "the text of a rescue");
        Refusal::Broken
    })
}
