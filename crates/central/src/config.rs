//! Configuration: one structure, filled from a TOML file, then the environment, then flags. None is needed.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use clap::Args;
use domain::alert::Thresholds;
use domain::evidence::PhotoSize;
use domain::wire::{MunicipalityCard, SYNC_HINT_BOUNDS};
use serde::Deserialize;

use crate::review::Policy;
use crate::words::say;

/// The prefix used while none is registered. Said loudly: data with it cannot be joined with anybody else's.
pub const UNREGISTERED_PREFIX: &str = "ocds-000000";

/// What every verb accepts.
#[derive(Args, Clone, Debug, Default)]
pub struct Options {
    /// Folder of the database, the evidence and the public files.
    #[arg(long, env = "AVANCE_DATA", global = true, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// TOML file; DIR/avance.toml when it exists.
    #[arg(long, env = "AVANCE_CONFIG", global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Name of the municipality.
    #[arg(long, env = "AVANCE_MUNICIPALITY", global = true, value_name = "NAME")]
    pub municipality: Option<String>,
    /// Registered OCDS prefix, for example ocds-abc123.
    #[arg(long, env = "AVANCE_OCDS_PREFIX", global = true, value_name = "PREFIX")]
    pub ocds_prefix: Option<String>,
    /// Address of the licence of the data.
    #[arg(long, env = "AVANCE_LICENSE", global = true, value_name = "URL")]
    pub license: Option<String>,
    /// Address of the publication policy.
    #[arg(long, env = "AVANCE_POLICY_URL", global = true, value_name = "URL")]
    pub policy_url: Option<String>,
    /// Address at which the public reads the site.
    #[arg(long, env = "AVANCE_PUBLIC_URL", global = true, value_name = "URL")]
    pub public_url: Option<String>,
}

/// The TOML file.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct File {
    municipality: Option<String>,
    municipality_id: Option<String>,
    ocds_prefix: Option<String>,
    license: Option<String>,
    policy_url: Option<String>,
    public_url: Option<String>,
    currency: Option<String>,
    utc_offset_minutes: Option<i32>,
    sync_interval_seconds: Option<u64>,
    photo_longest_px: Option<u32>,
    photo_quality: Option<u8>,
    alerts: Alerts,
    review: Option<Reviewed>,
    bulk_interval_seconds: Option<u64>,
}

/// What waits for a person: the word `automatic` or `everything`, or a list of forms and stages.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Reviewed {
    Word(String),
    Only(Vec<String>),
}

impl Reviewed {
    fn policy(self) -> Result<Policy> {
        let wrong = |word: &str| {
            anyhow::anyhow!(
                "{}",
                say(
                    format!("review: «{word}» no es `automatic`, `everything`, una etapa ni un formulario"),
                    format!("review: «{word}» is not `automatic`, `everything`, a stage or a form"),
                )
            )
        };
        match self {
            Reviewed::Word(word) if word == "automatic" => Ok(Policy::Automatic),
            Reviewed::Word(word) if word == "everything" => Ok(Policy::Everything),
            Reviewed::Word(word) => Err(wrong(&word)),
            Reviewed::Only(words) => Policy::only(words).map_err(|word| wrong(&word)),
        }
    }
}

/// From when on something is said to be late: the table `[alerts]`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Alerts {
    follow_up_days: Option<u32>,
    contract_days: Option<u32>,
    behind_points: Option<u32>,
    paid_points: Option<u32>,
}

/// Most days of a threshold: ten years.
const MOST_DAYS: u32 = 3650;

impl Alerts {
    /// What is not said is as it comes.
    fn thresholds(&self) -> Result<Thresholds> {
        let usual = Thresholds::default();
        let within = |name: &str, said: Option<u32>, usual: u32, most: u32| match said {
            Some(value) if value > most => bail!(
                "{}",
                say(
                    format!("[alerts] {name} = {value}: va de 0 a {most}"),
                    format!("[alerts] {name} = {value}: from 0 to {most}"),
                )
            ),
            said => Ok(said.unwrap_or(usual)),
        };
        Ok(Thresholds {
            follow_up_days: within("follow_up_days", self.follow_up_days, usual.follow_up_days, MOST_DAYS)?,
            contract_days: within("contract_days", self.contract_days, usual.contract_days, MOST_DAYS)?,
            behind_points: within("behind_points", self.behind_points, usual.behind_points, 100)?,
            paid_points: within("paid_points", self.paid_points, usual.paid_points, 100)?,
        })
    }
}

/// Configuration in force.
#[derive(Clone, Debug)]
pub struct Config {
    /// Folder of everything.
    pub data: PathBuf,
    /// Whether somebody said anything about the municipality; if not, what the data folder was last served with is used.
    pub given: bool,
    /// The municipality, as devices see it too.
    pub municipality: MunicipalityCard,
    /// Licence of the data.
    pub license: String,
    /// Publication policy; the page of the site when none is configured.
    pub policy_url: String,
    /// How often devices should look when nothing waits on them, seconds; as they see fit when it is not said.
    pub sync_interval: Option<u64>,
    /// What waits for a person although nothing is wrong with it.
    pub review: Policy,
    /// How often the files of everything are made, seconds.
    pub bulk_interval: u64,
}

/// How often the files of everything are made when nothing is said: a quarter of an hour.
const BULK_INTERVAL: u64 = 900;

impl Config {
    /// Reads the configuration and makes sure that it can be used.
    ///
    /// # Errors
    /// A file that cannot be read or has an unknown key, a prefix or an address that is not one, no data folder.
    pub fn load(options: &Options) -> Result<Config> {
        let Some(data) = options.data.clone() else {
            bail!(
                "{}",
                say(
                    "falta --data CARPETA (o la variable AVANCE_DATA)",
                    "--data DIR is needed (or the variable AVANCE_DATA)"
                )
            );
        };
        let beside = data.join("avance.toml");
        // A disk that does not answer is not a folder without the file: another municipality would be served.
        let path = match &options.config {
            Some(path) => Some(path.clone()),
            None => beside
                .try_exists()
                .with_context(|| {
                    say(
                        format!("no se puede leer {}", beside.display()),
                        format!("cannot read {}", beside.display()),
                    )
                })?
                .then_some(beside),
        };
        let file = match &path {
            Some(path) => read(path)?,
            None => File::default(),
        };
        let said = [
            &options.municipality,
            &options.ocds_prefix,
            &options.license,
            &options.policy_url,
            &options.public_url,
        ];
        let given = path.is_some() || said.iter().any(|value| value.is_some());
        let prefix =
            options.ocds_prefix.clone().or(file.ocds_prefix).unwrap_or_else(|| UNREGISTERED_PREFIX.into());
        if !ocds::ident::is_prefix(&prefix) {
            bail!(
                "{}",
                say(
                    format!("«{prefix}» no es un prefijo OCDS: `ocds-` y seis letras minúsculas o dígitos"),
                    format!("«{prefix}» is not an OCDS prefix: `ocds-` and six lower-case letters or digits"),
                )
            );
        }
        let public_url = options.public_url.clone().or(file.public_url);
        let public_url = public_url.unwrap_or_else(|| "http://127.0.0.1:8780".into());
        let public_url = web_address("public_url", &public_url)?;
        let policy = options.policy_url.clone().or(file.policy_url);
        let policy_url = match policy {
            Some(url) => web_address("policy_url", &url)?,
            None => format!("{public_url}/politica-de-publicacion/"),
        };
        let license = options.license.clone().or(file.license);
        let license = license.unwrap_or_else(|| "https://creativecommons.org/licenses/by/4.0/".into());
        let license = web_address("license", &license).map(|_| license)?;
        let offset_minutes = file.utc_offset_minutes.unwrap_or(-360);
        if !(-14 * 60..=14 * 60).contains(&offset_minutes) {
            bail!(
                "{}",
                say(
                    format!("utc_offset_minutes = {offset_minutes} no es una diferencia con UTC, en minutos"),
                    format!("utc_offset_minutes = {offset_minutes} is not an offset from UTC, in minutes"),
                )
            );
        }
        let sync_interval = file.sync_interval_seconds;
        if let Some(seconds) = sync_interval.filter(|seconds| !SYNC_HINT_BOUNDS.contains(seconds)) {
            let (least, most) = (SYNC_HINT_BOUNDS.start(), SYNC_HINT_BOUNDS.end());
            bail!(
                "{}",
                say(
                    format!("sync_interval_seconds = {seconds}: va de {least} a {most}"),
                    format!("sync_interval_seconds = {seconds}: from {least} to {most}"),
                )
            );
        }
        let bulk_interval = file.bulk_interval_seconds.unwrap_or(BULK_INTERVAL);
        if !(1..=7 * 24 * 3600).contains(&bulk_interval) {
            bail!(
                "{}",
                say(
                    format!("bulk_interval_seconds = {bulk_interval}: va de 1 a {}", 7 * 24 * 3600),
                    format!("bulk_interval_seconds = {bulk_interval}: from 1 to {}", 7 * 24 * 3600),
                )
            );
        }
        let usual = PhotoSize::default();
        let photo = PhotoSize {
            longest: file.photo_longest_px.unwrap_or(usual.longest),
            quality: file.photo_quality.unwrap_or(usual.quality),
        };
        if photo != photo.within_bounds() {
            let (sides, qualities) = (PhotoSize::SIDES, PhotoSize::QUALITIES);
            bail!(
                "photo_longest_px = {} ({}–{}), photo_quality = {} ({}–{})",
                photo.longest,
                sides.start(),
                sides.end(),
                photo.quality,
                qualities.start(),
                qualities.end(),
            );
        }
        let name = options.municipality.clone().or(file.municipality);
        Ok(Config {
            given,
            municipality: MunicipalityCard {
                id: file.municipality_id.unwrap_or_else(|| "municipio".into()),
                name: name.unwrap_or_else(|| "Municipio sin nombre configurado".into()),
                prefix_registered: prefix != UNREGISTERED_PREFIX,
                prefix,
                currency: file.currency.unwrap_or_else(|| "MXN".into()),
                offset_minutes,
                public_url,
                photo,
                alerts: file.alerts.thresholds()?,
                // The endpoint has it from its key.
                sealing_key: None,
            },
            license,
            policy_url,
            sync_interval,
            review: file.review.map(Reviewed::policy).transpose()?.unwrap_or_default(),
            bulk_interval,
            data,
        })
    }

    /// What the operator must know before relying on this configuration.
    pub fn warnings(&self) -> Vec<String> {
        let mut warnings = Vec::new();
        if !self.municipality.prefix_registered {
            warnings.push(say(
                format!(
                    "El prefijo OCDS {UNREGISTERED_PREFIX} no está registrado: cada ocid hecho con él va a tener que \
                     cambiar. Registra uno con la Open Contracting Partnership y ponlo en ocds_prefix."
                ),
                format!(
                    "The OCDS prefix {UNREGISTERED_PREFIX} is not registered: every ocid made with it will have to \
                     change. Register one with the Open Contracting Partnership and set ocds_prefix."
                ),
            ));
        }
        let url = &self.municipality.public_url;
        if url.contains("//127.") || url.contains("//localhost") || url.contains("//[::1]") {
            warnings.push(say(
                format!(
                    "public_url es {url}: los archivos publicados nombran una dirección que sólo este equipo puede \
                     abrir. Pon en public_url la del sitio."
                ),
                format!(
                    "public_url is {url}: the published files name an address that only this machine can open. Set \
                     public_url."
                ),
            ));
        }
        warnings
    }

    /// Folder of the published files.
    pub fn public(&self) -> PathBuf {
        self.data.join("public")
    }

    /// Who publishes, as packages say it (OCDS 1.1, package metadata).
    pub fn publication(&self) -> ocds::package::Publication {
        ocds::package::Publication {
            publisher_name: self.municipality.name.clone(),
            publisher_scheme: None,
            publisher_uid: None,
            publisher_uri: None,
            license: Some(self.license.clone()),
            publication_policy: Some(self.policy_url.clone()),
        }
    }
}

fn read(path: &Path) -> Result<File> {
    let text = std::fs::read_to_string(path).with_context(|| {
        say(format!("no se puede leer {}", path.display()), format!("cannot read {}", path.display()))
    })?;
    toml::from_str(&text).with_context(|| {
        say(format!("{} no es válido", path.display()), format!("{} is not valid", path.display()))
    })
}

/// An absolute http(s) address, without its final `/`.
fn web_address(what: &str, text: &str) -> Result<String> {
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    match rest {
        Some(rest)
            if !rest.is_empty() && !rest.starts_with('/') && !text.chars().any(char::is_whitespace) =>
        {
            Ok(text.trim_end_matches('/').to_owned())
        }
        _ => bail!(
            "{}",
            say(
                format!("{what} = «{text}» no es una dirección http o https"),
                format!("{what} = «{text}» is not an http or https address"),
            )
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_needed_and_nonsense_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let options = Options { data: Some(folder.path().to_owned()), ..Options::default() };
        let config = Config::load(&options).unwrap();
        assert_eq!(config.municipality.prefix, UNREGISTERED_PREFIX);
        assert_eq!(config.warnings().len(), 2);
        for (prefix, url) in [
            ("OCDS-ABC123", None),
            ("x", None),
            ("ocds-abc123", Some("ftp://x")),
            ("ocds-abc123", Some("http:///")),
        ] {
            let wrong = Options {
                ocds_prefix: Some(prefix.into()),
                public_url: url.map(str::to_owned),
                ..options.clone()
            };
            assert!(Config::load(&wrong).is_err(), "{prefix} {url:?}");
        }
        std::fs::write(folder.path().join("avance.toml"), "municipality = \"M\"\nocds_prefx = \"x\"\n")
            .unwrap();
        assert!(Config::load(&options).is_err());
        for (seconds, good) in [(29, false), (30, true), (900, true), (901, false)] {
            std::fs::write(folder.path().join("avance.toml"), format!("sync_interval_seconds = {seconds}\n"))
                .unwrap();
            let config = Config::load(&options);
            assert_eq!(config.ok().and_then(|config| config.sync_interval), good.then_some(seconds));
        }
        for (text, good) in [
            ("photo_longest_px = 1600\nphoto_quality = 70\n", true),
            ("photo_longest_px = 100\n", false),
            ("photo_quality = 0\n", false),
        ] {
            std::fs::write(folder.path().join("avance.toml"), text).unwrap();
            let photo = Config::load(&options).ok().map(|config| config.municipality.photo);
            assert_eq!(photo, good.then_some(PhotoSize { longest: 1600, quality: 70 }), "{text}");
        }
        for (text, policy) in [
            ("\"automatic\"", Some(Policy::Automatic)),
            ("\"everything\"", Some(Policy::Everything)),
            ("[\"contract\"]", Some(Policy::Only(["contract".to_owned()].into()))),
            ("[\"contrato\"]", None),
            ("\"all\"", None),
            ("3", None),
        ] {
            std::fs::write(folder.path().join("avance.toml"), format!("review = {text}\n")).unwrap();
            assert_eq!(Config::load(&options).ok().map(|config| config.review), policy, "{text}");
        }
        std::fs::write(
            folder.path().join("avance.toml"),
            "municipality = \"M\"\nocds_prefix = \"ocds-abc123\"\npublic_url = \"https://pp.example.org/\"\n",
        )
        .unwrap();
        let config = Config::load(&options).unwrap();
        assert_eq!(config.municipality.public_url, "https://pp.example.org");
        assert!(config.warnings().is_empty());
        // Below a file there is nothing to look at: no answer, as of a disk that fails.
        let below = Options { data: Some(folder.path().join("avance.toml")), ..Options::default() };
        assert!(Config::load(&below).is_err());
    }
}
