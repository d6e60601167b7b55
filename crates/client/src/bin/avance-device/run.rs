//! One function per verb: asks the client, prints the answer.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use client::{Client, profiles};
use domain::clock::SystemClock;
use domain::command::{AppState, Choose, ConflictRow, ProjectRow, ReceiptView, Sent, Status};
use domain::conflict::Resolution;
use domain::follow_up::FollowUpFile;
use domain::problem::{Code, Problem};
use domain::wire::DeviceRow;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use zeroize::Zeroizing;

use crate::args::{Args, Relay, Rescue, Verb};
use crate::conflicts;
use crate::opinions;
use crate::progress::Line;
use crate::prose::{self, Language};
use crate::relay;
use crate::rescue;
use crate::{say, warn};

/// After this time without progress, sending ends with the reason.
const PATIENCE: Duration = Duration::from_secs(20);
/// Largest follow-up file.
const MAX_FILE: u64 = 8 * 1024 * 1024;

/// Runs a verb. The exit code is 0 when it was done.
pub(crate) async fn run(args: Args, language: Language) -> Result<ExitCode, Problem> {
    if let Verb::Relay { what: Relay::Upload { file, server: Some(server) } } = &args.verb {
        return relay::carry(language, server, file).await;
    }
    let dir = args.data.clone().ok_or_else(|| {
        Problem::new(Code::CommandInvalid).with("name", "--data").with("detail", prose::no_folder(language))
    })?;
    if let Verb::Profiles { json } = args.verb {
        return list_profiles(&dir, json);
    }
    let enrolling = matches!(args.verb, Verb::Enrol { .. });
    // An empty variable is one that is not set.
    let dir = match args.profile.as_deref().filter(|name| !name.is_empty()) {
        None => dir,
        Some(name) if enrolling => profiles::make(&dir, name, &SystemClock)?,
        Some(name) => profiles::find(&dir, name)?,
    };
    if let Verb::Rescue { what: Rescue::Export { to } } = &args.verb {
        return rescue::export(language, &dir, to);
    }
    let passphrase = passphrase(args.passphrase_file.as_deref())?;
    let client = Client::open(&dir, Arc::new(SystemClock))?;
    match &args.verb {
        Verb::Recover { code_file } => return recover(&client, language, code_file, passphrase.as_deref()),
        Verb::Recovery { page } => {
            return recovery(&client, language, page.as_deref(), passphrase.as_deref());
        }
        Verb::Passphrase { new_file } => {
            return change_passphrase(&client, language, new_file, passphrase.as_deref());
        }
        _ => {}
    }
    let state = client.unlock(passphrase.as_deref().map(String::as_str))?;
    if !enrolling && !matches!(state, AppState::Ready { .. }) {
        return Err(Problem::new(Code::NotEnrolled));
    }
    let done = work(args.verb, &client, language).await;
    // What changed is copied to where a forgotten passphrase does not reach.
    client.close();
    done
}

async fn work(verb: Verb, client: &Client, language: Language) -> Result<ExitCode, Problem> {
    match verb {
        Verb::Enrol { server, code, device } => enrol(client, language, &server, &code, &device).await,
        Verb::Profiles { .. }
        | Verb::Recovery { .. }
        | Verb::Recover { .. }
        | Verb::Passphrase { .. }
        | Verb::Rescue { what: Rescue::Export { .. } } => Err(Problem::new(Code::CommandInvalid)),
        Verb::Rescue { what: Rescue::TakeBack { from } } => rescue::take_back(client, language, &from).await,
        Verb::Projects { json, text } => projects(client, language, json, &text.join(" ")).await,
        Verb::Capture { project, file, evidence } => capture(client, language, &project, &file, &evidence),
        Verb::Send { text_only } => {
            if text_only {
                client.send_text_only();
            }
            send(client, language, text_only).await
        }
        Verb::Tray { json, to } => tray(client, language, json, to.as_deref()),
        Verb::Status { json } => status(client, language, json),
        Verb::Receipts { pdf: Some(folder), .. } => receipts_to(client, language, &folder),
        Verb::Receipts { files, .. } if !files.is_empty() => receipts_in(client, language, &files),
        Verb::Receipts { json, verify, .. } => receipts(client, language, json, verify),
        Verb::Conflicts { json } => conflicts(client, language, json).await,
        Verb::Choose { folio, apply, reason, .. } => choose(client, language, &folio, apply, &reason).await,
        Verb::Report { kind, impact, no_diagnostics, text } => {
            opinions::report(client, language, (kind, impact), !no_diagnostics, text).await
        }
        Verb::Reports { json } => opinions::list(client, language, json).await,
        Verb::Relay { what } => relay::run(client, language, what).await,
        Verb::Devices { json } => devices(client, language, json).await,
    }
}

/// The passphrase of a file, else of the environment, else none: then the keyring is asked.
fn passphrase(file: Option<&Path>) -> Result<Option<Zeroizing<String>>, Problem> {
    let Some(path) = file else {
        return Ok(std::env::var("AVANCE_PASSPHRASE")
            .ok()
            .filter(|text| !text.is_empty())
            .map(Zeroizing::new));
    };
    first_line(path).map(Some)
}

fn first_line(path: &Path) -> Result<Zeroizing<String>, Problem> {
    let text = Zeroizing::new(std::fs::read_to_string(path).map_err(|error| unreadable(path, &error))?);
    Ok(Zeroizing::new(text.lines().next().unwrap_or_default().to_owned()))
}

fn list_profiles(dir: &Path, as_json: bool) -> Result<ExitCode, Problem> {
    let found = profiles::list(dir)?;
    if as_json {
        print_json(&found);
    } else {
        found.iter().for_each(|profile| say(&profile.name));
    }
    Ok(ExitCode::SUCCESS)
}

/// The passphrase itself: these verbs are not for a keyring.
fn needed(passphrase: Option<&String>) -> Result<&str, Problem> {
    passphrase.map(String::as_str).ok_or_else(|| Problem::new(Code::PassphraseNeeded))
}

fn recovery(
    client: &Client,
    language: Language,
    page: Option<&Path>,
    passphrase: Option<&String>,
) -> Result<ExitCode, Problem> {
    let passphrase = needed(passphrase)?;
    client.unlock(Some(passphrase))?;
    // Made before there is a code: one that could not be saved must not have cost the former one.
    let target = page.map(|path| new_file(path).map(|file| (path, file))).transpose()?;
    let (code, bytes) = client.new_recovery_code(passphrase)?;
    say(&code);
    if let Some((path, mut file)) = target {
        let written = file.write_all(&bytes).and_then(|()| file.sync_all());
        written.map_err(|error| unreadable(path, &error))?;
    }
    // It was asked for to be printed, and it was said: the window does not ask again.
    client.recovery_code_kept()?;
    warn(prose::recovery_made(language));
    Ok(ExitCode::SUCCESS)
}

/// A new file that only its owner reads: the page is as good as the passphrase.
fn new_file(path: &Path) -> Result<std::fs::File, Problem> {
    let mut options = std::fs::File::options();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map_err(|error| unreadable(path, &error))
}

fn recover(
    client: &Client,
    language: Language,
    code: &Path,
    passphrase: Option<&String>,
) -> Result<ExitCode, Problem> {
    let passphrase = needed(passphrase)?;
    client.recover(&first_line(code)?, passphrase)?;
    warn(prose::passphrase_changed(language));
    Ok(ExitCode::SUCCESS)
}

fn change_passphrase(
    client: &Client,
    language: Language,
    new: &Path,
    passphrase: Option<&String>,
) -> Result<ExitCode, Problem> {
    client.change_passphrase(needed(passphrase)?, &first_line(new)?)?;
    warn(prose::passphrase_changed(language));
    Ok(ExitCode::SUCCESS)
}

fn unreadable(path: &Path, error: &std::io::Error) -> Problem {
    Problem::new(Code::FileUnreadable)
        .with("file", path.display().to_string())
        .with("detail", error.to_string())
}

pub(crate) async fn ask<T: DeserializeOwned>(
    client: &Client,
    name: &str,
    payload: Value,
) -> Result<T, Problem> {
    let answer = client.call(name, payload).await?;
    serde_json::from_value(answer).map_err(|error| {
        Problem::new(Code::CommandInvalid).with("name", name).with("detail", error.to_string())
    })
}

pub(crate) fn print_json(value: &impl serde::Serialize) {
    match serde_json::to_string_pretty(value) {
        Ok(text) => say(&text),
        Err(error) => warn(&error.to_string()),
    }
}

async fn enrol(
    client: &Client,
    language: Language,
    server: &str,
    code: &str,
    device: &str,
) -> Result<ExitCode, Problem> {
    let state: AppState =
        ask(client, "enrol", json!({"server": server, "code": code, "device": device})).await?;
    let AppState::Ready { person, municipality, device, .. } = state else {
        return Err(Problem::new(Code::NotEnrolled));
    };
    let rows: Vec<ProjectRow> = ask(client, "projects", json!({})).await?;
    say(&prose::enrolled(language, &person, &municipality.name, &device, rows.len()));
    // The equipment is activated either way; the projects come with the next contact.
    if let Some(problem) = client.status()?.problem {
        warn(&prose::problem(language, &problem));
    }
    Ok(ExitCode::SUCCESS)
}

async fn projects(
    client: &Client,
    language: Language,
    as_json: bool,
    text: &str,
) -> Result<ExitCode, Problem> {
    let rows: Vec<ProjectRow> = ask(client, "projects", json!({"text": text})).await?;
    if as_json {
        print_json(&rows);
    } else {
        for row in &rows {
            say(&prose::project(language, row));
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn capture(
    client: &Client,
    language: Language,
    project: &str,
    path: &Path,
    evidence: &[(PathBuf, String)],
) -> Result<ExitCode, Problem> {
    let size = std::fs::metadata(path).map_err(|error| unreadable(path, &error))?.len();
    let invalid = |detail: String| {
        Problem::new(Code::FollowUpFileInvalid)
            .with("file", path.display().to_string())
            .with("detail", detail)
    };
    if size > MAX_FILE {
        return Err(invalid(format!("{size} > {MAX_FILE} bytes")));
    }
    let bytes = std::fs::read(path).map_err(|error| unreadable(path, &error))?;
    // Spreadsheets and editors on Windows begin a file with a mark that JSON does not know.
    let text = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes);
    let file: FollowUpFile = serde_json::from_slice(text).map_err(|error| invalid(error.to_string()))?;
    let sent = client.capture_file(project, file, evidence)?;
    say(&sent.folio);
    warn(prose::queued(language));
    Ok(ExitCode::SUCCESS)
}

/// Whether everything that was marked ready is recorded, files included where they go.
fn all_sent(status: &Status, text_only: bool) -> bool {
    status.received == status.marked
        && (text_only || status.text_only || status.files_received == status.files)
}

async fn send(client: &Client, language: Language, text_only: bool) -> Result<ExitCode, Problem> {
    let line = Line::begin(client, language);
    let mut watch = Watch { moved: client.moved(), since: Instant::now() };
    let mut reason: Option<Problem>;
    let mut pause = Duration::from_millis(250);
    loop {
        match cycle(client, &mut watch).await {
            Some(Ok(status)) => reason = status.problem,
            Some(Err(problem)) => {
                // A disk without room is not mended by waiting in front of it either.
                let final_for_now = matches!(
                    problem.code,
                    Code::DeviceRevoked
                        | Code::DeviceForked
                        | Code::UpgradeRequired
                        | Code::DiskFull
                        | Code::FolderReadOnly
                );
                reason = Some(problem);
                if final_for_now {
                    break;
                }
            }
            None => reason = None,
        }
        let status = client.status()?;
        if all_sent(&status, text_only) {
            let status = decided(client, status).await;
            drop(line);
            if let Some(problem) = &reason {
                warn(&prose::problem(language, problem));
            }
            say(&prose::sent(language, &status));
            return Ok(ExitCode::SUCCESS);
        }
        // What is set apart because its project is another área's goes when the project comes back, and not by waiting.
        let apart = status.problem.as_ref().is_some_and(|problem| problem.code == Code::OutOfScope);
        if apart && !["ready", "sending"].iter().any(|state| status.counts.contains_key(*state)) {
            reason = status.problem.clone();
            break;
        }
        // Who asks for time gets it; when that is more than a person waits here, they are told and ask again later.
        let asked = reason.as_ref().and_then(Problem::retry_after).unwrap_or_default();
        if watch.is_over(client) || watch.since.elapsed() + asked >= PATIENCE {
            break;
        }
        tokio::time::sleep(asked).await;
        tokio::time::sleep(pause.min(PATIENCE.saturating_sub(watch.since.elapsed()))).await;
        pause = (pause * 2).min(Duration::from_secs(2));
    }
    drop(line);
    let status = client.status()?;
    let waiting = status.marked.saturating_sub(status.received);
    let stalled = Problem::new(Code::NoProgress)
        .with("seconds", watch.since.elapsed().as_secs())
        .with("waiting", waiting);
    let problem = reason.or(status.problem).unwrap_or(stalled);
    warn(&prose::problem(language, &problem));
    warn(&prose::still_here(language, waiting, status.files.saturating_sub(status.files_received)));
    Ok(ExitCode::from(2))
}

/// The endpoint decides just after it has recorded: asks a few times more, so that `status` already says what it
/// decided. What waits for a person is not waited for.
async fn decided(client: &Client, mut status: Status) -> Status {
    for _ in 0..3 {
        if status.problem.is_some() || !status.counts.contains_key("received") {
            break;
        }
        tokio::time::sleep(Duration::from_millis(400)).await;
        match client.sync_once().await {
            Ok(fresh) => status = fresh,
            Err(_) => break,
        }
    }
    status
}

/// One cycle, given up when nothing moves for too long.
async fn cycle(client: &Client, watch: &mut Watch) -> Option<Result<Status, Problem>> {
    let cycle = client.sync_once();
    tokio::pin!(cycle);
    loop {
        tokio::select! {
            result = &mut cycle => return Some(result),
            () = tokio::time::sleep(Duration::from_millis(200)) => {
                if watch.is_over(client) {
                    return None;
                }
            }
        }
    }
}

/// Watches that something moves.
struct Watch {
    moved: u64,
    since: Instant,
}

impl Watch {
    fn is_over(&mut self, client: &Client) -> bool {
        let moved = client.moved();
        if moved != self.moved {
            (self.moved, self.since) = (moved, Instant::now());
        }
        self.since.elapsed() >= PATIENCE
    }
}

fn tray(client: &Client, language: Language, as_json: bool, to: Option<&Path>) -> Result<ExitCode, Problem> {
    let unsent = client.unsent()?;
    if as_json {
        print_json(&unsent);
    } else {
        for one in &unsent {
            say(&prose::unsent(language, &one.row));
        }
    }
    if let Some(folder) = to {
        for one in &unsent {
            client.export(one, folder)?;
        }
        warn(&prose::copied(language, unsent.len(), &folder.display().to_string()));
    }
    Ok(ExitCode::SUCCESS)
}

fn status(client: &Client, language: Language, as_json: bool) -> Result<ExitCode, Problem> {
    let status = client.status()?;
    if as_json {
        print_json(&status);
    } else {
        for line in prose::status(language, &status) {
            say(&line);
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn receipts(client: &Client, language: Language, as_json: bool, verify: bool) -> Result<ExitCode, Problem> {
    let receipts = client.receipts()?;
    if as_json {
        let rows: Vec<Value> = receipts
            .iter()
            .map(|(folio, project, view)| {
                json!({"folio": folio, "project": project, "valid": view.valid, "bodyHash": view.body_hash, "receipt": view.receipt, "earlier": view.earlier})
            })
            .collect();
        print_json(&rows);
    } else {
        for (folio, project, view) in &receipts {
            say(&prose::receipt(language, folio, project, view));
        }
    }
    let failed = |(_, _, view): &&(String, String, ReceiptView)| !view.valid;
    if verify && let Some((folio, ..)) = receipts.iter().find(failed) {
        warn(&prose::receipt_failed(language, folio));
        return Ok(ExitCode::FAILURE);
    }
    Ok(ExitCode::SUCCESS)
}

/// Verifies the receipts in files.
fn receipts_in(client: &Client, language: Language, files: &[PathBuf]) -> Result<ExitCode, Problem> {
    let mut all_valid = true;
    for path in files {
        let (receipt, valid) = client.receipt_in(path)?;
        let folio = receipt.body.folio.clone();
        let view = ReceiptView { receipt: Some(receipt), valid, body_hash: None, earlier: Vec::new() };
        say(&prose::receipt(language, &folio, &path.display().to_string(), &view));
        all_valid &= valid;
    }
    Ok(if all_valid { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Saves every receipt as a page to print.
fn receipts_to(client: &Client, language: Language, folder: &Path) -> Result<ExitCode, Problem> {
    for (path, written) in client.save_receipts(folder)? {
        let path = path.display().to_string();
        say(&if written { path } else { prose::kept(language, &path) });
    }
    Ok(ExitCode::SUCCESS)
}

async fn conflicts(client: &Client, language: Language, as_json: bool) -> Result<ExitCode, Problem> {
    let rows: Vec<ConflictRow> = ask(client, "conflicts", json!({})).await?;
    if as_json {
        print_json(&rows);
    } else {
        for row in &rows {
            for line in conflicts::lines(language, row) {
                say(&line);
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

async fn choose(
    client: &Client,
    language: Language,
    folio: &str,
    apply: bool,
    reason: &str,
) -> Result<ExitCode, Problem> {
    let rows: Vec<ConflictRow> = ask(client, "conflicts", json!({})).await?;
    let folio = folio.trim().to_uppercase();
    let Some(row) = rows.iter().find(|row| row.folio == folio) else {
        return Err(Problem::new(Code::ConflictUnknown).with("folio", folio));
    };
    let resolution = if apply { Resolution::Apply } else { Resolution::Keep };
    let request = Choose { id: row.id, resolution, reason: reason.to_owned(), version: row.conflict.version };
    let sent: Sent = ask(client, "choose", json!(request)).await?;
    say(&sent.folio);
    warn(prose::queued(language));
    Ok(ExitCode::SUCCESS)
}

async fn devices(client: &Client, language: Language, as_json: bool) -> Result<ExitCode, Problem> {
    let rows: Vec<DeviceRow> = ask(client, "devices", json!({})).await?;
    if as_json {
        print_json(&rows);
    } else {
        for row in &rows {
            say(&prose::device(language, row));
        }
    }
    Ok(ExitCode::SUCCESS)
}
