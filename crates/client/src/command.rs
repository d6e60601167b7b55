//! From the name of a command and its JSON to the use case, and back.

use std::path::Path;

use base64::Engine as _;
use chrono::{DateTime, Utc};
use domain::command::{
    AppState, Command, Done, Draft, FormCard, LOCK_MINUTES, LOCK_MINUTES_AT_FIRST, Nothing, ReceiptPdf,
    ReceiptView, RecoveryCode, RecoveryPage, Status, VersionReason,
};
use domain::evidence::PhotoSize;
use domain::follow_up::Stage;
use domain::form::{Choice, Text};
use domain::problem::{Code, Problem};
use domain::receipt::{Receipt, body_hash};
use domain::wire::{MunicipalityCard, Operation};
use rusqlite::Connection;
use serde::Serialize;
use serde_json::Value;
use uuid::Uuid;

use crate::error::Error;
use crate::store::projects::{self, Day};
use crate::store::{Store, drafts, files, forms, meta, outbox, versions as kept_versions};
use crate::sync::transport::Transport;
use crate::sync::{engine, plan};
use crate::{
    Client, Inner, capture, choose, evidence, keys, opinion, profiles, receipt_pdf, relay, rescue, review,
    session, versions, view,
};

/// Proposed name of the page of a recovery code.
const RECOVERY_PAGE: &str = "codigo-de-recuperacion.pdf";

/// Runs a command.
pub(crate) async fn run(client: &Client, command: Command) -> Result<Value, Error> {
    match command {
        Command::enrol(request) => {
            let (store, clock) = (client.inner.store()?, &*client.inner.clock);
            {
                // Not during a cycle: it would go on under the identity that it began with.
                let _turn = client.inner.turn.lock().await;
                let wire = client.inner.outside.wire.clone();
                let transport = Transport::new(&request.server, wire)?;
                session::enrol(&store, clock, &transport, &request.code, &request.device).await?;
                client.inner.tokens.clear();
            }
            // The projects should be there when the window opens; without a connection they come later.
            if let Err(error) = engine::run(&client.inner).await {
                tracing::warn!(%error, "first cycle");
            }
            client.inner.wake.notify_one();
            json(&client.app_state()?)
        }
        Command::send_now(Nothing {}) => json(&send_now(client).await?),
        Command::devices(Nothing {}) => json(&engine::devices(&client.inner).await?),
        Command::relay_upload(request) => {
            json(&relay::upload(&client.inner, Path::new(&request.path)).await?)
        }
        command if client.inner.outside.inline => here(client, command),
        command => {
            let client = client.clone();
            tokio::task::spawn_blocking(move || here(&client, command)).await?
        }
    }
}

/// Wakes the scheduler; without one, runs the cycle itself.
async fn send_now(client: &Client) -> Result<Status, Error> {
    if client.in_background() {
        client.inner.wake.notify_one();
    } else if let Err(error) = engine::run(&client.inner).await {
        // The reason is in the status.
        tracing::info!(%error, "cycle");
    }
    client.inner.status()
}

/// Commands that need no network.
fn here(client: &Client, command: Command) -> Result<Value, Error> {
    let inner = &*client.inner;
    if let Command::app_state(Nothing {}) = command {
        return json(&client.app_state()?);
    }
    if let Command::unlock(request) = command {
        return json(&client.unlock_with(Some(&request.passphrase))?);
    }
    if let Command::recover(request) = command {
        return json(&client.recover(&request.code, &request.passphrase)?);
    }
    if let Command::lock(Nothing {}) = command {
        client.lock();
        return json(&client.app_state()?);
    }
    let store = inner.store()?;
    let moment = inner.moment();
    let changed = |value: Result<Value, Error>| {
        if value.is_ok() {
            inner.say(domain::command::Event::Changed);
            inner.say_status();
        }
        value
    };
    match command {
        Command::projects(query) => json(&store.read(|c| view::projects(c, &query.text))?),
        Command::project(request) => json(&store.read(|c| {
            let identity = session::enrolled(c)?;
            let now = session::central_now(c, &*inner.clock)?;
            view::project(c, &inner.link, &identity.municipality, &request.folio, now)
        })?),
        Command::project_list(query) => {
            let (municipality, now) = lit(inner, &store)?;
            json(&store.read(|c| view::project_list(c, &query, &municipality, now))?)
        }
        Command::departures(Nothing {}) => json(&store.read(projects::departures)?),
        Command::departures_seen(Nothing {}) => {
            store.write(|tx| projects::forget_departures(tx))?;
            changed(json(&Done {}))
        }
        Command::tray(Nothing {}) => {
            // Before it is enrolled there is no project, and the tray is empty.
            let lit = if store.read(session::identity)?.is_some() { Some(lit(inner, &store)?) } else { None };
            json(&store.read(|c| view::tray(c, &inner.link, lit.as_ref()))?)
        }
        Command::draft_new(request) => changed(json(&capture::draft_new(&store, moment, &request)?)),
        Command::draft_open(request) => json(&capture::draft_open(&store, moment, request.id)?),
        Command::draft_save(request) => {
            json(&capture::draft_save(&store, moment, request.id, request.values)?)
        }
        Command::draft_discard(request) => {
            store.write(|tx| drafts::set_discarded(tx, request.id, Some(moment.captured_at)))?;
            changed(json(&Done {}))
        }
        Command::draft_restore(request) => {
            store.write(|tx| drafts::set_discarded(tx, request.id, None))?;
            changed(json(&capture::draft_open(&store, moment, request.id)?))
        }
        Command::draft_versions(request) => json(&versions::list(&store, request.id)?),
        Command::draft_version_restore(request) => {
            changed(json(&versions::restore(&store, moment, request.id, request.number)?))
        }
        Command::draft_ready(request) => {
            let sent = capture::draft_ready(&store, moment, request.id)?;
            inner.wake.notify_one();
            changed(json(&sent))
        }
        Command::conflicts(Nothing {}) => json(&store.read(choose::list)?),
        Command::choose(request) => {
            let sent = choose::choose(&store, moment, request)?;
            inner.wake.notify_one();
            changed(json(&sent))
        }
        Command::reviews(request) => json(&store.read(|c| {
            let now = session::central_now(c, &*inner.clock)?;
            review::list(c, request.id, now)
        })?),
        Command::review(request) => {
            let sent = review::say(&store, moment, request.acts)?;
            inner.wake.notify_one();
            changed(json(&sent))
        }
        Command::correct(request) => changed(json(&review::correct(&store, moment, request)?)),
        Command::opinions(Nothing {}) => json(&store.read(opinion::list)?),
        Command::opinion_keep(request) => {
            opinion::keep(&store, &request)?;
            json(&Done {})
        }
        Command::opinion_send(request) => {
            let sent = opinion::send(&store, moment, request)?;
            inner.wake.notify_one();
            changed(json(&sent))
        }
        Command::evidence_add_paths(request) => {
            let (stage, size) = store.read(|c| for_files(c, request.id))?;
            let mut checked = Vec::new();
            for path in &request.paths {
                let file = evidence::read(Path::new(path), size)?;
                let document_type = evidence::document_type(request.document_type.as_deref(), stage, &file)?;
                checked.push((file, document_type));
            }
            evidence::attach(&store, inner.free_bytes(), request.id, &checked, moment.captured_at)?;
            changed(json(&capture::draft_open(&store, moment, request.id)?))
        }
        Command::evidence_add_bytes(request) => {
            let (stage, size) = store.read(|c| for_files(c, request.id))?;
            let bytes =
                base64::engine::general_purpose::STANDARD.decode(request.base64.trim()).map_err(|error| {
                    Problem::new(Code::CommandInvalid)
                        .with("name", "evidence_add_bytes")
                        .with("detail", error.to_string())
                })?;
            let file = evidence::check(&request.name, bytes, size)?;
            let document_type = evidence::document_type(request.document_type.as_deref(), stage, &file)?;
            evidence::attach(
                &store,
                inner.free_bytes(),
                request.id,
                &[(file, document_type)],
                moment.captured_at,
            )?;
            changed(json(&capture::draft_open(&store, moment, request.id)?))
        }
        Command::evidence_set(request) => {
            let title = request.title.as_deref().map(str::trim).filter(|title| !title.is_empty());
            describe(&store, request.id, &request.sha256, &request.document_type, title)?;
            json(&touched(&store, moment, request.id)?)
        }
        Command::evidence_remove(request) => {
            store.write(|tx| {
                let (draft, happens) = (drafts::get(tx, request.id)?, Some(VersionReason::File));
                kept_versions::before(tx, &draft, store.session(), happens, moment.captured_at)?;
                drafts::detach(tx, request.id, &request.sha256)
            })?;
            changed(json(&touched(&store, moment, request.id)?))
        }
        Command::evidence_again(request) => {
            let title = request.title.as_deref().map(str::trim).filter(|title| !title.is_empty());
            evidence::attach_again(&store, request.id, &request.sha256, &request.document_type, title)?;
            changed(json(&touched(&store, moment, request.id)?))
        }
        Command::evidence_thumbnail(request) => json(&evidence::thumbnail(&store, &request.sha256)?),
        Command::evidence_answer(request) => changed(json(&capture::photo_answer(&store, moment, &request)?)),
        Command::set_text_only(request) => {
            store.write(|tx| meta::set(tx, meta::TEXT_ONLY, &request.on))?;
            inner.wake.notify_one();
            inner.say_status();
            json(&inner.status()?)
        }
        Command::map_info(Nothing {}) => json(&inner.map.info(&inner.dir, &store)?),
        Command::map_tile(request) => json(&inner.map.tile(&inner.dir, request)?),
        Command::relay(Nothing {}) => json(&relay::state(inner)?),
        Command::relay_export(request) => json(&relay::export(inner, Path::new(&request.path))?),
        Command::relay_import(request) => changed(json(&relay::import(inner, Path::new(&request.path))?)),
        Command::rescue_take_back(request) => {
            changed(json(&rescue::back::take(inner, Path::new(&request.path))?))
        }
        Command::status(Nothing {}) => json(&inner.status()?),
        Command::receipt(request) => json(&receipt(&store, request.id)?),
        Command::receipt_pdf(request) => {
            let (name, bytes) = receipt_pdf::page(&store, request.id)?;
            json(&ReceiptPdf { name, base64: base64::engine::general_purpose::STANDARD.encode(bytes) })
        }
        Command::profile_rename(request) => {
            profiles::rename(&inner.dir, &request.name)?;
            json(&client.app_state()?)
        }
        Command::set_lock_after(request) => {
            if !LOCK_MINUTES.contains(&request.minutes) {
                return Err(Problem::new(Code::CommandInvalid)
                    .with("name", "set_lock_after")
                    .with("detail", format!("{} to {} minutes", LOCK_MINUTES.start(), LOCK_MINUTES.end()))
                    .into());
            }
            store.write(|tx| meta::set(tx, meta::LOCK_MINUTES, &request.minutes))?;
            json(&client.app_state()?)
        }
        Command::passphrase_change(request) => {
            client.change_passphrase(&request.old, &request.new)?;
            json(&Done {})
        }
        Command::recovery_new(request) => {
            let (code, page) = client.new_recovery_code(&request.passphrase)?;
            json(&RecoveryPage {
                code: (*code).clone(),
                name: RECOVERY_PAGE.to_owned(),
                base64: base64::engine::general_purpose::STANDARD.encode(page),
            })
        }
        Command::recovery_kept(Nothing {}) => {
            client.recovery_code_kept()?;
            json(&client.app_state()?)
        }
        // Of the equipment, and not of one person: `People` answers them.
        Command::profiles(_)
        | Command::profile_choose(_)
        | Command::profile_leave(_)
        | Command::profile_add(_)
        | Command::profile_remove(_)
        | Command::profiles_removed(_)
        | Command::profile_bring_back(_)
        | Command::profile_delete(_)
        | Command::rescue(_)
        | Command::rescue_export(_) => Err(Problem::new(Code::CommandInvalid).into()),
        Command::app_state(_)
        | Command::unlock(_)
        | Command::recover(_)
        | Command::lock(_)
        | Command::enrol(_)
        | Command::send_now(_)
        | Command::devices(_)
        | Command::relay_upload(_) => Err(Problem::new(Code::CommandInvalid).into()),
    }
}

/// What decides how a file is attached: the stage of the draft, and the size of photographs.
fn for_files(connection: &Connection, draft: Uuid) -> Result<(Stage, PhotoSize), Error> {
    let stage = drafts::get(connection, draft)?.stage;
    Ok((stage, session::enrolled(connection)?.municipality.photo))
}

/// The municipality and the instant, once the lights of the projects are those of the day. Where they cannot be written
/// (a full disk) the list is shown all the same, and only what is chosen by light is of the day before.
fn lit(inner: &Inner, store: &Store) -> Result<(MunicipalityCard, DateTime<Utc>), Error> {
    let (municipality, now) =
        store.read(|c| Ok((session::enrolled(c)?.municipality, session::central_now(c, &*inner.clock)?)))?;
    let day = Day::of(&municipality, now);
    if store.read(|c| projects::is_stale(c, &day))?
        && let Err(error) = store.write(|tx| projects::refresh(tx, &day))
    {
        tracing::warn!(%error, "lights");
    }
    Ok((municipality, now))
}

fn describe(
    store: &Store,
    draft: Uuid,
    sha256: &str,
    document_type: &str,
    title: Option<&str>,
) -> Result<(), Error> {
    let name = store.read(|c| files::get(c, sha256))?.map(|file| file.name).unwrap_or_default();
    evidence::known_type(&name, document_type)?;
    store.write(|tx| drafts::describe(tx, draft, sha256, document_type, title))
}

fn touched(store: &Store, moment: capture::Moment, draft: Uuid) -> Result<Draft, Error> {
    store.write(|tx| drafts::touch(tx, draft, moment.captured_at))?;
    capture::draft_open(store, moment, draft)
}

/// The receipt of a follow-up, verified again against what is here: without a network.
pub(crate) fn receipt(store: &Store, id: Uuid) -> Result<ReceiptView, Error> {
    store.read(|connection| {
        let Some(queued) = outbox::of_record(connection, id)? else {
            return Err(Problem::new(Code::NotFound).into());
        };
        let server_key = session::enrolled(connection)?.server_key;
        verified(connection, &queued.operation, queued.receipt, &server_key)
    })
}

/// Every receipt of this equipment, of follow-ups and of choices, newest operation first: folio, project, receipt.
pub(crate) fn receipts(store: &Store) -> Result<Vec<(String, String, ReceiptView)>, Error> {
    store.read(|connection| {
        let server_key = session::enrolled(connection)?.server_key;
        outbox::receipts(connection)?
            .into_iter()
            .map(|(folio, project, operation, receipt)| {
                Ok((folio, project, verified(connection, &operation, Some(receipt), &server_key)?))
            })
            .collect()
    })
}

fn verified(
    connection: &Connection,
    operation: &Operation,
    receipt: Option<Receipt>,
    server_key: &str,
) -> Result<ReceiptView, Error> {
    let valid = receipt.as_ref().is_some_and(|receipt| plan::names(receipt, operation, server_key));
    Ok(ReceiptView {
        receipt,
        valid,
        body_hash: Some(body_hash(&operation.salt, &operation.body)?),
        earlier: outbox::earlier_receipts(connection, operation.op_id)?,
    })
}

impl Client {
    /// Where this equipment stands. A store that the keyring can open is opened.
    pub(crate) fn app_state(&self) -> Result<AppState, Error> {
        let inner = &*self.inner;
        let Ok(store) = inner.store() else {
            if !crate::store::exists(&inner.dir)? && !keys::exist(&inner.dir)? {
                return Ok(AppState::Locked { new: true, profile: profiles::name_on_card(&inner.dir) });
            }
            let locked = || AppState::Locked { new: false, profile: Some(profiles::name_of(&inner.dir)) };
            if inner.by_hand.load(std::sync::atomic::Ordering::Relaxed) {
                return Ok(locked());
            }
            return match self.unlock_with(None) {
                Ok(state) => Ok(state),
                Err(Error::Problem(problem))
                    if matches!(problem.code, Code::PassphraseNeeded | Code::KeyringLocked) =>
                {
                    Ok(locked())
                }
                Err(error) => Err(error),
            };
        };
        let (identity, now, minutes, kept, forms) = store.read(|c| {
            let now = session::central_now(c, &*inner.clock)?;
            let minutes = meta::get::<u32>(c, meta::LOCK_MINUTES)?;
            let kept = meta::get(c, meta::RECOVERY_KEPT)?.unwrap_or(false);
            Ok((session::identity(c)?, now, minutes, kept, forms(c)?))
        })?;
        let profile = profiles::name_of(&inner.dir);
        Ok(match identity {
            None => AppState::NotEnrolled { profile, server: session::suggested_server() },
            Some(identity) => AppState::Ready {
                profile,
                lock_minutes: minutes.unwrap_or(LOCK_MINUTES_AT_FIRST),
                recovery: match keys::recovery::exists(&inner.dir)? {
                    false => RecoveryCode::None,
                    true if kept => RecoveryCode::Kept,
                    true => RecoveryCode::Made,
                },
                today: domain::release::today(now, identity.municipality.offset_minutes).to_string(),
                person: identity.person,
                municipality: identity.municipality,
                server: identity.server,
                device: identity.device,
                version: crate::VERSION.to_owned(),
                forms,
                document_types: document_types(),
            },
        })
    }
}

fn forms(connection: &Connection) -> Result<Vec<FormCard>, Error> {
    let mut cards = Vec::new();
    for stage in Stage::ALL {
        let Some(form) = forms::newest(connection, stage)? else { continue };
        let open = form.groups.into_iter().filter(|group| !group.optional);
        cards.push(FormCard {
            stage,
            title: form.title,
            version: form.version,
            columns: open.flat_map(|group| group.fields).collect(),
        });
    }
    Ok(cards)
}

fn document_types() -> Vec<Choice> {
    let codes = ocds::codelist::get("documentType").map(|list| list.codes.as_slice()).unwrap_or_default();
    codes
        .iter()
        .map(|code| Choice {
            code: code.code.to_owned(),
            title: Text { es: code.title_es.to_owned(), en: code.title_en.to_owned() },
        })
        .collect()
}

fn json<T: Serialize>(value: &T) -> Result<Value, Error> {
    Ok(serde_json::to_value(value)?)
}
