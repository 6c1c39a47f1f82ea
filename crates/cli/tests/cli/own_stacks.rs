//! `credstack init SHELL --per-shell`: real shells, each with a stack of its own.

use std::{
    io::{BufRead, BufReader, Write},
    process::{Child, ChildStdout, Command, Stdio},
};

use crate::{
    common::{ALICE_KEY, TestEnvironment, programs},
    nushell,
    shells::DEVELOPER,
};

const SHELLS: [&str; 4] = ["bash", "zsh", "fish", "nushell"];
/// Those that tell somebody when they end.
const TELLING: [&str; 3] = ["bash", "zsh", "fish"];

fn environment() -> TestEnvironment {
    let env = TestEnvironment::new();
    env.plain(["setup", "profile", "--per-shell"]).ok();
    env
}

fn init(shell: &str) -> String {
    match shell {
        "fish" => format!("{} init fish --per-shell | source", programs::credstack().display()),
        _ => format!("eval \"$({} init {shell} --per-shell)\"", programs::credstack().display()),
    }
}

/// A script in a shell that has evaluated `init --per-shell`.
fn command(env: &TestEnvironment, shell: &str, script: &str) -> Command {
    if shell == "nushell" {
        return nushell::command(env, &["--per-shell"], script);
    }
    let mut command = Command::new(shell);
    if shell == "zsh" {
        command.arg("-f");
    }
    command.args(["-c", &format!("{}\n{script}", init(shell))]);
    env.prepare(&mut command);
    command
}

/// The stacks that are a shell's own.
fn own_stacks(env: &TestEnvironment) -> Vec<String> {
    let stacks = env.json(["stacks"]);
    let names = stacks["stacks"].as_array().unwrap().iter().map(|stack| stack["name"].as_str().unwrap().to_owned());
    names.filter(|name| name.starts_with("shell-")).collect()
}

/// A shell that has pushed something, and waits.
struct Waiting {
    shell: Child,
    stdout: BufReader<ChildStdout>,
}

impl Waiting {
    fn start(env: &TestEnvironment, shell: &str, what: &str) -> Waiting {
        let external = if shell == "nushell" { "^" } else { "" };
        let script =
            format!("credstack -q push {what}; {external}echo pushed; {external}head -n 1; {external}sh -c 'echo $AWS_PROFILE'");
        let mut command = command(env, shell, &script);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut shell = command.spawn().unwrap();
        let stdout = BufReader::new(shell.stdout.take().unwrap());
        let mut waiting = Waiting { shell, stdout };
        assert_eq!(waiting.line(), "pushed");
        waiting
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.stdout.read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    }

    fn is(&self, stack: &str) -> bool {
        stack.starts_with(&format!("shell-{}-", self.shell.id()))
    }

    /// Lets it come to its end.
    fn go_on(mut self) {
        writeln!(self.shell.stdin.take().unwrap(), "go on").unwrap();
        assert_eq!((self.line(), self.line()), ("go on".to_owned(), "credstack-shell".to_owned()));
        assert!(self.shell.wait().unwrap().success());
    }

    fn kill(mut self) {
        self.shell.kill().unwrap();
        self.shell.wait().unwrap();
    }
}

#[test]
fn each_shell_has_its_own_stack_until_it_ends() {
    for shell in SHELLS {
        let env = environment();
        let waiting = Waiting::start(&env, shell, &format!("assume {DEVELOPER}"));
        assert!(own_stacks(&env).iter().all(|stack| waiting.is(stack)), "{shell}");
        let show = if shell == "nushell" { "^sh" } else { "sh" };
        let show = format!("{show} -c 'echo ${{AWS_PROFILE-none}} ${{AWS_ACCESS_KEY_ID-none}}'");
        let script = format!("{show}; credstack -q push session; {show}; credstack -q pop; {show}; credstack -q push session");
        let shown = env.run(command(&env, shell, &script)).ok().stdout;
        let own = format!("none {ALICE_KEY}");
        assert_eq!(shown.lines().collect::<Vec<_>>(), [&own, "credstack-shell none", &own], "{shell}");
        let left = own_stacks(&env);
        let others = left.iter().filter(|stack| !waiting.is(stack)).count();
        assert_eq!(left.len() - others, 1, "{shell}: the living one's stays: {left:?}");
        assert_eq!(others, usize::from(!TELLING.contains(&shell)), "{shell}: {left:?}");
        waiting.go_on();
        env.run(command(&env, shell, "true")).ok();
        assert_eq!(own_stacks(&env), [""; 0], "{shell}");
        assert_eq!(env.held(), [""; 0], "{shell}");
        assert_eq!(env.frames(), ["ambient"], "{shell}: the default stack is nobody's own");
        assert!(env.events().contains(&"removed".to_owned()), "{shell}: history stays");
    }
}

#[test]
fn the_stack_of_a_killed_shell_goes_when_the_next_begins_and_a_living_ones_stays() {
    for shell in SHELLS {
        let env = environment();
        let (killed, living) =
            (Waiting::start(&env, shell, &format!("assume {DEVELOPER}")), Waiting::start(&env, shell, "session"));
        let before = env.vault_files().len();
        killed.kill();
        assert_eq!(own_stacks(&env).len(), 2, "{shell}");
        env.run(command(&env, shell, "true")).ok();
        let left = own_stacks(&env);
        assert!(left.len() == 1 && living.is(&left[0]), "{shell}: {left:?}");
        assert!(env.vault_files().len() < before, "{shell}: with its secrets");
        living.go_on();
    }
}

#[test]
fn a_shell_in_a_shell_shares_its_stack_and_another_terminals_does_not() {
    for shell in SHELLS {
        let env = environment();
        let (external, variable) = if shell == "nushell" { ("^", "$env.CREDSTACK_STACK") } else { ("", "$CREDSTACK_STACK") };
        let inner = format!("{}; credstack -q push assume {DEVELOPER}; echo \\$CREDSTACK_STACK", init("bash"));
        env.write(&env.scratch("inner"), &inner.replace("\\$", "$"));
        let inner = env.scratch("inner").display().to_string();
        let script = format!(
            "{external}echo {variable}; {external}bash {inner}; {external}setsid --wait bash {inner}; __credstack_prompt; \
             {external}sh -c 'echo $AWS_PROFILE'"
        );
        let output = env.run(command(&env, shell, &script)).ok();
        let lines: Vec<_> = output.stdout.lines().collect();
        assert_eq!(lines.len(), 4, "{shell}: {output:?}");
        assert_eq!(lines[0], lines[1], "{shell}");
        assert_ne!(lines[0], lines[2], "{shell}: another session");
        assert_eq!(lines[3], "credstack-shell", "{shell}: what the inner one pushed stays: {output:?}");
    }
}

#[test]
fn a_stack_that_somebody_chose_is_kept() {
    for shell in SHELLS {
        let mut env = environment();
        env.set("CREDSTACK_STACK", "work");
        let external = if shell == "nushell" { "^" } else { "" };
        let script = format!("credstack -q push assume {DEVELOPER}; {external}sh -c 'echo $CREDSTACK_STACK $AWS_PROFILE'");
        assert_eq!(env.run(command(&env, shell, &script)).ok().stdout, "work credstack-shell\n", "{shell}");
        env.unset("CREDSTACK_STACK");
        assert_eq!(env.json(["--stack", "work", "list"])["frames"].as_array().unwrap().len(), 2, "{shell}");
    }
}

/// Where the time when a process began is not known, or after the machine was started anew, a name may come again.
#[test]
fn what_is_left_under_a_new_shells_name_is_not_taken_over() {
    let env = environment();
    let again = format!("unset CREDSTACK_STACK; {}; echo $CREDSTACK_STACK ${{AWS_PROFILE-none}}", init("bash"));
    let script =
        format!("credstack -q push assume {DEVELOPER}; echo $CREDSTACK_STACK $AWS_PROFILE; {again}; __credstack_prompt; {again}");
    let output = env.run(command(&env, "bash", &script)).ok();
    let lines: Vec<_> = output.stdout.lines().map(|line| line.split_once(' ').unwrap()).collect();
    assert_eq!((lines[0].0, lines[0].1, lines[2].1), (lines[2].0, "credstack-shell", "none"), "{output:?}");
}

/// What a person does when the shell ends is still done, and the shell ends as it would have.
#[test]
fn the_end_of_a_shell_is_not_disturbed() {
    for (shell, before, after) in [
        ("bash", "trap 'echo \"mine $?\"' EXIT; set -eu", "exit 7"),
        ("bash", "trap 'echo \"mine $?\"; exit 7' EXIT", "false"),
        ("zsh", "zshexit() { echo \"mine $?\" }; setopt ERR_EXIT NO_UNSET", "exit 7"),
        ("zsh", "trap 'echo \"mine $?\"' EXIT", "exit 7"),
        ("fish", "function mine --on-event fish_exit; echo mine 7; end", "exit 7"),
    ] {
        let env = environment();
        let script =
            format!("{before}\n{}\n{}\ncredstack -q push assume {DEVELOPER}\n(echo sub)\n{after}", init(shell), init(shell));
        let script = if shell == "fish" { script.replace("(echo sub)", "echo sub") } else { script };
        let mut command = Command::new(shell);
        if shell == "zsh" {
            command.arg("-f");
        }
        command.args(["-c", &script]);
        env.prepare(&mut command);
        let output = env.run(command).exits(7);
        assert!(output.stdout.starts_with("sub\nmine"), "{shell} {before}: {output:?}");
        if !before.contains("exit 7") {
            assert_eq!(own_stacks(&env), [""; 0], "{shell} {before}: {output:?}");
        }
    }
}

#[test]
fn where_no_profile_follows_the_variable_the_shell_says_how_to_write_one() {
    let env = TestEnvironment::new();
    let script = format!("credstack -q push assume {DEVELOPER}; sh -c 'echo ${{AWS_PROFILE-none}}'");
    let output = env.run(command(&env, "bash", &script)).ok().says("credstack setup profile --per-shell");
    assert_eq!(output.stdout, "credstack-has-no-profile-yet\n");
}

/// What a client gets from the profile is what the shell's own stack has.
#[test]
fn the_profile_gives_the_keys_of_the_stack_that_the_variable_names() {
    let env = environment();
    let config = std::fs::read_to_string(env.home().join(".aws/config")).unwrap();
    let line = config.lines().find_map(|line| line.strip_prefix("credential_process = ")).unwrap();
    assert!(!line.contains("--stack "), "{line}");
    let asked = format!("{line} | grep -c 'SessionToken'");
    let script = format!("credstack -q push assume {DEVELOPER}; {asked}; unset CREDSTACK_STACK; {asked} || :");
    let output = env.run(command(&env, "bash", &script)).ok();
    assert_eq!(output.stdout.lines().collect::<Vec<_>>(), ["1", "0"], "{output:?}");
}

/// `set -k` takes `export A=b` apart.
#[test]
fn an_option_of_bash_does_not_keep_the_shell_from_its_stack() {
    let env = environment();
    let script = format!("set -k\n{}\nsh -c 'echo $CREDSTACK_STACK'", init("bash"));
    let mut command = Command::new("bash");
    env.prepare(command.args(["-c", &script]));
    assert!(env.run(command).ok().stdout.starts_with("shell-"));
}

#[test]
fn a_new_shells_stack_is_there_before_anything_is_written() {
    for shell in SHELLS {
        let env = environment();
        let external = if shell == "nushell" { "^" } else { "" };
        let script = format!(
            "credstack list --json | {external}grep -c '\"ambient\"'; credstack whoami --json | {external}grep -c alice; \
             credstack exec -- sh -c 'echo $AWS_ACCESS_KEY_ID'; credstack stacks --json | {external}grep -c shell- | {external}cat"
        );
        let output = env.run(command(&env, shell, &script)).ok();
        assert_eq!(output.stdout.lines().collect::<Vec<_>>(), ["1", "1", ALICE_KEY, "0"], "{shell}: {}", output.stderr);
    }
}

/// A program that outlives its shell must not become somebody else.
#[test]
fn the_stack_of_a_shell_that_is_gone_gives_no_keys() {
    let env = environment();
    let waiting = Waiting::start(&env, "bash", &format!("assume {DEVELOPER}"));
    let left = own_stacks(&env).remove(0);
    let asks = |env: &TestEnvironment| {
        let mut late = env.command(["credential-process"]);
        late.env("CREDSTACK_STACK", &left);
        late
    };
    // What it gives is a secret.
    assert!(asks(&env).stdout(Stdio::null()).status().unwrap().success());
    waiting.kill();
    env.run(asks(&env)).exits(3).says("the shell of stack shell-").says("is gone");
    env.run(command(&env, "bash", "true")).ok();
    assert_eq!(own_stacks(&env), [""; 0]);
    env.run(asks(&env)).exits(3).says("is gone");
}

#[test]
fn a_shell_that_begins_or_ends_waits_for_nobody() {
    let env = environment();
    Waiting::start(&env, "bash", &format!("assume {DEVELOPER}")).kill();
    let lock = std::fs::File::open(env.state().join("lock")).unwrap();
    lock.lock().unwrap();
    let begun = std::time::Instant::now();
    let output = env.run(command(&env, "bash", "echo $CREDSTACK_STACK")).ok();
    assert!(output.stdout.starts_with("shell-") && output.stderr.is_empty(), "{output:?}");
    // Others are waited for ten seconds otherwise.
    assert!(begun.elapsed().as_secs() < 8, "{:?}", begun.elapsed());
    drop(lock);
    assert_eq!(own_stacks(&env).len(), 1, "for the next shell");
    env.run(command(&env, "bash", "true")).ok();
    assert_eq!(own_stacks(&env), [""; 0]);
}

#[test]
fn one_stack_and_a_stack_for_each_are_not_asked_for_at_once() {
    let env = environment();
    env.plain(["--stack", "work", "init", "bash", "--per-shell"]).exits(2).says("leave out one of the two");
    env.plain(["--stack", "work", "setup", "profile", "--per-shell"]).exits(2).says("leave out one of the two");
}
