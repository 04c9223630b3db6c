//! A client of the broker under test: our own, on the portable ground.

use std::net::SocketAddr;
use std::num::NonZeroU16;
use std::sync::{Arc, Mutex};

use client::{Acks, Client, FetchOptions, Options};
use records::{BatchBuilder, NewRecord};
use runtime::{Frozen, Runtime};

/// Writes one record to a topic that does not exist yet and reads it back. The value that came back.
pub(crate) fn write_and_read(address: &str, value: &'static [u8]) -> Vec<u8> {
    let address: SocketAddr = address.parse().unwrap();
    let read = Arc::new(Mutex::new(Vec::new()));
    let result = Arc::clone(&read);
    let main: runtime::Main = Arc::new(move |runtime| {
        let result = Arc::clone(&result);
        Box::pin(async move {
            let value = there_and_back(&runtime, address, value).await;
            *result.lock().unwrap() = value;
        })
    });
    portable::run(portable::Config::new(NonZeroU16::MIN), main).unwrap();
    let read = read.lock().unwrap();
    read.clone()
}

async fn there_and_back(runtime: &Runtime, address: SocketAddr, value: &[u8]) -> Vec<u8> {
    let client = Client::connect(runtime, address, Options::default())
        .await
        .unwrap();
    let topic = client.topic("there-and-back", true).await.unwrap();
    let mut builder = BatchBuilder::new();
    builder.push(&NewRecord::value(1, value));
    let batch = Frozen::from(builder.finish());
    let produced = client
        .produce(&topic, 0, batch, Acks::All)
        .await
        .unwrap()
        .unwrap();
    let fetched = client
        .fetch(&topic, 0, produced.base_offset, &FetchOptions::default())
        .await
        .unwrap();
    let batch = fetched.batches().next().unwrap().unwrap();
    let record = batch.records().unwrap().next().unwrap().unwrap();
    record.value.unwrap().to_vec()
}
