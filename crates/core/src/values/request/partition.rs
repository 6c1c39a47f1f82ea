use super::{LimitError, Parameter, Request};
use crate::values::{Arn, Way, is_partition, partition_of};

impl Request {
    /// Refuses a role of another partition than the signer's, or than that of the endpoint that would be asked: STS of one knows
    /// no identity of another, and would only be told of it.
    ///
    /// # Errors
    ///
    /// Which partitions they are.
    pub fn check_partition(&self, signer: Option<&Arn>, way: &Way) -> Result<(), LimitError> {
        let role_arn = match self {
            Request::AssumeRole(request) => &request.role_arn,
            Request::AssumeRoleWithWebIdentity(request) => &request.role_arn,
            Request::AssumeRoleWithSaml(request) => &request.role_arn,
            Request::GetSessionToken(_) | Request::GetFederationToken(_) | Request::AssumeRoot(_) => return Ok(()),
        };
        let Ok(Arn { partition, .. }) = role_arn.parse() else { return Ok(()) };
        let refused = |limit: String| LimitError::new(Parameter::RoleArn, role_arn.clone(), limit);
        if let Some(signer) = signer.filter(|signer| signer.partition != partition) {
            let limit = format!("the role is in partition {partition}, the signer {signer} in {}", signer.partition);
            return Err(refused(limit).way_out(format!("sign with an identity of {partition}, by --profile or --from")));
        }
        let asked = partition_of(&way.region);
        // A custom endpoint is of any partition, and a partition that is not known may be anywhere.
        if way.endpoint.is_none() && asked != partition && is_partition(&partition) {
            let limit = format!("the role is in partition {partition}, the region {} in {asked}", way.region);
            return Err(refused(limit).way_out(format!("give --region a region of {partition}")));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::values::request::AssumeRole;

    #[test]
    fn a_role_is_asked_for_in_its_own_partition_by_an_identity_of_it() {
        let way = |endpoint: Option<&str>, region: &str| Way {
            endpoint: endpoint.map(str::to_owned),
            region: region.to_owned(),
            ..Way::default()
        };
        let custom = Some("http://127.0.0.1:1");
        for (role, signer, way, is_right) in [
            ("aws", Some("aws"), way(None, "eu-west-1"), true),
            ("aws-cn", Some("aws-cn"), way(None, "cn-north-1"), true),
            ("aws-us-gov", None, way(None, "us-gov-west-1"), true),
            ("aws-cn", Some("aws-cn"), way(None, "us-east-1"), false),
            ("aws-us-gov", None, way(None, "us-east-1"), false),
            ("aws", None, way(None, "cn-north-1"), false),
            ("aws-cn", Some("aws"), way(None, "cn-north-1"), false),
            ("aws-cn", Some("aws"), way(custom, "us-east-1"), false),
            ("aws-cn", Some("aws-cn"), way(custom, "us-east-1"), true),
            ("aws-new", Some("aws-new"), way(None, "new-1"), true),
        ] {
            let role_arn = format!("arn:{role}:iam::111122223333:role/Developer");
            let request = Request::AssumeRole(AssumeRole { role_arn, ..Default::default() });
            let signer: Option<Arn> = signer.map(|it| format!("arn:{it}:iam::111122223333:user/alice").parse().unwrap());
            assert_eq!(request.check_partition(signer.as_ref(), &way).is_ok(), is_right, "{role} {signer:?} {way:?}");
        }
    }
}
