use std::path::Path;

use serde_json::json;
use similar::TextDiff;

use crate::{
    aws_config::{self, CommandLine, ManagedProfile},
    commands::push::inputs,
    context::Context,
    failure::{Failure, Kind},
    output::escape,
};

/// Write a profile that follows the stack into ~/.aws/config
///
/// Whatever reads profiles then sees the identity that is current: the AWS CLI, every SDK,
/// Terraform, an IDE. One block between two marks is written, and nothing else of the file is
/// touched; ~/.aws/credentials never is. AWS_CONFIG_FILE is honoured. Run it again after credstack
/// has moved.
///
/// Some clients read no AWS_REGION, so the profile gets a region: the one that it has, else the one
/// that is in force here.
///
/// Examples:
///   credstack setup profile                            then: aws --profile credstack s3 ls
///   credstack setup profile --name work --stack work
///   credstack setup profile --per-shell                for `credstack init SHELL --per-shell`
///   credstack setup profile --dry-run
///   credstack setup profile --remove
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub struct Profile {
    /// The profile's name [default: credstack, or credstack-shell with --per-shell]
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// Follow the stack that CREDSTACK_STACK names where the client runs
    #[arg(long)]
    per_shell: bool,
    /// The profile's region
    #[arg(long, value_parser = inputs::region)]
    region: Option<String>,
    /// Show the change and make none
    #[arg(long)]
    dry_run: bool,
    /// Take the profile out of the file again
    #[arg(long, conflicts_with = "region")]
    remove: bool,
}

impl Profile {
    pub fn run(&self, context: &Context) -> Result<(), Failure> {
        let path = &context.aws_config_file;
        if self.per_shell && context.given.iter().any(|word| word == "--stack") {
            return Err(Failure::usage("--stack names one stack, and with --per-shell the variable does")
                .next_step("leave out one of the two"));
        }
        let before = aws_config::read(path)?;
        let region = if self.remove { None } else { self.region(context, &before)? };
        let after = match self.remove {
            true => aws_config::without(&before, self.name())?,
            false => aws_config::with(&before, &self.managed(context, region.as_ref().map(|(region, _)| region.as_str()))?)?,
        };
        if self.remove && after == before {
            return Err(Failure::new(Kind::Nothing, format!("{} has no profile {} of credstack's", path.display(), self.name()))
                .next_step("name it with --name; nothing was changed"));
        }
        if self.dry_run {
            return self.show(context, path, &before, &after);
        }
        if after != before {
            aws_config::write(path, &after)?;
        }
        if context.output.json() {
            let shown = json!({ "profile": self.name(), "file": path, "changed": after != before });
            context.output.print_done(&shown)?;
        }
        context.output.say(&match (self.remove, after == before) {
            (true, _) => format!("profile {} is taken out of {}", self.name(), path.display()),
            (false, true) => format!("profile {} in {} is as it should be", self.name(), path.display()),
            (false, false) => format!(
                "profile {0} in {1} follows {2}: `aws --profile {0} sts get-caller-identity`, or AWS_PROFILE={0}",
                self.name(),
                path.display(),
                if self.per_shell { "CREDSTACK_STACK".to_owned() } else { format!("stack {}", context.stack) }
            ),
        });
        match region {
            _ if self.remove || self.region.is_some() || after == before => {}
            Some((region, from)) => {
                context.output.say(&format!("its region is {region}, from {from}; --region gives it another"))
            }
            None => context.output.say("it has no region, which some clients want: give it one with --region"),
        }
        Ok(())
    }

    /// The profile's region, and where it is from. What it has stays, so that another shell does not change it.
    fn region(&self, context: &Context, text: &[u8]) -> Result<Option<(String, String)>, Failure> {
        let given = self.region.clone().map(|region| (region, "--region".to_owned()));
        let own = || aws_config::region_of(text, self.name()).map(|region| (region, "the profile as it was".to_owned()));
        let variable = |name: &str| context.aws(name).map(|region| (region.to_owned(), name.to_owned()));
        let selected = context.aws("AWS_PROFILE").unwrap_or("default");
        let profile = || aws_config::region_of(text, selected).map(|region| (region, format!("profile {selected}")));
        let usual = || context.configuration.region.clone().map(|region| (region, "credstack's configuration".to_owned()));
        let found = given
            .or_else(own)
            .or_else(|| variable("AWS_REGION"))
            .or_else(|| variable("AWS_DEFAULT_REGION"))
            .or_else(profile)
            .or_else(usual);
        let Some((region, from)) = found else { return Ok(None) };
        let region = inputs::region(&region)
            .map_err(|error| Failure::usage(format!("{from}: {error}")).next_step("give the profile's with --region"))?;
        Ok(Some((region, from)))
    }

    fn name(&self) -> &str {
        let usual = if self.per_shell { "credstack-shell" } else { "credstack" };
        self.name.as_deref().unwrap_or(usual)
    }

    fn managed(&self, context: &Context, region: Option<&str>) -> Result<ManagedProfile, Failure> {
        let credentials = &context.aws_credentials_file;
        if aws_config::has_section(&aws_config::read(credentials)?, self.name()) {
            return Err(Failure::usage(format!("{} has keys for {}, which would win", credentials.display(), self.name()))
                .next_step("choose another with --name; nothing was changed"));
        }
        let mut words = vec!["credential-process"];
        if !self.per_shell {
            words.extend(["--stack", context.stack.as_str()]);
        }
        let command = CommandLine::of(context, &words)?;
        let profile = ManagedProfile::new(self.name(), command.text(), region)?;
        if !self.dry_run {
            command.make()?;
        }
        Ok(profile)
    }

    fn show(&self, context: &Context, path: &Path, before: &[u8], after: &[u8]) -> Result<(), Failure> {
        let name = path.display().to_string();
        let (before, after) = (String::from_utf8_lossy(before), String::from_utf8_lossy(after));
        let diff = TextDiff::from_lines(&*before, &*after).unified_diff().context_radius(3).header(&name, &name).to_string();
        if context.output.json() {
            return context.output.print_json(&json!({ "profile": self.name(), "file": path, "diff": diff }));
        }
        diff.lines().try_for_each(|line| context.output.print(&escape(line)))
    }
}
