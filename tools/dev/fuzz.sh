#!/usr/bin/env bash
# Fuzzes one target for a while: fuzz TARGET [SECONDS]
# SPDX-License-Identifier: Apache-2.0
set -euo pipefail
target=${1:?usage: ./dev fuzz TARGET [SECONDS], TARGET one of $(ls fuzz/fuzz_*.cc)}
seconds=${2:-60}
. tools/build_preset.sh
build_preset fuzz "fuzz_$target" make_seeds
work=out/fuzz/corpus/$target
mkdir -p "$work" "fuzz/crashes/$target"
out/fuzz/bin/make_seeds "$target" "$work"
words=()
if [ -f "fuzz/dict/$target.dict" ]; then
  words=("-dict=fuzz/dict/$target.dict")
fi
exec "out/fuzz/bin/fuzz_$target" "${words[@]}" -max_total_time="$seconds" \
  -rss_limit_mb=2048 -timeout=20 -artifact_prefix="fuzz/crashes/$target/" \
  "$work"
