//! The shortest way from a future to its result: a calm world of one node.

use core::future::Future;
use std::sync::{Arc, Mutex, PoisonError};

use runtime::{Main, Runtime};

use crate::config::{NodeConfig, WorldConfig};
use crate::world::World;

/// What each core of a node runs, from a closure that makes a future.
pub fn program<F, R>(main: F) -> Main
where
    F: Fn(Runtime) -> R + Send + Sync + 'static,
    R: Future<Output = ()> + 'static,
{
    Arc::new(move |runtime| Box::pin(main(runtime)))
}

/// Runs `main` on the one core of the one node of a calm world, and returns its result.
///
/// # Panics
/// When `main` panics, ends the node, or waits for what never comes.
pub fn block_on<F, R, T>(seed: u64, main: F) -> T
where
    F: FnOnce(Runtime) -> R + Send + 'static,
    R: Future<Output = T> + 'static,
    T: Send + 'static,
{
    let mut world = World::new(seed, WorldConfig::default());
    let node = world.add_machine(NodeConfig::default());
    world.block_on(node, main)
}

impl World {
    /// Starts `main` on a node, runs the world until it ends, and returns its result. A node of several cores
    /// runs it on the first; the others end at once.
    ///
    /// # Panics
    /// When the node's process runs already, or `main` panics, ends the node, or waits for what never comes.
    pub fn block_on<F, R, T>(&mut self, node: crate::NodeId, main: F) -> T
    where
        F: FnOnce(Runtime) -> R + Send + 'static,
        R: Future<Output = T> + 'static,
        T: Send + 'static,
    {
        let result = self.try_block_on(node, main);
        result.unwrap_or_else(|| panic!("node {node} died: {:?}", self.deaths().last()))
    }

    /// Like [`World::block_on`]; None when the node died before `main` ended.
    ///
    /// # Panics
    /// When the node's process runs already, or waits for what never comes.
    pub fn try_block_on<F, R, T>(&mut self, node: crate::NodeId, main: F) -> Option<T>
    where
        F: FnOnce(Runtime) -> R + Send + 'static,
        R: Future<Output = T> + 'static,
        T: Send + 'static,
    {
        let main = Arc::new(Mutex::new(Some(main)));
        let result = Arc::new(Mutex::new(None));
        let place = Arc::clone(&result);
        let once: Main = Arc::new(move |runtime: Runtime| {
            let main = lock(&main).take();
            let place = Arc::clone(&place);
            Box::pin(async move {
                if let Some(main) = main {
                    let output = main(runtime).await;
                    lock(&place).replace(output);
                }
            })
        });
        self.start(node, once);
        self.run_to_end(node);
        lock(&result).take()
    }
}

/// Nothing shares these but this thread; a panic while one is held left it as good as it was.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
