#!/usr/bin/env bash
# Runs the tests and prints which lines they reach
# SPDX-License-Identifier: Apache-2.0
set -euo pipefail
. tools/build_preset.sh
build_preset coverage
ctest --preset coverage -j "$(nproc)" "$@"
gcovr --root . --filter imageadapt/ --exclude '.*_test\.cc' out/coverage
