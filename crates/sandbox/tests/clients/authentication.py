"""Keys, tokens, signatures, regions, and who may call what."""

import http.client

from sandbox import DEVELOPER, URL, alice, assume, client, refused, root, session

answer = alice().get_session_token()
c = answer["Credentials"]
key, secret, token = c["AccessKeyId"], c["SecretAccessKey"], c["SessionToken"]
assert session(answer).get_caller_identity()["Arn"] == "arn:aws:iam::111122223333:user/alice"


def identity(*credentials, **options):
    return client(*credentials, **options).get_caller_identity()


def refuse(code, *credentials, status=403, **options):
    return refused(code, status, lambda: identity(*credentials, **options))


refuse("InvalidClientTokenId", "AKIAUNKNOWN000000001", "x")
refuse("InvalidClientTokenId", key, secret)
# Another last character, whichever it was.
refuse("InvalidClientTokenId", key, secret, token[:-1] + ("y" if token[-1] == "x" else "x"))
refuse("InvalidClientTokenId", "AKIAFAKEALICE0000001", "fake+alice+secret/for+the+sandbox+000001", token)
other = alice().get_session_token()["Credentials"]
refuse("InvalidClientTokenId", key, secret, other["SessionToken"])
message = refuse("SignatureDoesNotMatch", key, secret + "x", token)
assert message.startswith("The request signature we calculated does not match"), message
refuse("SignatureDoesNotMatch", key, other["SecretAccessKey"], token)
message = refuse("RegionDisabledException", key, secret, token, region="ap-east-1")
assert "111122223333" in message, message

message = refused("AccessDenied", 403, session(answer).get_session_token)
assert message == "Cannot call GetSessionToken with session credentials", message
message = refused("AccessDenied", 403, session(answer).get_federation_token, Name="someone")
assert message == "Cannot call GetFederationToken with session credentials", message
message = refused("AccessDenied", 403, assume, sts=root(), role=DEVELOPER)
assert message == "Roles may not be assumed by root accounts.", message
federated = alice().get_federation_token(Name="carol", DurationSeconds=900)
assert federated["FederatedUser"]["FederatedUserId"] == "111122223333:carol", federated
assert session(federated).get_caller_identity()["Arn"] == federated["FederatedUser"]["Arn"]
refused("AccessDenied", 403, assume, sts=session(federated), role=DEVELOPER)
refused("InvalidAction", 400, alice().get_delegated_access_token, TradeInToken="none")


def post(body, headers):
    connection = http.client.HTTPConnection(URL.removeprefix("http://"))
    connection.request("POST", "/", body, headers)
    answer = connection.getresponse()
    return answer.status, answer.read().decode()


status, text = post("Action=GetCallerIdentity&Version=2011-06-15", {})
assert status == 403 and "<Code>MissingAuthenticationToken</Code>" in text, text
status, text = post("Action=GetCallerIdentity&Version=2011-06-15", {"Authorization": "AWS4-HMAC-SHA256 Credential=x"})
assert status == 400 and "<Code>IncompleteSignature</Code>" in text, text
status, text = post("Action=GetCallerIdentity&Version=2010-01-01", {})
assert status == 400 and "<Code>InvalidAction</Code>" in text, text
status, text = post("", {})
assert status == 400 and "<Code>MissingAction</Code>" in text, text
