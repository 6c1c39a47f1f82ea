use std::path::PathBuf;

use clap::{ArgAction, Parser, ValueEnum};
use credstack_core::values::StackName;

use crate::commands::Command;

/// pushd/popd for AWS identities.
///
/// credstack keeps every credential set that you acquire from AWS STS on a stack that survives shells and reboots.
/// `push` acquires one and makes it current, `pop` brings the one before it back, exactly. Metadata and history are in
/// SQLite; secrets are in the operating system's keyring, or in a sealed vault.
#[derive(Debug, Parser)]
#[command(name = "credstack", version, max_term_width = 100, after_long_help = EXAMPLES, subcommand_required = true)]
pub struct Arguments {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Command,
}

const EXAMPLES: &str = "\
Examples:
  credstack push session --mfa-serial arn:aws:iam::111122223333:mfa/alice
  credstack push assume arn:aws:iam::111122223333:role/Developer
  credstack whoami
  credstack pop
  credstack history

Exit codes:
  0 done                                5 expired, and a person is needed
  1 internal error                      6 secret store missing, locked or denied
  2 usage                               7 network or time-out
  3 nothing to restore, drop or find    8 database newer, damaged or busy
  4 STS refused                         9 the log does not verify";

impl Arguments {
    /// The options that every command has, and the command.
    pub fn split(self) -> (Global, Command) {
        (self.global, self.command)
    }
}

/// The options that every command has.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Global options")]
pub struct Global {
    /// The stack to work on [env: CREDSTACK_STACK] [default: default]
    #[arg(long, global = true, value_name = "NAME")]
    pub stack: Option<StackName>,

    /// Where the database, the lock and the vault lie [env: CREDSTACK_STATE_DIR]
    #[arg(long, global = true, value_name = "DIR")]
    pub state_dir: Option<PathBuf>,

    /// Print JSON on stdout, and errors as JSON on stderr
    #[arg(long, global = true)]
    pub json: bool,

    /// Print no messages, only data and errors
    #[arg(long, short, global = true)]
    pub quiet: bool,

    /// Never ask: fail where a question would be needed
    #[arg(long, global = true)]
    pub no_input: bool,

    /// When to use colours; they never carry meaning alone
    #[arg(long, global = true, value_name = "WHEN")]
    pub color: Option<ColorWhen>,

    /// Say more about what is done, on stderr; never a secret
    #[arg(short, long, global = true, action = ArgAction::Count)]
    pub verbose: u8,
}

/// When to use colours.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ColorWhen {
    /// On a terminal, unless NO_COLOR is set.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}
