"""What scripts/bench-cloudtrail measures: bench_cloudtrail.py DIRECTORY-OF-PROGRAMS MEGABYTES.

A trail of so many megabytes with records as AWS writes them, in every form: MB of JSON a second of processor time, which is
what one core does, and the most memory that the process had. Beside them a bare pass of `serde_json` over the same file in
memory, which keeps nothing (IgnoredAny) and neither reads nor joins: as fast as that library can be.
"""

import gzip
import json
import os
import pathlib
import random
import shutil
import sqlite3
import subprocess
import sys
import tempfile

from processes import Row

PROGRAMS, BYTES = pathlib.Path(sys.argv[1]).resolve(), int(sys.argv[2]) * 1_000_000
BEGIN = 1_800_000_000
ACTIONS = [("s3", "GetObject"), ("s3", "PutObject"), ("ec2", "DescribeInstances"), ("kms", "Decrypt"), ("dynamodb", "GetItem")]
OURS = [f"ASIAFAKEOURS{number:08}" for number in range(50)]
RNG = random.Random(1)


def time_of(number):
    minutes, seconds = divmod(number // 40, 60)
    return f"2026-11-{22 + minutes // 1440:02}T{minutes // 60 % 24:02}:{minutes % 60:02}:{seconds:02}Z"


def record(number, share, addresses):
    """One record: every `share`-th is a call with a key of ours."""
    ours = number % share == 0
    key = RNG.choice(OURS) if ours else f"ASIAFAKE{number // 7:012}"
    service, action = RNG.choice(ACTIONS)
    account, arn = "111122223333", "arn:aws:sts::111122223333:assumed-role/Developer/alice@laptop"
    role = f"arn:aws:iam::{account}:role/Developer"
    issuer = {"type": "Role", "principalId": "AROAFAKE", "arn": role, "accountId": account, "userName": "Developer"}
    host, cipher = "fake-bucket.s3.amazonaws.com", "TLS_AES_128_GCM_SHA256"
    attributes = {"creationDate": time_of(number), "mfaAuthenticated": "false"}
    return {
        "eventVersion": "1.11",
        "userIdentity": {
            "type": "AssumedRole", "principalId": "AROAFAKE:alice@laptop", "arn": arn, "accountId": account, "accessKeyId": key,
            "sessionContext": {"sessionIssuer": issuer, "webIdFederationData": {}, "attributes": attributes},
        },
        "eventTime": time_of(number), "eventSource": f"{service}.amazonaws.com", "eventName": action, "awsRegion": "eu-west-1",
        "sourceIPAddress": f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}" if addresses else "198.51.100.7",
        "userAgent": "[aws-cli/2.31.0 md/awscrt#0.27.6 ua/2.1 os/linux#6.8 lang/python#3.13 md/prompt#off md/command#s3.cp]",
        "requestParameters": {"bucketName": "fake-bucket", "Host": host, "key": f"folder/{number}/\"part\".parquet"},
        "responseElements": None,
        "additionalEventData": {"SignatureVersion": "SigV4", "CipherSuite": cipher, "bytesTransferredIn": 0,
                                "AuthenticationMethod": "AuthHeader", "x-amz-id-2": "fake" * 19, "bytesTransferredOut": number},
        "requestID": f"FAKE{number:012}", "eventID": f"00000000-0000-4000-8000-{number:012x}", "readOnly": action != "PutObject",
        "resources": [{"type": "AWS::S3::Object", "ARN": f"arn:aws:s3:::fake-bucket/folder/{number}"},
                      {"accountId": account, "type": "AWS::S3::Bucket", "ARN": "arn:aws:s3:::fake-bucket"}],
        "eventType": "AwsApiCall", "managementEvent": False, "recipientAccountId": account, "eventCategory": "Data",
        "tlsDetails": {"tlsVersion": "TLSv1.3", "cipherSuite": cipher, "clientProvidedHostHeader": host},
    }


def trail(path, share=20, addresses=False, form="log"):
    """Writes a trail; how many bytes it has."""
    with open(path, "w") as out:
        out.write({"log": '{"Records":[', "lookup": '{"Events":[', "lines": ""}[form])
        number, written = 0, 0
        while written < BYTES:
            text = json.dumps(record(number, share, addresses), separators=(",", ":"))
            if form == "lookup":
                text = json.dumps({"EventId": str(number), "EventTime": time_of(number), "CloudTrailEvent": text})
            separator = "" if form == "lines" or number == 0 else ","
            written += out.write(separator + text + ("\n" if form == "lines" else ""))
            number += 1
        out.write({"log": "]}", "lookup": "]}", "lines": ""}[form])
    return os.path.getsize(path)


def known(directory):
    """A state directory that knows the keys."""
    environment = {"HOME": str(directory), "PATH": "/usr/bin:/bin", "CREDSTACK_STATE_DIR": str(directory / "state")}
    setup = [PROGRAMS / "credstack", "--quiet", "setup", "--store", "vault", "--key-file", str(directory / "key")]
    subprocess.run(setup, env=environment, check=True)
    database = sqlite3.connect(directory / "state" / "credstack.db")
    columns = "item, nonce, state, kind, access_key_id, temporary, issued_at, expires_at"
    rows = [(key, "", "erased", "assume-role", key, 1, BEGIN - 10**9, BEGIN + 10**9) for key in OURS]
    database.executemany(f"INSERT INTO credential ({columns}) VALUES ({', '.join('?' * 8)})", rows)
    database.commit()
    database.close()
    return environment


def measured(environment, path):
    """Seconds of processor time, and megabytes of memory at most, of one whole run."""
    row = Row(path.name, [PROGRAMS / "credstack", "--json", "audit", "cloudtrail", path], environment)
    row.run()
    return row.processor[0] / 1000, row.peak[0]


def bare(path):
    """Seconds that a bare pass takes: the best of three, for it is told by the clock."""
    command = [PROGRAMS / "examples" / "bare_json", path]
    return min(float(subprocess.run(command, check=True, capture_output=True).stdout) for _ in range(3))


with tempfile.TemporaryDirectory() as scratch:
    directory = pathlib.Path(scratch)
    environment = known(directory)
    print("| trail | MB of JSON | MB/s | memory, MB | bare `serde_json`, MB/s |\n|---|--:|--:|--:|--:|", flush=True)
    kinds = [
        ("log files, 5 % of the calls with our keys", {}),
        ("log files, all of them with our keys", {"share": 1}),
        ("the same, each from another address", {"share": 1, "addresses": True}),
        ("JSON lines", {"form": "lines"}),
        ("`lookup-events`", {"form": "lookup"}),
    ]
    path = directory / "trail.json"
    for name, how in kinds:
        size = trail(path, **how) / 1e6
        (seconds, memory), alone = measured(environment, path), bare(path)
        print(f"| {name} | {size:.0f} | {size / seconds:.0f} | {memory:.0f} | {size / alone:.0f} |", flush=True)
    size = trail(path) / 1e6
    with open(path, "rb") as plain, gzip.open(directory / "trail.json.gz", "wb", 6) as packed:
        shutil.copyfileobj(plain, packed)
    seconds, memory = measured(environment, directory / "trail.json.gz")
    print(f"| log files, gzipped | {size:.0f} | {size / seconds:.0f} | {memory:.0f} | |")
