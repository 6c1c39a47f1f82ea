//! docs/cli.md is what `--help` says, all of it: `SNAPSHOTS=overwrite` writes it anew.

use crate::common::TestEnvironment;

const HEAD: &str = "# The command line

<!-- Generated from --help by crates/cli/tests/cli/help.rs; do not edit. SNAPSHOTS=overwrite cargo test -p credstack --test cli help -->
";

/// A command's help, and that of every command below it.
fn collect(env: &TestEnvironment, command: &[String], found: &mut Vec<(String, String)>) {
    let mut arguments = command.to_vec();
    arguments.push("--help".to_owned());
    let output = env.plain(&arguments).ok();
    assert_eq!(output.stderr, "", "help is data");
    let name = ["credstack".to_owned()].iter().chain(command).cloned().collect::<Vec<_>>().join(" ");
    found.push((name, output.stdout.clone()));
    let listed = output.stdout.split_once("\nCommands:\n").map_or("", |(_, rest)| rest.split("\n\n").next().unwrap_or_default());
    for line in listed.lines() {
        let word = line.strip_prefix("  ").filter(|rest| !rest.starts_with(' ')).and_then(|rest| rest.split_whitespace().next());
        if let Some(word) = word.filter(|word| *word != "help") {
            collect(env, &[command, &[word.to_owned()]].concat(), found);
        }
    }
}

#[test]
fn the_reference_is_what_help_says() {
    let env = TestEnvironment::without_store();
    let mut found = Vec::new();
    collect(&env, &[], &mut found);
    assert!(found.len() >= 20, "{}", found.len());
    let mut text = HEAD.to_owned();
    for (name, help) in &found {
        assert!(help.contains("Examples:"), "`{name} --help` has no examples");
        text.push_str(&format!("\n## {name}\n\n```text\n{}\n```\n", help.trim_end()));
    }
    assert!(!text.contains(env.home().to_str().unwrap()) && !text.contains("/root"));
    let file = std::path::PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs/cli.md");
    let expected = snapbox::Data::read_from(&file, Some(snapbox::data::DataFormat::Text));
    snapbox::assert_data_eq!(text, expected.raw());
}

/// Each example is a command line that the program understands. Only that: what they do is for the other tests.
#[test]
fn examples_are_understood() {
    let env = TestEnvironment::without_store();
    let mut found = Vec::new();
    collect(&env, &[], &mut found);
    let mut understood = 0;
    for (name, help) in found {
        let examples = help.split_once("Examples:\n").unwrap().1;
        for line in examples.lines().take_while(|line| line.starts_with("  ")) {
            let Some((_, example)) = line.split_once("credstack ") else { panic!("{name}: {line}") };
            // An explanation stands behind wide space; then there are redirections, pipes, substitutions, and what is run.
            let example = ["   ", " > ", " | ", ")\"", " -- "].iter().fold(example, |it, end| it.split(end).next().unwrap());
            let mut words = shell_words::split(example).unwrap();
            words.push("--no-such-option".into());
            words.extend(name.ends_with(" exec").then(|| "true".to_owned()));
            let refused = env.plain(&words).exits(2);
            refused.says("unexpected argument '--no-such-option'");
            understood += 1;
        }
    }
    assert!(understood > 30, "{understood}");
}

#[test]
fn short_help_and_help_command_work() {
    let env = TestEnvironment::without_store();
    for arguments in [&["-h"][..], &["help"], &["help", "push", "assume"], &["push", "-h"]] {
        assert!(env.plain(arguments).ok().stdout.contains("Usage: credstack"));
    }
    env.plain::<_, &str>([]).exits(2).says("Usage: credstack");
}
