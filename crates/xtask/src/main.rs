//! The verbs of development: `cargo xtask demo`, `cargo xtask test` and the rest.

mod bench;
mod bindings;
mod demo;
mod dev;
mod dist;
mod json;
mod need;
mod page;
mod places;
mod run;
mod test;
mod words;

use std::process::ExitCode;

use run::Outcome;
use words::text;

fn usage() -> String {
    text!(
        "\
Uso: cargo xtask VERBO

  demo [--headless] [--input ARCHIVO] [--data CARPETA]
                 instala lo que falte, compila, inicia el servidor central, da de alta un equipo y abre la ventana;
                 sin pantalla (o con --headless) hace el recorrido completo y dice dónde quedaron los archivos públicos
  test [--only PARTE]
                 instala lo que falte y corre todas las pruebas, o una parte: {parts}
                 (simulation: además --seeds N, --seed S, --trace)
  dev            servidor de desarrollo de la página y ventana
  bindings       escribe los tipos de TypeScript de los comandos
  bench [NOMBRE] mediciones
  dist           programas para entregar
",
        "\
Usage: cargo xtask VERB

  demo [--headless] [--input FILE] [--data DIR]
                 installs what is missing, builds, starts the central endpoint, enrols a device and opens the window;
                 without a display (or with --headless) makes the whole journey and says where the public files are
  test [--only PART]
                 installs what is missing and runs every test, or a part: {parts}
                 (simulation: also --seeds N, --seed S, --trace)
  dev            development server of the page, and the window
  bindings       writes the TypeScript types of the commands
  bench [NAME]   measurements
  dist           programs to hand over
",
        parts = test::PARTS.join(" · ")
    )
}

/// How a verb ended, beyond success and failure.
enum End {
    /// It did what was asked.
    Done,
    /// It ran, and what it looked at is not well. It said so already.
    Failed,
    /// What was asked does not exist.
    Absent(String),
    /// The arguments are not of the verb's form.
    Usage(String),
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match verb(&arguments) {
        Ok(End::Done) => ExitCode::SUCCESS,
        Ok(End::Failed) => ExitCode::FAILURE,
        Ok(End::Absent(sentence)) => {
            eprintln!("{sentence}");
            ExitCode::from(2)
        }
        Ok(End::Usage(sentence)) => {
            eprintln!("{sentence}\n\n{}", usage());
            ExitCode::from(2)
        }
        Err(sentence) => {
            eprintln!("\n✗ {sentence}");
            ExitCode::FAILURE
        }
    }
}

fn verb(arguments: &[String]) -> Outcome<End> {
    let Some((verb, rest)) = arguments.split_first() else {
        return Ok(End::Usage(text!("Falta el verbo.", "The verb is missing.")));
    };
    match (verb.as_str(), rest) {
        ("help" | "--help" | "-h", _) => {
            println!("{}", usage());
            Ok(End::Done)
        }
        ("demo", rest) => match demo::Wishes::read(rest) {
            Ok(wishes) => demo::demo(wishes),
            Err(sentence) => Ok(End::Usage(sentence)),
        },
        ("test", []) => test::test(None),
        ("test", [only, part]) if only == "--only" => test::test(Some(part)),
        ("test", [only, part, rest @ ..]) if only == "--only" && part == test::SIMULATION => {
            test::simulation(rest)
        }
        ("dev", []) => dev::dev(),
        ("bindings", []) => bindings::bindings(),
        ("bench", rest) => bench::bench(rest),
        ("dist", []) => dist::dist(),
        (verb, rest) => {
            let said = [&[verb.to_owned()], rest].concat().join(" ");
            Ok(End::Usage(text!("No se entiende «{said}».", "“{said}” is not understood.")))
        }
    }
}
