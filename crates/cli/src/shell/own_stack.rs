//! The stack of one terminal: its name says whose it is, and so whether anybody still needs it.

use credstack_core::values::StackName;

/// The shell that a stack belongs to, as the stack's name has it: `shell-PID-START@WHERE`.
pub use crate::process::Process as Owner;

impl Owner {
    /// The owner of a stack that has one.
    pub fn of(stack: &StackName) -> Option<Owner> {
        let (number, start, place) = stack.shell()?;
        Some(Owner { number, start: start.to_owned(), place: place.to_owned() })
    }

    /// Its stack.
    pub fn stack(&self) -> StackName {
        let Owner { number, start, place } = self;
        // At most 6 + 10 + 1 + 20 + 1 + 26 letters, all of them a stack name's.
        StackName::of_shell(*number, start, place).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_says_whose_stack_it_is() {
        let us = Owner::new(std::process::id(), "a host, with a very long name").unwrap();
        assert_ne!(us.stack(), StackName::default());
        assert_eq!(Owner::of(&us.stack()), Some(us.clone()));
        let longest = Owner { number: u32::MAX, start: "9".repeat(20), place: "x".repeat(26) };
        assert_eq!(Owner::of(&longest.stack()), Some(longest));
        for other in ["default", "shell", "shell-1", "shell-1-2", "shell-x-1@h", "shell--1@h", "shell-1-1-1@h"] {
            assert_eq!(Owner::of(&other.parse().unwrap()), None, "{other}");
        }
    }
}
