//! `avance-central`: the central endpoint, its roles by subcommand.

mod open_rescue;

use std::io::{IsTerminal, Write};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use central::config::{Config, Options};
use central::endpoint::Endpoint;
use central::opinions::command::OpinionsVerb;
use central::store::StoreError;
use central::words::{lang, say};
use central::{auth, backup, base, forms, load, opinions, publish, restore, roots, router, verify, worker};
use chrono::Duration;
use clap::{Parser, Subcommand};
use domain::clock::{Clock, SystemClock};

use domain::follow_up::Held;
use domain::person::Role;

/// Prints a line. Whoever reads may stop reading (`| head`): then there is nobody left to tell, and that is no fault.
macro_rules! out {
    ($($piece:tt)*) => {
        if writeln!(std::io::stdout(), $($piece)*).is_err() {
            std::process::exit(0);
        }
    };
}

#[derive(Parser)]
#[command(
    name = "avance-central",
    version,
    about = "Central endpoint: receives, validates and publishes follow-ups"
)]
struct Cli {
    #[command(flatten)]
    options: Options,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Serves devices and the public files, and publishes in the background.
    Serve {
        /// Address to listen on.
        #[arg(long, env = "AVANCE_LISTEN", default_value = "127.0.0.1:8780")]
        listen: SocketAddr,
    },
    /// Loads base information: a CSV or XLSX list of projects.
    Load {
        /// The file.
        file: PathBuf,
        /// Ready mapping by name, or a mapping file; found by the headers when absent.
        #[arg(long)]
        mapping: Option<String>,
        /// Reads and reports; stores nothing.
        #[arg(long)]
        dry_run: bool,
        /// Loads the rows without errors although others have them.
        #[arg(long)]
        accept_good_rows: bool,
    },
    /// Publishes what is queued, once.
    Publish,
    /// People of the register.
    People {
        #[command(subcommand)]
        verb: PeopleVerb,
    },
    /// Capture forms: a new version reaches devices by synchronisation.
    Forms {
        #[command(subcommand)]
        verb: FormsVerb,
    },
    /// Problems and opinions that people sent from their window, and what becomes of them.
    Opinions {
        #[command(subcommand)]
        verb: OpinionsVerb,
    },
    /// Devices, and what each said it still holds.
    Devices {
        /// As JSON.
        #[arg(long)]
        json: bool,
        /// Revokes a device by its identifier.
        #[arg(long, value_name = "ID")]
        revoke: Option<uuid::Uuid>,
    },
    /// Verifies the history: every stream, entry by entry.
    Verify,
    /// Copies everything that is needed to go on into one file, also while it serves. The file is a secret: it holds the
    /// signing key.
    Backup {
        /// The file to make, outside the data folder.
        #[arg(long, value_name = "FILE")]
        to: PathBuf,
        /// Replaces the file if it exists.
        #[arg(long)]
        force: bool,
    },
    /// Restores a backup into a new or empty data folder, all or nothing.
    Restore {
        /// The file that `backup` made.
        #[arg(long, value_name = "FILE")]
        from: PathBuf,
    },
    /// Work of a store whose passphrase is lost.
    Rescue {
        #[command(subcommand)]
        verb: open_rescue::RescueVerb,
    },
    /// How many projects, follow-ups by state, releases published, and what is queued.
    Status {
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
}

#[derive(Subcommand)]
enum FormsVerb {
    /// Checks a form (a file as those of `schemas/capture`) and makes it the one that new drafts of its stage get.
    Add {
        /// The file.
        file: PathBuf,
        /// Checks and reports; stores nothing.
        #[arg(long)]
        dry_run: bool,
    },
    /// Lists the versions that are known, and which of them new drafts get.
    List,
}

#[derive(Subcommand)]
enum PeopleVerb {
    /// Adds a person (or finds the same one) and prints a one-use code for a device, alone, on standard output.
    Add {
        /// Name.
        #[arg(long)]
        name: String,
        /// enlace, campo, coordinacion, administracion or auditoria.
        #[arg(long)]
        role: String,
        /// Name of the área.
        #[arg(long)]
        area: String,
        /// The person finished the training: follow-ups without errors are accepted by themselves.
        #[arg(long)]
        trained: bool,
        /// Hours the code is valid.
        #[arg(long, default_value_t = 24, value_parser = clap::value_parser!(u32).range(1..=24 * 14))]
        valid_hours: u32,
    },
    /// Lists the register.
    List,
}

fn main() -> ExitCode {
    tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_env_filter(
            tracing_subscriber::EnvFilter::try_from_default_env().unwrap_or_else(|_| "info".into()),
        )
        .with_target(false)
        .init();
    let cli = Cli::parse();
    match run(cli) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("avance-central: {error:#}");
            if let Some(advice) = advice(&error) {
                eprintln!("{advice}");
            }
            ExitCode::FAILURE
        }
    }
}

/// What to do about a disk that does not take what is written.
fn advice(error: &anyhow::Error) -> Option<String> {
    use std::io::ErrorKind;
    let store = |cause: &StoreError| match cause {
        StoreError::Full => Some(true),
        StoreError::ReadOnly => Some(false),
        _ => None,
    };
    let file = |cause: &std::io::Error| match cause.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge => Some(true),
        ErrorKind::ReadOnlyFilesystem | ErrorKind::PermissionDenied => Some(false),
        _ => None,
    };
    let full = error.chain().find_map(|cause| {
        let known = cause.downcast_ref().and_then(store);
        known.or_else(|| cause.downcast_ref().and_then(file))
    })?;
    Some(if full {
        say(
            "No queda espacio en el disco. Lo registrado está completo: libera espacio y repite; los equipos vuelven \
             a enviar solos.",
            "There is no room left on the disk. What was recorded is whole: free some room and repeat; devices send \
             again by themselves.",
        )
    } else {
        say(
            "No se puede escribir en la carpeta de datos. Revisa sus permisos, y que el disco no esté montado sólo para \
             leer; lo registrado sigue ahí y los equipos vuelven a enviar solos.",
            "The data folder cannot be written. Look at its permissions, and whether the disk is mounted to be read \
             only; what was recorded is still there and devices send again by themselves.",
        )
    })
}

fn run(cli: Cli) -> Result<ExitCode> {
    // A file that is not there must not leave a data folder behind.
    if let Verb::Load { file, .. } = &cli.verb
        && !file.is_file()
    {
        bail!("{}", load::LoadError::NotFound { path: file.clone() }.prose(lang()));
    }
    if let Verb::Rescue { verb } = &cli.verb {
        open_rescue::is_there(verb)?;
    }
    // Nor one that is no form.
    let form = match &cli.verb {
        Verb::Forms { verb: FormsVerb::Add { file, .. } } => Some(read_form(file)?),
        _ => None,
    };
    if let Verb::Restore { from } = &cli.verb {
        return restore_from(&cli.options, from);
    }
    let config = Config::load(&cli.options)?;
    if let Verb::Backup { to, force } = &cli.verb {
        return backup_to(&config, to, *force);
    }
    let role = match &cli.verb {
        Verb::People { verb: PeopleVerb::Add { role, name, area, .. } } => {
            if name.trim().is_empty() || domain::person::area_id(area).is_empty() {
                bail!(
                    "{}",
                    say("--name y --area no pueden ir en blanco", "--name and --area cannot be blank")
                );
            }
            let roles = Role::ALL.map(Role::as_str).join(", ");
            Some(Role::parse(role).with_context(|| {
                say(
                    format!("«{role}» no es un rol; roles: {roles}"),
                    format!("«{role}» is not a role; roles: {roles}"),
                )
            })?)
        }
        _ => None,
    };
    let endpoint = Endpoint::open(config, Arc::new(SystemClock))?;
    for warning in endpoint.config.warnings() {
        tracing::warn!("{warning}");
    }
    match cli.verb {
        Verb::Serve { listen } => serve(endpoint, listen).map(|()| ExitCode::SUCCESS),
        Verb::Load { file, mapping, dry_run, accept_good_rows } => {
            load_file(&endpoint, &file, mapping.as_deref(), dry_run, accept_good_rows)
        }
        Verb::Publish => publish_once(&endpoint),
        Verb::People { verb: PeopleVerb::Add { name, area, trained, valid_hours, .. } } => {
            let role = role.context("a role")?;
            let tx = endpoint.store.begin()?;
            let validity = Duration::hours(i64::from(valid_hours));
            let (person, code) =
                auth::add_person(&*tx, name.trim(), role, area.trim(), trained, endpoint.now(), validity)?;
            tx.commit()?;
            eprintln!("{} · {} · {}", person.card.name, person.card.role.as_str(), person.card.area);
            eprintln!(
                "{}",
                say(
                    format!(
                        "Código de un solo uso, válido {valid_hours} h. Se escribe en la aplicación, o: avance-device enrol --code …"
                    ),
                    format!(
                        "One use, valid {valid_hours} h. Type it in the application, or: avance-device enrol --code …"
                    ),
                )
            );
            out!("{code}");
            Ok(ExitCode::SUCCESS)
        }
        Verb::People { verb: PeopleVerb::List } => {
            for person in endpoint.store.read()?.people()? {
                let card = person.card;
                let trained = if card.trained { "trained" } else { "not trained" };
                out!("{}\t{}\t{}\t{trained}", card.area, card.name, card.role.as_str());
            }
            Ok(ExitCode::SUCCESS)
        }
        Verb::Forms { verb: FormsVerb::Add { dry_run, .. } } => {
            let (form, source) = form.context("a form")?;
            add_form(&endpoint, &form, source, dry_run)
        }
        Verb::Forms { verb: FormsVerb::List } => list_forms(&endpoint),
        Verb::Opinions { verb } => {
            for line in opinions::command::run(&endpoint, verb)? {
                out!("{line}");
            }
            Ok(ExitCode::SUCCESS)
        }
        Verb::Rescue { verb } => open_rescue::run(&endpoint, &verb),
        Verb::Devices { json, revoke } => devices(&endpoint, json, revoke),
        Verb::Status { json } => status(&endpoint, json),
        // Before an endpoint is opened: neither must make one.
        Verb::Backup { .. } | Verb::Restore { .. } => Ok(ExitCode::FAILURE),
        Verb::Verify => {
            let look = || -> Result<verify::Verdict> {
                let published = roots::published(&endpoint.config.public())?;
                Ok(verify::verify(&*endpoint.store.read()?, &published)?)
            };
            let mut verdict = look()?;
            if !verdict.broken.is_empty() {
                // The root of the day may have been signed between the look at the files and the one at the log.
                verdict = look()?;
            }
            say_verdict(&verdict);
            Ok(if verdict.broken.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
        }
    }
}

fn say_verdict(verdict: &verify::Verdict) {
    for line in &verdict.broken {
        out!("{line}");
    }
    let verify::Verdict { streams, entries, roots, broken } = verdict;
    out!("{streams} streams, {entries} entries, {roots} daily roots, {} breaks", broken.len());
}

fn backup_to(config: &Config, to: &std::path::Path, force: bool) -> Result<ExitCode> {
    let mut progress = Progress::new(None);
    let made = backup::make(config, to, force, SystemClock.now(), &mut |done, of| progress.bytes(done, of));
    progress.end();
    let manifest = made?;
    let backup::Counts { projects, follow_ups, published, evidence } = manifest.counts;
    out!(
        "{}",
        say(
            format!(
                "{}: {projects} proyectos, {follow_ups} seguimientos, {published} archivos publicados, {evidence} evidencias.",
                to.display()
            ),
            format!(
                "{}: {projects} projects, {follow_ups} follow-ups, {published} published files, {evidence} files of evidence.",
                to.display()
            ),
        )
    );
    eprintln!(
        "{}",
        say(
            "Este archivo es secreto: lleva la llave con que se firman los acuses y datos internos. Sólo lo lee su dueño; \
             guárdalo cifrado y en otro lugar.",
            "This file is a secret: it holds the key that signs receipts, and internal data. Only its owner can read it; \
             keep it encrypted, and elsewhere.",
        )
    );
    for path in &manifest.missing {
        eprintln!(
            "{}",
            say(
                format!("No está o está dañado, y no va en el respaldo: {path}"),
                format!("It is not there or is damaged, and is not in the backup: {path}"),
            )
        );
    }
    // The file is good for what it has; whoever runs this every night must still learn that something was lost before.
    Ok(if manifest.missing.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn restore_from(options: &Options, from: &std::path::Path) -> Result<ExitCode> {
    let mut progress = Progress::new(None);
    let done =
        restore::restore(options, from, Arc::new(SystemClock), &mut |done, of| progress.bytes(done, of));
    progress.end();
    let restore::Restored { manifest, epoch, verdict } = done?;
    let backup::Counts { projects, follow_ups, published, evidence } = manifest.counts;
    let at = manifest.made_at.format("%Y-%m-%d %H:%M UTC");
    out!(
        "{}",
        say(
            format!(
                "Restaurado el respaldo del {at} ({}): {projects} proyectos, {follow_ups} seguimientos, {published} archivos \
                 publicados, {evidence} evidencias.",
                manifest.municipality
            ),
            format!(
                "Restored the backup of {at} ({}): {projects} projects, {follow_ups} follow-ups, {published} published files, \
                 {evidence} files of evidence.",
                manifest.municipality
            ),
        )
    );
    for (stream, head) in &manifest.heads {
        out!("{stream}\t{}\t{}", head.seq, head.chain);
    }
    say_verdict(&verdict);
    for path in &manifest.missing {
        eprintln!(
            "{}",
            say(
                format!("No venía en el respaldo: {path}. Los equipos que lo tengan lo ofrecen otra vez."),
                format!("It was not in the backup: {path}. Devices that have it offer it again."),
            )
        );
    }
    eprintln!(
        "{}",
        say(
            format!(
                "Época nueva: {epoch}. Al arrancar con serve, cada equipo lo nota en su próximo contacto, lee todo otra vez y \
                 ofrece lo que aquí falta; lo que se había publicado después del respaldo se publica otra vez. Antes de \
                 arrancar, repite lo que se hizo a mano desde el {at}: cargas de listas, personas nuevas o capacitadas, \
                 equipos revocados. Un equipo dado de alta después pide un código nuevo, sin perder nada. No arranques el \
                 servidor anterior con la misma dirección."
            ),
            format!(
                "New epoch: {epoch}. Once it serves, each device notices at its next contact, reads everything again and \
                 offers what is missing here; what was published after the backup is published again. Before it serves, \
                 repeat what was done by hand since {at}: lists loaded, people added or trained, devices revoked. A device \
                 enrolled later asks for a new code and loses nothing. Do not start the former endpoint at the same address."
            ),
        )
    );
    Ok(if verdict.broken.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn serve(endpoint: Endpoint, listen: SocketAddr) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async move {
        let endpoint = Arc::new(endpoint);
        let listener = tokio::net::TcpListener::bind(listen).await.with_context(|| {
            say(
                format!("no se puede escuchar en {listen}; ¿ya está corriendo otro?"),
                format!("cannot listen on {listen}; is another one running?"),
            )
        })?;
        let address = listener.local_addr()?;
        tracing::info!("listening on http://{address}");
        tracing::info!("public files: {}", endpoint.config.public().display());
        // For whoever asked for port 0.
        let told = endpoint.config.data.join("listen");
        std::fs::write(&told, address.to_string())
            .with_context(|| format!("cannot write {}", told.display()))?;
        let worker = tokio::spawn(worker::work(endpoint.clone()));
        let bulk = tokio::spawn(worker::bulk(endpoint.clone()));
        axum::serve(listener, router::router(endpoint)).with_graceful_shutdown(stopped()).await?;
        worker.abort();
        bulk.abort();
        Ok(())
    })
}

async fn stopped() {
    let interrupted = tokio::signal::ctrl_c();
    #[cfg(unix)]
    {
        let terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate());
        match terminate {
            Ok(mut terminate) => {
                tokio::select! {
                    _ = interrupted => {}
                    _ = terminate.recv() => {}
                }
            }
            Err(error) => tracing::warn!(%error, "the termination signal cannot be heard"),
        }
    }
    #[cfg(not(unix))]
    let _ = interrupted.await;
}

fn load_file(
    endpoint: &Endpoint,
    file: &std::path::Path,
    mapping: Option<&str>,
    dry_run: bool,
    accept_good_rows: bool,
) -> Result<ExitCode> {
    let summary = &read_list(file, mapping)?;
    if !summary.unused.is_empty() {
        let list = summary.unused.join(", ");
        eprintln!(
            "{}",
            say(
                format!("Columnas que no se usan: {list}. Revisa que no sea un nombre mal escrito."),
                format!("Columns that are not used: {list}. Check that none is a misspelt name."),
            )
        );
    }
    if summary.bad > 0 && !accept_good_rows {
        eprintln!(
            "{}",
            say(
                format!(
                    "{} de {} filas tienen errores: no se cargó nada. Corrígelas, o carga sólo las buenas con --accept-good-rows.",
                    summary.bad, summary.rows
                ),
                format!(
                    "{} of {} rows have errors: nothing was loaded. Mend them, or load only the good ones with --accept-good-rows.",
                    summary.bad, summary.rows
                ),
            )
        );
        return Ok(ExitCode::FAILURE);
    }
    // Read again to store: devices wait for the writer only while there is something to write, and a file of any
    // length is never held in memory.
    let tx = endpoint.store.begin()?;
    let mut loader = base::Loader::new(endpoint, &*tx);
    let mut failed: Option<anyhow::Error> = None;
    let mut progress = Progress::new(Some(summary.rows));
    let stored = load::read(file, mapping, &mut |row| {
        progress.step();
        if let Ok(row) = row
            && let Err(error) = loader.put(&row)
        {
            failed = Some(error.into());
            return Err(load::LoadError::Stopped { detail: "store".into() });
        }
        Ok(())
    });
    progress.end();
    if let Some(error) = failed {
        return Err(error.context(say("no se cargó nada", "nothing was loaded")));
    }
    match stored {
        Ok(again) if again == *summary => {}
        Ok(_) => bail!(
            "{}",
            say(
                "el archivo cambió mientras se leía; no se cargó nada. Vuelve a intentar.",
                "the file changed while it was read; nothing was loaded. Try again.",
            )
        ),
        Err(error) => bail!("{}", error.prose(lang())),
    }
    let base::Stored { new, changed, same } = loader.finish()?;
    if dry_run {
        drop(tx);
    } else {
        tx.commit()?;
    }
    let (mapping, bad) = (&summary.mapping, summary.bad);
    let mut line = say(
        format!(
            "{new} proyectos nuevos, {changed} con cambios, {same} iguales, {bad} filas con errores (mapeo «{mapping}»)."
        ),
        format!(
            "{new} new projects, {changed} changed, {same} the same, {bad} rows with errors (mapping «{mapping}»)."
        ),
    );
    if dry_run {
        line.push_str(&say(" Ensayo: no se guardó nada.", " Dry run: nothing was stored."));
    }
    out!("{line}");
    Ok(ExitCode::SUCCESS)
}

/// Reads a file that must be a form, and says everything that is wrong with it.
fn read_form(file: &std::path::Path) -> Result<(domain::form::Form, serde_json::Value)> {
    let path = file.display();
    let bytes = std::fs::read(file).with_context(|| {
        say(format!("no se puede leer el formulario {path}"), format!("cannot read the form {path}"))
    })?;
    forms::read(&bytes).map_err(|faults| {
        for fault in &faults {
            eprintln!("{}", forms::sentence(fault));
        }
        let n = faults.len();
        anyhow::anyhow!(say(
            format!("{path} no es un formulario que se pueda usar ({n} errores): no se guardó nada"),
            format!("{path} is no form that can be used ({n} errors): nothing was stored"),
        ))
    })
}

fn add_form(
    endpoint: &Endpoint,
    form: &domain::form::Form,
    source: serde_json::Value,
    dry_run: bool,
) -> Result<ExitCode> {
    let (id, version, stage) = (&form.id, form.version, form.stage.as_str());
    let line = match forms::add_file(endpoint, form, source, dry_run)? {
        forms::Added::New if dry_run => say(
            format!("El formulario «{id}» {version} ({stage}) está bien. Ensayo: no se guardó nada."),
            format!("The form «{id}» {version} ({stage}) is good. Dry run: nothing was stored."),
        ),
        forms::Added::New => say(
            format!(
                "El formulario «{id}» {version} ({stage}) llegará a cada equipo en su próximo contacto. Los borradores \
                 empezados siguen con el suyo."
            ),
            format!(
                "The form «{id}» {version} ({stage}) reaches each device at its next contact. Drafts that were begun \
                 keep theirs."
            ),
        ),
        forms::Added::Same => say(
            format!("El formulario «{id}» {version} ya estaba, igual: nada cambió."),
            format!("The form «{id}» {version} was there already, the same: nothing changed."),
        ),
        forms::Added::Taken { next } => bail!(
            "{}",
            say(
                format!(
                    "/x-version: la versión {version} de «{id}» ya existe o es anterior a la vigente, y una versión no \
                     cambia: sube x-version a {next}. No se guardó nada."
                ),
                format!(
                    "/x-version: version {version} of «{id}» exists already or is older than the one in use, and a \
                     version never changes: set x-version to {next}. Nothing was stored."
                ),
            )
        ),
        forms::Added::OtherName { known } => bail!(
            "{}",
            say(
                format!(
                    "/$id: el formulario de la etapa {stage} se llama «{known}», no «{id}». No se guardó nada."
                ),
                format!(
                    "/$id: the form of the stage {stage} is called «{known}», not «{id}». Nothing was stored."
                ),
            )
        ),
    };
    out!("{line}");
    Ok(ExitCode::SUCCESS)
}

fn list_forms(endpoint: &Endpoint) -> Result<ExitCode> {
    let known = forms::known(&*endpoint.store.read()?)?;
    let newest = forms::newest(&known);
    for forms::Known { form, since, .. } in &known {
        let since = since.map_or("-".to_owned(), |since| since.to_rfc3339());
        let used = if newest.get(form.stage.as_str()) == Some(&form.version) { "\tnew drafts" } else { "" };
        out!("{}\t{}\t{}\t{since}{used}", form.stage.as_str(), form.id, form.version);
    }
    Ok(ExitCode::SUCCESS)
}

/// Most errors said one by one.
const ERRORS_SAID: u64 = 200;

/// Reads a list to its end without storing anything, and says what is wrong with it.
fn read_list(file: &std::path::Path, mapping: Option<&str>) -> Result<load::Summary> {
    let mut wrong = 0u64;
    let mut progress = Progress::new(None);
    let summary = load::read(file, mapping, &mut |row| {
        progress.step();
        for error in row.err().into_iter().flatten() {
            wrong += 1;
            if wrong <= ERRORS_SAID {
                eprintln!("{}", error.prose(lang()));
            }
        }
        Ok(())
    });
    progress.end();
    if wrong > ERRORS_SAID {
        eprintln!("… +{}", wrong - ERRORS_SAID);
    }
    match summary {
        Ok(summary) => Ok(summary),
        Err(error) => bail!("{}", error.prose(lang())),
    }
}

/// How far a long reading is, on a terminal only.
struct Progress {
    rows: u64,
    of: Option<u64>,
    shown: bool,
    terminal: bool,
}

impl Progress {
    fn new(of: Option<u64>) -> Progress {
        Progress { rows: 0, of, shown: false, terminal: std::io::stderr().is_terminal() }
    }

    fn step(&mut self) {
        self.rows += 1;
        if self.terminal && self.rows.is_multiple_of(500) {
            let of = self.of.map(|of| format!(" / {of}")).unwrap_or_default();
            eprint!("\r{}{of} …", self.rows);
            let _ = std::io::stderr().flush();
            self.shown = true;
        }
    }

    /// Of a copy, in megabytes.
    fn bytes(&mut self, done: u64, of: u64) {
        if self.terminal && (done / 4_000_000 != self.rows || done >= of) {
            self.rows = done / 4_000_000;
            eprint!("\r{} / {} MB …", done / 1_000_000, of / 1_000_000);
            let _ = std::io::stderr().flush();
            self.shown = true;
        }
    }

    fn end(&self) {
        if self.shown {
            eprintln!();
        }
    }
}

fn status(endpoint: &Endpoint, json: bool) -> Result<ExitCode> {
    let tx = endpoint.store.read()?;
    let files = tx.published_files()?;
    let count = |kind: &str| files.iter().filter(|file| file.kind == kind).count();
    let queued = tx.queued()?;
    let projects = tx.projects()?;
    // What was received and still lacks files: how many, and their bytes as its devices announced them.
    let (mut waiting, mut bytes, mut lacking) = (0u64, 0u64, Vec::new());
    for project in &projects {
        for stored in tx.follow_ups(&project.folio)? {
            if let Some(Held::MissingFiles { count, bytes: size }) = &stored.held {
                (waiting, bytes) = (waiting + u64::from(*count), bytes + size);
                lacking.push((stored.follow_up.folio(), project.folio.clone(), *count, *size));
            }
        }
    }
    let rows: Vec<_> = lacking
        .iter()
        .map(|(folio, project, count, bytes)| {
            serde_json::json!({"folio": folio, "project": project, "count": count, "bytes": bytes})
        })
        .collect();
    let status = serde_json::json!({
        "projects": projects.len(),
        "followUps": tx.counts()?,
        "releases": count("release"),
        "records": count("record"),
        "queued": queued,
        "filesWaiting": {"count": waiting, "bytes": bytes, "followUps": rows},
    });
    if json {
        out!("{status:#}");
    } else {
        for (name, value) in status.as_object().into_iter().flatten() {
            match name.as_str() {
                "filesWaiting" => out!("{name}\t{waiting}"),
                _ => out!("{name}\t{value}"),
            }
        }
        for (folio, project, count, bytes) in lacking {
            out!("{folio}\t{project}\t{}", received_lacking(count, bytes));
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// A follow-up whose files are still on their way, in the words of the device.
fn received_lacking(count: u32, bytes: u64) -> String {
    let size = format!("{:.1} MB", bytes as f64 / 1e6);
    match count {
        1 => say(format!("Recibido, falta 1 archivo ({size})"), format!("Received, 1 file missing ({size})")),
        _ => say(
            format!("Recibido, faltan {count} archivos ({size})"),
            format!("Received, {count} files missing ({size})"),
        ),
    }
}

fn publish_once(endpoint: &Endpoint) -> Result<ExitCode> {
    let mut held = 0;
    // Before what names its index; what went wrong with it is no reason not to publish.
    let rooted = roots::write(endpoint);
    loop {
        let accepted = central::accept::run(endpoint)?;
        let note = publish::run(endpoint)?;
        if accepted == 0 && note.is_none() {
            break;
        }
        if let Some(note) = note {
            held += note.held.len();
            out!(
                "{} projects, {} releases, {} held back",
                note.projects.len(),
                note.releases.len(),
                note.held.len()
            );
            for back in note.held {
                for finding in back.findings {
                    out!("  {} {}: {} {}", back.project, back.what, finding.rule, finding.pointer);
                }
            }
        }
    }
    rooted?;
    if let Some(done) = publish::bulk::write(endpoint)? {
        out!("{} files of everything, {} changed", done.files, done.changed);
    }
    out!("{}", endpoint.config.public().display());
    Ok(if held == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn devices(endpoint: &Endpoint, json: bool, revoke: Option<uuid::Uuid>) -> Result<ExitCode> {
    if let Some(id) = revoke {
        let tx = endpoint.store.begin()?;
        let known = tx.revoke_device(id, endpoint.now())?;
        tx.commit()?;
        if !known {
            bail!("{}", say(format!("no hay un equipo {id}"), format!("there is no device {id}")));
        }
    }
    let rows = endpoint.store.read()?.devices()?;
    if json {
        out!("{}", serde_json::to_string_pretty(&rows)?);
        return Ok(ExitCode::SUCCESS);
    }
    for row in rows {
        let when = |at: Option<chrono::DateTime<chrono::Utc>>| {
            at.map_or("-".into(), |at| at.format("%Y-%m-%d %H:%M").to_string())
        };
        let out: Vec<&str> = row.waiting.iter().map(|waiting| waiting.folio.as_str()).collect();
        out!(
            "{}\t{}\t{}\t{}\tlast contact {}\tlast receipt {}\tout: {}{}{}",
            row.device_id,
            row.area,
            row.person,
            row.device,
            when(row.last_contact),
            when(row.last_receipt),
            if out.is_empty() { "-".into() } else { out.join(" ") },
            clock(row.clock_offset_ms),
            if row.revoked { "\trevoked" } else { "" },
        );
    }
    Ok(ExitCode::SUCCESS)
}

/// How wrong the clock of a device is, when it is by more than people notice.
fn clock(offset_ms: i64) -> String {
    /// Minutes that nobody has to act upon.
    const LIMIT: i64 = 5;
    let minutes = offset_ms / 60_000;
    if minutes.abs() < LIMIT { String::new() } else { format!("\tclock {minutes:+} min") }
}
