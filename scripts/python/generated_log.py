"""Lets a log grow as the program would, hash chain included: generated_log.py DATABASE EVENTS.

A process of its own: whoever measures memory afterwards must be small.
"""

import datetime
import hashlib
import itertools
import json
import random
import sqlite3
import struct
import sys

KINDS = ["restored", "erased", "used", "saved", "dropped", "swapped", "refused", "failed", "held"]
ACTOR = {"user": "alice", "host": "laptop", "terminal": "/dev/pts/3", "process": 4242, "version": "0.1.0"}
EVENT = "sequence, at, event, stack, credential, parent, access_key_id, account, arn, detail, hash"
CREDENTIAL = "id, item, nonce, state, kind, access_key_id, temporary, account, arn, issued_at, expires_at, parent"


def packed(value):
    """docs/model.md has the encoding."""
    if value is None:
        return b"n"
    if isinstance(value, int):
        return b"i" + struct.pack(">q", value)
    return b"t" + struct.pack(">Q", len(value.encode())) + value.encode()


def credential_set(number, first, begin):
    """Each signed by the one at half its number, so that lineages branch. One in thousand is in a rare account, in ten
    thousand of a rare role."""
    rng = random.Random(number)
    account = "999988887777" if number % 1000 == 7 else rng.choice(["111122223333", "444455556666"])
    role = "Breakglass" if number % 10_000 == 7 else f"Role{rng.randrange(40)}"
    arn, issued = f"arn:aws:sts::{account}:assumed-role/{role}/alice@laptop", begin + number * 240
    parent = first + number // 2 - 1 if number > 1 else None
    return first + number, parent, f"ASIAFAKE{number:012}", account, arn, issued, role


def utc(seconds):
    return datetime.datetime.fromtimestamp(seconds, datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def events(first, count, begin, previous, credential):
    """Four events to a credential set, which the first of them brings; every fifth event has a note of its own, every ten
    thousandth is on a rare stack."""
    rng = random.Random(1)
    for sequence in range(first, first + count):
        number, turn = divmod(sequence - first, 4)
        about_id, parent, key, account, arn, issued, role = credential_set(number, credential, begin)
        kind = rng.choice(KINDS) if turn else "acquired"
        about = [about_id, parent, key, account, arn]
        detail = {"note": f"ticket {sequence}"} if sequence % 5 == 0 else {}
        if kind == "acquired":
            detail |= {"kind": "assume-role", "issued_at": utc(issued), "expires_at": utc(issued + 3600)}
        elif kind in ("refused", "failed"):
            detail |= {"operation": "AssumeRole", "target": f"arn:aws:iam::{account}:role/{role}", "code": "AccessDenied"}
            about = [None, parent, None, None, None]
        elif kind not in ("erased", "held"):
            detail["frames"] = [f"c{about_id}", "c1"]
        detail["actor"] = ACTOR
        stack = "rare" if sequence % 10_000 == 8 else rng.choice(["default", "work"])
        row = [sequence, begin + (sequence - first) * 60, kind, stack, *about]
        row.append(json.dumps(detail, separators=(",", ":")))
        previous = hashlib.sha256(b"credstack event 1\n" + previous + b"".join(map(packed, row))).digest()
        yield (*row, previous)


def credentials(first, count, begin):
    """All erased."""
    for number in range(count):
        about_id, parent, key, account, arn, issued, _ = credential_set(number, first, begin)
        names = (f"generated-{number}", f"generated-{number}", "erased", "assume-role", key, 1)
        yield (about_id, *names, account, arn, issued, issued + 3600, parent)


def main(path, count):
    database = sqlite3.connect(path)
    database.executescript("PRAGMA synchronous = OFF; PRAGMA cache_size = -200000;")
    query = "SELECT sequence, hash, at FROM event ORDER BY sequence DESC LIMIT 1"
    sequence, previous, at = database.execute(query).fetchone() or (0, bytes(32), 1_700_000_000)
    (newest,) = database.execute("SELECT coalesce(max(id), 0) FROM credential").fetchone()
    sets, at = -(-count // 4), at - count * 60
    marks = lambda columns: ", ".join("?" * len(columns.split(", ")))
    made = credentials(newest + 1, sets, at)
    database.executemany(f"INSERT INTO credential ({CREDENTIAL}) VALUES ({marks(CREDENTIAL)})", made)
    rows = events(sequence + 1, count, at, previous, newest + 1)
    for part in iter(lambda: list(itertools.islice(rows, 100_000)), []):
        database.executemany(f"INSERT INTO event ({EVENT}) VALUES ({marks(EVENT)})", part)
        database.commit()
    database.close()


main(sys.argv[1], int(sys.argv[2]))
