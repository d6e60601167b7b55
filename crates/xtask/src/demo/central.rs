//! The central endpoint of the demonstration: its folder, its address, its process.

use std::fs::{self, File};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::places::Workspace;
use crate::run::{Outcome, read, run, succeeds};
use crate::words::{say, text};

const PREFERRED: u16 = 8780;
/// Of the coordination, because that role sees the projects of every área: a list of the caller may name any.
const PERSON: [&str; 6] =
    ["--name", "Persona de muestra", "--role", "coordinacion", "--area", "Coordinación de muestra"];

/// The endpoint of one data folder.
pub struct Central {
    program: PathBuf,
    folder: PathBuf,
    address: SocketAddr,
}

impl Central {
    /// The endpoint of a data folder, on the address it had before, or on a free one.
    pub fn new(workspace: &Workspace, data: &Path) -> Outcome<Central> {
        let kept = data.join("address");
        let known = fs::read_to_string(&kept).ok().and_then(|text| text.trim().parse::<SocketAddr>().ok());
        let address = match known {
            // An enrolled device looks for the endpoint where it was.
            Some(address) if TcpListener::bind(address).is_ok() => address,
            Some(address) => {
                return Err(text!(
                    "{address} está ocupado y los equipos de esta carpeta lo buscan ahí. Cierra la otra demostración, o usa otra carpeta con --data.",
                    "{address} is taken and the devices of this folder look for it there. Close the other demonstration, or use another folder with --data."
                ));
            }
            None => free_address()?,
        };
        fs::write(&kept, address.to_string()).map_err(|error| format!("{}: {error}", kept.display()))?;
        let folder = data.join("central");
        fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
        Ok(Central { program: workspace.program("avance-central"), folder, address })
    }

    /// Its address on this machine.
    pub fn address(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Folder of its public files.
    pub fn public(&self) -> PathBuf {
        self.folder.join("public")
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        command.args(words).arg("--data").arg(&self.folder);
        command.env("AVANCE_PUBLIC_URL", self.address()).env("AVANCE_MUNICIPALITY", "Municipio de muestra");
        // The folder of a device, in the environment of the caller.
        command.env_remove("AVANCE_DATA");
        // What a real endpoint is warned about (no registered prefix, an address of this machine only) is meant here;
        // `serve` writes it to its log all the same.
        if words.first() != Some(&"serve") && std::env::var_os("RUST_LOG").is_none() {
            command.env("RUST_LOG", "error");
        }
        command
    }

    /// Loads base information. The same list again changes nothing.
    pub fn load(&self, list: &Path) -> Outcome {
        let shown = list.display().to_string();
        say!("» Información base: {shown}", "» Base information: {shown}");
        run(self.command(&["load"]).arg(list))
    }

    /// Adds the sample person and answers the one-use code that enrols an equipment.
    pub fn add_person(&self) -> Outcome<String> {
        let printed = read(self.command(&["people", "add", "--trained"]).args(PERSON))?;
        printed.lines().map(str::trim).rfind(|line| !line.is_empty()).map(str::to_owned).ok_or_else(|| {
            text!(
                "`avance-central people add` no dio un código.",
                "`avance-central people add` gave no code."
            )
        })
    }

    /// Starts it and waits until it answers. It ends when the handle is dropped.
    pub fn serve(&self) -> Outcome<Server> {
        let log = self.folder.join("serve.log");
        let shown = log.display().to_string();
        let file = File::options()
            .create(true)
            .append(true)
            .open(&log)
            .map_err(|error| format!("{shown}: {error}"))?;
        let copy = file.try_clone().map_err(|error| format!("{shown}: {error}"))?;
        let mut command = self.command(&["serve", "--listen", &self.address.to_string()]);
        command.stdin(Stdio::null()).stdout(file).stderr(copy);
        let child = command.spawn().map_err(|error| format!("{}: {error}", self.program.display()))?;
        let mut server = Server { child };
        let started = Instant::now();
        while TcpStream::connect_timeout(&self.address, Duration::from_secs(1)).is_err() {
            let ended = server.child.try_wait().is_ok_and(|ended| ended.is_some());
            if ended || started.elapsed() > Duration::from_secs(30) {
                return Err(text!(
                    "El servidor central no inició; el motivo está en {shown}",
                    "The central endpoint did not start; the reason is in {shown}"
                ));
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        let address = self.address();
        say!("» Servidor central: {address}", "» Central endpoint: {address}");
        Ok(server)
    }
}

/// A running endpoint.
pub struct Server {
    child: Child,
}

impl Drop for Server {
    /// Asks it to end, so that it finishes what it is writing; after ten seconds it is ended.
    fn drop(&mut self) {
        let asked =
            cfg!(unix) && succeeds(Command::new("kill").args(["-TERM", &self.child.id().to_string()]));
        let started = Instant::now();
        while asked && started.elapsed() < Duration::from_secs(10) {
            if matches!(self.child.try_wait(), Ok(Some(_)) | Err(_)) {
                return;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn free_address() -> Outcome<SocketAddr> {
    if let Ok(listener) = TcpListener::bind(("127.0.0.1", PREFERRED)) {
        return listener.local_addr().map_err(|error| error.to_string());
    }
    let listener = TcpListener::bind(("127.0.0.1", 0)).map_err(|error| error.to_string())?;
    let address = listener.local_addr().map_err(|error| error.to_string())?;
    say!(
        "» El puerto {PREFERRED} está ocupado; se usa {address}",
        "» Port {PREFERRED} is taken; {address} is used"
    );
    Ok(address)
}
