//! Writes the hosts' models, methods and docs from the catalogue: `hightouch-codegen [--check] [--root DIR]`, or prints
//! the catalogue: `hightouch-codegen --print`, or says how an OpenAPI file differs from it: `hightouch-codegen
//! --spec-check FILE`, whose exit status is 0 for nothing but what is known, 1 for something new, 2 for something that
//! broke and 3 for a file that cannot be read.
//!
//! `--check` writes nothing and fails where a file would change.

mod drift;
mod node;
mod python;
mod swift;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use minijinja::syntax::SyntaxConfig;
use minijinja::{AutoEscape, Environment, UndefinedBehavior};
use serde_json::Value;

/// A language: its files (path from the repository's folder, template), what its templates can call, and the catalogue
/// as they see it.
struct Language {
    files: &'static [(&'static str, &'static str)],
    register: fn(&mut Environment<'_>),
    context: fn(&Value) -> Result<Value, minijinja::Error>,
}

macro_rules! languages {
    ($($name:ident),*) => {
        &[$(Language { files: $name::FILES, register: $name::register, context: $name::context }),*]
    };
}

const LANGUAGES: &[Language] = languages!(python, node, swift);

/// What was done.
enum Done {
    Said(String),
    /// A file was compared; the exit status says what came of it.
    Checked(u8),
}

fn main() -> ExitCode {
    match run() {
        Ok(Done::Said(summary)) => {
            say(&summary);
            ExitCode::SUCCESS
        }
        Ok(Done::Checked(status)) => ExitCode::from(status),
        Err(why) => {
            say(&why);
            ExitCode::FAILURE
        }
    }
}

#[expect(clippy::print_stderr, reason = "a command-line program speaks on standard error")]
fn say(text: &str) {
    eprintln!("{text}");
}

#[expect(clippy::print_stdout, reason = "it is this command's output")]
fn print(text: &str) {
    println!("{text}");
}

fn spec_check(file: &Path) -> Result<Done, String> {
    Ok(Done::Checked(match drift::check(file, &catalogue()?) {
        Ok((report, status)) => {
            print(&report);
            status
        }
        Err(why) => {
            say(&why);
            3
        }
    }))
}

fn catalogue() -> Result<Value, String> {
    serde_json::from_str(&hightouch_sdk::wire::catalogue()).map_err(|error| error.to_string())
}

fn run() -> Result<Done, String> {
    let (mut check, mut root) = (false, PathBuf::from("."));
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--check" => check = true,
            "--root" => root = arguments.next().ok_or("--root takes a folder")?.into(),
            "--print" => {
                print(&hightouch_sdk::wire::catalogue());
                return Ok(Done::Said("the catalogue, printed".to_owned()));
            }
            "--spec-check" => {
                let Some(file) = arguments.next().filter(|file| !file.is_empty()) else {
                    say("--spec-check takes a file");
                    return Ok(Done::Checked(3));
                };
                return spec_check(Path::new(&file));
            }
            other => {
                return Err(format!(
                    "unknown argument {other}; there are --check, --root DIR, --print and --spec-check FILE"
                ));
            }
        }
    }
    let catalogue = catalogue()?;
    let (mut written, mut stale) = (0, Vec::new());
    for language in LANGUAGES {
        let mut environment = Environment::new();
        environment.set_auto_escape_callback(|_| AutoEscape::None);
        environment.set_syntax(syntax()?);
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        (language.register)(&mut environment);
        let context = (language.context)(&catalogue).map_err(|error| format!("{error:#}"))?;
        for (file, template) in language.files {
            let text = environment
                .render_str(template, minijinja::value::Serde(&context))
                .map_err(|error| format!("{file}: {error:#}"))?;
            let path = root.join(file);
            if std::fs::read_to_string(&path).ok().as_deref() == Some(text.as_str()) {
                continue;
            }
            if check {
                stale.push(*file);
            } else {
                write(&path, &text)?;
                written += 1;
            }
        }
    }
    if stale.is_empty() {
        Ok(Done::Said(format!("{written} files written, the others were up to date")))
    } else {
        Err(format!("not as the catalogue has it: {}; run `make generate`", stale.join(", ")))
    }
}

fn syntax() -> Result<SyntaxConfig, String> {
    SyntaxConfig::builder()
        .trim_blocks(true)
        .lstrip_blocks(true)
        .keep_trailing_newline(true)
        .build()
        .map_err(|error| error.to_string())
}

fn write(path: &Path, text: &str) -> Result<(), String> {
    let at = |error: std::io::Error| format!("{}: {error}", path.display());
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(at)?;
    }
    std::fs::write(path, text).map_err(at)
}
