//! The simulation: the real client and the real central endpoint in one process, with clocks, network, disks and
//! randomness passed in. One seed is one trace. Six devices, three nodes, 36 kinds of faults; then everything comes to
//! rest and the invariants are held against what was written down outside of both.
//!
//! `simulation [--seeds N] [--seed S] [--trace] [--write FILE]`
//!
//! Only with debug assertions: a released program takes its randomness from nobody.

#[cfg(debug_assertions)]
mod run;

#[cfg(debug_assertions)]
fn main() -> std::process::ExitCode {
    run::main()
}

#[cfg(not(debug_assertions))]
fn main() -> std::process::ExitCode {
    eprintln!("the simulation is built with debug assertions: cargo run -p journeys --bin simulation");
    std::process::ExitCode::FAILURE
}
