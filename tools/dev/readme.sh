#!/usr/bin/env bash
# Runs the commands that README.md shows
# SPDX-License-Identifier: Apache-2.0
set -euo pipefail
exec /usr/bin/python3 tools/run_readme.py README.md
