use std::{fmt, str::FromStr};

use super::{Ambient, CredentialId, SourceId};

/// One place on a stack.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Frame {
    /// It holds a credential set.
    Credential(CredentialId),
    /// It is what the SDK's default chain finds.
    Ambient(Ambient),
}

impl Frame {
    /// The frame of a new stack: ambient, and nothing is recorded of it yet.
    pub fn untouched() -> Frame {
        Frame::Ambient(Ambient::default())
    }

    /// Whether this is ambient of which neither profile nor provider is recorded yet: each shell's own.
    pub fn is_untouched(&self) -> bool {
        matches!(self, Frame::Ambient(Ambient { profile: None, provider: None, .. }))
    }

    /// The credential set it holds.
    pub fn credential(&self) -> Option<CredentialId> {
        match self {
            Frame::Credential(id) => Some(*id),
            Frame::Ambient(_) => None,
        }
    }
}

/// How a person names a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FrameName {
    /// `current`: the identity in use.
    Current,
    /// `root`: the lowest frame.
    Root,
    /// `env`: this shell's keys, whatever the stack says.
    Environment,
    /// A position as `list` shows it; 0 is the current one.
    Position(usize),
    /// A credential id, on the stack or not.
    Credential(CredentialId),
    /// A source that lies outside the stack and was written down as it is: what a program is pinned to whose frame has no
    /// credential id.
    Source(SourceId),
}

impl fmt::Display for FrameName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            FrameName::Current => f.write_str("current"),
            FrameName::Root => f.write_str("root"),
            FrameName::Environment => f.write_str("env"),
            FrameName::Position(position) => position.fmt(f),
            FrameName::Credential(id) => id.fmt(f),
            FrameName::Source(id) => id.fmt(f),
        }
    }
}

/// The text names no frame.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a frame: expected current, root, env, a position such as 1, or a credential id such as c7")]
pub struct FrameNameError;

impl FromStr for FrameName {
    type Err = FrameNameError;

    fn from_str(text: &str) -> Result<Self, FrameNameError> {
        match text {
            "current" => Ok(FrameName::Current),
            "root" => Ok(FrameName::Root),
            "env" => Ok(FrameName::Environment),
            _ if text.chars().all(|c| c.is_ascii_digit()) => text.parse().map(FrameName::Position).map_err(|_| FrameNameError),
            _ => match text.parse() {
                Ok(id) => Ok(FrameName::Source(id)),
                Err(_) => text.parse().map(FrameName::Credential).map_err(|_| FrameNameError),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_named_in_five_ways() {
        let named = |text: &str| text.parse::<FrameName>();
        assert_eq!(named("current"), Ok(FrameName::Current));
        assert_eq!(named("root"), Ok(FrameName::Root));
        assert_eq!(named("env"), Ok(FrameName::Environment));
        assert_eq!(named("2"), Ok(FrameName::Position(2)));
        assert_eq!(named("c2"), Ok(FrameName::Credential(CredentialId(2))));
        assert_eq!(named("source-00ff00ff00ff00ff"), Ok(FrameName::Source(SourceId([0, 255, 0, 255, 0, 255, 0, 255]))));
        for name in ["current", "root", "env", "2", "c2", "source-0123456789abcdef"] {
            assert_eq!(named(name).unwrap().to_string(), name);
        }
        for bad in ["", "-1", "Root", "c", "dev", "1.5", "source-", "source-0123456789abcde", "source-0123456789abcdefg"] {
            assert_eq!(named(bad), Err(FrameNameError), "{bad}");
        }
    }
}
