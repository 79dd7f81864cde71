//! The program: see `hightouch-sandbox --help`.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a program talks to its user")]

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};
use hightouch_sandbox::{
    Catalogue, Coverage, Error, Options, Sandbox, declared_answers, strip, write_scenarios,
};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
#[cfg(unix)]
use tokio::signal::unix;
use tokio::sync::oneshot;

/// A local server that implements the Hightouch REST API and checks the requests that it receives.
///
/// Without a subcommand the program serves HTTP/1.1, HTTP/2 and TLS on one port. Once it listens it prints one line of
/// JSON: {"url", "httpUrl", "ca", "closed", "baseUrl", "apiKey"}. The last two belong to a default world for trying out
/// a client: a workspace that has all resources, and in which time passes at its real speed. The default world also has
/// the sequence `nightly`, the identity graph `customers` and the campaign `welcome`, which no operation lists.
///
/// Tests create their own worlds with POST /_worlds.
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
    /// The address to listen on; port 0 chooses a free port
    #[arg(long, value_name = "ADDR:PORT", default_value = "127.0.0.1:0")]
    listen: SocketAddr,
    /// The address that clients use, if it differs from --listen, as in a container [example: 127.0.0.1:4010]
    #[arg(long, value_name = "HOST:PORT")]
    public_address: Option<String>,
    /// The folder for ca.pem, created if it does not exist [default: a folder in the temporary folder, removed at the
    /// end]
    #[arg(long, value_name = "PATH")]
    dir: Option<PathBuf>,
    /// Exit when standard input closes, so that the sandbox does not outlive its test runner
    #[arg(long)]
    exit_with_stdin: bool,
    /// Append a line of JSON to this file for each judged scenario
    #[arg(long, value_name = "FILE")]
    coverage: Option<PathBuf>,
    /// The number of syncs in the default world; more syncs bring more models, destinations and sources
    #[arg(long, value_name = "N", default_value_t = 25)]
    syncs: u32,
    /// The size of the default world: 10, 1,000 or 100,000 syncs
    #[arg(long, value_name = "SIZE", value_enum, conflicts_with = "syncs")]
    seed_size: Option<SeedSize>,
    /// The seed of the default world: the same number gives the same world
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// The duration of a run in the default world, in seconds
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
    /// Read the vendor's document from standard input and write it without its prose to standard output
    Strip,
    /// Write all scenarios of a folder and the expanded table of operations to another folder
    Scenarios {
        /// The folder of the scenarios, which contains the folder `table`
        #[arg(long, value_name = "DIR")]
        from: PathBuf,
        /// The folder to write to; other .json files in it are removed
        #[arg(long, value_name = "DIR")]
        to: PathBuf,
    },
    /// Fail unless a sandbox answers at an address, for the health check of a container
    Health {
        /// The address to ask
        #[arg(value_name = "ADDR:PORT")]
        address: SocketAddr,
    },
    /// Fail unless every player has played every scenario, operation, kind of error and declared answer
    Coverage(CoverageArgs),
}

#[derive(Args)]
struct CoverageArgs {
    /// The file that the sandbox wrote with --coverage
    #[arg(long, value_name = "FILE")]
    file: PathBuf,
    /// The folder of the scenarios
    #[arg(long, value_name = "DIR")]
    scenarios: PathBuf,
    /// The players, separated by commas
    #[arg(long, value_name = "NAMES", value_delimiter = ',', required = true)]
    players: Vec<String>,
    /// Operations that each player must call, separated by commas
    #[arg(long, value_name = "IDS", value_delimiter = ',')]
    operations: Vec<String>,
    /// Kinds of errors that each player must meet, separated by commas
    #[arg(long, value_name = "KINDS", value_delimiter = ',')]
    kinds: Vec<String>,
    /// The catalogue of the SDK (JSON): its operations and kinds of errors must be covered, too
    #[arg(long, value_name = "FILE")]
    catalogue: Option<PathBuf>,
    /// Do not require the declared answers
    #[arg(long)]
    no_answers: bool,
    /// Operations (with their declared answers) and kinds of errors to leave out, separated by commas
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
        Some(Command::Health { address }) => health(address).await,
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
    // A signal that comes before this line ends the process at once, and no file exists yet.
    let asked_to_end = asked_to_end()?;
    let sandbox = Sandbox::start(Options {
        listen: options.listen,
        public_address: options.public_address,
        coverage: options.coverage,
    })
    .await?;
    let temporary = options.dir.is_none();
    let folder = options.dir.unwrap_or_else(default_dir);
    std::fs::create_dir_all(&folder)?;
    let ca = folder.join("ca.pem");
    std::fs::write(&ca, &sandbox.ca_pem)?;
    let world = sandbox.create_world(json!({
        "seed": options.seed,
        "syncs": options.seed_size.map_or(options.syncs, SeedSize::syncs),
        "slugs": ["orders-to-salesforce"],
        "timeScale": 1,
        "runs": {
            "seconds": options.seconds_per_run,
            // One sync ends with a warning, so that somebody who tries out a client sees how a warning is reported.
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
    tokio::select! {
        () = stdin_closed(), if options.exit_with_stdin => {}
        () = asked_to_end => {}
    }
    if temporary {
        std::fs::remove_dir_all(folder)?;
    }
    Ok(())
}

/// Resolves once standard input is closed.
async fn stdin_closed() {
    let (sender, receiver) = oneshot::channel::<()>();
    // The runtime would wait for a thread of its own that reads, also after a signal.
    std::thread::spawn(move || {
        let _ = std::io::copy(&mut std::io::stdin(), &mut std::io::sink());
        drop(sender);
    });
    let _ = receiver.await;
}

/// Returns a future that resolves once the process gets a signal to end.
#[cfg(unix)]
fn asked_to_end() -> std::io::Result<impl Future<Output = ()>> {
    let mut interrupt = unix::signal(unix::SignalKind::interrupt())?;
    let mut terminate = unix::signal(unix::SignalKind::terminate())?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}

#[cfg(windows)]
fn asked_to_end() -> std::io::Result<impl Future<Output = ()>> {
    let mut interrupt = tokio::signal::windows::ctrl_c()?;
    Ok(async move {
        let _ = interrupt.recv().await;
    })
}

/// Asks for a world that does not exist. Only a sandbox refuses such a request in this way.
async fn health(address: SocketAddr) -> Result<ExitCode, Error> {
    let ask = async {
        let mut stream = TcpStream::connect(address).await?;
        stream
            .write_all(b"GET /_worlds/health/log HTTP/1.1\r\nhost: sandbox\r\nconnection: close\r\n\r\n")
            .await?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await?;
        Ok::<_, std::io::Error>(answer)
    };
    let answer = tokio::time::timeout(Duration::from_secs(3), ask).await;
    let Ok(answer) = answer else {
        eprintln!("hightouch-sandbox: {address} does not answer.");
        return Ok(ExitCode::FAILURE);
    };
    let healthy = answer?.contains("There is no world health.");
    if !healthy {
        eprintln!("hightouch-sandbox: another server listens at {address}.");
    }
    Ok(if healthy { ExitCode::SUCCESS } else { ExitCode::FAILURE })
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
