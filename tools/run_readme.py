#!/usr/bin/env python3
"""Runs the shell commands of a Markdown file, so that it cannot go stale.

A block opened with ```sh is run line by line in the repository; a line that
ends in "&" is started, waited for until it says that it serves, and stopped at
the end of its block. Blocks of other kinds are not run.
"""
# SPDX-License-Identifier: Apache-2.0
import pathlib
import re
import signal
import socket
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
LIMIT_SECONDS = 1800


def blocks(text):
    return re.findall(r"^```sh\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


def start(command):
    process = subprocess.Popen(
        ["bash", "-c", "exec " + command.rstrip("& ")], cwd=ROOT,
        stdout=subprocess.PIPE, text=True)
    line = process.stdout.readline()
    if "serving on" not in line:
        process.kill()
        raise SystemExit(f"did not start to serve: {command}")
    return process


def run_block(block):
    started = []
    try:
        for command in block.replace("\\\n", " ").splitlines():
            if not command.strip() or command.startswith("#"):
                continue
            print("+", command, flush=True)
            if command.rstrip().endswith("&"):
                started.append(start(command))
                continue
            done = subprocess.run(["bash", "-c", command], cwd=ROOT,
                                  timeout=LIMIT_SECONDS, check=False)
            if done.returncode != 0:
                raise SystemExit(f"exit code {done.returncode}: {command}")
    finally:
        for process in started:
            process.send_signal(signal.SIGTERM)
            process.wait(timeout=60)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def main():
    found = blocks((ROOT / sys.argv[1]).read_text())
    if not found:
        raise SystemExit("no commands found")
    with tempfile.TemporaryDirectory() as folder:
        for block in found:
            # What a README writes goes to a folder that is thrown away, and its
            # port is only an example.
            block = re.sub(r"--output (?=[^/\s])", f"--output {folder}/", block)
            run_block(re.sub(r"--port \d+", f"--port {free_port()}", block))


if __name__ == "__main__":
    main()
