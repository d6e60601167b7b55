//! The technical log: a file in the data folder. It holds codes and names of commands, never what was captured.

use std::fs::{File, OpenOptions};
use std::path::Path;
use std::sync::Mutex;
use std::time::{SystemTime, UNIX_EPOCH};

use tracing_subscriber::EnvFilter;

const NAME: &str = "avance.log";
/// At this size the log starts again; the former one stays beside it.
const MAX_BYTES: u64 = 5 * 1024 * 1024;

/// Starts the log. A folder that cannot be written is not a reason not to start: the store says that better.
pub(crate) fn start(data: &Path, filter: Option<&str>) {
    let Ok(file) = open(data) else { return };
    let filter = filter
        .and_then(|filter| EnvFilter::try_new(filter).ok())
        .unwrap_or_else(|| EnvFilter::new("warn,avance=info,client=info"));
    let log =
        tracing_subscriber::fmt().with_ansi(false).with_writer(Mutex::new(file)).with_env_filter(filter);
    if log.try_init().is_ok() {
        // The message of a panic can quote what was being worked on; the place is enough to find the fault.
        std::panic::set_hook(Box::new(|panic| {
            let place = panic.location().map(ToString::to_string).unwrap_or_default();
            tracing::error!(place, "panic");
        }));
    }
}

fn open(data: &Path) -> std::io::Result<File> {
    std::fs::create_dir_all(data)?;
    let path = data.join(NAME);
    if path.metadata().is_ok_and(|found| found.len() > MAX_BYTES) {
        std::fs::rename(&path, data.join("avance.1.log"))?;
    }
    OpenOptions::new().create(true).append(true).open(path)
}

/// A number by which a person and the log name the same fault.
pub(crate) fn report_id() -> String {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    format!("R-{:X}", since.as_millis())
}
