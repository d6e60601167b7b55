//! The whole journey without a window: captured without a network, sent, accepted, published, checked.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use super::central::Central;
use super::device::Device;
use super::sample::{Sample, photograph};
use crate::End;
use crate::places::Workspace;
use crate::run::Outcome;
use crate::words::{either, say, text};

/// Follow-ups captured in one journey.
const FOLLOW_UPS: usize = 3;
/// Longest wait for the publication of what was sent.
const PATIENCE: Duration = Duration::from_secs(60);

/// States on the way to the public, in order; a follow-up that is further has passed the earlier ones.
const WAY: [&str; 4] = ["sending", "received", "accepted", "published"];

/// Makes the journey and prints what happened.
pub fn run(workspace: &Workspace, central: &Central, device: &Device) -> Outcome<End> {
    let server = central.serve()?;
    device.enrol_once(central)?;
    device.send()?;
    let projects = device.projects()?;
    let before = device.count("published")?;
    drop(server);
    say!(
        "» Servidor central detenido: desde aquí no hay red",
        "» Central endpoint stopped: no network from here on"
    );

    capture(device, &projects, before as usize)?;

    let server = central.serve()?;
    let (received, accepted, published) = wait(device, before)?;
    drop(server);
    let public = central.public();
    let (valid, packages) = check(workspace, &public.join("ocds"))?;

    println!();
    let rows = [
        (either("proyectos cargados", "projects loaded"), projects.len().to_string()),
        (
            either("seguimientos capturados sin red", "follow-ups captured without a network"),
            FOLLOW_UPS.to_string(),
        ),
        (either("recibidos", "received"), received.to_string()),
        (either("aceptados", "accepted"), accepted.to_string()),
        (either("publicados", "published"), published.to_string()),
        (either("archivos validados", "files validated"), format!("{valid}/{packages}")),
    ];
    for (name, value) in rows {
        println!("  {name:<40}{value:>8}");
    }
    let shown = public.display().to_string();
    say!("\nArchivos públicos: {shown}", "\nPublic files: {shown}");
    let well = published == FOLLOW_UPS as u64 && valid == packages && packages > 0;
    if !well {
        eprintln!(
            "{}",
            text!("✗ No todo quedó publicado y válido.", "✗ Not everything was published and valid.")
        );
    }
    Ok(if well { End::Done } else { End::Failed })
}

/// Captures the follow-ups, the first with a photograph. `done` earlier ones make the progress grow.
fn capture(device: &Device, projects: &[String], done: usize) -> Outcome {
    if projects.is_empty() {
        return Err(text!("El equipo no recibió ningún proyecto.", "The equipment received no project."));
    }
    let folder = std::env::temp_dir().join(format!("avance-demo-{}", std::process::id()));
    fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let write = |name: String, bytes: &[u8]| -> Outcome<PathBuf> {
        let path = folder.join(name);
        fs::write(&path, bytes).map_err(|error| format!("{}: {error}", path.display()))?;
        Ok(path)
    };
    let mut outcome = Ok(());
    for number in 0..FOLLOW_UPS {
        let place = number % projects.len();
        let round = (done + number) / FOLLOW_UPS.min(projects.len());
        let actual = (15 + round as u32 * 10).min(95);
        let sample = Sample { contract: place + 1, planned: actual + 5, actual };
        let file = write(format!("seguimiento-{number}.json"), sample.json().as_bytes())?;
        let picture = match number {
            0 => Some(write("foto.png".to_owned(), &photograph(done as u8))?),
            _ => None,
        };
        let folio = &projects[place];
        say!("» Captura sin red: proyecto {folio}", "» Captured without a network: project {folio}");
        outcome = device.capture(folio, &file, picture.as_deref());
        if outcome.is_err() {
            break;
        }
    }
    let _ = fs::remove_dir_all(&folder);
    outcome
}

/// Sends, and waits until everything is public or patience ends. Answers received, accepted and published.
fn wait(device: &Device, before: u64) -> Outcome<(u64, u64, u64)> {
    let started = Instant::now();
    loop {
        device.send()?;
        let mut reached = [0; WAY.len()];
        let mut further = 0;
        for (place, state) in WAY.iter().enumerate().rev() {
            further += device.count(state)?;
            reached[place] = further.saturating_sub(before);
        }
        let [_, received, accepted, published] = reached;
        if published >= FOLLOW_UPS as u64 || started.elapsed() > PATIENCE {
            return Ok((received, accepted, published));
        }
        std::thread::sleep(Duration::from_millis(500));
    }
}

/// Checks every package with the `ocds` program. Answers how many are valid, of how many.
fn check(workspace: &Workspace, folder: &Path) -> Outcome<(usize, usize)> {
    let mut packages = Vec::new();
    find_packages(folder, &mut packages);
    packages.sort();
    let program = workspace.program("ocds");
    let ask = |files: &[PathBuf]| {
        let output = Command::new(&program).arg("check").args(files).output();
        output.map_err(|error| format!("{}: {error}", program.display()))
    };
    let mut valid = 0;
    // Many at a time, because each start of the program reads the schemas; one by one where something is wrong.
    for some in packages.chunks(200) {
        if ask(some)?.status.success() {
            valid += some.len();
            continue;
        }
        for package in some {
            let output = ask(std::slice::from_ref(package))?;
            if output.status.success() {
                valid += 1;
                continue;
            }
            let shown = package.display().to_string();
            say!("✗ no es válido: {shown}", "✗ not valid: {shown}");
            print!("{}", String::from_utf8_lossy(&output.stdout));
            eprint!("{}", String::from_utf8_lossy(&output.stderr));
        }
    }
    Ok((valid, packages.len()))
}

fn find_packages(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            find_packages(&path, found);
        } else if path.extension().is_some_and(|ending| ending == "json") && is_package(&path) {
            found.push(path);
        }
    }
}

/// Only packages have one of these keys (the catalogue has neither); projects of OC4IDS link to releases.
fn is_package(path: &Path) -> bool {
    let text = fs::read_to_string(path).unwrap_or_default();
    let is_ocds = text.contains("\"releases\"") || text.contains("\"records\"");
    is_ocds && !text.contains("\"projects\"")
}
