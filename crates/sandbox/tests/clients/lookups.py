"""What can be looked up: why something was refused, whose a key is, who one is for others. Prints a web identity token."""

import base64
import datetime
import json
import urllib.error
import urllib.parse

from sandbox import DEVELOPER, READ_ONLY, admin, alice, assume, bob, refused, session

INSTANCE = "arn:aws:ec2:us-east-1:111122223333:instance/i-0a"


def denied(key, action, **conditions):
    query = {"access_key_id": key, "action": action, "resource": INSTANCE, **conditions}
    words, encoded = admin("GET", "denied?" + urllib.parse.urlencode(query)).split(" Encoded authorization failure message: ")
    return words, encoded.strip()


def decode(sts, encoded):
    return json.loads(sts.decode_authorization_message(EncodedMessage=encoded)["DecodedMessage"])


role = assume(alice(), DEVELOPER)
developer, key = session(role), role["Credentials"]["AccessKeyId"]
chained = session(assume(developer, READ_ONLY))
user_session = session(alice().get_session_token())

# DecodeAuthorizationMessage: nothing allows it, a statement denies it, it is allowed.
words, encoded = denied(key, "ec2:TerminateInstances", **{"aws:RequestedRegion": "eu-west-1"})
assert words.endswith("because no identity-based policy allows the ec2:TerminateInstances action."), words
said = decode(alice(), encoded)
assert not said["allowed"] and not said["explicitDeny"] and said["matchedStatements"]["items"] == [], said
words, encoded = denied(key, "ec2:StopInstances", **{"aws:RequestedRegion": "us-east-1"})
assert words.endswith("with an explicit deny in an identity-based policy."), words
said = decode(developer, encoded)
[statement] = said["matchedStatements"]["items"]
assert said["explicitDeny"] and statement["statementId"] == "OnlyInEurope" and statement["effect"] == "DENY", said
assert said["context"]["principal"]["arn"] == role["AssumedRoleUser"]["Arn"], said
assert said["context"]["action"] == "ec2:StopInstances" and said["context"]["resource"] == INSTANCE, said
conditions = {one["key"]: one["values"]["items"][0]["value"] for one in said["context"]["conditions"]["items"]}
assert conditions["aws:MultiFactorAuthPresent"] == "false" and conditions["aws:RequestedRegion"] == "us-east-1", conditions
try:
    denied(key, "ec2:StopInstances", **{"aws:RequestedRegion": "eu-west-1"})
    raise AssertionError("it is allowed")
except urllib.error.HTTPError as error:
    assert error.code == 409, error

invalid = "InvalidAuthorizationMessageException"
for wrong in (encoded[:-1], encoded + "\n", "x" * 10240):
    assert refused(invalid, 400, alice().decode_authorization_message, EncodedMessage=wrong) == "Message is not valid"
refused("ValidationError", 400, alice().decode_authorization_message, EncodedMessage="x" * 10241)
message = refused("AccessDenied", 403, bob().decode_authorization_message, EncodedMessage=encoded)
assert message == (
    "User: arn:aws:iam::111122223333:user/bob is not authorized to perform: sts:DecodeAuthorizationMessage because no "
    "identity-based policy allows the sts:DecodeAuthorizationMessage action"
), message
message = refused("AccessDenied", 403, user_session.decode_authorization_message, EncodedMessage=encoded)
assert message == "Cannot call DecodeAuthorizationMessage with session credentials", message

# GetAccessKeyInfo
assert alice().get_access_key_info(AccessKeyId=key)["Account"] == "111122223333"
assert developer.get_access_key_info(AccessKeyId="AKIAFAKEBOB000000001")["Account"] == "111122223333"
refused("InvalidClientTokenId", 403, alice().get_access_key_info, AccessKeyId="AKIAFAKEUNKNOWN00001")
refused("ValidationError", 400, alice().get_access_key_info, AccessKeyId="AKIA-FAKE-UNKNOWN-01")
refused("AccessDenied", 403, bob().get_access_key_info, AccessKeyId=key)
refused("AccessDenied", 403, user_session.get_access_key_info, AccessKeyId=key)

# GetWebIdentityToken
ask = {"Audience": ["https://api.example.com"], "SigningAlgorithm": "RS256"}
answer = alice().get_web_identity_token(**ask, DurationSeconds=60, Tags=[{"Key": "job", "Value": "a b"}])
left = answer["Expiration"] - datetime.datetime.now(datetime.timezone.utc)
assert 50 < left.total_seconds() <= 60, left
header, claims, signature = answer["WebIdentityToken"].split(".")
claims = json.loads(base64.urlsafe_b64decode(claims + "=="))
assert claims["sub"] == "arn:aws:iam::111122223333:user/alice" and claims["aud"] == "https://api.example.com", claims
assert claims["https://sts.amazonaws.com/"] == {
    "aws_account": "111122223333",
    "source_region": "eu-west-1",
    "principal_tags": {"team": "blue"},
    "request_tags": {"job": "a b"},
}, claims
refused("AccessDenied", 403, bob().get_web_identity_token, **ask)
refused("AccessDenied", 403, user_session.get_web_identity_token, **ask)
refused("OutboundWebIdentityFederationDisabledException", 403, chained.get_web_identity_token, **ask)
short = session(assume(alice(), DEVELOPER, DurationSeconds=900))
refused("SessionDurationEscalationException", 403, short.get_web_identity_token, **ask, DurationSeconds=1800)
tags = [{"Key": f"k{i}", "Value": "v" * 200} for i in range(50)]
refused("JWTPayloadSizeExceededException", 400, alice().get_web_identity_token, **ask, Tags=tags)
refused("ValidationError", 400, alice().get_web_identity_token, **{**ask, "SigningAlgorithm": "HS256"})
print(answer["WebIdentityToken"])
