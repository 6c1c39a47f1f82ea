//! A real PowerShell that follows the stack: `pwsh` from CREDSTACK_TEST_PWSH, from `target/dotnet-clients` where `scripts/install`
//! put it, or from PATH. Where there is none, the tests that need it say so and pass.

use std::{
    collections::BTreeMap,
    fs,
    io::Write,
    path::{Path, PathBuf},
    process::Command,
};

use proptest::prelude::*;

use crate::{
    common::{ALICE_KEY, BOB_KEY, BOB_SECRET, Output, TestEnvironment, environment::path, programs, terminal::Terminal},
    shells::{DEVELOPER, READ_ONLY, aws, environment, held_set, values},
};

/// Shows what a program of the shell would be given.
const SHOW: &str = "sh -c 'echo ${AWS_PROFILE-none} ${AWS_ACCESS_KEY_ID-none} ${AWS_REGION-none}'";

pub(crate) fn program() -> Option<PathBuf> {
    let installed = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../target/dotnet-clients/bin/pwsh");
    let on_path =
        || std::env::split_paths(&std::env::var_os("PATH")?).map(|directory| directory.join("pwsh")).find(|path| path.is_file());
    let chosen = std::env::var_os("CREDSTACK_TEST_PWSH").filter(|path| !path.is_empty()).map(PathBuf::from);
    let found = chosen.or_else(|| installed.is_file().then_some(installed)).or_else(on_path);
    if found.is_none() {
        // Past what the test's own output is kept in.
        let _ = writeln!(
            std::io::stderr(),
            "left out: there is no PowerShell here (CREDSTACK_TEST_PWSH, target/dotnet-clients, PATH)"
        );
    }
    found
}

/// A script in a PowerShell that has evaluated what `init` printed. It is read from a file, as a person's own are.
pub(crate) fn command(env: &TestEnvironment, pwsh: &Path, options: &str, script: &str) -> Command {
    let file = env.scratch("script.ps1");
    env.write(&file, &format!("Invoke-Expression (& '{}' {options} | Out-String)\n{script}\n", programs::credstack().display()));
    let mut command = Command::new(pwsh);
    command.args(["-NoProfile", "-NonInteractive", "-File", path(&file)]);
    env.prepare(&mut command);
    command
}

fn run(env: &TestEnvironment, pwsh: &Path, script: &str) -> Output {
    env.run(command(env, pwsh, "init powershell", script))
}

fn lines(output: &Output) -> Vec<&str> {
    output.stdout.lines().collect()
}

#[test]
fn a_push_takes_effect_before_the_next_command_and_a_pop_takes_it_back() {
    let Some(pwsh) = program() else { return };
    let env = environment();
    let script = format!(
        "{SHOW}; credstack -q push assume {DEVELOPER} --region us-west-2; {SHOW}; credstack -q push assume {READ_ONLY} --region eu-north-1; {SHOW}
         credstack -q pop && {SHOW}; credstack -q pop
         function Show {{ {SHOW} }}; Show"
    );
    let own = format!("none {ALICE_KEY} eu-west-1");
    let output = run(&env, &pwsh, &script).ok();
    assert_eq!(lines(&output), [&own, "credstack none us-west-2", "credstack none eu-north-1", "credstack none us-west-2", &own]);
}

/// P1: with a function, whose `$?` is true, `credstack pop && terraform apply` ran terraform after a pop that failed.
#[test]
fn what_follows_a_command_that_failed_does_not_run() {
    let Some(pwsh) = program() else { return };
    let env = environment();
    let script = "credstack -q pop 2>$null && 'ran'; \"$? $LASTEXITCODE\"
         credstack -q pop 2>$null || 'instead'
         credstack -q pop 2>$null; if ($?) { 'true' } else { 'false' }
         function Told { \"$? $LASTEXITCODE\" }; credstack -q pop 2>$null; Told
         credstack -q list && 'listed'";
    let output = run(&env, &pwsh, script).ok();
    assert_eq!(
        lines(&output).into_iter().filter(|line| !line.contains("ambient") && !line.contains("IDENTITY")).collect::<Vec<_>>(),
        ["False 3", "instead", "false", "False 3", "listed"],
        "{}",
        output.stderr
    );
}

/// P2 and P3.
#[test]
fn words_reach_the_program_as_they_were_typed() {
    let Some(pwsh) = program() else { return };
    let env = environment();
    env.write(&env.home().join("a.txt"), "");
    let script = r#"Set-Location ~; $b = 'b c'
         credstack exec -- sh -c 'printf "[%s]" "$@"' sh '*' *.txt Name=tag:x,Values=y,z -v -o -e -- "a $b" '' 'it''s'"#;
    let output = run(&env, &pwsh, script).ok();
    assert_eq!(output.stdout, "[*][a.txt][Name=tag:x,Values=y,z][-v][-o][-e][--][a b c][][it's]");
    let script = "'in' | credstack exec -- cat; (credstack --json list | ConvertFrom-Json).frames.Count";
    assert_eq!(lines(&run(&env, &pwsh, script).ok()), ["in", "1"], "streams");
}

/// P6.
#[test]
fn an_error_comes_after_the_shell_was_brought_up_to_date() {
    let Some(pwsh) = program() else { return };
    let env = environment();
    let script = format!(
        "Set-Alias p '{}'; $PSNativeCommandUseErrorActionPreference = $true; $ErrorActionPreference = 'Stop'
         try {{ p -q push assume {DEVELOPER}; p -q pop 9; 'not reached' }} catch {{ \"caught $LASTEXITCODE\" }}
         {SHOW}",
        programs::credstack().display()
    );
    let output = run(&env, &pwsh, &script).ok();
    assert_eq!(lines(&output), ["caught 2", "credstack none eu-west-1"], "{}", output.stderr);
}

#[test]
fn a_command_can_be_signed_by_the_keys_that_the_shell_has_of_its_own() {
    let Some(pwsh) = program() else { return };
    let mut env = environment();
    env.push_role(DEVELOPER);
    env.plain(["pop"]).ok();
    env.use_keys(BOB_KEY, BOB_SECRET, None);
    let script = format!(
        "credstack -q push assume {READ_ONLY} --from c1
         $words = 'session', '--from=env'
         foreach ($way in {{ credstack -q push session --from env }}, {{ credstack -q push @words }}, {{ credstack -q --json push session --from env | Out-Null }}) {{
             & $way; {SHOW}; (credstack whoami --json | ConvertFrom-Json).arn
         }}
         credstack exec -- sh -c \"env | grep -c -e CREDSTACK_OWN -e $($Env:NONE)fake+bob\"
         sh -c 'env | grep -c -e CREDSTACK_OWN -e fake+bob'
         credstack -q clear --yes; {SHOW}"
    );
    let output = run(&env, &pwsh, &script).ok();
    let covered = ["credstack none eu-west-1", "arn:aws:iam::111122223333:user/bob"];
    let own = format!("none {BOB_KEY} eu-west-1");
    assert_eq!(lines(&output), [&covered[..], &covered, &covered, &["0", "0", &own]].concat(), "{}", output.stderr);
}

#[test]
fn somebody_elses_action_stays_and_a_second_init_adds_nothing() {
    let Some(pwsh) = program() else { return };
    let env = environment();
    let file = env.scratch("before.ps1");
    let init = format!("Invoke-Expression (& '{}' init powershell | Out-String)", programs::credstack().display());
    let script = format!(
        "Set-StrictMode -Version Latest; $ErrorActionPreference = 'Stop'
         $Global:seen = 0
         $ExecutionContext.InvokeCommand.PostCommandLookupAction = {{ if ($args[0] -eq 'credstack') {{ $Global:seen++ }} }}
         {init}; {init}
         credstack -q push assume {DEVELOPER}; {init}; credstack -q pop; {SHOW}
         \"$Global:seen $($ExecutionContext.InvokeCommand.PostCommandLookupAction.GetInvocationList().Count)\""
    );
    env.write(&file, &script);
    let mut command = Command::new(pwsh);
    command.args(["-NoProfile", "-NonInteractive", "-File", path(&file)]);
    env.prepare(&mut command);
    let output = env.run(command).ok();
    assert_eq!(lines(&output), [&format!("none {ALICE_KEY} eu-west-1"), "2 2"], "{}", output.stderr);
}

#[test]
fn the_stack_and_the_place_that_init_was_given_are_followed() {
    let Some(pwsh) = program() else { return };
    let mut env = environment();
    let place = env.state();
    env.unset("CREDSTACK_STATE_DIR");
    env.set("CREDSTACK_STACK", "another");
    let options = format!("--stack work --state-dir '{}' init powershell", path(&place));
    let script = format!(
        "credstack -q setup profile --name work; credstack -q push assume {DEVELOPER}; {SHOW}; \"$(credstack prompt --color never)\"
         (credstack list --json --stack default | ConvertFrom-Json).stack"
    );
    let output = env.run(command(&env, &pwsh, &options, &script)).ok();
    let shown = lines(&output);
    assert_eq!((shown[0], shown[2]), ("work none eu-west-1", "default"), "{}", output.stderr);
    assert!(shown[1].starts_with("work 111122223333/Developer"), "{}", shown[1]);
}

#[test]
fn what_cannot_be_followed_is_said_once_and_leaves_no_other_identity() {
    let Some(pwsh) = program() else { return };
    let env = TestEnvironment::new();
    let script = format!("credstack -q push assume {DEVELOPER}; $null = prompt; $null = prompt; {SHOW}");
    let output = run(&env, &pwsh, &script).ok().says("this shell cannot follow stack default");
    assert_eq!(output.stdout, "credstack-has-no-profile-yet none eu-west-1\n");
    assert_eq!(output.stderr.matches("cannot follow").count(), 1, "{}", output.stderr);
}

#[test]
fn with_mode_env_the_shell_has_the_keys() {
    let Some(pwsh) = program() else { return };
    let env = environment();
    let script = format!(
        "credstack -q push assume {DEVELOPER}; sh -c 'echo ${{#AWS_SECRET_ACCESS_KEY}} ${{AWS_PROFILE-none}}'
         credstack -q pop; sh -c 'echo ${{AWS_SESSION_TOKEN-none}}'"
    );
    let output = env.run(command(&env, &pwsh, "init powershell --mode env", &script)).ok();
    assert_eq!(lines(&output), ["40 none", "none"], "{}", output.stderr);
}

/// What `env` prints for PowerShell, as docs/clients.md says to take it.
#[test]
fn env_is_code_that_sets_the_keys_and_takes_away_the_rest() {
    let Some(pwsh) = program() else { return };
    let mut env = environment();
    env.push_role(DEVELOPER);
    env.set("AWS_PROFILE", "stale");
    let file = env.scratch("env.ps1");
    let program = programs::credstack();
    env.write(&file, &format!("& '{}' env --format powershell | Out-String | Invoke-Expression; sh -c env", program.display()));
    let mut command = Command::new(pwsh);
    command.args(["-NoProfile", "-NonInteractive", "-File", path(&file)]);
    env.prepare(&mut command);
    // The keys are in it: it is not kept.
    let shown = Output::new("pwsh".into(), command.output().unwrap()).ok().stdout;
    let current = crate::handout::keys(&env, &[]);
    for (name, key) in [("AWS_ACCESS_KEY_ID", "AccessKeyId"), ("AWS_SESSION_TOKEN", "SessionToken")] {
        assert!(shown.contains(&format!("{name}={}\n", current[key].as_str().unwrap())), "{name}");
    }
    assert!(!shown.contains("AWS_PROFILE"), "taken away");
}

#[test]
fn pop_undoes_a_push_byte_for_byte_in_any_environment() {
    let Some(pwsh) = program() else { return };
    let env = held_set();
    let dir = env.scratch("powershell");
    fs::create_dir(&dir).unwrap();
    let script = "sh -c 'env -0 > 1'; credstack -q use c1; sh -c 'env -0 > 2'; credstack -q pop; sh -c 'env -0 > 3'";
    // It takes a second to start.
    let config = crate::common::seeded::seeded(6);
    let mut runner = proptest::test_runner::TestRunner::new(config);
    let text = |values: BTreeMap<&'static str, Vec<u8>>| -> BTreeMap<&str, String> {
        let lossy = |value: Vec<u8>| String::from_utf8_lossy(&value).into_owned();
        values.into_iter().map(|(name, value)| (name, lossy(value))).collect()
    };
    let outcome = runner.run(&values().prop_map(text), |values| {
        let mut command = command(&env, &pwsh, "init powershell", script);
        command.current_dir(&dir).envs(&values);
        let output = command.output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        prop_assert!(output.status.success(), "{}", said);
        let [before, during, after] = ["1", "2", "3"].map(|name| aws(&fs::read(dir.join(name)).unwrap()));
        prop_assert_eq!(during.get(&b"AWS_PROFILE"[..]).map(Vec::as_slice), Some(&b"credstack"[..]), "{}", said);
        prop_assert!(!during.contains_key(&b"AWS_SESSION_TOKEN"[..]));
        prop_assert_eq!(after, before, "{}", said);
        Ok(())
    });
    outcome.unwrap_or_else(|failure| panic!("{failure}"));
}

/// At a real prompt, with a prompt function that was there before and one that comes after.
#[test]
fn a_terminal_follows_at_its_prompt_and_the_prompt_sees_how_the_command_ended() {
    let Some(pwsh) = program() else { return };
    let env = environment();
    let profile = env.scratch("profile.ps1");
    let init = format!("Invoke-Expression (& '{}' init powershell | Out-String)", programs::credstack().display());
    env.write(&profile, &format!("{init}\nfunction prompt {{ \"<$? $LASTEXITCODE $Env:AWS_PROFILE> \" }}\n"));
    let mut terminal = Terminal::program(&env, &pwsh, &["-NoProfile", "-NoLogo", "-NoExit", "-File", path(&profile)]);
    terminal.expect("<True");
    terminal.enter_line(&format!("credstack -q push assume {DEVELOPER}")).expect("<True 0 credstack>");
    terminal.enter_line("credstack -q pop; credstack -q pop").expect("<False 3 >");
    env.push_role(DEVELOPER);
    terminal.enter_line("sh -c 'exit 7'").expect("<False 7 credstack>");
    terminal.enter_line("exit 0");
    terminal.finish();
}

#[test]
fn the_check_that_ci_runs_elsewhere_passes() {
    let Some(pwsh) = program() else { return };
    let env = environment();
    let mut command = Command::new(pwsh);
    let script = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../scripts/check-powershell.ps1");
    command.args(["-NoProfile", "-NonInteractive", "-File", path(&script), path(&programs::credstack())]);
    env.prepare(&mut command);
    env.run(command).ok();
}

#[test]
fn a_sync_quotes_what_it_gives() {
    let env = TestEnvironment::new();
    env.plain(["setup", "profile"]).ok();
    env.push_role(DEVELOPER);
    let followed = env.plain(["shell-sync", "powershell", "--at="]).ok().stdout;
    let file = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/cli/snapshots/shell-sync-powershell.ps1");
    let expected = snapbox::Data::read_from(&file, Some(snapbox::data::DataFormat::Text));
    snapbox::assert_data_eq!(followed, expected.raw());
    env.plain(["-q", "pop"]).ok();
    let restored = env.plain(["shell-sync", "powershell", "--at=something"]).ok().stdout;
    assert_eq!(restored, "__credstack_restore\n$Env:CREDSTACK_HOOK = '/'\n$Global:__credstack_at = '.'\n");
}
