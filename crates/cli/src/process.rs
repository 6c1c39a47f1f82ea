//! A process of this machine, told from another one with its number.

use std::{fmt, str::FromStr};

/// A process: its number, when it began, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Process {
    /// Its number.
    pub number: u32,
    /// When it began, so that another process with its number is not taken for it.
    pub start: String,
    /// The host, and the process namespace where it is a container's: process numbers mean nothing anywhere else, and a
    /// home directory may be shared.
    pub place: String,
}

impl Process {
    /// A process that runs here, now. `None`: there is no such process.
    pub fn new(number: u32, host: &str) -> Option<Process> {
        Some(Process { number, start: system::start(number)?, place: place(host) })
    }

    /// Whether it is known to have ended. What runs elsewhere is not known of.
    pub fn is_gone(&self, host: &str) -> bool {
        self.place == place(host) && system::is_gone(self.number, &self.start)
    }

    /// Whether it still runs, in the same session of the same terminal as another process. tmux, an editor and the like
    /// begin a session for each terminal that they open.
    pub fn is_around(&self, process: u32, host: &str) -> bool {
        let runs = self.place == place(host) && !system::is_gone(self.number, &self.start);
        runs && (self.number == process || system::share_session(self.number, process))
    }
}

/// `NUMBER-START@PLACE`, without white space.
impl fmt::Display for Process {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}@{}", self.number, self.start, self.place)
    }
}

impl FromStr for Process {
    type Err = ();

    fn from_str(text: &str) -> Result<Process, ()> {
        let (process, place) = text.split_once('@').ok_or(())?;
        let (number, start) = process.split_once('-').ok_or(())?;
        let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        if !is_number(number) || !is_number(start) || place.is_empty() {
            return Err(());
        }
        Ok(Process { number: number.parse().map_err(|_| ())?, start: start.to_owned(), place: place.to_owned() })
    }
}

fn place(host: &str) -> String {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    let host: String = host.chars().map(|c| if allowed(c) { c } else { '-' }).take(15).collect();
    match system::namespace() {
        Some(namespace) => format!("{host}.{namespace}"),
        None => host,
    }
}

#[cfg(target_os = "linux")]
mod system {
    use std::fs;

    /// The number of the namespace that every Linux machine begins with: PROC_PID_INIT_INO in <linux/proc_ns.h>.
    const FIRST_NAMESPACE: &str = "4026531836";

    /// Fields 3, 6 and 22 of proc_pid_stat(5).
    #[derive(Debug, PartialEq)]
    pub struct Stat {
        state: String,
        /// 0 is a session too: that of all that the first process started without beginning one, as in a small container
        /// or virtual machine. (`getsid` of a library that takes 0 for no process does not tell it.)
        session: String,
        /// In clock ticks since the machine started.
        start: String,
    }

    impl Stat {
        fn of(process: &str) -> Option<Stat> {
            Stat::read(&fs::read_to_string(format!("/proc/{process}/stat")).ok()?)
        }

        pub fn read(text: &str) -> Option<Stat> {
            // The name in the second field may hold anything.
            let mut fields = text.get(text.rfind(')')? + 1..)?.split_whitespace().map(str::to_owned);
            Some(Stat { state: fields.next()?, session: fields.nth(2)?, start: fields.nth(15)? })
        }
    }

    pub fn start(process: u32) -> Option<String> {
        Stat::of(&process.to_string()).map(|stat| stat.start)
    }

    pub fn share_session(one: u32, other: u32) -> bool {
        let session = |process: u32| Stat::of(&process.to_string()).map(|stat| stat.session);
        session(one).is_some_and(|found| session(other) == Some(found))
    }

    pub fn is_gone(process: u32, start: &str) -> bool {
        // Where /proc cannot be read, nothing is known.
        Stat::of("self").is_some()
            && Stat::of(&process.to_string()).is_none_or(|stat| stat.start != start || ["Z", "X"].contains(&stat.state.as_str()))
    }

    pub fn namespace() -> Option<String> {
        let link = fs::read_link("/proc/self/ns/pid").ok()?;
        let number = link.to_str()?.strip_prefix("pid:[")?.strip_suffix(']')?.to_owned();
        (number != FIRST_NAMESPACE).then_some(number)
    }
}

/// UNTESTED. When a process began is not asked here: 0, and another process with its number keeps the stack alive.
#[cfg(all(unix, not(target_os = "linux")))]
mod system {
    use rustix::{
        io::Errno,
        process::{Pid, getsid, test_kill_process},
    };

    pub fn start(_process: u32) -> Option<String> {
        Some("0".to_owned())
    }

    pub fn is_gone(process: u32, _start: &str) -> bool {
        pid(process).is_none_or(|pid| test_kill_process(pid) == Err(Errno::SRCH))
    }

    fn pid(process: u32) -> Option<Pid> {
        i32::try_from(process).ok().and_then(Pid::from_raw)
    }

    pub fn share_session(one: u32, other: u32) -> bool {
        let session = |process| getsid(Some(pid(process)?)).ok();
        session(one).is_some_and(|found| session(other) == Some(found))
    }

    pub fn namespace() -> Option<String> {
        None
    }
}

/// UNTESTED. Nothing is asked of Windows: a stack goes when its shell says that it ends, and all that was started in the shell
/// shares it.
#[cfg(not(unix))]
mod system {
    pub fn start(_process: u32) -> Option<String> {
        Some("0".to_owned())
    }

    pub fn is_gone(_process: u32, _start: &str) -> bool {
        false
    }

    pub fn share_session(_one: u32, _other: u32) -> bool {
        true
    }

    pub fn namespace() -> Option<String> {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOST: &str = "a host, with a very long name";

    #[test]
    fn a_text_says_which_process_it_is() {
        let us = Process::new(std::process::id(), HOST).unwrap();
        assert_eq!(us.to_string().parse(), Ok(us.clone()));
        assert!(us.is_around(std::process::id(), HOST) && !us.is_gone(HOST));
        assert!(!us.is_around(std::process::id(), "elsewhere") && !us.is_gone("elsewhere"), "not known of");
        for other in ["", "1", "1-2", "1-2@", "x-1@h", "-1@h", "1-1-1@h", "99999999999-1@h"] {
            assert_eq!(other.parse::<Process>(), Err(()), "{other}");
        }
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn another_process_with_the_number_is_not_taken_for_it() {
        let mut us = Process::new(std::process::id(), HOST).unwrap();
        us.start = format!("{}1", us.start);
        assert!(us.is_gone(HOST) && !us.is_around(std::process::id(), HOST));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn session_0_is_one_too() {
        let text = "42 (a) b (c) S 1 7 0 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 1 0 3574615 1 1 1";
        let stat = system::Stat::read(text).unwrap();
        assert_eq!(format!("{stat:?}"), r#"Stat { state: "S", session: "0", start: "3574615" }"#);
    }
}
