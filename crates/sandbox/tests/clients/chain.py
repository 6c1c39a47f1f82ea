"""Three hops with tags and a source identity. Prints every secret it got, for the caller to look for in the log."""

import datetime

from sandbox import DEVELOPER, READ_ONLY, alice, assume, refused, session

one = assume(
    alice(),
    DEVELOPER,
    DurationSeconds=43200,
    SourceIdentity="alice@example.com",
    Tags=[{"Key": "project", "Value": "a b+c=ü"}, {"Key": "cost", "Value": ""}],
    TransitiveTagKeys=["project"],
    Policy='{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sts:*", "Resource": "*"}]}',
    PolicyArns=[{"arn": "arn:aws:iam::aws:policy/ReadOnlyAccess"}],
)
assert one["AssumedRoleUser"]["Arn"] == "arn:aws:sts::111122223333:assumed-role/Developer/me", one
assert one["SourceIdentity"] == "alice@example.com" and 0 < one["PackedPolicySize"] <= 100, one
left = one["Credentials"]["Expiration"] - datetime.datetime.now(datetime.timezone.utc)
assert 43100 < left.total_seconds() <= 43200, left

message = refused("ValidationError", 400, assume, sts=session(one), role=READ_ONLY, DurationSeconds=3601)
assert message.endswith("exceeds the 1 hour session limit for roles assumed by role chaining."), message
two = assume(session(one), READ_ONLY)
message = refused(
    "InvalidParameterValue", 400, assume, sts=session(two), role="arn:aws:iam::777788889999:role/Reporter",
    Tags=[{"Key": "PROJECT", "Value": "other"}],
)
assert "conflicts with a transitive tag key" in message, message
three = assume(session(two), "arn:aws:iam::777788889999:role/Reporter")
assert three["SourceIdentity"] == "alice@example.com", three
who = session(three).get_caller_identity()
assert who["Arn"] == "arn:aws:sts::777788889999:assumed-role/Reporter/me", who
assert who["UserId"] == three["AssumedRoleUser"]["AssumedRoleId"] and who["Account"] == "777788889999", who

message = refused("AccessDenied", 403, assume, sts=alice(), role=READ_ONLY)
assert message == (
    "User: arn:aws:iam::111122223333:user/alice is not authorized to perform: sts:AssumeRole on resource: " + READ_ONLY
), message
for answer in (one, two, three):
    print(answer["Credentials"]["SecretAccessKey"], answer["Credentials"]["SessionToken"])
