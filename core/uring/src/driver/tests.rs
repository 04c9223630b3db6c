//! The driver by itself: what no code above can bring about, because it gives a descriptor up only when nothing
//! is in flight on it, or what a test must not leave to chance.

use core::net::{Ipv4Addr, SocketAddr};
use core::num::NonZeroU16;
use std::fs::File;
use std::os::fd::{AsRawFd, IntoRawFd};
use std::os::unix::net::UnixStream;
use std::rc::Rc;

use runtime::passive::CoreConfig;
use runtime::{Core, Frozen, OpenOptions, Output, Pieces, mesh};
use stdx::Duration;

use super::*;
use crate::clock::Clock;
use crate::environment::{CoreEnvironment, end_process};
use crate::facilities::Facilities;
use crate::helpers::Helpers;
use crate::os;

type Ended = Vec<(OperationId, Result<Output, IoError>)>;

/// A driver without a loop, driven by hand.
struct Bench {
    /// None once it was dropped.
    core: Option<Core>,
    runtime: Runtime,
    driver: Rc<UringDriver>,
    _helpers: Helpers,
    submitted: u32,
}

impl Bench {
    /// None, and a word about it, where there is no io_uring.
    fn new(facilities: Facilities) -> Option<Self> {
        if let Err(error) = crate::is_available() {
            eprintln!("SKIPPED: no io_uring here: {error}");
            return None;
        }
        let doorbells: Arc<[Doorbell]> = Arc::new([Doorbell::new().unwrap()]);
        let helpers = Helpers::start(1, &doorbells).unwrap();
        let ring = Ring::new(facilities).unwrap();
        let desk = helpers.desk(CoreId::ZERO);
        let driver = Rc::new(UringDriver::new(CoreId::ZERO, doorbells, ring, desk));
        let core = Core::new(
            CoreConfig::new(CoreId::ZERO, 1),
            mesh(1).remove(0),
            Rc::<UringDriver>::clone(&driver),
            Rc::new(CoreEnvironment::new(end_process).unwrap()),
        );
        let runtime = core.runtime();
        driver.set_up(&runtime, 4, 4096).unwrap();
        Some(Self {
            core: Some(core),
            runtime,
            driver,
            _helpers: helpers,
            submitted: 0,
        })
    }

    fn submit(&mut self, operation: Operation) -> OperationId {
        let id = OperationId {
            slot: self.submitted,
            generation: 1 << 24 | 7,
        };
        self.submitted += 1;
        self.driver.submit(id, operation);
        id
    }

    /// Waits until `count` operations ended.
    fn wait(&mut self, count: usize) -> Ended {
        let mut completions = Vec::new();
        loop {
            self.driver.reap(&self.runtime, &mut completions);
            if completions.len() >= count {
                break;
            }
            self.driver
                .enter(Wait::AtMost(Duration::from_millis(5)))
                .unwrap();
        }
        completions
            .into_iter()
            .map(|completion| (completion.id, completion.result))
            .collect()
    }

    /// Submits and waits for that alone.
    fn run(&mut self, operation: Operation) -> Result<Output, IoError> {
        let id = self.submit(operation);
        let mut ended = self.wait(1);
        assert_eq!(ended.len(), 1);
        assert_eq!(ended[0].0, id);
        ended.remove(0).1
    }

    fn listen(&mut self) -> (Descriptor, SocketAddr) {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        match self.run(Operation::Listen {
            address,
            backlog: 8,
        }) {
            Ok(Output::Listening {
                descriptor,
                address,
            }) => (descriptor, address),
            other => panic!("{other:?}"),
        }
    }

    /// Two ends of a connection.
    fn pair(&mut self) -> (Descriptor, Descriptor) {
        let (listener, address) = self.listen();
        self.submit(Operation::Accept {
            descriptor: listener,
        });
        self.submit(Operation::Connect { address });
        let ends: Vec<Descriptor> = self
            .wait(2)
            .into_iter()
            .map(|(_, result)| match result {
                Ok(Output::Connected { descriptor, .. }) => descriptor,
                other => panic!("{other:?}"),
            })
            .collect();
        self.run(Operation::Close {
            descriptor: listener,
        })
        .unwrap();
        (ends[0], ends[1])
    }
}

impl Drop for Bench {
    fn drop(&mut self) {
        drop(self.core.take());
        let is_whole = self.driver.shut_down(&self.runtime, &Clock::new());
        assert!(is_whole || std::thread::panicking());
    }
}

fn on_both(test: fn(Bench)) {
    for facilities in [Facilities::ALL, Facilities::PLAIN] {
        if let Some(bench) = Bench::new(facilities) {
            test(bench);
        }
    }
}

fn kinds(ended: &Ended) -> Vec<(u32, Option<IoErrorKind>)> {
    ended
        .iter()
        .map(|(id, result)| (id.slot, result.as_ref().err().map(IoError::kind)))
        .collect()
}

fn pieces(parts: &[&'static [u8]]) -> Pieces {
    parts.iter().map(|part| Frozen::from_static(part)).collect()
}

#[test]
fn closing_cancels_what_is_in_flight_and_ends_after_it() {
    on_both(|mut bench| {
        let (ours, theirs) = bench.pair();
        let buffer = bench.runtime.buffer(4096);
        let receive = bench.submit(Operation::Receive {
            descriptor: ours,
            bytes_max: 100,
        });
        let into = bench.submit(Operation::ReceiveInto {
            descriptor: ours,
            bytes: 100,
            buffer,
        });
        bench.driver.enter(Wait::No).unwrap();
        let close = bench.submit(Operation::Close { descriptor: ours });
        let mut ended = kinds(&bench.wait(3));
        assert_eq!(ended.pop(), Some((close.slot, None)));
        ended.sort_unstable();
        let cancelled = Some(IoErrorKind::Cancelled);
        assert_eq!(ended, [(receive.slot, cancelled), (into.slot, cancelled)]);
        // The other end sees that it was closed.
        match bench.run(Operation::Receive {
            descriptor: theirs,
            bytes_max: 100,
        }) {
            Ok(Output::Received(buffer)) => assert!(buffer.is_empty()),
            other => panic!("{other:?}"),
        }
        bench.run(Operation::Close { descriptor: theirs }).unwrap();
    });
}

#[test]
fn a_listener_closed_under_an_accept_gives_its_port_back() {
    on_both(|mut bench| {
        let (listener, address) = bench.listen();
        let accept = bench.submit(Operation::Accept {
            descriptor: listener,
        });
        bench.driver.enter(Wait::No).unwrap();
        let close = bench.submit(Operation::Close {
            descriptor: listener,
        });
        let ended = kinds(&bench.wait(2));
        let cancelled = Some(IoErrorKind::Cancelled);
        assert_eq!(ended, [(accept.slot, cancelled), (close.slot, None)]);
        match bench.run(Operation::Listen {
            address,
            backlog: 8,
        }) {
            Ok(Output::Listening { descriptor, .. }) => {
                bench.run(Operation::Close { descriptor }).unwrap();
            }
            other => panic!("{other:?}"),
        }
    });
}

#[test]
fn a_cancelled_operation_ends_once() {
    on_both(|mut bench| {
        let (ours, theirs) = bench.pair();
        let receive = bench.submit(Operation::Receive {
            descriptor: ours,
            bytes_max: 10,
        });
        bench.driver.enter(Wait::No).unwrap();
        for _ in 0..3 {
            bench.driver.cancel(receive);
        }
        let cancelled = Some(IoErrorKind::Cancelled);
        assert_eq!(kinds(&bench.wait(1)), [(receive.slot, cancelled)]);
        // Too late, and for nobody: nothing comes of it.
        bench.driver.cancel(receive);
        bench
            .driver
            .enter(Wait::AtMost(Duration::from_millis(20)))
            .unwrap();
        assert_eq!(bench.wait(0).len(), 0);
        for descriptor in [ours, theirs] {
            bench.run(Operation::Close { descriptor }).unwrap();
        }
    });
}

#[test]
fn a_job_that_no_helper_began_is_taken_back() {
    on_both(|mut bench| {
        let (release, held) = std::sync::mpsc::channel::<()>();
        let work = move || {
            // Ends when the sender is gone.
            held.recv().expect_err("nobody sends");
            Box::new(()) as Box<dyn core::any::Any + Send>
        };
        let cost = Duration::ZERO;
        let offload = |work| Operation::Offload {
            job: runtime::Job(work),
            cost,
        };
        let first = bench.submit(offload(Box::new(work)));
        let second = bench.submit(offload(Box::new(|| panic!("nobody runs this"))));
        bench.driver.cancel(second);
        assert_eq!(
            kinds(&bench.wait(1)),
            [(second.slot, Some(IoErrorKind::Cancelled))]
        );
        drop(release);
        assert_eq!(kinds(&bench.wait(1)), [(first.slot, None)]);
    });
}

#[test]
fn a_failed_sync_is_the_failure_of_its_write() {
    on_both(|mut bench| {
        // A socket can be written and not be synced.
        let (ours, _theirs) = UnixStream::pair().unwrap();
        let descriptor = os::descriptor_of_raw(ours.as_raw_fd());
        let write = |sync| Operation::Write {
            descriptor,
            offset: 0,
            pieces: pieces(&[b"ab"]),
            sync,
        };
        match bench.run(write(false)) {
            Ok(Output::Written { bytes, synced, .. }) => assert_eq!((bytes, synced), (2, false)),
            other => panic!("{other:?}"),
        }
        let error = bench.run(write(true)).unwrap_err();
        assert_eq!(error.kind(), IoErrorKind::InvalidInput);
    });
}

#[test]
fn a_short_write_cancels_its_sync_and_stands() {
    let directory = std::env::temp_dir();
    let path = directory.join(format!("uring-short-{}", std::process::id()));
    let file = File::options()
        .read(true)
        .write(true)
        .create_new(true)
        .open(&path)
        .unwrap();
    std::fs::remove_file(&path).unwrap();
    // A write over the end of what a file may be is short.
    let (mut fits, mut too_long) = (0, i64::MAX.cast_unsigned());
    while too_long - fits > 1 {
        let middle = fits + (too_long - fits) / 2;
        match file.set_len(middle) {
            Ok(()) => fits = middle,
            Err(_) => too_long = middle,
        }
    }
    file.set_len(0).unwrap();
    if fits > i64::MAX.cast_unsigned() - 4096 {
        eprintln!("SKIPPED: files here have no end that a write could reach");
        return;
    }
    let descriptor = os::descriptor_of_raw(file.into_raw_fd());
    on_both_with(descriptor, fits);
    // SAFETY: taken from the file above.
    drop(unsafe { os::own(os::raw(descriptor)) });
}

fn on_both_with(descriptor: Descriptor, end: u64) {
    for facilities in [Facilities::ALL, Facilities::PLAIN] {
        let Some(mut bench) = Bench::new(facilities) else {
            return;
        };
        for parts in [&[&b"0123456789"[..]][..], &[b"01234", b"56789"]] {
            let written = bench.run(Operation::Write {
                descriptor,
                offset: end - 4,
                pieces: pieces(parts),
                sync: true,
            });
            match written {
                Ok(Output::Written { bytes, synced, .. }) => {
                    assert_eq!((bytes, synced), (4, false));
                }
                other => panic!("{other:?}"),
            }
        }
        let error = bench.run(Operation::Write {
            descriptor,
            offset: end,
            pieces: pieces(&[b"x"]),
            sync: true,
        });
        assert_eq!(error.unwrap_err().kind(), IoErrorKind::NoSpace);
    }
}

#[test]
fn a_driver_ends_with_everything_in_flight() {
    on_both(|mut bench| {
        let (ours, theirs) = bench.pair();
        let (listener, _) = bench.listen();
        // Nobody answers there; the connection hangs for as long as it is let.
        let address = SocketAddr::from((Ipv4Addr::new(192, 0, 2, 1), 9));
        bench.submit(Operation::Connect { address });
        bench.submit(Operation::Accept {
            descriptor: listener,
        });
        for descriptor in [ours, theirs] {
            let buffer = bench.runtime.buffer(4096);
            bench.submit(Operation::ReceiveInto {
                descriptor,
                bytes: 4096,
                buffer,
            });
            bench.submit(Operation::Receive {
                descriptor,
                bytes_max: 4096,
            });
        }
        let path = "/dev/null".to_owned();
        bench.submit(Operation::Open {
            path,
            options: OpenOptions::default(),
        });
        bench.submit(Operation::Status {
            path: "/".to_owned(),
        });
        // These would be asked for by the destructors of what holds the descriptors.
        for descriptor in [ours, theirs, listener] {
            bench.submit(Operation::Close { descriptor });
        }
    });
}

#[test]
fn more_than_the_queues_hold_gets_through() {
    // The completion queue holds 8192, the submission queue 512.
    const COUNT: usize = 12_000;
    on_both(|mut bench| {
        let path = "/dev/zero".to_owned();
        let opened = bench.run(Operation::Open {
            path,
            options: OpenOptions::default(),
        });
        let Ok(Output::Opened(descriptor)) = opened else {
            panic!("{opened:?}");
        };
        for number in 0..COUNT {
            if number % 3 == 0 {
                bench.submit(Operation::Shutdown {
                    descriptor,
                    side: runtime::ShutdownSide::Both,
                });
            } else {
                let buffer = bench.runtime.buffer(1);
                bench.submit(Operation::Read {
                    descriptor,
                    offset: 0,
                    bytes: 8,
                    buffer,
                });
            }
        }
        let ended = bench.wait(COUNT);
        assert_eq!(ended.len(), COUNT);
        let read = ended
            .iter()
            .filter(|(_, result)| matches!(result, Ok(Output::Read { bytes: 8, .. })));
        assert_eq!(read.count(), COUNT / 3 * 2);
        bench.run(Operation::Close { descriptor }).unwrap();
    });
}

#[test]
fn wrong_arguments_are_errors() {
    on_both(|mut bench| {
        let (ours, theirs) = bench.pair();
        let many = (0..=runtime::operation::PIECES_MAX)
            .map(|_| Frozen::from_static(b"x"))
            .collect();
        let wrong = [
            Operation::Receive {
                descriptor: ours,
                bytes_max: 0,
            },
            Operation::Send {
                descriptor: ours,
                pieces: many,
            },
            Operation::Unlink {
                path: "a\0b".to_owned(),
            },
        ];
        for operation in wrong {
            assert_eq!(
                bench.run(operation).unwrap_err().kind(),
                IoErrorKind::InvalidInput
            );
        }
        for descriptor in [ours, theirs] {
            bench.run(Operation::Close { descriptor }).unwrap();
        }
    });
}

#[test]
fn a_ring_that_does_not_get_through_goes_by_the_event_descriptor() {
    let Some(bench) = Bench::new(Facilities::ALL) else {
        return;
    };
    // A doorbell that was told of a ring that is none.
    let wrong = Doorbell::new().unwrap();
    wrong.connect(File::open("/dev/null").unwrap().into());
    let mut completions = Vec::new();
    bench
        .driver
        .state
        .borrow_mut()
        .ring_core(CoreId::ZERO, &wrong);
    while bench.driver.state.borrow().event.counter[..] == [0; 8] {
        bench.driver.enter(Wait::Forever).unwrap();
        bench.driver.reap(&bench.runtime, &mut completions);
    }
}

#[test]
fn a_core_number_fits_the_marks() {
    let cores = NonZeroU16::new(CORES_MAX).unwrap();
    assert_eq!(u64::from(cores.get()), 4 * u64::from(u64::BITS));
}
