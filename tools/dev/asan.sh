#!/usr/bin/env bash
# Builds and tests with AddressSanitizer and UndefinedBehaviorSanitizer
# SPDX-License-Identifier: Apache-2.0
set -euo pipefail
. tools/build_preset.sh
build_preset asan
exec ctest --preset asan -j "$(nproc)" "$@"
