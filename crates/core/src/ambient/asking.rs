//! A script that a profile runs may itself call credstack, and no reading of the configuration shows it. So a process that
//! is asking a program for ambient credentials says so in its name, where the processes beneath it can see it.

/// What `/proc/PID/comm` of a process says while it asks: at most 15 bytes.
#[cfg(target_os = "linux")]
const ASKING: &std::ffi::CStr = c"credstack:asks";

/// The process says that it is asking, until this is dropped.
pub(super) struct Asking {
    #[cfg(target_os = "linux")]
    name: Option<std::ffi::CString>,
}

impl Asking {
    /// Begins to ask. Seen by others only if the main thread does it, as the program does.
    #[cfg(target_os = "linux")]
    pub(super) fn begin() -> Asking {
        let name = rustix::thread::name().ok();
        // Without it only this guard is missing.
        let _unnamed = rustix::thread::set_name(ASKING);
        Asking { name }
    }

    #[cfg(not(target_os = "linux"))]
    pub(super) fn begin() -> Asking {
        Asking {}
    }
}

#[cfg(target_os = "linux")]
impl Drop for Asking {
    fn drop(&mut self) {
        if let Some(name) = &self.name {
            let _unnamed = rustix::thread::set_name(name);
        }
    }
}

/// Whether a process above this one is asking: then what it asks has come back to credstack.
#[cfg(target_os = "linux")]
pub(super) fn asked_by_an_ancestor() -> bool {
    let mut next = rustix::process::getppid().map(|parent| parent.as_raw_nonzero().get());
    // Far more than any real depth.
    for _ in 0..100 {
        let Some(process) = next.filter(|process| *process > 1) else { return false };
        let Ok(name) = std::fs::read(format!("/proc/{process}/comm")) else { return false };
        if name.trim_ascii_end() == ASKING.to_bytes() {
            return true;
        }
        next = parent_of(process);
    }
    true
}

#[cfg(not(target_os = "linux"))]
pub(super) fn asked_by_an_ancestor() -> bool {
    false
}

/// The parent of a process: the second field after its name, which stands in brackets and may hold anything.
#[cfg(target_os = "linux")]
fn parent_of(process: i32) -> Option<i32> {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    let (_, fields) = stat.rsplit_once(')')?;
    fields.split_whitespace().nth(1)?.parse().ok()
}
