//! Running other programs: streamed, read, or read while streamed.

use std::ffi::OsStr;
use std::io::{BufRead as _, BufReader, Read, Write as _};
use std::path::PathBuf;
use std::process::{Command, Stdio};

use crate::words::text;

/// What a step gives, or the sentence that says why it did not.
pub type Outcome<T = ()> = Result<T, String>;

/// Runs a program with its output on the terminal.
pub fn run(command: &mut Command) -> Outcome {
    let status = command.status().map_err(|error| not_started(command, &error))?;
    if status.success() { Ok(()) } else { Err(failed(command, status.code())) }
}

/// Runs a program and answers what it printed; its errors go to the terminal.
pub fn read(command: &mut Command) -> Outcome<String> {
    let output = command.stderr(Stdio::inherit()).output().map_err(|error| not_started(command, &error))?;
    if output.status.success() {
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    } else {
        // What it printed usually says why.
        print!("{}", String::from_utf8_lossy(&output.stdout));
        Err(failed(command, output.status.code()))
    }
}

/// Runs a program silently and says whether it went well.
pub fn succeeds(command: &mut Command) -> bool {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

/// Runs a program silently and answers its standard output, whatever its exit code.
pub fn peek(command: &mut Command) -> Option<String> {
    let output = command.stdin(Stdio::null()).stderr(Stdio::null()).output().ok()?;
    Some(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Runs a program with its output on the terminal and hands every line to `line`. Answers whether it went well.
pub fn watch(command: &mut Command, mut line: impl FnMut(&str) + Send) -> Outcome<bool> {
    let mut child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| not_started(command, &error))?;
    let (lines, heard) = std::sync::mpsc::channel::<String>();
    let streams: [Option<Box<dyn Read + Send>>; 2] = [
        child.stdout.take().map(|stream| Box::new(stream) as Box<dyn Read + Send>),
        child.stderr.take().map(|stream| Box::new(stream) as Box<dyn Read + Send>),
    ];
    std::thread::scope(|scope| {
        for stream in streams.into_iter().flatten() {
            let lines = lines.clone();
            scope.spawn(move || {
                for text in BufReader::new(stream).split(b'\n').map_while(Result::ok) {
                    let _ = lines.send(String::from_utf8_lossy(&text).into_owned());
                }
            });
        }
        drop(lines);
        for text in heard {
            println!("{text}");
            line(&text);
        }
    });
    let _ = std::io::stdout().flush();
    child.wait().map(|status| status.success()).map_err(|error| not_started(command, &error))
}

/// Where a program is, looking along the search path.
pub fn find(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(program)).find(|candidate| candidate.is_file())
}

/// Words of a command, as a person would type them; no variable of the environment is shown.
pub fn shown(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(OsStr::to_string_lossy).collect::<Vec<_>>().join(" ")
}

fn not_started(command: &Command, error: &std::io::Error) -> String {
    let command = command.get_program().to_string_lossy();
    text!("No se pudo iniciar «{command}»: {error}", "“{command}” could not be started: {error}")
}

fn failed(command: &Command, code: Option<i32>) -> String {
    let command = shown(command);
    let code = code.map_or_else(|| "?".to_owned(), |code| code.to_string());
    text!("Terminó con error ({code}): {command}", "It ended with an error ({code}): {command}")
}
