"""What goes wrong on demand, and what a client's retries make of it."""

import time
import urllib.error

from botocore.exceptions import ClientError, HTTPClientError, ReadTimeoutError
from sandbox import admin, alice, faults, outcomes, refused

once = {"retries": {"total_max_attempts": 1}}
outcomes()

for fault, code, status in (("throttle", "Throttling", 400), ("internal_error", "InternalFailure", 500)):
    faults(**{fault: 1})
    alice().get_caller_identity()
    assert outcomes() == [code, "ok"], "one failure, one retry"
    faults(**{fault: True})
    message = refused(code, status, alice(**once).get_caller_identity)
    assert code != "Throttling" or message == "Rate exceeded", message
    assert outcomes() == [code]

faults(cut=1)
try:
    alice(**once).get_session_token()
    raise AssertionError("a cut answer was taken for a whole one")
except HTTPClientError:
    pass
assert outcomes() == ["cut"]
alice(**once).get_caller_identity()

faults(hang=1)
try:
    alice(read_timeout=0.3, **once).get_caller_identity()
    raise AssertionError("an answer came")
except ReadTimeoutError:
    pass
alice(**once).get_caller_identity()
assert outcomes() == ["ok", "hang", "ok"]

faults(delay_ms=300)
before = time.monotonic()
alice(**once).get_caller_identity()
assert time.monotonic() - before >= 0.3

admin("DELETE", "faults")
assert '"delay_ms": 0' in admin("GET", "faults")
try:
    faults(thrott1e=1)
    raise AssertionError("a mistake was taken")
except urllib.error.HTTPError as error:
    assert error.code == 400 and "thrott1e" in error.read().decode()
