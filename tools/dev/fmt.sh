#!/usr/bin/env bash
# Formats all C++ files
# SPDX-License-Identifier: Apache-2.0
set -euo pipefail
git ls-files -z --cached --others --exclude-standard '*.cc' '*.h' |
  xargs -0 clang-format-19 -i
