"""What the scripts beside this one share: clients, the admin paths, and how to expect a refusal."""

import json
import os
import urllib.request

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

URL = os.environ["AWS_ENDPOINT_URL_STS"]
SERIAL = "arn:aws:iam::111122223333:mfa/alice"
DEVELOPER = "arn:aws:iam::111122223333:role/Developer"
READ_ONLY = "arn:aws:iam::444455556666:role/ReadOnly"


def client(key, secret, token=None, region="eu-west-1", **config):
    return boto3.client(
        "sts",
        region_name=region,
        aws_access_key_id=key,
        aws_secret_access_key=secret,
        aws_session_token=token,
        config=Config(**config),
    )


def alice(**options):
    return client("AKIAFAKEALICE0000001", "fake+alice+secret/for+the+sandbox+000001", **options)


def bob(**options):
    return client("AKIAFAKEBOB000000001", "fake+bob+secret/for+the+sandbox+00000001", **options)


def root(**options):
    return client("AKIAFAKEROOTDEV00001", "fake+root+dev+secret/for+the+sandbox+001", **options)


def session(answer, **options):
    c = answer["Credentials"]
    return client(c["AccessKeyId"], c["SecretAccessKey"], c["SessionToken"], **options)


def assume(sts, role, **parameters):
    return sts.assume_role(RoleArn=role, RoleSessionName="me", **parameters)


def admin(method, path, body=None):
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(URL + "/_sandbox/" + path, data=data, method=method)
    with urllib.request.urlopen(request) as answer:
        return answer.read().decode()


def faults(**fields):
    admin("PUT", "faults", fields)


def outcomes():
    """The outcomes of the calls since the last time."""
    calls = json.loads(admin("GET", "calls"))
    admin("DELETE", "calls")
    return [call["outcome"] for call in calls]


def refused(code, status, what, **parameters):
    """Calls, expects this error, and returns its message."""
    try:
        what(**parameters)
    except ClientError as error:
        answer = error.response
        found = (answer["Error"]["Code"], answer["ResponseMetadata"]["HTTPStatusCode"])
        assert found == (code, status), answer
        assert answer["ResponseMetadata"]["RequestId"], answer
        return answer["Error"]["Message"]
    raise AssertionError(f"expected {code}")
