//! One `ouzel` process under test: bounded in time, and gone when the test is.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

/// The longest that a test waits for a line, or for the end.
const PATIENCE: Duration = Duration::from_secs(30);

/// An empty folder of this name, of this test alone.
pub(crate) fn folder(name: &str) -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    drop(fs::remove_dir_all(&folder));
    fs::create_dir_all(&folder).unwrap();
    folder
}

/// A process, and what it says on standard output.
pub(crate) struct Ouzel {
    child: Child,
    lines: Receiver<String>,
    stderr: thread::JoinHandle<String>,
}

/// How a process ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: Vec<String>,
    pub(crate) stderr: String,
}

impl Ouzel {
    pub(crate) fn start(args: &[&str]) -> Self {
        Self::start_with(args, |_| {})
    }

    /// Starts it after `prepare` changed how.
    pub(crate) fn start_with(args: &[&str], prepare: impl FnOnce(&mut Command)) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_ouzel"));
        prepare(&mut command);
        let mut child = command
            .args(args)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        let (sender, lines) = channel();
        thread::spawn(move || {
            stdout
                .lines()
                .map_while(Result::ok)
                .try_for_each(|line| sender.send(line))
        });
        let mut pipe = child.stderr.take().unwrap();
        let stderr = thread::spawn(move || {
            let mut text = String::new();
            pipe.read_to_string(&mut text).unwrap();
            text
        });
        Self {
            child,
            lines,
            stderr,
        }
    }

    /// The lines up to and with the first that begins with `start`.
    pub(crate) fn lines_to(&self, start: &str) -> Vec<String> {
        let mut lines = Vec::new();
        loop {
            let line = self.lines.recv_timeout(PATIENCE);
            lines.push(line.unwrap_or_else(|_| panic!("no line {start:?} after {lines:?}")));
            if lines.last().unwrap().starts_with(start) {
                return lines;
            }
        }
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    /// Waits until it ends.
    pub(crate) fn end(mut self) -> Ended {
        let mut stdout = Vec::new();
        loop {
            match self.lines.recv_timeout(PATIENCE) {
                Ok(line) => stdout.push(line),
                Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => {
                    self.child.kill().unwrap();
                    panic!("it did not end; it said {stdout:?}");
                }
            }
        }
        let code = self.child.wait().unwrap().code();
        // Only joined here: the process may outlive a failed assertion, and this thread with it.
        let reader = std::mem::replace(&mut self.stderr, thread::spawn(String::new));
        let stderr = reader.join().unwrap();
        Ended {
            code,
            stdout,
            stderr,
        }
    }
}

impl Drop for Ouzel {
    fn drop(&mut self) {
        // It may have ended already.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// Runs it to an end that it finds by itself.
pub(crate) fn run(args: &[&str]) -> Ended {
    Ouzel::start(args).end()
}
