"""What scripts/bench measures: bench.py DIRECTORY_OF_THE_PROGRAMS RUNS."""

import json
import os
import pathlib
import platform
import subprocess
import sys
import tempfile
import urllib.request

from processes import Row, measure

PROGRAMS, RUNS = pathlib.Path(sys.argv[1]).resolve(), int(sys.argv[2])
VENV = pathlib.Path(sys.executable).parent
ROLE = "arn:aws:iam::111122223333:role/Developer"
KEYS = {
    "AWS_ACCESS_KEY_ID": "AKIAFAKEALICE0000001",
    "AWS_SECRET_ACCESS_KEY": "fake+alice+secret/for+the+sandbox+000001",
}


def calls(url):
    with urllib.request.urlopen(f"{url}/_sandbox/calls") as answer:
        return [call["action"] for call in json.load(answer) if call["outcome"] == "ok"]


def prepare(home, base):
    """A credstack and a ~/.aws with the same long-lived keys, so that all sign with the same."""
    (home / ".aws").mkdir()
    (home / ".aws/config").write_text(f"[profile developer]\nrole_arn = {ROLE}\nsource_profile = default\n")
    (home / ".aws/credentials").write_text("".join(["[default]\n"] + [f"{k.lower()} = {v}\n" for k, v in KEYS.items()]))
    setup = [PROGRAMS / "credstack", "setup", "--store", "vault", "--key-file", home / "key"]
    subprocess.run(setup, env=base | KEYS, check=True, capture_output=True)


def compare(url, home):
    base = {"PATH": "/usr/bin:/bin", "HOME": str(home), "LANG": "C.UTF-8", "AWS_ENDPOINT_URL_STS": url}
    base |= {"AWS_REGION": "eu-west-1", "AWS_DEFAULT_REGION": "eu-west-1", "AWS_EC2_METADATA_DISABLED": "true"}
    prepare(home, base)
    keys = base | KEYS
    credstack, aws, awsume = PROGRAMS / "credstack", VENV / "aws", VENV / "awsumepy"
    bare = PROGRAMS / "examples/bare_assume_role"

    asked = len(calls(url))
    assume = [
        Row("`credstack push assume`", [credstack, "push", "assume", ROLE], keys, after=[credstack, "pop", "--quiet"]),
        Row("bare AWS SDK for Rust", [bare, ROLE, "bench"], keys),
        Row("the same, system CAs left out", [bare, ROLE, "bench", "--no-authorities"], keys),
        Row("AWS CLI v1: `aws sts assume-role`", [aws, "sts", "assume-role", "--role-arn", ROLE, "--role-session-name", "bench"], keys),
        Row("awsume: `awsume developer`", [awsume, "developer"], base),
    ]
    measure("push assume", assume, RUNS)
    granted = calls(url)[asked:].count("AssumeRole")
    if granted != len(assume) * (RUNS + 1):
        sys.exit(f"bench: {granted} AssumeRole calls were answered, not {len(assume) * (RUNS + 1)}: something was cached")

    subprocess.run([credstack, "push", "assume", ROLE], env=keys, check=True, capture_output=True)
    measure("whoami", [
        Row("`credstack whoami`", [credstack, "whoami"], keys),
        Row("`credstack whoami --offline`", [credstack, "whoami", "--offline"], keys),
        Row("AWS CLI v1: `aws sts get-caller-identity`", [aws, "sts", "get-caller-identity"], keys),
    ], RUNS)
    measure("list", [
        Row("`credstack list`", [credstack, "list"], keys),
        Row("AWS CLI v1: `aws configure list`", [aws, "configure", "list"], keys),
        Row("awsume: `awsume --list-profiles`", [awsume, "--list-profiles"], base),
    ], RUNS)
    measure("start-up (`--version`)", [
        Row("`credstack`", [credstack, "--version"], base),
        Row("AWS CLI v1", [aws, "--version"], base),
        Row("awsume", [awsume, "--version"], base),
    ], RUNS)
    print("\n| program | MB |\n|---|--:|")
    for program in (credstack, PROGRAMS / "credstack-sandbox", bare):
        print(f"| `{program.name}` | {program.stat().st_size / 1e6:.1f} |")


def version(program):
    with tempfile.TemporaryDirectory() as home:
        command = [VENV / program, "--version"]
        output = subprocess.run(command, env={"HOME": home}, check=True, capture_output=True, text=True)
    return (output.stdout + output.stderr).strip()


def main():
    aws, awsume = (version(program) for program in ("aws", "awsumepy"))
    print(f"Median of {RUNS} runs of the whole process, by turns, against credstack-sandbox on loopback, "
          f"{os.cpu_count()} cores, Linux {platform.release()}, load {os.getloadavg()[0]:.1f} at the start.")
    print(f"{aws.split()[0]}, awsume {awsume}.")
    with tempfile.TemporaryDirectory() as scratch:
        sandbox = subprocess.Popen(
            [PROGRAMS / "credstack-sandbox", "--exit-with-parent"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env={},
        )
        try:
            compare(sandbox.stdout.readline().strip(), pathlib.Path(scratch))
        finally:
            sandbox.terminate()
            sandbox.wait()


main()
