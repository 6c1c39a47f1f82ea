//! The command line.

use std::{io::Write, path::PathBuf};

use clap::{Args, Parser, Subcommand};
use jiff::Timestamp;

use crate::{
    faults::Faults,
    mfa,
    sandbox::Sandbox,
    server,
    world::{BUILT_IN, World},
};

/// A strict STS server on 127.0.0.1, to learn role chaining and to test against without an AWS account.
///
/// When it is ready it prints one line, its endpoint URL, and serves until it is told to end (SIGTERM, Ctrl-C). Point a
/// client at it with AWS_ENDPOINT_URL_STS. Every key in its world is fake; it knows no account of yours.
#[derive(Parser)]
#[command(version, args_conflicts_with_subcommands = true)]
struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    serve: Serve,
}

#[derive(Subcommand)]
enum Command {
    /// Print the present code of an MFA device
    ///
    /// A code is good once. If it was used already, wait for the next one, or print that with --next: the server accepts
    /// it up to 30 seconds early. A running server knows which codes were used: GET /_sandbox/totp?serial=SERIAL.
    Totp(Totp),
}

#[derive(Args)]
struct Serve {
    /// The port on 127.0.0.1; 0 takes a free one
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// A world of your own instead of the built-in one
    #[arg(long, value_name = "FILE")]
    world: Option<PathBuf>,
    /// Print the built-in world, as a start for your own, and end
    #[arg(long)]
    print_world: bool,
    /// End when standard input closes, so that the server never outlives who started it
    #[arg(long)]
    exit_with_parent: bool,
    /// Tell every call on standard error
    #[arg(short, long)]
    verbose: bool,
    #[command(flatten)]
    faults: Faults,
}

#[derive(Args)]
struct Totp {
    /// The serial number of the device, e.g. arn:aws:iam::111122223333:mfa/alice
    serial: String,
    /// Print the code that comes after the present one
    #[arg(long)]
    next: bool,
    /// The world that the device is in
    #[arg(long, value_name = "FILE")]
    world: Option<PathBuf>,
}

/// Does what the command line says.
///
/// # Errors
/// A message for people.
pub fn run() -> Result<(), String> {
    let arguments = Arguments::parse();
    match arguments.command {
        Some(Command::Totp(totp)) => print_code(totp),
        None if arguments.serve.print_world => print(BUILT_IN),
        None => serve(arguments.serve),
    }
}

fn serve(serve: Serve) -> Result<(), String> {
    let sandbox = Sandbox::new(load(serve.world)?, serve.faults, serve.verbose);
    server::run(sandbox, serve.port, serve.exit_with_parent, |url| print(&format!("{url}\n")))
}

fn print_code(totp: Totp) -> Result<(), String> {
    let world = load(totp.world)?;
    let (_, device) = world.device(&totp.serial).ok_or_else(|| format!("no MFA device has the serial {}", totp.serial))?;
    print(&format!("{}\n", mfa::code(device, Timestamp::now(), totp.next.into())?))
}

fn load(file: Option<PathBuf>) -> Result<World, String> {
    let Some(file) = file else { return World::parse(BUILT_IN) };
    let text = std::fs::read_to_string(&file).map_err(|error| format!("{}: {error}", file.display()))?;
    World::parse(&text).map_err(|error| format!("{}: {error}", file.display()))
}

fn print(text: &str) -> Result<(), String> {
    let mut stdout = std::io::stdout().lock();
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(error.to_string()),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        Arguments::command().debug_assert();
        let arguments = Arguments::parse_from(["x", "--throttle", "2", "--hang", "--clock-skew-seconds", "-60"]);
        let shown = serde_json::to_value(&arguments.serve.faults).unwrap();
        assert_eq!((&shown["throttle"], &shown["hang"], &shown["clock_skew_seconds"]), (&2.into(), &true.into(), &(-60).into()));
    }
}
