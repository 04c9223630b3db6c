//! The suite of `runtime` on io_uring: once with all that the kernel has, once on a plain ring.

#[path = "conformance/ground.rs"]
mod ground;

/// With everything.
mod full {
    runtime::conformance_suite!(crate::ground::Uring::full());
}

/// Without what newer kernels added: receives poll first, event descriptors wake, helpers truncate.
mod plain {
    runtime::conformance_suite!(crate::ground::Uring::plain());
}
