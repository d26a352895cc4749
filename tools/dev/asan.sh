#!/usr/bin/env bash
# Builds and tests with AddressSanitizer and UndefinedBehaviorSanitizer
# SPDX-License-Identifier: Apache-2.0
set -euo pipefail
. tools/build_preset.sh
build_preset asan
# Too large an allocation is an error for the caller, not for the sanitizer.
export ASAN_OPTIONS=allocator_may_return_null=1:${ASAN_OPTIONS:-}
export LSAN_OPTIONS=suppressions=$PWD/tools/lsan.supp:print_suppressions=0:${LSAN_OPTIONS:-}
export UBSAN_OPTIONS=print_stacktrace=1:${UBSAN_OPTIONS:-}
exec ctest --preset asan -j "$(nproc)" "$@"
