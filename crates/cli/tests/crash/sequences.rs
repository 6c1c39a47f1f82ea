//! Random sequences of commands, compared after every command with the plain model of aws.iam's list.

use std::{collections::BTreeSet, fs, process::Command};

use proptest::{
    prelude::*,
    test_runner::{Config, RngSeed, TestRunner},
};
use serde_json::Value;

use crate::{
    common::{ALICE_KEY, ALICE_SECRET, BOB_KEY, BOB_SECRET, ROOT_KEY, ROOT_SECRET},
    machine::{Machine, Store},
    plain::{Environment, Made, Model, Refusal, Step, To, Which},
    steps,
};

const SEQUENCES: u32 = 200;

#[test]
fn random_sequences_agree_with_aws_iams_list() {
    let mut machine = Machine::new(Store::Vault);
    machine.env.no_keys();
    let profile = format!("[alice]\naws_access_key_id = {ALICE_KEY}\naws_secret_access_key = {ALICE_SECRET}\n");
    machine.env.write(&machine.env.home().join(".aws/credentials"), &profile);
    let config = Config {
        cases: SEQUENCES,
        rng_seed: RngSeed::Fixed(0x5eed),
        failure_persistence: None,
        max_shrink_iters: 200,
        ..Config::default()
    };
    let run = TestRunner::new(config).run(&steps::sequences(3..10), |sequence| {
        fs::remove_dir_all(machine.env.state()).unwrap();
        let key = machine.env.key_file();
        machine.run(&["setup", "--store", "vault", "--key-file", key.to_str().unwrap()]).ok();
        let mut model = Model::default();
        for (step, agreed) in sequence {
            let step = possible(step);
            let before = model.clone();
            let expected = model.take(step, agreed);
            take(&machine, step, agreed, &before, &expected)?;
            for stack in 0..3 {
                if stack == stack_of(step) || step_concerns_all(step) {
                    compare(&machine, stack, &model)?;
                }
            }
        }
        for stack in 0..3 {
            compare(&machine, stack, &model)?;
        }
        machine.assert_settled();
        Ok(())
    });
    if let Err(failure) = run {
        panic!("{failure}");
    }
}

/// Here every shell can sign: it has alice's profile, or keys. And sessions live as long as the test: `refresh` follows a set
/// to what it was renewed to, which the model does not know of, and has tests of its own.
fn possible(mut step: Step) -> Step {
    if matches!(step, Step::Renew(_)) {
        return Step::ForgetExpired;
    }
    if let Step::Push { kind, .. } = &mut step
        && *kind == Made::Brief
    {
        *kind = Made::Session;
    }
    if let Step::Push { shell, .. } | Step::Use { shell, .. } | Step::Save { shell, .. } | Step::Swap { shell, .. } = &mut step
        && !matches!(shell, Environment::Keys(_))
    {
        *shell = Environment::Profile;
    }
    step
}

fn take(
    machine: &Machine,
    step: Step,
    agreed: bool,
    before: &Model,
    expected: &Result<(), Refusal>,
) -> Result<(), TestCaseError> {
    let stack = name(stack_of(step));
    let mut command = machine.env.command(["--stack", &stack]);
    let chosen = |which| format!("c{}", before.choose(which));
    let mut input = String::new();
    let may_ask = match step {
        Step::Push { to, kind, shell, .. } => {
            if kind == Made::Imported {
                command.args(["push", "import"]);
                input = format!(r#"{{"Version":1,"AccessKeyId":"{ROOT_KEY}","SecretAccessKey":"{ROOT_SECRET}"}}"#);
            } else {
                command.args(["push", "assume", "Developer", "--profile", "alice"]);
            }
            command.args(match to {
                To::Top => None,
                To::Current => Some("--replace"),
                To::NoStack => Some("--no-use"),
            });
            in_shell(&mut command, shell);
            true
        }
        Step::Use { which, replace, shell, .. } => {
            command.arg("use").arg(match which {
                Which::Set(which) => chosen(which),
                Which::Position(position) => position.to_string(),
            });
            command.args(replace.then_some("--replace"));
            in_shell(&mut command, shell);
            true
        }
        Step::Save { shell, .. } => {
            in_shell(command.arg("save"), shell);
            false
        }
        Step::Swap { shell, .. } => {
            in_shell(command.arg("swap"), shell);
            false
        }
        Step::Pop { root, keep, .. } => {
            command.arg("pop").args(root.then_some("--root")).args(keep.then_some("--keep"));
            true
        }
        Step::Drop { all, .. } => {
            command.arg("drop").args(all.then_some("--all"));
            true
        }
        Step::Clear { .. } => {
            command.arg("clear");
            true
        }
        Step::Remove { .. } => {
            command.args(["stacks", "remove", &stack]);
            true
        }
        Step::Forget(which) => {
            command.args(["forget", &chosen(which)]);
            true
        }
        Step::ForgetExpired | Step::Renew(_) => {
            command.args(["forget", "--expired"]);
            true
        }
    };
    command.args((may_ask && agreed).then_some("--yes"));
    let output = machine.env.run_with_input(command, input.as_bytes());
    let code = match expected {
        Ok(()) => 0,
        Err(Refusal::OnStack | Refusal::WouldLose(_)) => 2,
        Err(Refusal::Expired) => 5,
        Err(_) => 3,
    };
    prop_assert_eq!(output.code, Some(code), "{:?}, expected {:?}: {}", step, expected, output.stderr);
    Ok(())
}

fn compare(machine: &Machine, stack: usize, model: &Model) -> Result<(), TestCaseError> {
    let output = machine.run(&["--stack", &name(stack), "list", "--json"]);
    let Some(frames) = model.stacks.get(&stack) else {
        prop_assert_eq!(output.code, Some(3));
        return Ok(());
    };
    let list: Value = serde_json::from_str(&output.ok().stdout).unwrap();
    let id = |number: i64| if number > 0 { Value::from(format!("c{number}")) } else { Value::Null };
    let shown = list["frames"].as_array().unwrap();
    let ids: Vec<_> = shown.iter().map(|frame| frame["credential"].clone()).collect();
    prop_assert_eq!(ids, frames.iter().map(|number| id(*number)).collect::<Vec<_>>(), "stack {}", stack);
    for (position, frame) in shown.iter().enumerate() {
        prop_assert_eq!(&frame["position"], &Value::from(position));
        prop_assert_eq!(&frame["current"], &Value::from(position == 0));
        let number = frames[position];
        let session = number > 0 && !model.set(number).irreplaceable;
        prop_assert_eq!(frame["kind"] == "assume-role", session, "{}", frame);
    }
    let held: BTreeSet<_> = list["held"].as_array().unwrap().iter().map(|set| set["credential"].to_string()).collect();
    prop_assert_eq!(held, model.held().into_iter().map(|number| id(number).to_string()).collect());
    Ok(())
}

fn in_shell(command: &mut Command, shell: Environment) {
    let (key, secret) = match shell {
        Environment::Keys(0) => (ALICE_KEY, ALICE_SECRET),
        Environment::Keys(_) => (BOB_KEY, BOB_SECRET),
        _ => {
            command.env("AWS_PROFILE", "alice");
            return;
        }
    };
    command.env("AWS_ACCESS_KEY_ID", key).env("AWS_SECRET_ACCESS_KEY", secret);
}

fn stack_of(step: Step) -> usize {
    match step {
        Step::Push { stack, .. }
        | Step::Use { stack, .. }
        | Step::Save { stack, .. }
        | Step::Pop { stack, .. }
        | Step::Drop { stack, .. }
        | Step::Swap { stack, .. }
        | Step::Clear { stack }
        | Step::Remove { stack } => stack,
        Step::Forget(_) | Step::ForgetExpired | Step::Renew(_) => 0,
    }
}

fn step_concerns_all(step: Step) -> bool {
    matches!(step, Step::Forget(_) | Step::ForgetExpired | Step::Renew(_))
}

fn name(stack: usize) -> String {
    if stack == 0 { "default".into() } else { format!("other-{stack}") }
}
