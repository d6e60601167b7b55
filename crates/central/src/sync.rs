//! Synchronisation (`sync.md`): push, pull with its snapshots, evidence. The central endpoint is the only sequencer.

pub mod evidence;
pub mod group;
pub mod pull;
pub mod push;
pub mod snapshot;
