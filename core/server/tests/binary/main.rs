//! The real binary, as a person or a script meets it: what it says, when, and with which code it ends.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on panics")]

mod files;
mod guest;
mod process;
#[cfg(target_os = "linux")]
mod sandbox;

use std::fs;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::time::Duration;

use process::{Ended, Ouzel, folder, run};
use rustix::process::Signal;

/// `ApiVersions`, version 0, correlation id 7, no client id.
const API_VERSIONS: &[u8] = b"\0\0\0\x0a\0\x12\0\0\0\0\0\x07\xff\xff";

fn start(data: &Path, more: &[&str]) -> Ouzel {
    let data = data.to_str().unwrap();
    let args = [
        "--data",
        data,
        "--listen",
        "127.0.0.1:0",
        "--memory",
        "512MiB",
    ];
    Ouzel::start(&[&args, more].concat())
}

/// The address in a ready line.
fn address(ready: &str) -> String {
    let (_, rest) = ready.split_once("kafka=").unwrap();
    rest.split_once(' ').unwrap().0.to_owned()
}

/// Asks which versions are served, and returns the answer's correlation id and error code.
fn ask(address: &str) -> (i32, i16) {
    let mut stream = TcpStream::connect(address).unwrap();
    stream
        .set_read_timeout(Some(Duration::from_secs(10)))
        .unwrap();
    stream.write_all(API_VERSIONS).unwrap();
    let mut head = [0; 10];
    stream.read_exact(&mut head).unwrap();
    let [_, _, _, _, correlation @ .., high, low] = head;
    (
        i32::from_be_bytes(correlation),
        i16::from_be_bytes([high, low]),
    )
}

fn assert_stopped(ended: &Ended) {
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(
        ended
            .stdout
            .last()
            .is_some_and(|line| line.starts_with("Shutdown complete")),
        "{ended:?}"
    );
}

#[test]
fn it_says_when_it_is_ready_serves_and_stops_on_a_signal() {
    for (driver, signal) in [("portable", Signal::TERM), ("auto", Signal::INT)] {
        let data = folder(&format!("serves-{driver}"));
        let ouzel = start(&data, &["--driver", driver]);
        let lines = ouzel.lines_to("ready: ");
        assert!(
            lines
                .iter()
                .any(|line| line.contains("Started Kafka API server")),
            "{lines:?}"
        );
        assert!(
            lines
                .iter()
                .any(|line| line.contains("Successfully started Redpanda!")),
            "{lines:?}"
        );
        let ready = lines.last().unwrap();
        assert!(
            ready.contains(&format!("data={}", data.display())),
            "{ready}"
        );
        assert_eq!(ask(&address(ready)), (7, 0));
        ouzel.signal(signal);
        assert_stopped(&ouzel.end());
    }
}

#[test]
fn a_folder_is_kept_whatever_the_number_of_cores() {
    let data = folder("cores");
    for cores in ["1", "3", "2"] {
        let ouzel = start(&data, &["--cores", cores]);
        let lines = ouzel.lines_to("ready: ");
        assert!(
            lines.last().unwrap().contains(&format!("cores={cores} ")),
            "{lines:?}"
        );
        assert_eq!(ask(&address(lines.last().unwrap())), (7, 0));
        ouzel.signal(Signal::TERM);
        let ended = ouzel.end();
        assert_stopped(&ended);
        assert_eq!(
            ended.stderr.contains("new cluster"),
            cores == "1",
            "{}",
            ended.stderr
        );
    }
}

#[test]
fn a_port_in_use_is_named_with_a_way_out() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let data = folder("port");
    let listen = format!("127.0.0.1:{port}");
    let ended = run(&[
        "--data",
        data.to_str().unwrap(),
        "--listen",
        &listen,
        "--memory",
        "512MiB",
    ]);
    assert_eq!(ended.code, Some(5), "{ended:?}");
    assert!(
        ended.stderr.contains(&format!("port {port} is in use")),
        "{}",
        ended.stderr
    );
    assert!(ended.stderr.contains("--listen"), "{}", ended.stderr);
    assert!(ended.stdout.is_empty(), "{ended:?}");
}

#[test]
fn a_folder_in_use_is_left_alone() {
    let data = folder("in-use");
    let first = start(&data, &[]);
    let ready = first.lines_to("ready: ");
    let second = start(&data, &[]).end();
    assert_eq!(second.code, Some(5), "{second:?}");
    assert!(
        second.stderr.contains("in use by another process"),
        "{}",
        second.stderr
    );
    assert!(
        second.stderr.contains(data.to_str().unwrap()),
        "{}",
        second.stderr
    );
    assert_eq!(ask(&address(ready.last().unwrap())), (7, 0));
    first.signal(Signal::TERM);
    assert_stopped(&first.end());
}

#[test]
fn a_folder_of_a_newer_version_is_refused() {
    let data = folder("newer");
    let first = start(&data, &[]);
    first.lines_to("ready: ");
    first.signal(Signal::TERM);
    assert_stopped(&first.end());
    let identity = data.join("identity");
    let mut bytes = fs::read(&identity).unwrap();
    bytes[8] = 99;
    fs::write(&identity, bytes).unwrap();
    let ended = start(&data, &[]).end();
    assert_eq!(ended.code, Some(5), "{ended:?}");
    assert!(ended.stderr.contains("version 99"), "{}", ended.stderr);
}

#[test]
fn a_log_can_be_json_and_standard_output_stays_the_same() {
    let data = folder("json");
    let ouzel = start(&data, &["--log", "json"]);
    assert_eq!(ouzel.lines_to("ready: ").len(), 3);
    ouzel.signal(Signal::TERM);
    let ended = ouzel.end();
    assert_stopped(&ended);
    let objects = ended
        .stderr
        .lines()
        .all(|line| line.starts_with('{') && line.ends_with('}'));
    assert!(objects && !ended.stderr.is_empty(), "{}", ended.stderr);
}

#[test]
fn a_wrong_flag_is_explained() {
    let cases: [(&[&str], &str); 8] = [
        (&["--lisen", "localhost:9092"], "--listen"),
        (&["--listen", "9092"], "write HOST:PORT"),
        (&["--listen", "::1:9092"], "brackets"),
        (
            &["--listen", "no.such.name.invalid:9092"],
            "no.such.name.invalid",
        ),
        (
            &["--advertise", "0.0.0.0:9092"],
            "no client can connect to 0.0.0.0",
        ),
        (&["--memory", "lots"], "2GiB"),
        (&["--memory", "1MiB"], "128MiB"),
        (&["--cores", "0"], "1..=256"),
    ];
    for (args, expected) in cases {
        let ended = run(args);
        assert_eq!(ended.code, Some(4), "{args:?} {ended:?}");
        assert!(ended.stderr.contains(expected), "{args:?} {}", ended.stderr);
        assert!(ended.stdout.is_empty(), "{args:?} {ended:?}");
    }
}

#[test]
fn help_shows_examples_and_is_no_error() {
    let ended = run(&["--help"]);
    assert_eq!(ended.code, Some(0));
    let help = ended.stdout.join("\n");
    assert!(help.contains("--advertise broker.example:9092"), "{help}");
    assert!(help.contains("./ouzel-data"), "{help}");
    assert_eq!(
        run(&["--version"]).stdout,
        [concat!("ouzel ", env!("CARGO_PKG_VERSION"))]
    );
}

#[test]
fn a_client_writes_and_reads_on_both_drivers() {
    for driver in ["portable", "auto"] {
        let data = folder(&format!("guest-{driver}"));
        let ouzel = start(&data, &["--driver", driver]);
        let lines = ouzel.lines_to("ready: ");
        let read = guest::write_and_read(&address(lines.last().unwrap()), b"hello");
        assert_eq!(read, b"hello");
        ouzel.signal(Signal::TERM);
        assert_stopped(&ouzel.end());
    }
}

/// Docker's default profile refuses `io_uring_setup`: the broker says so once and serves all the same.
#[cfg(target_os = "linux")]
#[test]
fn where_io_uring_is_refused_it_falls_back_and_serves() {
    let data = folder("sandbox");
    let args = [
        "--data",
        data.to_str().unwrap(),
        "--listen",
        "127.0.0.1:0",
        "--memory",
        "512MiB",
    ];
    let ouzel = Ouzel::start_with(&args, sandbox::refuse_io_uring);
    let lines = ouzel.lines_to("ready: ");
    let ready = lines.last().unwrap();
    assert!(ready.contains("driver=portable"), "{ready}");
    assert_eq!(
        guest::write_and_read(&address(ready), b"from a sandbox"),
        b"from a sandbox"
    );
    ouzel.signal(Signal::TERM);
    let ended = ouzel.end();
    assert_stopped(&ended);
    assert_eq!(
        ended.stderr.matches("io_uring").count(),
        1,
        "{}",
        ended.stderr
    );
    let forced = Ouzel::start_with(
        &[&args[..], &["--driver", "uring"]].concat(),
        sandbox::refuse_io_uring,
    )
    .end();
    assert_eq!(forced.code, Some(5), "{forced:?}");
    assert!(forced.stderr.contains("io_uring"), "{}", forced.stderr);
}
