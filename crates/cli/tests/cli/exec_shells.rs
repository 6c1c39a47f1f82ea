//! Shells with the hook, started by `credstack exec`: they are what exec gave them.

use crate::{
    common::{ALICE_KEY, BOB_KEY, BOB_SECRET, TestEnvironment, environment::path, programs, terminal::Terminal},
    nested_shells::{SHOW, lines, run, script, shells},
    shells::{DEVELOPER, environment},
};

fn exec(options: &str, script: &str) -> String {
    format!("{} {options} -- {script}", programs::credstack().display())
}

/// Which frame a shell's programs are: by the access key id in their environment.
fn key(env: &TestEnvironment, frame: &str) -> String {
    crate::handout::keys(env, &["--frame", frame])["AccessKeyId"].as_str().unwrap().to_owned()
}

/// Cases 1 and 2, and P4: the hook put the stack's identity back at the first prompt.
#[test]
fn a_shell_under_exec_stays_what_it_was_given_at_every_prompt() {
    for shell in shells() {
        let env = environment();
        env.push_role(DEVELOPER);
        let inner = script(
            &env,
            shell,
            "inner",
            &[
                SHOW,
                "PROMPT",
                SHOW,
                "credstack prompt --color never",
                "sh -c echo",
                &format!("credstack push assume {DEVELOPER} --region us-west-2"),
                SHOW,
                "PROMPT",
                SHOW,
                "credstack -q push session --from env --no-use",
                "PROMPT",
                SHOW,
            ],
        );
        let outer = script(&env, shell, "outer", &["PROMPT", &exec("exec --frame root --via env", &inner), "PROMPT", SHOW]);
        let output = run(&env, &outer).ok();
        let root = format!("none {ALICE_KEY} eu-west-1");
        assert_eq!(
            lines(&output),
            [&root, &root, "exec 111122223333/alice", &root, &root, &root, "credstack none us-west-2"],
            "{shell}: {}",
            output.stderr
        );
        let said = "this shell stays 111122223333/alice (c1): it runs under `credstack exec`";
        assert_eq!(output.stderr.matches(said).count(), 1, "{shell}: {}", output.stderr);
    }
}

#[test]
fn a_narrowed_shell_stays_narrowed_and_its_prompt_says_until_when() {
    for shell in shells() {
        let env = environment();
        env.push_role(DEVELOPER);
        let full = key(&env, "current");
        let show_key = "sh -c 'echo ${AWS_PROFILE-none} $AWS_ACCESS_KEY_ID'";
        let inner = script(&env, shell, "inner", &[show_key, "PROMPT", show_key, "credstack prompt --color never", "sh -c echo"]);
        let output = run(&env, &exec("exec --read-only --via env --ttl 20m", &inner)).ok();
        let shown = lines(&output);
        assert!(shown[0].starts_with("none ASIA") && !shown[0].contains(&full), "{shell}: {}", output.stdout);
        assert_eq!(shown[0], shown[1], "{shell}: {}", output.stderr);
        let left = shown[2].strip_prefix("exec 111122223333/Developer ").and_then(|left| left.strip_suffix('m'));
        assert!(left.is_some_and(|left| ["19", "20"].contains(&left)), "{shell}: {}", shown[2]);
    }
}

/// Case 3.
#[test]
fn a_shell_of_another_stacks_exec_is_that_stacks() {
    for shell in shells() {
        let env = environment();
        env.push_role(DEVELOPER);
        env.plain(["--stack", "w", "push", "session"]).ok();
        let inner = script(
            &env,
            shell,
            "inner",
            &["PROMPT", "credstack whoami --offline --json", "credstack prompt --color never", "sh -c echo"],
        );
        let output = run(&env, &exec("--stack w exec --via env", &inner)).ok();
        assert!(output.stdout.contains("arn:aws:iam::111122223333:user/alice"), "{shell}: {} {}", output.stdout, output.stderr);
        assert!(lines(&output).last().unwrap().starts_with("exec 111122223333/alice 1"), "{shell}: {}", output.stdout);
    }
}

/// A tmux server and an editor outlive the exec that they were started by.
#[test]
fn a_shell_whose_exec_has_ended_says_so_once_and_how_it_follows_the_stack_again() {
    for shell in shells() {
        const CONFIG: &str = "sh -c 'echo config ${AWS_CONFIG_FILE-none}'";
        let env = environment();
        env.push_role(DEVELOPER);
        // Exec gives files of its own in the place of such ones.
        let config = std::fs::read_to_string(env.home().join(".aws/config")).unwrap();
        env.aws_config(&format!("[default]\naws_access_key_id = {BOB_KEY}\naws_secret_access_key = {BOB_SECRET}\n{config}"));
        env.learn(BOB_SECRET);
        let names = "CREDSTACK_FRAME CREDSTACK_NAME CREDSTACK_ARN CREDSTACK_VIA CREDSTACK_EXEC";
        let line = match shell {
            "fish" => format!("set -e {names}"),
            "nushell" => format!("hide-env --ignore-errors {names}"),
            "powershell" => format!("Remove-Item Env:{} -ErrorAction Ignore", names.replace(' ', ", Env:")),
            _ => format!("unset {names}"),
        };
        let ends = format!("RAW {line}");
        let inner = script(
            &env,
            shell,
            "inner",
            &["PROMPT", SHOW, "PROMPT", SHOW, &ends, "PROMPT", SHOW, CONFIG, "credstack -q pop --root", SHOW],
        );
        let go = env.scratch("go");
        // It begins when exec, which has become the shell that starts it, has ended.
        let later = format!(
            "(while ! test -e {0}; do sleep 0.05; done; {inner} > {0}.out 2>&1; touch {0}.done) >/dev/null 2>&1 </dev/null &",
            go.display()
        );
        let starts = env.scratch("starts.sh");
        env.write(&starts, &later);
        run(&env, &exec("exec --frame root --via env", &format!("sh {}", path(&starts)))).ok();
        env.write(&go, "");
        let done = go.with_extension("done");
        let deadline = std::time::Instant::now() + std::time::Duration::from_secs(30);
        while !done.exists() {
            assert!(std::time::Instant::now() < deadline, "{shell}");
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
        let shown = std::fs::read_to_string(go.with_extension("out")).unwrap();
        let root = format!("none {ALICE_KEY} eu-west-1");
        let states: Vec<&str> = shown.lines().filter(|line| line.split(' ').count() == 3).collect();
        // At c1 it has not the captured keys of its own, and follows the stack there.
        let follows = "credstack none eu-west-1";
        assert_eq!(states, [&root, &root, follows, follows], "{shell}: {shown}");
        assert!(shown.contains("config none"), "{shell}: {shown}");
        assert_eq!(shown.matches("from a `credstack exec` that has ended").count(), 1, "{shell}: {shown}");
        assert!(shown.contains(&format!("run `{line}` to follow stack default again")), "{shell}: {shown}");
    }
}

/// At a real prompt, with the hook in a start-up file, as people have it.
#[test]
fn at_a_real_prompt_the_identity_is_what_exec_gave() {
    let env = environment();
    env.push_role(DEVELOPER);
    let start_up = env.scratch("bashrc");
    let credstack = programs::credstack();
    env.write(&start_up, &format!("eval \"$({0} init bash)\"\nPS1='<$({0} prompt --color never)> '\n", credstack.display()));
    let options = ["--noprofile", "--rcfile", path(&start_up), "-i"];
    let start = |exec: &[&str]| {
        let arguments: Vec<&str> = exec.iter().chain(&["--", "bash"]).chain(&options).copied().collect();
        Terminal::start(&env, &arguments)
    };
    let mut terminal = start(&["exec", "--frame", "root", "--via", "env"]);
    terminal.expect("<exec 111122223333/alice> ");
    terminal.type_line("echo who-$((1)) ${AWS_PROFILE-none} $AWS_ACCESS_KEY_ID.");
    terminal.expect(&format!("who-1 none {ALICE_KEY}."));
    terminal.type_line("credstack pop").expect("this shell stays 111122223333/alice (c1)");
    terminal.type_line("echo who-$((2)) ${AWS_PROFILE-none} $AWS_ACCESS_KEY_ID.");
    terminal.expect(&format!("who-2 none {ALICE_KEY}."));
    terminal.type_line_and_finish("exit 0");
    // And one that is typed at a prompt of a shell that follows.
    env.push_role(DEVELOPER);
    let mut terminal = Terminal::bash(&env, &start_up, None);
    terminal.expect("<111122223333/Developer ").expect(" +1> ");
    let line = format!("{} exec --read-only --via env -- bash {}", credstack.display(), options.join(" "));
    terminal.type_line(&line).expect("<exec 111122223333/Developer ");
    terminal.type_line("echo who-$((1)) ${AWS_PROFILE-none} ${AWS_ACCESS_KEY_ID:0:4}.").expect("who-1 none ASIA.");
    terminal.type_line("exit").type_line("echo who-$((2)) ${AWS_PROFILE-none} ${AWS_ACCESS_KEY_ID-none}.");
    terminal.expect("who-2 credstack none.");
    terminal.type_line_and_finish("exit 0");
}

/// A tmux of its own, which ends with the test.
struct Tmux<'a> {
    env: &'a TestEnvironment,
}

impl Tmux<'_> {
    fn does(&self, arguments: &[&str]) -> String {
        let mut command = std::process::Command::new("tmux");
        self.env.prepare(command.args(["-L", "credstack-test", "-f", "/dev/null"]).args(arguments));
        let output = command.output().unwrap();
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    #[track_caller]
    fn shows(&self, text: &str) {
        let deadline = std::time::Instant::now() + std::time::Duration::from_secs(20);
        loop {
            // Lines that were too long for the pane are joined again.
            let shown = self.does(&["capture-pane", "-p", "-J"]);
            if shown.contains(text) {
                return;
            }
            assert!(std::time::Instant::now() < deadline, "expected {text:?}, tmux shows:\n{shown}");
            std::thread::sleep(std::time::Duration::from_millis(50));
        }
    }

    fn types(&self, line: &str) {
        self.does(&["send-keys", "-l", line]);
        self.does(&["send-keys", "Enter"]);
    }
}

impl Drop for Tmux<'_> {
    fn drop(&mut self) {
        self.does(&["kill-server"]);
    }
}

#[test]
fn in_tmux_a_shell_is_what_exec_gave_until_the_exec_has_ended() {
    let mut env = environment();
    env.push_role(DEVELOPER);
    let sockets = env.scratch("tmux");
    std::fs::create_dir(&sockets).unwrap();
    env.set("TMUX_TMPDIR", path(&sockets));
    let start_up = env.scratch("bashrc");
    let credstack = programs::credstack();
    env.write(&start_up, &format!("eval \"$({0} init bash)\"\nPS1='<$({0} prompt --color never)> '\n", credstack.display()));
    let shell = format!("bash --noprofile --rcfile {} -i", start_up.display());
    let tmux = Tmux { env: &env };
    let arguments = ["exec", "--frame", "root", "--via", "env", "--", "tmux", "-L", "credstack-test", "-f", "/dev/null"];
    let mut terminal = Terminal::start(&env, &[&arguments[..], &["new-session", "-x", "180", "-y", "40", &shell]].concat());
    terminal.expect("<exec 111122223333/alice> ");
    tmux.types("echo who-$((1)) ${AWS_PROFILE-none} $AWS_ACCESS_KEY_ID.");
    tmux.shows(&format!("who-1 none {ALICE_KEY}."));
    // The client is what exec became. The server, and its panes, go on.
    tmux.does(&["detach-client"]);
    terminal.finish();
    tmux.types("");
    tmux.shows("warning: this shell has the credentials of 111122223333/alice (c1) from a `credstack exec` that has ended");
    tmux.shows("<exec 111122223333/alice ended> ");
    tmux.types("credstack env --format process --reveal; echo ended-$?");
    tmux.shows("ended-3");
    tmux.does(&["clear-history"]);
    tmux.types("unset CREDSTACK_FRAME CREDSTACK_NAME CREDSTACK_ARN CREDSTACK_VIA CREDSTACK_EXEC");
    tmux.shows("<111122223333/Developer ");
    tmux.types("echo who-$((2)) ${AWS_PROFILE-none} ${AWS_ACCESS_KEY_ID-none}.");
    tmux.shows("who-2 credstack none.");
    // Another pane of the same server has the marker still, and says so.
    tmux.does(&["new-window", &shell]);
    tmux.shows("from a `credstack exec` that has ended");
}
