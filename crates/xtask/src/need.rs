//! What this machine needs, checked by its effect, and installed when it is missing.

mod locale;
mod node;
pub mod python;
mod system;

use crate::run::Outcome;
use crate::words::text;

pub use node::Node;
pub use node::check as node;

/// What the machine is to be ready for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Building and running the programs.
    Build,
    /// Running every test: also a screen, drivers and a browser.
    Test,
}

/// Installs what is missing and answers the Node that builds the page.
pub fn check(purpose: Purpose) -> Outcome<Node> {
    system::check(purpose)?;
    if purpose == Purpose::Test {
        locale::check()?;
        python::reference();
        for tool in ["fmt", "clippy"] {
            if !crate::run::succeeds(crate::places::cargo().args([tool, "--version"])) {
                return Err(text!(
                    "Falta `cargo {tool}`: instala el componente con `rustup component add rustfmt clippy`.",
                    "`cargo {tool}` is missing: install the component with `rustup component add rustfmt clippy`."
                ));
            }
        }
    }
    node::check()
}
