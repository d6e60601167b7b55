//! Capture: drafts that keep every letter, and the moment in which one becomes an immutable operation.

use std::collections::{BTreeMap, HashSet};
use std::path::PathBuf;

use chrono::{DateTime, NaiveDate, Offset as _, TimeZone as _, Utc};
use domain::command::{
    AttachedFile, Corrected, Draft, DraftNew, FieldFinding, PhotoAnswer, PhotoOffer, Sent, VersionReason,
};
use domain::evidence::{EvidenceRef, MAX_FILES};
use domain::follow_up::{FollowUp, FollowUpFile, FormRef, Progress};
use domain::form::{Field, Folded, Form, Kind, Values};
use domain::place::{Bounds, Position};
use domain::problem::{Code, Problem};
use domain::receipt::new_salt;
use domain::release::{Basis, assess};
use domain::seeded::{self, Bug};
use domain::wire::{Base, Operation, OperationKind, SCHEMA};
use domain::{Finding, Severity};
use rusqlite::Connection;
use rust_decimal::Decimal;
use uuid::Uuid;

use crate::duplicates;
use crate::error::Error;
use crate::evidence;
use crate::review;
use crate::session::{self, Identity};
use crate::store::drafts::{self, StoredDraft};
use crate::store::{Store, base, files, forms, outbox, reviews, versions};
use crate::view::{self, Ground};

/// Longest value of a field that is kept, bytes. Far above every limit of a form: what is too long for its field is
/// kept and shown as a finding, not cut.
const MAX_TYPED: usize = 256 * 1024;

/// Under what name the reason of a correction is among the internal fields: nobody outside reads it.
const CORRECTION_REASON: &str = "correctionReason";

/// When and where a capture happens, as far as the machine knows.
#[derive(Clone, Copy)]
pub(crate) struct Moment {
    /// The machine's clock: a claim.
    pub(crate) captured_at: DateTime<Utc>,
    /// Offset of the machine's time zone from UTC, minutes.
    pub(crate) tz_offset_minutes: i32,
    /// How far the map of this equipment reaches, if it has one.
    pub(crate) map: Option<Bounds>,
}

/// Offset of the machine's time zone at an instant, minutes.
pub(crate) fn tz_offset_minutes(now: DateTime<Utc>) -> i32 {
    chrono::Local.offset_from_utc_datetime(&now.naive_utc()).fix().local_minus_utc() / 60
}

/// The instant to check against: this machine's clock, corrected by what the endpoint's said.
fn now_of(connection: &Connection, moment: Moment) -> Result<DateTime<Utc>, Error> {
    let offset =
        chrono::TimeDelta::try_milliseconds(session::clock_offset_ms(connection)?).unwrap_or_default();
    Ok(moment.captured_at.checked_sub_signed(offset).unwrap_or(moment.captured_at))
}

/// Starts a draft with the form of a stage.
pub(crate) fn draft_new(store: &Store, moment: Moment, request: &DraftNew) -> Result<Draft, Error> {
    let id = domain::random::id(moment.captured_at);
    store.write(|tx| {
        let form = forms::newest(tx, request.stage)?.ok_or_else(|| {
            let detail = format!("no form for the stage {}", request.stage.as_str());
            Problem::new(Code::CommandInvalid).with("name", "draft_new").with("detail", detail)
        })?;
        begin(tx, store.session(), moment, id, &request.folio, None, form, Values::new())
    })?;
    draft_open(store, moment, id)
}

/// Writes a new draft, with what is typed in it already.
#[expect(clippy::too_many_arguments, reason = "each is one thing that a draft begins with")]
pub(crate) fn begin(
    connection: &Connection,
    session: Uuid,
    moment: Moment,
    id: Uuid,
    folio: &str,
    named: Option<&str>,
    form: Form,
    typed: Values,
) -> Result<(), Error> {
    let identity = session::enrolled(connection)?;
    let ocid = process_of(connection, folio, named)?;
    let ground = ground(connection, &identity, folio, &ocid, moment)?;
    let folded = form.fold(&typed, &ground.basis(), ground.currency(), ground.today());
    drafts::insert(
        connection,
        &StoredDraft {
            id,
            project: folio.to_owned(),
            ocid,
            stage: form.stage,
            form,
            typed,
            content: folded.content,
            missing: folded.missing,
            base_version: Some(ground.version),
            base_epoch: ground.epoch,
            corrects: None,
            updated_at: moment.captured_at,
            discarded: false,
            session: session.to_string(),
        },
    )
}

/// The process a follow-up belongs to: the one it names, or the only one of its project.
pub(crate) fn process_of(connection: &Connection, folio: &str, named: Option<&str>) -> Result<String, Error> {
    let Some(project) = base::project(connection, folio)? else {
        return Err(Problem::new(Code::ProjectUnknown).with("folio", folio).into());
    };
    let ocids: Vec<String> = project.processes.into_iter().map(|process| process.ocid).collect();
    match named {
        Some(named) if ocids.iter().any(|ocid| ocid == named) => Ok(named.to_owned()),
        Some(named) => {
            Err(Problem::new(Code::ProcessUnknown).with("ocid", named).with("ocids", ocids).into())
        }
        None => match ocids.as_slice() {
            [one] => Ok(one.clone()),
            [] => Err(Problem::new(Code::ProcessUnknown).with("ocid", "").with("ocids", ocids).into()),
            _ => Err(Problem::new(Code::ProcessAmbiguous).with("ocids", ocids).into()),
        },
    }
}

/// What a follow-up is laid upon. A project that left the scope leaves nothing, and the draft is still kept.
pub(crate) fn ground(
    connection: &Connection,
    identity: &Identity,
    folio: &str,
    ocid: &str,
    moment: Moment,
) -> Result<Ground, Error> {
    let now = now_of(connection, moment)?;
    let municipality = identity.municipality.clone();
    let found = Ground::of(connection, municipality.clone(), folio, ocid, now)?;
    Ok(found.unwrap_or_else(|| Ground::unknown(municipality, ocid, now)))
}

/// A draft with everything the form shows.
pub(crate) fn draft_open(store: &Store, moment: Moment, id: Uuid) -> Result<Draft, Error> {
    store.read(|connection| {
        let draft = drafts::get(connection, id)?;
        let identity = session::enrolled(connection)?;
        let ground = ground(connection, &identity, &draft.project, &draft.ocid, moment)?;
        let mut files = drafts::files(connection, id)?;
        let folded = draft.form.fold(&draft.typed, &ground.basis(), ground.currency(), ground.today());
        let mut findings = findings_of(&draft, &folded, &files, &ground);
        findings.extend(outside(connection, &draft, moment)?);
        findings.extend(review::observed(connection, &draft, &ground)?);
        offer_what_is_new(&draft, &mut files, &drafts::answered(connection, id)?, ground.today());
        // A warning of its own: nothing that both sides check.
        if let Some(finding) = duplicates::find(connection, &draft, &folded.content)? {
            findings
                .push(FieldFinding { field: folded.field_at(&finding.pointer).map(str::to_owned), finding });
        }
        let newest = forms::newest(connection, draft.stage)?.map(|form| form.version);
        let (progress, last_on) = view::latest(connection, &draft.project)?;
        Ok(Draft {
            id,
            folio: domain::follow_up::folio(id),
            project: view::project_row(connection, &draft.project)?,
            last: last_values(&draft.form, &ground.basis(), &progress, last_on.as_deref()),
            last_on,
            understood: folded.understood,
            newer_form: newest.filter(|newest| *newest > draft.form.version),
            values: draft.typed,
            findings,
            missing: folded.missing,
            files,
            saved_at: draft.updated_at,
            corrects: draft.corrects.map(|corrects| Corrected {
                id: corrects.id,
                folio: domain::follow_up::folio(corrects.id),
                reason: corrects.reason,
            }),
            form: draft.form,
        })
    })
}

/// What is known beside each field: the last progress, and what the process says at the place of the field.
pub(crate) fn last_values(
    form: &Form,
    basis: &Basis<'_>,
    progress: &Progress,
    last_on: Option<&str>,
) -> BTreeMap<String, String> {
    let text = |value: Option<Decimal>| value.map(|value| value.normalize().to_string());
    let (physical, financial) =
        (progress.physical.unwrap_or_default(), progress.financial.unwrap_or_default());
    form.fields()
        .filter_map(|field| {
            let last = match field.path.as_str() {
                "/progress/physical/planned" => text(physical.planned),
                "/progress/physical/actual" => text(physical.actual),
                "/progress/financial/planned" => text(financial.planned),
                "/progress/financial/actual" => text(financial.actual),
                "/visitedOn" => last_on.map(str::to_owned),
                _ => field.known(basis),
            };
            last.map(|last| (field.id.clone(), last))
        })
        .collect()
}

/// What is missing or wrong, beside its field: what could not be read, then what both sides check.
fn findings_of(
    draft: &StoredDraft,
    folded: &Folded,
    files: &[AttachedFile],
    ground: &Ground,
) -> Vec<FieldFinding> {
    let follow_up = follow_up_of(draft, folded.content.clone(), files);
    folded
        .assess(&follow_up, &ground.basis(), ground.now)
        .into_iter()
        .map(|finding| FieldFinding { field: folded.field_at(&finding.pointer).map(str::to_owned), finding })
        .collect()
}

fn follow_up_of(draft: &StoredDraft, mut content: FollowUpFile, files: &[AttachedFile]) -> FollowUp {
    if let Some(corrects) = &draft.corrects {
        content.corrects = Some(domain::follow_up::folio(corrects.id));
        if !corrects.reason.is_empty() {
            let reason = corrects.reason.clone().into();
            content.internal.fields.insert(CORRECTION_REASON.to_owned(), reason);
        }
    }
    FollowUp {
        id: draft.id,
        project: draft.project.clone(),
        ocid: draft.ocid.clone(),
        form: Some(FormRef { id: draft.form.id.clone(), version: draft.form.version }),
        content,
        evidence: files
            .iter()
            .map(|file| EvidenceRef {
                sha256: file.sha256.clone(),
                size: file.size,
                media_type: file.media_type,
                document_type: file.document_type.clone(),
                title: file.title.clone(),
                reduced_from: file.original.as_ref().map(|original| original.sha256.clone()),
            })
            .collect(),
    }
}

/// Saves what was typed. It is on the disk when this returns.
pub(crate) fn draft_save(store: &Store, moment: Moment, id: Uuid, changed: Values) -> Result<Draft, Error> {
    store.write(|tx| {
        let mut draft = drafts::get(tx, id)?;
        let happens = clears(&draft.typed, &changed).then_some(VersionReason::Cleared);
        versions::before(tx, &draft, store.session(), happens, moment.captured_at)?;
        for (field, text) in changed {
            let known = |own: &Field| own.id == field || (own.may_lack && own.lack_key() == field);
            if !draft.form.fields().any(known) || text.len() > MAX_TYPED {
                let detail = format!("field {field}");
                return Err(Problem::new(Code::CommandInvalid)
                    .with("name", "draft_save")
                    .with("detail", detail)
                    .into());
            }
            if text.trim().is_empty() {
                draft.typed.remove(&field);
            } else {
                draft.typed.insert(field, text);
            }
        }
        save(tx, moment, &mut draft)
    })?;
    draft_open(store, moment, id)
}

/// Whether saving these values takes away what would be a pity: several fields at once, or a long text.
fn clears(typed: &Values, changed: &Values) -> bool {
    /// Letters of a text that nobody likes to write again.
    const LONG: usize = 40;
    let lost =
        changed.iter().filter(|(_, text)| text.trim().is_empty()).filter_map(|(field, _)| typed.get(field));
    let (mut fields, mut letters) = (0, 0);
    for text in lost {
        fields += 1;
        letters += text.chars().count();
    }
    fields > 1 || letters > LONG
}

/// Reads what is typed in a draft and writes it down with what it reads as.
pub(crate) fn save(tx: &Connection, moment: Moment, draft: &mut StoredDraft) -> Result<(), Error> {
    let identity = session::enrolled(tx)?;
    let ground = ground(tx, &identity, &draft.project, &draft.ocid, moment)?;
    let folded = draft.form.fold(&draft.typed, &ground.basis(), ground.currency(), ground.today());
    draft.content = folded.content;
    draft.missing = folded.missing;
    draft.updated_at = moment.captured_at;
    drafts::update(tx, draft)
}

/// The fields of a form that a photograph can fill: the day of the visit, the place, and how the place was found.
fn photo_fields(form: &Form) -> (Option<&Field>, Option<&Field>, Option<&Field>) {
    let of_kind = |kind: Kind| form.fields().find(|field| field.kind == kind);
    (form.fields().find(|field| field.path == "/visitedOn"), of_kind(Kind::Place), of_kind(Kind::Method))
}

/// Two photographs of one visit are taken this near to each other: one question is enough.
const SAME_PLACE_METRES: f64 = 100.0;

/// Leaves of what each photograph says what the draft does not say yet, nobody answered, and no photograph before it
/// offers already.
fn offer_what_is_new(
    draft: &StoredDraft,
    files: &mut [AttachedFile],
    answered: &HashSet<String>,
    today: NaiveDate,
) {
    let (date, place, _) = photo_fields(&draft.form);
    let typed = |field: Option<&Field>| field.and_then(|field| draft.typed.get(&field.id));
    let mut days: Vec<String> = typed(date)
        .and_then(|text| domain::entry::date(text, today))
        .map(|day| day.to_string())
        .into_iter()
        .collect();
    let mut places: Vec<Position> = typed(place).and_then(|text| Position::read(text)).into_iter().collect();
    let today = today.to_string();
    for file in files {
        let Some(said) = file.offer.take() else { continue };
        let new_day = |day: &String| date.is_some() && *day <= today && !days.contains(day);
        let near = |one: &Position, other: &Position| one.metres_to(other) < SAME_PLACE_METRES;
        let new_place = |text: &String| {
            let point = Position::read(text);
            place.is_some() && point.is_some_and(|point| !places.iter().any(|known| near(known, &point)))
        };
        let offer = PhotoOffer {
            date: said.date.clone().filter(new_day),
            place: said.place.clone().filter(new_place),
        };
        days.extend(said.date);
        places.extend(said.place.and_then(|text| Position::read(&text)));
        let says_something = offer.date.is_some() || offer.place.is_some();
        file.offer = Some(offer).filter(|_| says_something && !answered.contains(&file.sha256));
    }
}

/// Takes what a photograph offers into the draft, or does not, and asks no more.
pub(crate) fn photo_answer(store: &Store, moment: Moment, request: &PhotoAnswer) -> Result<Draft, Error> {
    store.write(|tx| {
        let mut draft = drafts::get(tx, request.id)?;
        let files = drafts::files(tx, request.id)?;
        let Some(file) = files.iter().find(|file| file.sha256 == request.sha256) else {
            return Err(Problem::new(Code::NotFound).into());
        };
        let form = draft.form.clone();
        let (date, place, method) = photo_fields(&form);
        let offer = file.offer.as_ref();
        let said = |wanted: bool, said: Option<&String>| said.filter(|_| wanted).cloned();
        let mut typed = Vec::new();
        if let (Some(field), Some(day)) = (date, said(request.date, offer.and_then(|o| o.date.as_ref()))) {
            typed.push((field.id.clone(), day));
        }
        if let (Some(field), Some(at)) = (place, said(request.place, offer.and_then(|o| o.place.as_ref()))) {
            typed.push((field.id.clone(), at));
            typed.extend(method.map(|method| (method.id.clone(), "photo".to_owned())));
        }
        versions::before(tx, &draft, store.session(), None, moment.captured_at)?;
        draft.typed.extend(typed);
        drafts::answer(tx, request.id, &request.sha256)?;
        save(tx, moment, &mut draft)
    })?;
    draft_open(store, moment, request.id)
}

/// Says that a place is outside of the municipality, as far as this equipment knows how far that reaches. Never more
/// than a warning: a file of tiles may be cut too tight.
fn outside(
    connection: &Connection,
    draft: &StoredDraft,
    moment: Moment,
) -> Result<Option<FieldFinding>, Error> {
    let (_, Some(field), _) = photo_fields(&draft.form) else { return Ok(None) };
    let read = draft.typed.get(&field.id).and_then(|text| Position::read(text));
    let Some(typed) = read.filter(Position::is_on_earth) else { return Ok(None) };
    let bounds = match moment.map {
        Some(bounds) => Some(bounds),
        None => crate::store::projects::span(connection)?,
    };
    let Some(bounds) = bounds.filter(|bounds| !bounds.hold(&typed)) else { return Ok(None) };
    let mut params = serde_json::Map::from_iter([("value".to_owned(), typed.text().into())]);
    let swapped = typed.swapped();
    let rule = if bounds.hold(&swapped) {
        params.insert("proposed".to_owned(), swapped.text().into());
        "place-swapped"
    } else {
        "place-outside"
    };
    let finding =
        Finding { pointer: field.path.clone(), rule: rule.to_owned(), severity: Severity::Warning, params };
    Ok(Some(FieldFinding { field: Some(field.id.clone()), finding }))
}

/// Marks a draft ready: checked, made immutable, queued, all in one transaction.
pub(crate) fn draft_ready(store: &Store, moment: Moment, id: Uuid) -> Result<Sent, Error> {
    store.write(|tx| {
        let draft = drafts::get(tx, id)?;
        let identity = session::enrolled(tx)?;
        // A project that left the scope, or a process that is gone: said by name, and the draft stays.
        process_of(tx, &draft.project, Some(&draft.ocid))?;
        let ground = ground(tx, &identity, &draft.project, &draft.ocid, moment)?;
        let files = drafts::files(tx, id)?;
        let folded = draft.form.fold(&draft.typed, &ground.basis(), ground.currency(), ground.today());
        let findings = findings_of(&draft, &folded, &files, &ground);
        refuse_errors(&findings)?;
        let follow_up = follow_up_of(&draft, folded.content, &files);
        queue(tx, &identity, base_of(&draft, &ground), moment, &follow_up)?;
        reviews::keep_typed(tx, id, &draft.form, &draft.typed)?;
        drafts::remove(tx, id)?;
        Ok(Sent { folio: follow_up.folio() })
    })
}

fn refuse_errors(findings: &[FieldFinding]) -> Result<(), Error> {
    if findings.iter().any(|finding| finding.finding.severity == Severity::Error) {
        let findings = serde_json::to_value(findings)?;
        return Err(Problem::new(Code::HasErrors).with("findings", findings).into());
    }
    Ok(())
}

/// What a draft is based on: the process as it was when the draft was begun. What a colleague published meanwhile was
/// never before the person's eyes, so it must not be overwritten without a word.
fn base_of(draft: &StoredDraft, ground: &Ground) -> Base {
    // Counted before the endpoint was restored, its number says nothing beside one of now: it goes as it is, and the
    // endpoint knows how much of it was in the backup.
    if seeded::is(Bug::DraftBasedOnNow) {
        return ground.base();
    }
    let of_before = draft.base_epoch.is_some() && draft.base_epoch != ground.epoch;
    let Some(begun) = draft.base_version.filter(|begun| of_before || *begun < ground.version) else {
        return ground.base();
    };
    // Of the releases since then, those that are one's own are no disagreement.
    let after = ground.accepted.iter().chain(&ground.after).copied().collect();
    Base { server_version: begun, after, epoch: if of_before { draft.base_epoch } else { ground.epoch } }
}

/// Queues a follow-up with the next number of this device.
fn queue(
    connection: &Connection,
    identity: &Identity,
    base: Base,
    moment: Moment,
    follow_up: &FollowUp,
) -> Result<(), Error> {
    let operation = Operation {
        op_id: domain::random::id(moment.captured_at),
        client_seq: outbox::next_seq(connection, identity.device_id)?,
        kind: OperationKind::FollowUp,
        record_id: follow_up.id,
        base,
        salt: new_salt(),
        body: serde_json::to_value(follow_up)?,
        captured_at: moment.captured_at,
        tz_offset_minutes: moment.tz_offset_minutes,
        clock_offset_ms: session::clock_offset_ms(connection)?,
        schema: SCHEMA,
        evidence: follow_up.evidence.iter().map(|file| file.sha256.clone()).collect(),
    };
    outbox::insert(connection, identity.device_id, &operation, follow_up, moment.captured_at)
}

/// Captures a follow-up from a file and the paths of its evidence. All of it is queued, or nothing is kept.
pub(crate) fn capture_file(
    store: &Store,
    free: Option<u64>,
    moment: Moment,
    folio: &str,
    content: FollowUpFile,
    paths: &[(PathBuf, String)],
) -> Result<Sent, Error> {
    let mut checked = Vec::new();
    let size = store.read(session::enrolled)?.municipality.photo;
    for (path, document_type) in paths {
        let file = evidence::read(path, size)?;
        let document_type = evidence::document_type(Some(document_type), content.stage, &file)?;
        // The same photograph named twice is one file.
        if !checked
            .iter()
            .any(|(known, _): &(evidence::Checked, String)| known.file.sha256 == file.file.sha256)
        {
            checked.push((file, document_type));
        }
    }
    if let Some((file, _)) = checked.get(MAX_FILES) {
        return Err(evidence::too_many(&file.file.name).into());
    }
    let id = domain::random::id(moment.captured_at);
    let prepare = |connection: &Connection| -> Result<(Identity, Ground, FollowUp), Error> {
        let identity = session::enrolled(connection)?;
        let ocid = process_of(connection, folio, content.ocid.as_deref())?;
        let ground = ground(connection, &identity, folio, &ocid, moment)?;
        let follow_up = FollowUp {
            id,
            project: folio.to_owned(),
            ocid,
            form: None,
            content: content.clone(),
            evidence: checked
                .iter()
                .map(|(file, document_type)| EvidenceRef {
                    sha256: file.file.sha256.clone(),
                    size: file.file.size,
                    media_type: file.file.media_type,
                    document_type: document_type.clone(),
                    title: None,
                    reduced_from: file.original.as_ref().map(|original| original.sha256.clone()),
                })
                .collect(),
        };
        let mut findings = assess(&follow_up, &ground.basis(), ground.now);
        if let Some(corrected) = &content.corrects
            && !outbox::knows_folio(connection, folio, corrected)?
        {
            findings.push(correction_unknown(corrected));
        }
        let findings: Vec<FieldFinding> =
            findings.into_iter().map(|finding| FieldFinding { field: None, finding }).collect();
        refuse_errors(&findings)?;
        Ok((identity, ground, follow_up))
    };
    // Checked before a byte is kept, and once more in the transaction that queues it.
    store.read(|connection| prepare(connection).map(|_| ()))?;
    for (file, _) in &checked {
        evidence::keep(store, free, file)?;
    }
    store.write(|tx| {
        let (identity, ground, follow_up) = prepare(tx)?;
        for (file, _) in &checked {
            files::insert(tx, file, moment.captured_at)?;
        }
        queue(tx, &identity, ground.base(), moment, &follow_up)?;
        Ok(Sent { folio: follow_up.folio() })
    })
}

fn correction_unknown(folio: &str) -> Finding {
    let params = serde_json::Map::from_iter([("value".to_owned(), folio.into())]);
    Finding {
        pointer: "/corrects".into(),
        rule: "correction-unknown".into(),
        severity: Severity::Error,
        params,
    }
}
