"""Makes a user with keys, and roles that trust it, in a server that behaves like AWS. Prints the keys as JSON."""

import json
import sys

import boto3

endpoint, key = sys.argv[1:]
EXTERNAL_ID = "fake-external-id"


def document(**statement):
    return json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", **statement}]})


iam = boto3.client(
    "iam", endpoint_url=endpoint, region_name="eu-west-1", aws_access_key_id=key, aws_secret_access_key="fake-root-secret"
)
user = iam.create_user(UserName="alice")["User"]["Arn"]
iam.put_user_policy(UserName="alice", PolicyName="sts", PolicyDocument=document(Action="sts:*", Resource="*"))
made = iam.create_access_key(UserName="alice")["AccessKey"]
trust = {"Principal": {"AWS": user}}
for role, policy in {
    "Deploy": document(
        Action=["sts:AssumeRole", "sts:TagSession"], Condition={"StringEquals": {"sts:ExternalId": EXTERNAL_ID}}, **trust
    ),
    "Plain": document(Action="sts:AssumeRole", **trust),
    "Ci": document(
        Action="sts:AssumeRoleWithWebIdentity",
        Principal={"Federated": "arn:aws:iam::123456789012:oidc-provider/idp.example"},
        Condition={"StringEquals": {"idp.example:aud": "sts.fake"}},
    ),
    "Closed": document(Action="sts:AssumeRole", Principal={"AWS": user.replace("alice", "nobody")}),
}.items():
    iam.create_role(RoleName=role, AssumeRolePolicyDocument=policy)
    iam.put_role_policy(RoleName=role, PolicyName="sts", PolicyDocument=document(Action="sts:*", Resource="*"))
print(json.dumps({"user": user, "key": made["AccessKeyId"], "secret": made["SecretAccessKey"]}))
