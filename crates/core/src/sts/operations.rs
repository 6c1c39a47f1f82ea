//! Each request of ours, as the SDK wants it.

use aws_sdk_sts::{
    Client,
    error::BuildError,
    operation::{
        assume_role::{AssumeRoleError, AssumeRoleOutput},
        assume_role_with_saml::{AssumeRoleWithSAMLError, AssumeRoleWithSamlOutput},
        assume_role_with_web_identity::{AssumeRoleWithWebIdentityError, AssumeRoleWithWebIdentityOutput},
        assume_root::{AssumeRootError, AssumeRootOutput},
        get_federation_token::{GetFederationTokenError, GetFederationTokenOutput},
        get_session_token::{GetSessionTokenError, GetSessionTokenOutput},
    },
    types::{PolicyDescriptorType, ProvidedContext, Tag},
};
use aws_smithy_runtime_api::client::{orchestrator::HttpResponse, result::SdkError};
use secrecy::ExposeSecret;

use crate::values::request::{self, OneTime};

type Outcome<T, E> = Result<T, SdkError<E, HttpResponse>>;

pub(super) async fn assume_role(
    client: &Client,
    request: request::AssumeRole,
    one_time: &OneTime,
) -> Outcome<AssumeRoleOutput, AssumeRoleError> {
    let contexts = request.provided_contexts.into_iter().zip(&one_time.context_assertions).map(|(context, assertion)| {
        ProvidedContext::builder().provider_arn(context.provider_arn).context_assertion(assertion.expose_secret()).build()
    });
    client
        .assume_role()
        .role_arn(request.role_arn)
        .role_session_name(request.role_session_name)
        .set_duration_seconds(request.duration_seconds)
        .set_external_id(request.external_id)
        .set_policy(request.policy)
        .set_policy_arns(policy_arns(request.policy_arns))
        .set_tags(tags(request.tags).map_err(SdkError::construction_failure)?)
        .set_transitive_tag_keys(given(request.transitive_tag_keys))
        .set_serial_number(request.serial_number)
        .set_token_code(token_code(one_time))
        .set_source_identity(request.source_identity)
        .set_provided_contexts(given(contexts.collect()))
        .send()
        .await
}

pub(super) async fn get_session_token(
    client: &Client,
    request: request::GetSessionToken,
    one_time: &OneTime,
) -> Outcome<GetSessionTokenOutput, GetSessionTokenError> {
    client
        .get_session_token()
        .set_duration_seconds(request.duration_seconds)
        .set_serial_number(request.serial_number)
        .set_token_code(token_code(one_time))
        .send()
        .await
}

pub(super) async fn get_federation_token(
    client: &Client,
    request: request::GetFederationToken,
) -> Outcome<GetFederationTokenOutput, GetFederationTokenError> {
    client
        .get_federation_token()
        .name(request.name)
        .set_duration_seconds(request.duration_seconds)
        .set_policy(request.policy)
        .set_policy_arns(policy_arns(request.policy_arns))
        .set_tags(tags(request.tags).map_err(SdkError::construction_failure)?)
        .send()
        .await
}

pub(super) async fn assume_role_with_web_identity(
    client: &Client,
    request: request::AssumeRoleWithWebIdentity,
    one_time: &OneTime,
) -> Outcome<AssumeRoleWithWebIdentityOutput, AssumeRoleWithWebIdentityError> {
    client
        .assume_role_with_web_identity()
        .role_arn(request.role_arn)
        .role_session_name(request.role_session_name)
        .set_web_identity_token(token(one_time))
        .set_provider_id(request.provider_id)
        .set_duration_seconds(request.duration_seconds)
        .set_policy(request.policy)
        .set_policy_arns(policy_arns(request.policy_arns))
        .send()
        .await
}

pub(super) async fn assume_role_with_saml(
    client: &Client,
    request: request::AssumeRoleWithSaml,
    one_time: &OneTime,
) -> Outcome<AssumeRoleWithSamlOutput, AssumeRoleWithSAMLError> {
    client
        .assume_role_with_saml()
        .role_arn(request.role_arn)
        .principal_arn(request.principal_arn)
        .set_saml_assertion(token(one_time))
        .set_duration_seconds(request.duration_seconds)
        .set_policy(request.policy)
        .set_policy_arns(policy_arns(request.policy_arns))
        .send()
        .await
}

pub(super) async fn assume_root(client: &Client, request: request::AssumeRoot) -> Outcome<AssumeRootOutput, AssumeRootError> {
    client
        .assume_root()
        .target_principal(request.target_principal)
        .task_policy_arn(PolicyDescriptorType::builder().arn(request.task_policy_arn).build())
        .set_duration_seconds(request.duration_seconds)
        .send()
        .await
}

fn token(one_time: &OneTime) -> Option<String> {
    one_time.token.as_ref().map(|token| token.expose_secret().to_owned())
}

fn token_code(one_time: &OneTime) -> Option<String> {
    one_time.token_code.as_ref().map(|code| code.expose_secret().to_owned())
}

fn policy_arns(arns: Vec<String>) -> Option<Vec<PolicyDescriptorType>> {
    given(arns.into_iter().map(|arn| PolicyDescriptorType::builder().arn(arn).build()).collect())
}

fn tags(tags: Vec<request::Tag>) -> Result<Option<Vec<Tag>>, BuildError> {
    let tags = tags.into_iter().map(|tag| Tag::builder().key(tag.key).value(tag.value).build());
    Ok(given(tags.collect::<Result<_, _>>()?))
}

/// An empty list is not sent: on the wire it would be a parameter of its own.
fn given<T>(list: Vec<T>) -> Option<Vec<T>> {
    if list.is_empty() { None } else { Some(list) }
}
