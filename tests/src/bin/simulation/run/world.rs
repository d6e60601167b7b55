//! One seed: what is done to the programs and in which order, until the faults stop; then until all is quiet.

use std::collections::{BTreeMap, VecDeque};
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;

use anyhow::{Context as _, Result, bail};
use client::Asked;
use domain::disk::{Moment, Trouble};
use domain::follow_up::FollowUpFile;
use domain::problem::{Code, Problem};
use serde_json::json;

use super::central_side::{AREAS, CentralSide, NODES, PROJECTS};
use super::chance::Chance;
use super::check;
use super::device_side::{Device, copy_folder};
use super::fault::{COUNT, Fault, Place};
use super::ledger::{Captured, Ledger, folios};
use super::outside::Time;
use super::template::Template;

/// Steps in which anything may happen.
const STEPS: usize = 130;
/// Rounds in which everything has to come to rest.
const ROUNDS: usize = 14;
/// Kinds of faults that one seed draws from: few, so that each meets others of its kind, and not all of them.
const KINDS: usize = 9;

/// What a seed gave.
#[derive(Default)]
pub struct Told {
    pub faults: BTreeMap<Fault, u32>,
    pub branches: BTreeMap<&'static str, u32>,
    /// A number that follows from everything that happened.
    pub trace: u64,
    /// Exchanges between devices and nodes.
    pub exchanges: u32,
}

impl Told {
    pub fn branch(&mut self, name: &'static str) {
        *self.branches.entry(name).or_default() += 1;
    }
}

/// Everything of a seed.
pub struct World<'t> {
    pub central: CentralSide,
    pub devices: Vec<Device>,
    pub ledger: Ledger,
    pub chance: Chance,
    pub told: Told,
    pub step: usize,
    pub faults: Vec<Fault>,
    /// Requests of before, to be delivered again.
    pub old_requests: VecDeque<Asked>,
    time: Time,
    folder: PathBuf,
    template: &'t Template,
    loud: bool,
    /// Step until which the disk of the central side has room for little things only.
    pub tight_until: usize,
    worker_off_until: usize,
    backup: Option<PathBuf>,
    restores: usize,
}

/// Runs a seed. An error is a broken invariant, or something that should never happen.
pub fn run(seed: u64, template: &Template, folder: &Path, loud: bool) -> Result<Told> {
    domain::random::seed_this_thread(seed.wrapping_add(1));
    let mut chance = Chance::new(seed);
    let mut faults: Vec<Fault> = Vec::new();
    while faults.len() < KINDS {
        let fault = Fault::ALL[chance.below(COUNT)];
        if !faults.contains(&fault) {
            faults.push(fault);
        }
    }
    let time = Time::default();
    let (central, devices) = template.copy(folder, &time)?;
    let mut world = World {
        central,
        devices,
        ledger: Ledger::default(),
        chance,
        told: Told::default(),
        step: 0,
        faults,
        old_requests: VecDeque::new(),
        time,
        folder: folder.to_owned(),
        template,
        loud,
        tight_until: 0,
        worker_off_until: 0,
        backup: None,
        restores: 0,
    };
    world.say(format!("seed {seed}: {:?}", world.faults));
    for _ in 0..STEPS {
        world.anything()?;
    }
    world.rest()?;
    check::all(&mut world)?;
    Ok(world.told)
}

impl World<'_> {
    /// Notes what happened. The trace follows from every line (FNV-1a).
    pub fn say(&mut self, line: String) {
        for byte in line.bytes() {
            self.told.trace = (self.told.trace ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
        if self.loud {
            println!("{:>4} {line}", self.step);
        }
    }

    pub fn hit(&mut self, fault: Fault) {
        *self.told.faults.entry(fault).or_default() += 1;
        self.say(format!("     ! {fault:?}"));
    }

    pub fn pass(&self, millis: i64) {
        self.time.fetch_add(millis, Ordering::Relaxed);
    }

    pub fn has(&self, fault: Fault) -> bool {
        self.faults.contains(&fault)
    }

    /// One thing happens.
    fn anything(&mut self) -> Result<()> {
        self.step += 1;
        let passed = self.chance.between(10, 900);
        self.pass(passed);
        let waiting: Vec<usize> = (0..self.devices.len()).filter(|d| self.devices[*d].line.waits()).collect();
        match self.chance.below(100) {
            0..70 if !waiting.is_empty() => {
                let device = waiting[self.chance.below(waiting.len())];
                self.deliver(device)
            }
            0..78 => self.send(),
            78..86 => self.capture(),
            86..92 => self.work(),
            92..94 => {
                let passed = self.chance.between(10_000, 1_200_000);
                self.pass(passed);
                Ok(())
            }
            _ => self.trouble(),
        }
    }

    /// A device that rests begins a cycle, or its person asks for a new code.
    fn send(&mut self) -> Result<()> {
        let resting: Vec<usize> =
            (0..self.devices.len()).filter(|d| !self.devices[*d].is_running()).collect();
        let Some(d) = self.chance.pick(&resting).copied() else { return Ok(()) };
        if self.devices[d].needs_code() && self.chance.percent(60) {
            self.begin_enrolment(d)?;
        } else {
            self.say(format!("{} begins a cycle", self.devices[d].name));
            self.devices[d].send()?;
        }
        self.see_end(d);
        Ok(())
    }

    fn begin_enrolment(&mut self, d: usize) -> Result<()> {
        let person = self.devices[d].person;
        let code = match self.devices[d].code.clone() {
            Some(code) => code,
            None => self.central.code(person, false)?,
        };
        self.devices[d].code = Some(code.clone());
        self.say(format!("{} enrols with a code", self.devices[d].name));
        self.told.branch("dado de alta otra vez");
        self.devices[d].enrol(&code)
    }

    /// Notes how a cycle ended, when it did.
    pub fn see_end(&mut self, d: usize) {
        let device = &mut self.devices[d];
        if device.is_running() {
            return;
        }
        let line = match &device.ended {
            Some(Ok(())) => {
                // A code that was taken is used up.
                device.code = None;
                format!("{} ended well", device.name)
            }
            Some(Err(problem)) => {
                let of_the_code =
                    [Code::CodeUnknown, Code::CodeUsed, Code::CodeExpired, Code::AlreadyEnrolled];
                if of_the_code.contains(&problem.code) {
                    device.code = None;
                }
                format!("{} ended: {}", device.name, problem.code.as_str())
            }
            None => return,
        };
        if let Some(Err(problem)) = &self.devices[d].ended {
            let name = problem.code.as_str();
            self.told.branch(name);
        }
        self.say(line);
    }

    /// Somebody captures a follow-up.
    fn capture(&mut self) -> Result<()> {
        let d = self.chance.below(self.devices.len());
        // Mostly one that the person sees; at times one that they know from elsewhere.
        let visible = self.devices[d].projects()?;
        let visible = self.chance.pick(&visible).map(|row| row.folio.clone());
        let visible = visible.filter(|_| self.chance.percent(90));
        let any = PROJECTS[self.chance.below(PROJECTS.len())].0.to_owned();
        let project = visible.unwrap_or(any);
        let project = project.as_str();
        let words = self.ledger.words();
        let content = self.content(project, d, &words)?;
        let mut files = Vec::new();
        if self.chance.percent(25) {
            files.extend(self.chance.pick(&self.template.evidence).cloned());
        }
        let dies = self.has(Fault::KillCapture) && self.chance.percent(40);
        if dies {
            let moment = if self.chance.coin() { Moment::Commit } else { Moment::Committed };
            self.devices[d].disk.die(moment);
        }
        let done = self.devices[d].client()?.capture_file(project, content, &files);
        let said = match &done {
            Ok(sent) => sent.folio.clone(),
            Err(problem) => problem.code.as_str().to_owned(),
        };
        self.say(format!("{} captures {project} with {} files: {said}", self.devices[d].name, files.len()));
        let hurt = self.devices[d].disk.hits() > 0;
        if done.is_ok() || hurt {
            let folio = done.ok().map(|sent| sent.folio);
            let project = project.to_owned();
            self.ledger.captured.push(Captured {
                project,
                words,
                folio,
                forfeit: false,
                only_central: false,
            });
        }
        if dies && hurt {
            self.hit(Fault::KillCapture);
            self.devices[d].kill()?;
        } else if dies {
            self.devices[d].disk.mend();
        }
        Ok(())
    }

    /// Progress alone, or a contract that several people may word otherwise; at times a correction of one's own.
    fn content(&mut self, project: &str, d: usize, words: &str) -> Result<FollowUpFile> {
        let actual = self.chance.below(100) as u8;
        let mut file = if self.chance.percent(60) {
            let amount = 1_000 + 500 * self.chance.below(4) as u32;
            let number = format!("C-{}", self.chance.below(2));
            journeys::with_contract(&number, amount, actual)
        } else {
            journeys::progress(actual)
        };
        file["reason"] = json!("Se midió otra vez.");
        file["internal"]["notes"] = json!(words);
        if self.chance.percent(15) {
            let own = folios(&self.devices[d])?;
            let mut earlier = self.ledger.captured.iter().filter(|captured| captured.project == project);
            let of_device = earlier.find_map(|captured| captured.folio.clone().filter(|f| own.contains(f)));
            if let Some(folio) = of_device {
                file["corrects"] = json!(folio);
            }
        }
        serde_json::from_value(file).context("a follow-up file")
    }

    /// The background decides what is queued.
    fn work(&mut self) -> Result<()> {
        if self.step < self.worker_off_until {
            return Ok(());
        }
        let n = self.chance.below(NODES);
        let crashes = self.has(Fault::WorkerCrash) && self.chance.percent(40);
        if crashes {
            let moment = if self.chance.coin() { Moment::Commit } else { Moment::Committed };
            self.central.nodes[n].disk.die(moment);
        }
        let done = self.central.decide(n);
        let hit = self.central.nodes[n].disk.mend() > 0;
        self.say(format!("node {n} decides: {:?}", done.as_ref().ok()));
        if crashes && hit {
            self.hit(Fault::WorkerCrash);
            return self.central.restart(n, self.step + 3);
        }
        done.map(|_| ())
    }

    /// Something that is not about one exchange.
    fn trouble(&mut self) -> Result<()> {
        if self.backup.is_none() && self.has(Fault::Restored) {
            let to = self.folder.join("respaldo.zip");
            self.central.backup(&to)?;
            self.backup = Some(to);
            self.say("a backup is made".into());
            return Ok(());
        }
        if self.step > 30 && self.chance.percent(20) {
            self.told.branch("capacitación dada");
            self.central.code(4, true)?;
            self.say("Elena finished the training".into());
        }
        let own: Vec<Fault> =
            self.faults.iter().copied().filter(|fault| fault.place() != Place::Exchange).collect();
        let Some(fault) = self.chance.pick(&own).copied() else { return Ok(()) };
        match fault.place() {
            Place::Central => self.trouble_central(fault),
            _ => self.trouble_device(fault),
        }
    }

    fn trouble_central(&mut self, fault: Fault) -> Result<()> {
        match fault {
            Fault::RequestLate => {
                let Some(asked) = self.old_requests.pop_front() else { return Ok(()) };
                let n = self.chance.below(NODES);
                self.say(format!("an old {} {} comes again", asked.method, asked.url.path()));
                let answer = self.central.serve(n, &asked)?;
                self.say(format!("     node {n}: {}", answer.status.as_u16()));
            }
            Fault::WorkerDead => self.worker_off_until = self.step + 60,
            Fault::CentralClock => {
                let n = self.chance.below(NODES);
                let off = self.chance.between(-172_800_000, 172_800_000);
                self.central.nodes[n].watch.off.store(off, Ordering::Relaxed);
                self.say(format!("the clock of node {n} is off by {off} ms"));
            }
            Fault::Restored => {
                let Some(backup) = self.backup.clone().filter(|_| self.restores < 2) else { return Ok(()) };
                for d in 0..self.devices.len() {
                    let held = self.ledger.see_receipts(&self.devices[d])?;
                    self.ledger.of_before.extend(held.into_iter().map(|receipt| receipt.signature));
                }
                self.restores += 1;
                let into = self.folder.join(format!("restored-{}", self.restores));
                self.central.restore(&backup, &into)?;
                self.ledger.forget_since_backup(&self.central)?;
            }
            Fault::TokensForgotten => self.central.forget_tokens()?,
            Fault::ProjectMoved => {
                let project = PROJECTS[self.chance.below(PROJECTS.len())].0;
                let area = AREAS[self.chance.below(AREAS.len())];
                self.central.assign(project, area)?;
                self.say(format!("{project} goes to {area:?}"));
            }
            Fault::Revoked => {
                let d = self.chance.below(self.devices.len());
                let name = self.devices[d].name.clone();
                let Some(id) = self.central.identity(&name)? else { return Ok(()) };
                self.central.administer(|endpoint, tx| Ok(tx.revoke_device(id, endpoint.now())?))?;
                self.say(format!("{name} is revoked"));
            }
            // A crash of the background happens while it works.
            _ => return Ok(()),
        }
        self.hit(fault);
        Ok(())
    }

    fn trouble_device(&mut self, fault: Fault) -> Result<()> {
        let d = self.chance.below(self.devices.len());
        match fault {
            Fault::KillCycle => {
                let running: Vec<usize> =
                    (0..self.devices.len()).filter(|d| self.devices[*d].is_running()).collect();
                let Some(d) = self.chance.pick(&running).copied() else { return Ok(()) };
                self.say(format!("{} goes off", self.devices[d].name));
                self.devices[d].kill()?;
            }
            Fault::DeviceDisk => {
                let trouble = if self.chance.coin() { Trouble::Full } else { Trouble::Failing };
                let moments = [Moment::Begin, Moment::Commit, Moment::Committed];
                let moment = moments[self.chance.below(3)];
                self.devices[d].disk.fail(moment, trouble, 1 + self.chance.below(3) as u32);
                self.say(format!(
                    "the disk of {} will fail: {trouble:?} at {moment:?}",
                    self.devices[d].name
                ));
            }
            Fault::DeviceClock => {
                let off = self.chance.between(-31_536_000_000, 31_536_000_000);
                self.devices[d].watch.off.store(off, Ordering::Relaxed);
                self.say(format!("the clock of {} is off by {off} ms", self.devices[d].name));
            }
            Fault::Clone => {
                if self.devices.len() > 7 {
                    return Ok(());
                }
                let copy = self.folder.join(format!("device-{}", self.devices.len()));
                copy_folder(&self.devices[d].folder, &copy)?;
                let name = format!("equipo-{}", self.devices.len());
                self.say(format!("{} is copied as {name}", self.devices[d].name));
                let person = self.devices[d].person;
                self.devices.push(Device::open(name, copy, person, &self.time)?);
            }
            Fault::OldCopy => {
                let Some(old) = self.devices[d].old.take() else {
                    let copy = self.folder.join(format!("old-{d}"));
                    copy_folder(&self.devices[d].folder, &copy)?;
                    self.devices[d].old = Some(copy);
                    self.say(format!("a copy of {} is put away", self.devices[d].name));
                    return Ok(());
                };
                self.ledger.see_receipts(&self.devices[d])?;
                let before = folios(&self.devices[d])?;
                self.devices[d].put_back(&old)?;
                let gone = before.difference(&folios(&self.devices[d])?).cloned().collect();
                self.ledger.forget_device(&gone, &self.central)?;
                self.say(format!(
                    "{} is an old copy now; {} follow-ups less",
                    self.devices[d].name,
                    gone.len()
                ));
            }
            // Those happen while a device writes or captures.
            _ => return Ok(()),
        }
        self.hit(fault);
        Ok(())
    }

    /// The faults stop. Everything has to come to rest, and stay there.
    fn rest(&mut self) -> Result<()> {
        self.say("the faults stop".into());
        self.central.mend();
        for device in &mut self.devices {
            device.mend();
        }
        let mut before = None;
        for round in 0..ROUNDS {
            self.step += 1;
            for d in 0..self.devices.len() {
                self.finish(d)?;
                if self.devices[d].needs_code() {
                    // As a person does it: the code they have, else a new one.
                    self.begin_enrolment(d)?;
                } else {
                    self.devices[d].send()?;
                }
                self.finish(d)?;
            }
            while self.central.decide(round % NODES)? > 0 {}
            // Long enough for whatever was set apart or failed to be tried again.
            self.pass(if round == 0 { 600_000 } else { 25_200_000 });
            let now = check::standing(self)?;
            let well = self.devices.iter().all(|device| matches!(device.ended, Some(Ok(()))));
            if round > 1 && before.as_ref() == Some(&now) && (well || self.reasons()?) {
                self.say(format!("all is quiet after {} rounds", round + 1));
                return Ok(());
            }
            before = Some(now);
        }
        let ends: Vec<String> = self.devices.iter().map(|device| format!("{:?}", device.ended)).collect();
        bail!("I3: not at rest after {ROUNDS} rounds: {}", ends.join("; "))
    }

    /// Whether every device that did not end well says why, with a reason that somebody has to mend.
    fn reasons(&mut self) -> Result<bool> {
        let mended = [Code::ProjectLost, Code::FollowUpLost, Code::OutOfScope];
        let known = |problem: &Problem| mended.contains(&problem.code);
        let mut all = true;
        for device in &self.devices {
            all &= match &device.ended {
                Some(Ok(())) => true,
                Some(Err(problem)) => known(problem),
                None => false,
            };
        }
        if all {
            self.told.branch("espera con razón");
        }
        Ok(all)
    }
}
