/// The regions that a program could be given. Empty ones count as absent.
#[derive(Clone, Copy, Debug, Default)]
pub struct RegionChoice<'a> {
    /// `--region` of the command.
    pub asked: Option<&'a str>,
    /// `AWS_REGION` or `AWS_DEFAULT_REGION`, where the user set it and not credstack.
    pub users: Option<&'a str>,
    /// The frame's: asked for when it was pushed, or its profile's.
    pub frames: Option<&'a str>,
    /// The shell's when the frame was pushed or covered.
    pub at_push: Option<&'a str>,
}

impl<'a> RegionChoice<'a> {
    /// The region that counts: the command's, the user's, the frame's, the shell's at the push.
    pub fn in_force(self) -> Option<&'a str> {
        let RegionChoice { asked, users, frames, at_push } = self;
        [asked, users, frames, at_push].into_iter().flatten().find(|region| !region.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_wish_counts() {
        let all = RegionChoice { asked: Some("a"), users: Some("u"), frames: Some("f"), at_push: Some("p") };
        assert_eq!(all.in_force(), Some("a"));
        assert_eq!(RegionChoice { asked: None, ..all }.in_force(), Some("u"));
        assert_eq!(RegionChoice { asked: Some(""), users: None, ..all }.in_force(), Some("f"));
        assert_eq!(RegionChoice { at_push: Some("p"), ..RegionChoice::default() }.in_force(), Some("p"));
        assert_eq!(RegionChoice::default().in_force(), None);
    }
}
