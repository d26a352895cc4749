#!/usr/bin/env bash
# What CI checks, apart from ./test and the sanitizers
# SPDX-License-Identifier: Apache-2.0
set -euo pipefail
bash tools/dev/fmt-check.sh
bash tools/dev/layers.sh
shellcheck -x setup build server client test dev .ci/run tools/*.sh tools/dev/*.sh
bash tools/dev/tidy.sh "$@"
bash tools/dev/readme.sh
