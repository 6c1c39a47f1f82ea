use std::fmt;

/// The AWS parameter that a limit is about. A front end maps each to its own option.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Parameter {
    /// Who signs: the operation is closed to this kind of caller whatever its parameters.
    Signer,
    /// `RoleArn`.
    RoleArn,
    /// `RoleSessionName`.
    RoleSessionName,
    /// `Name` of the federated user.
    Name,
    /// `DurationSeconds`.
    DurationSeconds,
    /// `ExternalId`.
    ExternalId,
    /// `Policy`, the inline session policy.
    Policy,
    /// `PolicyArns`, the managed session policies.
    PolicyArns,
    /// `Tags`.
    Tags,
    /// `TransitiveTagKeys`.
    TransitiveTagKeys,
    /// `SerialNumber` of the MFA device.
    SerialNumber,
    /// `TokenCode`, the MFA code. Its value is never repeated.
    TokenCode,
    /// `SourceIdentity`.
    SourceIdentity,
    /// `ProvidedContexts`.
    ProvidedContexts,
    /// `ProvidedContexts.ContextAssertion`. Its value is never repeated.
    ContextAssertion,
    /// `ProviderId` of an old web identity provider.
    ProviderId,
    /// `PrincipalArn` of a SAML provider.
    PrincipalArn,
    /// `WebIdentityToken`. Its value is never repeated.
    WebIdentityToken,
    /// `SAMLAssertion`. Its value is never repeated.
    SamlAssertion,
    /// `TargetPrincipal` of AssumeRoot.
    TargetPrincipal,
    /// `TaskPolicyArn` of AssumeRoot.
    TaskPolicyArn,
    /// `EncodedMessage` of DecodeAuthorizationMessage.
    EncodedMessage,
    /// `AccessKeyId` of GetAccessKeyInfo. Its value is never repeated: it may be the secret key.
    AccessKeyId,
    /// `Audience` of GetWebIdentityToken.
    Audience,
}

impl Parameter {
    /// AWS's own name, such as `DurationSeconds`; [`Parameter::Signer`] is `the signer`.
    pub fn name(self) -> &'static str {
        match self {
            Parameter::Signer => "the signer",
            Parameter::RoleArn => "RoleArn",
            Parameter::RoleSessionName => "RoleSessionName",
            Parameter::Name => "Name",
            Parameter::DurationSeconds => "DurationSeconds",
            Parameter::ExternalId => "ExternalId",
            Parameter::Policy => "Policy",
            Parameter::PolicyArns => "PolicyArns",
            Parameter::Tags => "Tags",
            Parameter::TransitiveTagKeys => "TransitiveTagKeys",
            Parameter::SerialNumber => "SerialNumber",
            Parameter::TokenCode => "TokenCode",
            Parameter::SourceIdentity => "SourceIdentity",
            Parameter::ProvidedContexts => "ProvidedContexts",
            Parameter::ContextAssertion => "ContextAssertion",
            Parameter::ProviderId => "ProviderId",
            Parameter::PrincipalArn => "PrincipalArn",
            Parameter::WebIdentityToken => "WebIdentityToken",
            Parameter::SamlAssertion => "SAMLAssertion",
            Parameter::TargetPrincipal => "TargetPrincipal",
            Parameter::TaskPolicyArn => "TaskPolicyArn",
            Parameter::EncodedMessage => "EncodedMessage",
            Parameter::AccessKeyId => "AccessKeyId",
            Parameter::Audience => "Audience",
        }
    }
}

impl fmt::Display for Parameter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
