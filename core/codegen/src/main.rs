//! Writes the hosts' models, methods and docs from the catalogue: `hightouch-codegen [--check] [--root DIR]`, or prints
//! the catalogue: `hightouch-codegen --print`.
//!
//! `--check` writes nothing and fails where a file would change.

#[allow(dead_code)] mod node;
#[allow(dead_code)] mod python;
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

const LANGUAGES: &[Language] = languages!(swift);

fn main() -> ExitCode {
    match run() {
        Ok(summary) => {
            say(&summary);
            ExitCode::SUCCESS
        }
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

#[expect(clippy::print_stdout, reason = "the catalogue is this command's output")]
fn print(catalogue: &str) -> String {
    println!("{catalogue}");
    "the catalogue, printed".to_owned()
}

fn run() -> Result<String, String> {
    let (mut check, mut root) = (false, PathBuf::from("."));
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--check" => check = true,
            "--root" => root = arguments.next().ok_or("--root takes a folder")?.into(),
            "--print" => return Ok(print(&hightouch_sdk::wire::catalogue())),
            other => {
                return Err(format!("unknown argument {other}; there are --check, --root DIR and --print"));
            }
        }
    }
    let catalogue: Value =
        serde_json::from_str(&hightouch_sdk::wire::catalogue()).map_err(|error| error.to_string())?;
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
        Ok(format!("{written} files written, the others were up to date"))
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
