//! What must hold (`I1`–`I12`): at each exchange what can be seen there, the rest when all is quiet.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context as _, Result, bail, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use central::store::{JobKind, StoredFollowUp, Tx};
use client::{Answered, Asked};
use domain::follow_up::State;
use domain::person::{Action, area_id, can};
use domain::receipt::{Receipt, Verdict};
use domain::wire::{
    COMMON, FORMS, MAX_CHANGES, MAX_COMPRESSED, MAX_OPERATIONS, PullAnswer, PushAnswer, PushRequest,
    PushResult, area_stream, is_opinions, opinions_stream,
};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use uuid::Uuid;

use super::central_side::{NODES, PEOPLE, PROJECTS};
use super::device_side::Device;
use super::ledger::{at_central, waiting};
use super::world::World;

/// A page is bounded in changes and in bytes; the last change may pass the second limit.
const PAGE_BYTES: usize = 2 * 1024 * 1024;

fn is(asked: &Asked, route: &str) -> bool {
    asked.url.path().ends_with(route)
}

/// What a device asks: bounded, and from where it stands or from the start.
pub fn asked(world: &mut World<'_>, d: usize, asked: &Asked) -> Result<()> {
    if is(asked, "/sync/push") {
        ensure!(asked.body.len() <= MAX_COMPRESSED, "I10: a push of {} bytes", asked.body.len());
        let request: PushRequest = serde_json::from_slice(&zstd::decode_all(asked.body.as_slice())?)?;
        let count = request.operations.len();
        ensure!(count <= MAX_OPERATIONS, "I10: a push of {count} operations");
        let numbers: Vec<u64> = request.operations.iter().map(|operation| operation.client_seq).collect();
        ensure!(numbers.windows(2).all(|pair| pair[1] == pair[0] + 1), "I5: numbers {numbers:?}");
        if request.operations.iter().any(|o| o.kind == domain::wire::OperationKind::Placeholder) {
            world.told.branch("apartado con marcador");
        }
    }
    if is(asked, "/sync/pull") {
        let cursor = asked.url.query_pairs().find(|(name, _)| name == "cursor");
        let cursor = cursor.map(|(_, text)| text.into_owned()).unwrap_or_default();
        let device = &mut world.devices[d];
        if cursor.is_empty() {
            device.cursor = None;
            world.told.branch("copia nueva");
            return Ok(());
        }
        #[derive(Deserialize)]
        struct Inside {
            epoch: Uuid,
            device: Uuid,
            at: BTreeMap<String, u64>,
        }
        let bytes = cursor.split_once('.').context("I5: a cursor without a seal")?.0;
        let inside: Inside = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(bytes)?)?;
        let whose = Uuid::from_u128(inside.epoch.as_u128() ^ inside.device.as_u128());
        if let Some((known, before)) = &device.cursor
            && *known == whose
        {
            for (stream, seq) in before {
                let now = inside.at.get(stream).copied();
                ensure!(
                    now.is_none_or(|now| now >= *seq),
                    "I5: the cursor of {} went back in {stream}: {seq} to {now:?}",
                    device.name
                );
            }
        }
        device.cursor = Some((whose, inside.at));
    }
    Ok(())
}

fn body<T: DeserializeOwned>(answer: &Answered) -> Result<T> {
    let zstd = answer.headers.get("content-encoding").is_some_and(|value| value == "zstd");
    let raw = if zstd { zstd::decode_all(answer.body.as_slice())? } else { answer.body.clone() };
    Ok(serde_json::from_slice(&raw)?)
}

/// Streams that a person may read.
fn may_read(person: usize, stream: &str) -> bool {
    let (_, role, area, _) = PEOPLE[person];
    // What every área has: projects without one, and the forms, which are what anybody sees in the program.
    [COMMON, FORMS].contains(&stream)
        || stream == area_stream(&area_id(area))
        || can(role, Action::SeeEveryArea) && !is_opinions(stream)
}

/// What a node answers: bounded, and nothing outside of the scope.
pub fn answered(world: &mut World<'_>, d: usize, n: usize, asked: &Asked, answer: &Answered) -> Result<()> {
    let person = world.devices[d].person;
    if !answer.status.is_success() {
        return Ok(());
    }
    if is(asked, "/sync/pull") {
        let page: PullAnswer = body(answer)?;
        let count = page.changes.len();
        ensure!(count <= MAX_CHANGES && answer.body.len() <= PAGE_BYTES, "I10: a page of {count} changes");
        let streams = page.changes.iter().map(|change| &change.stream).chain(&page.scope);
        for stream in streams.chain(page.heads.keys()) {
            let own = *stream == opinions_stream(&page.person.id);
            ensure!(own || may_read(person, stream), "I7: {} was given {stream}", world.devices[d].name);
        }
        if page.has_more {
            world.told.branch("varias páginas");
        }
    }
    if is(asked, "/sync/push") {
        let said: PushAnswer = body(answer)?;
        let now = world.central.nodes[n].endpoint.now();
        let (_, role, area, _) = PEOPLE[person];
        let mut seen = Vec::new();
        for result in &said.results {
            match result {
                PushResult::Recorded { op_id, receipt, .. } if receipt.body.verdict == Verdict::Received => {
                    let stored = world.central.read(|_, tx| Ok(tx.follow_up_of_op(*op_id)?))?;
                    let stored =
                        stored.with_context(|| format!("I1: {op_id} is acknowledged and not there"))?;
                    if stored.recorded_at == now {
                        let folio = &stored.follow_up.project;
                        let project = world.central.read(|_, tx| Ok(tx.project(folio)?))?;
                        let areas = project.context("I7: recorded for a project that is not there")?.areas;
                        let inside = areas.is_empty()
                            || areas.iter().any(|own| area_id(own) == area_id(area))
                            || can(role, Action::SeeEveryArea);
                        ensure!(inside, "I7: {op_id} was accepted for {folio}, of {areas:?}");
                    }
                    seen.push("acuse recibido");
                }
                PushResult::Recorded { .. } => seen.push("acuse de rechazo"),
                PushResult::Placed { .. } => seen.push("marcador recibido"),
                PushResult::Refused { problem, .. } => seen.push(problem.code.as_str()),
            }
        }
        for branch in seen {
            world.told.branch(branch);
        }
    }
    if is(asked, "/complete") {
        world.told.branch("archivo completo");
    }
    Ok(())
}

/// How everything stands: the same twice in a row means that nothing moves any more.
pub fn standing(world: &World<'_>) -> Result<Vec<String>> {
    let mut standing = world.central.read(|_, tx| {
        let streams = tx.streams()?;
        let heads = streams.iter().map(|stream| Ok(format!("{stream} {:?}", tx.head(stream)?)));
        heads.collect::<Result<Vec<String>>>()
    })?;
    for device in &world.devices {
        let tray = device.tray()?;
        standing.push(format!("{} {:?}", device.name, tray.counts));
        standing.extend(
            tray.rows.iter().map(|row| format!("{} {:?} {}", row.folio, row.state, row.files_waiting)),
        );
    }
    Ok(standing)
}

/// Everything that can be seen at the end.
pub fn all(world: &mut World<'_>) -> Result<()> {
    let mut held = Vec::new();
    for d in 0..world.devices.len() {
        held.push(world.ledger.see_receipts(&world.devices[d])?);
    }
    log(world)?;
    effects(world)?;
    acknowledged(world, &held)?;
    nothing_lost(world)?;
    queues(world)?;
    // Every other device of a seed: what a device shows costs most, and there are many seeds.
    let first = world.chance.below(2);
    for d in (first..world.devices.len()).step_by(2) {
        view(world, d)?;
    }
    again(world)
}

/// I5: sequences without gaps, every chain verifies.
fn log(world: &World<'_>) -> Result<()> {
    let verdict = world.central.read(|_, tx| Ok(central::verify::verify(tx, &[])?))?;
    ensure!(verdict.broken.is_empty(), "I5: {:?}", verdict.broken);
    Ok(())
}

fn follow_ups(tx: &dyn Tx) -> Result<Vec<StoredFollowUp>> {
    let mut found = Vec::new();
    for (folio, _) in PROJECTS {
        found.extend(tx.follow_ups(folio)?);
    }
    Ok(found)
}

/// I2: one effect per operation, one release per process and id; nothing that nobody captured.
fn effects(world: &mut World<'_>) -> Result<()> {
    let (stored, releases) = world.central.read(|_, tx| {
        let mut releases = Vec::new();
        for (folio, _) in PROJECTS {
            for process in tx.processes(folio)? {
                let own = tx.releases(&process.ocid)?;
                ensure!(
                    process.version == own.len() as u64,
                    "I2: {} has {} releases",
                    process.ocid,
                    own.len()
                );
                releases.extend(own);
            }
        }
        Ok((follow_ups(tx)?, releases))
    })?;
    let mut ids = BTreeSet::new();
    let mut made = BTreeSet::new();
    for release in &releases {
        ensure!(ids.insert((&release.ocid, &release.id)), "I2: the release {} twice", release.id);
        ensure!(
            release.follow_up.is_none_or(|follow_up| made.insert(follow_up)),
            "I2: a follow-up made two releases: {}",
            release.id
        );
    }
    let words: BTreeSet<&str> =
        world.ledger.captured.iter().map(|captured| captured.words.as_str()).collect();
    let mut seen = BTreeSet::new();
    let mut branches = Vec::new();
    for follow_up in &stored {
        let notes = follow_up.follow_up.content.internal.notes.as_str();
        ensure!(words.contains(notes), "I2: nobody captured «{notes}»");
        ensure!(seen.insert(notes), "I2: «{notes}» was recorded twice");
        let stands = matches!(follow_up.state, State::Accepted | State::Published | State::Superseded);
        ensure!(
            stands || !made.contains(&follow_up.follow_up.id),
            "I2: {} is {:?} and has a release",
            follow_up.follow_up.folio(),
            follow_up.state
        );
        branches.push(match (follow_up.state, &follow_up.held) {
            (State::Accepted, _) => "aceptado",
            (State::Conflict, _) => "en conflicto",
            (State::Observed, _) => "con observaciones",
            (State::Rejected, _) => "rechazado",
            (State::Superseded, _) => "sustituido",
            (State::Received, Some(domain::follow_up::Held::Untrained)) => "espera capacitación",
            (State::Received, Some(domain::follow_up::Held::Review)) => "espera revisión",
            (State::Received, Some(domain::follow_up::Held::AfterHeld { .. })) => "espera a otro propio",
            (State::Received, Some(domain::follow_up::Held::MissingFiles { .. })) => "espera archivos",
            _ => "otro estado",
        });
    }
    for branch in branches {
        world.told.branch(branch);
    }
    Ok(())
}

/// I1: what a device ever held a receipt for is in the log, once, with the same hash, and where its receipt says.
fn acknowledged(world: &World<'_>, held: &[Vec<Receipt>]) -> Result<()> {
    let waits = waiting_anywhere(world)?;
    for (op_id, (hash, folio)) in &world.ledger.receipts {
        let known = world.central.read(|_, tx| Ok(tx.operation(*op_id)?))?;
        match known {
            Some(known) => ensure!(known.body_hash == *hash, "I1: {op_id} has another hash"),
            // What a restore lost and cannot be taken again yet (its project was lost too) waits on its device.
            None => ensure!(
                world.ledger.is_forfeit(folio) || waits.contains(folio),
                "I1: {folio} was acknowledged and is not there"
            ),
        }
    }
    for (device, receipts) in world.devices.iter().zip(held) {
        for Receipt { body, signature } in receipts {
            if waits.contains(&body.folio) {
                continue;
            }
            let place = body.seq.saturating_sub(1);
            let there = world.central.read(|_, tx| Ok(tx.changes(&body.stream, place, 1)?))?;
            let there = there.first().is_some_and(|change| change.state["opId"] == json!(body.op_id));
            // Of two copies of a folder one offered it again after a restore: the other keeps what the endpoint had said.
            let of_before = world.devices.len() > PEOPLE.len() && world.ledger.of_before.contains(signature);
            ensure!(
                of_before || there,
                "I1: the receipt of {} on {} names {} of {}, where something else is",
                body.folio,
                device.name,
                body.seq,
                body.stream
            );
        }
    }
    Ok(())
}

fn waiting_anywhere(world: &World<'_>) -> Result<BTreeSet<String>> {
    let mut waits = BTreeSet::new();
    for device in &world.devices {
        waits.extend(waiting(device)?);
    }
    Ok(waits)
}

/// I6: every follow-up that was captured is at the endpoint or on a device.
fn nothing_lost(world: &World<'_>) -> Result<()> {
    let there = at_central(&world.central)?;
    let waits = waiting_anywhere(world)?;
    for captured in world.ledger.captured.iter().filter(|captured| !captured.forfeit) {
        let Some(folio) = &captured.folio else { continue };
        ensure!(
            there.contains_key(&captured.words) || waits.contains(folio),
            "I6: {folio} was captured and is nowhere"
        );
    }
    Ok(())
}

/// I3: queues are empty, or what is in them says why.
fn queues(world: &World<'_>) -> Result<()> {
    let (jobs, stored) = world.central.read(|endpoint, tx| {
        let far = endpoint.now() + chrono::Duration::days(3_650);
        Ok((tx.jobs(JobKind::Accept, far, 1_000)?, follow_ups(tx)?))
    })?;
    ensure!(jobs.is_empty(), "I3: the endpoint still has to decide {jobs:?}");
    for follow_up in stored.iter().filter(|follow_up| follow_up.state == State::Received) {
        ensure!(follow_up.held.is_some(), "I3: {} waits without a reason", follow_up.follow_up.folio());
    }
    for device in &world.devices {
        for row in device.tray()?.rows {
            let waits = matches!(row.state, State::Ready | State::Sending | State::Parked);
            ensure!(
                !waits || row.problem.is_some(),
                "I3: {} waits on {} and does not say why",
                row.folio,
                device.name
            );
            let reason = matches!(row.state, State::Rejected) || row.problem.is_some();
            let files = row.files_waiting == 0 || reason || waits;
            ensure!(files, "I3: {} files of {} wait on {}", row.files_waiting, row.folio, device.name);
        }
    }
    Ok(())
}

/// I4: what a device shows is what the endpoint has, for what is in its scope.
fn view(world: &World<'_>, d: usize) -> Result<()> {
    let device = &world.devices[d];
    if !matches!(device.ended, Some(Ok(()))) {
        return Ok(());
    }
    let (projects, stored) = world.central.read(|endpoint, tx| {
        let card = &endpoint.config.municipality;
        let mut projects = BTreeMap::new();
        for project in tx.projects()? {
            let streams = central::state::streams_of(&project.areas);
            if streams.iter().any(|stream| may_read(device.person, stream)) {
                let state = central::state::project_state(tx, card, &project)?;
                projects.insert(project.folio.clone(), json!(state));
            }
        }
        let mut all = BTreeMap::new();
        for follow_up in follow_ups(tx)? {
            all.insert(follow_up.follow_up.id, json!(central::state::follow_up_state(card, &follow_up)));
        }
        Ok((projects, all))
    })?;
    let shown: Vec<String> = device.projects()?.into_iter().map(|row| row.folio).collect();
    let known: Vec<String> = projects.keys().cloned().collect();
    ensure!(shown == known, "I4: {} shows {shown:?}, the endpoint has {known:?}", device.name);
    for (folio, state) in &projects {
        let detail = device.project(folio)?;
        same(device, folio, state, &json!(detail.project))?;
        let rows: BTreeMap<Uuid, Value> =
            detail.follow_ups.iter().filter_map(|row| Some((row.id, json!(row.central.as_ref()?)))).collect();
        for (id, truth) in stored.iter().filter(|(_, truth)| truth["project"] == json!(folio)) {
            let folio = truth["folio"].to_string();
            match rows.get(id) {
                Some(row) => same(device, &folio, truth, row)?,
                // What was refused for its área is told to its author alone.
                None if truth["state"] == "rejected" => {}
                None => bail!("I4: {} does not show {folio}", device.name),
            }
        }
    }
    for row in device.tray()?.rows {
        let (Some(truth), Some(central)) = (stored.get(&row.id), &row.central) else { continue };
        same(device, &row.folio, truth, &json!(central))?;
        let awaited = truth["held"]["why"] == "missing_files";
        ensure!(
            !awaited || row.files_waiting > 0,
            "I6: the endpoint waits for files of {} that {} takes for sent",
            row.folio,
            device.name
        );
    }
    Ok(())
}

fn same(device: &Device, what: &str, truth: &Value, shown: &Value) -> Result<()> {
    ensure!(truth == shown, "I4: {} shows {what} as {shown}, the endpoint has {truth}", device.name);
    Ok(())
}

/// I11: to recover twice is to recover once. One device and one node of each seed show it.
fn again(world: &mut World<'_>) -> Result<()> {
    let before = standing(world)?;
    let d = world.chance.below(world.devices.len());
    let n = world.chance.below(NODES);
    for _ in 0..2 {
        world.devices[d].kill()?;
        world.central.restart(n, 0)?;
        let accepted = world.central.decide(n)?;
        ensure!(accepted == 0, "I11: node {n} accepted {accepted} again");
        let now = standing(world)?;
        ensure!(before == now, "I11: after a start it stands otherwise: {before:?} / {now:?}");
    }
    Ok(())
}
