//! What ends a program from outside.

#[cfg(unix)]
mod unix {
    use signal_hook::{
        consts::{SIGHUP, SIGINT, SIGTERM},
        iterator::Signals,
        low_level::emulate_default_handler,
    };
    use tokio::sync::oneshot;

    use crate::failure::Failure;

    /// Those that are not ignored. One that is stays so, as `nohup` wants it.
    pub fn not_ignored(all: &[i32]) -> Vec<i32> {
        let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
        // Elsewhere than on Linux nobody tells.
        let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
        let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or_default();
        all.iter().copied().filter(|signal| mask & (1 << (signal - 1)) == 0).collect()
    }

    /// What ends this process from here on, so that something can be done before that.
    pub struct End(oneshot::Receiver<i32>);

    impl End {
        /// From here on signals wait.
        pub fn catch() -> Result<End, Failure> {
            let unusable = |error: std::io::Error| Failure::internal(format!("signals cannot be waited for: {error}"));
            let mut arriving = Signals::new(not_ignored(&[SIGHUP, SIGINT, SIGTERM])).map_err(unusable)?;
            let (sender, receiver) = oneshot::channel();
            let watch = move || {
                let mut signals = arriving.forever();
                if let Some(signal) = signals.next() {
                    let _nobody_waits = sender.send(signal);
                }
                // Whoever sends another one does not want to wait.
                if let Some(signal) = signals.next() {
                    let _ended = emulate_default_handler(signal);
                }
            };
            std::thread::Builder::new().name("signals".into()).spawn(watch).map_err(unusable)?;
            Ok(End(receiver))
        }

        /// Waits for it.
        pub async fn wait(self) -> Signal {
            match self.0.await {
                Ok(signal) => Signal(signal),
                Err(_) => std::future::pending().await,
            }
        }
    }

    /// A signal that came.
    pub struct Signal(i32);

    impl Signal {
        /// Ends this process as if nobody had waited for it.
        pub fn end(self) {
            let _ended = emulate_default_handler(self.0);
        }
    }
}

#[cfg(not(unix))]
mod elsewhere {
    use crate::failure::Failure;

    /// Nothing is caught.
    pub struct End;

    impl End {
        /// Nothing waits.
        pub fn catch() -> Result<End, Failure> {
            Ok(End)
        }

        /// Nothing comes.
        pub async fn wait(self) -> Signal {
            std::future::pending().await
        }
    }

    /// There is none.
    pub struct Signal;

    impl Signal {
        /// Nothing ends.
        pub fn end(self) {}
    }
}

#[cfg(not(unix))]
pub use elsewhere::{End, Signal};
#[cfg(unix)]
pub use unix::{End, Signal, not_ignored};
