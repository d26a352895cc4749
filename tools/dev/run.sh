#!/usr/bin/env bash
# Builds and runs the server: run [FLAG...]
# SPDX-License-Identifier: Apache-2.0
set -euo pipefail
exec ./server "$@"
