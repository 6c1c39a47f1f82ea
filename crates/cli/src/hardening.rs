use crate::failure::Failure;

/// What a program that is started gets back.
#[cfg(unix)]
struct Before {
    umask: rustix::fs::Mode,
    core: rustix::process::Rlimit,
}

#[cfg(unix)]
static BEFORE: std::sync::OnceLock<Before> = std::sync::OnceLock::new();

/// Undoes what another program would inherit, right before this process becomes it or starts it.
pub fn soften() {
    #[cfg(unix)]
    if let Some(Before { umask, core }) = BEFORE.get() {
        rustix::process::umask(*umask);
        // It was in force before.
        let _back = rustix::process::setrlimit(rustix::process::Resource::Core, *core);
    }
}

/// Does it again, after a program was started that this process waits for.
pub fn tighten() -> Result<(), Failure> {
    #[cfg(unix)]
    {
        use rustix::process::{self, Resource, Rlimit};
        let umask = process::umask(rustix::fs::Mode::from_raw_mode(0o077));
        let core = process::getrlimit(Resource::Core);
        // The hard limit stays: a child may want its core dumps, and it cannot be raised again.
        let no_core = Rlimit { current: Some(0), ..core };
        process::setrlimit(Resource::Core, no_core).map_err(|error| Failure::internal(format!("core dumps stay on: {error}")))?;
        let _only_once = BEFORE.set(Before { umask, core });
    }
    Ok(())
}

/// What is done before anything else, so that nothing of ours is readable by others: files are born private, memory is
/// neither dumped nor readable by other processes of the same user, and a panic prints no payload.
pub fn harden() -> Result<(), Failure> {
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(|at| format!(" at {}:{}", at.file(), at.line())).unwrap_or_default();
        crate::output::line_to_stderr(&format!(
            "error: internal error{place}; please report it, nothing was printed of its data"
        ));
    }));
    #[cfg(unix)]
    {
        use rustix::process;
        if process::getuid() != process::geteuid() || process::getgid() != process::getegid() {
            return Err(Failure::usage("credstack refuses to run setuid or setgid")
                .next_step("remove the setuid and setgid bits from the program"));
        }
    }
    tighten()?;
    #[cfg(target_os = "linux")]
    rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable)
        .map_err(|error| Failure::internal(format!("the process stays readable: {error}")))?;
    Ok(())
}
