"""What scripts/bench-log measures: bench_log.py DIRECTORY_OF_THE_PROGRAMS EVENTS RUNS."""

import os
import pathlib
import platform
import subprocess
import sys
import tempfile
import time

from processes import Row, by_turns

PROGRAMS, EVENTS, RUNS = pathlib.Path(sys.argv[1]).resolve(), int(sys.argv[2]), int(sys.argv[3])
CREDSTACK = PROGRAMS / "credstack"
PUSHES = 300


def prepared(home, url, generated):
    """A home with a vault and such a log; with a current frame, as people have one."""
    home.mkdir()
    environment = {
        "HOME": str(home), "PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "CREDSTACK_STATE_DIR": str(home / "state"),
        "AWS_ENDPOINT_URL_STS": url, "AWS_REGION": "eu-west-1", "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_ACCESS_KEY_ID": "AKIAFAKEALICE0000001", "AWS_SECRET_ACCESS_KEY": "fake+alice+secret/for+the+sandbox+000001",
    }
    run = lambda *arguments: subprocess.run([CREDSTACK, "--quiet", *arguments], env=environment, check=True)
    run("setup", "--store", "vault", "--key-file", str(home / "key"))
    if generated:
        grow = [sys.executable, pathlib.Path(__file__).with_name("generated_log.py"), home / "state/credstack.db", str(generated)]
        subprocess.run(grow, check=True)
        for number in range(PUSHES):
            run("push", "assume", "Developer", "--note", f"real push {number}")
            run("pop")
    run("push", "assume", "Developer")
    return environment


def head(environment):
    asked = subprocess.run([CREDSTACK, "audit", "head"], env=environment, check=True, capture_output=True, text=True)
    return int(asked.stdout.partition(":")[0])


def hot_path(few, many):
    """Each command on both logs, by turns: what a long log costs is the ratio."""
    push = [CREDSTACK, "--quiet", "push", "assume", "Developer", "--stack", "bench"]
    pop = [CREDSTACK, "--quiet", "pop", "--stack", "bench"]
    commands = {
        "prompt": ([CREDSTACK, "prompt"], None),
        "credential-process": ([CREDSTACK, "credential-process"], None),
        "list": ([CREDSTACK, "list"], None),
        "push assume": (push, pop),
        "pop": (pop, push),
    }
    print(f"\n| command | ms, {head(few)} events | ms, {head(many):,} events | ratio |\n|---|--:|--:|--:|")
    for name, (command, after) in commands.items():
        rows = [Row(name, command, few, after), Row(name, command, many, after)]
        if command is pop:
            for row in rows:
                subprocess.run(push, env=row.environment, check=True)
        by_turns(rows, RUNS * 2)
        print("| `{}` | {:.1f} | {:.1f} | {:.2f} |".format(
            name, rows[0].median(), rows[1].median(), rows[1].median() / rows[0].median()), flush=True)


def verify(many):
    row = Row("audit verify", [CREDSTACK, "audit", "verify"], many)
    by_turns([row], max(RUNS // 4, 3))
    seconds, count = row.median() / 1000, head(many)
    print(f"\n`audit verify`: {count:,} events in {seconds:.2f} s, {count / seconds:,.0f} a second, {max(row.peak):.0f} MB at most.")


def history(few, many):
    day = lambda share: time.strftime("%Y-%m-%d", time.gmtime(time.time() - EVENTS * 60 * share))
    arn = "arn:aws:sts::111122223333:assumed-role/Role7/alice@laptop"
    asked = [
        [], ["--since", day(0.5)], ["--until", day(0.5)], ["--since", "2100-01-01"],
        ["--account", "111122223333"], ["--account", "999988887777"],
        ["--role", "Role7"], ["--role", "Breakglass"], ["--role", "arn:aws:iam::111122223333:role/Role7"], ["--role", "Nobody"],
        ["--arn", arn], ["--key", f"ASIAFAKE{EVENTS // 8:012}"], ["--credential", "c1"], ["--credential", f"c{EVENTS // 8}"],
        ["--stack", "work"], ["--stack", "rare"], ["--event", "acquired"], ["--event", "captured"], ["--failed"],
        ["--note", "ticket"], ["--note", "TICKET 5"], ["--note", "real push 7"], ["--note", "there is no such note"],
    ]
    print(f"\n| `history --limit 50` of {head(many):,} events | ms | events | MB at most |\n|---|--:|--:|--:|")
    for environment, options in [(few, []), *((many, options) for options in asked)]:
        command = [CREDSTACK, "history", "--limit", "50", "--jsonl", *options]
        shown = subprocess.run(command, env=environment, check=True, capture_output=True).stdout.count(b"\n")
        row = Row("", command, environment)
        by_turns([row], RUNS)
        name = "no filter, the short log" if environment is few else f"`{' '.join(options)}`" if options else "no filter"
        print(f"| {name} | {row.median():.1f} | {shown} | {max(row.peak):.0f} |", flush=True)


def main():
    load = os.getloadavg()[0]
    print(f"Medians of whole processes, {RUNS} runs or more, {os.cpu_count()} cores, Linux {platform.release()}, load {load:.1f} at the start.")
    with tempfile.TemporaryDirectory() as scratch:
        sandbox = subprocess.Popen(
            [PROGRAMS / "credstack-sandbox", "--exit-with-parent"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env={},
        )
        try:
            url = sandbox.stdout.readline().strip()
            few, many = prepared(pathlib.Path(scratch, "few"), url, 0), prepared(pathlib.Path(scratch, "many"), url, EVENTS)
            size = os.path.getsize(pathlib.Path(scratch, "many/state/credstack.db")) / 1e6
            print(f"The long log's database has {size:.0f} MB.")
            hot_path(few, many)
            verify(many)
            history(few, many)
        finally:
            sandbox.terminate()
            sandbox.wait()


main()
