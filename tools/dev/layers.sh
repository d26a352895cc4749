#!/usr/bin/env bash
# Checks who includes whom, file names and heads of files
# SPDX-License-Identifier: Apache-2.0
set -euo pipefail
/usr/bin/python3 tools/check_layers.py
