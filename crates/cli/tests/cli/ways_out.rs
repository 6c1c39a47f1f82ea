//! Each way out, with a value in each field: what it says, and under which name, is the table of docs/clients.md.
//! `SNAPSHOTS=overwrite` writes that.

use std::{collections::BTreeMap, path::Path, process::Command};

use credstack_core::{
    handout::{self, Cell, Field, WAYS},
    provider::StackCredentialsProvider,
    stack::StateDirectory,
};
use serde_json::Value;

use crate::{
    common::{Output, TestEnvironment, environment::path},
    endpoint::Serving,
    formats,
    handout::{handed_out, keys},
    nushell,
};

const STACK: &str = "ways-out";
const LABEL: &str = "a-label";
const ARN: &str = "arn:aws:sts::111122223333:assumed-role/Developer/ways-of-a-test";

/// What a way said, by name.
type Said = BTreeMap<String, String>;

fn environment() -> TestEnvironment {
    let mut env = TestEnvironment::new();
    let push = ["--stack", STACK, "push", "assume", "Developer", "--session-name", "ways-of-a-test", "--label", LABEL];
    env.plain([&push[..], &["--region", "eu-north-1"]].concat()).ok();
    env.no_keys();
    env.unset("AWS_REGION");
    env.set("CREDSTACK_STACK", STACK);
    env.set("CREDSTACK_SIGNIN_ENDPOINT", &format!("{}/federation", env.sandbox.url()));
    env
}

fn lines(text: &str, rule: fn(&str) -> Option<(String, String)>) -> Said {
    text.lines().filter_map(rule).collect()
}

fn plain(line: &str) -> Option<(String, String)> {
    line.split_once('=').map(|(name, value)| (name.to_owned(), value.to_owned()))
}

/// The variables of a program that was run.
fn variables(output: &Output) -> Said {
    output.stdout.split('\0').filter_map(plain).collect()
}

/// The variables after a shell has evaluated a text, without what it had before.
fn evaluated(env: &TestEnvironment, shell: &str, text: &str) -> Said {
    let file = env.scratch("evaluated");
    env.write(&file, text);
    let (options, cover) = match shell {
        "fish" => (&["--no-config"][..], String::new()),
        _ => (&[][..], "__credstack_cover() { :; }; __credstack_is_free() { :; }; ".to_owned()),
    };
    let mut command = Command::new(shell);
    command.args(options).args(["-c", &format!("{cover}. {}; /usr/bin/env -0", path(&file))]);
    command.env_clear().env("HOME", env.home()).env("PATH", "/usr/bin:/bin");
    let output = command.output().unwrap();
    std::fs::remove_file(&file).unwrap();
    variables(&Output::new(shell.to_owned(), output).ok())
}

fn document(value: &Value) -> Said {
    value.as_object().unwrap().iter().filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned()))).collect()
}

fn metadata(env: &TestEnvironment) -> Said {
    let serving = Serving::start(env, &["--imds"]);
    let (_, _, token) = serving.metadata("PUT /latest/api/token", "X-aws-ec2-metadata-token-ttl-seconds: 60\r\n");
    let get = |path: &str| serving.metadata(&format!("GET /latest/{path}"), &format!("X-aws-ec2-metadata-token: {token}\r\n")).2;
    let mut said = document(&serde_json::from_str(&get("meta-data/iam/security-credentials/credstack")).unwrap());
    said.insert("placement/region".into(), get("meta-data/placement/region"));
    said.insert("instance-identity/document".into(), get("dynamic/instance-identity/document"));
    said
}

fn console(env: &TestEnvironment) -> Said {
    let address = url::Url::parse(handed_out(env, &["console"]).ok().stdout.trim_end()).unwrap();
    let pairs: Said = address.query_pairs().into_owned().collect();
    let destination = url::Url::parse(&pairs["Destination"]).unwrap();
    pairs.into_iter().chain(destination.query_pairs().into_owned()).collect()
}

fn library(env: &TestEnvironment) -> Said {
    use aws_sdk_sts::config::ProvideCredentials;
    let provider = StackCredentialsProvider::new(StateDirectory::new(env.state()), STACK.parse().unwrap());
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let given = runtime.block_on(provider.provide_credentials()).unwrap();
    let expiry = jiff::Timestamp::try_from(given.expiry().unwrap()).unwrap();
    [
        ("access_key_id", given.access_key_id().to_owned()),
        ("secret_access_key", given.secret_access_key().to_owned()),
        ("session_token", given.session_token().unwrap().to_owned()),
        ("expiry", expiry.to_string()),
        ("account_id", given.account_id().unwrap().as_str().to_owned()),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .into()
}

/// Goes a way.
fn said(env: &TestEnvironment, way: &str) -> Said {
    let written = |format: &str| handed_out(env, &["env", "--format", format]).ok().stdout;
    let under = |via: &str| variables(&handed_out(env, &["exec", "--via", via, "--", "/usr/bin/env", "-0"]).ok());
    match way {
        "`env`: bash, zsh, sh" => {
            let [bash, zsh, sh] = ["bash", "zsh", "sh"].map(|shell| {
                let mut said = evaluated(env, shell, &written("env"));
                said.retain(|name, _| name.starts_with("AWS_"));
                said
            });
            assert!(bash == zsh && zsh == sh);
            bash
        }
        "`env --format fish`" => evaluated(env, "fish", &written("fish")),
        "`env --format nushell`" => {
            let file = env.scratch("keys.nuon");
            env.write(&file, &written("nushell"));
            let mut command = Command::new(nushell::program());
            command.args(["--no-config-file", "-c", &format!("open --raw {} | from nuon | to json", path(&file))]);
            env.prepare(&mut command);
            let output = Output::new("nu".to_owned(), command.output().unwrap()).ok();
            std::fs::remove_file(&file).unwrap();
            document(&output.json())
        }
        "`env --format powershell`" => lines(&written("powershell"), formats::powershell),
        "`env --format windows-cmd`" => lines(&written("windows-cmd"), formats::windows_cmd),
        "`env --format json`" => document(&serde_json::from_str::<Value>(&written("json")).unwrap()["set"]),
        "`env --format env-no-export`" => lines(&written("env-no-export"), plain),
        "`env --format docker`" => lines(&written("docker"), plain),
        "`env --format dotenv`" => lines(&written("dotenv"), formats::dotenv),
        "`env --format github`" => lines(&written("github"), formats::github),
        "the profile, `env --format process`" => {
            let process: Value = serde_json::from_str(&written("process")).unwrap();
            assert_eq!(process, keys(env, &[]));
            document(&process)
        }
        "`serve`: the endpoint's answer" => document(&Serving::start(env, &[]).ask_rightly().1),
        "`serve --imds`" => metadata(env),
        "`exec --via env`" => under("env"),
        "`exec --via endpoint`: its variables" => under("endpoint"),
        "`exec --via profile`: its variables" => under("profile"),
        "the hook, `--mode env`" => {
            evaluated(env, "bash", &handed_out(env, &["shell-sync", "bash", "--mode", "env"]).ok().stdout)
        }
        "the hook, `--mode profile`" => {
            env.plain(["setup", "profile", "--name", "followed"]).ok();
            let said = evaluated(env, "bash", &handed_out(env, &["shell-sync", "bash"]).ok().stdout);
            assert_eq!(said["AWS_PROFILE"], "followed");
            said
        }
        "`console`" => console(env),
        "the library's `Credentials`" => library(env),
        other => panic!("{other} is not tried"),
    }
}

/// What each field is, as other commands say it.
fn values(env: &TestEnvironment) -> BTreeMap<&'static str, Vec<String>> {
    let frame = &env.list()["frames"][0];
    let keys = keys(env, &[]);
    let text = |value: &Value| vec![value.as_str().unwrap().to_owned()];
    let all = [
        (Field::AccessKeyId, text(&frame["access_key_id"])),
        (Field::Secret, text(&keys["SecretAccessKey"])),
        (Field::Token, text(&keys["SessionToken"])),
        (Field::Expiry, text(&frame["expires_at"])),
        (Field::Account, vec!["111122223333".to_owned()]),
        (Field::Region, vec!["eu-north-1".to_owned()]),
        (Field::Endpoint, Vec::new()),
        (Field::Identity, vec![ARN.to_owned()]),
        (Field::Frame, vec![frame["credential"].as_str().unwrap().to_owned(), LABEL.to_owned()]),
        (Field::Stack, vec![STACK.to_owned()]),
    ];
    all.into_iter().map(|(field, values)| (field.title(), values)).collect()
}

#[test]
fn every_way_says_what_the_table_says() {
    let env = environment();
    let expected = values(&env);
    for way in WAYS {
        let said = said(&env, way.name);
        for (field, cell) in Field::ALL.into_iter().zip(way.cells) {
            let values = &expected[field.title()];
            match cell {
                Cell::Says(names) => {
                    for name in names {
                        let value = said.get(*name).unwrap_or_else(|| panic!("{}: no {name}", way.name));
                        assert!(values.iter().any(|it| value.contains(it)), "{}: {name} is another {}", way.name, field.title());
                    }
                }
                // An identity's account is no account; a frame's id is too short to be looked for.
                Cell::Gap(_) => {
                    for value in values.iter().filter(|value| value.len() > 3) {
                        let where_it_is = said.iter().find(|(name, said)| {
                            said.contains(value.as_str()) && !name.starts_with("CREDSTACK_STACK") && *name != "CREDSTACK_ARN"
                        });
                        assert_eq!(where_it_is.map(|(name, _)| name), None, "{}: {} is said", way.name, field.title());
                    }
                }
            }
        }
    }
}

#[test]
fn the_documents_have_the_table() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/clients.md");
    let text = std::fs::read_to_string(&file).unwrap();
    let (begin, end) = ("<!-- ways and fields -->\n", "<!-- end -->\n");
    let (before, rest) = text.split_once(begin).unwrap();
    let (there, after) = rest.split_once(end).unwrap();
    let table = format!("\n{}\n", handout::table());
    if std::env::var("SNAPSHOTS").is_ok_and(|action| action == "overwrite") {
        std::fs::write(&file, format!("{before}{begin}{table}{end}{after}")).unwrap();
    } else {
        assert_eq!(there, table, "docs/clients.md says otherwise; SNAPSHOTS=overwrite writes it");
    }
}
