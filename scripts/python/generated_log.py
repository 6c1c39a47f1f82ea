"""Lets a log grow as the program would, hash chain included: generated_log.py DATABASE EVENTS.

A process of its own: whoever measures memory afterwards must be small.
"""

import hashlib
import itertools
import json
import random
import sqlite3
import struct
import sys

KINDS = ["acquired", "restored", "erased", "used", "saved", "dropped", "swapped", "refused", "failed", "held"]
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


def identity(rng, sequence):
    """One event in thousand is in a rare account, in ten thousand of a rare role."""
    account = "999988887777" if sequence % 1000 == 7 else rng.choice(["111122223333", "444455556666"])
    role = "Breakglass" if sequence % 10_000 == 7 else f"Role{rng.randrange(40)}"
    return account, role


def events(first, count, begin, previous, credential):
    """Four events to a credential set; every fifth event has a note of its own, every ten thousandth is on a rare stack."""
    rng = random.Random(1)
    for sequence in range(first, first + count):
        kind = rng.choice(KINDS)
        account, role = identity(rng, sequence)
        detail = {"kind": "assume-role", "note": f"ticket {sequence}"} if sequence % 5 == 0 else {}
        about = [f"ASIAFAKE{sequence:012}", account, f"arn:aws:sts::{account}:assumed-role/{role}/alice@laptop"]
        about_id = credential + (sequence - first) // 4
        if kind in ("refused", "failed"):
            detail |= {"operation": "AssumeRole", "target": f"arn:aws:iam::{account}:role/{role}", "code": "AccessDenied"}
            about, about_id = [None] * 3, None
        elif kind not in ("erased", "held"):
            detail["frames"] = [f"c{about_id}", "c1"]
        detail["actor"] = ACTOR
        stack = "rare" if sequence % 10_000 == 8 else rng.choice(["default", "work"])
        row = [sequence, begin + (sequence - first) * 60, kind, stack, about_id, credential + (sequence - first) // 8, *about]
        row.append(json.dumps(detail, separators=(",", ":")))
        previous = hashlib.sha256(b"credstack event 1\n" + previous + b"".join(map(packed, row))).digest()
        yield (*row, previous)


def credentials(first, count, begin):
    """Erased ones, each signed by the one at half its number, so that lineages branch."""
    rng = random.Random(2)
    for number in range(count):
        account, role = identity(rng, number)
        arn, issued = f"arn:aws:sts::{account}:assumed-role/{role}/alice@laptop", begin + number * 240
        parent = first + number // 2 - 1 if number > 1 else None
        names = (f"generated-{number}", f"generated-{number}", "erased", "assume-role", f"ASIAMADE{number:012}", 1)
        yield (first + number, *names, account, arn, issued, issued + 3600, parent)


def main(path, count):
    database = sqlite3.connect(path)
    database.executescript("PRAGMA synchronous = OFF; PRAGMA cache_size = -200000;")
    query = "SELECT sequence, hash, at FROM event ORDER BY sequence DESC LIMIT 1"
    sequence, previous, at = database.execute(query).fetchone() or (0, bytes(32), 1_700_000_000)
    (newest,) = database.execute("SELECT coalesce(max(id), 0) FROM credential").fetchone()
    sets, at = count // 4 + 1, at - count * 60
    marks = lambda columns: ", ".join("?" * len(columns.split(", ")))
    made = credentials(newest + 1, sets, at)
    database.executemany(f"INSERT INTO credential ({CREDENTIAL}) VALUES ({marks(CREDENTIAL)})", made)
    rows = events(sequence + 1, count, at, previous, newest + 1)
    for part in iter(lambda: list(itertools.islice(rows, 100_000)), []):
        database.executemany(f"INSERT INTO event ({EVENT}) VALUES ({marks(EVENT)})", part)
        database.commit()
    database.close()


main(sys.argv[1], int(sys.argv[2]))
