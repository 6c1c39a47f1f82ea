use super::{LimitError, Parameter, Request};

/// What a role session has from the chain behind it, as far as it was recorded: it goes with every role assumed on top.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Inherited {
    /// The source identity. Once set, it cannot be changed down the chain
    /// (<https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_temp_control-access_monitor.html>).
    pub source_identity: Option<String>,
    /// The keys of the transitive tags
    /// (<https://docs.aws.amazon.com/IAM/latest/UserGuide/id_session-tags.html#id_session-tags_role-chaining>).
    pub transitive_tag_keys: Vec<String>,
}

impl Inherited {
    /// Adds what one more request in the chain handed on.
    pub fn add(&mut self, request: &Request) {
        let Request::AssumeRole(request) = request else { return };
        self.source_identity = self.source_identity.take().or_else(|| request.source_identity.clone());
        self.transitive_tag_keys.extend(request.transitive_tag_keys.iter().cloned());
    }

    /// Checks that a request does not say otherwise than the chain behind its signer.
    ///
    /// # Errors
    ///
    /// Another source identity than the one inherited; a tag whose key is that of an inherited transitive one.
    pub fn check(&self, request: &Request) -> Result<(), LimitError> {
        let Request::AssumeRole(request) = request else { return Ok(()) };
        if let (Some(inherited), Some(asked)) = (&self.source_identity, &request.source_identity)
            && inherited != asked
        {
            let limit = format!("the session has the source identity {inherited}, which cannot be changed down the chain");
            return Err(LimitError::new(Parameter::SourceIdentity, asked.clone(), limit).way_out("leave out --source-identity"));
        }
        let inherited = |key: &str| self.transitive_tag_keys.iter().any(|it| it.to_lowercase() == key.to_lowercase());
        match request.tags.iter().find(|tag| inherited(&tag.key)) {
            Some(tag) => {
                let limit = "the session has a transitive tag of that key, which cannot be given again down the chain";
                Err(LimitError::new(Parameter::Tags, tag.key.clone(), limit).way_out("leave out the tag: it is inherited"))
            }
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::values::request::{AssumeRole, Tag};

    fn role(source_identity: Option<&str>, tags: &[&str], transitive: &[&str]) -> Request {
        Request::AssumeRole(AssumeRole {
            source_identity: source_identity.map(str::to_owned),
            tags: tags.iter().map(|key| Tag { key: (*key).into(), value: "x".into() }).collect(),
            transitive_tag_keys: transitive.iter().map(|key| (*key).to_owned()).collect(),
            ..AssumeRole::default()
        })
    }

    #[test]
    fn what_is_inherited_cannot_be_said_again_otherwise() {
        let mut inherited = Inherited::default();
        inherited.add(&role(Some("alice"), &["Team", "other"], &["Team"]));
        inherited.add(&role(None, &[], &[]));
        assert!(inherited.check(&role(None, &["other"], &[])).is_ok());
        assert!(inherited.check(&role(Some("alice"), &[], &[])).is_ok());
        let error = inherited.check(&role(Some("bob"), &[], &[])).unwrap_err();
        assert_eq!((error.parameter, error.value.as_deref()), (Parameter::SourceIdentity, Some("bob")));
        let error = inherited.check(&role(None, &["TEAM"], &[])).unwrap_err();
        assert_eq!((error.parameter, error.value.as_deref()), (Parameter::Tags, Some("TEAM")));
    }
}
