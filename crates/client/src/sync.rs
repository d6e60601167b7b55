//! Synchronisation with the central endpoint (`sync.md`): [`plan`] decides, [`engine`] does, [`scheduler`] says when,
//! [`transport`] asks and judges, [`wire`] speaks HTTP, [`upload`] sends files, [`snapshot`] fetches what a long stream
//! begins with.

pub(crate) mod engine;
pub(crate) mod link;
pub(crate) mod plan;
pub(crate) mod scheduler;
mod snapshot;
pub(crate) mod transport;
mod upload;
pub(crate) mod wire;
