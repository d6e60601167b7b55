//! Packages of the operating system. On Debian and Ubuntu they are installed; elsewhere they are named.

use std::process::Command;

use super::Purpose;
use crate::run::{Outcome, find, run, succeeds};
use crate::words::{say, text};

/// Something of the system: how its presence is seen, and the Debian package that brings it.
struct Need {
    package: &'static str,
    present: fn() -> bool,
    purpose: Purpose,
}

const NEEDS: &[Need] = &[
    Need {
        package: "build-essential",
        present: || program("cc") && program("make"),
        purpose: Purpose::Build,
    },
    Need { package: "pkg-config", present: || program("pkg-config"), purpose: Purpose::Build },
    Need { package: "libwebkit2gtk-4.1-dev", present: || library("webkit2gtk-4.1"), purpose: Purpose::Build },
    Need { package: "libssl-dev", present: || library("openssl"), purpose: Purpose::Build },
    Need { package: "xvfb", present: || program("Xvfb"), purpose: Purpose::Test },
    Need { package: "webkit2gtk-driver", present: || program("WebKitWebDriver"), purpose: Purpose::Test },
    Need { package: "chromium", present: || program("chromium"), purpose: Purpose::Test },
    Need {
        package: "fonts-dejavu-core",
        present: || succeeds(Command::new("sh").args(["-c", "fc-list | grep -qi dejavu"])),
        purpose: Purpose::Test,
    },
    Need {
        package: "locales",
        present: || program("localedef") && std::path::Path::new("/usr/share/i18n/locales/es_MX").exists(),
        purpose: Purpose::Test,
    },
];

/// Installs the packages that are missing for a purpose.
pub fn check(purpose: Purpose) -> Outcome {
    // Windows and macOS bring their web view and compilers with the system's own tools.
    if !cfg!(target_os = "linux") {
        return Ok(());
    }
    let wanted = |need: &&Need| need.purpose == Purpose::Build || purpose == Purpose::Test;
    let missing: Vec<&str> =
        NEEDS.iter().filter(wanted).filter(|need| !(need.present)()).map(|need| need.package).collect();
    if missing.is_empty() { Ok(()) } else { install(&missing) }
}

/// Installs Debian packages, naming each.
pub fn install(packages: &[&str]) -> Outcome {
    let names = packages.join(" ");
    if find("apt-get").is_none() {
        return Err(text!(
            "Faltan en este sistema, con su nombre en Debian: {names}. Instálalos y repite la orden.",
            "Missing on this system, by their Debian names: {names}. Install them and run the command again."
        ));
    }
    say!("» Paquetes del sistema que faltan: {names}", "» Missing system packages: {names}");
    let install = || {
        let words = ["apt-get", "install", "-y", "--no-install-recommends", "-o", "DPkg::Lock::Timeout=120"];
        as_root(&[&words, packages].concat()).map_err(|_| {
            text!(
                "No se pudieron instalar. Pide a quien administra este equipo: apt-get install {names}",
                "They could not be installed. Ask the administrator of this machine for: apt-get install {names}"
            )
        })
    };
    // Lists as the machine has them first: a refresh may be slow, or impossible without a network.
    if succeeds(Command::new("apt-get").args(["install", "--simulate"]).args(packages)) && install().is_ok() {
        return Ok(());
    }
    as_root(&["apt-get", "update"])?;
    install()
}

/// Runs a command with the rights of the administrator.
pub fn as_root(words: &[&str]) -> Outcome {
    let root = crate::run::peek(Command::new("id").arg("-u")).is_some_and(|id| id.trim() == "0");
    let (program, before): (&str, &[&str]) = match (root, words) {
        (true, [program, ..]) => (program, &[]),
        (false, _) if find("sudo").is_some() => ("sudo", &words[..1]),
        _ => {
            let command = words.join(" ");
            return Err(text!(
                "Hace falta ser administrador y no hay `sudo`. Corre como root: {command}",
                "The rights of the administrator are needed and there is no `sudo`. Run as root: {command}"
            ));
        }
    };
    let rest = words.get(1..).unwrap_or_default();
    let mut command = Command::new(program);
    if program == "sudo" {
        // Through sudo a variable of ours does not arrive; it is set on the other side.
        command.args(["env", "DEBIAN_FRONTEND=noninteractive"]);
    }
    run(command.args(before).args(rest).env("DEBIAN_FRONTEND", "noninteractive"))
}

fn program(name: &str) -> bool {
    find(name).is_some()
}

fn library(name: &str) -> bool {
    succeeds(Command::new("pkg-config").args(["--exists", name]))
}
