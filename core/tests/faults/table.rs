//! Plays every cell of the matrix, compares the results with the expected results, and prints a table of the results.

use std::fmt::Write as _;

use futures_util::StreamExt as _;
use futures_util::stream;

use crate::matrix::{Row, rows};
use crate::play::{Column, Met, play};

/// The default time limit of an attempt, in seconds.
const ATTEMPT_S: f64 = 30.0;
/// The longest pauses between four attempts, in seconds.
const PAUSES_S: [f64; 3] = [0.5, 1.0, 2.0];
/// The most memory that the process may use, in bytes: enough for several copies of an answer of 65 MB, and too little
/// for an unpacked gzip bomb of 1 GB.
const MEMORY_BORNE: usize = 512 << 20;

async fn cells(rows: &[Row], at_once: usize) -> Vec<[Met; 3]> {
    let cells = rows.iter().flat_map(|row| Column::ALL.map(|column| (row, column)));
    let met: Vec<Met> = stream::iter(cells)
        .map(|(row, column)| async move { play(&(row.peer)(column), column, row.stalls, row.warm).await })
        .buffered(at_once)
        .collect()
        .await;
    let mut met = met.into_iter();
    rows.iter().map(|_| [(); 3].map(|()| met.next().unwrap())).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_fault_gives_the_kind_and_the_number_of_requests_that_the_matrix_says() {
    let (heavy, light): (Vec<Row>, Vec<Row>) = rows().into_iter().partition(|row| row.heavy);
    let mut wrong = String::new();
    let mut table = String::from(
        "| fault | call | the caller gets | requests | at most | message |\n|---|---|---|---|---|---|\n",
    );
    for (rows, at_once) in [(&light, 8), (&heavy, 1)] {
        for (row, met) in rows.iter().zip(cells(rows, at_once).await) {
            for ((column, met), expected) in Column::ALL.into_iter().zip(met).zip(row.expected) {
                writeln!(
                    table,
                    "| {} | {} | {} | {} | {} | {} |",
                    row.name,
                    column.op(),
                    met.kind,
                    met.requests,
                    bound(row, column, expected),
                    met.message
                )
                .unwrap();
                if (met.kind.as_str(), met.requests) != expected {
                    writeln!(wrong, "{}, {}: expected {expected:?}, met {met:?}", row.name, column.op())
                        .unwrap();
                }
            }
        }
    }
    println!("{table}");
    assert!(wrong.is_empty(), "\n{wrong}");
    #[cfg(target_os = "linux")]
    {
        println!("The most memory at once, the servers' included: {} MB", peak() >> 20);
        assert!(peak() < MEMORY_BORNE, "it took {} MB", peak() >> 20);
    }
}

/// Returns the longest time that the call takes with the default settings.
fn bound(row: &Row, column: Column, (kind, requests): (&str, usize)) -> String {
    let requests = requests - usize::from(row.warm);
    if requests == 2 && kind == "ok" && row.name.starts_with("429") {
        return "30 s, and 60 s for each refusal".to_owned();
    }
    // If no request reached the server, retries were safe, so the SDK made four attempts. After a TLS error, the SDK
    // makes only one attempt, because another attempt cannot help.
    let attempts = if requests == 0 && kind != "tls" { 4 } else { requests.max(1) };
    let pauses: f64 = PAUSES_S.iter().take(attempts - 1).sum();
    // If the outcome of a trigger is unknown, the SDK searches for its run: for 15 s, and up to 10 s more for the last
    // answer.
    let looked = if column == Column::Trigger && kind == "outcome_unknown" { 25.0 } else { 0.0 };
    format!("{} s", f64::from(u32::try_from(attempts).unwrap()) * ATTEMPT_S + pauses + looked)
}

/// Returns the peak memory of this process, in bytes.
#[cfg(target_os = "linux")]
pub fn peak() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<usize>().unwrap() << 10
}
