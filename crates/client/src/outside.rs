//! What a client takes from its machine, in one place: a simulation passes in its own.

use std::path::Path;
use std::sync::Arc;

use domain::clock::Clock;
use domain::disk::Disk;

use crate::keys::Cost;
use crate::sync::wire::Wire;

/// Clock, network and disk of a client. Randomness is [`domain::random`].
#[derive(Clone)]
pub struct Outside {
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// What carries requests; HTTP when none is passed in.
    pub wire: Option<Arc<dyn Wire>>,
    /// Decides when the disk fails; none: when it does.
    pub disk: Option<Arc<dyn Disk>>,
    /// Room left where a folder is.
    pub free_bytes: fn(&Path) -> Option<u64>,
    /// What it costs to try a passphrase of a new store.
    pub key_cost: Cost,
    /// Whether work on the store runs where it was called, and not on a thread that may wait: for a simulation, which
    /// has one thread and its own order of things.
    pub inline: bool,
}

impl Outside {
    /// The machine as it is, but for its clock.
    pub fn machine(clock: Arc<dyn Clock>) -> Outside {
        Outside {
            clock,
            wire: None,
            disk: None,
            free_bytes: crate::evidence::free_bytes,
            key_cost: Cost::NEW,
            inline: false,
        }
    }
}
