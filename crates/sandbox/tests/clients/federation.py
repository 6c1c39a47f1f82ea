"""Web identity and SAML, which nobody signs, and AssumeRoot. Prints the token and the assertion, for the caller to look for."""

import boto3
from botocore import UNSIGNED
from botocore.config import Config

from sandbox import admin, alice, assume, bob, faults, refused, root, session

nobody = boto3.client("sts", region_name="eu-west-1", config=Config(signature_version=UNSIGNED))
CI = "arn:aws:iam::111122223333:role/Ci"
STAFF = "arn:aws:iam::111122223333:role/Staff"
CORP = "arn:aws:iam::111122223333:saml-provider/Corp"
TAGGED = "arn:aws:iam::444455556666:role/Tagged"

# AssumeRoleWithWebIdentity
token = admin("GET", "web-identity-token?subject=project:phoenix:main&tag:project=phoenix&transitive=project").strip()
ask = {"RoleArn": CI, "RoleSessionName": "job", "WebIdentityToken": token}
answer = nobody.assume_role_with_web_identity(**ask)
assert answer["SubjectFromWebIdentityToken"] == "project:phoenix:main" and answer["Audience"] == "sts.amazonaws.com", answer
assert answer["Provider"].endswith(":oidc-provider/ci.sandbox.example") and answer["PackedPolicySize"] > 0, answer
job = session(answer)
assert job.get_caller_identity()["Arn"] == "arn:aws:sts::111122223333:assumed-role/Ci/job"
assume(job, TAGGED)
refused("ValidationError", 400, assume, sts=job, role=TAGGED, DurationSeconds=3601)
refused("AccessDenied", 403, job.get_session_token)
refused("InvalidIdentityToken", 400, nobody.assume_role_with_web_identity, **{**ask, "WebIdentityToken": token[:-4] + "AAAA"})
refused("IDPRejectedClaim", 403, nobody.assume_role_with_web_identity, **ask, ProviderId="www.amazon.com")
refused("InvalidParameterValue", 400, nobody.assume_role_with_web_identity, **ask, ProviderId="accounts.example")
other = admin("GET", "web-identity-token?subject=project:other:main").strip()
refused("AccessDenied", 403, nobody.assume_role_with_web_identity, **{**ask, "WebIdentityToken": other})

# AssumeRoleWithSAML
assertion = admin("GET", f"saml-assertion?role={STAFF}&session_name=alice&source_identity=alice").strip()
saml = {"RoleArn": STAFF, "PrincipalArn": CORP, "SAMLAssertion": assertion}
answer = nobody.assume_role_with_saml(**saml, DurationSeconds=43200)
assert (answer["Subject"], answer["SubjectType"], answer["SourceIdentity"]) == ("alice", "persistent", "alice"), answer
assert answer["Issuer"] == "https://idp.sandbox.example/metadata" and answer["NameQualifier"], answer
assert answer["Audience"] == "https://signin.aws.amazon.com/saml", answer
assert session(answer).get_caller_identity()["Arn"] == "arn:aws:sts::111122223333:assumed-role/Staff/alice"
refused("InvalidIdentityToken", 400, nobody.assume_role_with_saml, **{**saml, "RoleArn": CI})
refused("InvalidIdentityToken", 400, nobody.assume_role_with_saml, **{**saml, "SAMLAssertion": "AAAA"})

# AssumeRoot
task = {"arn": "arn:aws:iam::aws:policy/root-task/S3UnlockBucketPolicy"}
root_ask = {"TargetPrincipal": "444455556666", "TaskPolicyArn": task}
prod = session(alice().assume_root(**root_ask, DurationSeconds=600))
assert prod.get_caller_identity()["Arn"] == "arn:aws:iam::444455556666:root"
refused("AccessDenied", 403, assume, sts=prod, role=TAGGED)
refused("AccessDenied", 403, prod.get_session_token)
refused("AccessDenied", 403, prod.assume_root, **root_ask)
for caller in (bob(), root()):
    refused("AccessDenied", 403, caller.assume_root, **root_ask)
refused("AccessDenied", 403, alice().assume_root, **{**root_ask, "TargetPrincipal": "888899990000"})
refused("ValidationError", 400, alice().assume_root, **root_ask, DurationSeconds=901)

# Both grow old.
faults(clock_skew_seconds=4000)
message = refused("ExpiredTokenException", 400, nobody.assume_role_with_web_identity, **ask)
assert message.startswith("Token expired: current date/time "), message
refused("ExpiredTokenException", 400, nobody.assume_role_with_saml, **saml)
print(token, assertion)
