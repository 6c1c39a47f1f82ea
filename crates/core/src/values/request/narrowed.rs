use super::{GetFederationToken, GetSessionToken, Request};

/// What a session is to be narrowed down by.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Narrowing {
    /// `Policy`, an inline session policy in JSON.
    pub policy: Option<String>,
    /// `PolicyArns`, managed session policies.
    pub policy_arns: Vec<String>,
    /// `DurationSeconds`; none leaves it as it was asked for.
    pub duration_seconds: Option<i32>,
}

/// Why a request cannot be asked again with a session policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NarrowError {
    /// Session policies are a union
    /// (<https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies.html#policies_session>).
    #[error("it has a session policy already: session policies are a union, so another one would widen it")]
    HasPolicy,
    /// A federated user may do nothing without a session policy.
    #[error("it is a federated user without a session policy, who may do nothing: a policy would widen that")]
    MayDoNothing,
    /// GetSessionToken takes no policy.
    #[error("GetSessionToken takes no session policy")]
    TakesNone,
    /// AssumeRoot takes one task policy and nothing else.
    #[error("AssumeRoot takes no session policy: it may do its task and nothing else")]
    IsOneTask,
    /// The token was given once and is not kept.
    #[error("it was asked for with a token that was given once and is not kept")]
    OneTimeToken,
    /// The assertions of provided contexts are given once and not kept.
    #[error("it was asked for with the assertion of a trusted context, which is given once and not kept")]
    OneTime,
}

impl Narrowing {
    /// Whether it has a session policy, and is not only shorter.
    pub fn has_policy(&self) -> bool {
        self.policy.is_some() || !self.policy_arns.is_empty()
    }

    /// What the long-term keys of a user can be narrowed down to: a federated user where there is a policy, else a session.
    /// `name` is the federated user's; `otherwise` is how long, in seconds, where nothing is said.
    pub fn of_long_term_keys(self, name: String, otherwise: i32) -> Request {
        let duration_seconds = self.duration_seconds.or(Some(otherwise));
        match self.has_policy() {
            true => Request::GetFederationToken(GetFederationToken {
                name,
                duration_seconds,
                policy: self.policy,
                policy_arns: self.policy_arns,
                tags: Vec::new(),
            }),
            false => Request::GetSessionToken(GetSessionToken { duration_seconds, ..GetSessionToken::default() }),
        }
    }
}

fn add_policy(
    policy: Option<String>,
    arns: Vec<String>,
    its_policy: &mut Option<String>,
    its_arns: &mut Vec<String>,
) -> Result<(), NarrowError> {
    if its_policy.is_some() || !its_arns.is_empty() {
        return Err(NarrowError::HasPolicy);
    }
    (*its_policy, *its_arns) = (policy, arns);
    Ok(())
}

impl Request {
    /// The same request with a session policy added, or another duration.
    ///
    /// # Errors
    ///
    /// Where that would widen what the session may do, or cannot be asked for.
    pub fn narrowed(&self, by: Narrowing) -> Result<Request, NarrowError> {
        let has_policy = by.has_policy();
        if !self.is_signed() && self.token_source().is_none() {
            return Err(NarrowError::OneTimeToken);
        }
        let mut request = self.clone();
        let duration = match &mut request {
            Request::AssumeRole(request) => {
                if !request.provided_contexts.is_empty() {
                    return Err(NarrowError::OneTime);
                }
                if has_policy {
                    add_policy(by.policy, by.policy_arns, &mut request.policy, &mut request.policy_arns)?;
                }
                &mut request.duration_seconds
            }
            Request::AssumeRoleWithWebIdentity(request) => {
                if has_policy {
                    add_policy(by.policy, by.policy_arns, &mut request.policy, &mut request.policy_arns)?;
                }
                &mut request.duration_seconds
            }
            Request::AssumeRoleWithSaml(request) => {
                if has_policy {
                    add_policy(by.policy, by.policy_arns, &mut request.policy, &mut request.policy_arns)?;
                }
                &mut request.duration_seconds
            }
            Request::GetFederationToken(request) => {
                if has_policy {
                    let has_one = request.policy.is_some() || !request.policy_arns.is_empty();
                    return Err(if has_one { NarrowError::HasPolicy } else { NarrowError::MayDoNothing });
                }
                &mut request.duration_seconds
            }
            Request::AssumeRoot(_) if has_policy => return Err(NarrowError::IsOneTask),
            Request::AssumeRoot(request) => &mut request.duration_seconds,
            Request::GetSessionToken(_) if has_policy => return Err(NarrowError::TakesNone),
            Request::GetSessionToken(request) => &mut request.duration_seconds,
        };
        *duration = by.duration_seconds.or(*duration);
        Ok(request)
    }
}

#[cfg(test)]
mod tests {
    use super::{super::AssumeRole, *};

    fn read_only() -> Narrowing {
        Narrowing { policy_arns: vec!["arn:aws:iam::aws:policy/ReadOnlyAccess".into()], ..Narrowing::default() }
    }

    #[test]
    fn a_policy_is_added_where_there_is_none_and_nowhere_else() {
        let role = AssumeRole { role_arn: "arn:aws:iam::111122223333:role/Deploy".into(), ..AssumeRole::default() };
        let of = |role: AssumeRole, by| Request::AssumeRole(role).narrowed(by);
        let expected = AssumeRole { policy_arns: read_only().policy_arns, ..role.clone() };
        assert_eq!(of(role.clone(), read_only()), Ok(Request::AssumeRole(expected.clone())));
        assert_eq!(of(expected.clone(), read_only()), Err(NarrowError::HasPolicy));
        let inline = AssumeRole { policy: Some("{}".into()), ..role };
        assert_eq!(of(inline, read_only()), Err(NarrowError::HasPolicy));
        let shorter = Narrowing { duration_seconds: Some(900), ..Narrowing::default() };
        let short = AssumeRole { duration_seconds: Some(900), ..expected.clone() };
        assert_eq!(of(expected, shorter), Ok(Request::AssumeRole(short)), "shorter is no wider");
    }

    #[test]
    fn federated_users_and_sessions_are_never_given_a_policy() {
        let nobody = Request::GetFederationToken(GetFederationToken::default());
        assert_eq!(nobody.narrowed(read_only()), Err(NarrowError::MayDoNothing));
        let reader = read_only().of_long_term_keys("reader".into(), 3600);
        assert_eq!(reader.narrowed(read_only()), Err(NarrowError::HasPolicy));
        let session = Narrowing::default().of_long_term_keys("reader".into(), 3600);
        assert_eq!(session.narrowed(read_only()), Err(NarrowError::TakesNone));
    }
}
