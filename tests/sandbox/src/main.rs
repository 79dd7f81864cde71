//! The program: see `hightouch-sandbox --help`.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a program talks to its user")]

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand, ValueEnum};
use hightouch_sandbox::{
    Catalogue, Coverage, Error, Options, Sandbox, declared_answers, strip, write_scenarios,
};
use serde_json::{Value, json};
use tokio::io::AsyncReadExt;

/// The Hightouch REST API as a local server that also judges what it was sent.
///
/// Without a subcommand it serves: one port speaks HTTP/1.1, HTTP/2 and TLS. When it listens it prints one line of
/// JSON: {"url", "httpUrl", "ca", "closed", "baseUrl", "apiKey"}. The last two are those of a default world, which is
/// there to try a client out: a workspace with all resources, in which runs go their way in real time. The sequence
/// `nightly`, the identity graph `customers` and the campaign `welcome` are in it too, although nothing lists them.
///
/// Tests make worlds of their own with POST /_worlds.
#[derive(Parser)]
#[command(version, args_conflicts_with_subcommands = true)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    serve: Serve,
}

#[derive(Args)]
struct Serve {
    /// Where to listen; port 0 takes a free one
    #[arg(long, value_name = "ADDR:PORT", default_value = "127.0.0.1:0")]
    listen: SocketAddr,
    /// Folder in which ca.pem is written, made if it is not there [default: one in the temporary folder]
    #[arg(long, value_name = "PATH", hide_default_value = true, default_value_os_t = default_dir())]
    dir: PathBuf,
    /// End when standard input closes, so as not to outlive the test runner that started it
    #[arg(long)]
    exit_with_stdin: bool,
    /// Append a line of JSON for each scenario that was judged
    #[arg(long, value_name = "FILE")]
    coverage: Option<PathBuf>,
    /// Syncs in the default world; its models, destinations and sources grow with them
    #[arg(long, value_name = "N", default_value_t = 25)]
    syncs: u32,
    /// The size of the default world, in words: 10, 1,000 or 100,000 syncs
    #[arg(long, value_name = "SIZE", value_enum, conflicts_with = "syncs")]
    seed_size: Option<SeedSize>,
    /// What the default world is made from: the same number makes the same world
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// How long a run in the default world takes
    #[arg(long, value_name = "S", default_value_t = 20.0)]
    seconds_per_run: f64,
}

#[derive(Clone, Copy, ValueEnum)]
enum SeedSize {
    Small,
    Medium,
    Large,
}

impl SeedSize {
    fn syncs(self) -> u32 {
        match self {
            Self::Small => 10,
            Self::Medium => 1_000,
            Self::Large => 100_000,
        }
    }
}

#[derive(Subcommand)]
enum Command {
    /// Read the vendor's document on standard input and write it, without its prose, to standard output
    Strip,
    /// Write all scenarios of a folder, with those that its table of operations stands for, to another folder
    Scenarios {
        /// The folder of the scenarios, with the folder `table` in it
        #[arg(long, value_name = "DIR")]
        from: PathBuf,
        /// Where they go; no other .json file is left there
        #[arg(long, value_name = "DIR")]
        to: PathBuf,
    },
    /// Fail unless every player has played every scenario, and with that every operation, kind of error and declared
    /// answer
    Coverage(CoverageArgs),
}

#[derive(Args)]
struct CoverageArgs {
    /// What the sandbox wrote with --coverage
    #[arg(long, value_name = "FILE")]
    file: PathBuf,
    /// The folder of the scenarios
    #[arg(long, value_name = "DIR")]
    scenarios: PathBuf,
    /// Who must have played, separated by commas
    #[arg(long, value_name = "NAMES", value_delimiter = ',', required = true)]
    players: Vec<String>,
    /// Operations that each player must have called, separated by commas
    #[arg(long, value_name = "IDS", value_delimiter = ',')]
    operations: Vec<String>,
    /// Kinds of errors that each player must have met, separated by commas
    #[arg(long, value_name = "KINDS", value_delimiter = ',')]
    kinds: Vec<String>,
    /// A catalogue of the SDK (JSON): its operations and kinds are asked for too
    #[arg(long, value_name = "FILE")]
    catalogue: Option<PathBuf>,
    /// Do not ask that every answer that the document declares was met
    #[arg(long)]
    no_answers: bool,
    /// Operations and kinds that need not be covered, separated by commas
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    except: Vec<String>,
}

#[tokio::main]
async fn main() -> ExitCode {
    let cli = Cli::parse();
    let done = match cli.command {
        None => serve(cli.serve).await.map(|()| ExitCode::SUCCESS),
        Some(Command::Strip) => strip_document().map(|()| ExitCode::SUCCESS),
        Some(Command::Scenarios { from, to }) => write_scenarios(&from, &to).map(|count| {
            println!("{count} scenarios in {}", to.display());
            ExitCode::SUCCESS
        }),
        Some(Command::Coverage(arguments)) => coverage(arguments),
    };
    match done {
        Ok(code) => code,
        Err(error) => {
            eprintln!("hightouch-sandbox: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn serve(options: Serve) -> Result<(), Error> {
    let sandbox = Sandbox::start(Options { listen: options.listen, coverage: options.coverage }).await?;
    std::fs::create_dir_all(&options.dir)?;
    let ca = options.dir.join("ca.pem");
    std::fs::write(&ca, &sandbox.ca_pem)?;
    let world = sandbox.create_world(json!({
        "seed": options.seed,
        "syncs": options.seed_size.map_or(options.syncs, SeedSize::syncs),
        "slugs": ["orders-to-salesforce"],
        "timeScale": 1,
        "runs": {
            "seconds": options.seconds_per_run,
            // What whoever tries a client out should see: an end that is neither plain success nor failure.
            "bySlug": {"orders-to-salesforce": {
                "status": "warning",
                "error": "2 rows were rejected by the destination: INVALID_EMAIL_ADDRESS",
                "rows": {
                    "planned": {"added": 120, "changed": 30, "removed": 5},
                    "successful": {"added": 118, "changed": 30, "removed": 5},
                    "failed": {"added": 2, "changed": 0, "removed": 0},
                },
            }},
        },
    }))?;
    println!(
        "{}",
        json!({
            "url": sandbox.url,
            "httpUrl": sandbox.http_url,
            "ca": std::path::absolute(ca)?,
            "closed": sandbox.closed,
            "baseUrl": world.base_url,
            "apiKey": world.api_key,
        })
    );
    if options.exit_with_stdin {
        let mut input = tokio::io::stdin();
        let mut ignored = [0; 256];
        while input.read(&mut ignored).await.is_ok_and(|read| read > 0) {}
    } else {
        tokio::signal::ctrl_c().await?;
    }
    Ok(())
}

fn strip_document() -> Result<(), Error> {
    let mut document: Value = serde_json::from_reader(std::io::stdin())?;
    strip(&mut document);
    println!("{}", serde_json::to_string_pretty(&document)?);
    Ok(())
}

fn coverage(arguments: CoverageArgs) -> Result<ExitCode, Error> {
    let CoverageArgs { file, scenarios, players, mut operations, mut kinds, catalogue, no_answers, except } =
        arguments;
    if let Some(catalogue) = catalogue {
        let catalogue = Catalogue::read(&catalogue)?;
        operations.extend(catalogue.operation_ids);
        kinds.extend(catalogue.kinds);
    }
    for names in [&mut operations, &mut kinds] {
        names.retain(|name| !except.contains(name));
    }
    let mut answers = if no_answers { Vec::new() } else { declared_answers() };
    answers.retain(|answer| !except.iter().any(|name| answer.split(' ').next() == Some(name)));
    let gaps = Coverage { file, scenarios, players, operations, kinds, answers }.gaps()?;
    for gap in &gaps {
        eprintln!("{gap}");
    }
    Ok(if gaps.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn default_dir() -> PathBuf {
    std::env::temp_dir().join(format!("hightouch-sandbox-{}", std::process::id()))
}
