//! The peers: what npm and PyPI have, at the versions named here, in folders of their own. One that cannot be had is
//! left out with its reason; a number is never made up.

use std::fs;
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use serde_json::{Value, json};

use crate::measure::{Usage, usage};

/// The database that replicates, its server, and the client that pulls into LevelDB.
const POUCH: &[(&str, &str)] = &[("pouchdb-server", "4.2.0"), ("pouchdb-node", "9.0.0")];
/// Uploads that are taken up again: the protocol's own server and client.
const TUS: &[(&str, &str)] =
    &[("@tus/server", "2.4.5"), ("@tus/file-store", "2.1.1"), ("tus-js-client", "4.3.1")];
/// The store with synchronisation of Mozilla, and its client.
const KINTO: &[(&str, &str)] = &[("kinto", "26.5.0"), ("kinto-http", "11.11.0"), ("waitress", "3.0.2")];
/// Scripts, copied beside the modules, where node looks for them.
const SCRIPTS: [&str; 7] = [
    "kinto_fetch.py",
    "kinto_fill.py",
    "pouch-fsync.cjs",
    "pouch-fetch.cjs",
    "tus-client.mjs",
    "tus-server.mjs",
    "kinto.ini",
];

/// Where each peer is, or why it is not there.
pub struct Peers {
    pub pouch: Result<PathBuf, String>,
    pub tus: Result<PathBuf, String>,
    pub kinto: Result<PathBuf, String>,
}

impl Peers {
    /// Finds the peers, or installs them.
    pub fn find(folder: &Path, scripts: &Path) -> Result<Peers> {
        let peers = Peers {
            pouch: npm(&folder.join("pouchdb"), POUCH),
            tus: npm(&folder.join("tus"), TUS),
            kinto: pip(&folder.join("kinto"), KINTO),
        };
        for place in [&peers.pouch, &peers.tus, &peers.kinto].into_iter().flatten() {
            for name in SCRIPTS {
                fs::copy(scripts.join(name), place.join(name)).with_context(|| name.to_owned())?;
            }
        }
        Ok(peers)
    }

    /// Names and versions, for the page; of those that are not there, why.
    pub fn versions(&self) -> String {
        let of = |place: &Result<PathBuf, String>, wanted: &[(&str, &str)]| match place {
            Ok(_) => wanted.iter().map(|(name, version)| format!("{name} {version}")).collect(),
            Err(reason) => vec![format!("{}: no se midió ({reason})", wanted[0].0)],
        };
        let mut all: Vec<String> = of(&self.pouch, POUCH);
        if let Ok(place) = &self.pouch {
            // What decides how it writes came with it.
            all.extend(
                installed(place, "pouchdb-server/node_modules/leveldown")
                    .or_else(|| installed(place, "leveldown")),
            );
        }
        all.extend(of(&self.tus, TUS));
        all.extend(of(&self.kinto, KINTO));
        let node = Command::new(node()).arg("--version").output();
        let node = node.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned());
        format!("{}; Node {}", all.join(", "), node.unwrap_or_default())
    }
}

/// The node that xtask found, or the machine's own.
pub fn node() -> PathBuf {
    std::env::var_os("AVANCE_NODE").map_or_else(|| "node".into(), PathBuf::from)
}

fn installed(place: &Path, name: &str) -> Option<String> {
    let text = fs::read(place.join("node_modules").join(name).join("package.json")).ok()?;
    let package: Value = serde_json::from_slice(&text).ok()?;
    Some(format!("{} {}", package["name"].as_str()?, package["version"].as_str()?))
}

/// Sees that a folder has what is wanted; if not, it is emptied and made. What went wrong is a sentence for the page.
fn have(
    folder: &Path,
    wanted: &[(&str, &str)],
    make: impl FnOnce() -> Result<()>,
) -> Result<PathBuf, String> {
    // Written when everything is in, so that an interrupted installation is begun again.
    let whole = folder.join("completo.txt");
    let pinned = wanted.iter().map(|(name, version)| format!("{name} {version}\n")).collect::<String>();
    if fs::read_to_string(&whole).is_ok_and(|known| known == pinned) {
        return Ok(folder.to_owned());
    }
    println!("» Pares en {}: {}", folder.display(), pinned.trim().replace('\n', ", "));
    let _ = fs::remove_dir_all(folder);
    let done = fs::create_dir_all(folder).map_err(anyhow::Error::from).and_then(|()| make());
    match done.and_then(|()| Ok(fs::write(&whole, &pinned)?)) {
        Ok(()) => Ok(folder.to_owned()),
        Err(error) => {
            let reason = format!("{error:#}");
            println!("  no se pudo: {reason}");
            // The page is a table: one line, and not a whole log.
            Err(reason.lines().next().unwrap_or_default().chars().take(200).collect())
        }
    }
}

fn npm(folder: &Path, wanted: &[(&str, &str)]) -> Result<PathBuf, String> {
    have(folder, wanted, || {
        let versions: serde_json::Map<String, Value> =
            wanted.iter().map(|(name, version)| ((*name).to_owned(), json!(version))).collect();
        let package = json!({"private": true, "dependencies": versions});
        fs::write(folder.join("package.json"), package.to_string())?;
        let mut command = match std::env::var_os("AVANCE_NPM") {
            Some(file) => {
                let mut command = Command::new(node());
                command.arg(file);
                command
            }
            None => Command::new("npm"),
        };
        // LevelDB comes compiled in its package: nothing of a package has to run while it is installed.
        command.args(["install", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel", "error"]);
        finish(command.current_dir(folder))
    })
}

fn pip(folder: &Path, wanted: &[(&str, &str)]) -> Result<PathBuf, String> {
    have(folder, wanted, || {
        finish(Command::new("python3").args(["-m", "venv", "--clear"]).arg(folder))?;
        let pinned = wanted.iter().map(|(name, version)| format!("{name}=={version}"));
        let mut command = Command::new(folder.join("bin/python"));
        command.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]);
        finish(command.args(["--only-binary", ":all:"]).args(pinned))
    })
}

fn finish(command: &mut Command) -> Result<()> {
    let output = command.stdin(Stdio::null()).output()?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        bail!("{}: {}", command.get_program().to_string_lossy(), said.trim());
    }
    Ok(())
}

/// A peer's server, ended when it is dropped.
pub struct Server {
    pub address: SocketAddr,
    child: Child,
}

impl Server {
    /// Starts a server and waits until it answers.
    pub fn start(command: &mut Command, address: SocketAddr, log: &Path) -> Result<Server> {
        let said = fs::File::create(log)?;
        command.stdin(Stdio::null()).stdout(said.try_clone()?).stderr(said);
        let mut server = Server { address, child: command.spawn()? };
        let since = Instant::now();
        while TcpStream::connect_timeout(&address, Duration::from_millis(200)).is_err() {
            if let Some(status) = server.child.try_wait()? {
                bail!("{command:?} terminó ({status}): {}", fs::read_to_string(log)?);
            }
            if since.elapsed() > Duration::from_secs(30) {
                bail!("{command:?} no contesta: {}", fs::read_to_string(log)?);
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        Ok(server)
    }

    /// pouchdb-server on a folder; with what makes LevelDB wait for the disk, or as it is installed.
    pub fn pouch(place: &Path, data: &Path, durable: bool) -> Result<Server> {
        let address = SocketAddr::from(([127, 0, 0, 1], journeys::free_port()));
        let mut command = Command::new(node());
        if durable {
            command.arg("--require").arg(place.join("pouch-fsync.cjs"));
        }
        command.arg(place.join("node_modules/pouchdb-server/bin/pouchdb-server"));
        command.args(["--host", "127.0.0.1", "--port", &address.port().to_string(), "--no-stdout-logs"]);
        // It keeps its settings and its log where it is started.
        command.arg("--dir").arg(data).current_dir(data);
        Server::start(&mut command, address, &data.with_extension("log"))
    }

    /// What it took so far.
    pub fn usage(&self) -> Result<Usage> {
        usage(self.child.id())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
