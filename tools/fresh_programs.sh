# shellcheck shell=bash
# Sourced by ./server and ./client.
# SPDX-License-Identifier: Apache-2.0

# make_programs_fresh TOP: builds the programs unless they are newer than every
# source.
make_programs_fresh() {
  local top=$1
  local stamp=$top/out/release/.built
  if [ -e "$stamp" ] && [ -z "$(find "$top/imageadapt" "$top/proto" \
    "$top/cmake" "$top/CMakeLists.txt" "$top/CMakePresets.json" \
    -newer "$stamp" -print -quit)" ]; then
    return
  fi
  "$top/build" || {
    echo "the build failed" >&2
    exit 1
  }
}
