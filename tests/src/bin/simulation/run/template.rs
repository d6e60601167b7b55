//! What every seed begins with: a central side with its list and its register, and six enrolled devices. Made once per
//! run, from a seed of its own, and copied.

use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;

use anyhow::{Context as _, Result, ensure};

use super::central_side::{CentralSide, PEOPLE, PROJECTS};
use super::device_side::{Device, copy_folder};
use super::outside::Time;

/// When every seed begins: 2026-03-20 15:00 UTC.
const BEGIN: i64 = 1_774_018_800_000;

/// A folder with everything that seeds begin with.
pub struct Template {
    folder: PathBuf,
    /// Files to attach.
    pub evidence: Vec<(PathBuf, String)>,
}

impl Template {
    /// Makes it.
    pub fn make(folder: &Path) -> Result<Template> {
        domain::random::seed_this_thread(0);
        std::fs::create_dir_all(folder)?;
        let time = Time::default();
        time.store(BEGIN, Ordering::Relaxed);
        let data = folder.join("central");
        let central = CentralSide::open(&data, &time)?;
        for (folio, area) in PROJECTS {
            central.assign(folio, area)?;
        }
        for (person, (_, _, _, trained)) in PEOPLE.iter().enumerate() {
            let code = central.code(person, *trained)?;
            let own = folder.join(format!("device-{person}"));
            let mut device = Device::open(format!("equipo-{person}"), own, person, &time)?;
            device.enrol(&code)?;
            finish(&central, &mut device)?;
            ensure!(matches!(device.ended, Some(Ok(()))), "enrolment: {:?}", device.ended);
        }
        drop(central);
        let mut evidence = Vec::new();
        for shade in 0..3u8 {
            let path = folder.join(format!("foto-{shade}.jpg"));
            let picture = image::RgbImage::from_pixel(16, 12, image::Rgb([shade * 40, 90, 120]));
            picture.save(&path).context("a photograph")?;
            evidence.push((path, "illustration".to_owned()));
        }
        // A PDF by its first bytes, of which no public copy can be made: it goes back to its author.
        let path = folder.join("roto.pdf");
        std::fs::write(&path, b"%PDF-1.7\nnothing that can be read")?;
        evidence.push((path, "physicalProgressReport".to_owned()));
        Ok(Template { folder: folder.to_owned(), evidence })
    }

    /// The central side and the devices of a seed, in a folder of its own.
    pub fn copy(&self, folder: &Path, time: &Time) -> Result<(CentralSide, Vec<Device>)> {
        time.store(BEGIN, Ordering::Relaxed);
        copy_folder(&self.folder.join("central"), &folder.join("central"))?;
        let central = CentralSide::open(&folder.join("central"), time)?;
        let mut devices = Vec::new();
        for person in 0..PEOPLE.len() {
            let own = folder.join(format!("device-{person}"));
            copy_folder(&self.folder.join(format!("device-{person}")), &own)?;
            devices.push(Device::open(format!("equipo-{person}"), own, person, time)?);
        }
        Ok((central, devices))
    }
}

/// Lets a device come to the end of what it does, with a network that works.
pub fn finish(central: &CentralSide, device: &mut Device) -> Result<()> {
    for _ in 0..2_000 {
        if !device.is_running() {
            return Ok(());
        }
        let asked = device.line.take().context("a device waits for something else than the network")?;
        device.line.answer(Ok(central.serve(0, &asked)?));
        device.step();
    }
    anyhow::bail!("I3: {} goes on asking for ever", device.name)
}
