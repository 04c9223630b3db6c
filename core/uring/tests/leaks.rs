//! Descriptors: a node that ends, well or not, leaves none behind. One test, as it counts those of its process.

use core::net::{Ipv4Addr, SocketAddr};
use core::num::NonZeroU16;
use std::sync::Arc;

use runtime::{Class, CoreId, Crash, Main, OpenOptions, Runtime};
use stdx::Duration;
use uring::{Config, Facilities};

fn open_descriptors() -> usize {
    let list = std::fs::read_dir("/proc/self/fd");
    list.expect("Linux lists them").count()
}

#[test]
fn a_node_leaves_no_descriptor_behind() {
    if let Err(error) = uring::is_available() {
        eprintln!("SKIPPED: no io_uring here: {error}");
        return;
    }
    for facilities in [Facilities::ALL, Facilities::PLAIN] {
        for crashes in [false, true] {
            let before = open_descriptors();
            let config = Config {
                facilities,
                crash: |why| std::panic::panic_any(Crash(why.to_owned())),
                ..Config::new(NonZeroU16::new(2).unwrap())
            };
            let main: Main = Arc::new(move |runtime| Box::pin(busy(runtime, crashes)));
            assert_eq!(uring::run(&config, &main).is_err(), crashes);
            assert_eq!(open_descriptors(), before);
        }
    }
}

/// Ends in the middle of everything.
async fn busy(runtime: Runtime, crashes: bool) {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let listener = runtime.listen(address, 64).await.expect("a free port");
    let address = listener.address();
    let root = runtime.root();
    let for_task = runtime.clone();
    drop(root.spawn(Class::Produce, "accepts", async move {
        loop {
            let (mut receiver, _sender) = listener.accept().await.expect("they connect").split();
            let root = for_task.root();
            drop(root.spawn(Class::Produce, "receives", async move {
                drop(receiver.receive(100).await);
            }));
        }
    }));
    for _ in 0..20 {
        let for_task = runtime.clone();
        drop(root.spawn(Class::Produce, "connects", async move {
            loop {
                let stream = for_task.connect(address).await;
                for_task.yield_now().await;
                drop(stream);
            }
        }));
        let for_task = runtime.clone();
        drop(root.spawn(Class::Produce, "opens", async move {
            loop {
                let file = for_task.open("/dev/null", OpenOptions::default()).await;
                let synced = for_task.sync_directory("/").await;
                assert_eq!(synced, Ok(()));
                drop(file);
            }
        }));
    }
    runtime.sleep(Duration::from_millis(30)).await;
    if crashes && runtime.core() == CoreId::ZERO {
        runtime.crash("planted by this test");
    }
}
