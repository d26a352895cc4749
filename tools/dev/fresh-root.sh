#!/usr/bin/env bash
# Clones into an empty Debian root and runs the two commands there
# SPDX-License-Identifier: Apache-2.0
set -euo pipefail
exec bash tools/fresh_root_test.sh "$@"
