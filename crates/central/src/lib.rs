//! The central endpoint: the only sequencer. It receives follow-ups, keeps the history, decides, and publishes.
//!
//! * [`router`] every route with its permission, [`sync`] push, pull and evidence
//! * [`accept`] from received to a release, [`publish`] from releases to files, [`site`] the public pages
//! * [`choose`] between two values that disagree, [`review`] what somebody has to look at
//! * [`opinions`] what people say of the program, and what became of it
//! * [`forms`] capture forms that reach devices by synchronisation
//! * [`load`] reads base information, [`base`] stores it
//! * [`mod@backup`] one file with everything, [`restore`] from it; [`roots`] the signed heads of each day
//! * [`rescue`] what was only in a store whose passphrase is lost
//! * [`store`] one trait, all SQL behind it

pub mod accept;
pub mod auth;
pub mod backup;
pub mod base;
pub mod choose;
pub mod config;
pub mod endpoint;
pub mod forms;
pub mod http;
pub mod load;
pub mod opinions;
pub mod problem;
pub mod publish;
pub mod relay;
pub mod rescue;
pub mod restore;
pub mod review;
pub mod roots;
pub mod router;
pub mod site;
pub mod state;
pub mod store;
pub mod strict;
pub mod sync;
pub mod verify;
pub mod words;
pub mod worker;
