#!/usr/bin/env bash
# Fails if a C++ file is not formatted
# SPDX-License-Identifier: Apache-2.0
set -euo pipefail
git ls-files -z --cached --others --exclude-standard '*.cc' '*.h' |
  xargs -0 clang-format-19 --dry-run --Werror
