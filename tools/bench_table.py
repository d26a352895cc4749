#!/usr/bin/env python3
"""Makes tables for docs/performance.md of what ./dev bench --json has written.

  tools/bench_table.py RUN.json [RUN-OF-ANOTHER-TARGET.json...]
  tools/bench_table.py --into docs/performance.md RUN.json...

With --into, the tables take the place of what stands between the two lines
<!-- tables --> and <!-- end of tables --> of that file.
"""
# SPDX-License-Identifier: Apache-2.0
import argparse
import datetime
import json
import pathlib
import re
import subprocess
import sys

PEERS = {"opencv": "OpenCV", "libvips": "libvips", "pillow": "Pillow",
         "libyuv": "libyuv", "turbojpeg": "TurboJPEG"}
TARGETS = {"AVX3_DL": "AVX-512", "AVX2": "AVX2", "SSE4": "SSE4",
           "SCALAR": "scalar"}
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


def table(runs, threads):
    """Lines of a table; peers stand as the first target's run has them."""
    rows, sizes, targets = {}, [], []
    for run in runs:
        kind, size, count = split_name(run["name"])
        if count != threads:
            continue
        if size not in sizes:
            sizes.append(size)
        if run["target"] not in targets:
            targets.append(run["target"])
        rows.setdefault(kind, Row()).runs[run["target"], size] = run
    if not rows:
        return []
    peers = [peer for peer in PEERS if any(
        peer in run["peers"] for run in runs)]
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
    """This machine, this day, this commit: make tables where they were run."""
    cpus = re.findall(r"model name\s*: (.*)",
                      pathlib.Path("/proc/cpuinfo").read_text())
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"],
                            capture_output=True, text=True, check=False,
                            cwd=pathlib.Path(__file__).parent).stdout.strip()
    return (f"{datetime.date.today()}, commit {commit or 'unknown'}, "
            f"{cpus[0] if cpus else 'unknown processor'}, "
            f"{len(cpus)} processors.")


def tables(runs):
    lines = [circumstances(), ""]
    for threads, title in (("", "One thread"), ("@2", "Two threads")):
        found = table(runs, threads)
        if found:
            lines += [f"### {title}", "", *found, ""]
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
