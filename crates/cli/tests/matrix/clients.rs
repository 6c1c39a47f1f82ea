//! The clients: programs of our own on each SDK, and the AWS CLI. Those that are compiled by another toolchain than ours, or
//! run on another runtime, are left out where `scripts/clients` found none; it says so.

use std::path::{Path, PathBuf};

use super::rust;

/// A program.
#[derive(Clone)]
pub struct Client {
    pub name: &'static str,
    pub command: Vec<String>,
    pub variables: Vec<(&'static str, String)>,
    /// It prints a JSON document with what GetCallerIdentity answered.
    pub tells: bool,
}

/// All that there can be, in the order of the tables.
pub const NAMES: [&str; 12] = [
    "AWS CLI v1",
    "AWS CLI v2.9",
    "boto3",
    "JavaScript v3",
    "JavaScript v2",
    "Rust",
    "Go v2",
    "Go v1",
    "Java v2",
    "Java v1",
    ".NET 4",
    ".NET 3",
];

/// Those that are there.
pub fn all() -> Vec<Client> {
    NAMES.iter().filter_map(|name| client(name)).collect()
}

/// A client, if its program is there.
pub fn client(name: &'static str) -> Option<Client> {
    let aws = |program: &str| {
        let call = "exec \"$0\" sts get-caller-identity --output json --endpoint-url \"$TEST_STS\"";
        vec!["sh".to_owned(), "-c".to_owned(), call.to_owned(), program.to_owned()]
    };
    let mut variables = Vec::new();
    let command = match name {
        "AWS CLI v1" => aws(&needed("CREDSTACK_TEST_VENV", "bin/aws")),
        "AWS CLI v2.9" => aws("/usr/bin/aws"),
        "boto3" => vec![needed("CREDSTACK_TEST_VENV", "bin/python"), source("boto3/who.py")],
        "JavaScript v3" | "JavaScript v2" => {
            variables.push(("NODE_PATH", needed("CREDSTACK_TEST_NODE", "node_modules")));
            vec![
                on_path("node").expect("node is installed: scripts/install"),
                source(&format!("javascript-{}/who.js", version(name))),
            ]
        }
        "Rust" => rust::command(),
        "Go v2" | "Go v1" => vec![place("CREDSTACK_TEST_CLIENTS", &format!("go-{}", version(name)))?],
        "Java v2" | "Java v1" => {
            let classes = place("CREDSTACK_TEST_CLIENTS", &format!("java-{}", version(name)))?;
            // Java takes the home directory from the system's list of users; v1 has no other.
            let call = "exec \"$0\" -XX:TieredStopAtLevel=1 -XX:+UseSerialGC -Duser.home=\"$HOME\" -cp \"$1:$1/*\" Who";
            // What the JVM itself and the SDK log is not asked for.
            let logging = "-Djava.util.logging.config.file=/dev/null";
            vec!["sh".into(), "-c".into(), call.replace("-cp", &format!("{logging} -cp")), on_path("java")?, classes]
        }
        ".NET 4" => vec![place("CREDSTACK_TEST_DOTNET", "bin/dotnet-v4")?],
        ".NET 3" => vec![place("CREDSTACK_TEST_DOTNET", "bin/dotnet-v3")?],
        other => panic!("{other}"),
    };
    Some(Client { name, command, variables, tells: true })
}

fn version(name: &str) -> &str {
    name.rsplit(' ').next().unwrap()
}

fn source(name: &str) -> String {
    text(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clients").join(name))
}

fn text(path: &Path) -> String {
    path.to_str().unwrap().to_owned()
}

/// Something in a directory that a variable names, if both are there.
pub fn place(variable: &str, name: &str) -> Option<String> {
    let directory = std::env::var_os(variable).filter(|value| !value.is_empty())?;
    let path = PathBuf::from(directory).join(name);
    path.exists().then(|| text(&path))
}

pub fn needed(variable: &str, name: &str) -> String {
    place(variable, name).unwrap_or_else(|| panic!("{variable} names a directory with {name}: scripts/install"))
}

/// A program that need not be in the tests' short PATH.
pub fn on_path(name: &str) -> Option<String> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).map(|directory| directory.join(name)).find(|program| program.exists()).map(|path| text(&path))
}
