//! What the kernel says of a program and of everything it started: WebKit draws and loads in processes of its own.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};

/// Ticks of `/proc/PID/stat` in a second: the same on every Linux.
const TICKS: f64 = 100.0;

/// Memory of a tree of processes, bytes.
#[derive(Clone, Copy, Debug, Default)]
pub struct Memory {
    pub processes: usize,
    /// What is in memory, shared pages counted in each.
    pub rss: u64,
    /// The same with each shared page divided among those that share it.
    pub pss: u64,
}

fn stat(pid: u32) -> Option<Vec<String>> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name of a program may have spaces; it ends at the last parenthesis.
    let rest = text.rsplit_once(')')?.1;
    Some(rest.split_whitespace().map(str::to_owned).collect())
}

fn processes() -> impl Iterator<Item = u32> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok())
}

/// The window that has a data folder open.
pub fn window_of(data: &Path) -> Result<u32> {
    let data = data.to_str().context("una carpeta en UTF-8")?;
    let opens = |pid: &u32| {
        let words = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        let mut words = words.split(|byte| *byte == 0);
        let program = words.next().unwrap_or_default();
        program.ends_with(b"/avance") && words.any(|word| word == data.as_bytes())
    };
    processes().find(opens).context("la ventana no está entre los procesos")
}

/// How many seconds ago a process started, to a hundredth.
pub fn age(pid: u32) -> Result<f64> {
    let started: f64 = stat(pid).and_then(|fields| fields.get(19)?.parse().ok()).context("/proc/PID/stat")?;
    let uptime = fs::read_to_string("/proc/uptime")?;
    let uptime: f64 = uptime.split(' ').next().context("/proc/uptime")?.parse()?;
    Ok(uptime - started / TICKS)
}

/// Memory of a process and of everything below it.
pub fn memory(root: u32) -> Result<Memory> {
    let parents: BTreeMap<u32, u32> =
        processes().filter_map(|pid| Some((pid, stat(pid)?.get(1)?.parse().ok()?))).collect();
    let below = |pid: u32| {
        let mut at = Some(pid);
        while let Some(here) = at {
            if here == root {
                return true;
            }
            at = parents.get(&here).copied();
        }
        false
    };
    let mut sum = Memory::default();
    for pid in parents.keys().copied().filter(|pid| below(*pid)) {
        // One that ended meanwhile holds nothing.
        let Ok(text) = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")) else { continue };
        let bytes = |name: &str| {
            let line = text.lines().find_map(|line| line.strip_prefix(name))?;
            line.trim().trim_end_matches("kB").trim().parse::<u64>().ok().map(|kibibytes| kibibytes * 1024)
        };
        sum.processes += 1;
        sum.rss += bytes("Rss:").unwrap_or(0);
        sum.pss += bytes("Pss:").unwrap_or(0);
    }
    Ok(sum)
}
