#!/usr/bin/env bash
# Runs clang-tidy on files changed since BASE, or on all: tidy [BASE|all]
# SPDX-License-Identifier: Apache-2.0
set -euo pipefail
base=${1:-origin/main}
if [ "$base" = all ]; then
  mapfile -t files < <(git ls-files 'imageadapt/*.cc')
else
  # On main itself, the last commit is what has changed.
  if [ "$(git rev-parse -q --verify "$base")" = "$(git rev-parse HEAD)" ] ||
    ! git rev-parse -q --verify "$base" >/dev/null; then
    base=HEAD~1
  fi
  git rev-parse --verify -q "$base" >/dev/null || exit 0
  mapfile -t files < <(git diff --name-only --diff-filter=AM "$base" -- \
    'imageadapt/*.cc')
fi
# GoogleTest's macros are not written for these checks.
sources=()
for file in "${files[@]}"; do
  case $file in
    *_test.cc) ;;
    *) sources+=("$file") ;;
  esac
done
if [ "${#sources[@]}" -eq 0 ]; then
  echo "tidy: no source file has changed since $base"
  exit 0
fi
. tools/build_preset.sh
# Generated headers must exist, and compile commands must name every file.
build_preset test imageadapt_proto imageadapt_grpc
printf '%s\0' "${sources[@]}" |
  xargs -0 -n 4 -P "$(nproc)" clang-tidy-19 --quiet -p out/test \
    --extra-arg=-DHWY_BROKEN_EMU128=1
