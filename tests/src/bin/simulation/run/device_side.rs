//! A device: a real client on a folder of its own, whose cycle stands still at each exchange.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll, Waker};

use anyhow::{Result, anyhow};
use client::{Answered, Client, KeyCost, Outside};
use domain::command::{ProjectDetail, ProjectRow, ReceiptView, Tray};
use domain::disk::Disk;
use domain::problem::{Code, Problem};
use journeys::PASSPHRASE;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use uuid::Uuid;

use super::central_side::at_once;
use super::outside::{Fragile, Line, Time, Watch};

/// Where devices believe that the endpoint is. Nothing is ever sent there.
pub const SERVER: &str = "https://avance.ejemplo.mx";

type Running = Pin<Box<dyn Future<Output = Result<(), Problem>>>>;

/// A device, switched on.
pub struct Device {
    pub name: String,
    pub folder: PathBuf,
    /// Whose it is.
    pub person: usize,
    pub line: Line,
    pub disk: Arc<Fragile>,
    pub watch: Watch,
    /// How its last cycle ended.
    pub ended: Option<Result<(), Problem>>,
    /// Node that it does not reach, and the step until which.
    pub cut_off: Option<(usize, usize)>,
    /// A code that was asked for and not taken yet.
    pub code: Option<String>,
    /// An old copy of its folder.
    pub old: Option<PathBuf>,
    /// Last answer by path.
    pub answers: BTreeMap<String, Answered>,
    /// The last cursor it sent, to see that it never goes back.
    pub cursor: Option<(Uuid, BTreeMap<String, u64>)>,
    client: Option<Client>,
    running: Option<Running>,
}

impl Device {
    /// Switches on.
    pub fn open(name: String, folder: PathBuf, person: usize, time: &Time) -> Result<Device> {
        let mut device = Device {
            name,
            folder,
            person,
            line: Line::default(),
            disk: Arc::default(),
            watch: Watch::new(time),
            ended: None,
            cut_off: None,
            code: None,
            old: None,
            answers: BTreeMap::new(),
            cursor: None,
            client: None,
            running: None,
        };
        device.start()?;
        Ok(device)
    }

    fn start(&mut self) -> Result<()> {
        let disk: Arc<dyn Disk> = self.disk.clone();
        let outside = Outside {
            wire: Some(Arc::new(self.line.clone())),
            disk: Some(disk),
            free_bytes: |_| Some(1 << 40),
            key_cost: KeyCost::NONE,
            inline: true,
            ..Outside::machine(Arc::new(self.watch.clone()))
        };
        let said = |problem: Problem| anyhow!("{} cannot be opened: {problem}", self.name);
        let client = Client::open_with(&self.folder, outside).map_err(said)?;
        client.unlock(Some(PASSPHRASE)).map_err(said)?;
        self.client = Some(client);
        Ok(())
    }

    /// Off, as when the battery ends: what is on its disk is what a process leaves that is killed, log and all.
    pub fn off(&mut self) -> Result<()> {
        let left = self.folder.with_extension("left");
        copy_folder(&self.folder, &left)?;
        self.running = None;
        self.client = None;
        self.line.clear();
        self.disk.mend();
        std::fs::remove_dir_all(&self.folder)?;
        std::fs::rename(&left, &self.folder)?;
        Ok(())
    }

    /// Off and on again.
    pub fn kill(&mut self) -> Result<()> {
        self.off()?;
        self.start()
    }

    /// Its folder is put in the place of another copy.
    pub fn put_back(&mut self, copy: &Path) -> Result<()> {
        self.off()?;
        std::fs::remove_dir_all(&self.folder)?;
        copy_folder(copy, &self.folder)?;
        self.cursor = None;
        self.start()
    }

    pub fn client(&self) -> Result<Client> {
        self.client.clone().ok_or_else(|| anyhow!("{} is off", self.name))
    }

    pub fn is_running(&self) -> bool {
        self.running.is_some()
    }

    /// Begins a cycle.
    pub fn send(&mut self) -> Result<()> {
        let client = self.client()?;
        self.running = Some(Box::pin(async move { client.sync_once().await.map(|_| ()) }));
        self.step();
        Ok(())
    }

    /// Begins to enrol with a code.
    pub fn enrol(&mut self, code: &str) -> Result<()> {
        let client = self.client()?;
        let request = json!({"server": SERVER, "code": code, "device": self.name});
        self.running = Some(Box::pin(async move { client.call("enrol", request).await.map(|_| ()) }));
        self.step();
        Ok(())
    }

    /// Goes on until it waits for the network, or ends.
    pub fn step(&mut self) {
        let Some(running) = &mut self.running else { return };
        if let Poll::Ready(ended) = running.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            self.running = None;
            self.line.clear();
            self.ended = Some(ended);
        }
    }

    /// Why the person has to ask for a new code, if that is so.
    pub fn needs_code(&self) -> bool {
        let Some(Err(problem)) = &self.ended else { return false };
        matches!(problem.code, Code::DeviceRevoked | Code::DeviceForked)
    }

    /// Runs a command that needs no network.
    pub fn ask<T: DeserializeOwned>(&self, name: &str, payload: Value) -> Result<T> {
        let client = self.client()?;
        let answer = at_once(client.call(name, payload));
        let answer = answer.map_err(|problem| anyhow!("{} {name}: {problem}", self.name))?;
        Ok(serde_json::from_value(answer)?)
    }

    pub fn tray(&self) -> Result<Tray> {
        self.ask("tray", json!({}))
    }

    pub fn projects(&self) -> Result<Vec<ProjectRow>> {
        self.ask("projects", json!({}))
    }

    pub fn project(&self, folio: &str) -> Result<ProjectDetail> {
        self.ask("project", json!({"folio": folio}))
    }

    pub fn receipts(&self) -> Result<Vec<(String, String, ReceiptView)>> {
        self.client()?.receipts().map_err(|problem| anyhow!("{} receipts: {problem}", self.name))
    }

    /// Its clock is right, its disk works, it reaches everything.
    pub fn mend(&mut self) {
        self.disk.mend();
        self.watch.off.store(0, Ordering::Relaxed);
        self.cut_off = None;
    }
}

/// Copies a folder with everything in it but the lock of the process and the shared memory of the database.
pub fn copy_folder(from: &Path, to: &Path) -> Result<()> {
    if to.exists() {
        std::fs::remove_dir_all(to)?;
    }
    std::fs::create_dir_all(to)?;
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        let (path, target) = (entry.path(), to.join(entry.file_name()));
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if path.is_dir() {
            copy_folder(&path, &target)?;
        } else if name != "lock" && !name.ends_with("-shm") {
            std::fs::copy(&path, &target)?;
        }
    }
    Ok(())
}
