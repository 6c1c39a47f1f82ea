"""What scripts/bench measures: bench.py DIRECTORY_OF_THE_PROGRAMS RUNS."""

import json
import os
import pathlib
import platform
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request

PROGRAMS, RUNS = pathlib.Path(sys.argv[1]).resolve(), int(sys.argv[2])
VENV = pathlib.Path(sys.executable).parent
ROLE = "arn:aws:iam::111122223333:role/Developer"
KEYS = {
    "AWS_ACCESS_KEY_ID": "AKIAFAKEALICE0000001",
    "AWS_SECRET_ACCESS_KEY": "fake+alice+secret/for+the+sandbox+000001",
}


class Row:
    """One program of a table, and what its runs took. `after` is run, untimed, after each of them."""

    def __init__(self, name, command, environment, after=None):
        self.name, self.command, self.environment, self.after = name, list(map(str, command)), environment, after
        self.wall, self.processor = [], []

    def run(self, keep=True):
        nothing = [(os.POSIX_SPAWN_OPEN, descriptor, os.devnull, os.O_RDWR, 0) for descriptor in (0, 1, 2)]
        begun = time.perf_counter()
        process = os.posix_spawn(self.command[0], self.command, self.environment, file_actions=nothing)
        _, status, usage = os.wait4(process, 0)
        took = time.perf_counter() - begun
        if status != 0:
            again = subprocess.run(self.command, env=self.environment, capture_output=True, text=True)
            sys.exit(f"bench: {' '.join(self.command)} failed:\n{again.stdout}{again.stderr}")
        if keep:
            self.wall.append(took * 1000)
            self.processor.append((usage.ru_utime + usage.ru_stime) * 1000)
        if self.after:
            subprocess.run(self.after, env=self.environment, check=True, capture_output=True)


def measure(title, rows):
    """Runs all rows by turns, once to warm up, and prints their table; ratios are to the first row."""
    for turn in range(RUNS + 1):
        for row in rows:
            row.run(keep=turn > 0)
    print(f"\n| {title} | median ms | min | max | processor ms | ratio |")
    print("|---|--:|--:|--:|--:|--:|")
    first = statistics.median(rows[0].wall)
    for row in rows:
        wall, processor = statistics.median(row.wall), statistics.median(row.processor)
        print(f"| {row.name} | {wall:.1f} | {min(row.wall):.1f} | {max(row.wall):.1f} | {processor:.1f} | {wall / first:.1f} |")
    sys.stdout.flush()


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
    measure("push assume", assume)
    granted = calls(url)[asked:].count("AssumeRole")
    if granted != len(assume) * (RUNS + 1):
        sys.exit(f"bench: {granted} AssumeRole calls were answered, not {len(assume) * (RUNS + 1)}: something was cached")

    subprocess.run([credstack, "push", "assume", ROLE], env=keys, check=True, capture_output=True)
    measure("whoami", [
        Row("`credstack whoami`", [credstack, "whoami"], keys),
        Row("`credstack whoami --offline`", [credstack, "whoami", "--offline"], keys),
        Row("AWS CLI v1: `aws sts get-caller-identity`", [aws, "sts", "get-caller-identity"], keys),
    ])
    measure("list", [
        Row("`credstack list`", [credstack, "list"], keys),
        Row("AWS CLI v1: `aws configure list`", [aws, "configure", "list"], keys),
        Row("awsume: `awsume --list-profiles`", [awsume, "--list-profiles"], base),
    ])
    measure("start-up (`--version`)", [
        Row("`credstack`", [credstack, "--version"], base),
        Row("AWS CLI v1", [aws, "--version"], base),
        Row("awsume", [awsume, "--version"], base),
    ])
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
