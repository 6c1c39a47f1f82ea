"""boto3's GetCallerIdentity: once, or with TEST_CLIENT=running by one client for each line of stdin."""

import os
import sys

import boto3

client = boto3.client("sts")
if os.environ.get("TEST_CLIENT") == "running":
    for _ in sys.stdin:
        print(client.get_caller_identity()["Arn"], flush=True)
else:
    print(client.get_caller_identity()["Arn"])
