//! The one way from this library's synchronous functions into asynchronous code.

use std::{future::Future, io, panic, thread};

use tokio::runtime::{Builder, Handle};

/// Runs what `work` makes to its end, on a runtime of its own.
///
/// # Errors
///
/// Where the runtime or its thread cannot be started.
pub(crate) fn run<T, F>(work: impl FnOnce() -> F + Send) -> io::Result<T>
where
    T: Send,
    F: Future<Output = T>,
{
    apart(|| {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let done = runtime.block_on(work());
        // A plain drop would wait for a name resolution that hangs.
        runtime.shutdown_background();
        Ok(done)
    })?
}

/// Does `work`, which may enter a runtime: here, or on a thread of its own if the caller is in a runtime already. A thread
/// can't be in two of them, nor drop one inside another.
pub(crate) fn apart<T: Send>(work: impl FnOnce() -> T + Send) -> io::Result<T> {
    if Handle::try_current().is_err() {
        return Ok(work());
    }
    thread::scope(|scope| {
        let working = thread::Builder::new().name("credstack".into()).spawn_scoped(scope, work)?;
        Ok(working.join().unwrap_or_else(|panicked| panic::resume_unwind(panicked)))
    })
}
