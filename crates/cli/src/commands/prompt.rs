use std::io::Write;

use credstack_core::{
    handout::account_and_role,
    stack::{StackError, StackView},
    values::Credential,
};
use jiff::Timestamp;
use owo_colors::OwoColorize;
use wildmatch::WildMatch;

use crate::{context::Context, failure::Failure, global::ColorWhen, output::escape, shell::own_stack::Owner};

/// Print a short segment for a shell's prompt
///
/// The stack if it is not the default one or the terminal's own, the account and role in use, the
/// time left, and how many frames lie beneath. Nothing where the stack is one ambient frame of which
/// nothing is stored. It opens no secret store and no network. What matches `prompt.production` of the configuration is red.
///
/// Examples:
///   credstack prompt
///   credstack prompt --shell bash     in PS1: its colours take no room on the line
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub struct Prompt {
    /// Mark colours for this shell's line editor
    #[arg(long, value_name = "SHELL")]
    shell: Option<LineEditor>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum LineEditor {
    Bash,
    Zsh,
    Fish,
}

impl Prompt {
    pub fn run(&self, context: &Context) -> Result<(), Failure> {
        let view = match context.reader()?.stack(&context.stack) {
            Err(StackError::NoSuchStack(_)) => return Ok(()),
            view => view?,
        };
        let Some(segment) = segment(&view, context.now) else { return Ok(()) };
        let is_production = is_production(&context.configuration.prompt.production, &view);
        let text = match context.color {
            ColorWhen::Never => self.marked(&segment, str::to_owned),
            _ if is_production => self.marked(&segment, |text| text.red().bold().to_string()),
            _ => self.marked(&segment, |text| text.cyan().to_string()),
        };
        // It is made for a pipe: whether there are colours is not for the stream to say.
        let mut stdout = std::io::stdout().lock();
        let _nobody_listens = write!(stdout, "{text}").and_then(|()| stdout.flush());
        Ok(())
    }

    /// The coloured text; what takes no room is marked where a line editor counts columns.
    fn marked(&self, text: &str, colour: impl Fn(&str) -> String) -> String {
        const HERE: &str = "\u{0}";
        let painted = colour(HERE);
        let (on, off) = painted.split_once(HERE).unwrap_or_default();
        let mark = |code: &str| match self.shell {
            _ if code.is_empty() => String::new(),
            Some(LineEditor::Bash) => format!("\u{1}{code}\u{2}"),
            Some(LineEditor::Zsh) => format!("%{{{code}%}}"),
            Some(LineEditor::Fish) | None => code.to_owned(),
        };
        let text = if self.shell == Some(LineEditor::Zsh) { text.replace('%', "%%") } else { text.to_owned() };
        format!("{}{text}{}", mark(on), mark(off))
    }
}

/// `work 444455556666/ReadOnly 59m +2`; `None` where there is nothing but one ambient frame.
fn segment(view: &StackView, now: Timestamp) -> Option<String> {
    let beneath = view.frames.by_height().len() - 1;
    let current = view.current();
    if beneath == 0 && current.is_none() {
        return None;
    }
    let mut parts = Vec::new();
    // Whose a terminal's own stack is, its terminal shows.
    if !view.name.is_default() && Owner::of(&view.name).is_none() {
        parts.push(view.name.to_string());
    }
    parts.push(current.map_or("ambient".to_owned(), who));
    parts.extend(current.and_then(|credential| left(credential, now)));
    if beneath > 0 {
        parts.push(format!("+{beneath}"));
    }
    Some(escape(&parts.join(" ")))
}

/// Account and role, user or federated user.
fn who(credential: &Credential) -> String {
    credential.arn().map_or_else(|| credential.access_key_id.clone(), |arn| account_and_role(&arn))
}

/// The time left, in its largest unit.
fn left(credential: &Credential, now: Timestamp) -> Option<String> {
    let seconds = credential.expires_at?.as_second() - now.as_second();
    Some(match seconds {
        ..=0 => "expired".to_owned(),
        1..60 => format!("{seconds}s"),
        60..3600 => format!("{}m", seconds / 60),
        _ => format!("{}h", seconds / 3600),
    })
}

/// Whether a pattern matches the stack's name, or the account, ARN or label in use.
fn is_production(patterns: &[String], view: &StackView) -> bool {
    let name = view.name.to_string();
    let mut texts = vec![name.as_str()];
    if let Some(credential) = view.current() {
        texts.extend(credential.label.as_deref());
        texts.extend(credential.identity.as_ref().map(|identity| identity.account.as_str()));
        texts.extend(credential.identity.as_ref().map(|identity| identity.arn.as_str()));
    }
    patterns.iter().any(|pattern| texts.iter().any(|text| WildMatch::new(pattern).matches(text)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zsh_shows_a_percent_sign_with_colours_and_without() {
        let zsh = Prompt { shell: Some(LineEditor::Zsh) };
        assert_eq!(zsh.marked("1/a%(x", str::to_owned), "1/a%%(x");
        assert_eq!(zsh.marked("1/a%(x", |text| text.red().to_string()), "%{\u{1b}[31m%}1/a%%(x%{\u{1b}[39m%}");
    }
}
