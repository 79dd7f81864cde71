//! Tests how the program ends.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde_json::Value;

/// Incident: Ctrl-C ends a test runner and its sandbox. The sandbox left its folder behind.
#[test]
fn the_program_removes_its_folder_when_a_signal_or_the_end_of_its_input_ends_it() {
    let signal = |name: &'static str| {
        move |child: &mut Child| {
            let sent = Command::new("kill").args([name, &child.id().to_string()]).status();
            assert!(sent.unwrap().success());
        }
    };
    let input = |child: &mut Child| drop(child.stdin.take());
    ends(&["--exit-with-stdin"], input);
    for arguments in [&["--exit-with-stdin"][..], &[]] {
        ends(arguments, signal("-INT"));
        ends(arguments, signal("-TERM"));
    }
}

fn ends(arguments: &[&str], end: impl FnOnce(&mut Child)) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_hightouch-sandbox"))
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let started: Value = serde_json::from_str(&line).unwrap();
    let folder = Path::new(started["ca"].as_str().unwrap()).parent().unwrap();
    assert!(folder.exists());
    end(&mut child);
    assert!(child.wait().unwrap().success(), "{arguments:?}");
    assert!(!folder.exists(), "{arguments:?}");
}
