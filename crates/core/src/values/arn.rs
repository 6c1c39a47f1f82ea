use std::{fmt, str::FromStr};

/// An Amazon Resource Name: `arn:PARTITION:SERVICE:REGION:ACCOUNT:RESOURCE`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Arn {
    /// `aws`, `aws-cn`, `aws-us-gov`, `aws-eusc`, …
    pub partition: String,
    /// `iam`, `sts`, …
    pub service: String,
    /// Empty for IAM and STS.
    pub region: String,
    /// The twelve-digit account id; empty for AWS's own policies as `aws`.
    pub account: String,
    /// All that follows, slashes and colons included.
    pub resource: String,
}

/// The text is not an ARN.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an ARN: expected arn:PARTITION:SERVICE:REGION:ACCOUNT:RESOURCE")]
pub struct ArnError;

impl FromStr for Arn {
    type Err = ArnError;

    fn from_str(text: &str) -> Result<Self, ArnError> {
        let mut parts = text.splitn(6, ':');
        let mut next = || parts.next().map(str::to_owned).ok_or(ArnError);
        if next()? != "arn" {
            return Err(ArnError);
        }
        let arn = Arn { partition: next()?, service: next()?, region: next()?, account: next()?, resource: next()? };
        if arn.partition.is_empty() || arn.service.is_empty() || arn.resource.is_empty() {
            return Err(ArnError);
        }
        Ok(arn)
    }
}

impl fmt::Display for Arn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Arn { partition, service, region, account, resource } = self;
        write!(f, "arn:{partition}:{service}:{region}:{account}:{resource}")
    }
}

impl Arn {
    /// The ARN of an IAM role, `name` with its path if it has one.
    pub fn role(partition: &str, account: &str, name: &str) -> Arn {
        Arn {
            partition: partition.into(),
            service: "iam".into(),
            region: String::new(),
            account: account.into(),
            resource: format!("role/{}", name.trim_start_matches('/')),
        }
    }

    /// The virtual MFA device that an IAM user has by convention, named as the user is: `arn:…:iam::ACCOUNT:mfa/NAME`. `None`
    /// for whoever is no user.
    pub fn own_device(&self) -> Option<Arn> {
        let name = self.resource.rsplit('/').next().filter(|_| self.is_user())?;
        Some(Arn { resource: format!("mfa/{name}"), ..self.clone() })
    }

    /// Whether this is the session of an assumed role: `arn:…:sts::ACCOUNT:assumed-role/ROLE/SESSION`.
    pub fn is_role_session(&self) -> bool {
        self.service == "sts" && self.resource.starts_with("assumed-role/")
    }

    /// Whether this is a federated user: `arn:…:sts::ACCOUNT:federated-user/NAME`.
    pub fn is_federated_user(&self) -> bool {
        self.service == "sts" && self.resource.starts_with("federated-user/")
    }

    /// Whether this is an IAM user: `arn:…:iam::ACCOUNT:user/NAME`, with its path if it has one.
    pub fn is_user(&self) -> bool {
        self.service == "iam" && self.resource.starts_with("user/")
    }

    /// Whether this is an account's root: `arn:…:iam::ACCOUNT:root`.
    pub fn is_root(&self) -> bool {
        self.service == "iam" && self.resource == "root"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_and_writes() {
        let text = "arn:aws:sts::111122223333:assumed-role/Deploy/alice";
        let arn: Arn = text.parse().unwrap();
        assert_eq!(arn.to_string(), text);
        assert!(arn.is_role_session() && !arn.is_root() && !arn.is_federated_user());
        assert_eq!(
            Arn::role("aws-cn", "111122223333", "/ops/Deploy").to_string(),
            "arn:aws-cn:iam::111122223333:role/ops/Deploy"
        );
        let user: Arn = "arn:aws-cn:iam::111122223333:user/ops/alice".parse().unwrap();
        assert_eq!(user.own_device().unwrap().to_string(), "arn:aws-cn:iam::111122223333:mfa/alice");
        assert_eq!(arn.own_device(), None);
        for bad in ["", "arn", "Deploy", "arn:aws:iam::1", "arn::iam::1:role/x", "arn:aws:iam::111122223333:"] {
            assert_eq!(bad.parse::<Arn>(), Err(ArnError), "{bad}");
        }
    }
}
