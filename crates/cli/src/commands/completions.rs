use clap::CommandFactory;
use clap_complete::Shell;

use crate::{commands::Arguments, context::Context, failure::Failure};

/// Print completions for a shell
///
/// Examples:
///   credstack completions bash > ~/.local/share/bash-completion/completions/credstack
///   credstack completions zsh > ~/.zfunc/_credstack
///   credstack completions fish > ~/.config/fish/completions/credstack.fish
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub struct Completions {
    /// Which shell
    shell: Shell,
}

impl Completions {
    pub fn run(&self, context: &Context) -> Result<(), Failure> {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut Arguments::command(), "credstack", &mut script);
        context.output.print(String::from_utf8_lossy(&script).trim_end())
    }
}
