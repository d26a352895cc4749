#!/usr/bin/env bash
# Builds the dev preset and runs its tests: test [CTEST-ARGUMENT...]
# SPDX-License-Identifier: Apache-2.0
set -euo pipefail
. tools/build_preset.sh
build_preset dev
exec ctest --preset dev -j "$(nproc)" "$@"
