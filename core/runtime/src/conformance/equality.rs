//! Random sequences of file operations give the same results on every ground, because they give those of a model.

use stdx::Prng;

use super::files::pieces;
use super::model::Model;
use super::{Ground, on_one_core};
use crate::error::{IoError, IoErrorKind};
use crate::file::File;
use crate::handle::Runtime;
use crate::operation::OpenOptions;

const SEEDS: u64 = 20;
const STEPS: u32 = 120;
const NAMES: [&str; 4] = ["a", "b", "c", "d"];
const OPEN_MAX: usize = 6;

/// Opens, writes, reads, cuts, renames and unlinks at random, against the model.
pub fn random_operations_agree_with_the_model(ground: &dyn Ground) {
    for seed in 0..SEEDS {
        let directory = ground.scratch();
        on_one_core(ground, move |runtime| {
            let directory = directory.clone();
            Box::pin(async move {
                let mut run = Run {
                    runtime,
                    directory,
                    prng: Prng::labelled(seed, "conformance/equality"),
                    model: Model::default(),
                    open: Vec::new(),
                };
                for _ in 0..STEPS {
                    run.step().await;
                }
                run.compare_names().await;
            })
        });
    }
}

struct Run {
    runtime: Runtime,
    directory: String,
    prng: Prng,
    model: Model,
    open: Vec<(File, usize)>,
}

fn same<T>(result: Result<T, IoError>, expected: Result<(), IoErrorKind>) {
    assert_eq!(result.map(drop).map_err(|error| error.kind()), expected);
}

impl Run {
    async fn step(&mut self) {
        match self.prng.below(10) {
            0 | 1 => self.open().await,
            2 | 3 => self.write().await,
            4 | 5 => self.read().await,
            6 => self.resize().await,
            7 => self.rename().await,
            8 => self.unlink().await,
            _ => self.compare_names().await,
        }
    }

    fn name(&mut self) -> &'static str {
        NAMES[self.prng.index(NAMES.len())]
    }

    fn path(&self, name: &str) -> String {
        format!("{}/{name}", self.directory)
    }

    fn pick(&mut self) -> Option<(File, usize)> {
        if self.open.is_empty() {
            return None;
        }
        Some(self.prng.choose(&self.open).clone())
    }

    async fn open(&mut self) {
        if self.open.len() == OPEN_MAX {
            let index = self.prng.index(OPEN_MAX);
            self.open.remove(index);
        }
        let name = self.name();
        let create = self.prng.chance(2, 3);
        let options = OpenOptions {
            write: true,
            create,
            ..OpenOptions::default()
        };
        let opened = self.runtime.open(&self.path(name), options).await;
        let expected = self.model.open(name, create);
        match (opened, expected) {
            (Ok(file), Ok(inode)) => self.open.push((file, inode)),
            (opened, expected) => same(opened, expected.map(drop)),
        }
    }

    async fn write(&mut self) {
        let Some((file, inode)) = self.pick() else {
            return;
        };
        let offset = self.prng.index(20_000);
        let mut bytes = vec![0; self.prng.index(9_000)];
        self.prng.fill(&mut bytes);
        let middle = self.prng.index(bytes.len() + 1);
        let (first, second) = bytes.split_at(middle);
        let parts = pieces(&[first, second]);
        let result = if self.prng.chance(1, 2) {
            file.write_at_sync(offset as u64, parts).await
        } else {
            file.write_at(offset as u64, parts).await
        };
        same(result, Ok(()));
        self.model.write(inode, offset, &bytes);
    }

    async fn read(&mut self) {
        let Some((file, inode)) = self.pick() else {
            return;
        };
        let offset = self.prng.index(25_000);
        let bytes = self.prng.index(12_000);
        let expected = self.model.read(inode, offset, bytes);
        let buffer = self.runtime.buffer(expected.len());
        let read = file
            .read_exact_at(offset as u64, expected.len(), buffer)
            .await
            .expect("the model has it");
        assert!(read.as_slice() == expected);
        // One read may be short, but never wrong, and only empty at the end.
        let buffer = self.runtime.buffer(bytes + 1);
        let read = file
            .read_at(offset as u64, bytes + 1, buffer)
            .await
            .expect("readable");
        let expected = self.model.read(inode, offset, bytes + 1);
        assert!(expected.starts_with(read.as_slice()));
        assert_eq!(read.is_empty(), expected.is_empty());
    }

    async fn resize(&mut self) {
        let Some((file, inode)) = self.pick() else {
            return;
        };
        let length = self.prng.index(20_000);
        if self.prng.chance(1, 3) {
            let keep_length = self.prng.chance(1, 2);
            let end = length + 1;
            same(file.allocate(0, end as u64, keep_length).await, Ok(()));
            if !keep_length {
                self.model.allocate(inode, end);
            }
        } else {
            same(file.truncate(length as u64).await, Ok(()));
            self.model.truncate(inode, length);
        }
    }

    async fn rename(&mut self) {
        let (source, target) = (self.name(), self.name());
        if source != target {
            let result = self
                .runtime
                .rename(&self.path(source), &self.path(target))
                .await;
            same(result, self.model.rename(source, target));
        }
    }

    async fn unlink(&mut self) {
        let name = self.name();
        let result = self.runtime.unlink(&self.path(name)).await;
        same(result, self.model.unlink(name));
    }

    async fn compare_names(&mut self) {
        let entries = self
            .runtime
            .read_directory(&self.directory)
            .await
            .expect("it is there");
        let names: Vec<String> = entries.into_iter().map(|entry| entry.name).collect();
        assert_eq!(names, self.model.names());
        let name = self.name();
        let status = self.runtime.status(&self.path(name)).await;
        match (status, self.model.length(name)) {
            (Ok(status), Ok(length)) => assert_eq!(status.length, length),
            (status, expected) => same(status, expected.map(drop)),
        }
    }
}
