//! What keeps others out: modes, owners, links, memory, setuid, and text that would drive a terminal.

use std::{
    fs,
    os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use crate::common::{TestEnvironment, environment::path, programs, secrets};

/// Somebody else, on every Debian.
const NOBODY: u32 = 65534;

fn is_root() -> bool {
    fs::metadata("/proc/self").unwrap().uid() == 0
}

#[track_caller]
fn mode(path: &Path) -> u32 {
    fs::symlink_metadata(path).unwrap().permissions().mode() & 0o7777
}

#[test]
fn directories_are_0700_and_files_0600_under_any_umask() {
    for umask in ["000", "022", "277"] {
        let env = TestEnvironment::without_store();
        let run = |arguments: &[&str]| {
            let mut shell = Command::new("/bin/sh");
            shell.args(["-c", "umask \"$1\"; shift; exec \"$@\"", "sh", umask]).arg(programs::credstack()).args(arguments);
            env.prepare(&mut shell);
            env.run(shell).ok()
        };
        run(&["setup", "--store", "vault", "--key-file", path(&env.key_file())]);
        run(&["push", "assume", "Developer"]);
        run(&["push", "session", "--from", "root"]);
        run(&["pop"]);
        let vault = env.state().join("vault");
        assert_eq!((mode(&env.state()), mode(&vault), mode(&env.key_file())), (0o700, 0o700, 0o600), "{umask}");
        let files = secrets::files(&env.state());
        assert!(files.len() >= 5, "database, lock, key check and two secrets: {files:?}");
        for file in files {
            assert_eq!(mode(&file), 0o600, "{}", file.display());
        }
    }
}

#[test]
fn a_state_directory_that_others_may_enter_is_refused() {
    for wrong in [0o750, 0o701, 0o777] {
        let env = TestEnvironment::new();
        fs::set_permissions(env.state(), fs::Permissions::from_mode(wrong)).unwrap();
        for command in [&["list"][..], &["push", "session"], &["pop"], &["history"]] {
            let refused = env.credstack(command).exits(8).says(path(&env.state())).says("others may enter it");
            refused.says(&format!("{wrong:04o}")).says("a directory with mode 0700");
        }
        let doctor = env.credstack(["doctor"]).exits(8);
        assert!(doctor.stdout.contains("others may enter it"));
        assert_eq!(mode(&env.state()), wrong, "it is not silently mended");
        assert!(env.sandbox.calls().is_empty());
    }
}

#[test]
fn a_state_directory_of_another_user_is_refused() {
    let mut env = TestEnvironment::new();
    if is_root() {
        chown(env.state(), Some(NOBODY), None).unwrap();
    } else {
        env.set("CREDSTACK_STATE_DIR", "/usr");
    }
    for command in [&["list"][..], &["push", "session"], &["clear"]] {
        env.credstack(command).exits(8).says("it belongs to another user");
    }
}

#[test]
fn a_state_directory_that_is_a_file_is_refused() {
    let mut env = TestEnvironment::without_store();
    let file = env.scratch("file");
    env.write(&file, "text");
    env.set("CREDSTACK_STATE_DIR", path(&file));
    env.credstack(["list"]).exits(8).says("it is not a directory");
}

#[test]
fn a_link_in_the_place_of_a_file_is_refused_and_not_followed() {
    for name in ["credstack.db", "lock"] {
        let env = TestEnvironment::new();
        let (file, elsewhere) = (env.state().join(name), env.scratch("elsewhere"));
        fs::rename(&file, &elsewhere).unwrap();
        let before = fs::read(&elsewhere).unwrap();
        symlink(&elsewhere, &file).unwrap();
        env.credstack(["push", "session"]).exits(8).says(path(&file));
        env.credstack(["doctor"]).exits(8);
        assert_eq!(fs::read(&elsewhere).unwrap(), before, "{name}");
    }
}

#[test]
fn a_file_that_others_may_open_is_refused() {
    for name in ["credstack.db", "lock"] {
        let env = TestEnvironment::new();
        let file = env.state().join(name);
        fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
        for command in [&["list"][..], &["push", "session"]] {
            env.credstack(command).exits(8).says(path(&file)).says("others may open it (mode 0644, expected 0600)");
        }
        env.credstack(["doctor"]).exits(8);
        assert_eq!(mode(&file), 0o644, "it is not silently mended");
    }
}

#[test]
fn a_link_in_the_vault_or_to_the_key_is_refused() {
    let env = TestEnvironment::new();
    env.push_role("Developer");
    let elsewhere = env.scratch("elsewhere");
    fs::rename(env.key_file(), &elsewhere).unwrap();
    symlink(&elsewhere, env.key_file()).unwrap();
    env.credstack(["whoami"]).exits(6).says(path(&env.key_file()));
    fs::rename(&elsewhere, env.key_file()).unwrap();
    env.credstack(["whoami"]).ok();
    fs::set_permissions(env.key_file(), fs::Permissions::from_mode(0o640)).unwrap();
    env.credstack(["whoami"]).exits(6).says("not safe to use");
    fs::set_permissions(env.key_file(), fs::Permissions::from_mode(0o600)).unwrap();
    for name in env.vault_files() {
        let file = env.state().join("vault").join(&name);
        fs::rename(&file, env.scratch(&name)).unwrap();
        symlink(env.scratch(&name), &file).unwrap();
    }
    env.credstack(["whoami"]).exits(6).says("vault");
}

/// The program, copied to where another user can run it.
fn program_for_all(directory: &Path) -> PathBuf {
    fs::create_dir_all(directory).unwrap();
    fs::set_permissions(directory, fs::Permissions::from_mode(0o755)).unwrap();
    let copy = directory.join("credstack");
    // Another process writes it: where this one does, a child that another test starts meanwhile has it open for writing,
    // and it cannot be run.
    assert!(Command::new("cp").arg(programs::credstack()).arg(&copy).status().unwrap().success());
    fs::set_permissions(&copy, fs::Permissions::from_mode(0o755)).unwrap();
    copy
}

#[test]
fn memory_and_environment_are_closed_to_others_of_the_same_user_and_no_core_is_dumped() {
    let env = TestEnvironment::without_store();
    let program = program_for_all(&env.scratch("bin"));
    let root = env.home().parent().unwrap().to_owned();
    // The files of a process that can be dumped belong to its user, else to root. As root, only another user can tell.
    let mut command = if is_root() {
        for path in [&root, &env.home()] {
            chown(path, Some(NOBODY), Some(NOBODY)).unwrap();
        }
        let mut command = Command::new("/usr/bin/setpriv");
        command.args(["--reuid", "65534", "--regid", "65534", "--clear-groups"]).arg(&program);
        command
    } else {
        Command::new(&program)
    };
    // It waits for its standard input.
    env.prepare(command.args(["push", "import"]));
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let process = PathBuf::from(format!("/proc/{}", child.id()));
    let read = |name: &str| fs::read_to_string(process.join(name)).unwrap_or_default();
    let deadline = Instant::now() + Duration::from_secs(10);
    let closed =
        || fs::metadata(process.join("environ")).unwrap().uid() == 0 && fs::metadata(process.join("mem")).unwrap().uid() == 0;
    let closed_mask = || read("status").lines().any(|line| line.split_whitespace().eq(["Umask:", "0077"]));
    while !(read("comm").trim() == "credstack" && closed() && closed_mask() && no_core(&read("limits"))) {
        assert!(Instant::now() < deadline, "{} {}", read("comm"), read("limits"));
        std::thread::sleep(Duration::from_millis(2));
    }
    if is_root() {
        let mut other = Command::new("/usr/bin/setpriv");
        other.args(["--reuid", "65534", "--regid", "65534", "--clear-groups", "cat"]).arg(process.join("environ"));
        env.prepare(&mut other);
        env.run(other).exits(1).says("Permission denied");
    } else {
        assert!(fs::read(process.join("environ")).is_err());
    }
    drop(child.stdin.take());
    env.keep("push import".into(), child.wait_with_output().unwrap()).exits(2);
}

/// The limit in force; the hard one is kept for the programs that `exec` becomes.
fn no_core(limits: &str) -> bool {
    let line = limits.lines().find(|line| line.starts_with("Max core file size")).unwrap_or_default();
    line.split_whitespace().nth(4) == Some("0")
}

#[test]
fn it_refuses_to_run_setuid() {
    assert!(is_root(), "this test needs root: only root can become another user and then run a setuid program");
    let env = TestEnvironment::without_store();
    // Not in memory: such file systems ignore the bit.
    let directory = tempfile::Builder::new().prefix("credstack-setuid-").tempdir().unwrap();
    fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let program = program_for_all(&directory.path().join("bin"));
    for bit in [0o4755, 0o2755] {
        fs::set_permissions(&program, fs::Permissions::from_mode(bit)).unwrap();
        let mut command = Command::new("/usr/bin/setpriv");
        command.args(["--reuid", "65534", "--regid", "65534", "--clear-groups"]).arg(&program).arg("list");
        env.prepare(&mut command);
        command.current_dir("/");
        env.run(command).exits(2).says("credstack refuses to run setuid or setgid").says("remove the setuid");
    }
}
