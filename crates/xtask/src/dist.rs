//! The verb `dist`: release builds of the programs, with the page inside the window.

use crate::End;
use crate::need::{self, Purpose};
use crate::page;
use crate::places::{Workspace, cargo};
use crate::run::{Outcome, run};
use crate::words::{say, text};

const PROGRAMS: [&str; 4] = ["avance", "avance-central", "avance-device", "ocds"];

/// Builds the programs for handing over and says where they are.
pub fn dist() -> Outcome<End> {
    let workspace = Workspace::read()?;
    let node = need::check(Purpose::Build)?;
    page::build(&workspace, &node)?;
    run(cargo().args(["build", "--release", "--locked", "-p", "ocds", "-p", "client", "-p", "central"]))?;
    run(cargo().args(["build", "--release", "--locked", "-p", "avance", "--features", "custom-protocol"]))?;
    for name in PROGRAMS {
        let path = workspace.target.join("release").join(format!("{name}{}", std::env::consts::EXE_SUFFIX));
        let size = path.metadata().map_err(|_| text!("No se hizo {name}.", "{name} was not made."))?.len();
        println!("{:>6.1} MB  {}", size as f64 / 1e6, path.display());
    }
    say!(
        "Los paquetes (.deb, .rpm) se hacen con `tauri build` a partir de src-tauri/tauri.conf.json.",
        "Packages (.deb, .rpm) are made with `tauri build` from src-tauri/tauri.conf.json."
    );
    Ok(End::Done)
}
