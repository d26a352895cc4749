#!/usr/bin/env python3
"""Makes tables for docs/performance.md of what ./dev bench --json has written.

  tools/bench_table.py RUN.json [RUN-OF-ANOTHER-TARGET.json...]
  tools/bench_table.py --into docs/performance.md RUN.json...

With --into, the tables take the place of what stands between the two lines
<!-- tables --> and <!-- end of tables --> of that file. What they say of the
machine is of this one, and from the bench_kernels that was built last: make
tables where they were run.
"""
# SPDX-License-Identifier: Apache-2.0
import argparse
import datetime
import json
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
PEERS = {"opencv": "OpenCV", "libvips": "libvips", "pillow": "Pillow",
         "libyuv": "libyuv", "turbojpeg": "TurboJPEG"}
TARGETS = {"AVX3_DL": "AVX-512", "AVX2": "AVX2", "SSE4": "SSE4",
           "SCALAR": "scalar"}
# Sizes that stand in one table, and how its title goes on.
SIZES = ((("1920x1080", "4000x3000"), ""),
         (("1931x1087", "4001x2999"), ", sides that are primes"))
BEGIN, END = "<!-- tables -->", "<!-- end of tables -->"


def time_text(milliseconds):
    if milliseconds is None:
        return "-"
    digits = 2 if milliseconds < 10 else 1 if milliseconds < 100 else 0
    return f"{milliseconds:.{digits}f}"


def ratio_text(over, under):
    if not over or not under:
        return ""
    ratio = over / under
    return f" ({ratio:.{2 if ratio < 10 else 0}f}x)"


def split_name(name):
    """("rotate90 u8x3", "1920x1080", "@2" or "")."""
    operation, kind, size = name.split("/")
    size, _, threads = size.partition("@")
    return f"{operation} {kind}", size, "@" + threads if threads else ""


class Row:
    """A row of the table: a kind of operation, in all its sizes."""

    def __init__(self):
        self.runs = {}  # (target, size): what the benchmark has said

    def cell(self, sizes, target, text):
        found = [self.runs.get((target, size)) for size in sizes]
        cells = [text(run) if run else "-" for run in found]
        return "-" if set(cells) == {"-"} else " / ".join(cells)

    def ours(self, run):
        mark = "~" if "ours" in run["estimated"] else ""
        return (mark + time_text(run["ours_ms"]) +
                ratio_text(run["ours_ms"], run["memcpy_ms"]))

    def peer(self, name):
        def text(run):
            time = run["peers"].get(name)
            mark = "~" if name in run["estimated"] else ""
            return mark + time_text(time) + ratio_text(time, run["ours_ms"])
        return text


def table(runs, threads, sizes):
    """Lines of a table; peers stand as the first target's run has them."""
    rows, targets, peers_found = {}, [], set()
    for run in runs:
        kind, size, count = split_name(run["name"])
        if count != threads or size not in sizes:
            continue
        if run["target"] not in targets:
            targets.append(run["target"])
        rows.setdefault(kind, Row()).runs[run["target"], size] = run
        peers_found.update(run["peers"])
    if not rows:
        return []
    peers = [peer for peer in PEERS if peer in peers_found]
    head = [f"ms, {' / '.join(sizes)}",
            *(f"ours, {TARGETS[target]}" for target in targets), "memcpy",
            *(PEERS[peer] for peer in peers)]
    lines = [head, ["---"] * len(head)]
    first = targets[0]
    for kind, row in rows.items():
        lines.append([
            kind,
            *(row.cell(sizes, target, row.ours) for target in targets),
            row.cell(sizes, first, lambda run: time_text(run["memcpy_ms"])),
            *(row.cell(sizes, first, row.peer(peer)) for peer in peers)])
    return ["| " + " | ".join(line) + " |" for line in lines]


def circumstances():
    """This day and this commit."""
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"],
                            capture_output=True, text=True, check=False,
                            cwd=ROOT).stdout.strip()
    return f"{datetime.date.today()}, commit {commit or 'unknown'}."


def machine():
    """Lines of a list, as bench_kernels describes the machine."""
    programs = sorted(ROOT.glob("out/*/bin/bench_kernels"),
                      key=lambda program: program.stat().st_mtime)
    if not programs:
        sys.exit("bench_table: no out/*/bin/bench_kernels to describe the "
                 "machine; run ./dev bench kernels --machine")
    text = subprocess.run([programs[-1], "--machine"], capture_output=True,
                          text=True, check=True).stdout
    return [f"- {line}" for line in text.splitlines()]


def tables(runs):
    lines = [circumstances(), "", "### Machine", "", *machine(), ""]
    for threads, title in (("", "One thread"), ("@2", "Two threads")):
        for sizes, more in SIZES:
            found = table(runs, threads, sizes)
            if found:
                lines += [f"### {title}{more}", "", *found, ""]
    return "\n".join(lines)


def put_into(path, text):
    page = path.read_text()
    before, found_begin, rest = page.partition(BEGIN)
    _, found_end, after = rest.partition(END)
    if not found_begin or not found_end:
        sys.exit(f"bench_table: {path} has no lines {BEGIN} and {END}")
    path.write_text(f"{before}{BEGIN}\n{text}{END}{after}")


def main():
    parser = argparse.ArgumentParser(
        description="Makes tables of what ./dev bench --json has written.")
    parser.add_argument("--into", type=pathlib.Path)
    parser.add_argument("run", nargs="+", type=pathlib.Path)
    arguments = parser.parse_args()
    runs = [run for path in arguments.run
            for run in json.loads(path.read_text())]
    text = tables(runs)
    if arguments.into:
        put_into(arguments.into, text)
    else:
        print(text, end="")


if __name__ == "__main__":
    main()
