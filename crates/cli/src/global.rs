use std::path::PathBuf;

use clap::{ArgAction, ValueEnum};
use credstack_core::values::StackName;

use crate::aws_config::StateToken;

/// The options that every command has.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Global options")]
pub struct Global {
    /// The stack to work on [env: CREDSTACK_STACK] [default: default]
    // What the hook of a shell says is overridden by what a person says after it.
    #[arg(long, global = true, value_name = "NAME", overrides_with = "stack")]
    pub stack: Option<StackName>,

    /// Where the database, the lock and the vault lie [env: CREDSTACK_STATE_DIR]
    #[arg(long, global = true, value_name = "DIR", overrides_with = "state_dir")]
    pub state_dir: Option<PathBuf>,

    /// The same for command lines in AWS configuration files
    #[arg(long, global = true, value_name = "HEX", hide = true)]
    pub state: Option<StateToken>,

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
