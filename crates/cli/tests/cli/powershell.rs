//! What PowerShell is given, letter by letter: none was at hand to run it. `scripts/check-powershell.ps1` does, in CI.

use std::process::Command;

use crate::common::{TestEnvironment, programs};

fn assert_is(name: &str, text: &str) {
    let text = text.replace(programs::credstack().to_str().unwrap(), "/usr/bin/credstack");
    let file = std::path::PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(format!("tests/cli/snapshots/{name}.ps1"));
    let expected = snapbox::Data::read_from(&file, Some(snapbox::data::DataFormat::Text));
    snapbox::assert_data_eq!(text, expected.raw());
}

#[test]
fn the_hook_is_as_it_was_read() {
    let env = TestEnvironment::new();
    let script = |options: &[&str]| {
        let mut init = Command::new(programs::credstack());
        init.args(["init", "powershell"]).args(options);
        env.prepare(&mut init);
        env.run(init).ok().stdout
    };
    let own_stack = script(&["--per-shell"]);
    assert!(own_stack.ends_with(&script(&[])), "--per-shell only adds to it");
    assert_is("init-powershell", &own_stack);
}

#[test]
fn a_sync_quotes_what_it_gives() {
    let env = TestEnvironment::new();
    env.plain(["setup", "profile"]).ok();
    env.push_role(crate::shells::DEVELOPER);
    let followed = env.plain(["shell-sync", "powershell", "--at="]).ok().stdout;
    assert_is("shell-sync-powershell", &followed);
    env.plain(["-q", "pop"]).ok();
    let restored = env.plain(["shell-sync", "powershell", "--at=something"]).ok().stdout;
    assert_eq!(restored, "__credstack_restore\n$Global:__credstack_at = ''\n");
}
