//! The verb `bindings`: writes the TypeScript types of the commands.

use crate::End;
use crate::places::cargo;
use crate::run::{Outcome, run};
use crate::words::say;

/// The test that finds stale bindings writes them when it is asked to.
pub fn bindings() -> Outcome<End> {
    run(cargo()
        .args(["test", "--quiet", "-p", "domain", "--test", "bindings"])
        .env("AVANCE_WRITE_BINDINGS", "1"))?;
    say!("Escrito: ui/src/lib/host/bindings", "Written: ui/src/lib/host/bindings");
    Ok(End::Done)
}
