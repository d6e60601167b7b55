//! The verb `demo`: a municipality on this machine, from base information to the window, or to the public files.

mod central;
mod device;
mod journey;
mod sample;

use std::fs;
use std::path::PathBuf;

use crate::End;
use crate::need::{self, Purpose};
use crate::page;
use crate::places::{Workspace, cargo};
use crate::run::{Outcome, run};
use crate::words::{say, text};

use central::Central;
use device::Device;

/// What the caller asked for.
pub struct Wishes {
    headless: bool,
    input: Option<PathBuf>,
    data: Option<PathBuf>,
}

impl Wishes {
    /// Reads the arguments of the verb.
    pub fn read(arguments: &[String]) -> Result<Wishes, String> {
        let mut wishes = Wishes { headless: !has_display(), input: None, data: None };
        let mut rest = arguments.iter();
        while let Some(argument) = rest.next() {
            let (name, inline) = match argument.split_once('=') {
                Some((name, value)) => (name, Some(value.to_owned())),
                None => (argument.as_str(), None),
            };
            let slot = match name {
                "--headless" if inline.is_none() => {
                    wishes.headless = true;
                    continue;
                }
                "--input" => &mut wishes.input,
                "--data" => &mut wishes.data,
                _ => {
                    return Err(text!("No se entiende «{argument}».", "“{argument}” is not understood."));
                }
            };
            let value = inline.or_else(|| rest.next().cloned()).filter(|value| !value.is_empty());
            *slot = Some(
                value.ok_or_else(|| text!("{name} necesita un valor.", "{name} needs a value."))?.into(),
            );
        }
        Ok(wishes)
    }
}

/// Runs the demonstration.
pub fn demo(wishes: Wishes) -> Outcome<End> {
    let workspace = Workspace::read()?;
    let input = input(&workspace, wishes.input)?;
    let node = need::check(Purpose::Build)?;
    if !wishes.headless {
        page::build(&workspace, &node)?;
    }
    build(&workspace, wishes.headless)?;
    let data = folder(wishes.data.unwrap_or_else(|| workspace.root.join(".avance-demo")))?;
    let central = Central::new(&workspace, &data)?;
    let device = Device::new(&workspace, &data);
    central.load(&input)?;
    if wishes.headless {
        return journey::run(&workspace, &central, &device);
    }
    let server = central.serve()?;
    device.enrol_once(&central)?;
    let address = central.address();
    say!("\nSitio público:   {address}/", "\nPublic site:     {address}/");
    let shown = data.display().to_string();
    say!("Datos:           {shown}", "Data:            {shown}");
    let phrase = device::PASSPHRASE;
    say!(
        "Frase de acceso: {phrase}\nLa ventana ya abre con la sesión iniciada. Al cerrarla termina la demostración.\n",
        "Passphrase:      {phrase}\nThe window opens already signed in. Closing it ends the demonstration.\n"
    );
    let seen = run(&mut device.window(&workspace));
    drop(server);
    seen.map(|()| End::Done)
}

fn has_display() -> bool {
    !cfg!(target_os = "linux")
        || ["DISPLAY", "WAYLAND_DISPLAY"]
            .iter()
            .any(|name| std::env::var_os(name).is_some_and(|value| !value.is_empty()))
}

/// The list to load, checked before anything is installed or built for it.
fn input(workspace: &Workspace, given: Option<PathBuf>) -> Outcome<PathBuf> {
    let path = given.unwrap_or_else(|| workspace.root.join("crates/central/demo/proyectos-de-muestra.csv"));
    fs::canonicalize(&path).map_err(|error| {
        let path = path.display();
        text!(
            "No se puede leer la lista de proyectos {path}: {error}",
            "The list of projects {path} cannot be read: {error}"
        )
    })
}

fn folder(path: PathBuf) -> Outcome<PathBuf> {
    let made = fs::create_dir_all(&path).and_then(|()| fs::canonicalize(&path));
    made.map_err(|error| {
        let path = path.display();
        text!(
            "No se puede usar la carpeta de datos {path}: {error}. Elige otra con --data.",
            "The data folder {path} cannot be used: {error}. Choose another with --data."
        )
    })
}

fn build(workspace: &Workspace, headless: bool) -> Outcome {
    say!("» Programas: cargo build", "» Programs: cargo build");
    if headless {
        // Apart: the window's own libraries take minutes the first time, and the journey does not need them.
        run(cargo().args(["build", "-p", "central", "-p", "client", "-p", "ocds"]))?;
    } else {
        // What the tests build too: whoever runs both commands builds once.
        run(cargo().args(["build", "--workspace", "--bins", "--features", "avance/custom-protocol"]))?;
    }
    for name in ["avance-central", "avance-device", "ocds"] {
        let path = workspace.program(name);
        if !path.is_file() {
            let path = path.display();
            return Err(text!("La compilación no dejó {path}.", "The build did not leave {path}."));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(words: &[&str]) -> Result<Wishes, String> {
        Wishes::read(&words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn arguments_are_read() {
        let wishes =
            read(&["--headless", "--input", "a b.csv", "--data=x"]).unwrap_or_else(|error| panic!("{error}"));
        assert!(wishes.headless);
        assert_eq!(wishes.input, Some("a b.csv".into()));
        assert_eq!(wishes.data, Some("x".into()));
        for words in [&["--input"][..], &["--data="], &["--headles"], &["--headless=1"], &["x"]] {
            assert!(read(words).is_err(), "{words:?}");
        }
    }
}
