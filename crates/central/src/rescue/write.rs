//! What a rescue has and the endpoint does not take, as files that a person can read, and capture again.
//!
//! Of each follow-up `{folio}.json`, which `avance-device capture` reads, and its photographs and documents beside it; of a
//! draft also what was typed, letter for letter, and its earlier states. `LEEME.txt` says what there is, and
//! `lo-escrito.csv` has every datum of every draft in one table. `borradores.json` gives the drafts back to the equipment
//! that their author has now. All of it is internal: only its owner reads the folder.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{Read, Write as _};
use std::path::{Path, PathBuf};

use domain::evidence::MediaType;
use domain::follow_up::{FollowUp, folio};
use domain::form::{Form, Values};
use domain::rescue::{DRAFTS, RescueAttached, RescueDraft, RescueFile, RescuedDraft, RescuedFile};
use sha2::{Digest, Sha256};

use super::{Outcome, Refusal, Rescue, of_reading};
use crate::endpoint::Endpoint;
use crate::words::say;

impl Rescue {
    /// Writes it beside its place, and puts it there whole.
    pub(super) fn write(
        &mut self,
        endpoint: &Endpoint,
        refused: &[FollowUp],
        to: &Path,
        outcome: &mut Outcome,
    ) -> Result<(), Refusal> {
        let mut part = to.as_os_str().to_owned();
        part.push(".parte");
        let part = PathBuf::from(part);
        if part.exists() {
            // Of an earlier time that was cut.
            fs::remove_dir_all(&part)?;
        }
        if let Some(above) = part.parent().filter(|above| !above.as_os_str().is_empty()) {
            fs::create_dir_all(above)?;
        }
        fs::create_dir(&part)?;
        restrict(&part)?;
        let written = self.fill(endpoint, refused, &part, outcome).and_then(|()| {
            if to.is_dir() {
                fs::remove_dir(to)?;
            }
            Ok(fs::rename(&part, to)?)
        });
        if written.is_err() {
            let _ = fs::remove_dir_all(&part);
        }
        written
    }

    fn fill(
        &mut self,
        endpoint: &Endpoint,
        refused: &[FollowUp],
        folder: &Path,
        outcome: &mut Outcome,
    ) -> Result<(), Refusal> {
        let mut words = vec![
            say(
                format!(
                    "Rescate de lo que {} tenía sin enviar el {} (UTC).",
                    self.person(),
                    self.text.made_at.format("%Y-%m-%d %H:%M")
                ),
                format!(
                    "Rescue of what {} had unsent on {} (UTC).",
                    self.person(),
                    self.text.made_at.format("%Y-%m-%d %H:%M")
                ),
            ),
            say(
                "Nada de esta carpeta se ha enviado. Su autor recupera los borradores en su perfil nuevo, en «Mi perfil», con \
                 borradores.json, y captura otra vez lo demás. Lleva datos internos: guárdala con cuidado y bórrala al terminar.",
                "Nothing in this folder was sent. Its author takes the drafts back on a new profile, in “My profile”, with \
                 borradores.json, and captures the rest again. It holds internal data: keep it with care and delete it \
                 when that is done.",
            ),
            String::new(),
        ];
        let drafts = self.text.drafts.clone();
        let mut table = csv::Writer::from_path(folder.join("lo-escrito.csv")).map_err(of_csv)?;
        table.write_record(["folio", "proyecto", "formulario", "campo", "valor"]).map_err(of_csv)?;
        let mut back = Vec::new();
        for draft in &drafts {
            back.push(self.draft(endpoint, draft, folder, &mut table, &mut words, outcome)?);
        }
        table.flush()?;
        put(&folder.join(DRAFTS), &pretty(&back)?)?;
        for follow_up in refused {
            let reason = outcome.refused.iter().find(|(folio, _)| *folio == follow_up.folio());
            let reason = reason.map(|(_, problem)| problem.to_string()).unwrap_or_default();
            words.push(say(
                format!(
                    "{} · {} · marcado listo y no recibido ({reason})",
                    follow_up.folio(),
                    follow_up.project
                ),
                format!(
                    "{} · {} · marked ready and not taken ({reason})",
                    follow_up.folio(),
                    follow_up.project
                ),
            ));
            put(&folder.join(format!("{}.json", follow_up.folio())), &pretty(&follow_up.content)?)?;
            let files: Vec<&str> = follow_up.evidence.iter().map(|file| file.sha256.as_str()).collect();
            self.files(endpoint, &follow_up.folio(), &files, folder, &mut words, outcome)?;
        }
        put(&folder.join("LEEME.txt"), words.join("\n").as_bytes())
    }

    fn draft(
        &mut self,
        endpoint: &Endpoint,
        draft: &RescueDraft,
        folder: &Path,
        table: &mut csv::Writer<File>,
        words: &mut Vec<String>,
        outcome: &mut Outcome,
    ) -> Result<RescuedDraft, Refusal> {
        let folio = folio(draft.id);
        let form = say(&draft.form.title.es, &draft.form.title.en);
        words.push(say(
            format!(
                "{folio} · {} · borrador · {form} · guardado el {} (UTC) · {} versiones anteriores",
                draft.project,
                draft.updated_at.format("%Y-%m-%d %H:%M"),
                draft.versions.len()
            ),
            format!(
                "{folio} · {} · draft · {form} · saved {} (UTC) · {} earlier versions",
                draft.project,
                draft.updated_at.format("%Y-%m-%d %H:%M"),
                draft.versions.len()
            ),
        ));
        let names = names(&draft.form);
        for (field, value) in in_order(&draft.form, &draft.typed) {
            let name = names.get(field.as_str()).cloned().unwrap_or_else(|| field.clone());
            words.push(format!("    {name}: {value}"));
            table.write_record([&folio, &draft.project, &form, &name, value]).map_err(of_csv)?;
        }
        put(&folder.join(format!("{folio}.json")), &pretty(&draft.content)?)?;
        put(&folder.join(format!("{folio}.escrito.json")), &pretty(&draft.typed)?)?;
        if !draft.versions.is_empty() {
            put(&folder.join(format!("{folio}.versiones.json")), &pretty(&draft.versions)?)?;
        }
        // Those of the draft, then those that only an earlier state has.
        let mut files: Vec<&str> = Vec::new();
        let earlier = draft.versions.iter().flat_map(|version| &version.files);
        for file in draft.files.iter().chain(earlier) {
            if !files.contains(&file.sha256.as_str()) {
                files.push(&file.sha256);
            }
        }
        let named = self.files(endpoint, &folio, &files, folder, words, outcome)?;
        let file = |attached: &RescueAttached| {
            let (_, file) = named.iter().find(|(sha256, _)| *sha256 == attached.sha256)?;
            Some(RescuedFile { file: file.clone(), attached: attached.clone() })
        };
        Ok(RescuedDraft {
            id: draft.id,
            project: draft.project.clone(),
            ocid: draft.ocid.clone(),
            form: draft.form.clone(),
            typed: draft.typed.clone(),
            files: draft.files.iter().filter_map(file).collect(),
            corrects: draft.corrects,
        })
    }

    /// Writes the files that are there. Gives the name of each by its hash.
    fn files(
        &mut self,
        endpoint: &Endpoint,
        folio: &str,
        files: &[&str],
        folder: &Path,
        words: &mut Vec<String>,
        outcome: &mut Outcome,
    ) -> Result<Vec<(String, String)>, Refusal> {
        let mut named = Vec::new();
        for (n, sha256) in files.iter().enumerate() {
            let known = self.text.files.iter().find(|file| file.sha256 == *sha256).cloned();
            let ending = known.as_ref().map_or("bin", |file| ending(file.media_type));
            let name = format!("{folio}-{}.{ending}", n + 1);
            let said = known.as_ref().map_or_else(|| (*sha256).to_owned(), |file| file.name.clone());
            let place = folder.join(&name);
            let there = match &known {
                Some(file) => self.file(endpoint, file, &place)?,
                None => false,
            };
            // What another follow-up brought is here.
            let there = there || copy_of_ours(endpoint, sha256, &place)?;
            if there {
                words.push(format!("    {name} ({said})"));
                named.push(((*sha256).to_owned(), name));
            } else {
                let _ = fs::remove_file(&place);
                words.push(say(
                    format!("    Falta el archivo «{said}»: no está en el rescate o está dañado"),
                    format!("    The file “{said}” is missing: it is not in the rescue, or is damaged"),
                ));
                outcome.missing.push(said);
            }
        }
        Ok(named)
    }

    /// Says whether the bytes are those that the device named.
    fn file(&mut self, endpoint: &Endpoint, file: &RescueFile, place: &Path) -> Result<bool, Refusal> {
        let Some(mut from) = self.bytes(endpoint, file)? else { return Ok(false) };
        match copy(&mut from, place) {
            Ok(found) => Ok(found == file.sha256),
            Err(Refusal::Broken) => Ok(false),
            Err(other) => Err(other),
        }
    }
}

fn copy(from: &mut impl Read, place: &Path) -> Result<String, Refusal> {
    let mut to = File::create(place)?;
    let mut hasher = Sha256::new();
    let mut piece = vec![0u8; 64 * 1024];
    loop {
        match from.read(&mut piece).map_err(of_reading)? {
            0 => break,
            read => {
                hasher.update(&piece[..read]);
                to.write_all(&piece[..read])?;
            }
        }
    }
    to.sync_all()?;
    Ok(hex::encode(hasher.finalize()))
}

fn copy_of_ours(endpoint: &Endpoint, sha256: &str, place: &Path) -> Result<bool, Refusal> {
    match File::open(endpoint.evidence_path(sha256)) {
        Ok(mut ours) => Ok(copy(&mut ours, place)? == sha256),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error.into()),
    }
}

fn ending(kind: MediaType) -> &'static str {
    match kind {
        MediaType::Jpeg => "jpg",
        MediaType::Png => "png",
        MediaType::Webp => "webp",
        MediaType::Pdf => "pdf",
    }
}

/// What people call the fields of a form.
fn names(form: &Form) -> BTreeMap<&str, String> {
    form.fields().map(|field| (field.id.as_str(), say(&field.title.es, &field.title.en))).collect()
}

/// What was typed, in the order of the form, and behind it what the form does not know.
fn in_order<'v>(form: &Form, typed: &'v Values) -> Vec<(&'v String, &'v String)> {
    let place = |id: &str| form.fields().position(|field| field.id == id).unwrap_or(usize::MAX);
    let mut values: Vec<_> = typed.iter().filter(|(_, value)| !value.trim().is_empty()).collect();
    values.sort_by_key(|(id, _)| place(id));
    values
}

fn pretty(value: &impl serde::Serialize) -> Result<Vec<u8>, Refusal> {
    Ok(serde_json::to_vec_pretty(value).map_err(std::io::Error::from)?)
}

fn of_csv(error: csv::Error) -> Refusal {
    Refusal::Disk(std::io::Error::other(error))
}

fn put(place: &Path, bytes: &[u8]) -> Result<(), Refusal> {
    let mut file = File::create(place)?;
    file.write_all(bytes)?;
    Ok(file.sync_all()?)
}

/// Nobody else of this machine opens the folder.
fn restrict(folder: &Path) -> std::io::Result<()> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        fs::set_permissions(folder, fs::Permissions::from_mode(0o700))?;
    }
    Ok(())
}
