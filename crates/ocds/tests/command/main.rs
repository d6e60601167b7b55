//! The `ocds` command, run as a process.

mod check;
mod common;
mod compile;
mod help;
mod inputs;
mod package;
mod projects;
mod tables;
