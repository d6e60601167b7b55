//! What the device and the central endpoint agree on.
//!
//! Everything here is pure: no disk, no network, no clock of its own. Both programs run the same functions on the
//! same bytes, which is why the central endpoint can only refuse a follow-up for what the device could not know.
//!
//! * [`follow_up`] the immutable fragment and its states, [`release`] how it becomes an OCDS release
//! * [`receipt`] canonical bytes, hashes and signatures, [`history`] the chain of a stream
//! * [`wire`] what travels, [`command`] what a window may ask of the client, [`problem`] what can go wrong
//! * [`review`] what the coordination decides of a follow-up, and what its author answers
//! * [`seeded`] mistakes on purpose, absent from every ordinary build
//! * [`clock`], [`random`], [`disk`] what a program takes from its machine, so that a simulation can give it
//! * [`alert`] what is late and why
//! * [`seal`] files that only one key opens, [`relay`] what a device without any network sends in them,
//!   [`rescue`] what of a device outlives a forgotten passphrase
//! * [`form`] capture forms as data, [`entry`] tolerant reading of typed numbers and dates, [`place`] of places

pub mod alert;
pub mod clock;
pub mod command;
pub mod conflict;
pub mod disk;
pub mod entry;
pub mod evidence;
pub mod follow_up;
pub mod form;
pub mod history;
pub mod opinion;
pub mod person;
pub mod place;
pub mod problem;
pub mod project;
pub mod random;
pub mod receipt;
pub mod relay;
pub mod release;
pub mod rescue;
pub mod review;
pub mod seal;
pub mod seeded;
pub mod wire;

/// A finding as the OCDS library states it: where, which rule, how grave, with what values.
pub use ocds::check::{Finding, Severity};
