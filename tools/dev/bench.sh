#!/usr/bin/env bash
# Measures kernels against other libraries: bench kernels [FLAG...]
# SPDX-License-Identifier: Apache-2.0
set -euo pipefail
what=${1:-}
if [ "$what" != kernels ]; then
  echo "usage: ./dev bench kernels [--json FILE] [--filter REGEX]" >&2
  echo "       [--target avx3_dl|avx2|sse4|scalar] [--seconds S] [--list] [--machine]" >&2
  exit 2
fi
shift
./setup bench || echo "bench: going on with the libraries that are here" >&2
. tools/build_preset.sh
build_preset bench bench_kernels
# Peers' own memory lies in huge pages, as ours does.
export GLIBC_TUNABLES=glibc.malloc.hugetlb=1${GLIBC_TUNABLES:+:$GLIBC_TUNABLES}
exec out/bench/bin/bench_kernels "$@"
