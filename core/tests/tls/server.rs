//! Servers that run OpenSSL's `s_server`.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::process::{Child, ChildStderr, Command, Stdio};

use crate::certificates::Identity;
use crate::temporary::Folder;

/// A server that answers `GET /api/v1/syncs` and ends with the test.
pub struct Server {
    child: Child,
    /// The standard error of the server. The server writes each requested path to this stream at once.
    errors: ChildStderr,
    pub port: u16,
    /// The working directory of the server.
    _answers: Folder,
}

impl Server {
    /// Starts a server. `arguments` are further arguments for OpenSSL, such as the TLS versions and cipher suites.
    pub fn start(identity: &Identity, arguments: &[&str]) -> Self {
        // `-HTTP` serves complete answers from files below its working directory.
        let answers = Folder::new("answers");
        fs::create_dir_all(answers.0.join("api/v1")).unwrap();
        let answer =
            "HTTP/1.0 200 OK\r\nContent-Type: application/json\r\nContent-Length: 11\r\n\r\n{\"data\":[]}";
        fs::write(answers.0.join("api/v1/syncs"), answer).unwrap();
        let mut child = Command::new("openssl")
            .args(["s_server", "-HTTP", "-accept", "127.0.0.1:0", "-naccept", "20"])
            .arg("-cert")
            .arg(&identity.certificate)
            .arg("-key")
            .arg(&identity.key)
            .args(arguments)
            .current_dir(&answers.0)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("these tests need the program openssl on the path: {error}"));
        let mut output = BufReader::new(child.stdout.take().unwrap());
        let mut errors = child.stderr.take().unwrap();
        let mut line = String::new();
        let port = loop {
            line.clear();
            if output.read_line(&mut line).unwrap() == 0 {
                let mut why = String::new();
                errors.read_to_string(&mut why).unwrap();
                panic!("openssl s_server {arguments:?} did not start: {why}");
            }
            if let Some(address) = line.strip_prefix("ACCEPT ") {
                break address.trim().rsplit(':').next().unwrap().parse().unwrap();
            }
        };
        Self { child, errors, port, _answers: answers }
    }

    /// Stops the server and returns the number of requests that reached the server.
    pub fn requests(mut self) -> usize {
        let _ = self.child.kill();
        let mut printed = String::new();
        self.errors.read_to_string(&mut printed).unwrap();
        printed.lines().filter(|line| line.starts_with("FILE:")).count()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
