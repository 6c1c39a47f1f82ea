//! Where the programs under test are.

use std::path::{Path, PathBuf};

/// The program: in `CREDSTACK_TEST_BIN_DIR` if that is set (the shipped one), else the one that cargo built.
pub fn credstack() -> PathBuf {
    match directory() {
        Some(directory) => existing(directory.join("credstack"), "cargo build --release -p credstack"),
        None => PathBuf::from(env!("CARGO_BIN_EXE_credstack")),
    }
}

/// The sandbox, beside it.
pub fn sandbox() -> PathBuf {
    let beside = || Path::new(env!("CARGO_BIN_EXE_credstack")).parent().map(Path::to_owned);
    let directory = directory().or_else(beside).expect("a program lies in a directory");
    existing(directory.join("credstack-sandbox"), "cargo build -p credstack-sandbox")
}

fn directory() -> Option<PathBuf> {
    std::env::var_os("CREDSTACK_TEST_BIN_DIR").filter(|value| !value.is_empty()).map(PathBuf::from)
}

fn existing(path: PathBuf, command: &str) -> PathBuf {
    assert!(path.exists(), "{} is not there: run `{command}` first", path.display());
    path
}
