//! Who signs: decided here and nowhere else, of what is recorded and of the access key id in the environment. Nothing is asked,
//! and no secret is needed, so that a dry run and a push cannot differ.

use crate::{
    stack::KeyOwner,
    values::{Ambient, CredentialId, Frame},
};

/// Who signs a request to STS.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SignedBy {
    /// A stored credential set, or the keys in the environment that are its own.
    Stored(CredentialId),
    /// An ambient identity, which has to be found.
    Ambient(Ambient),
    /// The keys in the environment, which are stored nowhere.
    ShellKeys,
    /// No signature: the token in the request says who asks.
    Token,
    /// Nothing tells.
    Unknown,
}

/// Who signs, and whether the environment's keys decided that.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// Who signs.
    pub by: SignedBy,
    /// Whether it is so because of the keys in the environment.
    pub by_keys_of_shell: bool,
    /// Whether the environment holds keys of another identity, which are passed over.
    pub passes_keys_over: bool,
}

/// Who signs where a frame is to sign. `keys` is whose the environment's keys are, if it holds any; `on_stack` the frames of its
/// stack.
///
/// On an ambient frame that nothing has touched the environment's keys sign, as they would for the AWS CLI: as what they are, where
/// that is known. A frame that holds a credential set, or names a profile or provider, signs itself.
pub fn of_frame<'a>(frame: &Frame, keys: Option<&KeyOwner>, on_stack: impl IntoIterator<Item = &'a Frame>) -> Decision {
    match (frame, keys) {
        (Frame::Ambient(_), Some(owner)) if frame.is_untouched() => {
            Decision { by: of_keys(owner), by_keys_of_shell: true, passes_keys_over: false }
        }
        (frame, keys) => {
            let by = match frame {
                Frame::Credential(id) => SignedBy::Stored(*id),
                Frame::Ambient(reference) => SignedBy::Ambient(reference.clone()),
            };
            let known = |owner: &KeyOwner| on_stack.into_iter().any(|frame| is_frames(owner, frame));
            let passes_keys_over = !frame.is_untouched() && keys.is_some_and(|owner| !known(owner));
            Decision { by, by_keys_of_shell: false, passes_keys_over }
        }
    }
}

/// Who signs where the environment's keys are to sign.
pub fn of_keys(owner: &KeyOwner) -> SignedBy {
    match owner {
        KeyOwner::Unknown => SignedBy::ShellKeys,
        KeyOwner::Stored(credential) | KeyOwner::Ours { credential, .. } => SignedBy::Stored(credential.id),
        KeyOwner::Reference(reference) => SignedBy::Ambient(reference.clone()),
    }
}

/// Whether keys are those of a frame, as they are or as they were before a renewal.
fn is_frames(owner: &KeyOwner, frame: &Frame) -> bool {
    match (owner, frame) {
        (KeyOwner::Stored(credential), Frame::Credential(id)) => credential.id == *id,
        (KeyOwner::Ours { credential, newest }, Frame::Credential(id)) => [credential.id, newest.id].contains(id),
        (KeyOwner::Reference(keys), Frame::Ambient(frame)) => {
            (&keys.profile, &keys.provider) == (&frame.profile, &frame.provider)
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::values::{Credential, Kind, State};

    fn credential(id: i64) -> Box<Credential> {
        Box::new(Credential {
            id: CredentialId(id),
            kind: Kind::AssumeRole,
            state: State::Active,
            held: false,
            access_key_id: format!("ASIAFAKE{id:012}"),
            temporary: true,
            identity: None,
            region: None,
            issued_at: jiff::Timestamp::UNIX_EPOCH,
            expires_at: None,
            parent: None,
            signed_by: None,
            request: None,
            label: None,
            note: None,
            profile: None,
            way: None,
            replaced_by: None,
        })
    }

    fn owners() -> [KeyOwner; 4] {
        [
            KeyOwner::Unknown,
            KeyOwner::Stored(credential(1)),
            KeyOwner::Ours { credential: credential(2), newest: credential(5) },
            KeyOwner::Reference(profile("dev").0),
        ]
    }

    fn profile(name: &str) -> (Ambient, Frame) {
        let reference = Ambient { profile: Some(name.into()), provider: Some("ProfileFile".into()), ..Ambient::default() };
        (reference.clone(), Frame::Ambient(reference))
    }

    #[test]
    fn on_an_untouched_frame_the_shells_keys_sign_as_what_they_are() {
        let with_a_region = Frame::Ambient(Ambient { region: Some("eu-west-1".into()), ..Ambient::default() });
        for frame in [Frame::untouched(), with_a_region] {
            let signs = owners().map(|owner| of_frame(&frame, Some(&owner), [&frame]));
            assert!(signs.iter().all(|it| it.by_keys_of_shell && !it.passes_keys_over));
            let [unknown, stored, ours, reference] = signs.map(|it| it.by);
            assert_eq!(unknown, SignedBy::ShellKeys);
            assert_eq!((stored, ours), (SignedBy::Stored(CredentialId(1)), SignedBy::Stored(CredentialId(2))));
            assert_eq!(reference, SignedBy::Ambient(profile("dev").0));
            let Frame::Ambient(own) = &frame else { panic!() };
            assert_eq!(of_frame(&frame, None, [&frame]).by, SignedBy::Ambient(own.clone()));
        }
    }

    #[test]
    fn any_other_frame_signs_itself_and_keys_of_another_identity_are_passed_over() {
        let (dev, dev_frame) = profile("dev");
        let stack = [Frame::Credential(CredentialId(5)), Frame::Credential(CredentialId(1)), dev_frame.clone()];
        let passed = |frame: &Frame, stack: &[Frame]| owners().map(|it| of_frame(frame, Some(&it), stack).passes_keys_over);
        assert_eq!(passed(&stack[0], &stack), [true, false, false, false], "renewed keys are the frame's");
        assert_eq!(passed(&dev_frame, &stack[2..]), [true, true, true, false]);
        assert_eq!(passed(&profile("prod").1, &[profile("prod").1]), [true; 4]);
        for owner in owners().iter().map(Some).chain([None]) {
            let signs = of_frame(&stack[0], owner, &stack);
            assert_eq!((signs.by, signs.by_keys_of_shell), (SignedBy::Stored(CredentialId(5)), false));
            assert_eq!(of_frame(&dev_frame, owner, &stack).by, SignedBy::Ambient(dev.clone()));
        }
        assert!(!of_frame(&stack[0], None, &stack).passes_keys_over);
    }
}
