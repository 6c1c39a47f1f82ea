//! Random steps. Pushes and uses come up more often than what takes away, so that there is something to take away.

use proptest::{collection::vec, prelude::*};

use crate::plain::{Environment, Made, Step, To, Which};

/// Sequences of steps, each with whether losing irreplaceable sets was agreed to.
pub fn sequences(length: std::ops::Range<usize>) -> impl Strategy<Value = Vec<(Step, bool)>> {
    vec((step(), prop::bool::weighted(0.8)), length)
}

fn step() -> impl Strategy<Value = Step> {
    let stack = || prop_oneof![6 => Just(0usize), 3 => Just(1), 1 => Just(2)];
    prop_oneof![
        8 => (stack(), to(), made(), shell()).prop_map(|(stack, to, kind, shell)| Step::Push { stack, to, kind, shell }),
        4 => (stack(), which(), any::<bool>(), shell())
            .prop_map(|(stack, which, replace, shell)| Step::Use { stack, which, replace, shell }),
        2 => (stack(), shell()).prop_map(|(stack, shell)| Step::Save { stack, shell }),
        5 => (stack(), any::<bool>(), any::<bool>()).prop_map(|(stack, root, keep)| Step::Pop { stack, root, keep }),
        2 => (stack(), any::<bool>()).prop_map(|(stack, all)| Step::Drop { stack, all }),
        2 => (stack(), shell()).prop_map(|(stack, shell)| Step::Swap { stack, shell }),
        1 => stack().prop_map(|stack| Step::Clear { stack }),
        1 => stack().prop_map(|stack| Step::Remove { stack }),
        2 => (0u8..8).prop_map(Step::Forget),
        1 => Just(Step::ForgetExpired),
        3 => (0u8..8).prop_map(Step::Renew),
    ]
}

fn to() -> impl Strategy<Value = To> {
    prop_oneof![5 => Just(To::Top), 2 => Just(To::Current), 2 => Just(To::NoStack)]
}

fn made() -> impl Strategy<Value = Made> {
    prop_oneof![4 => Just(Made::Session), 1 => Just(Made::Brief), 2 => Just(Made::Imported)]
}

fn which() -> impl Strategy<Value = Which> {
    prop_oneof![3 => (0u8..8).prop_map(Which::Set), 1 => (0u8..4).prop_map(Which::Position)]
}

fn shell() -> impl Strategy<Value = Environment> {
    prop_oneof![
        2 => Just(Environment::Empty),
        1 => Just(Environment::Profile),
        2 => (0u8..2).prop_map(Environment::Keys),
        1 => (0u8..8).prop_map(Environment::Exported),
    ]
}
