#!/usr/bin/env bash
# Compiles every header alone
# SPDX-License-Identifier: Apache-2.0
set -euo pipefail
. tools/build_preset.sh
build_preset dev all_verify_interface_header_sets
