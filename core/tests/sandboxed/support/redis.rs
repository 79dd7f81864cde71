//! A Redis or Valkey server that a test starts for itself.

use std::fmt::Write as _;
use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::temporary::Folder;

/// A Redis or Valkey server on a port of this machine. The server keeps no data on the disk.
pub struct Redis {
    child: Child,
    pub port: u16,
    folder: Folder,
    program: &'static str,
    more: Vec<String>,
}

/// Returns a free port. It is below the ports that Linux gives to connections by default, so that it is still free when
/// a server uses it.
pub fn free_port() -> u16 {
    loop {
        let port = fastrand::u16(10_000..32_000);
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}

impl Redis {
    /// Starts `redis-server` or `valkey-server` on a free port, with the additional arguments `more`.
    pub fn start(program: &'static str, more: &[&str]) -> Self {
        Self::start_at(program, free_port(), more)
    }

    /// Like [`Self::start`], but on this port.
    pub fn start_at(program: &'static str, port: u16, more: &[&str]) -> Self {
        let folder = Folder::new(program);
        let more: Vec<_> = more.iter().map(|word| (*word).to_owned()).collect();
        let child = spawn(program, port, &folder.0, &more);
        let mut started = Self { child, port, folder, program, more };
        started.ready();
        started
    }

    /// Starts a Sentinel with this configuration file. The Sentinel writes to the file.
    pub fn sentinel(file: &Path) -> Self {
        Self::start("valkey-server", &[file.to_str().unwrap(), "--sentinel"])
    }

    fn ready(&mut self) {
        while TcpStream::connect(("127.0.0.1", self.port)).is_err() {
            assert!(self.child.try_wait().unwrap().is_none(), "{} has ended", self.program);
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// Starts a proxy that delays everything between a client and the server. Returns the URL of the proxy.
    pub fn far_away(&self) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let (own, port) = (listener.local_addr().unwrap(), self.port);
        std::thread::spawn(move || {
            for here in listener.incoming().map_while(Result::ok) {
                let Ok(there) = TcpStream::connect(("127.0.0.1", port)) else { return };
                let (back, forth) = (here.try_clone().unwrap(), there.try_clone().unwrap());
                std::thread::spawn(move || slowly(here, forth));
                std::thread::spawn(move || slowly(there, back));
            }
        });
        format!("redis://{own}")
    }

    /// Kills the server and starts it again without its data.
    pub fn restart(&mut self) {
        self.kill();
        self.child = spawn(self.program, self.port, &self.folder.0, &self.more);
        self.ready();
    }

    pub fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    pub fn signal(&self, name: &str) {
        let done = Command::new("kill").args([&format!("-{name}"), &self.child.id().to_string()]).status();
        assert!(done.unwrap().success());
    }

    /// Sends a command and returns the reply, undecoded.
    pub fn command(&self, words: &[&str]) -> String {
        self.commands(&[words])
    }

    /// Sends commands on one connection and returns the last reply.
    pub fn commands(&self, commands: &[&[&str]]) -> String {
        loop {
            match self.sent(commands) {
                // A Sentinel that changes the role of a server closes the connections of the server's clients.
                Err(error) if error.kind() == io::ErrorKind::ConnectionReset => {}
                reply => return reply.unwrap(),
            }
        }
    }

    fn sent(&self, commands: &[&[&str]]) -> io::Result<String> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port))?;
        stream.set_read_timeout(Some(Duration::from_secs(20)))?;
        let mut reply = vec![0; 65536];
        let mut read = 0;
        for words in commands {
            let mut text = format!("*{}\r\n", words.len());
            for word in *words {
                let _ = write!(text, "${}\r\n{word}\r\n", word.len());
            }
            stream.write_all(text.as_bytes())?;
            read = stream.read(&mut reply)?;
        }
        Ok(String::from_utf8_lossy(&reply[..read]).into_owned())
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        self.kill();
    }
}

fn slowly(mut from: TcpStream, mut to: TcpStream) {
    let mut bytes = vec![0; 65536];
    while let Ok(read @ 1..) = from.read(&mut bytes) {
        std::thread::sleep(Duration::from_millis(20));
        if to.write_all(&bytes[..read]).is_err() {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Both);
}

fn spawn(program: &str, port: u16, folder: &Path, more: &[String]) -> Child {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../build/servers").join(program);
    // The server expects its configuration file as the first argument.
    let (file, more): (Vec<_>, Vec<_>) = more.iter().partition(|word| word.strip_suffix(".conf").is_some());
    Command::new(&path)
        .args(file)
        .args([
            "--port",
            &port.to_string(),
            "--bind",
            "127.0.0.1",
            "--save",
            "",
            "--appendonly",
            "no",
            "--dir",
        ])
        .arg(folder)
        .args(more)
        .stdout(Stdio::null())
        .spawn()
        .unwrap_or_else(|error| panic!("{}: {error}; `make servers` brings it", path.display()))
}
