//! The tables of docs/clients.md, which say what was measured: `SNAPSHOTS=overwrite` writes them anew.

use std::{path::Path, sync::Mutex};

/// The tests of one binary write into one file.
static FILE: Mutex<()> = Mutex::new(());

/// A table with a first column of names.
pub fn table(head: &[&str], rows: impl IntoIterator<Item = (String, Vec<String>)>) -> String {
    let line = |first: &str, cells: &[String]| format!("| {first} | {} |\n", cells.join(" | "));
    let head_cells: Vec<String> = head.iter().map(|cell| (*cell).to_owned()).collect();
    let mut text = line("", &head_cells).replace("|  |", "| |") + &"|---".repeat(head.len() + 1) + "|\n";
    for (first, cells) in rows {
        text += &line(&first, &cells);
    }
    text
}

/// Compares a table with the one of that name in docs/clients.md, or writes it there.
#[track_caller]
pub fn check(name: &str, table: &str) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/clients.md");
    let _one_at_a_time = FILE.lock().unwrap();
    let text = std::fs::read_to_string(&file).unwrap();
    let (begin, end) = (format!("<!-- measured: {name} -->\n"), "<!-- end -->\n");
    let (before, rest) = text.split_once(&begin).unwrap_or_else(|| panic!("docs/clients.md has no {begin:?}"));
    let (there, after) = rest.split_once(end).unwrap_or_else(|| panic!("docs/clients.md has no end of {begin:?}"));
    let measured = format!("\n{table}\n");
    if std::env::var("SNAPSHOTS").is_ok_and(|action| action == "overwrite") {
        std::fs::write(&file, format!("{before}{begin}{measured}{end}{after}")).unwrap();
    } else {
        assert_eq!(there, measured, "docs/clients.md says otherwise; SNAPSHOTS=overwrite writes what was measured");
    }
}
