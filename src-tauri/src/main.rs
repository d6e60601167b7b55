//! The program `avance`: reads its arguments and opens the window.

// A release build on Windows must not open a console beside the window.
#![cfg_attr(not(debug_assertions), windows_subsystem = "windows")]

use std::process::ExitCode;

use avance::arguments::{Arguments, Wish};

fn main() -> ExitCode {
    match Arguments::read(std::env::args_os().skip(1), |name| std::env::var_os(name)) {
        Ok(Wish::Open(arguments)) => avance::run(arguments),
        Ok(Wish::Say(text)) => {
            println!("{text}");
            ExitCode::SUCCESS
        }
        Err(text) => {
            eprintln!("{text}");
            ExitCode::from(2)
        }
    }
}
