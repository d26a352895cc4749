#!/usr/bin/env python3
"""Fails if a room includes what cmake/layers.txt does not allow, if two files
have the same name, or if a file lacks its head."""
# SPDX-License-Identifier: Apache-2.0
import collections
import pathlib
import re
import sys

INCLUDE = re.compile(r'^\s*#\s*include\s+"imageadapt/([^/"]+)/', re.MULTILINE)
LICENSE = "SPDX-License-Identifier: Apache-2.0"


def read_layers(text):
    """Room -> rooms it may include; a room may only use those above it."""
    allowed = {}
    for line in text.splitlines():
        words = line.split("#")[0].split()
        if not words:
            continue
        room, uses = words[0], [word for word in words[1:] if word != "-"]
        unknown = [use for use in uses if use not in allowed and use != "proto"]
        if unknown:
            raise ValueError(f"layers.txt: {room} uses {unknown}, "
                             "which is not listed above it")
        allowed[room] = {room, *uses}
    return allowed


def check_includes(root, allowed):
    for path in sorted((root / "imageadapt").rglob("*")):
        if path.suffix not in {".h", ".cc", ".inc"}:
            continue
        room = path.relative_to(root / "imageadapt").parts[0]
        name = path.relative_to(root)
        if room != "testing" and room not in allowed:
            yield f"{name}: room {room} is not in cmake/layers.txt"
            continue
        is_test = path.stem.endswith(("_test", "_bench"))
        for used in INCLUDE.findall(path.read_text()):
            used = "proto" if re.fullmatch(r"v\d+", used) else used
            if room == "testing" or (is_test and used == "testing"):
                continue
            if used not in allowed[room]:
                yield f"{name}: {room} must not include {used}"


def check_names(root):
    """Names are unique, so that a name in a log or a stack says which file."""
    seen = collections.defaultdict(set)
    for path in (root / "imageadapt").rglob("*"):
        if path.suffix in {".h", ".cc"}:
            seen[path.stem].add(path.parent.relative_to(root))
    for stem, folders in sorted(seen.items()):
        if len(folders) > 1:
            yield f"{stem}: stands in {sorted(map(str, folders))}"


def check_heads(root):
    for path in sorted((root / "imageadapt").rglob("*.h")):
        lines = path.read_text().splitlines()
        name = path.relative_to(root)
        if not lines or not re.match(r"// \S.*", lines[0]):
            yield f"{name}: does not begin with a sentence about itself"
        if LICENSE not in "\n".join(lines[:8]):
            yield f"{name}: has no line {LICENSE}"


def check(root):
    try:
        allowed = read_layers((root / "cmake/layers.txt").read_text())
    except ValueError as error:
        return [str(error)]
    return [*check_includes(root, allowed), *check_names(root),
            *check_heads(root)]


def main():
    problems = check(pathlib.Path(__file__).resolve().parent.parent)
    for problem in problems:
        print(problem, file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
