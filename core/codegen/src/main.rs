//! Generates the models, methods, error classes and docs of the packages for Python, Node.js and Swift from the
//! catalogue.

mod docs;
mod drift;
mod errors;
mod group;
mod names;
mod node;
mod prose;
mod python;
mod records;
mod rust;
mod swift;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Parser;
use minijinja::syntax::SyntaxConfig;
use minijinja::{AutoEscape, Environment, UndefinedBehavior};
use serde_json::Value;

/// Writes the files that are generated from the catalogue.
#[derive(Parser)]
struct Arguments {
    /// Write nothing, and fail if a file is out of date
    #[arg(long)]
    check: bool,
    /// The folder of the repository
    #[arg(long, value_name = "DIR", default_value = ".")]
    root: PathBuf,
    /// Print the catalogue instead
    #[arg(long, conflicts_with_all = ["check", "root"])]
    print: bool,
    /// Write nothing, and print how an OpenAPI file differs from the catalogue. The exit status is 0 if every
    /// difference is known, 1 if something is new, 2 if something that the SDK needs is gone or changed, and 3 if the
    /// file cannot be read
    #[arg(long, value_name = "FILE", conflicts_with_all = ["check", "root", "print"])]
    spec_check: Option<PathBuf>,
}

/// How the files of one language are generated.
struct Language {
    /// The generated files, as paths from the root of the repository, each with its template.
    files: fn(&Value) -> Vec<(String, String)>,
    /// Adds the filters and tests that the templates use.
    register: fn(&mut Environment<'_>),
    /// Returns the catalogue, extended with what only the templates of this language need.
    context: fn(&Value) -> Result<Value, minijinja::Error>,
}

macro_rules! languages {
    ($($name:ident),*) => {
        &[$(Language { files: $name::files, register: $name::register, context: $name::context }),*]
    };
}

const LANGUAGES: &[Language] = languages!(python, node, swift, rust);

fn main() -> ExitCode {
    run(&Arguments::parse()).unwrap_or_else(|why| {
        say(&why);
        ExitCode::FAILURE
    })
}

fn run(arguments: &Arguments) -> Result<ExitCode, String> {
    if arguments.print {
        print(&hightouch_sdk::wire::catalogue());
        return Ok(ExitCode::SUCCESS);
    }
    let catalogue =
        serde_json::from_str(&hightouch_sdk::wire::catalogue()).map_err(|error| error.to_string())?;
    match &arguments.spec_check {
        Some(file) => Ok(spec_check(file, &catalogue)),
        None => generate(&arguments.root, &catalogue, arguments.check),
    }
}

fn spec_check(file: &Path, catalogue: &Value) -> ExitCode {
    match drift::check(file, catalogue) {
        Ok((report, status)) => {
            print(&report);
            ExitCode::from(status)
        }
        Err(why) => {
            say(&why);
            ExitCode::from(3)
        }
    }
}

fn generate(root: &Path, catalogue: &Value, check: bool) -> Result<ExitCode, String> {
    let mut files = Vec::new();
    let methods = with_lookups(catalogue);
    for language in LANGUAGES {
        let environment = environment(language.register)?;
        let context = (language.context)(&methods).map_err(|error| format!("{error:#}"))?;
        for (file, template) in (language.files)(&methods) {
            let text = render(&environment, &template, &context).map_err(|why| format!("{file}: {why}"))?;
            files.push((root.join(file), text));
        }
    }
    files.extend(docs::pages(root, catalogue)?);
    let stale: Vec<_> = files
        .iter()
        .filter(|(path, text)| std::fs::read_to_string(path).ok().as_ref() != Some(text))
        .collect();
    if !check {
        for (path, text) in &stale {
            write(path, text)?;
        }
        say(&format!("{} files written, {} up to date", stale.len(), files.len() - stale.len()));
    } else if !stale.is_empty() {
        let names: Vec<_> = stale.iter().map(|(path, _)| path.display().to_string()).collect();
        return Err(format!("Out of date: {}. Run `make generate`.", names.join(", ")));
    }
    Ok(ExitCode::SUCCESS)
}

/// Returns the catalogue with the lookups (methods that find an existing run) added to its operations, because the
/// templates treat lookups like operations.
fn with_lookups(catalogue: &Value) -> Value {
    let mut whole = catalogue.clone();
    let lookups = whole.get_mut("lookups").map(Value::take);
    if let (Some(Value::Array(operations)), Some(Value::Array(lookups))) =
        (whole.get_mut("operations"), lookups)
    {
        operations.extend(lookups);
    }
    whole
}

fn environment(register: fn(&mut Environment<'_>)) -> Result<Environment<'static>, String> {
    let syntax =
        SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).keep_trailing_newline(true).build();
    let mut environment = Environment::new();
    environment.set_auto_escape_callback(|_| AutoEscape::None);
    environment.set_syntax(syntax.map_err(|error| error.to_string())?);
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    register(&mut environment);
    Ok(environment)
}

fn render(environment: &Environment<'_>, template: &str, context: &Value) -> Result<String, String> {
    environment.render_str(template, minijinja::value::Serde(context)).map_err(|error| format!("{error:#}"))
}

fn write(path: &Path, text: &str) -> Result<(), String> {
    let at = |error: std::io::Error| format!("{}: {error}", path.display());
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(at)?;
    }
    std::fs::write(path, text).map_err(at)
}

/// Converts a constant list of files to the type that [`Language::files`] returns.
fn owned(files: &[(&str, &str)]) -> Vec<(String, String)> {
    files.iter().map(|(file, template)| ((*file).to_owned(), (*template).to_owned())).collect()
}

#[expect(clippy::print_stderr, reason = "a command-line program reports on standard error")]
fn say(text: &str) {
    eprintln!("{text}");
}

#[expect(clippy::print_stdout, reason = "this is the output of the command")]
fn print(text: &str) {
    println!("{text}");
}
