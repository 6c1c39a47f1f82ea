//! The command line that `setup profile` writes, run as the clients run it: whatever the paths are, it names the state directory
//! and the program that it was written for.

use std::{fs, path::Path, process::Command};

use crate::{
    common::{Output, TestEnvironment, environment::path, programs},
    handout::handed_out,
};

const DEVELOPER: &str = "arn:aws:iam::111122223333:role/Developer";

/// Paths that mean something to a shell, to a configuration file, or to a client that un-escapes them.
const HOSTILE: [&str; 6] = ["it's", "back\\slash", "a b", "$(touch marker)`touch marker`&\"*(", "50% #1;x", "é"];

/// The line as the file has it.
fn line(env: &TestEnvironment) -> String {
    let text = fs::read_to_string(env.home().join(".aws/config")).unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix("credential_process = ")).unwrap();
    line.to_owned()
}

/// How a client runs it: the words of a command.
fn as_run_by(client: &str, line: &str) -> Vec<String> {
    let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
    match client {
        "botocore" => shell_words::split(line).unwrap(),
        "JavaScript, Rust, Java" => words(&["sh", "-c", line]),
        "Go" => {
            let quoted = ['\'', '"'].into_iter().any(|quote| line.starts_with(quote) && line.ends_with(quote));
            words(&["sh", "-c", if quoted { &line[1..line.len() - 1] } else { line }])
        }
        ".NET" => words(&["sh", "-c", &line.replace('\\', "")]),
        other => panic!("{other}"),
    }
}

/// Runs it far from where it was written: another home, another state.
fn elsewhere(env: &TestEnvironment, words: &[String]) -> Output {
    let (home, here) = (env.scratch("other home"), env.scratch("here"));
    fs::create_dir_all(&home).unwrap();
    fs::create_dir_all(&here).unwrap();
    let mut command = Command::new(&words[0]);
    command.args(&words[1..]).env_clear().current_dir(&here).env("PATH", "/usr/bin:/bin").env("HOME", &home);
    command.env("XDG_STATE_HOME", home.join("state")).env("CREDSTACK_STATE_DIR", home.join("another"));
    command.env("AWS_EC2_METADATA_DISABLED", "true");
    let output = Output::new(words.join(" "), command.output().unwrap()).ok();
    assert_eq!(fs::read_dir(&here).unwrap().count(), 0, "something was run");
    output
}

#[test]
fn a_profile_is_of_the_state_that_it_was_made_for_whatever_its_path() {
    for name in HOSTILE {
        let mut env = TestEnvironment::without_store();
        let state = env.scratch(name);
        env.set("CREDSTACK_STATE_DIR", path(&state));
        env.plain(["setup", "--store", "vault", "--key-file", path(&env.key_file())]).ok();
        env.push_role(DEVELOPER);
        env.plain(["setup", "profile"]).ok();
        let expected = handed_out(&env, &["credential-process"]).ok().json()["AccessKeyId"].clone();
        for client in ["botocore", "JavaScript, Rust, Java", "Go", ".NET"] {
            let given = elsewhere(&env, &as_run_by(client, &line(&env))).json();
            assert_eq!(given["AccessKeyId"], expected, "{name}: {client}");
        }
        // It is found again, and not for another state.
        env.no_keys();
        let seen = handed_out(&env, &["exec", "--follow", "--via", "profile", "--", "sh", "-c", "echo $AWS_PROFILE"]).ok().stdout;
        assert_eq!(seen, "credstack\n");
        let other = env.scratch("another state");
        let refused = ["--state-dir", path(&other), "exec", "--follow", "--via", "profile", "--", "true"];
        handed_out(&env, &refused).exits(125).says("has no profile for stack default");
    }
}

#[test]
fn a_program_in_any_directory_is_run_by_every_client() {
    let beside = tempfile::tempdir_in(programs::credstack().parent().unwrap()).unwrap();
    for name in HOSTILE {
        let mut env = TestEnvironment::new();
        env.push_role(DEVELOPER);
        let directory = beside.path().join(name);
        fs::create_dir(&directory).unwrap();
        let program = directory.join("credstack");
        fs::hard_link(programs::credstack(), &program).unwrap();
        let setup = |env: &TestEnvironment, arguments: &[&str]| {
            let mut command = Command::new(&program);
            command.args(["setup", "profile"]).args(arguments);
            env.prepare(&mut command);
            env.run(command)
        };
        setup(&env, &["--dry-run"]).ok();
        assert!(!env.home().join(".local").exists(), "shown, and nothing made");
        setup(&env, &[]).ok();
        let line = line(&env);
        assert!(line.ends_with(|c: char| c.is_ascii_hexdigit()), "{line}: Go takes quotes at both ends off");
        for client in ["botocore", "JavaScript, Rust, Java", "Go", ".NET"] {
            let given = elsewhere(&env, &as_run_by(client, &line)).json();
            assert_eq!(given["Version"], 1, "{name}: {client}");
        }
        // Where no plain path can be had, that is said.
        let home = env.scratch("it's home");
        fs::create_dir(&home).unwrap();
        env.set("HOME", path(&home));
        env.set("CREDSTACK_STATE_DIR", path(&home.join("state")));
        let output = setup(&env, &[]);
        match name.contains(['\'', '\\', '#']) {
            true => drop(output.exits(2).says("cannot be written into an AWS configuration file for every client")),
            false => drop(output.ok()),
        }
    }
}

#[test]
fn a_profile_of_an_earlier_version_goes_on_to_be_used_and_is_brought_up_to_date() {
    let mut env = TestEnvironment::new();
    env.push_role(DEVELOPER);
    env.no_keys();
    let program = programs::credstack();
    let block = |options: &str| {
        format!(
            "# >>> profile credstack, managed by `credstack setup profile` >>>\n[profile credstack]\n\
             credential_process = {} credential-process --stack default{options}\nregion = eu-west-1\n# <<< profile credstack <<<\n",
            path(&program)
        )
    };
    for options in [String::new(), format!(" --state-dir '{}'", path(&env.state()))] {
        env.aws_config(&block(&options));
        let seen = handed_out(&env, &["exec", "--follow", "--via", "profile", "--", "sh", "-c", "echo $AWS_PROFILE"]).ok().stdout;
        assert_eq!(seen, "credstack\n", "{options}");
        env.plain(["setup", "profile"]).ok().says("follows stack default");
        assert!(line(&env).contains(" --state "), "{}", line(&env));
        assert_eq!(fs::read_to_string(env.home().join(".aws/config")).unwrap().matches("[profile credstack]").count(), 1);
    }
    let other = env.scratch("other");
    env.aws_config(&block(&format!(" --state-dir {}", path(&other))));
    assert!(Path::new(&program).exists());
    handed_out(&env, &["exec", "--follow", "--via", "profile", "--", "true"]).exits(125).says("has no profile for stack default");
}
