use std::io::Write;

use credstack_core::{
    handout::account_and_role,
    stack::{Reader, StackError, StackView},
    values::Credential,
};
use jiff::Timestamp;
use owo_colors::OwoColorize;
use wildmatch::WildMatch;

use crate::{context::Context, failure::Failure, global::ColorWhen, marker::Marker, output::escape, shell::own_stack::Owner};

/// Print a short segment for a shell's prompt
///
/// The stack if it is not the default one or the terminal's own, the account and role in use, the
/// time left, and how many frames lie beneath. Nothing where the stack is one ambient frame of which
/// nothing is stored. Under `credstack exec` the segment is `exec`, the name of the program's frame and
/// the time left. It opens no secret store and no network. What matches `prompt.production` of the configuration is red.
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
        let Some(Segment { text: segment, is_production }) = segment(context)? else { return Ok(()) };
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

/// What is shown.
struct Segment {
    text: String,
    is_production: bool,
}

fn segment(context: &Context) -> Result<Option<Segment>, Failure> {
    let reader = context.reader()?;
    // What programs of this shell are is what exec gave it, unless another stack is asked about.
    if let Some(marker) = context.marker.as_ref().filter(|marker| marker.frame.is_some() && context.given_stack().is_none()) {
        return Ok(Some(of_exec(context, &reader, marker)));
    }
    let view = match reader.stack(&context.stack) {
        Err(StackError::NoSuchStack(_)) => return Ok(None),
        view => view?,
    };
    let Some(text) = of_stack(&view, context.now) else { return Ok(None) };
    let mut texts = vec![view.name.as_str()];
    texts.extend(view.current().into_iter().flat_map(names));
    Ok(Some(Segment { is_production: is_production(context, &texts), text }))
}

/// `exec 444455556666/ReadOnly 59m`: the frame of the exec that this runs under, or the session that was narrowed for it.
fn of_exec(context: &Context, reader: &Reader, marker: &Marker) -> Segment {
    // Another state directory has other frames of these names.
    let id = marker.frame.filter(|_| marker.is_of(&context.stack, context.place.path()));
    let credential = id.and_then(|frame| reader.frame(&context.stack, frame).ok()?.credential());
    let credential = credential.and_then(|id| reader.newest(id).ok());
    let mut parts = vec!["exec".to_owned()];
    parts.extend(marker.name.clone());
    match marker.has_ended(&context.host()) {
        true => parts.push("ended".to_owned()),
        false => parts.extend(credential.as_ref().and_then(|credential| left(credential, context.now))),
    }
    let mut texts: Vec<&str> = marker.name.iter().chain(&marker.arn).map(String::as_str).collect();
    texts.extend(marker.arn.iter().filter_map(|arn| arn.split(':').nth(4)));
    texts.extend(credential.as_ref().into_iter().flat_map(names));
    Segment { is_production: is_production(context, &texts), text: escape(&parts.join(" ")) }
}

/// `work 444455556666/ReadOnly 59m +2`; `None` where there is nothing but one ambient frame.
fn of_stack(view: &StackView, now: Timestamp) -> Option<String> {
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

/// What a pattern may match of a credential set.
fn names(credential: &Credential) -> impl Iterator<Item = &str> {
    let identity = credential.identity.as_ref();
    let label = credential.label.as_deref();
    label.into_iter().chain(identity.into_iter().flat_map(|identity| [identity.account.as_str(), identity.arn.as_str()]))
}

/// Whether a pattern matches the stack's name, or the account, ARN or label in use.
fn is_production(context: &Context, texts: &[&str]) -> bool {
    let patterns = &context.configuration.prompt.production;
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
