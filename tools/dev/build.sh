#!/usr/bin/env bash
# Builds a preset with its tests (dev if none is named)
# SPDX-License-Identifier: Apache-2.0
set -euo pipefail
. tools/build_preset.sh
build_preset "${1:-dev}"
