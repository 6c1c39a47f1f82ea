use super::{Frame, FrameName};

/// The frames of a stack, and every way in which one list of frames becomes another. There is always a current one.
///
/// These are aws.iam's operations on its list of saved credentials, without its faults: `current` is what it keeps in
/// the environment, `saved` is its list, newest first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frames {
    /// Root first, so that an index is a height and the last one is current. Never empty.
    by_height: Vec<Frame>,
}

/// There is no saved frame to restore, drop or swap with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NothingSaved;

impl Default for Frames {
    fn default() -> Self {
        Frames { by_height: vec![Frame::untouched()] }
    }
}

impl Frames {
    /// Frames as they are kept, root first; a stack without any is a new one.
    pub fn from_heights(by_height: Vec<Frame>) -> Frames {
        if by_height.is_empty() { Frames::default() } else { Frames { by_height } }
    }

    /// The frames, root first.
    pub fn by_height(&self) -> &[Frame] {
        &self.by_height
    }

    /// The frames as `list` shows them: current first.
    pub fn from_current(&self) -> impl Iterator<Item = &Frame> {
        self.by_height.iter().rev()
    }

    /// The frame at a position; 0 is the current one.
    pub fn at(&self, position: usize) -> Option<&Frame> {
        self.from_current().nth(position)
    }

    /// The frame that a person means. `None`: there is no such position, or it is this shell's keys, which are no frame.
    pub fn named(&self, name: FrameName) -> Option<Frame> {
        match name {
            FrameName::Current => Some(self.current().clone()),
            FrameName::Root => Some(self.root().clone()),
            FrameName::Position(position) => self.at(position).cloned(),
            FrameName::Credential(id) => Some(Frame::Credential(id)),
            FrameName::Environment | FrameName::Source(_) => None,
        }
    }

    /// The identity in use.
    pub fn current(&self) -> &Frame {
        &self.by_height[self.by_height.len() - 1]
    }

    /// The lowest frame.
    pub fn root(&self) -> &Frame {
        &self.by_height[0]
    }

    /// `set_credentials(x)` and every push: the current one is saved, `frame` becomes current.
    #[must_use]
    pub fn push(&self, frame: Frame) -> Frames {
        let mut frames = self.clone();
        frames.by_height.push(frame);
        frames
    }

    /// `set_credentials(x, save.previous=FALSE)`: `frame` replaces the current one.
    #[must_use]
    pub fn replace(&self, frame: Frame) -> Frames {
        let mut frames = self.clone();
        let top = frames.by_height.len() - 1;
        frames.by_height[top] = frame;
        frames
    }

    /// Renewal: wherever one frame is, another one takes its place.
    #[must_use]
    pub fn substitute(&self, old: &Frame, new: &Frame) -> Frames {
        let by_height = self.by_height.iter().map(|frame| if frame == old { new } else { frame }).cloned().collect();
        Frames { by_height }
    }

    /// `save_credentials()`: a copy of the current one joins the saved.
    #[must_use]
    pub fn save(&self) -> Frames {
        self.push(self.current().clone())
    }

    /// `restore_credentials()`: the newest saved becomes current and leaves the list.
    pub fn pop(&self) -> Result<Frames, NothingSaved> {
        Ok(Frames { by_height: self.saved()?.to_vec() })
    }

    /// `restore_credentials(pop=FALSE)`: the newest saved becomes current and stays on the list.
    pub fn pop_keep(&self) -> Result<Frames, NothingSaved> {
        let saved = self.saved()?;
        Ok(self.replace(saved[saved.len() - 1].clone()))
    }

    /// `restore_credentials(root=TRUE)`: the lowest becomes current and the list is emptied.
    pub fn pop_root(&self) -> Result<Frames, NothingSaved> {
        Ok(Frames { by_height: self.saved()?[..1].to_vec() })
    }

    /// `restore_credentials(root=TRUE, pop=FALSE)`: the lowest becomes current, the list is untouched.
    pub fn pop_root_keep(&self) -> Result<Frames, NothingSaved> {
        Ok(self.replace(self.saved()?[0].clone()))
    }

    /// `delete_saved_credentials()`: the newest saved is discarded.
    pub fn drop_newest(&self) -> Result<Frames, NothingSaved> {
        let saved = self.saved()?;
        let mut by_height = saved[..saved.len() - 1].to_vec();
        by_height.push(self.current().clone());
        Ok(Frames { by_height })
    }

    /// `delete_saved_credentials(all=TRUE)`: all saved are discarded.
    pub fn drop_all(&self) -> Result<Frames, NothingSaved> {
        self.saved()?;
        Ok(Frames { by_height: vec![self.current().clone()] })
    }

    /// Current and newest saved change places.
    pub fn swap(&self) -> Result<Frames, NothingSaved> {
        self.saved()?;
        let mut frames = self.clone();
        let top = frames.by_height.len() - 1;
        frames.by_height.swap(top, top - 1);
        Ok(frames)
    }

    /// The saved frames, root first; at least one.
    fn saved(&self) -> Result<&[Frame], NothingSaved> {
        match self.by_height.split_last() {
            Some((_, saved)) if !saved.is_empty() => Ok(saved),
            _ => Err(NothingSaved),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::values::CredentialId;

    fn frames(ids: &[i64]) -> Frames {
        Frames::from_heights(ids.iter().rev().map(|id| Frame::Credential(CredentialId(*id))).collect())
    }

    #[test]
    fn every_row_of_the_aws_iam_table() {
        let three = frames(&[3, 2, 1]);
        assert_eq!(three.push(Frame::Credential(CredentialId(4))), frames(&[4, 3, 2, 1]));
        assert_eq!(three.replace(Frame::Credential(CredentialId(4))), frames(&[4, 2, 1]));
        assert_eq!(three.save(), frames(&[3, 3, 2, 1]));
        assert_eq!(three.pop(), Ok(frames(&[2, 1])));
        assert_eq!(three.pop_keep(), Ok(frames(&[2, 2, 1])));
        assert_eq!(three.pop_root(), Ok(frames(&[1])));
        assert_eq!(three.pop_root_keep(), Ok(frames(&[1, 2, 1])));
        assert_eq!(three.drop_newest(), Ok(frames(&[3, 1])));
        assert_eq!(three.drop_all(), Ok(frames(&[3])));
        assert_eq!(three.swap(), Ok(frames(&[2, 3, 1])));
    }

    #[test]
    fn nothing_saved_changes_nothing() {
        let one = Frames::default();
        let all = [Frames::pop, Frames::pop_keep, Frames::pop_root, Frames::pop_root_keep, Frames::drop_newest, Frames::drop_all];
        for operation in all {
            assert_eq!(operation(&one), Err(NothingSaved));
        }
        assert_eq!(one.swap(), Err(NothingSaved));
    }
}
