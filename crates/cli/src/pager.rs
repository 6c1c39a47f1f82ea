//! The person's pager, as git runs it: what is longer than the screen is paged, on a terminal only.

use std::{
    io::{self, IsTerminal, Write},
    process::{Command, Stdio},
    sync::{Arc, atomic::AtomicBool},
};

use crate::{context::Context, failure::Failure};

/// Prints text that is escaped already: through the pager where stdout is a terminal, else as it is. A pager that does not
/// start is no failure.
pub fn print(context: &Context, text: &str) -> Result<(), Failure> {
    let pager = context.variable("PAGER").unwrap_or_else(|| "less".to_owned());
    let words = shell_words::split(&pager).unwrap_or_default();
    match words.split_first() {
        Some((program, arguments)) if io::stdout().is_terminal() && program != "cat" => {
            page(context, program, arguments, text).or_else(|_not_started| context.output.print(text))
        }
        _ => context.output.print(text),
    }
}

fn page(context: &Context, program: &str, arguments: &[String], text: &str) -> io::Result<()> {
    // Ctrl-C is for the pager: who asks waits for it, or the terminal would be left as it was on the page.
    #[cfg(unix)]
    let _ignored = signal_hook::flag::register(signal_hook::consts::SIGINT, Arc::new(AtomicBool::new(false)))?;
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::piped());
    // What git sets: less ends at once where all fits, chops nothing off, and leaves the text on the screen.
    for (name, value) in [("LESS", "FRX"), ("LV", "-c")] {
        if context.variable(name).is_none() {
            command.env(name, value);
        }
    }
    let mut pager = command.spawn()?;
    if let Some(mut stdin) = pager.stdin.take() {
        // Who leaves the pager early has seen enough.
        let _closed = writeln!(stdin, "{text}");
    }
    pager.wait().map(|_status| ())
}
