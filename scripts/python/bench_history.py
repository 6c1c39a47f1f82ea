"""What scripts/bench-history measures: bench_history.py CREDSTACK EVENTS RUNS.

A log of so many events, as the program writes them, the hash chain included; then `history --limit 50` with each filter by
itself, whole processes, beside the same with no filter on a log of ten events.
"""

import hashlib
import json
import os
import pathlib
import random
import sqlite3
import statistics
import struct
import subprocess
import sys
import tempfile
import time

PROGRAM, EVENTS, RUNS = pathlib.Path(sys.argv[1]).resolve(), int(sys.argv[2]), int(sys.argv[3])
BEGIN = 1_700_000_000
KINDS = ["acquired", "restored", "erased", "used", "saved", "dropped", "swapped", "refused", "failed", "held"]


def packed(value):
    if value is None:
        return b"n"
    if isinstance(value, int):
        return b"i" + struct.pack(">q", value)
    return b"t" + struct.pack(">Q", len(value.encode())) + value.encode()


def rows(count):
    """One event in thousand is in a rare account, in ten thousand on a rare stack; every fifth has a note of its own."""
    rng, previous = random.Random(1), bytes(32)
    for sequence in range(1, count + 1):
        kind = rng.choice(KINDS)
        account = "999988887777" if sequence % 1000 == 7 else rng.choice(["111122223333", "444455556666"])
        role = "Breakglass" if sequence % 10_000 == 7 else f"Role{rng.randrange(40)}"
        detail = {"kind": "assume-role", "note": f"ticket {sequence}"} if sequence % 5 == 0 else {}
        about = [f"ASIAFAKE{sequence:012}", account, f"arn:aws:sts::{account}:assumed-role/{role}/alice@laptop"]
        credential = sequence // 4 + 1
        if kind in ("refused", "failed"):
            detail |= {"operation": "AssumeRole", "target": f"arn:aws:iam::{account}:role/{role}", "code": "AccessDenied"}
            about, credential = [None] * 3, None
        detail["actor"] = {"user": "alice", "host": "laptop", "terminal": "/dev/pts/3", "process": 4242, "version": "0.1.0"}
        stack = "rare" if sequence % 10_000 == 8 else rng.choice(["default", "work"])
        row = [sequence, BEGIN + sequence * 60, kind, stack, credential, max(1, sequence // 8), *about, json.dumps(detail)]
        previous = hashlib.sha256(b"credstack event 1\n" + previous + b"".join(map(packed, row))).digest()
        yield (*row, previous)


def filled(directory, count):
    """A state directory with such a log."""
    environment = {"HOME": str(directory), "PATH": "/usr/bin:/bin", "CREDSTACK_STATE_DIR": str(directory / "state")}
    setup = [PROGRAM, "--quiet", "setup", "--store", "vault", "--key-file", str(directory / "key")]
    subprocess.run(setup, env=environment, check=True)
    database = sqlite3.connect(directory / "state" / "credstack.db")
    database.executescript("DROP TRIGGER event_is_never_deleted; DELETE FROM event;")
    columns = "sequence, at, event, stack, credential, parent, access_key_id, account, arn, detail, hash"
    database.executemany(f"INSERT INTO event ({columns}) VALUES ({', '.join('?' * 11)})", rows(count))
    database.commit()
    database.close()
    return environment


def measured(environment, options):
    """The median of whole processes, in milliseconds, and how many events came."""
    command, took = [str(PROGRAM), "history", "--limit", "50", *options], []
    for _ in range(RUNS + 1):
        begun = time.perf_counter()
        shown = subprocess.run([*command, "--jsonl"], env=environment, check=True, capture_output=True)
        took.append((time.perf_counter() - begun) * 1000)
    return statistics.median(took[1:]), shown.stdout.count(b"\n")


def day(share):
    return time.strftime("%Y-%m-%d", time.gmtime(BEGIN + int(EVENTS * 60 * share)))


with tempfile.TemporaryDirectory() as scratch:
    small, large = pathlib.Path(scratch, "small"), pathlib.Path(scratch, "large")
    small.mkdir(), large.mkdir()
    few, many = filled(small, 10), filled(large, EVENTS)
    size = os.path.getsize(large / "state" / "credstack.db") / 1e6
    print(f"| `history --limit 50` of {EVENTS:,} events, {size:.0f} MB | median ms | events |\n|---|--:|--:|")
    print("| ten events, no filter | {:.1f} | {} |".format(*measured(few, [])))
    arn = "arn:aws:sts::111122223333:assumed-role/Role7/alice@laptop"
    asked = [
        [],
        ["--since", day(0.5)],
        ["--until", day(0.5)],
        ["--since", "2100-01-01"],
        ["--account", "111122223333"],
        ["--account", "999988887777"],
        ["--role", "Role7"],
        ["--role", "Breakglass"],
        ["--role", "arn:aws:iam::111122223333:role/Role7"],
        ["--role", "Nobody"],
        ["--arn", arn],
        ["--key", f"ASIAFAKE{EVENTS // 2:012}"],
        ["--credential", "c1"],
        ["--credential", f"c{EVENTS // 8}"],
        ["--stack", "work"],
        ["--stack", "rare"],
        ["--event", "acquired"],
        ["--event", "captured"],
        ["--failed"],
        ["--note", "ticket"],
        ["--note", "TICKET 5"],
        ["--note", "there is no such note"],
    ]
    for options in asked:
        print("| `{}` | {:.1f} | {} |".format(" ".join(options) or "no filter", *measured(many, options)), flush=True)
