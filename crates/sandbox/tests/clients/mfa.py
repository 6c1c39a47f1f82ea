"""Codes are good once; MFA reaches the first hop and no further."""

import urllib.error

from sandbox import SERIAL, admin, alice, assume, bob, faults, refused, session

ADMIN = "arn:aws:iam::111122223333:role/Admin"
GUARDED = "arn:aws:iam::444455556666:role/Guarded"


def code():
    return admin("GET", "totp?serial=" + SERIAL).strip()


refused("AccessDenied", 403, assume, sts=alice(), role=ADMIN)
first = code()
session(assume(alice(), ADMIN, SerialNumber=SERIAL, TokenCode=first)).get_caller_identity()
message = refused("AccessDenied", 403, assume, sts=alice(), role=ADMIN, SerialNumber=SERIAL, TokenCode=first)
assert message.startswith("MultiFactorAuthentication failed with invalid MFA one time pass code"), message

second = code()
assert second != first
message = refused("AccessDenied", 403, bob().get_session_token, SerialNumber=SERIAL, TokenCode=second)
assert "verify your MFA serial number is valid and associated with this user" in message, message
with_mfa = session(alice().get_session_token(SerialNumber=SERIAL, TokenCode=second))
assume(with_mfa, GUARDED)
# One code at the start, then roles on top of it; the role's session does not hand it on.
refused("AccessDenied", 403, assume, sts=session(assume(with_mfa, ADMIN)), role=GUARDED)

# Both codes of the present are used: move the clock instead of waiting.
try:
    code()
except urllib.error.HTTPError as error:
    assert error.code == 409 and 0 < int(error.headers["Retry-After"]) <= 60
faults(clock_skew_seconds=90)
alice().get_session_token(SerialNumber=SERIAL, TokenCode=code())
