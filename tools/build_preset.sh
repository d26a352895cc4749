# shellcheck shell=bash
# Sourced: configures and builds a preset of CMakePresets.json.
# SPDX-License-Identifier: Apache-2.0

# build_preset PRESET [TARGET...]: all chatter goes to standard error.
build_preset() {
  local preset=$1
  shift
  local launcher=()
  if command -v ccache >/dev/null; then
    launcher=(-DCMAKE_CXX_COMPILER_LAUNCHER=ccache)
  fi
  cmake --preset "$preset" "${launcher[@]}" >&2
  local targets=() target
  for target in "$@"; do targets+=(--target "$target"); done
  cmake --build --preset "$preset" "${targets[@]}" >&2
}
