//! `doctor`: the installation, and what programs see of it in this shell.

mod sources;

use std::path::{Path, PathBuf};

use comfy_table::Cell;
use credstack_core::{
    aws_files::{self, Texts},
    database::{Database, DatabaseError},
    secret_store::SecretStoreError as E,
    stack::{Change, Consent, Notice, Reader, StackError},
    values::State,
};
use serde::Serialize;
use serde_json::json;
use sources::Sources;

use crate::{
    aws_config,
    context::Context,
    failure::{Failure, Kind},
    our_files,
    output::{escape, table},
    profile, store, words,
};

/// Examine the installation, and settle what killed commands left
///
/// Looks at the state directory, the database, the secret store and every stored secret, and says
/// which source of credentials programs take in this shell. Ends with the exit code of the worst
/// finding.
///
/// Examples:
///   credstack doctor
///   credstack doctor --json
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub struct Doctor {}

/// One thing that was looked at.
#[derive(Debug, Serialize)]
struct Finding {
    check: &'static str,
    ok: bool,
    message: String,
    next_step: Option<String>,
    #[serde(skip)]
    kind: Option<Kind>,
}

impl Finding {
    fn good(check: &'static str, message: impl Into<String>) -> Finding {
        Finding { check, ok: true, message: message.into(), next_step: None, kind: None }
    }

    fn bad(check: &'static str, failure: impl Into<Failure>) -> Finding {
        let Failure { kind, message, next_step, .. } = failure.into();
        Finding { check, ok: false, message, next_step, kind: Some(kind) }
    }
}

impl Doctor {
    pub fn run(&self, context: &Context) -> Result<(), Failure> {
        let mut findings = Vec::new();
        examine(context, &mut findings);
        shell(context, &mut findings);
        if context.output.json() {
            context.output.print_json(&json!({ "findings": findings }))?;
        } else {
            let mut rows = table(&[]);
            for finding in &findings {
                let mark = if finding.ok { "ok" } else { "PROBLEM" };
                let next = finding.next_step.as_ref().map(|next| format!(" — {next}")).unwrap_or_default();
                let text = format!("{}{next}", finding.message);
                rows.add_row([mark, finding.check, &text].map(|text| Cell::new(escape(text))));
            }
            context.output.print(&rows.trim_fmt())?;
        }
        match findings.iter().filter_map(|finding| finding.kind).max_by_key(|kind| *kind as u8) {
            Some(kind) => {
                let count = findings.iter().filter(|finding| !finding.ok).count();
                Err(Failure::new(kind, format!("doctor found {count} problem(s)")).next_step("do what stands beside each"))
            }
            None => Ok(()),
        }
    }
}

fn examine(context: &Context, findings: &mut Vec<Finding>) {
    let place = context.place.path().display().to_string();
    if let Err(error) = context.place.check() {
        findings.push(Finding::bad("state directory", error));
        return;
    }
    findings.push(Finding::good("state directory", place));
    if !context.place.database().exists() {
        findings.push(Finding::good("database", "none yet: the first change makes it"));
        match context.reader() {
            Ok(reader) => strays(&reader, findings),
            Err(error) => findings.push(Finding::bad("stacks", error)),
        }
        return;
    }
    findings.push(database(context));
    if findings.iter().any(|finding| !finding.ok) {
        return;
    }
    match Change::begin(&context.place, context.terms("doctor", Consent::Only(Default::default()))) {
        Ok(mut change) => {
            let notices = change.take_notices();
            for notice in &notices {
                let text = words::notice(notice);
                findings.push(match notice {
                    Notice::CutOff(_) | Notice::Orphaned(_) | Notice::Interrupted(_) => Finding::good("recovery", text),
                    Notice::Postponed { .. } => Finding::bad(
                        "recovery",
                        Failure::new(Kind::SecretStore, text).next_step("see what is said of the secret store"),
                    ),
                });
            }
            if notices.is_empty() {
                findings.push(Finding::good("recovery", "nothing was left by killed commands"));
            }
        }
        Err(error) => findings.push(Finding::bad("recovery", error)),
    }
    match context.reader() {
        Ok(reader) => {
            stacks(&reader, findings);
            strays(&reader, findings);
            secrets(&reader, findings);
        }
        Err(error) => findings.push(Finding::bad("stacks", error)),
    }
}

/// What programs take for credentials in this shell.
fn shell(context: &Context, findings: &mut Vec<Finding>) {
    // As programs see it: under `exec` these may be files of ours.
    let seen = |name: &str, own: &Path| match context.variable(name).map(PathBuf::from) {
        Some(path) if our_files::originals(&path).is_some() => path,
        _ => own.to_owned(),
    };
    let (config_file, credentials_file) =
        (seen("AWS_CONFIG_FILE", &context.aws_config_file), seen("AWS_SHARED_CREDENTIALS_FILE", &context.aws_credentials_file));
    let files = aws_config::read(&config_file).and_then(|config| Ok((config, aws_config::read(&credentials_file)?)));
    let (config, credentials) = match files {
        Ok(files) => files,
        Err(failure) => return findings.push(Finding::bad("AWS configuration", failure)),
    };
    // What is wrong with the database was said before.
    let reader = context.reader().ok();
    let view = reader.as_ref().and_then(|reader| reader.stack(&context.stack).ok());
    let owner = context.aws("AWS_ACCESS_KEY_ID").zip(reader.as_ref()).and_then(|(key, reader)| reader.key_owner(key).ok());
    let is_profile = |name: &str| {
        let section = if name == "default" { name.to_owned() } else { format!("profile {name}") };
        aws_config::has_section(&config, &section) || aws_config::has_section(&credentials, name)
    };
    let (config_text, credentials_text) = (String::from_utf8_lossy(&config), String::from_utf8_lossy(&credentials));
    let texts = Texts { config: &config_text, credentials: &credentials_text };
    let ours = profile::find(context, &config);
    findings.extend(inside(context));
    let handed = context.variable("AWS_CONFIG_FILE").and_then(|path| our_files::originals(Path::new(&path))?.handed);
    let named = context.variable("AWS_PROFILE");
    let sources = Sources {
        gives_credentials: &|name| aws_files::gives_credentials(texts, name),
        given: context.pin().and_then(|marker| marker.frame),
        handed: handed.as_deref().zip(named.as_deref()),
        variables: &context.aws_environment,
        owner,
        current: view.as_ref().and_then(|view| view.current()),
        is_profile: &is_profile,
        is_ours_hidden: ours.as_ref().is_some_and(|name| aws_config::has_section(&credentials, name)),
        ours: ours.as_deref(),
        now: context.now,
    };
    findings.extend(sources.explain());
}

/// The `exec` that this shell runs under, if any.
fn inside(context: &Context) -> Option<Finding> {
    const CHECK: &str = "exec";
    let marker = context.marker.as_ref()?;
    let way = marker.via.as_deref().unwrap_or("an unknown way");
    if let Err(failure) = context.frame(None) {
        return Some(Finding::bad(CHECK, failure));
    }
    Some(Finding::good(
        CHECK,
        match (marker.frame, context.pin()) {
            (None, _) => format!("this runs under `credstack exec --follow`: programs follow the stack by {way}"),
            (Some(_), Some(_)) => {
                format!("this runs under `credstack exec`: programs get {} by {way}, whatever the stack says", marker.words())
            }
            (Some(_), None) => {
                format!(
                    "this runs under `credstack exec` for another stack: programs get {} by {way}, credstack takes this stack",
                    marker.words()
                )
            }
        },
    ))
}

fn database(context: &Context) -> Finding {
    let path = context.place.database();
    let readable = |rows: &[(String, u64)]| {
        rows.iter()
            .map(|(table, count)| format!("{table}: {count} rows").replace(": 1 rows", ": 1 row"))
            .collect::<Vec<_>>()
            .join(", ")
    };
    match (Database::open(&path), Database::examine(&path)) {
        (Ok(_), Ok(health)) if health.complaints.is_empty() => Finding::good("database", readable(&health.readable)),
        // Nothing is wrong with it: there is nothing to be saved.
        (Err(error @ DatabaseError::Newer { .. }), _) | (Err(error), Err(_)) => Finding::bad("database", error),
        (Ok(_), Ok(health)) if health.mendable => Finding::bad(
            "database",
            Failure::new(Kind::Database, health.complaints.join("; ")).next_step(
                "keep a copy of the state directory as it is; `credstack audit seal` puts the log's guards and indexes back",
            ),
        ),
        (opened, Ok(health)) => {
            let why = opened.err().map(|error| error.to_string()).unwrap_or_else(|| health.complaints.join("; "));
            let message = format!("{why}; still readable: {}", readable(&health.readable));
            Finding::bad(
                "database",
                Failure::new(Kind::Database, message).next_step(
                    "copy the file away before anything else; secrets are not in it and are untouched. \
                         `credstack purge --abandon` begins anew",
                ),
            )
        }
        (Ok(_), Err(error)) => Finding::bad("database", error),
    }
}

/// Whether every stack can be read, and something be written.
fn stacks(reader: &Reader, findings: &mut Vec<Finding>) {
    let unreadable = reader.stack_names().and_then(|names| names.iter().try_for_each(|name| reader.stack(name).map(drop)));
    if let Err(error) = unreadable.and_then(|()| reader.require_writable()) {
        findings.push(Finding::bad("stacks", error));
    }
}

/// Whether there is what nothing of ours leaves behind: the database was changed or replaced by hand.
fn strays(reader: &Reader, findings: &mut Vec<Finding>) {
    match reader.strays() {
        Ok(strays) if strays.is_empty() => {}
        Ok(strays) => {
            let ids: Vec<_> = strays.iter().map(|credential| credential.id).collect();
            let message = format!("{} keep secrets, but are on no stack and nobody holds them", words::list(&ids));
            let next = format!("`credstack use {0}` or `credstack forget {0}`, and so on", ids[0]);
            findings.push(Finding::bad("stacks", Failure::new(Kind::Database, message).next_step(next)));
        }
        Err(error) => findings.push(Finding::bad("stacks", error)),
    }
    match reader.given_up() {
        Ok(gone) if gone.is_empty() => {}
        Ok(gone) => {
            let ids: Vec<_> = gone.iter().map(|credential| credential.id).collect();
            let message = format!("{} are on a stack, and their secrets were given up", words::list(&ids));
            let next = "go back past them with `credstack pop`, or take the stack back with `credstack clear`";
            findings.push(Finding::bad("stacks", Failure::new(Kind::SecretStore, message).next_step(next)));
        }
        Err(error) => findings.push(Finding::bad("stacks", error)),
    }
    match reader.unknown_vault_files() {
        Ok(0) => {}
        Ok(count) => {
            let message = format!("the vault has {count} file(s) that this database does not know: another one was here before");
            let next = "put that database back, or give them up with `credstack purge`";
            findings.push(Finding::bad("vault", Failure::new(Kind::SecretStore, message).next_step(next)));
        }
        Err(error) => findings.push(Finding::bad("vault", error)),
    }
}

/// Whether the secret store answers, and has every secret it should have.
fn secrets(reader: &Reader, findings: &mut Vec<Finding>) {
    match reader.chosen_store() {
        Ok(Some(choice)) => {
            if let Err(error) = reader.require_store() {
                let failure = Failure::from(error);
                let message = format!("{}: {}", store::describe(&choice), failure.message);
                findings.push(Finding::bad("secret store", Failure { message, ..failure }));
                return;
            }
            findings.push(Finding::good("secret store", store::describe(&choice)));
        }
        Ok(None) => {
            findings.push(Finding::good("secret store", "none chosen yet: the first push does, or `credstack setup`"));
            return;
        }
        Err(error) => {
            findings.push(Finding::bad("secret store", error));
            return;
        }
    }
    let credentials = match reader.credentials_in(State::Active) {
        Ok(credentials) => credentials,
        Err(error) => {
            findings.push(Finding::bad("secrets", error));
            return;
        }
    };
    let mut found = 0;
    for credential in &credentials {
        match reader.secret(credential.id) {
            Ok(_) => found += 1,
            Err(error) => {
                let named = |failure: Failure| Failure { message: format!("{}: {}", credential.id, failure.message), ..failure };
                let of_this_one = matches!(
                    &error,
                    StackError::SecretStore(
                        E::NoEntry { .. } | E::Stale { .. } | E::OtherKey { .. } | E::DamagedItem { .. } | E::DamagedFile { .. }
                    )
                );
                findings.push(Finding::bad("secrets", named(Failure::from(error))));
                // A store that does not answer would only say so again, for each secret.
                if !of_this_one && found == 0 {
                    return;
                }
            }
        }
    }
    if found == credentials.len() {
        findings.push(Finding::good("secrets", format!("{found} of {found} are in the store")));
    }
}
