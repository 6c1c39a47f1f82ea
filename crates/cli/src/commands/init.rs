use crate::{
    context::Context,
    failure::Failure,
    shell::{Mode, Shell},
};

/// Print what makes a shell follow the stack
///
/// In a shell that has evaluated it, push, pop and the rest take effect at once; other shells on
/// the same stack follow at their next prompt. A frame on top of the ambient one puts a profile and
/// a region into the environment and no secret (`credstack setup profile` writes that profile), or
/// with --mode env the keys. Back at the ambient frame every variable is what it was, unset and
/// empty told apart.
///
/// With --per-shell each terminal has a stack of its own, which shells within it share; it is
/// removed with its secrets when the terminal's shell ends, or, where that was killed, when the
/// next such shell begins. `credstack setup profile --per-shell` writes its profile.
///
/// Examples:
///   eval "$(credstack init bash)"
///   eval "$(credstack init zsh --mode env)"
///   eval "$(credstack --stack work init bash)"     this stack, whatever CREDSTACK_STACK says
///   credstack init fish | source
///   credstack init nushell | save -f ~/.config/nushell/credstack.nu     then `source` that file
///   Invoke-Expression (& credstack init powershell | Out-String)
///   eval "$(credstack init bash --per-shell)"
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub struct Init {
    /// Which shell
    shell: Shell,
    /// What is put into the environment
    #[arg(long, value_name = "MODE", default_value = "profile")]
    mode: Mode,
    /// Give each terminal a stack of its own
    #[arg(long)]
    per_shell: bool,
}

impl Init {
    pub fn run(&self, context: &Context) -> Result<(), Failure> {
        let program = context.our_program().ok_or_else(|| Failure::internal("the path of this program is not known"))?;
        if self.per_shell && context.given.iter().any(|word| word == "--stack") {
            return Err(Failure::usage("--stack names one stack, and with --per-shell each terminal has its own")
                .next_step("leave out one of the two"));
        }
        let words = std::iter::once(program.into_os_string()).chain(context.given.iter().cloned());
        let words = words.map(|word| word.into_string().ok().filter(|word| !word.chars().any(char::is_control)));
        let words: Option<Vec<String>> = words.collect();
        let words =
            words.ok_or_else(|| Failure::usage("the path of credstack, or of its state, is not text").next_step("move it"))?;
        context.output.print(self.shell.script(&words, self.mode, self.per_shell).trim_end())
    }
}
