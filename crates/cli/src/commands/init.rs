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
/// Examples:
///   eval "$(credstack init bash)"
///   eval "$(credstack init zsh --mode env)"
///   eval "$(credstack --stack work init bash)"     this stack, whatever CREDSTACK_STACK says
///   credstack init fish | source
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub struct Init {
    /// Which shell
    shell: Shell,
    /// What is put into the environment
    #[arg(long, value_name = "MODE", default_value = "profile")]
    mode: Mode,
}

impl Init {
    pub fn run(&self, context: &Context) -> Result<(), Failure> {
        let program = context.our_program().ok_or_else(|| Failure::internal("the path of this program is not known"))?;
        let words = std::iter::once(program.into_os_string()).chain(context.given.iter().cloned());
        let words = words.map(|word| word.into_string().ok().filter(|word| !word.chars().any(char::is_control)));
        let words: Option<Vec<String>> = words.collect();
        let words =
            words.ok_or_else(|| Failure::usage("the path of credstack, or of its state, is not text").next_step("move it"))?;
        context.output.print(self.shell.script(&words, self.mode).trim_end())
    }
}
