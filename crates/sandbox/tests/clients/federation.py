"""What nobody signs, and AssumeRoot, as boto3 sees them. Prints the tokens that were used."""

import urllib.parse

import boto3
from botocore import UNSIGNED
from botocore.config import Config
from sandbox import URL, admin, alice, assume, bob, refused, session

CI = "arn:aws:iam::111122223333:role/Ci"
STAFF = "arn:aws:iam::111122223333:role/sso/Staff"
IDP = "arn:aws:iam::111122223333:saml-provider/idp"
nobody = boto3.client("sts", endpoint_url=URL, region_name="eu-west-1", config=Config(signature_version=UNSIGNED))


def token(**wish):
    return admin("GET", "web-identity-token?" + urllib.parse.urlencode(wish)).strip()


def assertion(**wish):
    return admin("GET", "saml-assertion?" + urllib.parse.urlencode(wish, doseq=True)).strip()


# A signature is neither needed nor looked at.
good = token(subject="repo:example/app", source_identity="alice")
for sts in (nobody, alice()):
    answer = sts.assume_role_with_web_identity(RoleArn=CI, RoleSessionName="job", WebIdentityToken=good, DurationSeconds=900)
    assert answer["AssumedRoleUser"]["Arn"] == "arn:aws:sts::111122223333:assumed-role/Ci/job", answer
    assert answer["SubjectFromWebIdentityToken"] == "repo:example/app" and answer["Audience"] == "sts.example.com", answer
    assert answer["Provider"].endswith("oidc-provider/idp.example.com") and answer["SourceIdentity"] == "alice", answer
job = session(answer)
assert job.get_caller_identity()["Arn"] == "arn:aws:sts::111122223333:assumed-role/Ci/job"
web = {"RoleArn": CI, "RoleSessionName": "job"}
refused("ExpiredTokenException", 400, nobody.assume_role_with_web_identity, WebIdentityToken=token(seconds=0), **web)
refused("InvalidIdentityToken", 400, nobody.assume_role_with_web_identity, WebIdentityToken=token(audience="x"), **web)
message = refused("AccessDenied", 403, nobody.assume_role_with_web_identity, WebIdentityToken=token(subject="other"), **web)
assert message == "Not authorized to perform sts:AssumeRoleWithWebIdentity", message

said = assertion(role=[STAFF, CI], session_name="alice@example.com", session_seconds=1800)
saml = {"RoleArn": STAFF, "PrincipalArn": IDP}
answer = nobody.assume_role_with_saml(SAMLAssertion=said, **saml)
assert answer["AssumedRoleUser"]["Arn"] == "arn:aws:sts::111122223333:assumed-role/Staff/alice@example.com", answer
assert answer["Issuer"] == "https://idp.example.com/saml" and answer["Subject"] == "alice@example.com", answer
assert session(answer).get_caller_identity()["Arn"] == answer["AssumedRoleUser"]["Arn"]
refused("AccessDenied", 403, nobody.assume_role_with_saml, SAMLAssertion=assertion(role=CI), **saml)
refused("InvalidIdentityToken", 400, nobody.assume_role_with_saml, SAMLAssertion="AAAA", **saml)

root = {"TargetPrincipal": "444455556666", "TaskPolicyArn": {"arn": "arn:aws:iam::aws:policy/root-task/S3UnlockBucketPolicy"}}
answer = alice().assume_root(**root)
member = session(answer)
assert member.get_caller_identity()["Arn"] == "arn:aws:iam::444455556666:root"
refused("AccessDenied", 403, bob().assume_root, **root)
refused("AccessDenied", 403, session(alice().get_session_token()).assume_root, **root)
job.assume_root(**root)
refused("AccessDenied", 403, member.get_session_token)
refused("AccessDenied", 403, assume, sts=member, role=CI)
print(good, said)
