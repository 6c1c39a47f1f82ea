//! The person's pager, as git runs it: what is longer than the screen is paged, on a terminal only.

use std::{
    io::{self, BufWriter, IsTerminal, Write},
    process::{Child, Command, Stdio},
    sync::{Arc, atomic::AtomicBool},
};

use crate::{context::Context, failure::Failure, output::written};

/// Prints text that is escaped already, as [`through`] does.
pub fn print(context: &Context, text: &str) -> Result<(), Failure> {
    through(context, |out| written(writeln!(out, "{text}")))
}

/// Lets text be printed that is escaped already, of any length: through the pager where stdout is a terminal, else as it is. A
/// pager that does not start is no failure.
pub fn through(context: &Context, print: impl FnOnce(&mut dyn Write) -> Result<(), Failure>) -> Result<(), Failure> {
    let pager = context.variable("PAGER").unwrap_or_else(|| "less".to_owned());
    let words = shell_words::split(&pager).unwrap_or_default();
    let started = match words.split_first() {
        Some((program, arguments)) if io::stdout().is_terminal() && program != "cat" => start(context, program, arguments).ok(),
        _ => None,
    };
    let Some(mut pager) = started else { return printed(anstream::stdout().lock(), print) };
    // Ctrl-C is for the pager: who asks waits for it, or the terminal would be left as it was on the page.
    #[cfg(unix)]
    let _ignored = signal_hook::flag::register(signal_hook::consts::SIGINT, Arc::new(AtomicBool::new(false)));
    // Who leaves the pager early has seen enough.
    let done = pager.stdin.take().map_or(Ok(()), |stdin| printed(stdin, print));
    let _status = pager.wait();
    done
}

fn printed(to: impl Write, print: impl FnOnce(&mut dyn Write) -> Result<(), Failure>) -> Result<(), Failure> {
    let mut out = BufWriter::new(to);
    print(&mut out)?;
    written(out.flush())
}

fn start(context: &Context, program: &str, arguments: &[String]) -> io::Result<Child> {
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::piped());
    // What git sets: less ends at once where all fits, chops nothing off, and leaves the text on the screen.
    for (name, value) in [("LESS", "FRX"), ("LV", "-c")] {
        if context.variable(name).is_none() {
            command.env(name, value);
        }
    }
    command.spawn()
}
