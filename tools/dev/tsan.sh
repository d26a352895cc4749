#!/usr/bin/env bash
# Builds and tests the rooms without gRPC with ThreadSanitizer
# SPDX-License-Identifier: Apache-2.0
set -euo pipefail
. tools/build_preset.sh
# gRPC, abseil and TBB are not built for it, so rooms that need them only report
# what is not so.
build_preset tsan exec_test base_test
TSAN_OPTIONS="allocator_may_return_null=1:suppressions=$PWD/tools/tsan.supp ${TSAN_OPTIONS:-}" \
  ctest --test-dir out/tsan -L '^(exec|base)$' --output-on-failure "$@"
