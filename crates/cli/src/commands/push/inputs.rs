//! Reading what a push is given: policies, tags, contexts.

use std::io::Read;

use credstack_core::values::{
    parse_duration,
    request::{ProvidedContext, Tag},
};
use secrecy::SecretString;

use crate::failure::Failure;

/// More than any parameter of STS takes.
const MOST: u64 = 256 * 1024;

/// A policy: JSON as it stands, `-` for stdin, or a file's path.
pub fn policy(argument: Option<&str>) -> Result<Option<String>, Failure> {
    let Some(argument) = argument else { return Ok(None) };
    if argument.trim_start().starts_with('{') {
        return Ok(Some(argument.to_owned()));
    }
    read("--policy", argument).map(Some)
}

/// Text from stdin (`-`) or from a file.
pub fn read(option: &str, source: &str) -> Result<String, Failure> {
    let mut text = String::new();
    let taken = if source == "-" {
        std::io::stdin().lock().take(MOST).read_to_string(&mut text)
    } else {
        std::fs::File::open(source).and_then(|file| file.take(MOST).read_to_string(&mut text))
    };
    match taken {
        Ok(size) if size as u64 == MOST => Err(Failure::usage(format!("{option} {source} is too long"))
            .next_step("STS takes a few thousand characters; check that it is the right file")),
        Ok(_) => Ok(text),
        Err(error) => {
            let source = if source == "-" { "stdin" } else { source };
            Err(Failure::usage(format!("{option}: {source} cannot be read: {error}"))
                .next_step("check the path; `-` reads stdin"))
        }
    }
}

/// Provided contexts, `ARN=@FILE` or `ARN=-`, and their assertions.
pub fn contexts(arguments: &[String]) -> Result<(Vec<ProvidedContext>, Vec<SecretString>), Failure> {
    let mut contexts = Vec::new();
    let mut assertions = Vec::new();
    for argument in arguments {
        let (arn, source) = argument.split_once('=').unwrap_or((argument, ""));
        let source = match source {
            "-" => "-",
            file => file.strip_prefix('@').filter(|file| !file.is_empty()).ok_or_else(|| {
                Failure::usage(format!("--provided-context {arn}: expected ARN=@FILE, or ARN=- for stdin"))
                    .next_step("an assertion is a secret: it is never given as an argument")
            })?,
        };
        contexts.push(ProvidedContext { provider_arn: arn.to_owned() });
        assertions.push(SecretString::from(read("--provided-context", source)?.trim().to_owned()));
    }
    Ok((contexts, assertions))
}

/// For clap: a text that may begin with a hyphen, with `allow_hyphen_values`. An option in its place is not taken for one.
pub fn text(text: &str) -> Result<String, String> {
    let name = text.split('=').next().and_then(|name| name.strip_prefix("--"));
    match name.is_some_and(|name| name.chars().all(|c| c.is_ascii_lowercase() || c == '-')) {
        true => Err("this looks like an option; --help lists the options".to_owned()),
        false => Ok(text.to_owned()),
    }
}

/// For clap: a tag, `K=V`.
pub fn tag(argument: &str) -> Result<Tag, String> {
    let tag = text(argument)?;
    let (key, value) = tag.split_once('=').ok_or("expected KEY=VALUE")?;
    Ok(Tag { key: key.to_owned(), value: value.to_owned() })
}

/// For clap: a region's name, which becomes part of a host's.
pub fn region(text: &str) -> Result<String, String> {
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '-';
    match (1..=63).contains(&text.len()) && text.chars().all(is_part) {
        true => Ok(text.to_owned()),
        false => Err("expected a region such as eu-west-1".to_owned()),
    }
}

/// For clap: a duration in seconds.
pub fn duration(text: &str) -> Result<i32, String> {
    parse_duration(text).map_err(|error| error.to_string())
}
