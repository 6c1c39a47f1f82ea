"""GetCallerIdentity by boto3 and its default chain, a JSON line each: once, or with TEST_CLIENT=running by one client for each
line of stdin."""

import json
import os
import sys

import boto3

session = boto3.Session()
clients = []


def ask():
    line = {}
    try:
        if not clients:
            clients.append(session.client("sts"))
        line["region"] = clients[0].meta.region_name
        answer = clients[0].get_caller_identity()
        line["arn"], line["account"] = answer["Arn"], answer["Account"]
        given = session.get_credentials()
        line["account_given"] = getattr(given, "account_id", None)
        expires = getattr(given, "_expiry_time", None)
        line["expires"] = expires and expires.isoformat()
    except Exception as error:
        line["error"] = str(error)
    print(json.dumps(line), flush=True)


if os.environ.get("TEST_CLIENT") == "running":
    for _ in sys.stdin:
        ask()
else:
    ask()
