use std::{
    fmt::Write as _,
    io::{self, Write},
    process::ExitCode,
};

use credstack_core::stack::{Change, Left, Moved};
use jiff::Timestamp;
use owo_colors::OwoColorize;
use serde::Serialize;
use serde_json::{Value, json};

use crate::{
    context::Context,
    expired,
    failure::{Failure, Kind},
    global::ColorWhen,
    words,
};

/// Where results and messages go: data to stdout, everything else to stderr. Whatever comes from outside is escaped
/// before it reaches a terminal.
#[derive(Clone, Copy, Debug)]
pub struct Output {
    json: bool,
    quiet: bool,
    verbose: u8,
}

impl Output {
    /// Decides on colours once.
    pub fn new(color: ColorWhen, json: bool, quiet: bool, verbose: u8) -> Output {
        match color {
            ColorWhen::Auto => {}
            ColorWhen::Always => anstream::ColorChoice::Always.write_global(),
            ColorWhen::Never => anstream::ColorChoice::Never.write_global(),
        }
        Output { json, quiet, verbose }
    }

    /// The same that says nothing, not even a warning: for what a client would not show.
    pub fn silent(&self) -> Output {
        Output { quiet: true, verbose: 0, ..*self }
    }

    /// Whether JSON was asked for.
    pub fn json(&self) -> bool {
        self.json
    }

    /// Whether only data and errors are to be printed.
    pub fn quiet(&self) -> bool {
        self.quiet
    }

    /// Prints data: one JSON document.
    pub fn print_json(&self, value: &impl Serialize) -> Result<(), Failure> {
        let text = serde_json::to_string_pretty(value).map_err(|error| Failure::internal(error.to_string()))?;
        self.print(&escape_json(&text))
    }

    /// Prints the result of a change. If that fails, the change was made all the same, and that is said.
    pub fn print_done(&self, value: &impl Serialize) -> Result<(), Failure> {
        self.print_json(value).map_err(|failure| {
            Failure::new(failure.kind, format!("the change was made, but {}", failure.message))
                .next_step("`credstack list` shows what is there now; check where stdout goes")
        })
    }

    /// Prints data: text that is escaped already, line by line.
    pub fn print(&self, text: &str) -> Result<(), Failure> {
        let mut stdout = anstream::stdout().lock();
        written(writeln!(stdout, "{text}").and_then(|()| stdout.flush()))
    }

    /// Says something to the person, unless `--quiet`.
    pub fn say(&self, message: &str) {
        if !self.quiet {
            line_to_stderr(&escape(message));
        }
    }

    /// Says something that matters more, unless `--quiet`.
    pub fn warn(&self, message: &str) {
        if !self.quiet {
            line_to_stderr(&format!("{}: {}", "warning".yellow(), escape(message)));
        }
    }

    /// Says how something is done, at `-v`.
    pub fn explain(&self, message: &str) {
        if self.verbose > 0 {
            line_to_stderr(&escape(message).dimmed().to_string());
        }
    }

    /// Says what a change has to say beside its result: also with `--quiet`, for it is said once.
    pub fn notices(&self, change: &mut Change) {
        let always = Output { quiet: false, ..*self };
        for notice in change.take_notices() {
            always.warn(&words::notice(&notice));
        }
    }

    /// Says what a change did to a stack.
    pub fn moved(&self, context: &Context, moved: &Moved) {
        let now = context.time();
        self.say(&words::now_current(moved, now));
        self.left(&moved.left, "left the last stack", now);
        if let Some(credential) = moved.view.current().filter(|credential| !credential.has_secret()) {
            self.warn(&format!("the secret of {} was given up: it cannot be used", credential.id));
        } else if let Some(credential) = moved.view.current().filter(|credential| credential.is_expired(now)) {
            let again = expired::how_to_get_again(context, &moved.view, credential, true);
            self.warn(&format!("{} has expired: {again}", credential.id));
        }
    }

    /// Says which secrets were erased.
    pub fn left(&self, left: &[Left], how: &str, now: Timestamp) {
        for left in left {
            self.say(&words::left(left, how, now));
        }
    }
}

/// Whether stdout could be written. A reader that has seen enough is no failure.
pub fn written(result: io::Result<()>) -> Result<(), Failure> {
    match result {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Failure::internal(format!("stdout cannot be written: {error}")).next_step("check where it goes"))
        }
        _ => Ok(()),
    }
}

/// How a failure is reported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// For a person: the message, and the next step in a line of its own.
    Text,
    /// For a person who sees it behind another program's words, such as "exit status 5": one line with this program's name.
    Line,
    /// For a program.
    Json,
}

/// Reports a failure on stderr; the exit code is its kind's.
pub fn report(failure: &Failure, style: Style) -> ExitCode {
    match style {
        Style::Text => {}
        Style::Json => {
            line_to_stderr(&escape_json(&json!({ "error": failure_shape(failure) }).to_string()));
            return ExitCode::from(failure.exit_code());
        }
        Style::Line => {
            line_to_stderr(&format!("credstack: {}", escape(&failure.sentence())));
            return ExitCode::from(failure.exit_code());
        }
    }
    line_to_stderr(&format!("{}: {}", "error".red().bold(), escape(&failure.message)));
    if let Some(next_step) = &failure.next_step {
        line_to_stderr(&format!("{}: {}", "next".cyan(), escape(next_step)));
    }
    ExitCode::from(failure.exit_code())
}

/// A failure as JSON.
pub fn failure_shape(failure: &Failure) -> Value {
    let (code, request_id) = failure.sts.clone().map_or((None, None), |(code, id)| (Some(code), id));
    json!({
        "kind": failure.kind.name(),
        "exit_code": failure.exit_code(),
        "message": failure.message,
        "next_step": failure.next_step,
        "code": code,
        "request_id": request_id,
    })
}

/// Reports what clap says: help and version are data, the rest is a usage error.
pub fn report_usage(error: &clap::Error) -> ExitCode {
    let text = error.render();
    if error.use_stderr() {
        // The command line could not be read, so whether it asks for JSON is seen from its words.
        if std::env::args_os().any(|argument| argument == "--json") {
            return report(&usage_failure(&text.to_string()), Style::Json);
        }
        let words = std::env::args_os();
        if words.into_iter().any(|word| word.to_string_lossy().chars().any(is_dangerous)) {
            // What is repeated of such words is told from clap's own colours only without them.
            text.to_string().trim_end().lines().for_each(|line| line_to_stderr(&escape(line)));
        } else {
            line_to_stderr(text.ansi().to_string().trim_end());
        }
        return ExitCode::from(Kind::Usage as u8);
    }
    let mut stdout = anstream::stdout().lock();
    // A reader that has seen enough is no failure.
    let _closed = write!(stdout, "{}", text.ansi()).and_then(|()| stdout.flush());
    ExitCode::SUCCESS
}

/// clap's words for a usage error, as a failure of ours: what is wrong, and its advice.
fn usage_failure(text: &str) -> Failure {
    let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut paragraphs = text.trim().split("\n\n").map(words);
    let message = paragraphs.next().unwrap_or_default();
    let tips = paragraphs.filter_map(|paragraph| paragraph.strip_prefix("tip: ").map(str::to_owned));
    let advice: Vec<_> = tips.chain(["`--help` explains the options".to_owned()]).collect();
    Failure::usage(message.trim_start_matches("error: ")).next_step(advice.join("; "))
}

/// Writes a line to stdout where something else failed already.
pub fn line_to_stdout(line: &str) {
    let mut stdout = anstream::stdout().lock();
    let _closed = writeln!(stdout, "{line}").and_then(|()| stdout.flush());
}

/// Writes a line to stderr; nobody listening is no failure.
pub fn line_to_stderr(line: &str) {
    let mut stderr = anstream::stderr().lock();
    let _closed = writeln!(stderr, "{line}");
}

/// A table without lines, with a header in bold if there is one.
pub fn table(header: &[&str]) -> comfy_table::Table {
    let mut table = comfy_table::Table::new();
    table.load_style(comfy_table::presets::NOTHING);
    table.set_content_arrangement(comfy_table::ContentArrangement::Disabled);
    if !header.is_empty() {
        table.set_header(header.iter().map(|name| name.to_uppercase()));
    }
    table
}

/// Makes text from outside harmless to a terminal: control characters, C1 and bidirectional ones too, are shown as
/// `\u{…}`.
pub fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        if is_dangerous(c) {
            let _infallible = write!(escaped, "\\u{{{:x}}}", c as u32);
        } else {
            escaped.push(c);
        }
    }
    escaped
}

/// The same within JSON, where such characters stand only in strings. Line feeds are the document's own.
pub fn escape_json(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        if is_dangerous(c) && c != '\n' {
            let _infallible = write!(escaped, "\\u{:04x}", c as u32);
        } else {
            escaped.push(c);
        }
    }
    escaped
}

fn is_dangerous(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{061c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_from_outside_controls_the_terminal() {
        assert_eq!(escape("a\x1b[31mb\u{9b}c\u{202e}d\r\n"), "a\\u{1b}[31mb\\u{9b}c\\u{202e}d\\u{d}\\u{a}");
        assert_eq!(escape("arn:aws:iam::1:user/Zoë"), "arn:aws:iam::1:user/Zoë");
        let json = serde_json::to_string(&json!({"label": "x\u{202e}y\u{9b}z\n"})).unwrap();
        assert_eq!(escape_json(&json), r#"{"label":"x\u202ey\u009bz\n"}"#);
    }
}
