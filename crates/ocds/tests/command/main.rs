//! The `ocds` command, run as a process.

mod check;
mod compile;
mod help;
mod inputs;
mod package;
mod program;
mod projects;
mod tables;
