"""Sessions end: by a short lifetime and a moved clock, and on demand. Nothing here waits."""

import datetime

from sandbox import DEVELOPER, admin, alice, assume, faults, refused, session

faults(lifetime_seconds=600)
short = assume(alice(), DEVELOPER, DurationSeconds=3600)
left = short["Credentials"]["Expiration"] - datetime.datetime.now(datetime.timezone.utc)
assert 0 < left.total_seconds() <= 600, left
session(short).get_caller_identity()

faults(clock_skew_seconds=700)
message = refused("ExpiredToken", 403, session(short).get_caller_identity)
assert message == "The security token included in the request is expired", message
answer = alice().get_caller_identity()
assert answer["ResponseMetadata"]["HTTPStatusCode"] == 200, "twelve minutes are within the window"

for skew, words in ((1000, "is now earlier than"), (-1000, "is still later than")):
    faults(clock_skew_seconds=skew)
    message = refused("SignatureDoesNotMatch", 403, alice().get_caller_identity)
    assert words in message and "15 min.)" in message, message
faults(clock_skew_seconds=-600)
early = alice().get_session_token(DurationSeconds=900)
left = early["Credentials"]["Expiration"] - datetime.datetime.now(datetime.timezone.utc)
assert 200 < left.total_seconds() <= 300, left

admin("DELETE", "faults")
running = assume(alice(), DEVELOPER)
session(running).get_caller_identity()
assert int(admin("DELETE", "sessions")) == 3, "short, early and running are alive by the right clock"
refused("ExpiredToken", 403, session(running).get_caller_identity)
