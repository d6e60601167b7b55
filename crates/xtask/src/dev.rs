//! The verb `dev`: the development server of the page and a window on it, so that a saved change shows at once.

use std::net::TcpStream;
use std::time::{Duration, Instant};

use crate::End;
use crate::need::{self, Purpose};
use crate::page;
use crate::places::{Workspace, cargo};
use crate::run::{Outcome, run};
use crate::words::text;

/// Runs both until the window is closed.
pub fn dev() -> Outcome<End> {
    let workspace = Workspace::read()?;
    let node = need::check(Purpose::Build)?;
    page::install(&workspace, &node)?;
    // The program itself and not `npm run dev`: ending npm would leave the server behind.
    let mut server = node
        .node()
        .arg(workspace.ui().join("node_modules/vite/bin/vite.js"))
        .args(["--host", "localhost", "--port", "5173", "--strictPort"])
        .current_dir(workspace.ui())
        .spawn()
        .map_err(|error| error.to_string())?;
    let started = Instant::now();
    while TcpStream::connect("localhost:5173").is_err() {
        if started.elapsed() > Duration::from_secs(30) || server.try_wait().is_ok_and(|ended| ended.is_some())
        {
            let _ = server.kill();
            return Err(text!(
                "El servidor de desarrollo no inició en localhost:5173. ¿Está ocupado ese puerto?",
                "The development server did not start on localhost:5173. Is that port taken?"
            ));
        }
        std::thread::sleep(Duration::from_millis(200));
    }
    let shown = run(cargo()
        .args(["run", "-p", "avance", "--"])
        .arg("--data")
        .arg(workspace.root.join(".avance-demo/dev")));
    let _ = server.kill();
    let _ = server.wait();
    shown.map(|()| End::Done)
}
