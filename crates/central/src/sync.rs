//! Synchronisation (`sync.md`): push, pull, evidence. The central endpoint is the only sequencer.

pub mod evidence;
pub mod pull;
pub mod push;
