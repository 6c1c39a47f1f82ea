"""Whole processes, measured by turns, so that a busy moment meets all of them."""

import os
import statistics
import subprocess
import sys
import time


class Row:
    """One command, and what its runs took. `after` is run, untimed, after each of them."""

    def __init__(self, name, command, environment, after=None):
        self.name, self.command, self.environment, self.after = name, list(map(str, command)), environment, after
        self.wall, self.processor, self.peak = [], [], []

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
            # Linux counts kilobytes, and the parent's own at the moment of the start: a small script must do the measuring.
            self.peak.append(usage.ru_maxrss / 1000)
        if self.after:
            subprocess.run(list(map(str, self.after)), env=self.environment, check=True, capture_output=True)

    def median(self):
        return statistics.median(self.wall)


def by_turns(rows, runs):
    """Runs all rows by turns, once to warm up."""
    for turn in range(runs + 1):
        for row in rows:
            row.run(keep=turn > 0)


def measure(title, rows, runs):
    """Prints the table of rows that were run by turns; ratios are to the first row."""
    by_turns(rows, runs)
    print(f"\n| {title} | median ms | min | max | processor ms | ratio |")
    print("|---|--:|--:|--:|--:|--:|")
    first = rows[0].median()
    for row in rows:
        wall, processor = row.median(), statistics.median(row.processor)
        print(f"| {row.name} | {wall:.1f} | {min(row.wall):.1f} | {max(row.wall):.1f} | {processor:.1f} | {wall / first:.1f} |")
    sys.stdout.flush()
